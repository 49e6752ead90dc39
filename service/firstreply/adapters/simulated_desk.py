"""One channel of the simulated contact centre: a queueing model by discrete events.

Customers arrive at a rate that follows the day, wait in one line, and are taken, first come first
served, as soon as a seat of the shift is free; some give up before. Everything that happens is an
event of the contract, in the order of its time. The model runs on for ever, one day like another;
what it keeps is the contacts that wait or are being answered.

Randomness comes from the generator that is passed in, time from the model itself: the same
arguments give the same bytes. All times are whole milliseconds, so that a record timestamp says
the same as the event.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from firstreply.adapters.simulated_profiles import QUEUE_WEIGHTS, QUEUES, Profile
from firstreply.domain.events import Actor, Direction, EventType
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND, Instant, to_datetime

_TICK: Final = 10 * MINUTE
"""How often the shift is looked at; outages begin and end on it."""
_NUDGE: Final = 0.04
_STAYS_OPEN: Final = 0.1
_OUTBOUND_IS_ANSWERED: Final = 0.4
_MISDIALLED: Final = 0.03
_FOLLOW_UPS: Final = 3


class SimulatedEvent(msgspec.Struct, frozen=True):
    """One event as it reaches the log."""

    time: Instant
    """When it reaches the log: its own time, or later when it was held up or sent twice."""
    contact_id: str
    """Empty for an event that is broken on purpose."""
    value: bytes
    """The event in the flat JSON form of the contract, or something broken."""


@dataclass(slots=True, eq=False)
class _Case:
    contact_id: str
    queue: str
    events: int = 0
    waiting: bool = False
    answered: bool = False
    closed: bool = False
    transferred: bool = False
    follow_ups: int = 0


_Action = Callable[[_Case], None]


class Desk:
    """A channel's customers and agents.

    Args:
        profile: the channel.
        random: owned by this desk alone from now on.
        start: where the first day begins; contacts of the time before do not exist.
        utc_offset: microseconds that the place's clocks are ahead of UTC, all year.
        scale: factor on customers and on seats; a seat is whole, so with few of them the work
            takes longer or shorter instead.
    """

    def __init__(
        self, profile: Profile, random: Random, start: Instant, *, utc_offset: int, scale: float
    ) -> None:
        self._profile = profile
        self._random = random
        self._now: int = start
        self._utc_offset = utc_offset
        self._scale = scale
        per_hour = profile.contacts_a_day * scale / sum(profile.arrivals)
        self._rates = [weight * per_hour / HOUR for weight in profile.arrivals]
        self._agenda: list[tuple[int, int, _Action, _Case]] = []
        self._scheduled = 0
        self._contacts = 0
        self._line: deque[_Case] = deque()
        self._busy = 0
        self._said: list[SimulatedEvent] = []

    def events(self) -> Iterator[SimulatedEvent]:
        """Yield what happens, in order of time, without end. Call once."""
        nobody = _Case("", "")
        self._at(self._now - self._now % _TICK + _TICK, self._tick, nobody)
        self._at(self._next_arrival(), self._arrive, nobody)
        while True:
            self._now, _, action, case = heapq.heappop(self._agenda)
            action(case)
            yield from self._said
            self._said.clear()

    # Customers

    def _arrive(self, nobody: _Case) -> None:
        self._at(self._next_arrival(), self._arrive, nobody)
        case = self._new_case()
        profile = self._profile
        if self._chance(profile.outbound):
            self._call_out(case)
            return
        queue = case.queue if profile.menu_seconds is None else None
        self._say(
            case,
            EventType.OPENED,
            actor=Actor.CUSTOMER,
            channel=profile.channel,
            direction=Direction.INBOUND,
            queue=queue,
        )
        if profile.greeting is not None:
            self._after(self._exponential(profile.greeting_seconds), self._greet, case)
        if profile.menu_seconds is not None:
            leave_menu = self._serve_self if self._chance(profile.self_served) else self._enqueue
            self._after(2 + self._exponential(profile.menu_seconds), leave_menu, case)
        elif not self._chance(profile.ignored):
            self._wait(case)

    def _serve_self(self, case: _Case) -> None:
        self._say(case, EventType.CLOSED, actor=Actor.SYSTEM, reason="self_service")

    def _enqueue(self, case: _Case) -> None:
        self._say(case, EventType.QUEUED, queue=case.queue)
        self._wait(case)

    def _wait(self, case: _Case) -> None:
        case.waiting = True
        self._line.append(case)
        if not case.answered:
            self._lose_patience(case)
        self._dispatch()

    def _lose_patience(self, case: _Case) -> None:
        profile = self._profile
        if profile.patience_seconds is not None:
            misdialled = profile.answer_at == 0 and self._chance(_MISDIALLED)
            mean = 2.0 if misdialled else profile.patience_seconds
            self._after(self._exponential(mean), self._give_up, case)
        if profile.expires_seconds is not None:
            self._after(profile.expires_seconds, self._expire, case)
        if profile.answer_at > 0 and self._chance(_NUDGE):
            self._after(self._exponential(1200), self._nudge, case)

    def _give_up(self, case: _Case) -> None:
        if case.waiting and not case.answered:
            case.waiting = False
            self._say(case, EventType.ABANDONED, actor=Actor.CUSTOMER)

    def _nudge(self, case: _Case) -> None:
        if case.waiting and not case.answered:
            self._say(case, EventType.MESSAGE, actor=Actor.CUSTOMER)

    def _write_again(self, case: _Case) -> None:
        kind = EventType.REOPENED if case.closed else EventType.MESSAGE
        self._say(case, kind, actor=Actor.CUSTOMER)
        case.closed = False
        case.follow_ups += 1
        self._wait(case)

    # The house

    def _greet(self, case: _Case) -> None:
        self._say(case, EventType.RESPONDED, actor=Actor(self._profile.greeting or "system"))

    def _call_out(self, case: _Case) -> None:
        self._say(
            case,
            EventType.OPENED,
            actor=Actor.AGENT,
            channel=self._profile.channel,
            direction=Direction.OUTBOUND,
            queue=case.queue,
        )
        if self._chance(_OUTBOUND_IS_ANSWERED):
            self._after(self._exponential(1800), self._write_again, case)

    def _expire(self, case: _Case) -> None:
        if case.waiting and not case.answered:
            case.waiting = False
            self._close(case, Actor.SYSTEM, "expired")

    def _dispatch(self) -> None:
        while self._line and self._busy < self._seats():
            case = self._line.popleft()
            if case.waiting:
                self._take(case)

    def _take(self, case: _Case) -> None:
        case.waiting = False
        self._busy += 1
        profile = self._profile
        if not case.answered and self._chance(profile.junk):
            self._after(5 + self._exponential(15), self._discard, case)
            return
        work = self._work_seconds()
        passes_on = not case.transferred and self._chance(profile.transfer)
        if profile.answer_at == 0 or not passes_on:
            self._after(1 + work * profile.answer_at, self._answer, case)
        if passes_on:
            self._after(2 + work * 0.3, self._transfer, case)
            return
        if 0 < profile.answer_at < 0.5:
            self._after(1 + work * 0.6, self._customer_adds, case)
            self._after(1 + work * 0.75, self._answer, case)
        self._after(2 + work, self._finish, case)

    def _customer_adds(self, case: _Case) -> None:
        self._say(case, EventType.MESSAGE, actor=Actor.CUSTOMER)

    def _answer(self, case: _Case) -> None:
        case.answered = True
        self._say(case, EventType.RESPONDED, actor=Actor.AGENT)

    def _transfer(self, case: _Case) -> None:
        case.transferred = True
        case.queue = self._random.choice([queue for queue in QUEUES if queue != case.queue])
        self._say(case, EventType.TRANSFERRED, actor=Actor.AGENT, queue=case.queue)
        case.waiting = True
        self._line.appendleft(case)
        self._leave_seat()

    def _discard(self, case: _Case) -> None:
        reason = "spam" if self._chance(0.7) else "duplicate"
        self._close(case, Actor.AGENT, reason)
        self._leave_seat()

    def _finish(self, case: _Case) -> None:
        profile = self._profile
        if not self._chance(_STAYS_OPEN) or profile.answer_at == 0:
            self._close(case, Actor.AGENT, "resolved")
        if case.follow_ups < _FOLLOW_UPS and self._chance(profile.follow_up):
            self._after(60 + self._exponential(profile.follow_up_seconds), self._write_again, case)
        self._leave_seat()

    def _leave_seat(self) -> None:
        self._busy -= 1
        self._dispatch()

    def _tick(self, nobody: _Case) -> None:
        self._at(self._now + _TICK, self._tick, nobody)
        self._dispatch()

    def _close(self, case: _Case, actor: Actor, reason: str) -> None:
        case.closed = True
        self._say(case, EventType.CLOSED, actor=actor, reason=reason)

    # Time, chance and words

    def _seats(self) -> int:
        """Return how many conversations the shift can hold now; none during an outage."""
        minute = (self._now + self._utc_offset) % DAY // MINUTE
        outage = self._profile.outage
        if outage is not None and outage[0] <= minute < outage[1]:
            return 0
        return math.ceil(self._profile.seats[minute // 60] * self._scale)

    def _work_seconds(self) -> float:
        median, sigma = self._profile.handling_seconds
        hour = (self._now + self._utc_offset) % DAY // HOUR
        whole = math.ceil(self._profile.seats[hour] * self._scale)
        stretch = whole / (self._profile.seats[hour] * self._scale)
        return median * stretch * math.exp(self._random.gauss(0, sigma))

    def _next_arrival(self) -> int:
        """Draw the next arrival of a Poisson process whose rate follows the day, by thinning."""
        at, highest = float(self._now), max(self._rates)
        while True:
            at += self._random.expovariate(highest)
            hour, within = divmod((at + self._utc_offset) % DAY / HOUR, 1)
            here, there = self._rates[int(hour)], self._rates[(int(hour) + 1) % 24]
            if self._random.random() * highest < here + (there - here) * within:
                return round(at)

    def _new_case(self) -> _Case:
        self._contacts += 1
        day = to_datetime(self._now + self._utc_offset)
        queue = self._random.choices(QUEUES, QUEUE_WEIGHTS)[0]
        return _Case(f"{self._profile.channel}-{day:%Y%m%d}-{self._contacts:05d}", queue)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _exponential(self, mean_seconds: float) -> float:
        return self._random.expovariate(1 / mean_seconds)

    def _after(self, seconds: float, action: _Action, case: _Case) -> None:
        self._at(self._now + round(seconds * SECOND), action, case)

    def _at(self, time: int, action: _Action, case: _Case) -> None:
        self._scheduled += 1
        heapq.heappush(self._agenda, (time - time % -1000, self._scheduled, action, case))

    def _say(self, case: _Case, kind: EventType, **fields: str | None) -> None:
        case.events += 1
        body = {
            "id": f"{case.contact_id}#{case.events}",
            "type": kind,
            "time": rfc3339(self._now),
            "contact_id": case.contact_id,
            **{name: value for name, value in fields.items() if value is not None},
        }
        value = msgspec.json.encode(body)
        self._said.append(SimulatedEvent(Instant(self._now), case.contact_id, value))


def rfc3339(instant: int) -> str:
    """Write an instant as the contract does, to the millisecond."""
    return to_datetime(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")
