"""What this user may do: the brokers tell the operations that they would allow, none is tried."""

from collections.abc import Iterator

import msgspec

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.seen import GroupSeen, TopicSeen
from firstreply.doctor.commands import grant, who
from firstreply.doctor.finding import Finding, failure, ok, skipped, warning


class Need(msgspec.Struct, frozen=True):
    """What the service does with a topic."""

    name: str
    setting: str
    """The key that names it."""
    operations: tuple[str, ...]
    only_wall: bool = False
    """Whether nothing but the wall suffers without them."""
    sees_settings: bool = False
    """Whether its settings are looked at before each start."""


def topic_permissions(options: KafkaOptions, need: Need, seen: TopicSeen) -> Iterator[Finding]:
    """Judge what we may do with a topic that exists."""
    if seen.operations is None:
        yield skipped("permissions", f"{need.name}: the broker does not tell what we may do")
        return
    missing = [each for each in need.operations if each not in seen.operations]
    if missing:
        make = warning if need.only_wall else failure
        effect = "; other processes are not shown on /wall" if need.only_wall else ""
        yield make(
            "permissions",
            f"{who(options)} may not {_words(missing)} topic {need.name} ({need.setting}){effect}",
            "Grant it.",
            grant(options, "topic", need.name, *missing),
        )
    elif need.sees_settings and "DESCRIBE_CONFIGS" not in seen.operations:
        yield warning(
            "permissions",
            f"{who(options)} may not see the settings of topic "
            f"{need.name}, so nobody notices that it is compacted or keeps too little",
            "Grant DESCRIBE_CONFIGS.",
            grant(options, "topic", need.name, "DESCRIBE_CONFIGS"),
        )
    else:
        yield ok("permissions", f"topic {need.name}: {_words(need.operations)}")


def group_permissions(options: KafkaOptions, seen: GroupSeen) -> Iterator[Finding]:
    """Judge what we may do with the group."""
    name = options.group
    if seen.error == "GroupAuthorizationFailedError" or (
        seen.operations is not None and "READ" not in seen.operations
    ):
        yield failure(
            "permissions",
            f"{who(options)} may not read in group {name}",
            "Grant READ on the group (kafka.group).",
            grant(options, "group", name, "READ"),
        )
    elif seen.operations is None:
        yield skipped("permissions", f"group {name}: the broker does not tell what we may do")
    else:
        yield ok("permissions", f"group {name}: read")


def _words(operations: list[str] | tuple[str, ...]) -> str:
    return ", ".join(each.lower() for each in operations)
