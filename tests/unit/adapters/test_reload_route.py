"""``POST /-/reload``, over loopback, with a real client."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import bcrypt
import pytest

from firstreply.adapters.http import Server
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.reload_route import ReloadRoute
from firstreply.adapters.web_security import WebSecurity
from firstreply.domain.bands import Band, Policy
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import DAY
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Health

BOOK = PolicyBook([Policy("other", (Band("24h", DAY),))])


class Configuration:
    """Reloads as it is told to."""

    def __init__(self) -> None:
        self.reloads = 0
        self.wrong = ""

    async def reload(self) -> Sequence[str]:
        self.reloads += 1
        if self.wrong:
            raise ConfigurationError(self.wrong)
        return ["grace: 5s -> 6s"]


@pytest.fixture
def configuration() -> Configuration:
    return Configuration()


Serve = Callable[..., Awaitable[aiohttp.ClientSession]]


@pytest.fixture
async def serve(configuration: Configuration) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def started(*, on: bool = True, web: Path | None = None) -> aiohttp.ClientSession:
            route = ReloadRoute(configuration.reload if on else None)
            server = Server(Publisher(BOOK, "e"), Health(60, 0), route, security=WebSecurity(web))
            stack.push_async_callback(server.stop)
            await server.start("127.0.0.1", 0)
            return await stack.enter_async_context(aiohttp.ClientSession(server.address))

        yield started


async def test_a_reload_answers_what_changed(serve: Serve, configuration: Configuration) -> None:
    client = await serve()

    answer = await client.post("/-/reload")

    assert (answer.status, await answer.json()) == (200, {"changed": ["grace: 5s -> 6s"]})
    assert configuration.reloads == 1


async def test_a_refusal_answers_422_with_every_mistake(
    serve: Serve, configuration: Configuration
) -> None:
    configuration.wrong = "c.yaml:1:1: graze: unknown\nc.yaml:2:1: language: de"
    client = await serve()

    answer = await client.post("/-/reload")

    assert answer.status == 422
    assert (await answer.json())["error"] == configuration.wrong


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_other_methods_are_answered_405_and_do_nothing(
    serve: Serve, configuration: Configuration, method: str, *, on: bool
) -> None:
    client = await serve(on=on)

    answer = await client.request(method, "/-/reload")

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert configuration.reloads == 0


async def test_where_it_is_off_it_answers_403_and_the_remedy(
    serve: Serve, configuration: Configuration
) -> None:
    client = await serve(on=False)

    answer = await client.post("/-/reload")

    assert answer.status == 403
    assert "set http.reload: true" in (await answer.json())["error"]
    assert configuration.reloads == 0


async def test_a_page_in_a_browser_cannot_reload(
    serve: Serve, configuration: Configuration
) -> None:
    client = await serve()

    answer = await client.post("/-/reload", headers={"Origin": "https://shop.example"})

    assert answer.status == 403
    assert configuration.reloads == 0


async def test_where_passwords_are_asked_for_a_reload_needs_one(
    serve: Serve, configuration: Configuration, tmp_path: Path
) -> None:
    hashed = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{ann: {hashed}}}")
    client = await serve(web=tmp_path / "web.yml")

    without = await client.post("/-/reload")
    wrong = await client.post(
        "/-/reload", headers={"Authorization": aiohttp.encode_basic_auth("ann", "guess")}
    )
    reloads_without = configuration.reloads
    with_one = await client.post(
        "/-/reload", headers={"Authorization": aiohttp.encode_basic_auth("ann", "secret")}
    )

    assert (without.status, wrong.status, reloads_without) == (401, 401, 0)
    assert (with_one.status, configuration.reloads) == (200, 1)


async def test_a_body_is_refused_unread(serve: Serve, configuration: Configuration) -> None:
    client = await serve()

    answer = await client.post("/-/reload", data=b"grace: 1s")

    assert answer.status == 413
    assert configuration.reloads == 0
