"""When the garbage collector looks at what there is: as seldom as it can.

A full collection walks everything that could be part of a cycle, in one go: 190 to 250 ms with a
million contacts, none of which is in one. They are freed when the last reference goes. So while
states are restored the collector rests, which also saves a restore a fifth of its time; and what
was there then, contacts of other partitions too, it never looks at again.

What folding leaves behind is looked at after each slice of records: the tuples of contacts, which
come and go in equal numbers, so that left to itself the collector waits for long and then looks at
all of them, 30 to 70 ms with 20,000 contacts awake, where a slice takes a few. Who looks at the new
that often has to look at the older too, for the collector on its own would never again: dead cycles
of connections that outlived a slice would stay for ever.

Nor does it look twice at what a full collection has found alive: with 300,000 contacts folded the
longest look took 1.4 ms instead of 23. What later becomes a cycle of such objects stays; nothing
that comes with each event or contact does. Nor is what has become a cycle of garbage while a state
was restored ever freed: some hundred objects of the clients that read it, for each restore.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_OLDER_EVERY: Final = 50
"""Slices between two looks at what has outlived one."""
_ALL_EVERY: Final = 1000
"""Slices between two looks at all that was not there at the last of these."""


def look_once() -> None:
    """Let each full collection be the last that looks at what it found alive. For a process.

    What is there already, mostly imported code, is not looked at at all: that took 68 ms.
    """
    gc.freeze()
    if _spare_survivors not in gc.callbacks:
        gc.callbacks.append(_spare_survivors)


def _spare_survivors(phase: str, info: dict[str, int]) -> None:
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()


class Looks:
    """The looks after each slice of records. One for a process."""

    def __init__(self) -> None:
        self._slices = 0

    def after_slice(self) -> None:
        """Look at what has come since the last time, unless the collector rests."""
        if not gc.isenabled():
            return
        self._slices += 1
        if self._slices % _ALL_EVERY == 0:
            gc.collect()
        else:
            gc.collect(1 if self._slices % _OLDER_EVERY == 0 else 0)


class Collector:
    """Rests while at least one state is restored. One for a process."""

    def __init__(self) -> None:
        self._restores = 0
        self._succeeded = False
        """Whether any of those since the collector began to rest."""

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Keep the collector away until the last of those who asked has ended, however it ends."""
        self._restores += 1
        gc.disable()
        try:
            yield
            self._succeeded = True
        finally:
            self._restores -= 1
            if not self._restores:
                if self._succeeded:
                    gc.freeze()  # else the first look would take seconds: all would be new to it
                self._succeeded = False
                gc.enable()
