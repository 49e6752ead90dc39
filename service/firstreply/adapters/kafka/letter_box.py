"""The dead letter topic read back, and the way of its letters to the input topic.

Letters are only read: nothing here deletes one, moves an offset of a group or makes a topic. What
is sent is acknowledged by all in-sync replicas before ``send`` returns.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.letter import Letter, read_letter, replayed_headers
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.reader import read_stretch
from firstreply.adapters.kafka.topics import NOT_AUTHORISED, Topic, describe
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError

Bounds = Mapping[int, tuple[int, int]]
"""First offset and the one after the last record, by partition."""


class KafkaLetterBox:
    """Reads ``<topic>.dead-letters``; sends to the input, or another topic.

    Args:
        options: the connection, the input topic and the dead letter topic.
        to: the topic to send to; None: the input.
    """

    def __init__(self, options: KafkaOptions, to: str | None = None) -> None:
        self._options = options
        self._to = to
        self._offsets = LeaderOffsets(replace(options, topic=options.dead_letters))
        self._producer = Producer(options)
        self._partitions = 0
        self._target: Topic | None = None

    @property
    def topic(self) -> str:
        """The dead letter topic's name."""
        return self._options.dead_letters

    @property
    def servers(self) -> str:
        """Where it is, for a person."""
        return self._options.bootstrap_servers

    @property
    def target(self) -> str:
        """The name of the topic that letters are sent to."""
        return self._to or self._options.topic

    @property
    def keeps_timestamps(self) -> bool:
        """Whether what is sent keeps its own timestamp; False also where we may not know."""
        configuration = (self._target and self._target.configuration) or {}
        return configuration.get("message.timestamp.type") == "CreateTime"

    async def start(self, *, to_send: bool = False) -> None:
        """Look at the topics and connect. Call ``stop`` after a failure too.

        Args:
            to_send: also where letters are sent to.

        Raises:
            ConfigurationError: a topic is absent or hidden, or letters would go to themselves.
            FatalError: this user may not ask.
            RetryableError: no broker was reached.
        """
        if to_send and self.target == self.topic:
            msg = f"--to {self.target}: that is the dead letter topic itself; name an input topic"
            raise ConfigurationError(msg)
        try:
            async with administering(self._options) as admin:
                letters = await describe(admin, self.topic)
                self._target = await describe(admin, self.target) if to_send else None
        except KafkaError as error:
            msg = f"Kafka at {self.servers} does not list its topics: {error!r}; grant DESCRIBE"
            raise FatalError(msg) from error
        if letters is None:
            msg = (
                f"kafka.dead_letter_topic: {self.topic} does not exist at {self.servers}, or this "
                "user may not see it; correct the name, or grant READ and DESCRIBE on it "
                "(firstreply run makes the topic when it first starts)"
            )
            raise ConfigurationError(msg)
        if to_send and self._target is None:
            msg = (
                f"{'--to' if self._to else 'kafka.topic:'} {self.target} does not exist at "
                f"{self.servers}, or this user may not see it; correct the name, or grant WRITE "
                "and DESCRIBE on it"
            )
            raise ConfigurationError(msg)
        self._partitions = letters.partitions
        await self._offsets.start()

    async def stop(self) -> None:
        """Disconnect. Idempotent."""
        await self._producer.stop()
        await self._offsets.stop()

    async def bounds(self) -> Bounds:
        """Return where the letters of each partition begin and end, now.

        Raises:
            FatalError: this user may not know.
            RetryableError: a leader did not answer.
        """
        wanted = range(self._partitions)
        firsts = await self._offsets.beginnings(wanted)
        ends = await self._offsets.ends(wanted)
        silent = [partition for partition in wanted if partition not in ends]
        if silent:
            msg = f"topic {self.topic}, partitions {silent}: no leader answered; try again"
            raise RetryableError(msg)
        return {partition: (firsts[partition], ends[partition]) for partition in wanted}

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Letter], None]:
        """Yield the letters from offset ``first`` up to, not including, ``end``, in batches.

        Raises:
            FatalError: this user may not read them, or one cannot be decoded.
            RetryableError: the leader did not answer.
        """
        stretch = read_stretch(self._options, self.topic, partition, first, end)
        try:
            async with aclosing(stretch) as batches:
                async for records in batches:
                    yield [read_letter(record) for record in records]
        except RetryableError as error:
            if isinstance(error.__cause__, NOT_AUTHORISED):
                msg = f"{error}; grant READ on topic {self.topic} at {self.servers}"
                raise FatalError(msg) from error
            raise

    async def connect_to_send(self) -> None:
        """Connect the producer. Raises RetryableError when no broker is reached."""
        await self._producer.start()

    async def send(self, letters: Sequence[Letter]) -> None:
        """Write the records that letters hold; return when all are acknowledged.

        A record goes to the partition it came from, where its contact's others are. In another
        topic, and where that partition is gone, the key decides.

        Raises:
            FatalError: the topic refuses one for good.
            RetryableError: not within ``request_timeout``, or a broker is in trouble.
        """
        try:
            async with asyncio.timeout(self._options.request_timeout.total_seconds()):
                futures = [
                    await self._producer.enqueue(self.target, self._record(letter))
                    for letter in letters
                ]
                await asyncio.gather(*futures)
        except (KafkaError, TimeoutError) as error:
            raise self._refused(letters, error) from error

    def _record(self, letter: Letter) -> Outgoing:
        source, partition = letter.source, None
        there = 0 if self._target is None else self._target.partitions
        if source and source.topic == self.target and source.partition < there:
            partition = source.partition
        return Outgoing(
            key=letter.key,
            value=letter.value,
            headers=replayed_headers(letter, self.topic),
            timestamp=letter.timestamp,
            partition=partition,
        )

    def _refused(
        self, letters: Sequence[Letter], error: KafkaError | TimeoutError
    ) -> FatalError | RetryableError:
        first, last = letters[0], letters[-1]
        place = (
            f"topic {self.target} at {self.servers} did not take all letters from "
            f"{first.partition}:{first.offset} to {last.partition}:{last.offset}: {error!r}"
        )
        if isinstance(error, NOT_AUTHORISED):
            return FatalError(f"{place}; grant WRITE and DESCRIBE on the topic")
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            return FatalError(f"{place}; raise its max.message.bytes")
        if isinstance(error, InvalidTimestampError):
            return FatalError(
                f"{place}; raise its message.timestamp.before.max.ms and "
                "message.timestamp.after.max.ms, or leave the letter out with --since and --until"
            )
        if isinstance(error, TimeoutError) or error.retriable:
            return RetryableError(f"{place}; give the command again when the brokers are well")
        return FatalError(f"{place}; correct the topic")
