"""When tokens are fetched, what is sent for them, and what is not believed."""

import asyncio
import base64
import json
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka.tokens import OauthClient, TokenError, TokenProvider
from firstreply.domain.errors import ConfigurationError
from tests.unit.certificates import make_authority, sign

Answer = tuple[int, object, dict[str, str]]


class Endpoint:
    """A token endpoint that answers as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: Callable[[], Answer] = self.numbered
        self.url = ""
        self.asked: list[tuple[str, str, str]] = []
        """Method, ``Authorization`` and body."""

    def numbered(self) -> Answer:
        return 200, {"access_token": f"token-{len(self.asked)}", "expires_in": 100}, {}

    def says(self, status: int, content: object, **headers: str) -> None:
        self.answer = lambda: (status, content, headers)


@contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            endpoint.asked.append((self.command, self.headers.get("Authorization", ""), body))
            status, content, headers = endpoint.answer()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(
                content if isinstance(content, bytes) else json.dumps(content).encode()
            )

        do_GET = do_POST  # noqa: N815 - its name in http.server

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    scheme = "http"
    if context is not None:
        scheme, server.socket = "https", context.wrap_socket(server.socket, server_side=True)
    endpoint.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with served() as one:
        yield one


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def provider(
    endpoint: Endpoint,
    folder: Path,
    clock: Clock,
    *,
    scope: str | None = None,
    cafile: Path | None = None,
) -> TokenProvider:
    (folder / "secret").write_text("s/e:c ret\n")
    client = OauthClient(
        token_endpoint_url=endpoint.url,
        client_id="a client",
        client_secret_file=folder / "secret",
        scope=scope,
        cafile=cafile,
    )
    return TokenProvider(client, clock)


async def test_the_client_says_who_it_is_and_what_it_wants(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    tokens = provider(endpoint, tmp_path, clock, scope="kafka read")

    assert await tokens.token() == "token-1"

    ((method, authorization, body),) = endpoint.asked
    assert (method, body) == ("POST", "grant_type=client_credentials&scope=kafka+read")
    login = base64.b64decode(authorization.removeprefix("Basic ")).decode()
    assert login == "a%20client:s%2Fe%3Ac%20ret"  # RFC 6749, 2.3.1


async def test_a_token_is_kept_for_four_fifths_of_its_life_and_then_renewed(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    tokens = provider(endpoint, tmp_path, clock)

    got = [await tokens.token()]
    clock.now += 79.9
    got.append(await tokens.token())
    clock.now += 0.2
    got.append(await tokens.token())

    assert got == ["token-1", "token-1", "token-2"]


async def test_clients_that_connect_together_ask_once(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    tokens = provider(endpoint, tmp_path, clock)

    got = await asyncio.gather(*(tokens.token() for _ in range(5)))

    assert (set(got), len(endpoint.asked)) == ({"token-1"}, 1)


async def test_a_token_is_used_to_its_end_while_no_new_one_is_to_be_had(
    endpoint: Endpoint, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = provider(endpoint, tmp_path, clock)
    await tokens.token()
    endpoint.says(503, {})

    clock.now += 99
    still = await tokens.token()
    clock.now += 1
    with pytest.raises(TokenError, match="answers 503"):
        await tokens.token()

    assert still == "token-1"
    assert [record.message for record in caplog.records] == ["kafka_token_not_renewed"]


async def test_a_changed_secret_is_taken_at_the_next_renewal(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    tokens = provider(endpoint, tmp_path, clock)
    await tokens.token()
    (tmp_path / "secret").write_text("new\r\n")

    clock.now += 100
    await tokens.token()

    assert base64.b64decode(endpoint.asked[1][1].removeprefix("Basic ")) == b"a%20client:new"


async def test_a_redirect_is_not_followed_with_the_secret(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    with served() as elsewhere:
        endpoint.says(302, {}, Location=elsewhere.url)

        with pytest.raises(TokenError, match="answers 302"):
            await provider(endpoint, tmp_path, clock).token()

        assert elsewhere.asked == []


@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (401, {"error": "invalid_client", "error_description": "s/e:c ret"}, r"401 \(invalid_cl"),
        (400, {"error": "s/e:c ret"}, "answers 400; check"),
        (400, b"<html>", "answers 400; check"),
        (200, b"<html>", "holds no access_token"),
        (200, [], "holds no access_token"),
        (200, {"access_token": "a", "expires_in": "soon"}, "holds no access_token"),
        (200, {"access_token": "a\x01auth=b"}, "is malformed"),
        (200, {"access_token": ""}, "is malformed"),
        (200, {"access_token": 5}, "is malformed"),
        (200, {"access_token": "a", "expires_in": 0}, "is malformed"),
        (200, {"access_token": "a", "expires_in": float("nan")}, "is malformed"),
    ],
)
async def test_what_is_no_token_is_an_error_of_kafka_that_repeats_no_secret(
    status: int, content: object, told: str, endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    endpoint.says(status, content)

    with pytest.raises(TokenError, match=told) as raised:
        await provider(endpoint, tmp_path, clock).token()

    assert isinstance(raised.value, KafkaError)  # what aiokafka survives
    assert endpoint.url in str(raised.value)
    assert "s/e:c ret" not in "".join(traceback.format_exception(raised.value))


async def test_a_secret_that_cannot_be_read_is_named_by_its_file(
    endpoint: Endpoint, tmp_path: Path, clock: Clock
) -> None:
    tokens = provider(endpoint, tmp_path, clock)
    (tmp_path / "secret").unlink()

    with pytest.raises(TokenError, match=r"client_secret_file: .*secret cannot be read"):
        await tokens.token()


async def test_an_endpoint_over_tls_must_be_trusted(tmp_path: Path, clock: Clock) -> None:
    authority = make_authority(tmp_path)
    certificate, key = sign(authority, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with served(context) as endpoint:
        trusting = provider(endpoint, tmp_path, clock, cafile=authority)
        doubting = provider(endpoint, tmp_path, clock)

        assert await trusting.token() == "token-1"
        with pytest.raises(TokenError, match="certificate verify failed"):
            await doubting.token()


async def test_authorities_that_cannot_be_read_are_an_error_at_once(tmp_path: Path) -> None:
    with served() as endpoint, pytest.raises(ConfigurationError, match="oauthbearer_cafile"):
        provider(endpoint, tmp_path, Clock(), cafile=tmp_path / "absent.pem")
