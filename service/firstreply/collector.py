"""When the garbage collector looks at what there is: as seldom as it can.

A full collection walks everything that could be part of a cycle, in one go: 190 to 250 ms with a
million contacts, none of which is in one. They are freed when the last reference goes. So while
states are restored the collector rests, which also saves a restore a fifth of its time; and what
was there then, contacts of other partitions too, it never looks at again.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class Collector:
    """Rests while at least one state is restored. One for a process."""

    def __init__(self) -> None:
        self._restores = 0

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Keep the collector away until the last of those who asked has ended, however it ends."""
        self._restores += 1
        gc.disable()
        try:
            yield
        finally:
            self._restores -= 1
            if not self._restores:
                gc.freeze()  # else the first look would take seconds: all would be new to it
                gc.enable()
