"""The HTTP edge, over loopback, with a real client."""

import gzip
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from firstreply.adapters.http import Server, accepts_gzip, prefers_openmetrics
from firstreply.adapters.prometheus import Publisher, Scrape
from firstreply.domain.bands import Band, Policy
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.increments import Increments
from firstreply.domain.instants import DAY
from firstreply.domain.policy_book import PolicyBook

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

BOOK = PolicyBook([Policy("other", (Band("24h", DAY),))])


class FakeHealth:
    """A service that is as it is told to be."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    @property
    def ready(self) -> bool:
        return not self.reasons

    @property
    def spare(self) -> bool:
        return False

    @property
    def warnings(self) -> list[str]:
        return ["partition 3: an older state"]

    def partitions(self) -> dict[int, dict[str, int | None]]:
        return {3: {"offset": 7, "end": None}}


@pytest.fixture
def health() -> FakeHealth:
    return FakeHealth()


@pytest.fixture
def publisher() -> Publisher:
    return Publisher(BOOK, "events")


@pytest.fixture
async def client(publisher: Publisher, health: FakeHealth) -> AsyncIterator[aiohttp.ClientSession]:
    server = Server(publisher, health)
    await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(server.address, auto_decompress=False) as session:
        yield session
    await server.stop()


@pytest.mark.parametrize("path", ["/healthz", "/-/healthy"])
async def test_healthz_is_200_while_the_loop_lives(
    client: aiohttp.ClientSession, health: FakeHealth, path: str
) -> None:
    health.reasons = ["partition 3: catching up"]

    answer = await client.get(path)

    assert (answer.status, await answer.text()) == (200, "alive\n")


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_readyz_is_200_or_503_and_says_why(
    client: aiohttp.ClientSession, health: FakeHealth, path: str
) -> None:
    partitions = {"3": {"offset": 7, "end": None}}

    ready = await client.get(path)
    health.reasons = ["partition 3: catching up"]
    waiting = await client.get(path)

    assert (ready.status, waiting.status) == (200, 503)
    assert ready.content_type == "application/json"
    assert await ready.json() == {
        "ready": True,
        "spare": False,
        "reasons": [],
        "warnings": ["partition 3: an older state"],
        "partitions": partitions,
    }
    assert await waiting.json() == {
        "ready": False,
        "spare": False,
        "reasons": ["partition 3: catching up"],
        "warnings": ["partition 3: an older state"],
        "partitions": partitions,
    }


async def test_a_browser_gets_the_text_format_uncompressed_unless_it_asks(
    client: aiohttp.ClientSession,
) -> None:
    answer = await client.get("/metrics", headers={"Accept": BROWSER, "Accept-Encoding": "br"})

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in answer.headers
    names = {family.name for family in parse_text((await answer.read()).decode())}
    assert "contact_received" in names


async def test_prometheus_gets_openmetrics_in_gzip(client: aiohttp.ClientSession) -> None:
    headers = {"Accept": PROMETHEUS, "Accept-Encoding": "gzip"}

    answer = await client.get("/metrics", headers=headers)

    assert answer.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    body = gzip.decompress(await answer.read()).decode()
    assert body.endswith("# EOF\n")
    families = list(parse_openmetrics(body))  # type: ignore[no-untyped-call] # it has no types
    assert "contact_received" in {family.name for family in families}


async def test_a_get_of_metrics_shows_the_zero_of_a_new_series_and_a_head_does_not(
    client: aiohttp.ClientSession, publisher: Publisher
) -> None:
    increments = Increments()
    increments.count("contact_received_total", "other", "other")
    publisher.checkpointed(0, 1, increments)
    line = b'contact_received_total{channel="other",queue="other"} %d\n'

    head = await client.head("/metrics")
    bodies = [
        await (await client.get("/metrics", headers={"Accept-Encoding": "identity"})).read()
        for _ in range(2)
    ]

    assert (head.status, await head.read()) == (200, b"")
    assert line % 0 in bodies[0]
    assert line % 1 in bodies[1]


class LosingPublisher(Publisher):
    """Loses the connection while it renders; knows whether a scrape was delivered."""

    def __init__(self, book: PolicyBook) -> None:
        super().__init__(book, "events")
        self.lose: Callable[[], object] = bool
        self.delivered = 0

    async def scrape(self, *, openmetrics: bool = False) -> Scrape:
        self.lose()
        return await super().scrape(openmetrics=openmetrics)

    def shown(self, scrape: Scrape) -> None:
        super().shown(scrape)
        self.delivered += 1


async def test_who_went_away_before_the_answer_was_shown_nothing_and_that_is_no_error(
    health: FakeHealth, caplog: pytest.LogCaptureFixture
) -> None:
    losing = LosingPublisher(BOOK)
    server = Server(losing, health)
    await server.start("127.0.0.1", 0)

    def lose() -> None:
        assert server._runner.server is not None
        for connection in server._runner.server.connections:
            if connection.transport is not None:  # one that was closed before may still be listed
                connection.transport.abort()

    async with aiohttp.ClientSession(server.address) as client:
        await (await client.get("/metrics")).read()
        losing.lose = lose
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.get("/metrics")
    await server.stop()

    assert losing.delivered == 1
    assert caplog.records == []


async def test_the_index_links_to_every_page(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/")

    page = await answer.text()
    assert answer.content_type == "text/html"
    for path in ("/metrics", "/readyz", "/healthz"):
        assert f'href="{path}"' in page
        assert (await client.head(path)).status == 200


async def test_an_unknown_path_is_404_in_json(client: aiohttp.ClientSession) -> None:
    answer = await client.get("/metric")

    assert answer.status == 404
    assert await answer.json() == {"error": "Not Found", "see": "/"}


async def test_another_method_is_405_in_json_and_names_the_allowed_ones(
    client: aiohttp.ClientSession,
) -> None:
    answer = await client.post("/metrics")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"
    assert await answer.json() == {"error": "Method Not Allowed", "allowed": ["GET", "HEAD"]}


async def test_an_address_in_use_is_a_configuration_error_with_a_remedy(
    publisher: Publisher, health: FakeHealth
) -> None:
    first, second = Server(publisher, health), Server(publisher, health)
    await first.start("127.0.0.1", 0)
    port = int(first.address.rpartition(":")[2])

    with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}.*no other program uses"):
        await second.start("127.0.0.1", port)

    assert second.address == ""
    await first.stop()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 65536), ("203.0.113.7", 0)])
async def test_an_address_that_is_none_of_this_machine_is_a_configuration_error(
    publisher: Publisher, health: FakeHealth, host: str, port: int
) -> None:
    with pytest.raises(ConfigurationError, match=f"cannot listen on {host}:{port}"):
        await Server(publisher, health).start(host, port)


async def test_a_server_can_be_stopped_twice_and_before_its_start(
    publisher: Publisher, health: FakeHealth
) -> None:
    server = Server(publisher, health)

    await server.stop()
    await server.start("127.0.0.1", 0)
    listened = server.address
    await server.stop()
    await server.stop()

    assert listened.startswith("http://127.0.0.1:")
    assert server.address == ""


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        (PROMETHEUS, True),
        (BROWSER, False),
        ("", False),
        ("*/*", False),
        ("application/openmetrics-text", True),
        ('Application/OpenMetrics-Text; Version="1.0.0"', True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;version=2.0.0", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.4", False),
        ("application/openmetrics-text, text/plain", True),
        ("application/openmetrics-text;q=nonsense", False),
        ("application/openmetrics-text;q=nan", False),
        (",;=,q", False),
    ],
)
def test_openmetrics_is_sent_to_those_who_like_it_at_least_as_much_as_text(
    accept: str, *, openmetrics: bool
) -> None:
    assert prefers_openmetrics(accept) is openmetrics


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("gzip;q=0, *", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_sent_to_those_who_allow_it(header: str, *, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
