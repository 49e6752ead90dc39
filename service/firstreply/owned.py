"""The partitions of a process: what is in memory, and which of it is its own just now."""

import asyncio
from collections import defaultdict

from firstreply.fold import PartitionFold


class Owned:
    """What the loops of a processor share."""

    def __init__(self) -> None:
        self.epoch = 0
        """Of the assignment that is followed."""
        self.memory: dict[int, PartitionFold] = {}
        """Also what was begun in an earlier epoch, until another one owns it."""
        self.begun: set[int] = set()
        """Taken over in this epoch."""
        self.ends: dict[int, int] = {}
        """Partition to the offset after its last record, as it was told last."""
        self.still: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By partition: whoever folds, fires or makes a cut holds it."""

    @property
    def folds(self) -> dict[int, PartitionFold]:
        """The partitions begun in this epoch."""
        return {number: fold for number, fold in self.memory.items() if number in self.begun}

    def enter(self, epoch: int) -> None:
        """Follow another assignment: nothing is begun in it yet."""
        self.epoch = epoch
        self.begun.clear()

    def forget(self, partition: int) -> None:
        """Let go of what another one owns."""
        self.memory.pop(partition, None)
        self.ends.pop(partition, None)
