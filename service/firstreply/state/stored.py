"""A checkpoint as it lies in the log, and a complete chain of them."""

import msgspec

from firstreply.state.chunk import Header, Link

Id = tuple[str, int]
"""Writer and seq: unlike any other checkpoint's."""


class Stored(msgspec.Struct):
    """A checkpoint as it lies in the log; duplicates of a record count once."""

    header: Header
    offsets: dict[int, int]
    """Part to offset of the record."""
    payloads: dict[int, memoryview]
    """Part to what it carries; empty when only headers were kept."""
    has_child: bool = False

    @property
    def name(self) -> Id:
        """Who wrote it, and which one of its checkpoints it is."""
        return self.header.writer, self.header.seq

    @property
    def complete(self) -> bool:
        """Whether all parts are there."""
        return len(self.offsets) == self.header.parts

    @property
    def begin(self) -> int:
        """Offset of the first record."""
        return min(self.offsets.values())

    @property
    def end(self) -> int:
        """Offset after the last record."""
        return max(self.offsets.values()) + 1

    @property
    def link(self) -> Link:
        """What a child names as its parent."""
        return Link(self.end - 1, self.header.writer, self.header.seq)


class Choice(msgspec.Struct, frozen=True):
    """A complete chain."""

    chunks: tuple[Stored, ...]
    """What the state needs, the oldest first; the last one is the tip."""

    @property
    def tip(self) -> Header:
        """The checkpoint to go on from: N, log time, incarnation, generation, ledger."""
        return self.chunks[-1].header

    @property
    def begin(self) -> int:
        """Offset of the first record needed."""
        return min(chunk.begin for chunk in self.chunks)

    @property
    def end(self) -> int:
        """Offset after the last record needed."""
        return max(chunk.end for chunk in self.chunks)

    @property
    def size(self) -> int:
        """Bytes to assemble."""
        return sum(len(one) for chunk in self.chunks for one in chunk.payloads.values())
