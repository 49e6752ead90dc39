"""The input and a consumer group, seen and moved by somebody who is no member of it.

For the commands that look at or mend the state of a group. Its offsets are committed as Kafka's own
tools do, without a membership: the coordinator refuses that while the group has members, so a
service that starts meanwhile cannot be overwritten. Every question is bounded, and repeated while
the coordinator is only starting (a cluster makes its offsets topic with the first question).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoError, for_code

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.commits import GroupCommits
from firstreply.adapters.kafka.committed import committed_offsets
from firstreply.adapters.kafka.connection import administering, connect
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import (
    KafkaOptions,
    connection_arguments,
    consumer_arguments,
)
from firstreply.adapters.kafka.reader import read_stretch
from firstreply.adapters.kafka.topics import NOT_AUTHORISED, Topic, require_input
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.ports import Committed, Record

_AGAIN_SECONDS: Final = 0.3
_ABSENT: Final = "GroupIdNotFoundError"
"""What newer brokers answer about a group that never was, or expired."""


class Members(msgspec.Struct, frozen=True):
    """Who is in the group."""

    state: str
    """Kafka's word: Stable, Empty, Dead, PreparingRebalance, CompletingRebalance."""
    count: int


class KafkaGroup:
    """Implements ``keeping.port.Input``, and what repairing a state asks besides.

    Args:
        options: the connection, the input topic and the group.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._offsets = LeaderOffsets(options)
        self._input: Topic | None = None

    @property
    def name(self) -> str:
        """The group's name."""
        return self._options.group

    @property
    def topic(self) -> str:
        """The input's name."""
        return self._options.topic

    @property
    def partitions(self) -> int:
        """How many partitions the input had at start."""
        return self._input.partitions if self._input else 0

    async def start(self) -> None:
        """Look at the topic and connect. Raises as ``KafkaSource.start`` does."""
        async with administering(self._options) as admin:
            self._input = await require_input(admin, self._options)
        await self._offsets.start()

    async def stop(self) -> None:
        """Disconnect. Idempotent."""
        await self._offsets.stop()

    async def members(self) -> Members:
        """Ask who is in the group. Raises RetryableError, or FatalError if we may not know."""
        answer = await self._ask(lambda admin: admin.describe_consumer_groups([self.name]))
        found = answer[0].groups[0]
        error = for_code(found[0])
        if error.__name__ == _ABSENT:
            return Members("Dead", 0)
        if error is not NoError:
            msg = f"group {self.name} cannot be looked at: {error.__name__}; try again"
            raise RetryableError(msg)
        return Members(found[2], len(found[5]))

    async def committed(self, partition: int) -> Committed | None:
        """Ask for the group's commit. Raises RetryableError, or FatalError if we may not know."""
        name = TopicPartition(self.topic, partition)
        answer: dict[TopicPartition, Committed] = await self._ask(
            lambda admin: committed_offsets(admin, self.name)
        )
        return answer.get(name)

    async def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset and the one after the last record. Raises RetryableError."""
        first = (await self._offsets.beginnings([partition]))[partition]
        return first, (await self._offsets.ends([partition]))[partition]

    async def at_time(self, partition: int, instant: int) -> int | None:
        """Return the offset of the first record stamped at or after an instant, if there is one.

        Raises:
            RetryableError: the leader did not answer.
        """
        return await self._offsets.at_time(partition, max(instant // 1000, 0))

    async def record(self, partition: int, offset: int) -> Record | None:
        """Return the record at an offset, None if it is not there. Raises as ``read`` does."""
        async with aclosing(self.read(partition, offset, offset + 1)) as batches:
            async for records in batches:
                return records[0]
        return None

    async def next_record(self, partition: int, offset: int, end: int) -> Record | None:
        """Return the first record from ``offset`` on and below ``end``, committed or not.

        At ``offset`` itself there may be none, but a transaction's marker.

        Raises:
            FatalError: it cannot be decoded.
            RetryableError: the leader did not answer.
        """
        stretch = read_stretch(self._options, self.topic, partition, offset, end)
        async with aclosing(stretch) as batches:
            async for records in batches:
                found: Record = records[0]
                return found
        return None

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records from ``first`` up to, not including, ``end``, in batches.

        Raises:
            FatalError: one cannot be decoded.
            RetryableError: the leader did not answer.
        """
        stretch = read_stretch(
            self._options,
            self.topic,
            partition,
            first,
            end,
            isolation_level=self._options.isolation_level,
        )
        async with aclosing(stretch) as batches:
            async for records in batches:
                yield records

    async def commit(self, partition: int, offset: int, note: str) -> bool:
        """Commit for a group without members; False if it has some, or did not answer in time.

        Raises:
            FatalError: this user may not commit.
        """
        name = TopicPartition(self.topic, partition)
        consumer = AIOKafkaConsumer(
            **connection_arguments(self._options), **consumer_arguments(self._options)
        )
        try:
            await connect(consumer.start, self._options)
            consumer.assign([name])
            consumer.seek(name, offset)
            consumer.pause(name)
            return await GroupCommits(self._options).send(consumer, {name: (offset, note)})
        finally:
            await stop_consumer(consumer, self._options.stop_timeout)

    async def _ask(self, question: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:  # noqa: ANN401 - aiokafka has no types
        patience = self._options.connect_timeout.total_seconds()
        until = asyncio.get_running_loop().time() + patience
        while True:
            try:
                async with administering(self._options) as admin:
                    return await question(admin)
            except NOT_AUTHORISED as error:
                raise kafka_errors.not_authorised(self._options, error) from error
            except RetryableError:
                if asyncio.get_running_loop().time() > until:
                    raise
            except KafkaError as error:
                msg = f"group {self.name} cannot be looked at: {error!r}"
                raise FatalError(msg) from error
            await asyncio.sleep(_AGAIN_SECONDS)
