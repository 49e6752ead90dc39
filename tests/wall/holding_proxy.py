"""A proxy that is worse than none: when the server behind it is gone, it keeps clients waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.wall.fake_service import LOOPBACK

_CHUNK = 65_536


class HoldingProxy:
    """Passes bytes both ways. It never closes a client's connection of its own accord."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.upstream_losses = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://{LOOPBACK}:{self._server.sockets[0].getsockname()[1]}/wall"

    @property
    def clients(self) -> int:
        """How many connections clients have open."""
        return len(self._writers)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                up_reader, up_writer = await asyncio.open_connection(LOOPBACK, self._upstream_port)
                back = asyncio.create_task(self._bring_back(up_reader, writer))
                await _pass(reader, up_writer)
                back.cancel()
                up_writer.close()
            await reader.read()  # hold on until the client goes
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _bring_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await _pass(reader, writer)
        self.upstream_losses += 1


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def holding_proxy(upstream_port: int) -> AsyncIterator[HoldingProxy]:
    """Run one."""
    proxy = HoldingProxy(upstream_port)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
