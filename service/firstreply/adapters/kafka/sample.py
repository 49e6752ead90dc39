"""The last records of a topic, read by a member of no group, within a limit of time.

For ``firstreply doctor``: nothing is committed, nobody is disturbed. Batches are handed out as they
arrive, so that few records are in memory at once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.connection import connect
from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.domain.errors import RetryableError
from firstreply.ports import Record

Bounds = Mapping[int, tuple[int, int]]
"""First offset and the one after the last record, by partition."""

_POLL_MILLISECONDS: Final = 200
_RECORDS: Final = 100


async def last_records(
    options: KafkaOptions, topic: str, bounds: Bounds, most: int, limit: timedelta
) -> AsyncGenerator[Sequence[Record], None]:
    """Yield the records of the last ``most`` offsets of each partition, in batches.

    Ends when all are read, or when nothing came for ``limit``: whoever counts sees what is missing.

    Raises:
        RetryableError: no broker was reached, or a leader refuses.
        FatalError: a record cannot be decoded.
    """
    ends = {
        TopicPartition(topic, number): (max(first, end - most), end)
        for number, (first, end) in bounds.items()
        if first < end
    }
    if not ends:
        return
    async with _assigned(options, {name: first for name, (first, _) in ends.items()}) as consumer:
        begun_at = {name.partition: first for name, (first, _) in ends.items()}
        clock = asyncio.get_running_loop().time
        came_at = clock()
        while ends and clock() - came_at < limit.total_seconds():
            batches = await _polled(options, consumer, begun_at)
            for name, records in batches.items():
                came_at = clock()
                wanted = [one for one in records if name in ends and one.offset < ends[name][1]]
                if wanted:
                    yield wanted
            for name in [name for name in ends if await _is_past(consumer, name, ends[name][1])]:
                del ends[name]
                consumer.pause(name)


async def _polled(
    options: KafkaOptions, consumer: AIOKafkaConsumer, begun_at: Mapping[int, int]
) -> Mapping[TopicPartition, Sequence[Record]]:
    try:
        found: Mapping[TopicPartition, Sequence[Record]] = await consumer.getmany(
            timeout_ms=_POLL_MILLISECONDS, max_records=_RECORDS
        )
    except KafkaError:
        raise
    except Exception as error:  # noqa: BLE001  # aiokafka's parsers raise anything
        # Without its cause, whose text would quote the bytes that were parsed.
        raise kafka_errors.unreadable(options, error, begun_at) from None
    return found


async def _is_past(consumer: AIOKafkaConsumer, name: TopicPartition, end: int) -> bool:
    """Say whether all is read; transaction markers are passed over, so records do not tell."""
    position: int = await consumer.position(name)
    return position >= end


@asynccontextmanager
async def _assigned(
    options: KafkaOptions, places: Mapping[TopicPartition, int]
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **connection_arguments(options),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=options.isolation_level,
        max_partition_fetch_bytes=options.max_partition_fetch_bytes,
    )
    try:
        await connect(consumer.start, options)
        consumer.assign(list(places))
        for name, offset in places.items():
            consumer.seek(name, offset)
        yield consumer
    except (KafkaError, TimeoutError) as error:
        # Its kind alone: the text of a decoding error may quote the bytes of a record.
        msg = f"the records cannot be read: {type(error).__name__}"
        raise RetryableError(msg) from error
    finally:
        await stop_consumer(consumer, options.stop_timeout)
