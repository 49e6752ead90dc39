"""What was counted lately: booked by the service clock, net, in minutes and local days."""

import random
from collections import Counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.increments import Increments
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND
from firstreply.wall.rolling import Counts, Rolling, add_net
from tests.unit.domain.builders import T0

MET = ("chat", "10m", "met")
MISSED = ("chat", "10m", "missed")
OUTCOMES = "contact_expectation_outcomes_total"
CORRECTIONS = "contact_expectation_corrections_total"


def book(rolling: Rolling, at: int, partition: int = 0, **counts: int) -> None:
    """Count outcomes of chat's 10m in a checkpoint, and tell the clock after it."""
    rolling.counted(
        partition, Counter({("chat", "10m", outcome): n for outcome, n in counts.items()})
    )
    rolling.moved(partition, at)


def begun(at: int = T0, timezone: str = "UTC") -> Rolling:
    rolling = Rolling(ZoneInfo(timezone))
    rolling.moved(0, at)
    return rolling


def test_the_window_is_the_minute_of_now_and_the_29_before_it() -> None:
    rolling = begun()

    book(rolling, T0 + 30 * SECOND, met=1)
    book(rolling, T0 + MINUTE, met=10)
    book(rolling, T0 + 29 * MINUTE, met=100)

    assert rolling.last_half_hour(T0 + 30 * MINUTE - 1)[MET] == 111
    assert rolling.last_half_hour(T0 + 30 * MINUTE)[MET] == 110
    assert rolling.last_half_hour(T0 + 31 * MINUTE)[MET] == 100
    assert rolling.last_half_hour(T0 + 59 * MINUTE)[MET] == 0


def test_a_correction_moves_the_minute_in_which_it_came() -> None:
    rolling = begun()
    book(rolling, T0, missed=3)
    increments = Increments()
    increments.count(CORRECTIONS, "chat", "none", "10m", "missed", "met", amount=2)
    net: Counts = Counter()
    add_net(net, increments)

    rolling.counted(0, net)
    rolling.moved(0, T0 + 40 * MINUTE)

    lately = rolling.last_half_hour(T0 + 40 * MINUTE)
    assert (lately[MET], lately[MISSED]) == (2, -2)
    today = rolling.today(T0 + 40 * MINUTE)
    assert (today[MET], today[MISSED]) == (2, 1)


def test_what_was_counted_before_the_clock_was_known_belongs_to_no_minute() -> None:
    rolling = Rolling()

    book(rolling, T0, met=1000)
    rolling.counted(0, Counter({MET: 1}))
    rolling.moved(0, None)
    rolling.moved(0, T0 + SECOND)

    assert rolling.last_half_hour(T0 + SECOND)[MET] == 1
    assert rolling.today(T0 + SECOND)[MET] == 1
    assert rolling.since(T0 + SECOND) == T0


@pytest.mark.parametrize(
    ("read_since", "booked"),
    [(T0, 5), (T0 - 29 * MINUTE, 5), (T0 - 29 * MINUTE - 1, 0), (None, 0), (T0 + HOUR, 5)],
)
def test_what_came_before_the_first_clock_is_booked_if_all_of_it_came_lately(
    read_since: int | None, booked: int
) -> None:
    rolling = begun()

    for _ in range(5):
        rolling.counted(1, Counter({MET: 1}))
        rolling.moved(1, None, lambda _: read_since)
    rolling.moved(1, T0 + MINUTE, lambda _: read_since)

    assert rolling.last_half_hour(T0 + MINUTE)[MET] == booked


def test_nothing_is_known_of_today_before_any_clock() -> None:
    assert Rolling().since(T0) is None


def test_a_day_begins_at_local_midnight() -> None:
    new_york = begun(T0, "America/New_York")
    midnight = T0 - 9 * HOUR + DAY + 5 * HOUR  # T0 is 09:00 UTC
    book(new_york, midnight - 1, met=1)
    book(new_york, midnight, met=10)

    assert new_york.today(midnight - 1)[MET] == 1
    assert new_york.today(midnight)[MET] == 10
    assert new_york.since(midnight - 1) == T0
    assert new_york.since(midnight) == midnight


