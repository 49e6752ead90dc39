"""Whether the figures can be trusted, and why not: for ``/readyz``, heartbeat and watchdog.

Pure bookkeeping: instants (seconds of a monotonic clock) come in as arguments. *Ready* means that
every owned partition is read to its end. *Moving* means that each one is at its end or got further
since the last look. *Stalled* means that something that must go on has stood still for too long;
the process then exits with an error that names it, since a monitor that hangs looks like peace.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

BEHIND_SECONDS: Final = 10.0
"""Not having read up to an earlier end for so long makes a partition "behind"."""

_STARTING: Final = "starting: the group has assigned nothing yet"


class Trust(StrEnum):
    """Whether the figures are those of now; from the best to the worst."""

    OK = "ok"
    PARTIAL = "partial"
    """Of a group: nobody tells the figures of some partitions."""
    CATCHING_UP = "catching_up"
    """There are records that were not read yet."""
    STARTING = "starting"
    """Partitions are not assigned, not begun, or their ends are not known."""
    STALE = "stale"
    """The brokers do not answer."""


class _Progress(msgspec.Struct):
    """One owned partition, as of the last look."""

    offset: int
    end: int | None
    moved_at: float
    caught_up_at: float | None = None
    """When it had last read everything that was there one look earlier; None: not once."""


class Health:
    """The state of one processor.

    Args:
        stall_seconds: how long anything may stand still.
        now: when it began.
    """

    def __init__(self, stall_seconds: float, now: float) -> None:
        self._stall = stall_seconds
        self._progress: dict[int, _Progress] = {}
        self._committed_at = now
        self._proved_at = now
        self._unbegun_since: float | None = None
        self._furthest: dict[int, float] = {}
        """Unbegun partition to the greatest share of its state that was ever restored."""
        self._older: dict[int, str] = {}
        self.configuration_doubt: str | None = None
        """Why the configuration that was read last is not in force; None if it is."""
        self._undurable: dict[int, tuple[float, str]] = {}
        """Partition to since when, and why, nothing could be made durable."""
        self._rebalancing_since: float | None = None
        self._held_back: int | None = None
        self._joined = False
        self._spare = False
        self.moving = False
        """Whether every owned partition is at its end or got further since the last look."""
        self._doubts: list[tuple[Trust, str]] = [(Trust.STARTING, _STARTING)]

    @property
    def reasons(self) -> list[str]:
        """Why the figures cannot be trusted, for a person; empty if they can."""
        return [text for _, text in self._doubts]

    @property
    def trust(self) -> Trust:
        """The worst of the reasons, in one word."""
        order = list(Trust)
        return max((kind for kind, _ in self._doubts), key=order.index, default=Trust.OK)

    @property
    def spare(self) -> bool:
        """Whether the group gave this process no partition: it stands by for another's."""
        return self._spare

    @property
    def warnings(self) -> list[str]:
        """What a person must know although the figures of now are right; empty if nothing."""
        doubt = [] if self.configuration_doubt is None else [self.configuration_doubt]
        return doubt + [
            f"partition {number}: {why}; it went on from an older state, and what lay between was "
            "counted again: firstreply state verify tells more"
            for number, why in sorted(self._older.items())
        ]

    @property
    def ready(self) -> bool:
        """Whether there is no reason against it."""
        return not self._doubts

    def partitions(self) -> dict[int, dict[str, int | None]]:
        """Return offset and end of each owned partition."""
        return {
            number: {"offset": seen.offset, "end": seen.end}
            for number, seen in sorted(self._progress.items())
        }

    def committed(self, partitions: Iterable[int], now: float) -> None:
        """Note an accepted commit, and of which partitions."""
        self._committed_at = now
        for number in partitions:
            self._undurable.pop(number, None)

    def failed(self, partition: int, why: str) -> None:
        """Note why a checkpoint of a partition could not be made durable."""
        since, _ = self._undurable.get(partition, (self._committed_at, ""))
        self._undurable[partition] = (since, why)

    def proved(self, now: float) -> None:
        """Note that the end offsets were told, or that there was nothing to ask for."""
        self._proved_at = now

    def went_back(self, older: Mapping[int, str]) -> None:
        """Note why partitions went on from an older state than the newest."""
        self._older = dict(older)

    def looked(
        self,
        *,
        assigned: frozenset[int],
        offsets: Mapping[int, int],
        ends: Mapping[int, int],
        now: float,
        settled: bool = True,
        restoring: Mapping[int, float] = MappingProxyType({}),
        held_back: int | None = None,
    ) -> None:
        """Compare with the last look.

        Args:
            assigned: partitions we own.
            restoring: share of the state that is restored, of those that are being restored.
            settled: False until the group has assigned partitions, be it none to a spare member,
                and while a rebalance is under way.
            offsets: offset after the last folded record, for those that were begun.
            ends: end offset, where a leader told one.
            held_back: how many records are not durable, while reading waits for that.
            now: seconds.
        """
        self._held_back = held_back
        self._joined = self._joined or settled
        self._spare = settled and not assigned
        if settled:
            self._rebalancing_since = None
        elif self._rebalancing_since is None:
            self._rebalancing_since = now
        unbegun = assigned - set(offsets)
        gets_further = any(share > self._furthest.get(n, -1.0) for n, share in restoring.items())
        self._furthest = {
            number: max(restoring.get(number, -1.0), self._furthest.get(number, -1.0))
            for number in unbegun
        }
        if not unbegun or gets_further:
            self._unbegun_since = now if unbegun else None
        elif self._unbegun_since is None:
            self._unbegun_since = now
        if not offsets:
            self._committed_at = now  # nothing to commit is no refusal
        for number in set(self._undurable) - set(offsets):
            del self._undurable[number]
        before = self._progress
        self._progress = {
            number: _seen(before.get(number), offset, ends.get(number), now)
            for number, offset in offsets.items()
        }
        self.moving = (
            settled
            and (not offsets or now - self._proved_at <= BEHIND_SECONDS)
            and not unbegun
            and all(seen.moved_at == now for seen in self._progress.values())
        )
        self._doubts = list(self._find_doubts(unbegun, restoring, now))

    def stalled(self, now: float) -> str | None:
        """Return what has stood still for too long, with the remedy, or None."""
        limit = f"for {self._stall:g} s (limits.stall_timeout)"
        return next(
            (text for since, text in self._standstills(limit) if now - since > self._stall), None
        )

    def _standstills(self, limit: str) -> Iterator[tuple[float, str]]:
        """Yield since when each thing that must go on has stood still, and what that means."""
        if self._rebalancing_since is not None:
            yield (
                self._rebalancing_since,
                f"a rebalance did not end {limit}: do all members of the group answer?",
            )
        for number, (since, why) in self._undurable.items():
            yield since, f"partition {number}: nothing was made durable {limit}: {why}"
        yield (
            self._committed_at,
            (
                f"no commit was accepted {limit}: can the group coordinator be reached, "
                "and does another service use this group?"
            ),
        )
        yield (
            self._proved_at,
            f"no broker told the end offsets {limit}: can the cluster be reached?",
        )
        if self._unbegun_since is not None:
            yield (
                self._unbegun_since,
                f"an assigned partition could not be begun {limit}; the log says why",
            )
        for number, seen in self._progress.items():
            yield (
                seen.moved_at,
                (
                    f"partition {number} has unread records but none came {limit}: "
                    "can its leader be reached?"
                ),
            )

    def _find_doubts(
        self, unbegun: frozenset[int], restoring: Mapping[int, float], now: float
    ) -> Iterator[tuple[Trust, str]]:
        if not self._joined:
            yield Trust.STARTING, _STARTING
            return
        for number in sorted(unbegun):
            share = restoring.get(number)
            what = "not begun yet" if share is None else f"restoring its state, {share:.0%}"
            yield Trust.STARTING, f"partition {number}: {what}"
        if self._rebalancing_since is not None:
            yield Trust.STARTING, "a rebalance is under way"
        for number, seen in sorted(self._progress.items()):
            if seen.end is None:
                yield Trust.STARTING, f"partition {number}: its end is not known yet"
            elif seen.caught_up_at is None or now - seen.caught_up_at > BEHIND_SECONDS:
                behind = seen.end - seen.offset
                text = f"partition {number}: catching up, {behind} records behind"
                yield Trust.CATCHING_UP, text
        if self._progress and now - self._proved_at > BEHIND_SECONDS:
            quiet = now - self._proved_at
            yield Trust.STALE, f"no broker told the end offsets for {quiet:.0f} s"
        if now - self._committed_at > BEHIND_SECONDS:
            quiet = now - self._committed_at
            yield Trust.STALE, f"no commit was accepted for {quiet:.0f} s"
        if self._held_back is not None:
            text = (
                f"reading waits for the state log: too much is not durable yet, of "
                f"{self._held_back} records"
            )
            yield Trust.CATCHING_UP, text
        yield from self._find_undurable(now)

    def _find_undurable(self, now: float) -> Iterator[tuple[Trust, str]]:
        for number, (since, why) in sorted(self._undurable.items()):
            if now - since > BEHIND_SECONDS:
                text = f"partition {number}: nothing was made durable for {now - since:.0f} s"
                yield Trust.STALE, f"{text}: {why}"


def _seen(before: _Progress | None, offset: int, end: int | None, now: float) -> _Progress:
    """Return the progress of a partition, given its last look."""
    at_end = end is not None and offset >= end
    if before is None:
        return _Progress(offset, end, now, now if at_end else None)
    caught_up = at_end or (before.end is not None and offset >= before.end)
    moved = at_end or offset > before.offset
    return _Progress(
        offset,
        end,
        now if moved else before.moved_at,
        now if caught_up else before.caught_up_at,
    )
