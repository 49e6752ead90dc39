"""Where a newly owned partition is begun.

The committed offset wins. It is compared with what the partition holds first, so that records that
retention removed, or a topic that was made anew, stop the service instead of a silent jump. Without
a commit ``kafka.start`` decides.
"""

import asyncio
import logging
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.topics import NOT_AUTHORISED
from firstreply.domain.errors import RetryableError
from firstreply.domain.instants import to_instant

_log = logging.getLogger(__name__)


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
        known_partitions: how many there were at start. A partition from this number on is new and
            is read from its first record: ``latest`` would miss what it received until now.

    Raises:
        RetryableError: a broker did not answer in time.
        FatalError: the committed offset is outside what the partition holds.
    """
    committed = await _committed(options, consumer, partition)
    first = (await offsets.beginnings([partition]))[partition]
    end = (await offsets.ends([partition]))[partition]
    if committed is not None:
        if not first <= committed <= end:
            raise kafka_errors.lost_position(options, partition, committed, first, end)
        offset = committed
    elif options.start == "earliest" or partition >= known_partitions:
        offset = first
    elif isinstance(options.start, datetime):
        moment = max(to_instant(options.start) // 1000, 0)
        found = await offsets.at_time(partition, moment)
        offset = end if found is None else found
    else:
        offset = end
    _log.info(
        "kafka_partition_begun",
        extra={"partition": partition, "offset": offset, "committed": committed, "end": end},
    )
    return offset


async def _committed(
    options: KafkaOptions, consumer: AIOKafkaConsumer, partition: int
) -> int | None:
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
