"""Bad records, kept byte for byte on the dead letter topic.

A letter is the record as it came: key, value, its own headers first and unchanged, its timestamp
where the topic accepts it. Ours follow: the names of KIP-1034, which other tools read, and
``firstreply.dlq.*``. ``send`` returns only when every letter is acknowledged, so that the input
offset may pass them; after an error the caller sends again, and a letter may then be there twice.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    InvalidConfigurationError,
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)

from firstreply.adapters.kafka import letter as names
from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.topics import NOT_AUTHORISED, create, describe
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from firstreply.ports import DeadLetter

_log = logging.getLogger(__name__)

_HEADROOM: Final = 65_536
"""What our headers may add to a record that is as large as the input topic allows."""
_BYTES_IN_FLIGHT: Final = 8 * 1_048_576
"""Brokers close a connection on a request above ``socket.request.max.bytes`` (100 MiB)."""
_KEEP: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "CreateTime",
}
_ANY_TIMESTAMP: Final = {
    # Kafka 4 refuses timestamps an hour ahead by default; a bad record may have any.
    "message.timestamp.before.max.ms": str(2**63 - 1),
    "message.timestamp.after.max.ms": str(2**63 - 1),
}


class KafkaDeadLetters:
    """A ``ports.DeadLetterSink`` that writes to ``<topic>.dead-letters``."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._producer = Producer(options)

    @property
    def topic(self) -> str:
        """The dead letter topic's name."""
        return self._options.dead_letters

    async def start(self) -> None:
        """Make the topic if it is absent, and connect. Call ``stop`` after a failure too.

        Raises:
            ConfigurationError: it is absent and may not be made, or it is compacted.
            RetryableError: no broker was reached.
        """
        async with administering(self._options) as admin:
            await self._ensure_topic(admin)
        await self._producer.start()

    async def stop(self) -> None:
        """Disconnect, within ``stop_timeout``. Idempotent."""
        await self._producer.stop()

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all letters are acknowledged by all in-sync replicas.

        Raises:
            RetryableError: not within ``request_timeout``, or a broker is in trouble.
            FatalError: the topic refuses a letter for good, such as for its size.
        """
        try:
            async with asyncio.timeout(self._options.request_timeout.total_seconds()):
                partitions = await self._producer.partition_count(self.topic)
                for some in _in_flight(letters):
                    await self._send_some(some, partitions)
        except (TimeoutError, KafkaTimeoutError) as error:
            msg = (
                f"{len(letters)} dead letters were not acknowledged by {self._place()} within "
                f"{self._options.request_timeout.total_seconds():g} s"
            )
            raise RetryableError(msg) from error
        except KafkaError as error:
            raise self._refused(letters, error) from error

    async def _send_some(self, letters: Sequence[DeadLetter], partitions: int) -> None:
        futures = [
            await self._producer.enqueue(self.topic, self._record(letter, partitions))
            for letter in letters
        ]
        outcomes = await asyncio.gather(*futures, return_exceptions=True)
        for letter, outcome in zip(letters, outcomes, strict=True):
            if isinstance(outcome, InvalidTimestampError):
                await self._send_undated(letter, partitions)
            elif isinstance(outcome, BaseException):
                raise outcome

    async def _send_undated(self, letter: DeadLetter, partitions: int) -> None:
        """Send a letter whose own timestamp the topic refuses; it is kept in a header."""
        record = self._record(letter, partitions)
        undated = Outgoing(record.key, record.value, record.headers, None, record.partition)
        await (await self._producer.enqueue(self.topic, undated))

    def _record(self, letter: DeadLetter, partitions: int) -> Outgoing:
        timestamp = letter.timestamp
        if timestamp is not None and timestamp < 0:
            timestamp = None  # Kafka's way to say that there is none
        return Outgoing(
            key=letter.key,
            value=letter.value,
            headers=[*letter.headers, *self._own_headers(letter)],
            timestamp=timestamp,
            partition=letter.partition % partitions,
        )

    def _own_headers(self, letter: DeadLetter) -> list[tuple[str, bytes]]:
        own = {
            names.TOPIC: self._options.topic,
            names.PARTITION: str(letter.partition),
            names.OFFSET: str(letter.offset),
            names.EXCEPTION: f"firstreply.Rejected.{_exception_name(letter.reason)}",
            names.MESSAGE: letter.detail,
            names.REASON: letter.reason,
            names.WRITTEN_BY: names.VERSION,
        }
        if letter.timestamp is not None:
            own[names.TIMESTAMP] = str(letter.timestamp)
        # All words of ours (see rejection.py); still, no letter of them may stop a letter.
        return [(name, text.encode("utf-8", "backslashreplace")) for name, text in own.items()]

    def _refused(
        self, letters: Sequence[DeadLetter], error: KafkaError
    ) -> FatalError | RetryableError:
        if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
            largest = max(letters, key=_size)
            return FatalError(
                f"{self._place()} refuses a dead letter of {_size(largest)} bytes as too large "
                f"(it came from topic {self._options.topic}, partition {largest.partition}, "
                f"offset {largest.offset}); raise its limit: kafka-configs.sh --bootstrap-server "
                f"{self._options.bootstrap_servers} --alter --entity-type topics --entity-name "
                f"{self.topic} --add-config max.message.bytes={_size(largest) + _HEADROOM}"
            )
        if isinstance(error, NOT_AUTHORISED):
            return FatalError(f"{self._place()}: {error!r}; grant WRITE and DESCRIBE on the topic")
        if error.retriable:
            return RetryableError(f"{self._place()} did not take {len(letters)} letters: {error!r}")
        return FatalError(f"{self._place()} refuses dead letters: {error!r}; correct the topic")

    async def _ensure_topic(self, admin: AIOKafkaAdminClient) -> None:
        existing = await describe(admin, self.topic)
        if existing is None:
            await self._create_topic(admin)
        elif existing.compacted:
            msg = (
                f"kafka.dead_letter_topic: {self._place()} is compacted, so letters would replace "
                "each other; set its cleanup.policy to delete, or name another topic"
            )
            raise ConfigurationError(msg)

    async def _create_topic(self, admin: AIOKafkaAdminClient) -> None:
        source = await describe(admin, self._options.topic)
        replicas = source.replicas if source else 1
        keep = dict(_KEEP)
        if source and source.max_message_bytes:
            keep["max.message.bytes"] = str(source.max_message_bytes + _HEADROOM)
        try:
            try:
                await create(
                    admin,
                    self.topic,
                    partitions=1,
                    replicas=replicas,
                    configuration=keep | _ANY_TIMESTAMP,
                )
            except InvalidConfigurationError:  # brokers before 3.6 know no such limit
                await create(admin, self.topic, partitions=1, replicas=replicas, configuration=keep)
        except KafkaError as error:
            if error.retriable:
                raise
            msg = (
                f"kafka.dead_letter_topic: {self._place()} does not exist and cannot be made: "
                f"{error!r}; allow CREATE, or make it: kafka-topics.sh --bootstrap-server "
                f"{self._options.bootstrap_servers} --create --topic {self.topic} "
                + " ".join(f"--config {name}={value}" for name, value in keep.items())
            )
            raise ConfigurationError(msg) from error
        _log.info("dead_letter_topic_created", extra={"topic": self.topic})

    def _place(self) -> str:
        return f"topic {self.topic} at {self._options.bootstrap_servers}"


def _exception_name(reason: str) -> str:
    return "".join(part.capitalize() for part in reason.split("_"))


def _size(letter: DeadLetter) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") + headers


def _in_flight(letters: Sequence[DeadLetter]) -> Iterator[Sequence[DeadLetter]]:
    """Cut letters, in order, into runs of bounded size; a large one goes alone."""
    run: list[DeadLetter] = []
    total = 0
    for letter in letters:
        if run and total + _size(letter) > _BYTES_IN_FLIGHT:
            yield run
            run, total = [], 0
        run.append(letter)
        total += _size(letter)
    if run:
        yield run
