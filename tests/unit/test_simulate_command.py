"""The simulation as a producer: nothing before its time, everything in order, nothing left out."""

import time
from datetime import date, timedelta

import pytest

from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.simulator import SimulatedEvent
from firstreply.domain.instants import SECOND, Instant
from firstreply.simulate_command import midnight, play

START = 1_700_000_000 * SECOND


class _World:
    """A clock that only sleeping moves, and what was written when."""

    def __init__(self, now: int) -> None:
        self.at = now
        self.written: list[tuple[int, list[Outgoing]]] = []
        self.slept: list[float] = []

    def now(self) -> int:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += round(seconds * SECOND)

    async def write(self, records: list[Outgoing]) -> None:
        self.written.append((self.at, records))

    async def play(self, events: list[SimulatedEvent]) -> None:
        await play(iter(events), self.write, self, self.sleep)

    @property
    def values(self) -> list[bytes | None]:
        return [record.value for _, records in self.written for record in records]


def happens(second: float, name: str = "T-1") -> SimulatedEvent:
    return SimulatedEvent(Instant(START + round(second * SECOND)), name, f"{second}".encode())


async def test_the_past_is_written_at_once() -> None:
    world = _World(START + 100 * SECOND)

    await world.play([happens(second) for second in range(50)])

    assert world.slept == []
    assert world.values == [f"{second}".encode() for second in range(50)]


async def test_what_lies_ahead_waits_for_its_time_to_the_microsecond() -> None:
    world = _World(START)

    await world.play([happens(0), happens(0.5), happens(3)])

    assert [at - START for at, _ in world.written] == [0, SECOND // 2, 3 * SECOND]


async def test_what_is_due_is_written_before_it_waits() -> None:
    world = _World(START)

    await world.play([happens(-1), happens(0), happens(9)])

    assert [len(records) for _, records in world.written] == [2, 1]


async def test_no_sleep_is_longer_than_a_second_so_that_a_clock_that_was_set_is_noticed() -> None:
    world = _World(START)

    await world.play([happens(10.5)])

    assert max(world.slept) == 1.0
    assert sum(world.slept) == pytest.approx(10.5)


async def test_a_long_past_is_written_in_pieces() -> None:
    world = _World(START + 10_000 * SECOND)

    await world.play([happens(second) for second in range(2500)])

    assert [len(records) for _, records in world.written] == [1000, 1000, 500]


async def test_a_record_has_the_contact_as_key_and_its_own_time_in_milliseconds() -> None:
    world = _World(START + SECOND)

    await world.play([happens(0.25), happens(0.5, name="")])

    assert world.written[0][1] == [
        Outgoing(key=b"T-1", value=b"0.25", timestamp=START // 1000 + 250),
        Outgoing(key=None, value=b"0.5", timestamp=START // 1000 + 500),
    ]


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 1), (date(2026, 10, 25), 2), (date(2026, 7, 1), 2)]
)
def test_a_day_on_which_the_clocks_change_began_at_its_midnight_whatever_the_hour_is_now(
    monkeypatch: pytest.MonkeyPatch, day: date, hours: int
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    try:
        began = midnight(day)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert (began.date(), began.hour, began.utcoffset()) == (day, 0, timedelta(hours=hours))


def test_the_day_began_at_midnight_of_a_known_zone() -> None:
    began = midnight()

    assert (began.hour, began.minute, began.second, began.microsecond) == (0, 0, 0, 0)
    assert began.utcoffset() is not None
    assert timedelta(0) <= midnight() - began <= timedelta(days=1)
