"""The state log: one topic beside the input, with the same partitions, that holds our state.

Bytes in, bytes out; what they mean is ``firstreply.state``. The topic is made when it is absent and
looked at when it is there: another number of partitions, compaction or a short retention would
lose state without a word, so they are refused. Appends are acknowledged by all in-sync replicas,
and not idempotent: a chunk written twice is harmless, while a sequence error ends such a producer.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions, milliseconds
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.reader import read_stretch
from firstreply.adapters.kafka.retention import retention_cautions
from firstreply.adapters.kafka.topics import Topic, create, describe
from firstreply.domain.errors import ConfigurationError, RetryableError
from firstreply.domain.instants import SECOND

_log = logging.getLogger(__name__)

_FOR_EVER: Final = -1
_VISIBLE_SECONDS: Final = 0.05
_LARGEST_BATCH: Final = 1_048_588
"""Kafka's own default. Chunks are cut to fit it; a topic that takes less would refuse them."""


class StateTopic(msgspec.Struct, frozen=True):
    """How the topic is to be."""

    name: str
    retention: timedelta
    """Every contact is written anew four times as often; the service may be down for the rest."""
    replicas: int | None = None
    """None: as many as the input topic has."""
    min_insync: int | None = None
    """None: the broker's default; 2 where there are three replicas."""
    longest_wait: timedelta | None = None
    """How far back a rebuild of the state would have to read; None: to the first event."""


class StateRecord(msgspec.Struct, frozen=True):
    """One record of the log."""

    offset: int
    value: bytes
    timestamp: int = 0
    """Milliseconds since the epoch: when the broker appended it."""


