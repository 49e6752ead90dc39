"""Reading a stretch of one partition, as a member of no group.

For what was written before: the state log at a restore, single records of the input that a restored
state is compared with. Each reading has a connection of its own, so that a slow one holds up
nobody, and ends at the offset that was the end when it began.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError

from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.connection import connect
from firstreply.adapters.kafka.errors import undecodable
from firstreply.adapters.kafka.options import (
    IsolationLevel,
    KafkaOptions,
    connection_arguments,
    milliseconds,
)
from firstreply.domain.errors import RetryableError

_POLL_MILLISECONDS: Final = 500
_RECORDS: Final = 500


async def read_stretch(
    options: KafkaOptions,
    topic: str,
    partition: int,
    first: int,
    end: int,
    *,
    isolation_level: IsolationLevel = "read_uncommitted",
) -> AsyncGenerator[Sequence[ConsumerRecord], None]:
    """Yield the records from offset ``first`` up to, not including, ``end``, in batches.

    Offsets without a record (retention, transaction markers) are passed over. The state log is
    written without transactions; whoever reads the input gives its isolation level. No record from
    ``end`` on is looked at, though more than asked for is fetched: one that cannot be decoded does
    no harm there.

    Raises:
        FatalError: a record cannot be decoded; those before it were yielded.
        RetryableError: the leader did not answer, or nothing came for ``request_timeout``.
    """
    if first >= end:
        return
    place = TopicPartition(topic, partition)
    async with _opened(options, place, first, isolation_level) as consumer:
        patience = options.request_timeout.total_seconds()
        came_at = asyncio.get_running_loop().time()
        most = _RECORDS
        while (position := await _position(consumer, place, options)) < end:
            try:
                batches = await consumer.getmany(
                    timeout_ms=_POLL_MILLISECONDS, max_records=min(most, end - position)
                )
            except Exception as error:
                if not _is_of_a_record(error):
                    raise
                if most == 1:  # a traceback would print the bytes that a parser's error quotes
                    raise undecodable(topic, partition, position, error) from None
                most = 1  # those before it come one by one: aiokafka drops what it has decoded
                consumer.seek(place, position)
                continue
            now = asyncio.get_running_loop().time()
            records = [record for record in batches.get(place, ()) if record.offset < end]
            if records:
                came_at = now
                yield records
            elif batches:
                return
            elif now - came_at > patience:
                msg = (
                    f"topic {topic}, partition {partition}: no record between {first} and {end} "
                    f"came for {patience:g} s; is its leader up?"
                )
                raise RetryableError(msg)


def _is_of_a_record(error: Exception) -> bool:
    """Return whether aiokafka could not decode a record: its parsers raise anything."""
    if isinstance(error, KafkaError):
        return isinstance(error, CorruptRecordException)
    return not isinstance(error, TimeoutError)


async def _position(
    consumer: AIOKafkaConsumer, place: TopicPartition, options: KafkaOptions
) -> int:
    async with asyncio.timeout(options.request_timeout.total_seconds()):
        position: int = await consumer.position(place)
    return position


@asynccontextmanager
async def _opened(
    options: KafkaOptions, place: TopicPartition, first: int, isolation_level: IsolationLevel
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **connection_arguments(options),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level=isolation_level,
        fetch_max_wait_ms=milliseconds(options.fetch_max_wait),
        max_partition_fetch_bytes=8 * options.max_partition_fetch_bytes,
    )
    try:
        await connect(consumer.start, options)
        consumer.assign([place])
        consumer.seek(place, first)
        yield consumer
    except (KafkaError, TimeoutError) as error:
        msg = f"topic {place.topic}, partition {place.partition} cannot be read: {error!r}"
        raise RetryableError(msg) from error
    finally:
        await stop_consumer(consumer, options.stop_timeout)
