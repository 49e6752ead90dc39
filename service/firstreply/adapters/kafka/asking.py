"""A client that is asked things, and not interrupted while it answers.

Who asks waits as long as he likes; the question goes on without him and ends by itself, within the
client's request timeout. aiokafka opens connections in the middle of a question, one at a time, so
a question that is cut off, or whose client is closed under it, can leave a connection that nobody
closes, and closing one client fails the questions of all who share it. So a client is closed after
the last of its questions, and is asked nothing more from then on.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError

from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.connection import give_up, retrieved

Answer = TypeVar("Answer")


class AskedClient:
    """A started client, member of no group. Safe to share by tasks.

    Args:
        client: closed with this object.
        stop_timeout: the longest wait for its end.
    """

    def __init__(self, client: AIOKafkaConsumer, stop_timeout: timedelta) -> None:
        self._client = client
        self._stop_timeout = stop_timeout
        self._asked: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def ask(
        self,
        question: Callable[[AIOKafkaConsumer], Coroutine[Any, Any, Answer]],
        until: float,
    ) -> Answer:
        """Return the answer, if it comes until an instant of the event loop's clock.

        Raises:
            TimeoutError: it did not; the question goes on.
            KafkaError: what the client raised, or it is closed.
        """
        if self._closed:
            msg = "the connection was given up"
            raise KafkaConnectionError(msg)
        task = asyncio.create_task(question(self._client), name="kafka-offsets-ask")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        task.add_done_callback(retrieved)
        await asyncio.wait({task}, timeout=until - asyncio.get_running_loop().time())
        if not task.done() or task.cancelled():
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """Disconnect as soon as all that was asked has ended."""
        while self._asked:
            await asyncio.wait(self._asked)
        self._closed = True
        await stop_consumer(self._client, self._stop_timeout)

    async def abandon(self) -> None:
        """End what is asked, so that ``close`` need not wait: the process stops."""
        self._closed = True
        await give_up(self._asked)


class CurrentClient:
    """The client in use: opened when it is needed, replaced when it was dropped.

    Args:
        open_: makes and starts a client; what fails is closed.
        stop_timeout: the longest wait for a client's end.
    """

    def __init__(
        self,
        open_: Callable[[], Coroutine[Any, Any, AIOKafkaConsumer]],
        stop_timeout: timedelta,
    ) -> None:
        self._open = open_
        self._stop_timeout = stop_timeout
        self._client: AskedClient | None = None
        self._opening: asyncio.Task[AskedClient] | None = None
        self._closing: dict[AskedClient, asyncio.Task[None]] = {}

    async def opened(self, until: float | None = None) -> AskedClient:
        """Return the client; wait until an instant of the event loop's clock, or without limit.

        Raises:
            TimeoutError: it is not open by then; opening goes on, for whoever comes next.
            Exception: what opening raised.
        """
        if self._client is not None:
            return self._client
        if self._opening is None:
            self._opening = asyncio.create_task(self._connect(), name="kafka-offsets-open")
            self._opening.add_done_callback(retrieved)
        opening = self._opening
        patience = None if until is None else until - asyncio.get_running_loop().time()
        await asyncio.wait({opening}, timeout=patience)
        if not opening.done() or opening.cancelled():
            raise TimeoutError
        return opening.result()

    def drop(self, client: AskedClient) -> None:
        """Use it no more, if it is the one in use; it closes in the background."""
        if self._client is client:
            self._client = None
            closing = asyncio.create_task(client.close(), name="kafka-offsets-close")
            self._closing[client] = closing
            closing.add_done_callback(lambda _: self._closing.pop(client))

    async def stop(self) -> None:
        """Close all that is open. What is still asked ends without an answer. Idempotent."""
        if self._opening is not None:
            await give_up([self._opening])
        if self._client is not None:
            self.drop(self._client)
        for client in list(self._closing):
            await client.abandon()
        if self._closing:
            await asyncio.wait(self._closing.values())

    async def _connect(self) -> AskedClient:
        try:
            self._client = AskedClient(await self._open(), self._stop_timeout)
            return self._client
        finally:
            self._opening = None
