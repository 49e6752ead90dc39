"""Expectation bands, promises and policies: what a contact is judged by.

A *policy* is everything that decides a contact of one channel. It is immutable and known by the
hash of its content, so a contact can pin it at its start and be decided by it much later, whatever
the configuration says by then (rule 12). The *policy book* holds the policies in force and resolves
the names producers use.
"""

import hashlib
from enum import StrEnum
from typing import Final

import msgspec

from firstreply.domain.calendar import Calendar

OTHER: Final = "other"
"""Stands in for a channel or queue that the configuration does not list."""

NONE: Final = "none"
"""The queue of a contact that no queue holds."""


class Clock(StrEnum):
    """The clock a band runs on."""

    ELAPSED = "elapsed"
    """What the customer feels."""
    BUSINESS = "business"
    """Seconds inside opening hours."""


class ClockStart(StrEnum):
    """Which event starts the clock of a channel (rule 1)."""

    OPENED = "opened"
    QUEUED = "queued"


class Band(msgspec.Struct, frozen=True):
    """A limit on latency, with its clock and its weight in the expectation index."""

    name: str
    """Canonical duration, such as ``10m``; also the value of the ``band`` label."""
    limit: int
    """Microseconds; inclusive: a response exactly at the limit is met."""
    clock: Clock = Clock.ELAPSED
    weight: float = 0.0


class Promise(msgspec.Struct, frozen=True):
    """An objective for one band of a channel: chat, 90 % within 10m."""

    band: str
    objective: float
    """Share between 0 and 1, exclusive."""


class Policy(msgspec.Struct, frozen=True):
    """Everything that decides a contact of one channel. Durations are microseconds."""

    channel: str
    bands: tuple[Band, ...]
    """Shortest limit first."""
    calendar: Calendar | None = None
    """Opening hours; ``None`` is always open."""
    promise: Promise | None = None
    clock_start: ClockStart = ClockStart.OPENED
    short_abandon: int = 0
    """An abandonment strictly sooner than this after the start excludes the contact (rule 6)."""
    abandoned_counts: bool = True
    """Whether an abandoned contact counts against the promise (rule 11)."""
    give_up_after: int | None = None
    settle_for: int | None = None
    clock_skew: int = 2_000_000
    excluded_reasons: frozenset[str] = frozenset()
    """Case folded: help desks spell their reasons as they like."""

    def promise_band(self) -> Band:
        """Return the band of the promise; without a promise, the longest band."""
        if self.promise is None:
            return self.bands[-1]
        return next(band for band in self.bands if band.name == self.promise.band)

    def deadline(self, band: Band, start: int) -> int:
        """Return the earliest instant at which the band's limit is used up (rule 4)."""
        if band.clock is Clock.BUSINESS and self.calendar is not None:
            return self.calendar.deadline_us(start, band.limit)
        return start + band.limit

    def digest(self) -> str:
        """Return the hash of the content: equal policies have equal digests in every process."""
        content = {
            "channel": self.channel,
            "bands": self.bands,
            "calendar": None if self.calendar is None else self.calendar.digest,
            "promise": self.promise,
            "clock_start": self.clock_start,
            "short_abandon": self.short_abandon,
            "abandoned_counts": self.abandoned_counts,
            "give_up_after": self.give_up_after,
            "settle_for": self.settle_for,
            "clock_skew": self.clock_skew,
            "excluded_reasons": sorted(self.excluded_reasons),
        }
        encoded = msgspec.json.encode(content, order="sorted")
        return hashlib.blake2b(encoded, digest_size=8).hexdigest()


class PolicyBook:
    """The policies in force, by channel, and the names producers use for channels and queues.

    Everything that goes by the configuration of a process holds one and the same book, so that a
    reload puts another content in force for all of it in one step (``replace``).

    Args:
        policies: one per channel; a channel named ``other`` must be among them.
        aliases: other spellings of a channel, to its name.
        queues: the queues listed for a channel; any other becomes ``other``.
    """

    def __init__(
        self,
        policies: list[Policy],
        *,
        aliases: dict[str, str] | None = None,
        queues: dict[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.policies = {policy.channel: policy for policy in policies}
        self.digests = {policy.channel: policy.digest() for policy in policies}
        self.replaced = False
        """Whether another content was put in force since it was made."""
        self.aliases = dict(aliases or {})
        self.queues = {name: (queues or {}).get(name, ()) for name in self.policies}
        self._channel_names = {**{name: name for name in self.policies}, **self.aliases}
        self._queue_names = {
            channel: {queue: queue for queue in names} for channel, names in self.queues.items()
        }

    def replace(self, by: "PolicyBook") -> None:
        """Take over the content of another book, which is not used any more."""
        vars(self).update(vars(by))
        self.replaced = True

    def keeping(self, before: "PolicyBook") -> "PolicyBook":
        """Return this book with the channels that only an earlier one has.

        For whoever shows figures: those of a channel that left the configuration stay, and what
        still waits on it is measured. No name leads to it, so nothing new starts there.
        """
        left = before.policies.keys() - self.policies.keys()
        return PolicyBook(
            [*self.policies.values(), *(before.policies[name] for name in sorted(left))],
            aliases=self.aliases,
            queues={**before.queues, **self.queues},
        )

    def channel(self, raw: str) -> tuple[str, bool]:
        """Resolve a channel as a producer wrote it to its name, and say whether it is listed."""
        name = self._channel_names.get(raw)
        if name is None:
            name = self._channel_names.get(raw.strip().casefold())
        return (OTHER, False) if name is None else (name, True)

    def queue(self, channel: str, raw: str | None) -> str:
        """Resolve a queue for a label: listed as it is, unlisted ``other``, absent ``none``."""
        if not raw:
            return NONE
        return self._queue_names.get(channel, {}).get(raw, OTHER)
