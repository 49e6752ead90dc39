"""What one process tells the others of its group each second: its own status, as data and as bytes.

It is made of the gauges and the rolling figures of this process; ``encode`` and ``decode`` are its
form on the wire, msgpack in arrays. It is bounded: queues beyond
``MOST_QUEUES`` are told as the ``other`` of their channel, so that sums stay exact; at most
``MOST_URGENT`` contacts of a kind go with it, with their ids only where the configuration shows
ids. What comes in from others is checked for its shape; it may still be old, or of a process that
lost its partitions: see ``group``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final

import msgspec

from firstreply.domain.bands import OTHER
from firstreply.domain.gauges import HORIZONS, BandState, PartitionGauges, QueueGauges
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Trust
from firstreply.wall.rolling import Counts, Rolling

VERSION: Final = 1
"""Of the form on the wire; another one is not read. Fields may be added at the end of a record."""

MOST_QUEUES: Final = 2000
MOST_URGENT: Final = 10
MOST_REASONS: Final = 20
MOST_PARTITIONS: Final = 200_000
"""No cluster has a topic with more; a status that claims so is none."""

Waiting = tuple[int, int, int, int]
"""In the order of ``BandState``."""
Due = tuple[int, int, int]
"""In the order of ``HORIZONS``."""
Decided = tuple[int, int]
"""Met and decided; net, so that either may be less than nothing in a window."""


class QueueStatus(msgspec.Struct, frozen=True, array_like=True):
    """Who waits in one (channel, queue); instants in microseconds."""

    channel: str
    queue: str
    waiting: Waiting = (0, 0, 0, 0)
    oldest: int | None = None
    next_deadline: int | None = None
    due: Due = (0, 0, 0)

    def joined(self, other: "QueueStatus") -> "QueueStatus":
        """Add who waits elsewhere in the same queue: counts are summed, instants the earliest."""
        one, two = self.waiting, other.waiting
        return QueueStatus(
            self.channel,
            self.queue,
            (one[0] + two[0], one[1] + two[1], one[2] + two[2], one[3] + two[3]),
            earliest(self.oldest, other.oldest),
            earliest(self.next_deadline, other.next_deadline),
            (
                self.due[0] + other.due[0],
                self.due[1] + other.due[1],
                self.due[2] + other.due[2],
            ),
        )


class ChannelStatus(msgspec.Struct, frozen=True, array_like=True):
    """What was counted on one channel: net, today, and in the last half hour."""

    channel: str
    received: int = 0
    answered: int = 0
    abandoned: int = 0
    kept: Decided = (0, 0)
    """Of the promise's band, in the last half hour."""
    bands: dict[str, Decided] = {}
    """By name, today."""


class UrgentContact(msgspec.Struct, frozen=True, array_like=True):
    """One who waits for a promise."""

    partition: int
    channel: str
    queue: str
    band: str
    started_at: int
    deadline_at: int
    overdue: int
    """Microseconds on the promise's clock; orders those who are late."""
    contact_id: str | None = None


class ProcessStatus(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One process, at one moment."""

    version: int = VERSION
    group: str
    """Consumer group and topic: statuses of others are not ours to read."""
    process: str
    """Drawn at the start of the process."""
    number: int
    """Grows with each status of a process."""
    generation: int
    """Of the consumer group, when it gave us our partitions; a lower one has lost them."""
    trust: Trust
    reasons: list[str]
    partitions: dict[int, int | None]
    """Those whose figures these are, with their service clock in microseconds."""
    partitions_total: Annotated[int, msgspec.Meta(ge=0, le=MOST_PARTITIONS)]
    """Of the topic; 0 while it is not known."""
    since: int | None
    """From when on the counts of today are complete."""
    queues: list[QueueStatus]
    channels: list[ChannelStatus]
    late: list[UrgentContact]
    coming: list[UrgentContact]


class Membership(msgspec.Struct, frozen=True):
    """What the source knows of the group."""

    partitions: frozenset[int]
    """Owned now."""
    partitions_total: int = 1
    generation: int = 0


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ProcessStatus)


def encode(status: ProcessStatus) -> bytes:
    """Return the form on the wire."""
    return _encoder.encode(status)


def decode(raw: bytes) -> ProcessStatus | None:
    """Return the status, or None for what is none of this version."""
    try:
        status = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError):  # ValidationError is a DecodeError
        return None
    return status if status.version == VERSION else None


Queues = dict[tuple[str, str], QueueStatus]
"""By (channel, queue)."""


def merged_gauges(queues: Queues, partitions: Iterable[PartitionGauges]) -> Iterator[None]:
    """Add the gauges of partitions, yielding after each, so that other work may come in between.

    Queues beyond ``MOST_QUEUES`` become ``other``.
    """
    for now in partitions:
        for (channel, queue), gauges in now.queues.items():
            if any(gauges.waiting.values()):
                key = (channel, queue)
                if key not in queues and len(queues) >= MOST_QUEUES:
                    key = (channel, OTHER)
                add_queue(queues, _queue(*key, gauges))
        yield


def add_queue(queues: Queues, queue: QueueStatus) -> None:
    """Add who waits in a queue to those known of it."""
    key = (queue.channel, queue.queue)
    known = queues.get(key)
    queues[key] = queue if known is None else known.joined(queue)


def channels_of(rolling: Rolling, book: PolicyBook, at: int) -> list[ChannelStatus]:
    """Return what was counted on each channel, up to an instant of the service clock."""
    today, lately = rolling.today(at), rolling.last_half_hour(at)
    return [
        ChannelStatus(
            name,
            today[name, "", "received"],
            today[name, "", "answered"],
            today[name, "", "abandoned"],
            decided(lately, name, policy.promise_band().name, counts_abandoned=counted),
            {
                band.name: decided(today, name, band.name, counts_abandoned=counted)
                for band in policy.bands
            },
        )
        for name, policy in book.policies.items()
        for counted in (policy.abandoned_counts,)
    ]


def decided(counts: Counts, channel: str, band: str, *, counts_abandoned: bool) -> Decided:
    """Return met and decided of a band; an abandoned contact counts as its policy says."""
    met = counts[channel, band, "met"]
    abandoned = counts[channel, band, "abandoned"] if counts_abandoned else 0
    return met, met + counts[channel, band, "missed"] + abandoned


def shortened(reasons: Sequence[str]) -> list[str]:
    """Return reasons that fit a status: a topic may have a thousand partitions."""
    more = len(reasons) - MOST_REASONS
    return [*reasons[:MOST_REASONS], f"and {more} more"] if more > 0 else list(reasons)


def service_clock(clocks: Iterable[int | None]) -> int | None:
    """Return the earliest clock of partitions that have one."""
    return min((at for at in clocks if at is not None), default=None)


def earliest(one: int | None, other: int | None) -> int | None:
    """Return the earlier of two instants; None stands for no instant."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _queue(channel: str, queue: str, gauges: QueueGauges) -> QueueStatus:
    waiting, due = gauges.waiting, gauges.due
    within, at_risk, overdue, far = (waiting.get(state, 0) for state in BandState)
    first, second, third = (due.get(horizon, 0) for horizon in HORIZONS)
    return QueueStatus(
        channel,
        queue,
        (within, at_risk, overdue, far),
        gauges.oldest_waiting,
        gauges.next_deadline,
        (first, second, third),
    )
