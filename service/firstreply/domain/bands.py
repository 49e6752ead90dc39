"""Expectation bands, promises and policies: what a contact is judged by.

A *policy* is everything that decides a contact of one channel. It is immutable and known by the
hash of its content, so a contact can pin it at its start and be decided by it much later, whatever
the configuration says by then (rule 12).
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
