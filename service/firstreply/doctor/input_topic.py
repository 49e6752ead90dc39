"""The topic of the events: whether it is there, whole, not compacted, and kept for long enough."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.retention import cautions
from firstreply.adapters.kafka.seen import TopicSeen
from firstreply.adapters.kafka.topics import Topic
from firstreply.doctor.commands import change, grant, tool, who
from firstreply.doctor.finding import Finding, failure, ok, skipped, warning
from firstreply.durations import canonical

SETTINGS: Final = ("compaction", "retention", "timestamps")
"""The checks of ``setting_verdicts``."""

_LATE: Final = timedelta(days=1)
"""A producer may deliver so late after an outage of its own."""


def topic_verdicts(options: KafkaOptions, seen: TopicSeen, brokers: int) -> Iterator[Finding]:
    """Judge what the brokers tell of the topic."""
    name = options.topic
    if seen.hidden:
        yield failure(
            "topic",
            f"{name} may not be seen by {who(options)}, or it does not exist",
            "Grant READ and DESCRIBE on it.",
            grant(options, "topic", name, "READ", "DESCRIBE", "DESCRIBE_CONFIGS"),
        )
        return
    if not seen.exists:
        yield failure(
            "topic",
            f"{name} does not exist here",
            "Correct kafka.topic, or create it.",
            f"{tool(options, 'kafka-topics')} --create --topic {name} --partitions 4 --config "
            "message.timestamp.type=LogAppendTime",
        )
        return
    if seen.without_leader:
        yield failure(
            "topic",
            f"{name} has no leader for {_numbers(seen.without_leader)}: nobody can read there",
            "Start the brokers that hold these partitions.",
        )
    size = f"{_count(seen.partitions, 'partition')}, {_count(seen.replicas, 'replica')}"
    if seen.under_replicated:
        yield warning(
            "topic",
            f"{name}: {size}, of which some lag behind on {_numbers(seen.under_replicated)}",
            "Start the brokers that are missing, or see why they are slow.",
        )
    elif seen.replicas == 1 and brokers > 1:
        yield warning(
            "topic",
            f"{name}: {size}, so events are lost with the disk of one broker",
            "Give it three replicas (kafka-reassign-partitions.sh).",
        )
    elif not seen.without_leader:
        yield ok("topic", f"{name}: {size}")


def setting_verdicts(
    options: KafkaOptions, topic: Topic, longest_wait: timedelta | None
) -> Iterator[Finding]:
    """Judge the settings of the topic.

    Args:
        options: the connection.
        topic: the input.
        longest_wait: ``give_up_after``; None: for ever.
    """
    configuration = topic.configuration
    if configuration is None:
        for name in SETTINGS:
            yield skipped(name, f"needs DESCRIBE_CONFIGS on {topic.name}")
        return
    if topic.compacted:
        yield failure(
            "compaction",
            f"{topic.name} is compacted: Kafka drops events that a later one of the same contact "
            "replaces, so the service refuses it",
            "Set its cleanup.policy to delete, or write events to a topic that is not compacted.",
            change(options, topic.name, "cleanup.policy=delete"),
        )
    else:
        yield ok("compaction", f"none: cleanup.policy={configuration.get('cleanup.policy')}")
    yield from _retention(options, topic, longest_wait)
    yield from _timestamps(options, topic.name, configuration)


def _retention(
    options: KafkaOptions, topic: Topic, longest_wait: timedelta | None
) -> Iterator[Finding]:
    found = list(cautions(topic, longest_wait))
    for caution in found:
        wanted = "retention.bytes=-1"
        if "retention.ms" in caution.remedy:
            wanted = f"retention.ms={_wanted_milliseconds(longest_wait)}"
        yield warning(
            "retention",
            caution.what,
            f"{caution.remedy}.",
            change(options, topic.name, wanted),
        )
    if not found:
        kept = int((topic.configuration or {}).get("retention.ms", -1))
        text = "for ever" if kept < 0 else f"for {canonical(timedelta(milliseconds=kept))}"
        wait = "for ever" if longest_wait is None else canonical(longest_wait)
        yield ok("retention", f"events are kept {text}; a contact may wait {wait}")


def _wanted_milliseconds(longest_wait: timedelta | None) -> int:
    return -1 if longest_wait is None else longest_wait // timedelta(milliseconds=1)


def _timestamps(
    options: KafkaOptions, name: str, configuration: dict[str, str]
) -> Iterator[Finding]:
    if configuration.get("message.timestamp.type") == "LogAppendTime":
        yield ok("timestamps", "LogAppendTime: the broker's clock, the best choice")
        return
    before = timedelta(
        milliseconds=min(int(configuration.get("message.timestamp.before.max.ms", 2**62)), 10**12)
    )
    if before < _LATE:
        yield warning(
            "timestamps",
            f"CreateTime, and a record that is stamped more than {canonical(before)} ago is "
            "refused: after an outage of its own a producer cannot deliver what it kept",
            "Raise message.timestamp.before.max.ms, or let the broker stamp.",
            change(options, name, "message.timestamp.type=LogAppendTime"),
        )
        return
    yield ok(
        "timestamps",
        "CreateTime: the producer's clock. Right, but while a backlog is read no missed promise "
        "is counted before its end; LogAppendTime lets time pass with the records",
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _numbers(partitions: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, partitions[:5]))
    more = len(partitions) - 5
    word = "partition" if len(partitions) == 1 else "partitions"
    return f"{word} {shown}" + (f" and {more} more" if more > 0 else "")
