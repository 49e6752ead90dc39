"""Checkpoints: what was folded becomes durable, is committed, and only then is shown.

Order is the guarantee: nothing is published before its dead letters are acknowledged, its state is
appended, its offset is committed and the assignment is unchanged. What could not be made durable is
put back and goes with the next checkpoint; counters never double.

A checkpoint is a consistent cut: while it is encoded nothing of that partition is folded, and all
that is shown of a partition - counters, ledger, who waits - is of one cut, shown in one step.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from firstreply.domain.errors import RetryableError
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.instants import SECOND
from firstreply.fold import PartitionFold, Span
from firstreply.health import Health
from firstreply.keeping.port import Checkpoints
from firstreply.owned import Owned
from firstreply.pace import Pace
from firstreply.ports import DeadLetterSink, Publisher, RecordSource, WallClock
from firstreply.state.draft import Draft

_log = logging.getLogger(__name__)


class _Cut(msgspec.Struct, frozen=True):
    """One partition at the instant of a checkpoint."""

    fold: PartitionFold
    span: Span
    gauges: PartitionGauges
    news: bool
    """Whether there is anything to make durable."""
    draft: Draft | None


class Checkpointer:
    """Makes the partitions of a process durable, and shows them for as long as they are its own.

    Args:
        owned: the partitions.
        source: takes the commits.
        dead_letters: where bad records go.
        checkpoints: durability of the state.
        publisher: the exported figures.
        health: is told what was made durable, and why something was not.
        clock: of lag, in microseconds.
        monotonic: seconds of a clock that never goes back.
        pace: see ``Pace``.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only; wired in one place
        self,
        *,
        owned: Owned,
        source: RecordSource,
        dead_letters: DeadLetterSink,
        checkpoints: Checkpoints,
        publisher: Publisher,
        health: Health,
        clock: WallClock,
        monotonic: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._owned = owned
        self._source = source
        self._dead_letters = dead_letters
        self._checkpoints = checkpoints
        self._publisher = publisher
        self._health = health
        self._clock = clock
        self._monotonic = monotonic
        self._pace = pace
        self._committed_at = monotonic()
        self._durable_at: dict[int, float] = {}
        self._doubtful = False
        """Whether the last commit was not accepted, as far as we know."""
        self._cutting = asyncio.Lock()

    def entered(self) -> None:
        """Begin an epoch: its lease runs from now, whenever we committed last.

        But what the last lease does not cover any more goes: the epoch may have begun long ago.
        """
        self.keep_lease()
        self._committed_at = self._monotonic()
        self._doubtful = False
        self._publisher.lease(self._committed_at + self._pace.lease_seconds)

    def taken(self, partition: int) -> None:
        """Note that a partition was taken over: its state is durable and committed."""
        self._durable_at[partition] = self._monotonic()

    def released(self, partition: int) -> None:
        """Forget a partition that another one owns."""
        self._durable_at.pop(partition, None)

    async def turn(self) -> None:
        """Make durable what was folded since the last time, then publish it."""
        async with self._cutting:
            epoch = self._owned.epoch
            cuts: dict[int, _Cut] = {}
            try:
                for number, fold in self._owned.folds.items():
                    async with self._owned.still[number]:
                        # Else it was taken over anew while we waited for its turn.
                        if self._owned.memory.get(number) is fold:
                            cuts[number] = await self._cut(fold)
                durable = await self._make_durable(cuts, epoch) if cuts else frozenset()
                await self._publish({number: cuts.pop(number) for number in durable}, epoch)
            finally:
                for cut in cuts.values():
                    # To the same fold: meanwhile another may have counted what this one holds.
                    cut.fold.put_back(cut.span)
            self._show_lag()

    async def pay(self) -> None:
        """Export what the group believes exported by us, of partitions that others own by now."""
        for number, counted in await self._checkpoints.owed():
            self._publisher.checkpointed(number, self._owned.epoch, counted)

    async def _cut(self, fold: PartitionFold) -> _Cut:
        span, gauges = fold.take(), fold.engine.gauges()
        news = _has_news(fold, span) or self._checkpoints.due(fold.partition)
        try:
            await asyncio.sleep(0)  # to take took 3 ms at 2,500 events, a piece of the draft more
            draft = await self._checkpoints.draft(fold, span) if news else None
        except BaseException:  # an interrupt too: nobody else knows what was taken
            fold.put_back(span)
            raise
        return _Cut(fold, span, gauges, news, draft)

    async def _make_durable(self, cuts: dict[int, _Cut], epoch: int) -> frozenset[int]:
        """Return the partitions whose cut is durable, committed, and still ours."""
        news = {number: cut for number, cut in cuts.items() if cut.news}
        idle = self._monotonic() - self._committed_at
        if self._owned.epoch != epoch:  # and whether we are in doubt is not asked any more
            return frozenset()
        if self._doubtful and not await self._still_accepted(cuts, epoch):
            return frozenset()
        if not news and idle < self._pace.idle_commit_seconds:
            return frozenset(cuts)
        failed = await self._append(news)
        for number, error in failed.items():
            _log.warning("checkpoint_failed", extra={"partition": number, "error": str(error)})
            self._health.failed(number, str(error))
        written = [number for number in cuts if number not in failed]
        offsets = {number: cuts[number].span.offset for number in written}
        counted = {number: cuts[number].span.increments for number in written}
        sent_at = self._monotonic()  # who stood still may read the answer much later
        if not await self._source.commit(offsets, epoch, self._checkpoints.notes(counted)):
            self._doubtful = bool(offsets)
            return frozenset()
        self._checkpoints.exported(written)
        self._committed_at = sent_at
        self._durable_at.update(dict.fromkeys(written, sent_at))
        self._health.committed(written, sent_at)
        self._publisher.lease(sent_at + self._pace.lease_seconds)
        return frozenset(written)

    async def _still_accepted(self, cuts: dict[int, _Cut], epoch: int) -> bool:
        """Ask the group, after a commit that it did not accept, before any more is appended.

        If it was accepted after all, another one would take for exported what is still with us:
        this commit says that it is not.
        """
        offsets = ((number, cut.fold.committed) for number, cut in cuts.items())
        known = {number: offset for number, offset in offsets if offset is not None}
        accepted = await self._source.commit(known, epoch, self._checkpoints.notes_before(known))
        self._doubtful = not accepted
        if accepted:
            self._checkpoints.taken_back(known)
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

    async def _publish(self, cuts: dict[int, _Cut], epoch: int) -> None:
        """Show each partition in one step of the event loop, but not all of them in the same.

        At 2,500 events a partition one took 3 to 5 ms. An interrupt ends the pauses, not the
        showing: nobody else knows what was counted.
        """
        for cut in cuts.values():
            cut.fold.made_durable(cut.span)  # before anybody looks: the commit was accepted
        hidden = dict(cuts)
        try:
            while hidden:
                self._show(*hidden.popitem(), epoch)
                await asyncio.sleep(0)
        finally:
            for number, cut in hidden.items():
                self._show(number, cut, epoch)

    def _show(self, number: int, cut: _Cut, epoch: int) -> None:
        self._publisher.checkpointed(number, epoch, cut.span.increments)
        self._observe_delays(cut)
        if self.keep_lease() and self._source.assignment().epoch == epoch:
            self._publisher.gauges(number, cut.gauges)

    def _observe_delays(self, cut: _Cut) -> None:
        """Observe what is shown from now on: records, and deadlines since the last cut."""
        fold, now = cut.fold, self._clock.now()
        appended = fold.appends.take(cut.span.offset)
        if appended:
            self._publisher.records_shown(appended, now)
        if fold.shown_at is not None:
            self._publisher.deadlines_shown(fold.shown_at, now)
        fold.shown_at = cut.gauges.at

    def keep_lease(self) -> bool:
        """Return whether our partitions are surely ours; else show them no longer.

        Nor is a partition shown whose state could not be made durable for as long.
        """
        now, lease = self._monotonic(), self._pace.lease_seconds
        ours = now - self._committed_at < lease
        for number in self._owned.memory:
            if not ours or now - self._durable_at[number] >= lease:
                self._publisher.drop(number)
        return ours

    def _show_lag(self) -> None:
        if not self.keep_lease():
            return
        now = self._clock.now()
        for number, fold in self._owned.folds.items():
            behind = max(0, self._owned.ends.get(number, fold.offset) - fold.offset)
            seconds = 0.0
            if behind and fold.last is not None and fold.last.timestamp is not None:
                seconds = max(0.0, now / SECOND - fold.last.timestamp / 1000)
            self._publisher.lag(number, behind, seconds)


def _has_news(fold: PartitionFold, span: Span) -> bool:
    """Return whether a span says anything that is not durable yet."""
    changed = span.changes.dirty or span.changes.removed  # a contact is forgotten without a count
    return bool(span.increments or span.letters or changed) or fold.needs_commit(span.offset)
