"""Keeps the state of partitions in the state log: takes them over, and writes their checkpoints.

Taking over, in this order: find the state to go on from - our own memory, if nobody else has
written since, else the best complete chain - and compare it with the input; commit, which proves
that we were still a member *after* the read; claim the state under our generation and wait for the
acknowledgement; commit again. Only then is anything folded or shown: a process that was replaced
meanwhile gets no further than its commit. A zombie's later checkpoints carry an older generation
and are passed over.

The first commit is not in the design's list. Without it, one who stood still while it read the log
finds its successor's generation above its own, takes that for a group made anew, and claims a
higher incarnation: it would beat the true owner (found by ``tests/model``).

A checkpoint is a consistent cut: the caller folds nothing between ``draft`` being called and its
return. Appending may then take its time.
"""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.fold import PartitionFold
from firstreply.keeping.port import InputLog, StateLog
from firstreply.keeping.reading import (
    Found,
    find_state,
    fingerprint_of,
    note_of,
    pointer_of,
    require_same_input,
)
from firstreply.ports import Committed
from firstreply.state.assembly import Restored
from firstreply.state.chain import Finding
from firstreply.state.chunk import Fingerprint
from firstreply.state.draft import Draft
from firstreply.state.writer import Place, Writer

_log = logging.getLogger(__name__)

_IDLE_SECONDS: Final = 60.0
"""A partition without news writes a slice of its base this often."""


