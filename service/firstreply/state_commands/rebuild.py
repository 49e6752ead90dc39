"""``state rebuild``: folds a lost state anew out of the events, up to where the group had read.

Everything below the group's commit was counted by some process already, and is counted no more: it
is folded, its increments and dead letters are dropped, and the next ``firstreply run`` begins
exactly there. So with deadlines: those that passed before the service stopped were counted as
missed. When that was is known exactly if the state log still holds the header of the last
checkpoint; else it is ``--stopped``, or taken to be now, but never later than the first event that
was not folded.

Where the input was made anew, nothing of it was counted: the state begins empty at the given time.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import msgspec

from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import BEFORE_ALL, SECOND
from firstreply.fold import PartitionFold
from firstreply.keeping.reading import Told, fingerprint_of
from firstreply.state.chunk import Fingerprint
from firstreply.state_commands.inspect import moment
from firstreply.state_commands.ledgers import waiting
from firstreply.state_commands.looking import Looked, look
from firstreply.state_commands.opening import Place
from firstreply.state_commands.writing import require_nobody, write_whole

_SLICE: Final = 200
_TIMERS: Final = 1000


class Wish(msgspec.Struct, frozen=True):
    """What a person asked for. Instants in microseconds."""

    since: int
    stopped: int | None = None
    """When the service stopped; None: not known."""
    partitions: frozenset[int] | None = None
    """None: all."""
    good_too: bool = False
    """Also rebuild what could be gone on from."""
    dry_run: bool = False


class Rebuilt(msgspec.Struct, frozen=True):
    """What became of one partition."""

    partition: int
    kept: bool
    """It has a state that can be gone on from."""
    why: str
    """Why it was rebuilt; what was kept."""
    begin: int
    offset: int
    """N of the state."""
    events: int
    """Records folded."""
    contacts: int
    waiting: int
    log_time: str | None
    ledger: dict[str, int]
    incarnation: int | None
    """Of what was written; None when nothing was."""


class Rebuilding:
    """One run of the command.

    Args:
        place: the group and its state log.
        new_fold: makes the fold of a partition that begins at an offset.
        now: microseconds.
        skew: microseconds that a proof allows for.
        wish: what was asked for.
    """

    def __init__(
        self,
        place: Place,
        *,
        new_fold: Callable[[int, int], PartitionFold],
        now: Callable[[], int],
        skew: int,
        wish: Wish,
    ) -> None:
        self._place = place
        self._new_fold = new_fold
        self._now = now
        self._skew = skew
        self._wish = wish

    async def run(self, told: Told) -> list[Rebuilt]:
        """Rebuild one partition after the other.

        Raises:
            ConfigurationError: a partition does not exist, or the time lies ahead.
            FatalError: somebody runs, or too many records are bad.
            RetryableError: a broker did not answer; what was written stays, and is kept next time.
        """
        wanted = self._wanted()
        await require_nobody(self._place.group)
        done = []
        for index, partition in enumerate(wanted):

            def share(of_one: float, index: int = index) -> None:
                told((index + of_one) / len(wanted))

            done.append(await self._one(partition, share))
        return done

    def _wanted(self) -> list[int]:
        there = range(self._place.group.partitions)
        wanted = self._wish.partitions
        if wanted is not None and not wanted.issubset(there):
            unknown = ", ".join(map(str, sorted(wanted.difference(there))))
            msg = (
                f"--partition {unknown}: topic {self._place.group.topic} has the partitions 0 to "
                f"{len(there) - 1}"
            )
            raise ConfigurationError(msg)
        if self._wish.since > self._now():
            msg = f"--from {moment(self._wish.since)} lies ahead: give the time of events that were"
            raise ConfigurationError(msg)
        return sorted(there if wanted is None else wanted)

    async def _one(self, partition: int, told: Told) -> Rebuilt:
        clock = self._now()  # before the end of the input is asked for
        looked = await look(self._place, partition, lambda share: told(0.2 * share))
        why = looked.why_lost()
        if why is None and not self._wish.good_too:
            return _kept(looked)
        begin, target = await self._stretch(looked)
        fold = self._new_fold(partition, begin)
        events = await self._fold(fold, target, lambda share: told(0.2 + 0.7 * share))
        if events:
            await self._settle(fold, looked, clock)
        fold.take()
        incarnation = None
        if not self._wish.dry_run:
            last = await self._last(fold, looked)
            header = await write_whole(self._place, looked, fold.engine, last)
            incarnation = header.incarnation
        told(1.0)
        standing = fold.engine.standing()
        return Rebuilt(
            partition=partition,
            kept=False,
            why=why or "asked for with --all",
            begin=begin,
            offset=target,
            events=events,
            contacts=len(fold.engine.store),
            waiting=waiting(fold.engine.store),
            log_time=moment(standing.log_time),
            ledger=standing.ledger,
            incarnation=incarnation,
        )

    async def _stretch(self, looked: Looked) -> tuple[int, int]:
        """Return from where to fold, and N."""
        first, end = looked.input_bounds
        found = await self._place.group.at_time(looked.partition, self._wish.since)
        since = max(first, end if found is None else found)
        counted = _counted_to(looked)
        if looked.made_anew or (counted is not None and counted > end):
            target = since
        elif counted is None:
            target = end
        else:
            target = max(counted, first)
        return min(since, target), target

    async def _fold(self, fold: PartitionFold, target: int, told: Told) -> int:
        begin, folded = fold.offset, 0
        async with aclosing(self._place.group.read(fold.partition, begin, target)) as batches:
            async for batch in batches:
                for start in range(0, len(batch), _SLICE):
                    fold.fold(batch[start : start + _SLICE])
                    await asyncio.sleep(0)
                fold.take()  # counted by somebody before: nobody counts it again
                folded += len(batch)
                told((fold.offset - begin) / (target - begin))
        fold.engine.offset = target  # beyond the last record there may be offsets without one
        return folded

    async def _settle(self, fold: PartitionFold, looked: Looked, clock: int) -> None:
        """Let log time reach what it had reached when the service stopped."""
        reached = await self._reached(fold, looked, clock)
        if reached == BEFORE_ALL:
            return
        fold.prove(reached, fold.offset)
        left = True
        while left:
            left = not fold.fire(_TIMERS)
            await asyncio.sleep(0)

    async def _reached(self, fold: PartitionFold, looked: Looked, clock: int) -> int:
        greatest = looked.found.verdict.greatest
        if greatest is not None and not looked.made_anew and greatest.offset == fold.offset:
            return greatest.log_time
        reached = clock - self._skew
        if self._wish.stopped is not None:
            reached = min(reached, self._wish.stopped)
        end = looked.input_bounds[1]
        next_one = await self._place.group.next_record(fold.partition, fold.offset, end)
        if next_one is not None and next_one.timestamp is not None:
            reached = min(reached, next_one.timestamp * (SECOND // 1000))
        return reached

    async def _last(self, fold: PartitionFold, looked: Looked) -> Fingerprint | None:
        """Return what the record before N is: a later start compares it."""
        last = fold.last
        if last is None and fold.offset > looked.input_bounds[0]:
            last = await self._place.group.record(fold.partition, fold.offset - 1)
        return None if last is None else fingerprint_of(last)


def _counted_to(looked: Looked) -> int | None:
    """Return up to which offset events were counted; None if nothing tells.

    A commit may be gone where the state is not: Kafka forgets those of a group that was away for a
    week, and those of a topic with the topic.
    """
    if looked.committed is not None:
        return looked.committed.offset
    greatest = looked.found.verdict.greatest
    return None if greatest is None else greatest.offset


def _kept(looked: Looked) -> Rebuilt:
    restored = looked.found.restored
    assert restored is not None  # noqa: S101 - it is not lost
    return Rebuilt(
        partition=looked.partition,
        kept=True,
        why="it has a state to go on from; --all replaces it",
        begin=restored.tip.offset,
        offset=restored.tip.offset,
        events=0,
        contacts=restored.tip.tracked,
        waiting=waiting(restored.store),
        log_time=moment(restored.tip.log_time),
        ledger=restored.tip.ledger,
        incarnation=None,
    )
