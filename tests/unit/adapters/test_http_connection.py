"""How many connections, how slow, how much: limits of the HTTP server, over loopback."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import web

from firstreply.adapters import http, http_connection
from firstreply.adapters.http import Server
from firstreply.adapters.http_connection import MOST_HEAD_BYTES, Connections
from firstreply.adapters.prometheus import Publisher
from firstreply.domain.bands import Band, Policy
from firstreply.domain.instants import DAY
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Health

BOOK = PolicyBook([Policy("other", (Band("24h", DAY),))])
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSING = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


class Slow:
    """A path whose answer comes when it is let go."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/slow", self.answer)

    async def answer(self, _request: web.Request) -> web.Response:
        self.asked.set()
        await self.go.wait()
        return web.Response(text="at last")


Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[bytes], Awaitable[Wire]]


@pytest.fixture
async def slow() -> Slow:
    return Slow()


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.fixture
async def connect(slow: Slow) -> AsyncIterator[Connect]:
    """Start a server at the first call, with the limits of that moment; connect, and send."""
    async with AsyncExitStack() as stack:
        server = Server(Publisher(BOOK, "e"), Health(60, 0), slow)
        stack.push_async_callback(server.stop)
        stack.callback(slow.go.set)

        async def connected(sent: bytes) -> Wire:
            if not server.address:
                await server.start("127.0.0.1", 0)
            port = int(server.address.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.push_async_callback(closed, writer)
            writer.write(sent)
            return reader, writer

        yield connected


async def rest(wire: Wire) -> bytes:
    """Return everything until the end."""
    got = b""
    with suppress(ConnectionError):
        while more := await wire[0].read(65536):
            got += more
    return got


async def head(wire: Wire) -> bytes:
    return await wire[0].readuntil(b"\r\n\r\n")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: "])
async def test_who_never_completes_a_first_request_is_dropped(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.05)

    assert await rest(await connect(sent)) == b""


async def test_dripping_a_request_byte_by_byte_does_not_extend_its_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.1)
    reader, writer = await connect(b"GET / HTTP/1.1\r\n")

    async def drip() -> None:
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"X-A: b\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    assert await rest((reader, writer)) == b""
    dripping.cancel()


async def test_a_connection_is_kept_for_the_next_request_and_dropped_when_none_comes(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "IDLE_SECONDS", 0.1)
    wire = await connect(ASK)
    first = await head(wire)
    await wire[0].readexactly(len(b"alive\n"))
    wire[1].write(ASK)
    second = await head(wire)

    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert await rest(wire) == b"alive\n"


async def test_an_answer_has_a_limit_of_time(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "ANSWER_SECONDS", 0.05)

    assert await rest(await connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")) == b""


async def test_when_all_places_are_taken_the_longest_waiting_gives_way(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 600)  # else they would go by themselves
    monkeypatch.setattr(http, "Connections", lambda *made: Connections(*made, most=2))
    idle = [await connect(b"")]
    await asyncio.sleep(0.05)
    idle.append(await connect(b""))
    await asyncio.sleep(0.05)

    answered = await rest(await connect(CLOSING))
    first = await rest(idle[0])

    assert answered.endswith(b"alive\n")
    assert first == b""
    assert not idle[1][0].at_eof()


async def test_an_answer_under_way_gives_way_to_nobody(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, slow: Slow
) -> None:
    monkeypatch.setattr(http, "Connections", lambda *made: Connections(*made, most=1))
    busy = await connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await slow.asked.wait()

    refused = await rest(await connect(CLOSING))
    slow.go.set()

    assert refused == b""
    assert (await rest(busy)).endswith(b"at last")
    assert (await rest(await connect(CLOSING))).endswith(b"alive\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 70 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + (b"X: " + b"a" * 2000 + b"\r\n") * 20, 431),
        (b"X" * (MOST_HEAD_BYTES + 1), 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n", 413),
        (b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (b"DELETE /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
    ],
)
async def test_what_is_too_much_or_malformed_is_refused_and_the_connection_closed(
    connect: Connect, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    answer = await rest(await connect(sent))

    assert int(answer.split(b" ", 2)[1]) == status
    assert b"aiohttp" not in answer
    assert b"Python" not in answer
    assert not caplog.records


async def test_requests_behind_an_answer_under_way_are_bounded_too(
    connect: Connect, slow: Slow
) -> None:
    wire = await connect(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await slow.asked.wait()
    wire[1].write(ASK * (MOST_HEAD_BYTES // len(ASK) + 2))

    assert await rest(wire) == b""


async def test_many_requests_on_one_connection_are_answered(connect: Connect) -> None:
    wire = await connect(ASK * 200 + CLOSING)

    assert (await rest(wire)).count(b"HTTP/1.1 200") == 201
