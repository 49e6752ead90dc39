"""The wall's live stream: server-sent events, one message a second to every open page.

A message is encoded once for all. Each viewer has a slot for the newest one: who reads slowly skips
what came meanwhile, and who reads nothing for ``WRITE_SECONDS`` is dropped. Viewers are woken a few
at a time with other tasks in between, their number is limited, and what the kernel buffers for one
of them is, too. So open pages cost a bounded share of the loop and never hold up the consumer.
"""

import asyncio
import contextlib
import socket
from typing import Final

import msgspec
from aiohttp import web

from firstreply.adapters.http_connection import streams
from firstreply.adapters.wall_page import PAGE_VERSION
from firstreply.wall.bodies import Refusal
from firstreply.wall.live import Documents

MOST_VIEWERS: Final = 500
WRITE_SECONDS: Final = 10.0
RETRY_AFTER_SECONDS: Final = 5

_WAKE: Final = 8
"""Viewers woken in one go: about a millisecond of writing."""

_SEND_BUFFER: Final = 256 * 1024
"""Left to itself the kernel may keep megabytes for a viewer that does not read."""

_HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
_HELLO: Final = b"retry: 1000\n\n"


class _Viewer:
    """One open page: the newest message it has not got."""

    def __init__(self) -> None:
        self.newest: bytes | None = None
        self.woken = asyncio.Event()


class WallStream:
    """All open pages.

    Args:
        most_viewers: further ones are refused.
        write_seconds: how long a viewer may take nothing.
    """

    def __init__(
        self, *, most_viewers: int = MOST_VIEWERS, write_seconds: float = WRITE_SECONDS
    ) -> None:
        self._most = most_viewers
        self._write_seconds = write_seconds
        self._viewers: set[_Viewer] = set()
        self._last: bytes | None = None
        self._closed = False

    @property
    def viewers(self) -> int:
        """How many pages are open."""
        return len(self._viewers)

    async def send(self, documents: Documents) -> None:
        """Tell every viewer; returns when all were woken, without waiting for their lines."""
        self._last = b'event: status\ndata: {"channels":%b,"urgent":%b,"page":"%b"}\n\n' % (
            documents.channels,
            documents.urgent,
            PAGE_VERSION.encode(),
        )
        for number, viewer in enumerate(tuple(self._viewers), start=1):
            viewer.newest = self._last
            viewer.woken.set()
            if number % _WAKE == 0:
                await asyncio.sleep(0)

    def forget(self) -> None:
        """Forget the last message: nobody has looked for a while, and it is old."""
        self._last = None

    def close(self) -> None:
        """End all streams, and open no more. Idempotent."""
        self._closed = True
        for viewer in self._viewers:
            viewer.woken.set()

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer with the stream; ends when the viewer goes, or is too slow, or at ``close``."""
        if self._closed or len(self._viewers) >= self._most:
            why = "the service stops" if self._closed else f"{self._most} pages are open already"
            return web.Response(
                body=msgspec.json.encode(Refusal(f"no stream now: {why}")),
                status=503,
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
                content_type="application/json",
            )
        response = web.StreamResponse(headers=_HEADERS)
        if request.method == "HEAD":
            await response.prepare(request)
            return response
        viewer = _Viewer()
        viewer.newest = self._last
        self._viewers.add(viewer)
        try:
            await response.prepare(request)
            streams(request)
            _bound_buffer(request)
            await self._serve(viewer, request, response)
        finally:
            self._viewers.discard(viewer)
        return response

    async def _serve(
        self, viewer: _Viewer, request: web.Request, response: web.StreamResponse
    ) -> None:
        message: bytes | None = _HELLO
        try:
            while not self._closed:
                if message is not None:
                    async with asyncio.timeout(self._write_seconds):
                        await response.write(message)
                if viewer.newest is None:
                    await viewer.woken.wait()
                viewer.woken.clear()
                message, viewer.newest = viewer.newest, None
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
        except ConnectionError:
            pass  # the viewer is gone


def _bound_buffer(request: web.Request) -> None:
    transport = request.transport
    connection = None if transport is None else transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
