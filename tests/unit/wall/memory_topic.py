"""A status topic in memory: as ``KafkaStatusTopic`` is on a broker, for tests of several walls."""

import asyncio
from collections.abc import Callable, Sequence

from firstreply.wall.fresh import FreshStatuses
from firstreply.wall.status import ProcessStatus, encode


class MemoryTopic:
    """Records with the broker's time, in order."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self.records: list[tuple[bytes, int]] = []
        self.came = asyncio.Condition()

    async def append(self, raw: bytes) -> None:
        async with self.came:
            self.records.append((raw, int(self.monotonic() * 1000)))
            self.came.notify_all()


class MemoryExchange:
    """Implements ``wall.exchange.Exchange``."""

    has_others = True

    def __init__(self, topic: MemoryTopic, *, group: str, process: str) -> None:
        self._topic = topic
        self._fresh = FreshStatuses(group, process, topic.monotonic)
        self._newest: ProcessStatus | None = None
        self._offered = asyncio.Event()
        self._wanted = asyncio.Event()
        self._first_read = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write())
            group.create_task(self._read())

    def offer(self, status: ProcessStatus) -> None:
        self._newest = status
        self._offered.set()

    def want(self) -> None:
        self._wanted.set()

    def others(self) -> Sequence[ProcessStatus]:
        return self._fresh.others()

    def unread(self) -> str | None:
        return None if self._first_read.is_set() else "not read yet"

    async def first_read(self) -> None:
        await self._first_read.wait()

    async def _write(self) -> None:
        while True:
            await self._offered.wait()
            self._offered.clear()
            assert self._newest is not None
            await self._topic.append(encode(self._newest))

    async def _read(self) -> None:
        await self._wanted.wait()
        topic, position = self._topic, 0
        while True:
            for raw, at in topic.records[position:]:
                self._fresh.take(raw, at)
            position = len(topic.records)
            self._first_read.set()
            async with topic.came:
                await topic.came.wait_for(lambda: len(topic.records) > position)  # noqa: B023
