"""Who waits: ordered indexes of starts, and the gauges read from them.

One index per (channel, queue, policy) holds the start and the id of every waiting contact. Nothing
more is kept: a deadline never falls earlier for a later start, so "how many are overdue at C" is
"how many started no later than the latest start whose limit is used up at C", one bisect after one
question to the calendar. That makes every gauge exact, at 16 bytes a contact (decision 0003). For
the same reason the most urgent contacts are the first ones of each index: their merge is pulled as
far as somebody asks, so that it costs no more with a million waiting than with ten; and whoever is
overdue longest is among the first of each (decision 0009).
"""

from collections.abc import Iterator
from heapq import merge
from itertools import islice
from typing import Final, TypeVar

import msgspec

from firstreply.domain.bands import Clock, Policy
from firstreply.domain.deadlines import deadline_of_band, latest_start
from firstreply.domain.gauges import HORIZONS, BandState, QueueGauges
from firstreply.domain.instant_index import InstantIndex, Unsorted

_Key = TypeVar("_Key")

_STATES: Final = tuple(BandState)

Seat = tuple[tuple[str, str], str, int]
"""(channel, queue), policy digest and start: where a contact waits; see ``Contact.waits_in``."""


class Waiter(msgspec.Struct, frozen=True):
    """One who waits for a promise."""

    contact_id: str
    seat: Seat
    band: str
    """Of the promise."""
    deadline: int
    overdue: int = 0
    """Microseconds on the promise's clock since the deadline."""


class Urgent(msgspec.Struct, frozen=True):
    """Who waits for a promise, the most urgent first."""

    late: list[Waiter]
    """Longest overdue first, on the promise's clock."""
    coming: list[Waiter]
    """Earliest deadline first."""


class _Marks(msgspec.Struct, frozen=True):
    """For one policy at one instant, the latest starts that have come to what is counted."""

    policy: Policy
    at_risk: int
    overdue: int
    far_overdue: int
    due: dict[str, int]
    """By horizon; empty without a promise."""


class WaitingRoom:
    """The indexes of one partition: waiting contacts and reply waits."""

    def __init__(self) -> None:
        self._starts: dict[tuple[str, str, str], InstantIndex] = {}
        self._replies: dict[tuple[str, str], InstantIndex] = {}

    def enter(self, seat: Seat, contact_id: str) -> None:
        """A contact begins to wait in a (channel, queue), judged by a policy digest."""
        pair, policy, start = seat
        self._starts.setdefault((*pair, policy), InstantIndex()).add(start, contact_id)

    def leave(self, seat: Seat, contact_id: str) -> None:
        """It waits there no longer."""
        pair, policy, start = seat
        _take(self._starts, (*pair, policy), start, contact_id)

    def reply_enter(self, pair: tuple[str, str], since: int, contact_id: str) -> None:
        """A customer begins to wait for a further reply."""
        self._replies.setdefault(pair, InstantIndex()).add(since, contact_id)

    def reply_leave(self, pair: tuple[str, str], since: int, contact_id: str) -> None:
        """That wait is over."""
        _take(self._replies, pair, since, contact_id)

    def fill(self, key: tuple[str, str, str], starts: Unsorted) -> Iterator[None]:
        """Let all of a channel, queue and policy wait, where nobody does yet; with many pauses."""
        index = InstantIndex()
        yield from starts.fill(index)
        self._starts[key] = index

    def fill_replies(self, pair: tuple[str, str], since: Unsorted) -> Iterator[None]:
        """The same for reply waits."""
        index = InstantIndex()
        yield from since.fill(index)
        self._replies[pair] = index

    def longest_overdue(self, at: int, policies: dict[str, Policy]) -> str:
        """Return who is overdue longest at an instant, on the clock of its promise.

        Among those overdue equally long, or not at all, the one that started first; then by id.
        Without a promise the longest band counts. Raises ValueError when nobody waits.
        """
        firsts = (
            (-_overdue(policies[digest], start, at), start, contact_id)
            for (_, _, digest), index in self._starts.items()
            for start, contact_id in (index.head(),)
        )
        return min(firsts)[2]

    def gauges(self, at: int, policies: dict[str, Policy]) -> dict[tuple[str, str], QueueGauges]:
        """Return who waits at an instant, by (channel, queue); pairs without anybody left out."""
        result: dict[tuple[str, str], QueueGauges] = {}
        digests = {digest for _, _, digest in self._starts}
        marks = {digest: _marks(policies[digest], at) for digest in digests}
        for (channel, queue, digest), index in self._starts.items():
            gauges = result.setdefault((channel, queue), _nobody())
            _add_waiting(gauges, index, marks[digest])
        for pair, index in self._replies.items():
            gauges = result.setdefault(pair, _nobody())
            gauges.reply_waiting = len(index)
            gauges.reply_oldest_waiting = index.first()
        return result

    def urgent(self, at: int, policies: dict[str, Policy], count: int) -> Urgent:
        """Return at most so many who are overdue at an instant, and so many who are next.

        Channels without a promise are left out: nothing of theirs is urgent.
        """
        late: list[Iterator[Waiter]] = []
        coming: list[Iterator[Waiter]] = []
        for (channel, queue, digest), index in self._starts.items():
            policy = policies[digest]
            if policy.promise is not None:
                pair = (channel, queue)
                latest = latest_start(
                    policy, policy.promise_band(), at, policy.promise_band().limit
                )
                late.append(_waiters(index.until(latest), pair, digest, policy, at))
                coming.append(_waiters(index.after(latest), pair, digest, policy, at))
        return Urgent(
            list(islice(merge(*late, key=lambda one: (-one.overdue, *_entry(one))), count)),
            list(islice(merge(*coming, key=lambda one: (one.deadline, *_entry(one))), count)),
        )


