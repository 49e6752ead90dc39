"""The most urgent contacts of this process, with their ids where they are to be shown.

Who is urgent is read from the ordered indexes of starts, one partition at a time. The indexes hold
no ids (8 bytes a contact, decision 0003), so ids are looked for by walking through the store, in
slices between which other tasks run; only for contacts about to be shown whose id is not known from
an earlier walk, and no more often than the caller asks. A walk takes along the ids of the next
``AHEAD`` contacts, so that most of the time none is needed. Until an id is found the contact is
shown without one.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from heapq import nlargest, nsmallest
from time import perf_counter
from typing import Final, Protocol

import msgspec

from firstreply.domain.contact import Contact
from firstreply.domain.engine import Engine
from firstreply.domain.instants import AFTER_ALL
from firstreply.domain.waiting import Seat, Waiter
from firstreply.wall.status import MOST_URGENT, UrgentContact

AHEAD: Final = 500
"""How many of a kind a walk finds the ids of."""

LONGEST_ID: Final = 256
"""A longer contact id is not shown: no help desk has one, and what is told to others is bounded."""

SLICE_SECONDS: Final = 0.004
_CHUNK: Final = 1000
"""Contacts looked at between two looks at the clock."""


class Folded(Protocol):
    """A partition of this process."""

    @property
    def engine(self) -> Engine:
        """Its contacts."""


class Found(msgspec.Struct, frozen=True):
    """The most urgent contacts of this process."""

    late: list[UrgentContact] = []
    coming: list[UrgentContact] = []


_Place = tuple[int, Seat]
"""Partition, and where somebody waits in it; several may wait in one place."""


class UrgentFinder:
    """Finds them; one task at a time.

    Args:
        folds: the partitions begun now.
        ids_shown: whether ids may leave the process at all.
    """

    def __init__(self, folds: Callable[[], Mapping[int, Folded]], *, ids_shown: bool) -> None:
        self._folds = folds
        self._ids_shown = ids_shown
        self._ids: dict[_Place, list[str]] = {}
        self._lacks_ids = False
        self.walks = 0
        """How often the store was walked through."""
        self.walk_seconds = 0.0
        """How long the last time took, without what other tasks did meanwhile."""

    @property
    def lacks_ids(self) -> bool:
        """Whether an id to be shown was not known at the last ``find``."""
        return self._lacks_ids

    async def find(self) -> Found:
        """Return who is urgent now, with the ids that are known."""
        late, coming = await self._most_urgent(MOST_URGENT)
        shown = Counter((number, waiter.seat) for number, waiter in (*late, *coming))
        known = {place: self._still_there(place) for place in shown}
        self._lacks_ids = any(len(known[place]) < n for place, n in shown.items())
        ids = {place: iter(found) for place, found in known.items()}
        return Found(
            [_contact(number, waiter, ids) for number, waiter in late],
            [_contact(number, waiter, ids) for number, waiter in coming],
        )

    async def walk(self) -> None:
        """Look through the store for the ids of who is and who will be urgent, in slices."""
        if self._ids_shown:
            late, coming = await self._most_urgent(AHEAD)
            wanted = Counter((number, waiter.seat) for number, waiter in (*late, *coming))
            self._ids = await self._walk(wanted)

    async def _most_urgent(
        self, count: int
    ) -> tuple[list[tuple[int, Waiter]], list[tuple[int, Waiter]]]:
        """Return so many who are late, and who are next, over all partitions, in order."""
        late: list[tuple[int, Waiter]] = []
        coming: list[tuple[int, Waiter]] = []
        for number, fold in self._folds().items():
            urgent = fold.engine.urgent(count)
            late += [(number, waiter) for waiter in urgent.late]
            coming += [(number, one) for one in urgent.coming if one.deadline != AFTER_ALL]
            await asyncio.sleep(0)
        return (
            nlargest(count, late, key=lambda found: found[1].overdue),
            nsmallest(count, coming, key=lambda found: found[1].deadline),
        )

    def _still_there(self, place: _Place) -> list[str]:
        """Return the ids known of a place whose contacts still wait there."""
        number, seat = place
        fold = self._folds().get(number)
        return [
            one
            for one in self._ids.get(place, ())
            if fold is not None
            and (contact := fold.engine.contact(one)) is not None
            and contact.waits_in == seat
        ]

    async def _walk(self, wanted: Counter[_Place]) -> dict[_Place, list[str]]:
        self.walks += 1
        self.walk_seconds = 0.0
        found: dict[_Place, list[str]] = {place: [] for place in wanted}
        starts: defaultdict[int, set[int]] = defaultdict(set)
        for number, seat in wanted:
            starts[number].add(seat[2])
        left = wanted.total()
        began = perf_counter()
        for number, contacts in self._chunks(starts):
            here = starts[number]
            for contact in contacts:
                if contact.start in here and contact.waits_in is not None:
                    place = (number, contact.waits_in)
                    if len(found.get(place, ())) < wanted[place]:
                        found[place].append(contact.contact_id)
                        left -= 1
            if left <= 0:
                break
            if perf_counter() - began >= SLICE_SECONDS:
                self.walk_seconds += perf_counter() - began
                await asyncio.sleep(0)
                began = perf_counter()
        self.walk_seconds += perf_counter() - began
        return found

    def _chunks(self, partitions: Container[int]) -> Iterator[tuple[int, list[Contact]]]:
        for number, fold in self._folds().items():
            for shard in fold.engine.shards() if number in partitions else ():
                for first in range(0, len(shard), _CHUNK):
                    yield number, shard[first : first + _CHUNK]


def _contact(partition: int, waiter: Waiter, ids: Mapping[_Place, Iterator[str]]) -> UrgentContact:
    (channel, queue), _, start = waiter.seat
    contact_id = next(ids.get((partition, waiter.seat), iter(())), None)
    return UrgentContact(
        partition=partition,
        channel=channel,
        queue=queue,
        band=waiter.band,
        started_at=start,
        deadline_at=waiter.deadline,
        overdue=waiter.overdue,
        contact_id=contact_id if contact_id and len(contact_id) <= LONGEST_ID else None,
    )
