"""The shell around the folds: fetch, fold, make durable, publish; and prove that time has passed.

Three loops, each a task of its own, so that none waits for another (aiokafka's ``getmany`` blocks
through a rebalance):

``consume``     follows the assignment, fetches, folds in slices that leave the event loop free;
                partitions are taken over in tasks beside it, for a restore may take long
``checkpoint``  every second: dead letters, state, commit, then publish; gauges and heartbeat
``prove``       every second: reads the clock, *then* asks for the end offsets (design, section 6)

What a checkpoint is and guarantees is in ``checkpointing``.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Final

from firstreply.checkpointing import Checkpointer
from firstreply.collector import Looks
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.domain.instants import SECOND
from firstreply.fold import PartitionFold
from firstreply.health import Health
from firstreply.keeping.port import Checkpoints
from firstreply.owned import Owned
from firstreply.pace import Pace
from firstreply.ports import (
    Assignment,
    DeadLetterSink,
    Publisher,
    Record,
    RecordSource,
    TimestampType,
    WallClock,
)

_log = logging.getLogger(__name__)

SLICE_RECORDS: Final = 100
"""Records folded before other tasks get their turn: some 5 ms, for a checkpoint, a scrape and the
wall may take theirs in the same step of the event loop, which is to stay below 20 ms."""


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
        self._checkpoints = checkpoints
        self._publisher = publisher
        self._clock = clock
        self._wall = wall
        self._monotonic = monotonic
        self._pace = pace
        self._owned = Owned()
        self._looks = Looks()
        self._taking: dict[int, asyncio.Task[None]] = {}
        self._again_at: dict[int, float] = {}
        self._stopping = asyncio.Event()
        self.health = Health(pace.stall_seconds, monotonic())
        self._checkpointer = Checkpointer(
            owned=self._owned,
            source=source,
            dead_letters=dead_letters,
            checkpoints=checkpoints,
            publisher=publisher,
            health=self.health,
            clock=clock,
            monotonic=monotonic,
            pace=pace,
        )

    @property
    def folds(self) -> dict[int, PartitionFold]:
        """The partitions begun in the current epoch."""
        return self._owned.folds

    def restored_shares(self) -> dict[int, float]:
        """Return how much of the state of each assigned partition is there, 0 to 1."""
        restoring = self._checkpoints.restoring
        return {
            number: 1.0 if number in self._owned.begun else restoring.get(number, 0.0)
            for number in self._source.assignment().partitions
        }

    def stop(self) -> None:
        """Ask the loops to end; a last checkpoint is the caller's."""
        self._stopping.set()

    def withdraw(self) -> None:
        """Show no partition any more: what others own now they show themselves."""
        for number in self._owned.memory:
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
        if assignment.epoch != self._owned.epoch:
            self._owned.enter(assignment.epoch)
            self._again_at.clear()
            self._checkpointer.entered()
            self._let_go(assignment)
        now = self._monotonic()
        resting = {number for number, again in self._again_at.items() if now < again}
        begun = self._owned.begun
        for number in sorted(assignment.partitions - begun - set(self._taking) - resting):
            taking = self._take(number, self._owned.epoch)
            self._taking[number] = asyncio.create_task(taking, name=f"take-over-{number}")
        if self._taking:
            await asyncio.wait(self._taking.values(), timeout=_TAKE_PATIENCE_SECONDS)
        for number in [number for number, task in self._taking.items() if task.done()]:
            self._taking.pop(number).result()

    async def _take(self, number: int, epoch: int) -> None:
        """Take a partition over; leave it for the next turn if that only needs time."""
        try:
            fold = await self._checkpoints.take(number, epoch, self._owned.memory.get(number))
        except RetryableError as error:
            _log.warning("partition_not_begun", extra={"partition": number, "error": str(error)})
            if epoch == self._owned.epoch:
                self._again_at[number] = self._monotonic() + TAKE_AGAIN_SECONDS
            return
        # No await since the partition was resumed: its records must find the fold.
        if self._source.assignment().epoch == epoch == self._owned.epoch:
            fold.epoch = epoch
            self._owned.memory[number] = fold
            self._checkpointer.taken(number)
            self._owned.begun.add(number)

    def _let_go(self, assignment: Assignment) -> None:
        """Show no longer what is not ours; forget what another one owns now.

        aiokafka revokes everything at each rebalance, so memory is kept until the group has
        settled, be it with nothing for us.
        """
        for number in set(self._owned.memory) - assignment.partitions:
            self._publisher.drop(number)
            if assignment.settled:
                self._owned.forget(number)
                self._checkpointer.released(number)
        if assignment.settled:
            self._checkpoints.keep_only(assignment.partitions)

    async def _fold(self, number: int, records: Sequence[Record]) -> None:
        fold = self._owned.memory.get(number)
        epoch = self._owned.epoch
        folded = 0
        while folded < len(records):
            await self._fire(number, epoch)
            current = self._source.assignment().epoch == epoch
            if fold is None or number not in self._owned.begun or not current:
                return
            async with self._owned.still[number]:
                if self._source.assignment().epoch != epoch:
                    return
                batch = _slice(records, folded)
                done = fold.fold(batch, SLICE_TIMERS)
                fold.appends.folded(batch[:done])
                folded += done
            self._looks.after_slice()
            await asyncio.sleep(0)
        await self._fire(number, epoch)
        self._note_skew(records)

    async def _fire(self, number: int, epoch: int) -> None:
        """Fire the deadlines that log time has passed, in slices that leave the event loop free."""
        while self._owned.epoch == epoch and number in self._owned.begun:
            async with self._owned.still[number]:
                if self._owned.epoch != epoch:
                    return
                if self._owned.memory[number].fire(SLICE_TIMERS):
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
            self._checkpointer.keep_lease()  # a checkpoint may wait for longer

    async def prove_once(self) -> None:
        """One proof: the clock first, then the ends, or a record in between would be missed."""
        partitions = frozenset(self._owned.begun)
        epoch = self._owned.epoch
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
        if self._owned.epoch != epoch or self._source.assignment().epoch != epoch:
            return
        for number, end in ends.items():
            self._owned.ends[number] = end
            self._owned.memory[number].prove(before - self._pace.proof_skew, end)
        for number in ends:
            await self._fire(number, epoch)

    # -- checkpoint

    async def checkpoint(self) -> None:
        """Make durable and publish every interval, until stopped."""
        while not await self._pause(self._pace.checkpoint_seconds):
            await self.checkpoint_once()
            await self.pay_once()

    async def checkpoint_once(self) -> None:
        """Make durable what was folded since the last time, then publish it.

        Also called before partitions are given up, so that nobody has to fold it again.
        """
        await self._checkpointer.turn()
        self._check()

    async def pay_once(self) -> None:
        """Export what an unheard commit has promised, if the next owner went by it."""
        await self._checkpointer.pay()

    def _check(self) -> None:
        """Let health judge how things stand; the heartbeat stands still when they do."""
        offsets = {number: fold.offset for number, fold in self.folds.items()}
        assignment = self._source.assignment()
        self.health.looked(
            assigned=assignment.partitions,
            settled=assignment.settled and assignment.epoch > 0,
            offsets=offsets,
            ends=dict(self._owned.ends),
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
