"""Keeps the state of partitions in the state log: takes them over, and writes their checkpoints.

Taking over, in this order: find the state to go on from - our own memory, if nobody else has
written since, else the best complete chain - and compare it with the input; commit, which proves
that we were still a member *after* the read; claim the state under our generation and wait for the
acknowledgement; commit again. Only then is anything folded or shown: a process that was replaced
meanwhile gets no further than its commit. A zombie's later checkpoints carry an older generation
and are passed over; those of a group that was deleted carry an older incarnation, for the first
owner in a new group finds no commit and begins the next one (``state.writer.Writer.enter``).

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
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from typing import Any, Final

from firstreply.collector import Collector
from firstreply.domain.engine import Changes, Engine
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold, Span
from firstreply.keeping.doubts import Doubts
from firstreply.keeping.port import InputLog, StateLog
from firstreply.keeping.reading import (
    Found,
    OtherInputError,
    find_state,
    fingerprint_of,
    note_of,
    pointer_in,
    require_same_input,
    told_by,
)
from firstreply.keeping.tail import still_ours
from firstreply.ports import Committed
from firstreply.state.assembly import Restored
from firstreply.state.chain import Finding
from firstreply.state.chunk import Fingerprint, is_void
from firstreply.state.draft import Draft
from firstreply.state.writer import Place, Writer

_log = logging.getLogger(__name__)

_FINDINGS_TOLD: Final = 3
"""Of a state log that cannot be read: every record may be one, and there are many."""

_RESTORES_AT_ONCE: Final = 2
"""Each may need 0.45 kB a contact at its peak."""

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
        self._new_fold = new_fold
        self._rotation = rotation_seconds
        self._accepts_loss: defaultdict[int, bool] = defaultdict(lambda: accept_loss)
        self._monotonic = monotonic
        self._holds: dict[int, _Hold] = {}
        self._found: dict[int, _Hold] = {}
        """Restored, and not claimed yet: a rebalance came in between."""
        self._doubts = Doubts()
        self._busy: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._restores = asyncio.Semaphore(_RESTORES_AT_ONCE)
        self._collector = Collector()
        self.restoring: dict[int, float] = {}
        """Partition to the share of its state that is restored, 0 to 1."""
        self.older: dict[int, str] = {}
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
        self._accepts_loss[partition] = False
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
        try:
            async with self._restores:
                self._require_ours(partition)  # it may have waited for long
                with self._collector.resting():
                    hold = await self._restored(partition, committed)
        finally:
            self.restoring.pop(partition, None)
        self._found[partition] = hold
        return hold

    async def _restored(self, partition: int, committed: Committed | None) -> _Hold:
        first, end = await self._log.bounds(partition)
        found = await self._restore(partition, (first, end), committed)
        told = pointer_in(committed)
        restored, exported = found.restored, end - 1
        if restored is not None and told is not None and told.exported < restored.written.offset:
            exported = told.exported  # and what was counted since is ours to export
        writer = Writer(
            Place(self._source.topic, partition, self._source.partitions),
            uuid.uuid4().hex,
            restored=restored,
            greatest=found.verdict.greatest,
            end=end,
            exported=exported,
            told=told_by(told),
        )
        if restored is None:
            fold = self._new_fold(partition, await self._fresh_offset(partition, end, committed))
        else:
            fold = await self._resumed(partition, restored)
            if exported < restored.written.offset:
                fold.inherit(restored.uncounted)
        return _Hold(fold, writer)

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

    async def _restore(
        self, partition: int, bounds: tuple[int, int], committed: Committed | None
    ) -> Found:
        """Read the state log; nothing is restored where nothing was ever written."""

        def told(share: float) -> None:
            self._require_ours(partition)  # or it would read on for nothing
            self.restoring[partition] = 0.8 * share

        found = await find_state(self._log, partition, bounds, pointer_in(committed), told)
        findings = found.verdict.findings
        if found.restored is None and findings and not self._accepts_loss[partition]:
            raise self._unreadable(partition, findings)
        self.older.pop(partition, None)
        serious = [finding for finding in findings if finding.serious]
        for finding in serious[:_FINDINGS_TOLD]:
            self.older.setdefault(partition, finding.text)
            _log.error(
                "state_is_older",
                extra={
                    "partition": partition,
                    "offset": finding.offset,
                    "why": finding.text,
                    "findings": len(serious),
                },
            )
        if found.restored is not None:
            self._tell(partition, found.restored, committed)
        return found

    def _tell(self, partition: int, restored: Restored, committed: Committed | None) -> None:
        offset = restored.tip.offset
        if committed is not None and committed.offset > offset:
            self.older.setdefault(
                partition,
                f"the group has committed offset {committed.offset}, and the newest state that "
                f"is there stands at {offset}",
            )
            _log.warning(
                "state_wins_over_commit",
                extra={"partition": partition, "state": offset, "commit": committed.offset},
            )
        _log.info(
            "state_restored",
            extra={
                "partition": partition,
                "offset": offset,
                "contacts": restored.tip.tracked,
                "generation": restored.tip.generation,
            },
        )

    async def _resumed(self, partition: int, restored: Restored) -> PartitionFold:
        await require_same_input(self._source, self._log.topic, partition, restored.tip)
        fold = self._new_fold(partition, restored.tip.offset)
        blank = fold.engine
        fold.engine = Engine.resume(
            restored.standing,
            restored.store,
            blank.book,
            grace=blank.grace,
            max_tracked=blank.max_tracked,
        )
        for placed in fold.engine.take_places():
            self._require_ours(partition)
            self.restoring[partition] = 0.8 + 0.2 * placed / max(restored.tip.tracked, 1)
            await asyncio.sleep(0)
        return fold

    async def _fresh_offset(self, partition: int, end: int, committed: Committed | None) -> int:
        """Return where to begin without a state.

        Raises:
            FatalError: the group has a commit, so there was a state; unless a loss is accepted.
        """
        if committed is None:
            return await self._source.first_offset(partition)
        if self._accepts_loss[partition]:
            begin, last = await self._source.bounds(partition)
            # Outside of what the partition holds: made anew, or passed by retention.
            offset = committed.offset if begin <= committed.offset <= last else begin
            _log.error(
                "state_loss_accepted",
                extra={"partition": partition, "commit": committed.offset, "offset": offset},
            )
            return offset
        was = "is empty" if end == 0 else "holds nothing any more"
        msg = (
            f"partition {partition} of {self._source.topic} was read up to offset "
            f"{committed.offset}, but the state log {self._log.topic} {was}: contacts that were "
            "waiting would be lost. Give the topic back; or rebuild the state from the events: "
            "firstreply state rebuild --from TIME; or go on without it: firstreply run "
            "--accept-loss"
        )
        raise FatalError(msg)

    def _unreadable(self, partition: int, findings: Sequence[Finding]) -> FatalError:
        wrong = "; ".join(finding.text for finding in findings[:_FINDINGS_TOLD])
        return FatalError(
            f"the state log {self._log.topic}, partition {partition}, holds no complete state: "
            f"{wrong}. Rebuild it from the events: firstreply state rebuild --from TIME; or go on "
            "without it: firstreply run --accept-loss"
        )

    def _require_epoch(self, partition: int, epoch: int) -> None:
        if self._source.assignment().epoch != epoch:
            raise _not_ours(partition)

    def _require_ours(self, partition: int) -> None:
        """Raise RetryableError once another one owns it; not while a rebalance is under way."""
        now = self._source.assignment()
        if now.settled and partition not in now.partitions:
            raise _not_ours(partition)

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


def _not_ours(partition: int) -> RetryableError:
    return RetryableError(f"partition {partition} is not ours any more; a rebalance came")


def _offset(writer: Writer) -> int:
    """Return N of what is durable."""
    tip = writer.tip
    assert tip is not None  # noqa: S101 - restored or claimed
    return tip.offset


def _last(fold: PartitionFold, before: Fingerprint | None) -> Fingerprint | None:
    return before if fold.last is None else fingerprint_of(fold.last)
