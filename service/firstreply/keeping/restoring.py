"""Restores the state of a partition that is taken over, and says with what it goes on.

The best complete chain of the state log is found, compared with the input, and made into a fold
and what writes its state from there. Nothing is claimed or committed here; that, and who may take
over when, is the keeper's (``keeping.keeper``). Where there is a commit and no state, or no state
that can be read, it refuses and names the ways out, unless a loss is accepted. Where the state is
older than what the log or the group tells of, it goes on and says so.

A restore may take long. It runs in slices beside others on the event loop, tells its progress, and
ends once the partition is another's; few run at once, while the garbage collector rests.
"""

import asyncio
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from firstreply.collector import Collector
from firstreply.domain.engine import Engine
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.fold import PartitionFold
from firstreply.keeping.port import InputLog, StateLog
from firstreply.keeping.reading import Found, find_state, pointer_in, require_same_input, told_by
from firstreply.ports import Committed
from firstreply.state.assembly import Restored
from firstreply.state.chain import Finding
from firstreply.state.writer import Place, Writer

_log = logging.getLogger(__name__)

_FINDINGS_TOLD: Final = 3
"""Of a state log that cannot be read: every record may be one, and there are many."""

_RESTORES_AT_ONCE: Final = 2
"""Each may need 0.45 kB a contact at its peak."""


class Restorer:
    """Restores partitions, few at once. One for a process.

    Args:
        source: the input and its group.
        log: the state log.
        new_fold: makes the fold of a partition that begins at an offset.
        accept_loss: go on where there is a commit and no state, or no state that can be read; for
            each partition until ``refuse_loss``.
    """

    def __init__(
        self,
        source: InputLog,
        log: StateLog,
        new_fold: Callable[[int, int], PartitionFold],
        *,
        accept_loss: bool,
    ) -> None:
        self._source = source
        self._log = log
        self._new_fold = new_fold
        self._accepts_loss: defaultdict[int, bool] = defaultdict(lambda: accept_loss)
        self._restores = asyncio.Semaphore(_RESTORES_AT_ONCE)
        self._collector = Collector()
        self.restoring: dict[int, float] = {}
        """Partition to the share of its state that is restored, 0 to 1."""
        self.older: dict[int, str] = {}
        """Partition to why it went on from an older state than the newest; the keeper drops it once
        the partition is another's."""

    async def restore(
        self, partition: int, committed: Committed | None
    ) -> tuple[PartitionFold, Writer]:
        """Return the fold to go on with, and what writes its state from there.

        Args:
            partition: assigned to us.
            committed: what the group says now.

        Raises:
            RetryableError: it is another's by now, or a leader did not answer.
            FatalError: its state is lost or does not belong to this input; says what to do.
        """
        try:
            async with self._restores:
                self._require_ours(partition)  # it may have waited for long
                with self._collector.resting():
                    return await self._restored(partition, committed)
        finally:
            self.restoring.pop(partition, None)

    def refuse_loss(self, partition: int) -> None:
        """Accept no further loss of a partition: what it goes on with is claimed."""
        self._accepts_loss[partition] = False

    async def _restored(
        self, partition: int, committed: Committed | None
    ) -> tuple[PartitionFold, Writer]:
        first, end = await self._log.bounds(partition)
        found = await self._read(partition, (first, end), committed)
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
        return fold, writer

    async def _read(
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

    def _require_ours(self, partition: int) -> None:
        """Raise RetryableError once another one owns it; not while a rebalance is under way."""
        now = self._source.assignment()
        if now.settled and partition not in now.partitions:
            raise not_ours(partition)


def not_ours(partition: int) -> RetryableError:
    """Return the error of whoever finds that a partition is another's by now."""
    return RetryableError(f"partition {partition} is not ours any more; a rebalance came")