def test_a_day_on_which_clocks_change_begins_at_its_own_midnight() -> None:
    paris = Rolling(ZoneInfo("Europe/Paris"))
    spring_noon = 1774778400 * SECOND  # 2026-03-29 12:00 in Paris: clocks went forward at 02:00
    paris.moved(0, spring_noon - 2 * DAY)

    assert paris.since(spring_noon) == spring_noon - 11 * HOUR


def test_in_another_zone_today_is_counted_anew_from_that_instant() -> None:
    rolling = begun()
    book(rolling, T0, met=3)

    rolling.use_timezone(ZoneInfo("Europe/Paris"))
    book(rolling, T0 + MINUTE, met=1)

    assert rolling.today(T0 + MINUTE)["chat", "10m", "met"] == 1
    assert rolling.since(T0 + MINUTE) == T0 + MINUTE
    assert rolling.last_half_hour(T0 + MINUTE)["chat", "10m", "met"] == 4


def test_in_the_same_zone_today_goes_on() -> None:
    rolling = begun(timezone="Europe/Paris")
    book(rolling, T0, met=3)

    rolling.use_timezone(ZoneInfo("Europe/Paris"))

    assert rolling.today(T0)["chat", "10m", "met"] == 3


def test_partitions_are_booked_each_under_its_own_clock() -> None:
    rolling = begun()
    rolling.moved(1, T0)
    book(rolling, T0 + 10 * MINUTE, 0, met=1)
    book(rolling, T0 + 45 * MINUTE, 1, met=10)

    assert rolling.last_half_hour(T0 + 10 * MINUTE)[MET] == 1
    assert rolling.last_half_hour(T0 + 45 * MINUTE)[MET] == 10


@given(st.lists(st.tuples(st.integers(-200, 200), st.integers(1, 9), st.booleans())))
def test_the_window_is_always_the_sum_of_its_minutes(steps: list[tuple[int, int, bool]]) -> None:
    rolling = begun()
    told: list[tuple[int, int]] = []
    now: int = T0
    for minutes, amount, look in steps:
        now = max(T0, now + minutes * MINUTE)
        book(rolling, now, met=amount)
        told.append((now // MINUTE, amount))
        newest = max(minute for minute, _ in told)
        told = [one for one in told if one[0] > newest - 120]
        if look:
            minute = now // MINUTE
            expected = sum(n for at, n in told if minute - 30 < at <= minute)
            assert rolling.last_half_hour(now)[MET] == expected


def test_memory_is_bounded_by_two_hours_and_three_days_however_long_it_runs() -> None:
    rolling = begun()
    draw = random.Random(1)

    for minute in range(0, 30 * 24 * 60, 7):
        book(rolling, T0 + minute * MINUTE, met=draw.randrange(1, 5))

    assert len(rolling._minutes) <= 120
    assert len(rolling._days) <= 3


def test_each_figure_of_a_checkpoint_is_summed_over_queues() -> None:
    increments = Increments()
    increments.count("contact_received_total", "chat", "a")
    increments.count("contact_received_total", "chat", "b", amount=3)
    increments.count("contact_received_corrections_total", "chat", "a", "out", amount=2)
    increments.count("contact_received_corrections_total", "chat", "a", "in")
    increments.count("contact_abandoned_total", "chat", "a")
    increments.count(OUTCOMES, "chat", "a", "10m", "met", amount=5)
    increments.count(CORRECTIONS, "chat", "a", "10m", "met", "none")
    increments.count("contact_transferred_total", "chat", "a")
    for metric in ("contact_first_response_seconds", "contact_reply_seconds"):
        increments.observe(metric, "chat", "a", seconds=1)

    net: Counts = Counter()
    add_net(net, increments)

    assert net == {
        ("chat", "", "received"): 3,
        ("chat", "", "abandoned"): 1,
        ("chat", "", "answered"): 1,
        MET: 4,
        ("chat", "10m", "none"): 1,
    }
