"""Keeps the state of partitions in the state log: takes them over, and writes their checkpoints.

Taking over, in this order: find the state to go on from - our own memory, if nobody else has
written since, else the best complete chain, compared with the input (``keeping.restoring``);
commit, which proves that we were still a member *after* the read; claim the state under our
generation and wait for the acknowledgement; commit again. Only then is anything folded or shown: a
process that was replaced meanwhile gets no further than its commit. A zombie's later checkpoints
carry an older generation and are passed over; those of a group that was deleted carry an older
incarnation, for the first owner in a new group finds no commit and begins the next one
(``state.writer.Writer.enter``).

The first commit is not in the design's list. Without it, one who stood still while it read the log
finds its successor's generation above its own, takes that for a group made anew, and claims a
higher incarnation: it would beat the true owner (found by ``tests/model``).

A checkpoint carries what nobody has exported when it is written. An accepted commit promises that
its sender exports it; without one the next owner does (``Pointer.exported``). So nothing is counted
twice. Who did not hear whether a commit was accepted takes its promise back, or, once another one
owns the partition, asks the group what that one was told (``keeping.doubts``). What is lost: what a
process dies with.

A checkpoint is a consistent cut: the caller folds nothing between ``draft`` being called and its
return. Appending may then take its time.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, Final

from firstreply.domain.engine import Changes
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold, Span
from firstreply.keeping.doubts import Doubts
from firstreply.keeping.port import InputLog, StateLog
from firstreply.keeping.reading import OtherInputError, fingerprint_of, note_of, pointer_in
from firstreply.keeping.restoring import Restorer, not_ours
from firstreply.keeping.tail import still_ours
from firstreply.ports import Committed
from firstreply.state.chunk import Fingerprint, is_void
from firstreply.state.draft import Draft
from firstreply.state.writer import Writer

_log = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 60.0
"""A partition without news writes a slice of its base this often."""


class _Hold:
    """A partition in memory, and what writes its state."""

    def __init__(self, fold: PartitionFold, writer: Writer) -> None:
        self.fold = fold
        self.writer = writer
        self.written_at = -inf
        """Seconds; of the last record that was acknowledged."""


class StateKeeper:
    """Implements ``ports.Checkpoints`` on a state log.

    Args:
        source: the input and its group.
        log: the state log.
        new_fold: makes the fold of a partition that begins at an offset.
        rotation_seconds: each contact is written anew within this time.
        accept_loss: go on where there is a commit and no state, or no state that can be read; once
            for each partition.
        monotonic: seconds.
    """

    def __init__(
        self,
        *,
        source: InputLog,
        log: StateLog,
        new_fold: Callable[[int, int], PartitionFold],
        rotation_seconds: float,
        accept_loss: bool,
        monotonic: Callable[[], float],
    ) -> None:
        self._source = source
        self._log = log
        self._rotation = rotation_seconds
        self._monotonic = monotonic
        self._holds: dict[int, _Hold] = {}
        self._found: dict[int, _Hold] = {}
        """Restored, and not claimed yet: a rebalance came in between."""
        self._doubts = Doubts()
        self._busy: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._restorer = Restorer(source, log, new_fold, accept_loss=accept_loss)
        self.restoring = self._restorer.restoring
        """Partition to the share of its state that is restored, 0 to 1."""
        self.older = self._restorer.older
        """Partition to why it went on from an older state than the newest."""

    # -- take over

    async def take(self, partition: int, epoch: int, kept: PartitionFold | None) -> PartitionFold:
        """Return the fold to go on with, claimed and committed.

        Args:
            partition: assigned to us.
            epoch: of the assignment.
            kept: what is in memory from an earlier epoch.

        Raises:
            RetryableError: try again, if the partition is still ours.
            FatalError: its state is lost or does not belong to this input; says what to do.
        """
        self._require_epoch(partition, epoch)
        self._require_partition(partition)
        generation = self._source.generation()  # of this epoch: a later one is not this hold's
        if generation < 0:
            msg = f"partition {partition}: not a member of the group just now"
            raise RetryableError(msg)
        try:
            async with self._busy[partition]:
                return await self._take(partition, epoch, kept, generation)
        finally:
            now = self._source.assignment()
            if now.settled and partition not in now.partitions:
                self._found.pop(partition, None)
                self.older.pop(partition, None)

    async def _take(
        self, partition: int, epoch: int, kept: PartitionFold | None, generation: int
    ) -> PartitionFold:
        self._require_epoch(partition, epoch)
        # In our generation nobody else commits: what the group says now is what it goes by.
        committed = await self._source.committed(partition)
        try:
            hold = await self._find(partition, kept, committed)
        except FatalError:
            self._require_epoch(partition, epoch)  # or it judges by what is not so any more
            raise
        self._require_epoch(partition, epoch)
        writer, told = hold.writer, pointer_in(committed)
        writer.enter(generation, None if told is None else told.incarnation)
        if writer.tip is not None:
            await self._commit(partition, epoch, writer)
        await self._claim(partition, hold)
        await self._commit(partition, epoch, writer)
        self._found.pop(partition, None)
        self._holds[partition] = hold
        self._doubts.settle(partition)  # what our memory holds goes with the next checkpoint
        self._restorer.refuse_loss(partition)
        fold = hold.fold
        fold.committed, fold.confirmed = _offset(writer), True
        await self._source.begin(partition, fold.offset)
        return fold

    def keep_only(self, partitions: frozenset[int]) -> None:
        """Forget what is in memory of others: they are not ours any more."""
        mine: tuple[dict[int, Any], ...] = (self._holds, self._found, self.older)
        for kept in mine:
            for number in kept.keys() - partitions:
                del kept[number]

    async def _commit(self, partition: int, epoch: int, writer: Writer) -> None:
        """Commit where the tip stands. Raises RetryableError unless it was accepted."""
        self._require_epoch(partition, epoch)
        note = {partition: note_of(writer.pointer)}
        if not await self._source.commit({partition: _offset(writer)}, epoch, note):
            msg = f"partition {partition}: the group did not accept the commit of our claim"
            raise RetryableError(msg)
        self._require_epoch(partition, epoch)

    async def _find(
        self, partition: int, kept: PartitionFold | None, committed: Committed | None
    ) -> _Hold:
        """Return our memory, if it is still the state; else restore it."""
        _, end = await self._log.bounds(partition)
        held, found = self._holds.get(partition), self._found.pop(partition, None)
        in_memory = [found] if held is None or held.fold is not kept else [held, found]
        for hold in filter(None, in_memory):
            if await still_ours(self._log, partition, hold.writer, end):
                return hold
        if held is not None:
            _log.warning("partition_taken_over", extra={"partition": partition})
            del self._holds[partition]
        self._doubts.judge(partition, pointer_in(committed))
        fold, writer = await self._restorer.restore(partition, committed)
        hold = _Hold(fold, writer)
        self._found[partition] = hold
        return hold

    async def _claim(self, partition: int, hold: _Hold) -> None:
        """Append a claim, or the first state of all, and wait for it."""
        writer = hold.writer
        if writer.tip is None:
            nothing = Changes(frozenset(), frozenset())
            draft = writer.checkpoint(hold.fold.engine, nothing, last=None, minimum=0)
        else:
            draft = writer.claim()
        for _ in draft.pieces():
            await asyncio.sleep(0)
        offsets = await self._log.append(partition, draft.records)
        if any(is_void(draft.header, part, offset) for part, offset in enumerate(offsets)):
            msg = f"partition {partition}: somebody else wrote its state while we took it over"
            raise RetryableError(msg)
        writer.acknowledged(draft, offsets)
        hold.written_at = self._monotonic()

    def _require_epoch(self, partition: int, epoch: int) -> None:
        if self._source.assignment().epoch != epoch:
            raise not_ours(partition)

    def _require_partition(self, partition: int) -> None:
        """Refuse a partition that was added to the topic while we ran."""
        if partition >= self._source.partitions:
            msg = (
                f"{self._source.topic} has a new partition {partition}, and had "
                f"{self._source.partitions} when firstreply started: contacts may lie in other "
                "partitions than before, so their state is not where their events are. Go on with "
                "a topic of its own and a new kafka.group: docs/scaling.md, More partitions"
            )
            raise OtherInputError(msg)

    # -- checkpoints

    def due(self, partition: int) -> bool:
        """Return whether a partition without news should write a slice of its base."""
        hold = self._holds.get(partition)
        return hold is not None and self._monotonic() - hold.written_at >= _IDLE_SECONDS

    async def draft(self, fold: PartitionFold, span: Span) -> Draft | None:
        """Encode a checkpoint of the fold as it is; nothing may be folded until it returns.

        None for a fold that another one has replaced: it must not write under the new hold.
        """
        hold = self._holds.get(fold.partition)
        if hold is None or hold.fold is not fold:
            return None
        tracked = len(fold.engine.store)
        since = self._monotonic() - hold.written_at
        tip = hold.writer.tip
        draft = hold.writer.checkpoint(
            fold.engine,
            span.changes,
            uncounted=span.increments,
            last=_last(fold, None if tip is None else tip.last),
            minimum=1 + round(tracked * since / self._rotation),
        )
        for _ in draft.pieces():
            await asyncio.sleep(0)
        return draft

    async def append(self, partition: int, draft: Draft | None) -> None:
        """Make a draft durable.

        Raises:
            RetryableError: it may be there or not; draft again.
        """
        if self._busy[partition].locked():  # a restore may take long, and others wait for us
            msg = f"partition {partition} is being taken over"
            raise RetryableError(msg)
        async with self._busy[partition]:
            hold = self._holds.get(partition)
            if hold is None or draft is None or draft.header.parent != hold.writer.link:
                msg = f"partition {partition} was taken over anew since the checkpoint was made"
                raise RetryableError(msg)
            offsets = await self._log.append(partition, draft.records)
            hold.writer.acknowledged(draft, offsets)
            hold.written_at = self._monotonic()

    def notes(self, counted: Mapping[int, Increments]) -> dict[int, str]:
        """Return what travels with the commit of what was appended last.

        Where to begin to read the state log, and that all up to there is exported by us.
        """
        notes = {}
        for number, writer in self._writers(counted):
            pointer = writer.pointer_exported
            notes[number] = note_of(pointer)
            if pointer is not None:
                self._doubts.promise(number, pointer.promise, counted[number])
        return notes

    def notes_before(self, partitions: Iterable[int]) -> dict[int, str]:
        """Return the notes for a commit that promises no more than the last accepted one."""
        return {number: note_of(one.pointer) for number, one in self._writers(partitions)}

    def exported(self, partitions: Iterable[int]) -> None:
        """Note that a commit with ``notes`` was accepted."""
        for number, writer in self._writers(partitions):
            writer.exported()
            self._doubts.settle(number)

    def taken_back(self, partitions: Iterable[int]) -> None:
        """Note that a commit with ``notes_before`` was accepted."""
        for number, _ in self._writers(partitions):
            self._doubts.settle(number)

    async def owed(self) -> list[tuple[int, Increments]]:
        """Return what the group believes we have exported of what is not ours any more."""
        now = self._source.assignment()
        asked = self._doubts.open - self._holds.keys() - now.partitions  # else memory may have it
        for number in asked if now.settled else ():
            try:
                committed = await self._source.committed(number)
            except RetryableError as error:
                _log.warning("promise_in_doubt", extra={"partition": number, "error": str(error)})
                break
            if self._source.assignment() != now:
                break  # it may be ours again, with a promise that the answer knows nothing of
            self._doubts.judge(number, pointer_in(committed))
        return self._doubts.take_owed()

    def _writers(self, partitions: Iterable[int]) -> Iterator[tuple[int, Writer]]:
        for number in partitions:
            if (hold := self._holds.get(number)) is not None:
                yield number, hold.writer


def _offset(writer: Writer) -> int:
    """Return N of what is durable."""
    tip = writer.tip
    assert tip is not None  # noqa: S101 - restored or claimed
    return tip.offset


def _last(fold: PartitionFold, before: Fingerprint | None) -> Fingerprint | None:
    return before if fold.last is None else fingerprint_of(fold.last)
