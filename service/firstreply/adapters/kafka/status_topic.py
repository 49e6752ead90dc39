"""The status topic: the processes of a group tell each other how things stand (decision 0007).

Each process writes its status once a second to partition 0. While somebody looks at its wall it
reads that partition too, as a member of no group, from shortly before the end.

Implements ``wall.exchange.Exchange``: nothing here raises or makes anybody wait. What fails is told
in the log once when it begins and once when it ends, and by ``unread``; it is tried again for ever.
The clients are our own, so that a stuck one holds up nobody else.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.connection import administering, connect
from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.topics import create, describe
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from firstreply.ports import TimestampType
from firstreply.wall.fresh import FreshStatuses
from firstreply.wall.status import ProcessStatus, encode

_log = logging.getLogger(__name__)

PARTITION: Final = 0

_BACK: Final = 500
"""Records before the end to begin at: five seconds of a hundred processes."""
_READ_ON_SECONDS: Final = 60.0
"""How long to go on reading when nobody wants it any more: opening takes longer than reading."""
_SILENCE_SECONDS: Final = 10.0
"""Our own statuses come back each second; without any the connection is made anew."""
_WRITE_SECONDS: Final = 5.0
_AGAIN_SECONDS: Final = 5.0
_CONNECT: Final = timedelta(seconds=5)
_MOST_BYTES: Final = 900_000
"""Brokers take 1 MB unless told otherwise. A status of 2000 queues has 350 kB."""
_SETTINGS: Final = {
    "cleanup.policy": "delete",
    "retention.ms": "600000",
    "segment.ms": "600000",
    "message.timestamp.type": "LogAppendTime",
}


class KafkaStatusTopic:
    """Implements ``wall.exchange.Exchange`` on one topic.

    Args:
        options: the connection; ``topic`` is the input's, whose replication is taken over.
        topic: the status topic's name.
        group: see ``ProcessStatus.group``.
        process: ourselves.
        monotonic: seconds.
    """

    has_others = True

    def __init__(
        self,
        options: KafkaOptions,
        topic: str,
        *,
        group: str,
        process: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = replace(options, connect_timeout=_CONNECT)
        self._topic = topic
        self._place = TopicPartition(topic, PARTITION)
        self._process = process
        self._monotonic = monotonic
        self._fresh = FreshStatuses(group, process, monotonic)
        self._newest: ProcessStatus | None = None
        self._offered = asyncio.Event()
        self._wanted = asyncio.Event()
        self._wanted_at = float("-inf")
        self._exists = asyncio.Event()
        self._first_read = asyncio.Event()
        self._writing = _Way("write", topic)
        self._reading = _Way("read", topic)

    async def run(self) -> None:
        """Write what is offered, read what is wanted; until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(_for_ever(self._write, self._writing), name="status-write")
            group.create_task(_for_ever(self._read, self._reading), name="status-read")

    def offer(self, status: ProcessStatus) -> None:
        """Tell the others, soon."""
        self._newest = status
        self._offered.set()

    def want(self) -> None:
        """Read what the others tell."""
        self._wanted_at = self._monotonic()
        self._wanted.set()

    def others(self) -> Sequence[ProcessStatus]:
        """Return the fresh statuses of the others."""
        return self._fresh.others()

    def unread(self) -> str | None:
        """Say why the others' statuses may be missing."""
        for way in (self._reading, self._writing):
            if way.trouble is not None:
                return f"status topic {self._topic}: {way.trouble}"
        if not self._first_read.is_set():
            return f"status topic {self._topic}: what the other processes tell is not read yet"
        return None

    async def first_read(self) -> None:
        """Wait until what the others told last is read."""
        await self._first_read.wait()

    async def _write(self) -> None:
        """Write each status that is offered, until something fails."""
        await self._ensure_topic()
        self._exists.set()
        producer = Producer(self._options)
        try:
            await producer.start()
            while True:
                await self._offered.wait()
                self._offered.clear()
                await self._send(producer, self._record())
                self._writing.works()
        finally:
            await producer.stop()

    async def _send(self, producer: Producer, record: Outgoing) -> None:
        try:
            async with asyncio.timeout(_WRITE_SECONDS):
                await (await producer.enqueue(self._topic, record))
        except TimeoutError as error:
            msg = f"no broker acknowledged our status within {_WRITE_SECONDS:g} s"
            raise RetryableError(msg) from error

    def _record(self) -> Outgoing:
        assert self._newest is not None  # noqa: S101 - offered
        value = encode(self._newest)
        if len(value) > _MOST_BYTES:
            msg = f"our status has {len(value)} bytes, more than the {_MOST_BYTES} that are told"
            raise FatalError(msg)
        return Outgoing(key=self._process.encode(), value=value, partition=PARTITION)

    async def _read(self) -> None:
        """Read while somebody wants it, or until something fails."""
        await self._wanted.wait()
        await self._exists.wait()
        try:
            async with self._opened() as (consumer, end):
                came_at = self._monotonic()
                while self._monotonic() - self._wanted_at <= _READ_ON_SECONDS:
                    if await self._take(consumer):
                        came_at = self._monotonic()
                        self._reading.works()
                    elif self._monotonic() - came_at > _SILENCE_SECONDS:
                        msg = f"nothing came for {_SILENCE_SECONDS:g} s, not even our own status"
                        raise RetryableError(msg)
                    if await consumer.position(self._place) >= end:
                        self._first_read.set()
            self._wanted.clear()
        finally:
            self._first_read.clear()

    async def _take(self, consumer: AIOKafkaConsumer) -> bool:
        batches = await consumer.getmany(timeout_ms=500, max_records=_BACK)
        for record in (record for batch in batches.values() for record in batch):
            by_broker = record.timestamp_type == TimestampType.LOG_APPEND_TIME
            self._fresh.take(record.value, record.timestamp if by_broker else None)
        return bool(batches)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[AIOKafkaConsumer, int]]:
        """Open a consumer shortly before the end; yield it with the end."""
        consumer = AIOKafkaConsumer(
            **connection_arguments(self._options),
            enable_auto_commit=False,
            auto_offset_reset="none",
        )
        try:
            await connect(consumer.start, self._options)
            consumer.assign([self._place])
            async with asyncio.timeout(self._options.offsets_timeout.total_seconds()):
                first = (await consumer.beginning_offsets([self._place]))[self._place]
                end = (await consumer.end_offsets([self._place]))[self._place]
            consumer.seek(self._place, max(first, end - _BACK))
            yield consumer, end
        finally:
            await stop_consumer(consumer, self._options.stop_timeout)

    async def _ensure_topic(self) -> None:
        async with administering(self._options) as admin:
            if await describe(admin, self._topic) is not None:
                return
            source = await describe(admin, self._options.topic)
            try:
                made = await create(
                    admin,
                    self._topic,
                    partitions=1,
                    replicas=source.replicas if source else 1,
                    configuration=_SETTINGS,
                )
            except KafkaError as error:
                if error.retriable:
                    raise
                msg = (
                    f"it does not exist and cannot be made: {error!r}; allow CREATE, or make it: "
                    f"kafka-topics.sh --bootstrap-server {self._options.bootstrap_servers} "
                    f"--create --topic {self._topic} --partitions 1 "
                    + " ".join(f"--config {name}={value}" for name, value in _SETTINGS.items())
                    + "; or set kafka.status_topic: null"
                )
                raise ConfigurationError(msg) from error
        if made:
            _log.info("status_topic_created", extra={"topic": self._topic})


class _Way:
    """Whether one direction works; told in the log when that changes."""

    def __init__(self, direction: str, topic: str) -> None:
        self._fields = {"topic": topic, "direction": direction}
        self._failures = 0
        self._last = ""

    @property
    def trouble(self) -> str | None:
        """How often it failed in a row, and why; None while it works."""
        return f"failed {self._failures} times: {self._last}" if self._failures else None

    def works(self) -> None:
        if self._failures:
            _log.info("status_topic_works", extra={**self._fields, "failures": self._failures})
        self._failures = 0

    def failed(self, error: Exception) -> None:
        self._failures += 1
        self._last = str(error) or repr(error)
        if self._failures == 1:
            _log.warning("status_topic_fails", extra={**self._fields, "error": self._last})


async def _for_ever(attempt: Callable[[], Awaitable[None]], way: _Way) -> None:
    """Try, and try again after a pause, whatever happens: see the module's docstring."""
    while True:
        try:
            await attempt()
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            way.failed(RetryableError(repr(error)))  # aiokafka's own affair
        except Exception as error:  # noqa: BLE001  # aiokafka's parsers raise anything
            way.failed(error)
        else:
            continue
        await asyncio.sleep(_AGAIN_SECONDS)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
