"""A day of a contact centre as contact events, and its playback as a record source.

``Simulator`` merges the desks of all channels into one stream and adds what a real topic has too:
events sent twice, events held up for a moment, and a few that are broken. ``SimulatedSource`` plays
the stream against a monotonic clock, faster than life, in place of Kafka; simulated time is its
wall clock, so the whole service runs on it. Nothing here reads the time of day.
"""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from random import Random
from typing import Final

from firstreply.adapters.records import FileRecord
from firstreply.adapters.simulated_desk import Desk, SimulatedEvent, rfc3339
from firstreply.adapters.simulated_profiles import PROFILES
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import DAY, SECOND, Instant, to_instant
from firstreply.ports import Assignment, TimestampType

__all__ = ["SimulatedEvent", "SimulatedSource", "Simulator"]

_SENT_TWICE: Final = 0.004
_HELD_UP: Final = 0.006
_HELD_UP_SECONDS: Final = (1.0, 45.0)
_BROKEN_A_DAY: Final = 14
_IDLE_SECONDS: Final = 0.05
_MAX_RECORDS: Final = 500
_MAX_PENDING: Final = 5_000


class Simulator:
    """Contact events of a contact centre with phone, chat, email, messaging, social, web_form.

    Args:
        seed: the same seed, start and scale give the same bytes, on every machine.
        start: an aware instant; the first day begins there with nobody waiting. Opening hours and
            the outage follow local time at the UTC offset of ``start``, kept all year.
        scale: factor on customers and agents; 1 is about 7 000 contacts a day.
        days: how long it lasts, from ``start``; None: without end.

    Raises:
        ConfigurationError: scale or days is not above 0, or ``start`` has no time zone.
    """

    def __init__(
        self, seed: int, start: datetime, scale: float = 1.0, *, days: int | None = 1
    ) -> None:
        offset = start.utcoffset()
        if offset is None:
            msg = f"the simulation's start {start} has no time zone; give one, such as 08:00+01:00"
            raise ConfigurationError(msg)
        if not 0 < scale < float("inf") or (days is not None and days < 1):
            msg = f"the simulation's scale ({scale}) and days ({days}) must be above 0"
            raise ConfigurationError(msg)
        self.start = to_instant(start)
        self.end: Instant | None = None if days is None else Instant(self.start + days * DAY)
        self._seed = seed
        self._scale = scale
        self._utc_offset = round(offset.total_seconds()) * SECOND

    def events(self) -> Iterator[SimulatedEvent]:
        """Yield the events in the order in which they reach the log, from the first one anew."""
        desks = [
            Desk(
                profile,
                self._random(profile.channel),
                self.start,
                utc_offset=self._utc_offset,
                scale=self._scale,
            ).events()
            for profile in PROFILES
        ]
        delivered = _delivered(heapq.merge(*desks, key=_time), self._random("delivery"))
        stream = heapq.merge(delivered, self._broken(), key=_time)
        end = self.end
        return stream if end is None else takewhile(lambda event: event.time < end, stream)

    def _random(self, purpose: str) -> Random:
        # A generator for each: more chats do not change the phone calls of the same seed.
        return Random(f"{self._seed}/{purpose}")  # noqa: S311  # a simulation, not a secret

    def _broken(self) -> Iterator[SimulatedEvent]:
        random = self._random("broken")
        at: int = self.start
        number = 0
        while True:
            at += round(random.expovariate(_BROKEN_A_DAY * self._scale / DAY) / 1000) * 1000
            number += 1
            yield SimulatedEvent(Instant(at), "", _broken_value(number, at))


def _time(event: SimulatedEvent) -> int:
    return event.time


def _delivered(events: Iterator[SimulatedEvent], random: Random) -> Iterator[SimulatedEvent]:
    """Hold some events up, and send some of them again a little later."""
    later: list[tuple[int, int, SimulatedEvent]] = []
    for number, event in enumerate(events):
        while later and later[0][0] <= event.time:
            yield heapq.heappop(later)[2]
        fate = random.random()
        if fate >= _HELD_UP:
            yield event
        if fate < _HELD_UP + _SENT_TWICE:
            at = Instant(event.time + round(random.uniform(*_HELD_UP_SECONDS) * 1000) * 1000)
            held = SimulatedEvent(at, event.contact_id, event.value)
            heapq.heappush(later, (at, number, held))


