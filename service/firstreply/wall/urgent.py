"""The most urgent contacts of this process, read from the ordered indexes of its partitions."""

import asyncio
from collections.abc import Callable, Mapping
from heapq import nlargest, nsmallest
from typing import Final, Protocol

import msgspec

from firstreply.domain.engine import Engine
from firstreply.domain.instants import AFTER_ALL
from firstreply.domain.waiting import Waiter
from firstreply.wall.status import MOST_URGENT, UrgentContact

LONGEST_ID: Final = 256
"""A longer contact id is not shown: no help desk has one, and what is told to others is bounded."""


class Folded(Protocol):
    """A partition of this process."""

    @property
    def engine(self) -> Engine:
        """Its contacts."""


class Found(msgspec.Struct, frozen=True):
    """The most urgent contacts of this process."""

    late: list[UrgentContact] = []
    coming: list[UrgentContact] = []


class UrgentFinder:
    """Finds them, one partition at a time.

    Args:
        folds: the partitions begun now.
        ids_shown: whether ids may leave the process at all.
    """

    def __init__(self, folds: Callable[[], Mapping[int, Folded]], *, ids_shown: bool) -> None:
        self._folds = folds
        self._ids_shown = ids_shown

    async def find(self) -> Found:
        """Return who is urgent now; other tasks run between the partitions."""
        late: list[tuple[int, Waiter]] = []
        coming: list[tuple[int, Waiter]] = []
        for number, fold in self._folds().items():
            urgent = fold.engine.urgent(MOST_URGENT)
            late += [(number, waiter) for waiter in urgent.late]
            coming += [(number, one) for one in urgent.coming if one.deadline != AFTER_ALL]
            await asyncio.sleep(0)
        latest = nlargest(MOST_URGENT, late, key=lambda found: found[1].overdue)
        earliest = nsmallest(MOST_URGENT, coming, key=lambda found: found[1].deadline)
        return Found(
            [self._contact(number, waiter) for number, waiter in latest],
            [self._contact(number, waiter) for number, waiter in earliest],
        )

    def _contact(self, partition: int, waiter: Waiter) -> UrgentContact:
        (channel, queue), _, start = waiter.seat
        shown = self._ids_shown and len(waiter.contact_id) <= LONGEST_ID
        return UrgentContact(
            partition=partition,
            channel=channel,
            queue=queue,
            band=waiter.band,
            started_at=start,
            deadline_at=waiter.deadline,
            overdue=waiter.overdue,
            contact_id=waiter.contact_id if shown else None,
        )
