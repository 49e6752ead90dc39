"""A TCP proxy that understands Kafka's frames and does to them what a bad network does.

One *line* leads one client (a *seat*, see ``cluster``) to one broker: the line's port is what the
broker advertises to that client. What goes wrong on a line is its ``toxics``; a *trap* waits for
one kind of request or reply and holds it or breaks the connection there. Bytes are passed frame by
frame (a length of four bytes and as much content), so that a trap can tell a commit from a fetch.

Lines run in the event loop of a thread of their own; a test sets their fields from any thread.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from types import TracebackType
from typing import Any, Final, Literal, Self

from firstreply.devkit.loopback import LOOPBACK

_LOOK_AGAIN_SECONDS: Final = 0.02
_LENGTH: Final = struct.Struct(">i")
_REQUEST: Final = struct.Struct(">hhi")  # api key, version, correlation id
_REPLY: Final = struct.Struct(">i")  # correlation id
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER 0: close() sends RST

Address = tuple[str, int]
Moment = Literal["request", "reply"]


class Api(IntEnum):
    """Requests that a trap may wait for; the numbers are the protocol's."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    OFFSET_COMMIT = 8
    JOIN_GROUP = 11
    SYNC_GROUP = 14


@dataclass
class Toxics:
    """What is wrong with a line just now. The fields may change at any time."""

    down: bool = False
    """Every connection is reset, and each new one too."""
    silent: bool = False
    """Nothing passes; connections stay, new ones are accepted. What was held passes afterwards."""
    latency: float = 0.0
    """Seconds that each frame waits, in each direction."""
    rate: float | None = None
    """Bytes a second, in each direction."""
    slices: int | None = None
    """Bytes of one write: a frame arrives in many small pieces."""
    limit: int | None = None
    """A connection ends after so many bytes of replies, in the middle of a frame."""
    hang_up: float | None = None
    """Nothing passes, and the connection is reset after so many seconds."""
    slow_close: float = 0.0
    """Seconds until a closed connection is closed on the other side too."""


@dataclass
class Trap:
    """Waits for a frame and springs once."""

    api: Api
    moment: Moment
    action: Literal["hold", "cut"]
    """Keep the frame until ``release``; or drop it and reset the connection."""
    skip: int = 0
    """Frames of that kind that pass first."""
    sprung: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        """Let what is held go on."""
        self.released.set()

    def takes(self, api: int, moment: str) -> bool:
        """Return whether it springs on this frame."""
        if self.sprung.is_set() or (api, moment) != (self.api, self.moment):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.sprung.set()
        return True


class ConnectionCutError(Exception):
    """A toxic or a trap ends the connection."""


class Line:
    """One client's way to one broker."""

    def __init__(self, port: int) -> None:
        """Choose where clients connect to, on loopback."""
        self.port = port
        self.toxics = Toxics()
        self.traps: list[Trap] = []
        self._upstream: Address | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self, upstream: Address) -> None:
        """Listen; each connection goes on to ``upstream``."""
        self._upstream, self._loop = upstream, asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._accept, LOOPBACK, self.port)

    async def close(self) -> None:
        """End all connections and stop listening."""
        assert self._server is not None
        self._server.close()
        self._end_all()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def reset(self) -> None:
        """Reset every connection there is, once. From any thread."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._end_all)

    def heal(self) -> None:
        """Be a good line again."""
        self.toxics = Toxics()
        for trap in self.traps:
            trap.release()
        self.traps = []

    def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, ConnectionCutError, asyncio.CancelledError):
            _abort(writer)  # cancelled by _end_all: this task ends here, nobody waits for it
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._upstream is not None
        if self.toxics.down:
            raise ConnectionCutError
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        asked: dict[int, int] = {}
        """Correlation id to the kind of request that awaits its reply."""
        try:
            async with asyncio.TaskGroup() as pumps:
                ends = [
                    pumps.create_task(self._requests(reader, up_writer, asked)),
                    pumps.create_task(self._replies(up_reader, writer, asked)),
                    pumps.create_task(self._watch()),
                ]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                await asyncio.sleep(self.toxics.slow_close)
                for end in ends:
                    end.cancel()
        except* (OSError, ConnectionCutError) as failure:
            raise ConnectionCutError from failure
        finally:
            up_writer.close()

    async def _watch(self) -> None:
        """Cut the connection as soon as the line goes down, or time is up."""
        silent_for = 0.0
        while not self.toxics.down:
            limit = self.toxics.hang_up
            silent_for = 0.0 if limit is None else silent_for + _LOOK_AGAIN_SECONDS
            if limit is not None and silent_for > limit:
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        raise ConnectionCutError

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: dict[int, int]
    ) -> None:
        while frame := await _frame(reader):
            api, _, correlation = _REQUEST.unpack_from(frame, _LENGTH.size)
            asked[correlation] = api
            await self._gate(api, "request")
            await self._send(writer, frame, sent=None)

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: dict[int, int]
    ) -> None:
        sent = 0
        while frame := await _frame(reader):
            (correlation,) = _REPLY.unpack_from(frame, _LENGTH.size)
            await self._gate(asked.pop(correlation, -1), "reply")
            await self._send(writer, frame, sent=sent)
            sent += len(frame)

    async def _gate(self, api: int, moment: str) -> None:
        """Wait while the line is silent, or a trap holds the frame."""
        if self.toxics.down:
            raise ConnectionCutError
        for trap in self.traps:
            if trap.takes(api, moment):
                if trap.action == "cut":
                    raise ConnectionCutError
                while not trap.released.is_set():  # noqa: ASYNC110 - set by other threads
                    await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        while self.toxics.silent or self.toxics.hang_up is not None:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _send(self, writer: asyncio.StreamWriter, frame: bytes, *, sent: int | None) -> None:
        toxics = self.toxics
        if toxics.latency:
            await asyncio.sleep(toxics.latency)
        if toxics.rate:
            await asyncio.sleep(len(frame) / toxics.rate)
        left = None if toxics.limit is None or sent is None else max(0, toxics.limit - sent)
        passing = frame if left is None else frame[:left]
        step = toxics.slices or len(frame)
        for start in range(0, len(passing), step):
            writer.write(passing[start : start + step])
            await writer.drain()
            if toxics.slices:
                await asyncio.sleep(0.001)
        if len(passing) < len(frame):
            raise ConnectionCutError


class ProxyThread:
    """Runs lines in a thread of its own, so that a busy test cannot hold them up."""

    def __init__(self) -> None:
        """Start the thread."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")
        self._lines: list[Line] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for line in self._lines:
            self._run(line.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def open(self, line: Line, upstream: Address) -> None:
        """Let a line listen until the block ends."""
        self._run(line.open(upstream))
        self._lines.append(line)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """Return the next frame with its length; nothing at the end of the stream."""
    try:
        head = await reader.readexactly(_LENGTH.size)
        return head + await reader.readexactly(_LENGTH.unpack(head)[0])
    except asyncio.IncompleteReadError:
        return b""


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset, as a machine does that knows nothing of the connection."""
    with suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
