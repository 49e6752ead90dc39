"""Sends made-up contacts while faults go on."""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from tests.faults.workload import Sent, Workload

_TURN_SECONDS: Final = 0.05


class Feed:
    """Sends a workload as time passes, and what is left of it at the end."""

    def __init__(self, servers: str, topic: str, workload: Workload) -> None:
        """Prepare it; a context manager sends."""
        self._servers = servers
        self._topic = topic
        self._workload = workload
        self._producer: AIOKafkaProducer | None = None
        self._task: asyncio.Task[None] | None = None
        self.sent = 0
        self.last_at = 0.0
        """Seconds since the epoch: the latest time that an event tells."""

    async def start(self) -> None:
        """Begin to send."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._servers, acks="all", linger_ms=20, request_timeout_ms=60_000
        )
        await self._producer.start()
        self._task = asyncio.create_task(self._run(), name="feed")

    async def stop(self) -> None:
        """Send the rest and wait until all is acknowledged. Idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        for sent in self._workload.rest():
            await self._send(sent)
        assert self._producer is not None
        await self._producer.stop()

    async def abort(self) -> None:
        """End at once, whatever is not sent yet. Idempotent."""
        task, self._task = self._task, None
        if task is not None and self._producer is not None:
            task.cancel()
            await asyncio.wait({task})
            stopping = asyncio.create_task(self._producer.stop())
            await asyncio.wait({stopping}, timeout=5)
            stopping.cancel()

    async def _run(self) -> None:
        while True:
            for sent in self._workload.until(time.time()):
                await self._send(sent)
            await asyncio.sleep(_TURN_SECONDS)

    async def _send(self, sent: Sent) -> None:
        assert self._producer is not None
        future: asyncio.Future[Any] = await self._producer.send(
            self._topic, key=sent.key, value=sent.value
        )
        future.add_done_callback(_seen)
        self.sent += 1
        self.last_at = max(self.last_at, sent.tells)


def _seen(future: asyncio.Future[Any]) -> None:
    """Look at a failure: what was not written is not in the topic, and so not in the truth."""
    if not future.cancelled():
        future.exception()