def _broken_value(number: int, at: int) -> bytes:
    """Return one of the things that go wrong with producers, in turn."""
    contact, when = f"broken-{number:05d}", rfc3339(at)
    customer = f'"contact_id":"{contact}","channel":"email","actor":"customer"'
    broken = (
        f'{{"type":"contact.opened","time":"{when}","contact_id":"{contact}","chan',
        f'{{"type":"contact.opened","time":"{when}","channel":"email","actor":"customer"}}',
        f'{{"type":"contact.opened","time":"{when[:-1]}",{customer}}}',
        f'{{"type":"contact.responded","time":"{when}","contact_id":"{contact}"}}',
        f'{{"type":"contact.opened","time":"1900-01-01T00:00:00Z",{customer}}}',
        f'{{"type":"contact.opened",{customer}}}',
        f'{{"type":"contact.survey_sent","time":"{when}",{customer}}}',
    )
    return broken[number % len(broken)].encode()


class SimulatedSource:
    """Plays a simulation as topic ``simulated`` with one partition; also its wall clock.

    Implements ``ports.RecordSource`` and ``ports.WallClock``. An event that is due is counted by
    ``end_offsets`` before ``now`` passes its time, so a proof of log time holds here as it does on
    a broker. Should the reader fall behind by thousands of events, simulated time waits for it.

    Args:
        simulator: what to play, once.
        speed: simulated seconds in one second; 600 plays a day in 144 s.
        monotonic: the clock it is played by, in seconds; read from ``start`` on.
        sleep: how it waits.

    Raises:
        ConfigurationError: speed is not above 0.
    """

    topic: Final = "simulated"

    def __init__(
        self,
        simulator: Simulator,
        *,
        speed: float = 600.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not 0 < speed < float("inf"):
            msg = f"the simulation's speed ({speed}) must be above 0; 600 plays a day in 144 s"
            raise ConfigurationError(msg)
        self._simulator = simulator
        self._speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._began: float | None = None
        self._reading = False
        self._events = simulator.events()
        self._next: SimulatedEvent | None = next(self._events, None)
        self._pending: deque[FileRecord] = deque()
        self._emitted = 0

    @property
    def finished(self) -> bool:
        """Whether every event was fetched and the last day is over; never with ``days=None``."""
        end = self._simulator.end
        return end is not None and not self._pending and self.now() >= end and not self._pending

    @property
    def rate(self) -> float:
        """How fast simulated time runs now: 0 when the last day is over."""
        return 0.0 if self.finished else self._speed

    def now(self) -> int:
        """Return the simulated instant in microseconds; it stands still at the last day's end."""
        now = self._clock()
        self._emit_until(now)
        behind = self._next
        return now if behind is None or behind.time > now else behind.time - 1

    async def start(self) -> None:
        """Begin to play."""
        self._began = self._monotonic()

    async def stop(self) -> None:
        """Stop to hand out records; simulated time goes on."""
        self._reading = False

    def assignment(self) -> Assignment:
        """Return the one partition, from ``start`` on."""
        owned = frozenset({0}) if self._began is not None else frozenset[int]()
        return Assignment(epoch=len(owned), partitions=owned)

    async def begin(self, partition: int, offset: int | None = None) -> int:  # noqa: ARG002  # there is one
        """Let records flow; return the offset of the next one."""
        self._reading = True
        return self._emitted - len(self._pending)

    async def fetch(self) -> Mapping[int, Sequence[FileRecord]]:
        """Return the records that are due; empty after at most 50 ms without one."""
        self.now()
        if not self._pending or not self._reading:
            await self._sleep(self._pause())
            self.now()
        if not self._pending or not self._reading:
            return {}
        await self._sleep(0)
        count = min(len(self._pending), _MAX_RECORDS)
        return {0: [self._pending.popleft() for _ in range(count)]}

    async def end_offsets(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Return how many events have happened by now, fetched or not."""
        self.now()
        return dict.fromkeys(partitions, self._emitted)

    async def commit(
        self,
        offsets: Mapping[int, int],  # noqa: ARG002
        epoch: int,  # noqa: ARG002
        notes: Mapping[int, str] | None = None,  # noqa: ARG002
    ) -> bool:
        """Accept always: there is nothing to resume."""
        return True

    def _clock(self) -> int:
        start, end = self._simulator.start, self._simulator.end
        if self._began is None:
            return start
        now = start + round((self._monotonic() - self._began) * self._speed * SECOND)
        return now if end is None else min(now, end)

    def _emit_until(self, now: int) -> None:
        while (
            self._next is not None and self._next.time <= now and len(self._pending) < _MAX_PENDING
        ):
            event = self._next
            record = FileRecord(
                self._emitted,
                event.value,
                event.time // 1000,
                int(TimestampType.LOG_APPEND_TIME),
                event.contact_id.encode() or None,
            )
            self._pending.append(record)
            self._emitted += 1
            self._next = next(self._events, None)

    def _pause(self) -> float:
        """Return seconds until the next event is due, 50 ms at most."""
        if self._next is None or not self._reading:
            return _IDLE_SECONDS
        due = (self._next.time - self._clock()) / SECOND / self._speed
        return min(max(due, 0.001), _IDLE_SECONDS)
