"""The live stream of the wall, over loopback: the newest message; no viewer holds up another."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from firstreply.adapters import http_connection
from firstreply.adapters.wall_page import PAGE_VERSION
from firstreply.adapters.wall_stream import WallStream
from firstreply.wall.live import Documents
from tests.unit.adapters.wall_server import WallServer, serving

HELLO = b"retry: 1000\n\n"
MEGABYTE = b'"' + b"x" * 1_000_000 + b'"'


@asynccontextmanager
async def watching(served: WallServer) -> AsyncIterator[aiohttp.StreamReader]:
    """Open a page, past the greeting."""
    async with (
        aiohttp.ClientSession(served.address, read_bufsize=2**22) as client,
        client.get("/wall/events") as answer,
    ):
        assert await answer.content.readuntil(b"\n\n") == HELLO
        yield answer.content


async def message(content: aiohttp.StreamReader) -> dict[str, Any]:
    """Read one message as a browser does."""
    event, data, *rest = (await content.readuntil(b"\n\n")).decode().split("\n")
    assert (event, rest) == ("event: status", ["", ""])
    told: dict[str, Any] = json.loads(data.removeprefix("data: "))
    return told


async def until_viewers(stream: WallStream, number: int) -> None:
    async with asyncio.timeout(10):
        while stream.viewers != number:
            await stream.send(Documents(b"0", b"0"))
            await asyncio.sleep(0.001)


async def test_every_viewer_gets_each_message_with_both_documents_and_the_pages_version() -> None:
    async with serving() as served, watching(served) as one, watching(served) as two:
        for number in range(3):
            await served.send(b'{"n":%d}' % number)
            for viewer in (one, two):
                assert await message(viewer) == {
                    "channels": {"n": number},
                    "urgent": {"late": [], "next": []},
                    "page": PAGE_VERSION,
                }


async def test_a_stream_outlasts_the_limit_on_the_time_of_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_connection, "ANSWER_SECONDS", 0.1)
    async with serving() as served, watching(served) as viewer:
        await asyncio.sleep(0.3)
        await served.send(b"7")

        assert (await message(viewer))["channels"] == 7


async def test_a_new_viewer_gets_the_last_message_at_once_unless_it_is_old() -> None:
    async with serving() as served:
        await served.send(b"1")
        async with watching(served) as early:
            assert (await message(early))["channels"] == 1

        served.stream.forget()
        async with watching(served) as late:
            await served.send(b"2")
            assert (await message(late))["channels"] == 2


async def test_the_headers_keep_proxies_from_buffering_and_browsers_from_guessing() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        async with client.get("/wall/events") as answer:
            headers = answer.headers

        assert headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert headers["Cache-Control"] == "no-cache, no-transform"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Encoding" not in headers


async def test_head_opens_no_stream() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        answer = await client.head("/wall/events")

        assert (answer.status, await answer.read(), served.stream.viewers) == (200, b"", 0)
        assert answer.content_type == "text/event-stream"


async def test_what_is_in_a_name_cannot_begin_another_message() -> None:
    hostile = "\r\n\r\nevent: status\ndata: {}\n\n\u2028\x00</script>"
    async with serving() as served, watching(served) as viewer:
        await served.send(json.dumps(hostile, ensure_ascii=False).encode())

        assert (await message(viewer))["channels"] == hostile


async def test_more_viewers_than_allowed_are_told_to_come_back() -> None:
    async with (
        serving(WallStream(most_viewers=2)) as served,
        watching(served),
        watching(served),
        aiohttp.ClientSession(served.address) as client,
    ):
        answer = await client.get("/wall/events")

        assert answer.status == 503
        assert answer.headers["Retry-After"] == "5"
        assert await answer.json() == {"error": "no stream now: 2 pages are open already"}


async def test_a_viewer_who_left_makes_room() -> None:
    async with serving(WallStream(most_viewers=1)) as served:
        async with watching(served):
            assert served.stream.viewers == 1

        await until_viewers(served.stream, 0)

        async with watching(served):
            assert served.stream.viewers == 1


async def test_a_slow_viewer_skips_messages_and_gets_the_newest() -> None:
    async with serving() as served, watching(served) as slow, watching(served) as quick:
        for number in range(30):
            await served.send(b'{"n":%d,"fill":%b}' % (number, MEGABYTE))
            assert (await message(quick))["channels"]["n"] == number
            if number == 0:
                slow._protocol.pause_reading()

        slow._protocol.resume_reading()
        got = [(await message(slow))["channels"]["n"]]
        while got[-1] != 29:
            got.append((await message(slow))["channels"]["n"])

        assert got == sorted(got)
        assert len(got) < 20


async def test_a_viewer_who_reads_nothing_is_dropped_and_the_others_go_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stream = WallStream(write_seconds=0.05)
    async with serving(stream) as served, watching(served) as quick:
        stalled = socket.create_connection(("127.0.0.1", served.port))
        stalled.setblocking(False)  # noqa: FBT003 - its only form
        stalled.send(b"GET /wall/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until_viewers(stream, 2)
        number = 0
        async with asyncio.timeout(20):
            while stream.viewers == 2:
                number += 1
                await served.send(b'{"n":%d,"fill":%b}' % (number, MEGABYTE))
                told: Any = 0
                while not isinstance(told, dict) or told["n"] != number:
                    told = (await message(quick))["channels"]

        stalled.close()
        await served.send(b'"still here"')
        assert (await message(quick))["channels"] == "still here"
    assert caplog.records == []


async def test_a_viewer_who_goes_in_the_middle_of_a_message_is_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as served:
        gone = socket.create_connection(("127.0.0.1", served.port))
        gone.send(b"GET /wall/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until_viewers(served.stream, 1)
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        gone.close()  # with a reset

        await until_viewers(served.stream, 0)

    assert caplog.records == []


async def test_a_server_that_stops_ends_its_streams_within_two_seconds() -> None:
    async with serving() as served:
        async with watching(served) as one, watching(served) as two:
            await served.send(b"1")
            await message(one)
            async with asyncio.timeout(2):
                await served.server.stop()

            assert await one.read() == b""
            assert (await message(two))["channels"] == 1
            assert await two.read() == b""
        assert served.stream.viewers == 0


async def test_a_stopped_wall_ends_its_streams_and_opens_no_more_while_the_rest_is_served() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        async with watching(served) as viewer:
            served.stream.close()
            assert await viewer.read() == b""
        refused = await client.get("/wall/events")

        assert refused.status == 503
        assert await refused.json() == {"error": "no stream now: the service stops"}
        assert (await client.get("/healthz")).status == 200


async def test_other_tasks_run_while_many_viewers_are_woken() -> None:
    stream = WallStream()
    async with (
        serving(stream) as served,
        aiohttp.ClientSession(served.address, connector=aiohttp.TCPConnector(limit=0)) as client,
    ):
        answers = [await client.get("/wall/events") for _ in range(40)]
        turns = 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count())
        await asyncio.sleep(0)
        turns = 0
        await served.send(b"1")
        counting.cancel()

        assert turns >= 4
        for answer in answers:
            answer.close()
