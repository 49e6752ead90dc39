"""One rotation of the base: the checkpoints that the state of a tip is made of."""

from collections.abc import Iterable

import msgspec

from firstreply.domain.store import SHARDS


class Slice(msgspec.Struct, frozen=True):
    """What one checkpoint adds to a rotation."""

    begin: int
    """Offset of its first record in the state log."""
    shards: frozenset[int]
    policies: frozenset[str]
    """Digests of the policies it carries."""


class Window:
    """The slices that a state needs, the oldest first. Immutable."""

    def __init__(self, slices: Iterable[Slice] = ()) -> None:
        self.slices = tuple(slices)

    @property
    def begin(self) -> int | None:
        """Offset of the first record needed; None when there is none yet."""
        return min((one.begin for one in self.slices), default=None)

    @property
    def policies(self) -> frozenset[str]:
        """Digests of all policies that can be read."""
        return frozenset[str]().union(*(one.policies for one in self.slices))

    def needed_with(self, shards: Iterable[int]) -> "Window":
        """Return what a checkpoint that follows, with these shards, still needs of this one."""
        seen = set(shards)
        needed: list[Slice] = []
        for one in reversed(self.slices):
            if len(seen) == SHARDS:
                break
            needed.append(one)
            seen |= one.shards
        return Window(reversed(needed))

    def followed_by(self, latest: Slice) -> "Window":
        """Return the window with one more."""
        return Window((*self.slices, latest))
