"""Where a newly owned partition is begun.

The committed offset wins. It is compared with what the partition holds first, so that records that
retention removed, or a topic that was made anew, stop the service instead of a silent jump. Without
a commit ``kafka.start`` decides.
"""

import asyncio
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.topics import NOT_AUTHORISED
from firstreply.domain.errors import RetryableError
from firstreply.domain.instants import to_instant


async def starting_offset(
    options: KafkaOptions,
    consumer: AIOKafkaConsumer,
    offsets: LeaderOffsets,
    partition: int,
    known_partitions: int,
) -> int:
    """Return the offset at which to begin a partition.

    Args:
        options: the group and ``kafka.start``.
        consumer: the member of the group.
        offsets: asks the leaders.
        partition: its number.
        known_partitions: see ``first_offset``.

    Raises:
        RetryableError: a broker did not answer in time.
        FatalError: the committed offset is outside what the partition holds.
    """
    committed = await committed_offset(options, consumer, partition)
    if committed is None:
        return await first_offset(options, offsets, partition, known_partitions)
    first = (await offsets.beginnings([partition]))[partition]
    end = (await offsets.ends([partition]))[partition]
    if not first <= committed <= end:
        raise kafka_errors.lost_position(options, partition, committed, first, end)
    return committed


async def first_offset(
    options: KafkaOptions, offsets: LeaderOffsets, partition: int, known_partitions: int
) -> int:
    """Return where a partition without a commit begins: ``kafka.start``.

    Args:
        options: the group and ``kafka.start``.
        offsets: asks the leaders.
        partition: its number.
        known_partitions: how many there were at start. A partition from this number on is new and
            is read from its first record: ``latest`` would miss what it received until now.

    Raises:
        RetryableError: a broker did not answer in time.
    """
    if options.start == "earliest" or partition >= known_partitions:
        return (await offsets.beginnings([partition]))[partition]
    end = (await offsets.ends([partition]))[partition]
    if isinstance(options.start, datetime):
        moment = max(to_instant(options.start) // 1000, 0)
        found = await offsets.at_time(partition, moment)
        return end if found is None else found
    return end


async def committed_offset(
    options: KafkaOptions, consumer: AIOKafkaConsumer, partition: int
) -> int | None:
    """Return the offset that the group has committed, None for none. Raises RetryableError."""
    name = TopicPartition(options.topic, partition)
    try:
        async with asyncio.timeout(options.commit_timeout.total_seconds()):
            committed: int | None = await consumer.committed(name)
    except NOT_AUTHORISED as error:
        raise kafka_errors.not_authorised(options, error) from error
    except (KafkaError, TimeoutError) as error:
        msg = (
            f"the committed offset of group {options.group}, topic {options.topic}, partition "
            f"{partition} is not known yet: {error!r}"
        )
        raise RetryableError(msg) from error
    return committed