class StateKeeper:
    """Implements ``ports.Checkpoints`` on a state log.

    Args:
        source: the input and its group.
        log: the state log.
        new_fold: makes the fold of a partition that begins at an offset.
        rotation_seconds: each contact is written anew within this time.
        accept_loss: go on where there is a commit and no state, or no state that can be read.
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
        self._accept_loss = accept_loss
        self._monotonic = monotonic
        self._writers: dict[int, Writer] = {}
        self._folds: dict[int, PartitionFold] = {}
        self._generations: dict[int, int] = {}
        self._written_at: dict[int, float] = {}
        self._busy: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.restoring: dict[int, float] = {}
        """Partition to the share of its state that is restored, 0 to 1."""

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
        generation = self._source.generation()  # of this epoch: a later one is not this hold's
        if generation < 0:
            msg = f"partition {partition}: not a member of the group just now"
            raise RetryableError(msg)
        async with self._busy[partition]:
            try:
                fold, writer = await self._find(partition, epoch, kept)
            finally:
                self.restoring.pop(partition, None)
            self._require_epoch(partition, epoch)
            if writer.tip is not None:
                await self._commit(partition, epoch, writer)
            await self._claim(partition, fold, writer, generation)
            await self._commit(partition, epoch, writer)
            self._writers[partition] = writer
            self._generations[partition] = generation
            self._folds[partition] = fold
            fold.committed, fold.confirmed = _offset(writer), True
            await self._source.begin(partition, fold.offset)
            return fold

    async def _commit(self, partition: int, epoch: int, writer: Writer) -> None:
        """Commit where the tip stands. Raises RetryableError unless it was accepted."""
        self._require_epoch(partition, epoch)
        note = {partition: note_of(writer.pointer)}
        if not await self._source.commit({partition: _offset(writer)}, epoch, note):
            msg = f"partition {partition}: the group did not accept the commit of our claim"
            raise RetryableError(msg)
        self._require_epoch(partition, epoch)

    async def _find(
        self, partition: int, epoch: int, kept: PartitionFold | None
    ) -> tuple[PartitionFold, Writer]:
        writer = self._writers.get(partition)
        first, end = await self._log.bounds(partition)
        if kept is not None and writer is not None:
            if writer.alone_until == end:
                return kept, writer
            _log.warning("partition_taken_over", extra={"partition": partition})
        found = await self._restore(partition, epoch, first, end)
        writer = Writer(
            self._place(partition),
            uuid.uuid4().hex,
            restored=found.restored,
            greatest=found.verdict.greatest,
            end=end,
        )
        if found.restored is None:
            return self._new_fold(partition, await self._fresh_offset(partition, end)), writer
        return await self._resumed(partition, found.restored), writer

    async def _claim(
        self, partition: int, fold: PartitionFold, writer: Writer, generation: int
    ) -> None:
        """Append a claim, or the first state of all, and wait for it."""
        if writer.tip is None:
            nothing = Changes(frozenset(), frozenset())
            draft = writer.checkpoint(
                fold.engine, nothing, generation=generation, last=None, minimum=0
            )
        else:
            draft = writer.claim(generation)
        for _ in draft.pieces():
            await asyncio.sleep(0)
        offsets = await self._log.append(partition, draft.records)
        writer.acknowledged(draft, offsets)
        self._written_at[partition] = self._monotonic()

    async def _restore(self, partition: int, epoch: int, first: int, end: int) -> Found:
        """Read the state log; nothing is restored where nothing was ever written."""

        def told(share: float) -> None:
            self._require_epoch(partition, epoch)  # or it would read on for nothing
            self.restoring[partition] = 0.8 * share

        committed = await self._source.committed(partition)
        pointer = pointer_of("" if committed is None else committed.note)
        found = await find_state(self._log, partition, (first, end), pointer, told)
        findings = found.verdict.findings
        if found.restored is None and findings and not self._accept_loss:
            raise self._unreadable(partition, findings)
        for finding in findings:
            if finding.serious:
                _log.error(
                    "state_is_older",
                    extra={"partition": partition, "offset": finding.offset, "why": finding.text},
                )
        if found.restored is not None:
            self._tell(partition, found.restored, committed)
        return found

    def _tell(self, partition: int, restored: Restored, committed: Committed | None) -> None:
        offset = restored.tip.offset
        if committed is not None and committed.offset > offset:
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
            restored.standing, restored.store, blank.book, grace=blank.grace
        )
        for placed in fold.engine.take_places():
            self.restoring[partition] = 0.8 + 0.2 * placed / max(restored.tip.tracked, 1)
            await asyncio.sleep(0)
        return fold

    async def _fresh_offset(self, partition: int, end: int) -> int:
        """Return where to begin without a state.

        Raises:
            FatalError: the group has a commit, so there was a state; unless a loss is accepted.
        """
        committed = await self._source.committed(partition)
        if committed is None:
            return await self._source.first_offset(partition)
        if self._accept_loss:
            _log.error(
                "state_loss_accepted", extra={"partition": partition, "offset": committed.offset}
            )
            return committed.offset
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
        wrong = "; ".join(finding.text for finding in findings[:3])
        return FatalError(
            f"the state log {self._log.topic}, partition {partition}, holds no complete state: "
            f"{wrong}. Rebuild it from the events: firstreply state rebuild --from TIME; or go on "
            "without it: firstreply run --accept-loss"
        )

    def _require_epoch(self, partition: int, epoch: int) -> None:
        if self._source.assignment().epoch != epoch:
            msg = f"partition {partition} is not ours any more; a rebalance came"
            raise RetryableError(msg)

    def _place(self, partition: int) -> Place:
        return Place(self._source.topic, partition, self._source.partitions)

    # -- checkpoints

    def due(self, partition: int) -> bool:
        """Return whether a partition without news should write a slice of its base."""
        written_at = self._written_at.get(partition)
        return written_at is not None and self._monotonic() - written_at >= _IDLE_SECONDS

    async def draft(self, fold: PartitionFold, changes: Changes) -> Draft | None:
        """Encode a checkpoint of the fold as it is; nothing may be folded until it returns.

        None for a fold that another one has replaced: it must not write under the new hold.
        """
        partition = fold.partition
        if self._folds.get(partition) is not fold:
            return None
        writer = self._writers[partition]
        tracked = len(fold.engine.store)
        since = self._monotonic() - self._written_at[partition]
        tip = writer.tip
        draft = writer.checkpoint(
            fold.engine,
            changes,
            generation=self._generations[partition],
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
            writer = self._writers[partition]
            if draft is None or draft.header.parent != writer.link:
                msg = f"partition {partition} was taken over anew since the checkpoint was made"
                raise RetryableError(msg)
            writer.acknowledged(draft, await self._log.append(partition, draft.records))
            self._written_at[partition] = self._monotonic()

    def notes(self, partitions: Iterable[int]) -> dict[int, str]:
        """Return what is to travel with the commits: where the state log is to be read from."""
        return {number: note_of(self._writers[number].pointer) for number in partitions}


def _offset(writer: Writer) -> int:
    """Return N of what is durable."""
    tip = writer.tip
    assert tip is not None  # noqa: S101 - restored or claimed
    return tip.offset


def _last(fold: PartitionFold, before: Fingerprint | None) -> Fingerprint | None:
    return before if fold.last is None else fingerprint_of(fold.last)
