"""Which checkpoint of a partition to go on from, given the records of its state log.

Records go in by offset, in any number; what comes out is the *tip*, the checkpoints back from it
that its state needs, and what was wrong with better ones. A tip's chain is *complete* when, going
from parent to parent, every part of every checkpoint is there and every shard's base was seen.

The greatest order wins (``chunk.order``), not the last record: after a new owner has claimed the
partition, whatever a zombie appends is passed over, and so is a checkpoint of which some records
never came, because its writer died. That is no loss: nothing was shown before all was acknowledged.
A finding is *serious* when something that may have been shown cannot be read; then the state goes
back in time, and whoever starts must say so.

A log of weeks has a million checkpoints, and few of them are ever looked at: ``let_go`` forgets the
others while the log is read. What is kept: the best complete chain, whatever ranks above its tip,
the last ``keep`` records, and what the chains of all these need. So everything forgotten ranks
below a complete chain that is still there, and can become neither the choice nor one of its
betters, whatever follows: chains do not become incomplete by more records. It could still be
missed as part of a better chain, when a checkpoint names a parent from before the last ``keep``
records that nothing kept needs, or when its body turns out unreadable and an older chain must stand
in. Both are noticed: the verdict is not *sure* then, and the log is to be read ``again``, keeping
more. A sure verdict equals that of a reading that keeps all (``tests/model/test_letting_go.py``),
but for which copy of a repeated record it names.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from firstreply.domain.store import SHARDS
from firstreply.state.chunk import (
    DamagedChunkError,
    Header,
    Link,
    Order,
    decode,
    is_void,
    order,
    shards_of,
)
from firstreply.state.stored import Choice, Id, Stored

Ranking = Callable[[Header], Order]

KEEP: Final = 2048
"""Records of a long log to keep for a parent that is named late: half an hour at one a second.

A claim names the tip that was found when reading ended, while others may still append.
"""

_MORE: Final = 8
"""How many times as many to keep when that was not enough."""

_LOWEST: Final[Order] = (-1, -1, -1, -1, -1)


class Finding(msgspec.Struct, frozen=True):
    """Something in the log that is not as it should be."""

    offset: int
    """In the state log."""
    text: str
    """What is wrong; for a person."""
    serious: bool
    """Whether it may have cost something that was shown."""


class Verdict(msgspec.Struct, frozen=True):
    """What is to be made of a log."""

    choice: Choice | None
    """None when no chain is complete, which in a log with checkpoints is a loss."""
    findings: tuple[Finding, ...]
    """Of the chosen chain's betters and of records after it first, then of other records."""
    greatest: Header | None
    """The greatest order in the log, also of what cannot be read: what a new claim must beat."""
    sure: bool = True
    """False: what was let go might have changed it. Read ``ChunkLog.again``."""

    @property
    def serious(self) -> bool:
        """Whether something that may have been shown cannot be read.

        Where reading began at a pointer: read from the beginning, and judge again.
        """
        return any(finding.serious for finding in self.findings)


class _Break(msgspec.Struct, frozen=True):
    """Where a chain ends before it is complete."""

    finding: Finding
    sure: bool
    """False: what is missing may be something that was let go."""


