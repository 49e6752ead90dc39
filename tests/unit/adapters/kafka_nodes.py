"""Brokers on loopback that speak as much Kafka as it takes to be asked for offsets.

What ``aiokafka`` does with its connections shows only against sockets. Partition p is led by node
p modulo the number of nodes, and every log ends at offset 12. A node can be kept from answering one
kind of request, or any, until it is released: a process that stands still takes connections and
bytes all the same.
"""

import asyncio
import contextlib
import io
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, Self

from aiokafka.protocol.admin import ApiVersionResponse_v0
from aiokafka.protocol.metadata import MetadataResponse_v1
from aiokafka.protocol.offset import OffsetRequest_v1, OffsetResponse_v1

TOPIC: Final = "events"
END: Final = 12


class Api(IntEnum):
    """Keys of requests, as the protocol numbers them."""

    PRODUCE = 0
    FETCH = 1
    OFFSETS = 2
    METADATA = 3
    VERSIONS = 18


_VERSIONS: Final = {Api.PRODUCE: 3, Api.FETCH: 4, Api.OFFSETS: 1, Api.METADATA: 1, Api.VERSIONS: 0}
"""The one version of each that is understood. Produce and fetch are never answered."""


class KafkaNodes:
    """An async context manager; its servers are closed at exit."""

    def __init__(self, *, nodes: int = 2, partitions: int = 4) -> None:
        self._partitions = partitions
        self._nodes = nodes
        self._servers: list[asyncio.Server] = []
        self._ports: list[int] = []
        self._held: dict[tuple[int, Api | None], asyncio.Event] = {}
        self._connections: set[asyncio.Task[Any]] = set()
        self.asked: asyncio.Queue[tuple[int, Api]] = asyncio.Queue()
        """Node and kind of every request so far."""

    async def __aenter__(self) -> Self:
        for node in range(self._nodes):

            async def serve(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, node: int = node
            ) -> None:
                await self._serve(node, reader, writer)

            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            self._servers.append(server)
            self._ports.append(server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    def at(self, node: int) -> str:
        """Return a node's address."""
        return f"127.0.0.1:{self._ports[node]}"

    def hold(self, node: int, kind: Api | None = None) -> None:
        """Answer this kind of request, or any, no more."""
        self._held[node, kind] = asyncio.Event()

    def release(self) -> None:
        """Answer everything, also what was asked meanwhile."""
        for held in self._held.values():
            held.set()

    async def die(self) -> None:
        """Close all connections and take no more, as processes do that were killed."""
        for server in self._servers:
            server.close()
        for connection in self._connections:
            connection.cancel()
        await self.disconnected()

    async def asked_for(self, kind: Api) -> None:
        """Wait until somebody asked this, since the last time this was waited for."""
        while (await self.asked.get())[1] is not kind:
            pass

    async def disconnected(self) -> None:
        """Wait until no client holds a connection."""
        if self._connections:
            async with asyncio.timeout(10):
                await asyncio.wait(self._connections)

    async def _serve(
        self, node: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, asyncio.CancelledError):
            while True:
                await self._serve_one(node, reader, writer)
        writer.close()

    async def _serve_one(
        self, node: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        request = await reader.readexactly(size)
        key, _, correlation, named = struct.unpack(">hhih", request[:10])
        kind = Api(key)
        self.asked.put_nowait((node, kind))
        for held in ((node, kind), (node, None)):
            if held in self._held:
                await self._held[held].wait()
        answer = self._answer(kind, request[10 + max(named, 0) :])
        if answer is not None:
            answer = struct.pack(">i", correlation) + answer
            writer.write(struct.pack(">i", len(answer)) + answer)

    def _answer(self, kind: Api, body: bytes) -> bytes | None:
        answer: Any
        match kind:
            case Api.PRODUCE | Api.FETCH:
                return None
            case Api.VERSIONS:
                answer = ApiVersionResponse_v0(0, [(key, at, at) for key, at in _VERSIONS.items()])
            case Api.METADATA:
                nodes = [(node, "127.0.0.1", port, None) for node, port in enumerate(self._ports)]
                topic = (0, TOPIC, False, list(self._leaders()))
                answer = MetadataResponse_v1(nodes, 0, [topic])
            case Api.OFFSETS:
                wanted = OffsetRequest_v1.decode(io.BytesIO(body)).topics
                answer = OffsetResponse_v1(
                    [(topic, [(number, 0, -1, END) for number, _ in of]) for topic, of in wanted]
                )
        encoded: bytes = answer.encode()
        return encoded

    def _leaders(self) -> Iterator[tuple[int, int, int, list[int], list[int]]]:
        for partition in range(self._partitions):
            leader = partition % self._nodes
            yield 0, partition, leader, [leader], [leader]


def aiokafka_tasks() -> list[str]:
    """Return what aiokafka still does in this event loop."""
    running = [getattr(task.get_coro(), "cr_code", None) for task in asyncio.all_tasks()]
    return [code.co_qualname for code in running if code and "aiokafka" in code.co_filename]
