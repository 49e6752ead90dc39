"""Which checkpoint of a partition to go on from, given the records of its state log.

Records go in by offset, in any number; what comes out is the *tip*, the checkpoints back from it
that its state needs, and what was wrong with better ones. A tip's chain is *complete* when, going
from parent to parent, every part of every checkpoint is there and every shard's base was seen.

The greatest order wins (``chunk.order``), not the last record: after a new owner has claimed the
partition, whatever a zombie appends is passed over, and so is a checkpoint of which some records
never came, because its writer died. That is no loss: nothing was shown before all was acknowledged.
A finding is *serious* when something that may have been shown cannot be read; then the state goes
back in time, and whoever starts must say so.
"""

from collections.abc import Callable, Iterator

import msgspec

from firstreply.domain.store import SHARDS
from firstreply.state.chunk import (
    DamagedChunkError,
    Header,
    Link,
    Order,
    decode,
    order,
    shards_of,
)

_Id = tuple[str, int]

Ranking = Callable[[Header], Order]


class Finding(msgspec.Struct, frozen=True):
    """Something in the log that is not as it should be."""

    offset: int
    """In the state log."""
    text: str
    """What is wrong; for a person."""
    serious: bool
    """Whether it may have cost something that was shown."""


class Stored(msgspec.Struct):
    """A checkpoint as it lies in the log; duplicates of a record count once."""

    header: Header
    offsets: dict[int, int]
    """Part to offset of the record."""
    payloads: dict[int, memoryview]
    """Part to what it carries; empty when only headers were kept."""
    has_child: bool = False

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


class Verdict(msgspec.Struct, frozen=True):
    """What is to be made of a log."""

    choice: Choice | None
    """None when no chain is complete, which in a log with checkpoints is a loss."""
    findings: tuple[Finding, ...]
    """Of the chosen chain's betters and of records after it first, then of other records."""
    greatest: Header | None
    """The greatest order in the log, also of what cannot be read: what a new claim must beat."""

    @property
    def serious(self) -> bool:
        """Whether something that may have been shown cannot be read.

        Where reading began at a pointer: read from the beginning, and judge again.
        """
        return any(finding.serious for finding in self.findings)


class ChunkLog:
    """The records of one partition of the state log, from an offset on.

    Args:
        bodies: whether to keep what the checkpoints carry. Without, a long log costs little memory,
            and a second reading of ``choice.begin`` to ``choice.end`` gives what is needed.
        rank: tells which of two checkpoints is the better one. Only a test gives another.
    """

    def __init__(self, *, bodies: bool = True, rank: Ranking = order) -> None:
        self._bodies = bodies
        self._rank = rank
        self._chunks: dict[_Id, Stored] = {}
        self._by_offset: dict[int, Stored] = {}
        self._damaged: dict[int, str] = {}
        self._begin: int | None = None

    @property
    def empty(self) -> bool:
        """Whether no checkpoint and no damaged record was read: a partition that has no state."""
        return not self._by_offset and not self._damaged

    def add(self, offset: int, record: bytes | None) -> None:
        """Add a record. Raises NewerChunkError; a damaged one is noted."""
        self._begin = offset if self._begin is None else min(self._begin, offset)
        try:
            chunk = decode(record)
        except DamagedChunkError as error:
            self._damaged[offset] = str(error)
            return
        header = chunk.header
        name = (header.writer, header.seq)
        stored = self._chunks.setdefault(name, Stored(header, {}, {}))
        stored.offsets.setdefault(header.part, offset)
        if self._bodies:
            stored.payloads.setdefault(header.part, chunk.payload)
        self._by_offset[offset] = stored

    def spoil(self, link: Link, why: str) -> None:
        """Treat a checkpoint as damaged: its body turned out to be unreadable."""
        stored = self._chunks.pop((link.writer, link.seq))
        for offset in [at for at, one in self._by_offset.items() if one is stored]:
            del self._by_offset[offset]
            self._damaged[offset] = why

    def choose(self) -> Verdict:
        """Choose the best complete chain, and tell what is wrong."""
        self._note_children()
        wrong: dict[str, Finding] = {}
        choice = None
        for tip in self._candidates():
            found = self._chain(tip)
            if isinstance(found, Choice):
                choice = found
                break
            wrong.setdefault(found.text, found)
        ranked = [one.header for one in self._chunks.values()]
        greatest = max(ranked, key=self._rank, default=None)
        return Verdict(choice, (*wrong.values(), *self._damages(choice)), greatest)

    def _candidates(self) -> Iterator[Stored]:
        ranked = [(self._rank(one.header), one.begin, name) for name, one in self._chunks.items()]
        for _, _, name in sorted(ranked, reverse=True):
            yield self._chunks[name]

    def _note_children(self) -> None:
        for chunk in self._chunks.values():
            parent = chunk.header.parent
            if parent is not None and (parent.writer, parent.seq) in self._chunks:
                self._chunks[parent.writer, parent.seq].has_child = True

    def _chain(self, tip: Stored) -> Choice | Finding:
        """Go from parent to parent until every shard's base was seen."""
        chunks: list[Stored] = []
        seen: set[int] = set()
        chunk = tip
        while True:
            if not chunk.complete:
                return self._unfinished(chunk)
            chunks.append(chunk)
            seen.update(shards_of(chunk.header))
            if len(seen) == SHARDS:
                return Choice(tuple(reversed(chunks)))
            parent = self._parent(chunk)
            if isinstance(parent, Finding):
                return parent
            chunk = parent

    def _parent(self, chunk: Stored) -> Stored | Finding:
        link = chunk.header.parent
        if link is None:
            return Finding(
                chunk.begin, "the first checkpoint of a chain is not whole", serious=True
            )
        stored = self._by_offset.get(link.offset)
        if stored is not None and (stored.header.writer, stored.header.seq) == (
            link.writer,
            link.seq,
        ):
            return stored
        if link.offset in self._damaged:
            why = f"offset {link.offset}, which is needed, is damaged: {self._damaged[link.offset]}"
        elif self._begin is not None and link.offset < self._begin:
            why = f"offset {link.offset}, which is needed, lies before the first one read"
        else:
            why = f"offset {link.offset}, which is needed, is not the checkpoint that was there"
        return Finding(link.offset, why, serious=True)

    def _unfinished(self, chunk: Stored) -> Finding:
        """Tell a checkpoint whose writer died from one that was damaged later."""
        gaps = any(offset > chunk.begin for offset in self._damaged)
        text = (
            f"the checkpoint at offset {chunk.begin} has {len(chunk.offsets)} of its "
            f"{chunk.header.parts} records"
        )
        return Finding(chunk.begin, text, serious=gaps or chunk.has_child)

    def _damages(self, choice: Choice | None) -> Iterator[Finding]:
        """Tell of damaged records: one after the tip may have been a better one."""
        tip_at = -1 if choice is None else choice.chunks[-1].end - 1
        for offset, why in sorted(self._damaged.items(), reverse=True):
            yield Finding(offset, f"offset {offset} is damaged: {why}", serious=offset > tip_at)