class ChunkLog:
    """The records of one partition of the state log, from an offset on.

    Args:
        bodies: whether to keep what the checkpoints carry. Without, a second reading of
            ``choice.begin`` to ``choice.end`` gives what is needed.
        keep: records to keep of a long log, beside what is needed; None keeps all. Call ``let_go``
            whenever it is ``crowded``.
        spoiled: offset to why a record that can be decoded is to count as damaged.
        rank: tells which of two checkpoints is the better one. Only a test gives another.
    """

    def __init__(
        self,
        *,
        bodies: bool = True,
        keep: int | None = None,
        spoiled: Mapping[int, str] | None = None,
        rank: Ranking = order,
    ) -> None:
        self._bodies = bodies
        self._keep = keep
        self._spoiled = dict(spoiled or {})
        self._rank = rank
        self._chunks: dict[Id, Stored] = {}
        self._by_offset: dict[int, Stored] = {}
        self._damaged: dict[int, str] = {}
        self._begin: int | None = None
        self._crowded_at = None if keep is None else 2 * keep
        self._kept_from = 0
        """Offset from which on every checkpoint is still there."""
        self._let_go = _LOWEST
        """The greatest order of what is not there any more."""

    @property
    def empty(self) -> bool:
        """Whether no checkpoint and no damaged record was read: a partition that has no state."""
        return not self._by_offset and not self._damaged

    def add(self, offset: int, record: bytes | None) -> None:
        """Add a record. Raises NewerChunkError; a damaged one is noted."""
        self._begin = offset if self._begin is None else min(self._begin, offset)
        if offset in self._spoiled:
            self._damaged[offset] = self._spoiled[offset]
            return
        try:
            chunk = decode(record)
        except DamagedChunkError as error:
            self._damaged[offset] = str(error)
            return
        header = chunk.header
        if is_void(header, header.part, offset):
            return
        name = (header.writer, header.seq)
        stored = self._chunks.setdefault(name, Stored(header, {}, {}))
        stored.offsets.setdefault(header.part, offset)
        if self._bodies:
            stored.payloads.setdefault(header.part, chunk.payload)
        self._by_offset[offset] = stored

    @property
    def crowded(self) -> bool:
        """Whether it is time to let go."""
        return self._crowded_at is not None and len(self._by_offset) >= self._crowded_at

    def let_go(self) -> None:
        """Forget what no chain needs; see the text of this module. Takes some milliseconds."""
        choice = self.choose().choice
        if choice is not None and self._keep is not None:
            self._kept_from = max(self._kept_from, sorted(self._by_offset)[-self._keep])
            needed = self._needed(self._rank(choice.tip))
            forgotten = [one for name, one in self._chunks.items() if name not in needed]
            ranks = (self._rank(one.header) for one in forgotten)
            self._let_go = max([self._let_go, *ranks])
            self._chunks = {name: self._chunks[name] for name in needed}
            self._by_offset = {
                offset: one for offset, one in self._by_offset.items() if one.name in needed
            }
        self._crowded_at = 2 * len(self._by_offset)

    def again(self) -> "ChunkLog":
        """Return an empty one, to read the same log again and let go of less."""
        keep = None if self._keep is None else _MORE * self._keep
        return ChunkLog(bodies=self._bodies, keep=keep, spoiled=self._spoiled, rank=self._rank)

    def spoil(self, link: Link, why: str) -> None:
        """Treat a checkpoint as damaged: its body turned out to be unreadable."""
        stored = self._chunks.pop((link.writer, link.seq))
        for offset in [at for at, one in self._by_offset.items() if one is stored]:
            del self._by_offset[offset]
            self._damaged[offset] = self._spoiled[offset] = why

    def choose(self) -> Verdict:
        """Choose the best complete chain, and tell what is wrong."""
        self._note_children()
        wrong: dict[str, Finding] = {}
        choice = None
        sure = True
        for tip in self._candidates():
            found = self._chain(tip)
            if isinstance(found, Choice):
                choice = found
                break
            wrong.setdefault(found.finding.text, found.finding)
            sure = sure and found.sure
        if self._let_go > _LOWEST:
            sure = sure and choice is not None and self._rank(choice.tip) > self._let_go
        ranked = [one.header for one in self._chunks.values()]
        greatest = max(ranked, key=self._rank, default=None)
        return Verdict(choice, (*wrong.values(), *self._damages(choice)), greatest, sure)

    def _needed(self, best: Order) -> set[Id]:
        """Return what may be looked at again: see the text of this module.

        A child needs no more than itself and what its parent needs. So chains are followed only
        from where they leave what is kept anyway.
        """
        recent = {one.name for at, one in self._by_offset.items() if at >= self._kept_from}
        better = {name for name, one in self._chunks.items() if self._rank(one.header) >= best}
        heads = recent | better
        needed = set(heads)
        for name in heads:
            parent = self._chunks[name].header.parent
            if parent is not None and (parent.writer, parent.seq) not in heads:
                needed.update(one.name for one in self._back_from(self._chunks[name]))
        return needed

    def _back_from(self, chunk: Stored) -> Iterator[Stored]:
        """Yield the checkpoints of a chain, the tip first, as far as they are needed and there."""
        seen: set[int] = set()
        while True:
            yield chunk
            seen.update(shards_of(chunk.header))
            parent = None if len(seen) == SHARDS else self._parent(chunk)
            if not isinstance(parent, Stored):
                return
            chunk = parent

    def _candidates(self) -> Iterator[Stored]:
        ranked = [(self._rank(one.header), one.begin, name) for name, one in self._chunks.items()]
        for _, _, name in sorted(ranked, reverse=True):
            yield self._chunks[name]

    def _note_children(self) -> None:
        for chunk in self._chunks.values():
            parent = chunk.header.parent
            if parent is not None and (parent.writer, parent.seq) in self._chunks:
                self._chunks[parent.writer, parent.seq].has_child = True

    def _chain(self, tip: Stored) -> Choice | _Break:
        """Go from parent to parent until every shard's base was seen."""
        chunks: list[Stored] = []
        seen: set[int] = set()
        chunk = tip
        while True:
            if not chunk.complete:
                # What a writer repeats may be there again without its other parts.
                sure = self._rank(chunk.header) > self._let_go
                return _Break(self._unfinished(chunk), sure)
            chunks.append(chunk)
            seen.update(shards_of(chunk.header))
            if len(seen) == SHARDS:
                return Choice(tuple(reversed(chunks)))
            parent = self._parent(chunk)
            if isinstance(parent, _Break):
                return parent
            chunk = parent

    def _parent(self, chunk: Stored) -> Stored | _Break:
        link = chunk.header.parent
        if link is None:
            text = "the first checkpoint of a chain is not whole"
            return _Break(Finding(chunk.begin, text, serious=True), sure=True)
        stored = self._by_offset.get(link.offset)
        if stored is not None and stored.name == (link.writer, link.seq):
            return stored
        sure = True
        if link.offset in self._damaged:
            why = f"offset {link.offset}, which is needed, is damaged: {self._damaged[link.offset]}"
        elif self._begin is not None and link.offset < self._begin:
            why = f"offset {link.offset}, which is needed, lies before the first one read"
        else:
            why = f"offset {link.offset}, which is needed, is not the checkpoint that was there"
            sure = link.offset >= self._kept_from
        return _Break(Finding(link.offset, why, serious=True), sure)

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
