"""The connections of the HTTP server: how many, how long each may take, how much it may send.

One timer for each connection, so that nobody holds one for nothing: the head of the first request
must be complete within ``HEAD_SECONDS`` (the TLS handshake has as long before it), an answer taken
within ``ANSWER_SECONDS``, the next request be complete within ``IDLE_SECONDS``. Streams have a
limit of their own. When all places are taken, the connection that has waited longest to be told
what is wanted gives way: slow or idle ones cannot keep a scraper out.

TLS begins after the connection was taken, with the context of that moment, one task for each: a
peer that never finishes its handshake holds up nobody.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from aiohttp import web

_log = logging.getLogger(__name__)

MOST_CONNECTIONS: Final = 700
"""Leaves room for Kafka and files within the customary limit of 1,024 open files, and for scrapers
beside the 500 viewers of the wall."""

MOST_HEAD_BYTES: Final = 32 * 1024
"""What may come before an answer begins, the requests behind the first included."""

HEAD_SECONDS: Final = 10.0
ANSWER_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 75.0

PROTOCOL_LIMITS: Final[dict[str, Any]] = {
    "max_line_size": 8190,
    "max_field_size": 8190,
    "max_headers": 64,
    "lingering_time": 0.0,
    "keepalive_timeout": IDLE_SECONDS,
    "access_log": None,
}
"""Bytes of the request line and of one header, number of headers; a body is not waited for."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


class Connections:
    """Those that are open; makes one for each peer.

    Args:
        manager: aiohttp's server.
        context: returns what the next handshake is done with; None: plain HTTP.
        most: further ones make the idlest give way.
    """

    def __init__(
        self,
        manager: web.Server,
        context: Callable[[], ssl.SSLContext | None],
        *,
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self.manager = manager
        self._context = context
        self._most = most
        self._waiting: dict[Connection, None] = {}
        """Those without a request, the longest-waiting first."""
        self._open: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def accept(self) -> asyncio.Protocol:
        """Return the protocol of a new connection."""
        return _Door(self, self._context())

    def opened(self, connection: "Connection") -> bool:
        """Note a new one; False: there is no place for it."""
        if len(self._open) >= self._most:
            longest = next(iter(self._waiting), None)
            if longest is None:
                return False
            longest.abort()
            self.closed(longest)
        self._open.add(connection)
        return True

    def waits(self, connection: "Connection") -> None:
        """Note that it has no request."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = None

    def works(self, connection: "Connection") -> None:
        """Note that it has one."""
        self._waiting.pop(connection, None)

    def is_waiting(self, connection: "Connection") -> bool:
        """Say whether it has no request."""
        return connection in self._waiting

    def closed(self, connection: "Connection") -> None:
        """Note its end. Idempotent."""
        self._waiting.pop(connection, None)
        self._open.discard(connection)

    def abort_handshakes(self) -> None:
        """End those that may not ask yet; aiohttp does not know of them."""
        for connection in tuple(self._open):
            if not connection.begun:
                connection.abort()


class _Door(asyncio.Protocol):
    """A connection as it comes: counted, and handed on, after a TLS handshake if one is due."""

    def __init__(self, connections: Connections, context: ssl.SSLContext | None) -> None:
        self._connections = connections
        self._context = context
        self._connection = Connection(connections)
        self._handshake: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        raw = cast("asyncio.Transport", transport)
        self._connection.raw = raw
        if not self._connections.opened(self._connection):
            raw.abort()
            return
        if self._context is None:
            raw.set_protocol(self._connection)
            self._connection.connection_made(raw)
            return
        raw.pause_reading()
        self._connections.waits(self._connection)
        self._handshake = asyncio.get_running_loop().create_task(
            self._shake_hands(raw, self._context), name="tls-handshake"
        )

    async def _shake_hands(self, raw: asyncio.Transport, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                raw,
                self._connection,
                context,
                server_side=True,
                ssl_handshake_timeout=HEAD_SECONDS,
                ssl_shutdown_timeout=HEAD_SECONDS,
            )
        except OSError as error:  # also when it fails, or takes too long
            _log.debug("handshake_failed", extra={"why": str(error)})
            transport = None
        if transport is None or transport.is_closing():
            raw.abort()
            self._connections.closed(self._connection)
            return
        self._connection.connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's own
        self._connections.closed(self._connection)


class Connection(web.RequestHandler):
    """One connection that may ask, with its timer."""

    __slots__ = ("_connections", "_early", "_limit", "_unanswered", "begun", "raw")

    def __init__(self, connections: Connections) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(connections.manager, loop=loop, **PROTOCOL_LIMITS)
        self._connections = connections
        self._limit: asyncio.TimerHandle | None = None
        self._unanswered = 0
        self._early = b""
        self.begun = False
        """Whether it may ask: after the handshake, where there is one."""
        self.raw: asyncio.Transport | None = None
        """What is below TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: the head of the first request is due."""
        self.begun = True
        super().connection_made(transport)
        self._connections.waits(self)
        self._within(HEAD_SECONDS)
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Take bytes, up to the limit; what comes with the end of a handshake is kept for later."""
        if not self.begun:
            self._early += data
            return
        self._unanswered += len(data)
        if self._unanswered > MOST_HEAD_BYTES:
            self._refuse_more()
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._within(None)
        self._connections.closed(self)
        if self.begun:
            super().connection_lost(exc)

    def began(self) -> None:
        """Note that a request is being answered."""
        self._unanswered = 0
        self._connections.works(self)
        self._within(ANSWER_SECONDS)

    def streams(self) -> None:
        """Note that the answer has no end of its own; whoever streams limits how slow it may be."""
        self._within(None)

    def ended(self) -> None:
        """Note that the answer was made; the next request is due."""
        if self.transport is not None:
            self._connections.waits(self)
            self._within(IDLE_SECONDS)

    def abort(self) -> None:
        """End at once."""
        self._within(None)
        if self.raw is not None:
            self.raw.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what cannot be read, without a word about the software or what was sent."""
        if status >= 500:
            answer = super().handle_error(request, status, exc, None)
        else:
            _log.debug("request_unreadable", extra={"why": message})
            answer = web.Response(status=status, text="the request cannot be read\n")
            answer.force_close()
        # This answer passes no signal of the application: an empty name is better than ours.
        answer.headers["Server"] = ""
        return answer

    def _refuse_more(self) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self._connections.is_waiting(self):
            transport.write(_TOO_LARGE)
            self.force_close()
        else:
            self.abort()

    def _within(self, seconds: float | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = None
        if seconds is not None:
            self._limit = asyncio.get_running_loop().call_later(seconds, self.abort)


@web.middleware
async def timed(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Limit how long the answer may take; the outermost middleware."""
    connection = _connection_of(request)
    connection.began()
    try:
        return await handler(request)
    finally:
        connection.ended()


def streams(request: web.Request) -> None:
    """Lift the limit on the time of an answer that has no end of its own."""
    _connection_of(request).streams()


def _connection_of(request: web.Request) -> Connection:
    assert isinstance(request.protocol, Connection)  # noqa: S101 - Server makes no others
    return request.protocol
