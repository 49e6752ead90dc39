"""The consumer group: who is in it, and how far it has read."""

from collections.abc import Iterator, Mapping
from typing import Final

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.options import CLIENT_ID, KafkaOptions
from firstreply.adapters.kafka.seen import GroupSeen
from firstreply.doctor.finding import Finding, failure, ok, warning

MUCH_LAG: Final = 10_000
"""Records; a service that keeps up is a few behind."""

_ABSENT: Final = "GroupIdNotFoundError"


def member_verdict(options: KafkaOptions, seen: GroupSeen) -> Finding:
    """Judge who is in the group."""
    name = options.group
    if seen.error not in {None, _ABSENT}:
        return failure("group", f"{name} cannot be looked at: {seen.error}", "Try again.")
    strangers = sorted({each.client for each in seen.members if each.client != CLIENT_ID})
    if strangers:
        return failure(
            "group",
            f"{name} has members of another application (client id {', '.join(strangers)}), which "
            "take partitions away from the service",
            "Choose a kafka.group that nobody else uses.",
        )
    if not seen.members:
        return ok("group", f"{name}: no service runs in it now")
    count = len(seen.members)
    hosts = ", ".join(sorted({each.host for each in seen.members}))
    members = "1 member" if count == 1 else f"{count} members"
    return ok("group", f"{name}: {members}, on {hosts} ({seen.state})")


def lag_verdicts(
    options: KafkaOptions,
    committed: Mapping[int, int],
    bounds: Mapping[int, tuple[int, int]],
    *,
    runs: bool,
) -> Iterator[Finding]:
    """Judge how far the group has read.

    Args:
        options: the group.
        committed: its offsets by partition; one that it never read is left out.
        bounds: first offset and the one after the last record, by partition.
        runs: whether a service is in the group.
    """
    lost = [
        number
        for number, offset in committed.items()
        if number in bounds and not bounds[number][0] <= offset <= bounds[number][1]
    ]
    for number in lost[:1]:
        what, _, remedy = str(
            kafka_errors.lost_position(options, number, committed[number], *bounds[number])
        ).partition(". ")
        yield failure("lag", what, f"{remedy}.")
    if lost:
        return
    records = sum(end - first for first, end in bounds.values())
    if not committed:
        yield ok(
            "lag",
            f"nothing read yet; {_records(records)} to begin with (kafka.start: {options.start})",
        )
        return
    lag = sum(end - committed.get(number, first) for number, (first, end) in bounds.items())
    if runs and lag > MUCH_LAG:
        yield warning(
            "lag",
            f"{_records(lag)} are not read yet, and the service runs",
            "It catches up after a pause; if this number does not fall, see the runbook "
            "FirstreplyConsumerLag.",
        )
        return
    yield ok("lag", f"{_records(lag)} not read yet")


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number:,} records"
