"""Timers of one partition: which contact is to be looked at next, and when.

Nothing is ever taken out before its time: whoever set a timer and does not want it any more lets it
come due and finds nothing to do. So setting one is cheap, and setting a later one costs nothing
until the earlier one comes.

Only the timers of the next seconds stand in a heap. Those after them lie unordered in buckets, one
for each ten seconds, at 16 bytes a timer in place of 112, with nothing in them for the garbage
collector to walk through; a bucket is put in order when its time has come.
"""

from array import array
from heapq import heappop, heappush
from typing import Final

from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, SECOND

_WIDTH: Final = 10 * SECOND
"""Of a bucket, in log time: short enough that putting one in order takes milliseconds."""


class TimerQueue:
    """Instants, each with the id of a contact, the earliest first; equal ones by their ids."""

    def __init__(self) -> None:
        self.first: int = AFTER_ALL
        """The earliest instant; only to be read. ``AFTER_ALL`` when there is none."""
        self._near: list[tuple[int, str]] = []
        """A heap of all timers before ``_until``; empty only when there are none at all."""
        self._until: int = BEFORE_ALL
        self._far: dict[int, tuple[array[int], list[str]]] = {}
        self._buckets: list[int] = []
        """A heap of the numbers of ``_far``."""

    def __len__(self) -> int:
        return len(self._near) + sum(len(ids) for _, ids in self._far.values())

    def __bool__(self) -> bool:
        return bool(self._near)

    def add(self, instant: int, contact_id: str) -> None:
        """Set a timer. An earlier one of the same contact stays."""
        if not self._near:
            self._until = (instant // _WIDTH + 1) * _WIDTH
        if instant < self._until:
            heappush(self._near, (instant, contact_id))
            self.first = self._near[0][0]
            return
        bucket = instant // _WIDTH
        far = self._far.get(bucket)
        if far is None:
            far = self._far[bucket] = (array("q"), [])
            heappush(self._buckets, bucket)
        far[0].append(instant)
        far[1].append(contact_id)

    def head(self) -> tuple[int, str]:
        """Return the earliest timer. Raises IndexError when there is none."""
        return self._near[0]

    def pop(self) -> tuple[int, str]:
        """Take the earliest timer out. Raises IndexError when there is none."""
        timer = heappop(self._near)
        if not self._near and self._buckets:
            bucket = heappop(self._buckets)
            self._near = sorted(zip(*self._far.pop(bucket), strict=True))
            self._until = (bucket + 1) * _WIDTH
        self.first = self._near[0][0] if self._near else AFTER_ALL
        return timer
