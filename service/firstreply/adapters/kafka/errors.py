"""What Kafka's errors mean to the person who runs the service.

Each function turns what aiokafka raised into the error that says what to do next, with the topic,
the partition, the offsets and the remedy. None quotes a record: what aiokafka's parsers raise is
named by its kind, only errors of Kafka itself by their text.
"""

from collections.abc import Mapping
from typing import Any

from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.topics import NOT_AUTHORISED
from firstreply.domain.errors import FatalError, RetryableError


def lost_position(
    options: KafkaOptions, partition: int, offset: int, first: int, end: int
) -> FatalError:
    """Return the error for a position that the partition does not hold (any more)."""
    if offset < first:
        cause = f"retention removed {first - offset} unread offsets"
        remedy = f"raise the topic's retention; to go on without them: {_begin(options, partition)}"
    else:
        cause = "the topic was truncated or made anew since that offset was committed"
        remedy = f"to read the new topic from its beginning: {_begin(options, partition)}"
    return FatalError(
        f"topic {options.topic}, partition {partition}: group {options.group} stands at offset "
        f"{offset}, but the partition holds offsets {first} to {end} (exclusive): {cause}. Stop "
        f"every member of the group, then {remedy}"
    )


def lost_positions(error: BaseException) -> Mapping[int, int]:
    """Return the partitions, with the offset asked for, that a fetch found out of range."""
    if not isinstance(error, OffsetOutOfRangeError) or not error.args:
        return {}
    asked: Mapping[Any, int] = error.args[0]
    return {name.partition: offset for name, offset in asked.items()}


def not_authorised(options: KafkaOptions, error: BaseException) -> FatalError:
    """Return the error for want of a permission."""
    return FatalError(
        f"Kafka at {options.bootstrap_servers} refuses user {options.sasl_username or 'anonymous'}:"
        f" {error}; grant READ and DESCRIBE on topic {options.topic} and READ on group "
        f"{options.group}"
    )


def unreadable(
    options: KafkaOptions, error: BaseException, read_up_to: Mapping[int, int]
) -> FatalError | RetryableError:
    """Return the error for a fetch that failed for another reason than its position."""
    if isinstance(error, NOT_AUTHORISED):
        return not_authorised(options, error)
    positions = ", ".join(f"{number}: {offset}" for number, offset in sorted(read_up_to.items()))
    place = f"topic {options.topic}, next offsets {{{positions}}}"
    if isinstance(error, RecordTooLargeError):
        return FatalError(
            f"{place}: a record does not fit one fetch: {error}; raise "
            "max_partition_fetch_bytes, or upgrade brokers older than 0.10.1"
        )
    if isinstance(error, KafkaError) and not isinstance(error, CorruptRecordException):
        if error.retriable:
            return RetryableError(f"{place}: {error!r}")
        return FatalError(f"{place}: the consumer cannot go on: {error!r}; restart the service")
    return FatalError(
        # Its kind alone: the text of a decoding error quotes the bytes of the record.
        f"{place}: a record batch cannot be decoded ({type(error).__name__}): a header name that "
        "is not UTF-8, or a damaged batch. Restart the service; if it stops at the same place, "
        "examine the batch with kafka-dump-log.sh and move the group past it, with all members "
        f"stopped, by {_command(options)} --topic {options.topic}:PARTITION --reset-offsets "
        "--to-offset OFFSET --execute, then firstreply state rebuild --from TIME --all with a time "
        "after the batch"
    )


def undecodable(topic: str, partition: int, offset: int, error: BaseException) -> FatalError:
    """Return the error for a record, at an offset or the next one there is, in a stretch read."""
    return FatalError(
        # Its kind alone, as in ``unreadable``.
        f"topic {topic}, partition {partition}: the record at offset {offset} cannot be decoded "
        f"({type(error).__name__}): a header name that is not UTF-8, or a damaged batch; nothing "
        "behind it can be read with it. Examine it with kafka-dump-log.sh, and begin after it "
        "(firstreply state rebuild --from TIME), or delete what is up to it with "
        "kafka-delete-records.sh"
    )


def _begin(options: KafkaOptions, partition: int) -> str:
    """Return how to begin at the first record: a state in the log wins over the group's offset."""
    return (
        "firstreply state rebuild --from TIME --all; or, where kafka.state_topic is null, "
        f"{_command(options)} --topic {options.topic}:{partition} --reset-offsets "
        "--to-earliest --execute"
    )


def _command(options: KafkaOptions) -> str:
    return (
        f"kafka-consumer-groups.sh --bootstrap-server {options.bootstrap_servers} "
        f"--group {options.group}"
    )
