"""What is so right now in one partition, as data: who waits, how long, what falls due.

Every figure holds at ``at``, the service clock (log time minus grace), never at the time of day.
The publisher sums counts and takes the minimum of instants over the partitions it owns.
"""

from enum import StrEnum
from typing import Final

import msgspec

from firstreply.domain.instants import MINUTE


class BandState(StrEnum):
    """How near a waiting contact is to its promise; exclusive, on the promise's clock."""

    WITHIN = "within"
    """Less than 80 % of the limit is used."""
    AT_RISK = "at_risk"
    """From 80 % up to, not including, the deadline."""
    OVERDUE = "overdue"
    """From the deadline up to, not including, twice the limit."""
    FAR_OVERDUE = "far_overdue"


HORIZONS: Final = {"5m": 5 * MINUTE, "15m": 15 * MINUTE, "60m": 60 * MINUTE}
"""How far ahead ``contact_due`` looks."""


class QueueGauges(msgspec.Struct):
    """Who waits in one (channel, queue). Instants are microseconds since the epoch."""

    waiting: dict[BandState, int]
    oldest_waiting: int | None = None
    """Start of the contact that waits longest."""
    next_deadline: int | None = None
    """Earliest deadline of the promise band after ``at``; None without a promise or a waiter."""
    due: dict[str, int] = msgspec.field(default_factory=dict)
    """Horizon to number of promise deadlines in (at, at + horizon]; empty without a promise."""
    reply_waiting: int = 0
    reply_oldest_waiting: int | None = None


class PartitionGauges(msgspec.Struct):
    """One partition, at one instant of the service clock."""

    at: int | None
    """None until log time is known."""
    queues: dict[tuple[str, str], QueueGauges]
    """By (channel, queue); only pairs that somebody waits in."""
    tracked: int
    """Contacts kept in memory."""
    ledger: dict[str, int]
    """Kind to absolute value; see ``domain.ledger``."""

    @property
    def waiting(self) -> int:
        """How many wait for a first response."""
        return sum(sum(queue.waiting.values()) for queue in self.queues.values())