def _take(indexes: dict[_Key, InstantIndex], key: _Key, instant: int, contact_id: str) -> None:
    """Remove an instant, and the index with its last one."""
    index = indexes[key]
    index.remove(instant, contact_id)
    if index.first() is None:
        del indexes[key]


def _nobody() -> QueueGauges:
    return QueueGauges(waiting=dict.fromkeys(_STATES, 0))


def _marks(policy: Policy, at: int) -> _Marks:
    band = policy.promise_band()
    horizons = {} if policy.promise is None else HORIZONS
    return _Marks(
        policy=policy,
        at_risk=latest_start(policy, band, at, band.limit * 4 // 5),
        overdue=latest_start(policy, band, at, band.limit),
        far_overdue=latest_start(policy, band, at, band.limit * 2),
        due={
            name: latest_start(policy, band, at + ahead, band.limit)
            for name, ahead in horizons.items()
        },
    )


def _add_waiting(gauges: QueueGauges, index: InstantIndex, marks: _Marks) -> None:
    """Add the waiting contacts of one policy to the figures of a pair."""
    first, total = index.head()[0], len(index)
    gauges.oldest_waiting = _earlier(gauges.oldest_waiting, first)

    def until(latest: int) -> int:
        # Where nobody is so late, as in most queues, the first one says so: half the instructions.
        return 0 if latest < first else index.count_until(latest)

    at_risk, overdue, far = until(marks.at_risk), until(marks.overdue), until(marks.far_overdue)
    waiting = gauges.waiting
    waiting[BandState.WITHIN] += total - at_risk
    waiting[BandState.AT_RISK] += at_risk - overdue
    waiting[BandState.OVERDUE] += overdue - far
    waiting[BandState.FAR_OVERDUE] += far
    policy = marks.policy
    if policy.promise is None:
        return
    following = index.first_after(marks.overdue)
    if following is not None:
        deadline = deadline_of_band(policy, policy.promise_band(), following)
        gauges.next_deadline = _earlier(gauges.next_deadline, deadline)
    for name, latest in marks.due.items():
        gauges.due[name] = gauges.due.get(name, 0) + until(latest) - overdue


def _waiters(
    starts: Iterator[tuple[int, str]], pair: tuple[str, str], digest: str, policy: Policy, at: int
) -> Iterator[Waiter]:
    """Yield who waits, as long as somebody asks for more."""
    band = policy.promise_band()
    for start, contact_id in starts:
        deadline = deadline_of_band(policy, band, start)
        overdue = _since(policy, deadline, at)
        yield Waiter(contact_id, (pair, digest, start), band.name, deadline, overdue)


def _overdue(policy: Policy, start: int, at: int) -> int:
    """Return how long a contact is overdue at an instant, on the clock of its promise; 0 if not."""
    return _since(policy, deadline_of_band(policy, policy.promise_band(), start), at)


def _entry(waiter: Waiter) -> tuple[int, str]:
    """Return start and id, which decide between equals."""
    return waiter.seat[2], waiter.contact_id


def _since(policy: Policy, deadline: int, at: int) -> int:
    if at <= deadline:
        return 0
    if policy.promise_band().clock is Clock.BUSINESS and policy.calendar is not None:
        return policy.calendar.elapsed_us(deadline, at)
    return at - deadline


def _earlier(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
