"""The shell around the folds: fetch, fold, make durable, publish; and prove that time has passed.

Three loops, each a task of its own, so that none waits for another (aiokafka's ``getmany`` blocks
through a rebalance):

``consume``     follows the assignment, fetches, folds in slices that leave the event loop free;
                partitions are taken over in tasks beside it, for a restore may take long
``checkpoint``  every second: dead letters, state, commit, then publish; gauges and heartbeat
``prove``       every second: reads the clock, *then* asks for the end offsets (design, section 6)

Order within a checkpoint is the guarantee: nothing is published before its dead letters are
acknowledged, its state is appended, its offset is committed and the assignment is unchanged. What
could not be made durable is put back and goes with the next checkpoint; counters never double.

A checkpoint is a consistent cut: while it is encoded nothing of that partition is folded, and all
that is shown of a partition - counters, ledger, who waits - is of one cut, shown in one step.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

import msgspec

from firstreply.domain.errors import FatalError, RetryableError
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.instants import SECOND
from firstreply.fold import PartitionFold, Span
from firstreply.health import Health
from firstreply.keeping.port import Checkpoints
from firstreply.ports import (
    Assignment,
    DeadLetterSink,
    Publisher,
    Record,
    RecordSource,
    TimestampType,
    WallClock,
)
from firstreply.state.draft import Draft

_log = logging.getLogger(__name__)

SLICE_RECORDS: Final = 200
"""Records folded before other tasks get their turn: some milliseconds."""


SLICE_BYTES: Final = 256 * 1024
"""Bytes folded before other tasks get their turn; one larger record goes alone."""

SLICE_TIMERS: Final = 200
"""Deadlines fired before other tasks get their turn."""

MOST_UNDURABLE_RECORDS: Final = 500_000
"""Records folded since the last durable checkpoint, over all partitions: some 100 MB of changes and
increments. Beyond it nothing more is read until a checkpoint is durable."""

MOST_UNDURABLE_LETTER_BYTES: Final = 64 * 1024 * 1024
"""Likewise, of dead letters."""

_HELD_BACK_SECONDS: Final = 0.1
"""Between two looks whether enough is durable to read on."""

_TAKE_PATIENCE_SECONDS: Final = 0.2
"""Most partitions are taken over sooner; for the others the next records are fetched meanwhile."""

TAKE_AGAIN_SECONDS: Final = 1.0
"""Between two attempts to take a partition over: each may read its whole state."""

IDLE_COMMIT_SECONDS: Final = 5.0
"""A commit without news proves that we are still a member; sooner where the lease is short."""


class Pace(msgspec.Struct, frozen=True):
    """How often the loops turn, in seconds, and what a proof allows for, in microseconds."""

    checkpoint_seconds: float = 1.0
    proof_seconds: float = 1.0
    proof_skew: int = SECOND
    stall_seconds: float = 60.0
    lease_seconds: float = 16.0
    """Without an accepted commit for so long another may own our partitions: gauges go."""

    @property
    def idle_commit_seconds(self) -> float:
        """How long to go without a commit when there is no news: one proves our membership."""
        return min(IDLE_COMMIT_SECONDS, self.lease_seconds / 3)


class _Cut(msgspec.Struct, frozen=True):
    """One partition at the instant of a checkpoint."""

    fold: PartitionFold
    span: Span
    gauges: PartitionGauges
    news: bool
    """Whether there is anything to make durable."""
    draft: Draft | None


class Processor:
    """Runs one source through its folds.

    Args:
        source: where records come from.
        dead_letters: where bad ones go.
        checkpoints: durability of the state; takes partitions over.
        publisher: the exported figures.
        clock: the time that records are written by, in microseconds: of proofs and of lag.
        wall: the time of day, of the heartbeat. The same, but where a simulation plays.
        monotonic: seconds of a clock that never goes back.
        pace: see ``Pace``.
    """

    def __init__(  # noqa: PLR0913 - the wiring of the whole service, keyword-only
        self,
        *,
        source: RecordSource,
        dead_letters: DeadLetterSink,
        checkpoints: Checkpoints,
        publisher: Publisher,
        clock: WallClock,
        wall: WallClock,
        monotonic: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._source = source
        self._dead_letters = dead_letters
        self._checkpoints = checkpoints
        self._publisher = publisher
        self._clock = clock
        self._wall = wall
        self._monotonic = monotonic
        self._pace = pace
        self._epoch = 0
        self._folds: dict[int, PartitionFold] = {}
        self._begun: set[int] = set()
        self._taking: dict[int, asyncio.Task[None]] = {}
        self._again_at: dict[int, float] = {}
        self._still: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        """By partition: whoever folds, fires or makes a cut holds it."""
        self._ends: dict[int, int] = {}
        self._committed_at = monotonic()
        self._durable_at: dict[int, float] = {}
        self._doubtful = False
        """Whether the last commit was not accepted, as far as we know."""
        self._cutting = asyncio.Lock()
        self._stopping = asyncio.Event()
        self.health = Health(pace.stall_seconds, monotonic())

    @property
    def folds(self) -> dict[int, PartitionFold]:
        """The partitions begun in the current epoch."""
        return {number: fold for number, fold in self._folds.items() if number in self._begun}

    def restored_shares(self) -> dict[int, float]:
        """Return how much of the state of each assigned partition is there, 0 to 1."""
        restoring = self._checkpoints.restoring
        return {
            number: 1.0 if number in self._begun else restoring.get(number, 0.0)
            for number in self._source.assignment().partitions
        }

    def stop(self) -> None:
        """Ask the loops to end; a last checkpoint is the caller's."""
        self._stopping.set()

    def withdraw(self) -> None:
        """Show no partition any more: what others own now they show themselves."""
        for number in self._folds:
            self._publisher.drop(number)

    # -- consume

    async def consume(self) -> None:
        """Fetch and fold until stopped. Raises FatalError when going on would be wrong."""
        try:
            while not self._stopping.is_set():
                await self._follow_assignment()
                if self._held_back() is not None:
                    self._check()  # a checkpoint that waits for its acknowledgement does not
                    await self._pause(_HELD_BACK_SECONDS)
                    continue
                for number, records in (await self._source.fetch()).items():
                    await self._fold(number, records)
        finally:
            await self._end_takers()

    def _held_back(self) -> int | None:
        """Return how many records are not durable where that is too much to read on, else None."""
        folds = self.folds.values()
        records = sum(fold.undurable for fold in folds)
        letters = sum(fold.letter_bytes for fold in folds)
        held = records > MOST_UNDURABLE_RECORDS or letters > MOST_UNDURABLE_LETTER_BYTES
        return records if held else None

    async def _end_takers(self) -> None:
        """Give up what is being taken over; a failure that nobody will hear of is logged."""
        for task in self._taking.values():
            task.cancel()
        if self._taking:
            await asyncio.wait(self._taking.values())
        for number, task in self._taking.items():
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("partition_not_begun", extra={"partition": number, "error": str(error)})

    async def _follow_assignment(self) -> None:
        assignment = self._source.assignment()
        if assignment.epoch != self._epoch:
            self._epoch = assignment.epoch
            self._begun.clear()
            self._again_at.clear()
            self._committed_at = self._monotonic()
            self._doubtful = False
            self._publisher.lease(self._committed_at + self._pace.lease_seconds)
            self._let_go(assignment)
        now = self._monotonic()
        resting = {number for number, again in self._again_at.items() if now < again}
        for number in sorted(assignment.partitions - self._begun - set(self._taking) - resting):
            taking = self._take(number, self._epoch)
            self._taking[number] = asyncio.create_task(taking, name=f"take-over-{number}")
        if self._taking:
            await asyncio.wait(self._taking.values(), timeout=_TAKE_PATIENCE_SECONDS)
        for number in [number for number, task in self._taking.items() if task.done()]:
            self._taking.pop(number).result()

    async def _take(self, number: int, epoch: int) -> None:
        """Take a partition over; leave it for the next turn if that only needs time."""
        try:
            fold = await self._checkpoints.take(number, epoch, self._folds.get(number))
        except RetryableError as error:
            _log.warning("partition_not_begun", extra={"partition": number, "error": str(error)})
            self._again_at[number] = self._monotonic() + TAKE_AGAIN_SECONDS
            return
        # No await since the partition was resumed: its records must find the fold.
        if self._source.assignment().epoch == epoch == self._epoch:
            fold.epoch = epoch
            self._folds[number] = fold
            self._durable_at[number] = self._monotonic()
            self._begun.add(number)

    def _let_go(self, assignment: Assignment) -> None:
        """Show no longer what is not ours; forget what another one owns now.

        aiokafka revokes everything at each rebalance, so memory is kept until the group has
        settled, be it with nothing for us.
        """
        for number in set(self._folds) - assignment.partitions:
            self._publisher.drop(number)
            if assignment.settled:
                del self._folds[number]
                self._ends.pop(number, None)
                self._durable_at.pop(number, None)
                self._checkpoints.release(number)

    async def _fold(self, number: int, records: Sequence[Record]) -> None:
        fold = self._folds.get(number)
        epoch = self._epoch
        folded = 0
        while folded < len(records):
            await self._fire(number, epoch)
            current = self._source.assignment().epoch == epoch
            if fold is None or number not in self._begun or not current:
                return
            async with self._still[number]:
                if self._source.assignment().epoch != epoch:
                    return
                folded += fold.fold(_slice(records, folded), SLICE_TIMERS)
            await asyncio.sleep(0)
        await self._fire(number, epoch)
        self._note_skew(records)

    async def _fire(self, number: int, epoch: int) -> None:
        """Fire the deadlines that log time has passed, in slices that leave the event loop free."""
        while self._epoch == epoch and number in self._begun:
            async with self._still[number]:
                if self._epoch != epoch or self._folds[number].fire(SLICE_TIMERS):
                    return
            await asyncio.sleep(0)

    def _note_skew(self, records: Sequence[Record]) -> None:
        last = records[-1] if records else None
        if (
            last is not None
            and last.timestamp is not None
            and last.timestamp_type == TimestampType.LOG_APPEND_TIME
        ):
            ahead = last.timestamp / 1000 - self._clock.now() / SECOND
            self._publisher.clock_skew(max(0.0, ahead))

    # -- prove

    async def prove(self) -> None:
        """Turn "nothing was appended before b" into log time, until stopped."""
        while not await self._pause(self._pace.proof_seconds):
            await self.prove_once()
            self._keep_lease()  # a checkpoint may wait for an acknowledgement for longer

    async def prove_once(self) -> None:
        """One proof: the clock first, then the ends, or a record in between would be missed."""
        partitions = frozenset(self._begun)
        epoch = self._epoch
        if not partitions:
            self.health.proved(self._monotonic())
            return
        before = self._clock.now()
        try:
            ends = await self._source.end_offsets(partitions)
        except RetryableError as error:
            _log.warning("end_offsets_unknown", extra={"error": str(error)})
            return
        self.health.proved(self._monotonic())
        if self._epoch != epoch or self._source.assignment().epoch != epoch:
            return
        for number, end in ends.items():
            self._ends[number] = end
            self._folds[number].prove(before - self._pace.proof_skew, end)
        for number in ends:
            await self._fire(number, epoch)

    # -- checkpoint

    async def checkpoint(self) -> None:
        """Make durable and publish every interval, until stopped."""
        while not await self._pause(self._pace.checkpoint_seconds):
            await self.checkpoint_once()

    async def checkpoint_once(self) -> None:
        """Make durable what was folded since the last time, then publish it.

        Also called before partitions are given up, so that nobody has to fold it again.
        """
        async with self._cutting:
            epoch = self._epoch
            cuts: dict[int, _Cut] = {}
            for number, fold in self.folds.items():
                async with self._still[number]:
                    if self._folds.get(number) is fold:  # else taken over anew while we waited
                        cuts[number] = await self._cut(fold)
            durable = await self._make_durable(cuts, epoch) if cuts else frozenset()
            for number, cut in cuts.items():
                if number in durable:
                    self._publish(number, cut, epoch)
                else:  # to the same fold: meanwhile another may have counted what this one holds
                    cut.fold.put_back(cut.span)
            self._show_lag()
            self._check()

    async def _cut(self, fold: PartitionFold) -> _Cut:
        span, gauges = fold.take(), fold.engine.gauges()
        news = _has_news(fold, span) or self._checkpoints.due(fold.partition)
        draft = await self._checkpoints.draft(fold, span.changes) if news else None
        return _Cut(fold, span, gauges, news, draft)

    async def _make_durable(self, cuts: dict[int, _Cut], epoch: int) -> frozenset[int]:
        """Return the partitions whose cut is durable, committed, and still ours."""
        news = {number: cut for number, cut in cuts.items() if cut.news}
        idle = self._monotonic() - self._committed_at
        if self._doubtful and not await self._still_accepted(cuts, epoch):
            return frozenset()
        if not news and idle < self._pace.idle_commit_seconds:
            return frozenset(cuts)
        failed = await self._append(news)
        for number, error in failed.items():
            _log.warning("checkpoint_failed", extra={"partition": number, "error": str(error)})
            self.health.failed(number, str(error))
        written = [number for number in cuts if number not in failed]
        offsets = {number: cuts[number].span.offset for number in written}
        sent_at = self._monotonic()  # who stood still may read the answer much later
        if not await self._source.commit(offsets, epoch, self._checkpoints.notes(offsets)):
            self._doubtful = bool(offsets)
            return frozenset()
        self._committed_at = sent_at
        self._durable_at.update(dict.fromkeys(written, sent_at))
        self.health.committed(written, sent_at)
        self._publisher.lease(sent_at + self._pace.lease_seconds)
        return frozenset(written)

    async def _still_accepted(self, cuts: dict[int, _Cut], epoch: int) -> bool:
        """Ask the group, after a commit that it did not accept, before any more is appended.

        What is in the state log when another one restores it is counted by nobody unless we were
        told that the group accepted it: so at most one checkpoint may stand there in doubt.
        """
        known = {number: cut.fold.committed or 0 for number, cut in cuts.items()}
        accepted = await self._source.commit(known, epoch, self._checkpoints.notes(known))
        self._doubtful = not accepted
        return accepted

    async def _append(self, cuts: dict[int, _Cut]) -> dict[int, RetryableError]:
        """Append dead letters and state; return what failed, by partition."""
        letters = [letter for cut in cuts.values() for letter in cut.span.letters]
        try:
            if letters:
                await self._dead_letters.send(letters)
        except RetryableError as error:
            return dict.fromkeys(cuts, error)
        appends = (self._checkpoints.append(number, cut.draft) for number, cut in cuts.items())
        answers = await asyncio.gather(*appends, return_exceptions=True)
        failed = {}
        for number, answer in zip(cuts, answers, strict=True):
            if isinstance(answer, RetryableError):
                failed[number] = answer
            elif answer is not None:
                raise answer
        return failed

    def _publish(self, number: int, cut: _Cut, epoch: int) -> None:
        cut.fold.made_durable(cut.span)
        self._publisher.checkpointed(number, epoch, cut.span.increments)
        if self._keep_lease() and self._source.assignment().epoch == epoch:
            self._publisher.gauges(number, cut.gauges)

    def _keep_lease(self) -> bool:
        """Return whether our partitions are surely ours; else show them no longer.

        Nor is a partition shown whose state could not be made durable for as long.
        """
        now, lease = self._monotonic(), self._pace.lease_seconds
        ours = now - self._committed_at < lease
        for number in self._folds:
            if not ours or now - self._durable_at[number] >= lease:
                self._publisher.drop(number)
        return ours

    def _show_lag(self) -> None:
        if not self._keep_lease():
            return
        now = self._clock.now()
        for number, fold in self.folds.items():
            behind = max(0, self._ends.get(number, fold.offset) - fold.offset)
            seconds = 0.0
            if behind and fold.last is not None and fold.last.timestamp is not None:
                seconds = max(0.0, now / SECOND - fold.last.timestamp / 1000)
            self._publisher.lag(number, behind, seconds)

    def _check(self) -> None:
        """Let health judge how things stand; the heartbeat stands still when they do."""
        offsets = {number: fold.offset for number, fold in self.folds.items()}
        assignment = self._source.assignment()
        self.health.looked(
            assigned=assignment.partitions,
            settled=assignment.settled and assignment.epoch > 0,
            offsets=offsets,
            ends=dict(self._ends),
            restoring=self._checkpoints.restoring,
            held_back=self._held_back(),
            now=self._monotonic(),
        )
        self._publisher.restoring(len(self._checkpoints.restoring))
        self.health.went_back(self._checkpoints.older)
        self._publisher.older(len(self._checkpoints.older))
        self._publisher.assigned(len(assignment.partitions))
        if self.health.moving:
            self._publisher.heartbeat(self._wall.now())
        self._publisher.ready(self.health.ready)
        stalled = self.health.stalled(self._monotonic())
        if stalled is not None:
            raise FatalError(stalled)

    async def _pause(self, seconds: float) -> bool:
        """Wait; True as soon as the processor is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True


def _slice(records: Sequence[Record], start: int) -> list[Record]:
    """Return the next records to fold in one go: bounded in number and in bytes, at least one."""
    size = 0
    batch: list[Record] = []
    for record in islice(records, start, start + SLICE_RECORDS):
        size += len(record.value or b"")
        if batch and size > SLICE_BYTES:
            break
        batch.append(record)
    return batch


def _has_news(fold: PartitionFold, span: Span) -> bool:
    """Return whether a span says anything that is not durable yet."""
    changed = span.changes.dirty or span.changes.removed  # a contact is forgotten without a count
    return bool(span.increments or span.letters or changed) or fold.needs_commit(span.offset)
