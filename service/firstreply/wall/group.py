"""One picture of a group of processes: whose figures count, and whether they can be trusted.

The statuses of all fresh processes come in, our own among them; one ``Group`` comes out. Only the
members of the newest generation of the consumer group own partitions: a *zombie*, which was taken
for dead and does not know it, still tells an older generation, so that nothing is counted twice.
What was counted today is told by every process, whatever it owns now: each contact was counted by
one of them.

The figures are trusted when every partition of the topic is told by a process that trusts its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from heapq import nlargest, nsmallest

import msgspec

from firstreply.health import Trust
from firstreply.wall.status import (
    MOST_URGENT,
    ChannelStatus,
    Decided,
    ProcessStatus,
    Queues,
    UrgentContact,
    add_queue,
    service_clock,
)

_ORDER = list(Trust)


class Group(msgspec.Struct, frozen=True):
    """All processes of a group, as one. Instants in microseconds."""

    at: int | None
    """The instant at which all figures hold: the earliest clock of a partition."""
    trust: Trust
    reasons: list[str]
    processes: int
    partitions_covered: int
    partitions_total: int
    since: int | None
    """From when on the counts of today are complete in every process."""
    queues: Queues
    channels: dict[str, ChannelStatus]
    late: list[UrgentContact]
    coming: list[UrgentContact]


def merge(statuses: Sequence[ProcessStatus], unread: str | None = None) -> Iterator[Group | None]:
    """Yield None after each process, so that other work may come in between; then the group.

    Args:
        statuses: of fresh processes, one of each.
        unread: why the statuses of others may be missing, if they may.
    """
    newest = max((status.generation for status in statuses), default=0)
    holders = [one for one in statuses if one.partitions and one.generation == newest]
    queues: Queues = {}
    channels: dict[str, ChannelStatus] = {}
    for status in statuses:
        if status.generation == newest:
            for queue in status.queues:
                add_queue(queues, queue)
        for channel in status.channels:
            known = channels.get(channel.channel)
            channels[channel.channel] = channel if known is None else _joined(known, channel)
        yield None
    clocks = {number: at for one in holders for number, at in one.partitions.items()}
    total = max((status.partitions_total for status in statuses), default=0)
    trust, reasons = _judged(statuses, holders, total, unread)
    yield Group(
        at=service_clock(clocks.values()),
        trust=trust,
        reasons=reasons,
        processes=len(statuses),
        partitions_covered=len(clocks),
        partitions_total=total,
        since=max((one.since for one in statuses if one.since is not None), default=None),
        queues=queues,
        channels=channels,
        late=nlargest(MOST_URGENT, _all(one.late for one in holders), lambda one: one.overdue),
        coming=nsmallest(
            MOST_URGENT, _all(one.coming for one in holders), lambda one: one.deadline_at
        ),
    )


def _judged(
    statuses: Sequence[ProcessStatus],
    holders: Sequence[ProcessStatus],
    total: int,
    unread: str | None,
) -> tuple[Trust, list[str]]:
    """Return the worst trust of those who matter, and why: all, while partitions are missing."""
    missing = sorted(set(range(total)).difference(*(one.partitions for one in holders)))
    concerned = statuses if missing or not holders else holders
    trust = max((one.trust for one in concerned), key=_ORDER.index, default=Trust.STARTING)
    reasons = list(dict.fromkeys(reason for one in concerned for reason in one.reasons))
    if missing or not holders:
        trust = max(trust, Trust.PARTIAL, key=_ORDER.index)
        numbers = ", ".join(map(str, missing[:10])) + (" and more" if len(missing) > 10 else "")
        if missing:
            reasons.append(f"no process tells the figures of partitions {numbers}")
        if unread is not None:
            reasons.append(unread)
    return trust, reasons


def _joined(one: ChannelStatus, other: ChannelStatus) -> ChannelStatus:
    bands = dict(one.bands)
    for name, there in other.bands.items():
        bands[name] = _sum(bands.get(name, (0, 0)), there)
    return ChannelStatus(
        one.channel,
        one.received + other.received,
        one.answered + other.answered,
        one.abandoned + other.abandoned,
        _sum(one.kept, other.kept),
        bands,
    )


def _sum(one: Decided, other: Decided) -> Decided:
    return one[0] + other[0], one[1] + other[1]


def _all(lists: Iterable[list[UrgentContact]]) -> Iterator[UrgentContact]:
    return (contact for contacts in lists for contact in contacts)
