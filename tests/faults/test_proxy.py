"""A line passes frames as they are, and does each kind of harm when told to."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from firstreply.devkit.loopback import LOOPBACK, free_ports
from tests.faults.proxy import Api, Line, Toxics, Trap

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def request(api: int, correlation: int, content: bytes = b"") -> bytes:
    told = struct.pack(">hhi", api, 0, correlation) + content
    return struct.pack(">i", len(told)) + told


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request as a broker does: its correlation id, then its content."""
    try:
        while True:
            (length,) = struct.unpack(">i", await reader.readexactly(4))
            told = await reader.readexactly(length)
            writer.write(struct.pack(">i", length - 4) + told[4:])
    except (asyncio.IncompleteReadError, OSError):
        writer.close()


@asynccontextmanager
async def line_to_a_broker() -> AsyncIterator[Line]:
    server = await asyncio.start_server(answer, LOOPBACK, 0)
    line = Line(*free_ports(1))
    await line.open(server.sockets[0].getsockname()[:2])
    try:
        yield line
    finally:
        await line.close()
        server.close()


async def connected(line: Line) -> Streams:
    return await asyncio.open_connection(LOOPBACK, line.port)


async def ask(streams: Streams, api: int, correlation: int = 1, content: bytes = b"?") -> bytes:
    reader, writer = streams
    writer.write(request(api, correlation, content))
    (length,) = struct.unpack(">i", await reader.readexactly(4))
    return (await reader.readexactly(length))[4:]


async def test_frames_pass_as_they_are() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        assert await ask(streams, Api.FETCH, content=b"x" * 200_000) == b"x" * 200_000
        streams[1].close()


async def test_a_line_that_is_down_resets_what_there_is_and_what_comes() -> None:
    async with line_to_a_broker() as line:
        before = await connected(line)
        await ask(before, Api.FETCH)
        line.toxics.down = True
        for streams in (before, await connected(line)):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await ask(streams, Api.FETCH)
            streams[1].close()


async def test_a_silent_line_keeps_what_it_was_given_until_it_is_healed() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        line.toxics = Toxics(silent=True)
        asking = asyncio.create_task(ask(streams, Api.FETCH, content=b"held"))
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        line.heal()
        assert await asking == b"held"
        streams[1].close()


async def test_a_held_line_breaks_when_its_time_is_up() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        line.toxics = Toxics(hang_up=0.1)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(streams, Api.FETCH)
        streams[1].close()


async def test_a_limited_line_ends_in_the_middle_of_a_reply() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        line.toxics = Toxics(limit=30)
        assert await ask(streams, Api.FETCH, content=b"short") == b"short"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(streams, Api.FETCH, content=b"much too long for what is left")
        streams[1].close()


@pytest.mark.parametrize(
    ("toxics", "least_seconds"),
    [(Toxics(latency=0.1), 0.2), (Toxics(rate=1000), 0.2), (Toxics(slices=1), 0.0)],
)
async def test_a_slow_line_delivers_all_the_same(toxics: Toxics, least_seconds: float) -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        line.toxics = toxics
        began = time.monotonic()
        assert await ask(streams, Api.FETCH, content=b"x" * 100) == b"x" * 100
        assert time.monotonic() - began >= least_seconds
        streams[1].close()


async def test_a_trap_holds_the_one_reply_it_waits_for() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        trap = Trap(Api.OFFSET_COMMIT, "reply", "hold", skip=1)
        line.traps.append(trap)
        await ask(streams, Api.FETCH)
        await ask(streams, Api.OFFSET_COMMIT, 2)
        assert not trap.sprung.is_set()
        asking = asyncio.create_task(ask(streams, Api.OFFSET_COMMIT, 3, b"third"))
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        assert trap.sprung.is_set()
        line.heal()
        assert await asking == b"third"
        streams[1].close()


async def test_a_trap_loses_a_reply_and_the_next_connection_is_whole() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        line.traps.append(Trap(Api.PRODUCE, "reply", "cut"))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(streams, Api.PRODUCE)
        again = await connected(line)
        assert await ask(again, Api.PRODUCE) == b"?"
        for one in (streams, again):
            one[1].close()


async def test_a_reset_ends_what_there_is_and_nothing_else() -> None:
    async with line_to_a_broker() as line:
        streams = await connected(line)
        await ask(streams, Api.FETCH)
        line.reset()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await ask(streams, Api.FETCH)
        again = await connected(line)
        assert await ask(again, Api.FETCH) == b"?"
        for one in (streams, again):
            one[1].close()