class KafkaStateLog:
    """Implements ``ports.StateLog``.

    Args:
        options: the connection, and the input topic.
        topic: how the state topic is to be.
    """

    def __init__(self, options: KafkaOptions, topic: StateTopic) -> None:
        self._options = options
        self._topic = topic
        self._own = replace(options, topic=topic.name)
        self._producer = Producer(self._own, compression=None)  # the chunks are compressed
        self._offsets = LeaderOffsets(self._own)

    @property
    def topic(self) -> str:
        """The topic's name."""
        return self._topic.name

    @property
    def _where(self) -> str:
        return f"state topic {self._topic.name} at {self._options.bootstrap_servers}"

    async def start(self) -> None:
        """Make the topic or look at it, and connect.

        Raises:
            ConfigurationError: it cannot be made, or is not as it must be.
            RetryableError: no broker was reached.
        """
        async with administering(self._options) as admin:
            source = await describe(admin, self._options.topic)
            if source is None:
                return  # the source says so, and better
            for caution in retention_cautions(source, self._topic.longest_wait):
                _log.warning("input_retention_short", extra={"meaning": caution})
            found = await describe(admin, self._topic.name)
            if found is None and not await self._make(admin, source):
                found = await self._appeared(admin)
            if found is not None:
                self._require_fit(found, source)
        await self._producer.start()
        await self._offsets.start()

    async def look(self) -> bool:
        """Connect to a topic that is there, only to read it; False, and no more, if it is absent.

        Raises:
            ConfigurationError: it has other partitions than the input.
            RetryableError: no broker was reached.
        """
        async with administering(self._options) as admin:
            source = await describe(admin, self._options.topic)
            found = await describe(admin, self._topic.name)
        if source is None or found is None:
            return False
        self._require_partitions(found, source)
        await self._offsets.start()
        return True

    async def stop(self) -> None:
        """Disconnect. Idempotent."""
        await self._producer.stop()
        await self._offsets.stop()

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:
        """Write the records of one checkpoint, in order; return their offsets.

        Raises:
            RetryableError: not acknowledged within ``request_timeout``: they may be there or not.
        """
        try:
            async with asyncio.timeout(self._options.request_timeout.total_seconds()):
                futures = [
                    await self._producer.enqueue(
                        self._topic.name, Outgoing(key=None, value=value, partition=partition)
                    )
                    for value in values
                ]
                written = await asyncio.gather(*futures)
        except (KafkaError, TimeoutError) as error:
            msg = f"state log {self._topic.name}, partition {partition}: not written: {error!r}"
            raise RetryableError(msg) from error
        return [int(each.offset) for each in written]  # type: ignore[attr-defined]

    async def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset that retention has left, and the offset after the last record.

        Raises:
            RetryableError: the leader did not answer.
        """
        first = (await self._offsets.beginnings([partition]))[partition]
        end = (await self._offsets.ends([partition]))[partition]
        return first, end

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[StateRecord], None]:
        """Yield the records from ``first`` up to, not including, ``end``, in batches.

        Close it (``contextlib.aclosing``), or its connection stays open when you stop early.

        Raises:
            RetryableError: the leader did not answer.
        """
        stretch = read_stretch(self._options, self._topic.name, partition, first, end)
        async with aclosing(stretch) as batches:
            async for batch in batches:
                yield [
                    StateRecord(record.offset, record.value or b"", record.timestamp)
                    for record in batch
                ]

    async def written_at(self, partition: int, offset: int) -> int | None:
        """Return when a record was appended, in microseconds; None if it is not there any more.

        Raises:
            RetryableError: the leader did not answer.
        """
        async with aclosing(self.read(partition, offset, offset + 1)) as batches:
            async for batch in batches:
                return batch[0].timestamp * (SECOND // 1000)
        return None

    async def _make(self, admin: AIOKafkaAdminClient, source: Topic) -> bool:
        """Make the topic; False if another process was faster."""
        settings = settings_of_topic(self._topic, source)
        try:
            made = await create(
                admin,
                self._topic.name,
                partitions=source.partitions,
                replicas=self._topic.replicas or source.replicas,
                configuration=settings,
            )
        except KafkaError as error:
            if error.retriable:
                raise
            raise self._cannot_be_made(source, settings, error) from error
        if made:
            _log.info("state_topic_created", extra={"topic": self._topic.name, **settings})
        return made

    async def _appeared(self, admin: AIOKafkaAdminClient) -> Topic:
        """Wait until a topic that exists can be seen; ``administering`` bounds it."""
        found = None
        while found is None:
            await asyncio.sleep(_VISIBLE_SECONDS)
            found = await describe(admin, self._topic.name)
        return found

    def _require_partitions(self, found: Topic, source: Topic) -> None:
        if found.partitions != source.partitions:
            msg = (
                f"{self._where} has {found.partitions} partitions, {source.name} has"
                f" {source.partitions}:"
                " contacts lie in other partitions now than their first events. Go on with a topic"
                " of its own and a new kafka.group: docs/scaling.md, More partitions"
            )
            raise ConfigurationError(msg)

    def _require_fit(self, found: Topic, source: Topic) -> None:
        """Refuse a topic in which state would be lost."""
        self._require_partitions(found, source)
        wrong = too_weak(self._topic, found, source)
        if wrong:
            change = ",".join(f"{name}={wanted}" for name, wanted in wrong.items())
            msg = (
                f"{self._where} would lose state: {', '.join(wrong)}; change it: kafka-configs.sh "
                f"--bootstrap-server {self._options.bootstrap_servers} --alter --entity-type "
                f"topics --entity-name {found.name} --add-config {change}"
            )
            raise ConfigurationError(msg)
        if found.configuration is None:
            _log.warning("kafka_topic_configuration_hidden", extra={"topic": found.name})

    def _cannot_be_made(
        self, source: Topic, settings: dict[str, str], error: KafkaError
    ) -> ConfigurationError:
        configs = " ".join(f"--config {name}={value}" for name, value in settings.items())
        return ConfigurationError(
            f"state topic {self._topic.name} does not exist and cannot be made: {error!r}; allow"
            " CREATE, or make it: kafka-topics.sh --bootstrap-server"
            f" {self._options.bootstrap_servers} --create --topic {self._topic.name}"
            f" --partitions {source.partitions}"
            f" --replication-factor {self._topic.replicas or source.replicas} {configs}"
        )


def settings_of_topic(topic: StateTopic, source: Topic) -> dict[str, str]:
    """Return the settings with which the topic is made beside an input."""
    replicas = topic.replicas or source.replicas
    least = topic.min_insync or (2 if replicas >= 3 else 1)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(milliseconds(topic.retention)),
        "retention.bytes": str(_FOR_EVER),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(_LARGEST_BATCH),
        "min.insync.replicas": str(least),
        "unclean.leader.election.enable": "false",
    }


def too_weak(topic: StateTopic, found: Topic, source: Topic) -> dict[str, str]:
    """Return the settings of a topic that would lose state, with the values they must have."""
    return {
        name: wanted
        for name, wanted in settings_of_topic(topic, source).items()
        if not _is_enough(name, (found.configuration or {}).get(name), wanted)
    }


def _is_enough(name: str, found: str | None, wanted: str) -> bool:
    """Return whether a setting keeps state at least as well as ours; one we may not see does."""
    if found is None or found == wanted:
        return True
    match name:
        case "retention.ms" | "retention.bytes":
            return int(found) == _FOR_EVER or (
                wanted != str(_FOR_EVER) and int(found) > int(wanted)
            )
        case "max.message.bytes":
            return int(found) > int(wanted)
        case "min.insync.replicas" | "unclean.leader.election.enable":
            return True  # the operator's own trade between safety and availability
        case _:
            return False
