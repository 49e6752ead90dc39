"""When the garbage collector looks at all there is: as seldom as it can be.

A full collection walks every object that could be part of a cycle, in one go: 100 ms and more with
100,000s of contacts in the stores and indexes, none of which ever are. Contacts are freed when the
last reference goes, and do not need it.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 100)
"""Allocations before the youngest are looked at, and how many such looks before older ones are."""


def tame() -> None:
    """Look at what is new seldom, and at what a process begins with never. Called once."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)


class Pauses:
    """Keeps the collector away while states are restored, from the first until the last ends."""

    def __init__(self) -> None:
        self._under_way = 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hold it off; what was made meanwhile is not looked at later either.
        """
        self._under_way += 1
        gc.disable()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                gc.freeze()
                gc.enable()
