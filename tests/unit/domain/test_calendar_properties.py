"""The calendar against a walk through every minute, around daylight-saving changes; and its laws.

The brute force shares no arithmetic with the calendar. It walks the UTC minutes one after another,
reads the wall clock at each, and finds the edges of the windows on it: an edge is where the wall
clock shows its time **first** (that is fold 0 of a repeated time); a time the wall clock skips
is where it would have come without the change, counted on from the last minute that was shown
before (that is fold 0 of a skipped time).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate, pairwise
from random import Random
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from firstreply.domain.calendar import Calendar
from firstreply.domain.instants import DAY, HOUR, MINUTE, to_instant

Window = tuple[int, int]
"""Minutes of the day; the closing is up to 1440 and at or before the opening when overnight."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ONE_MINUTE: Final = timedelta(minutes=1)

CHANGES: Final = (
    ("Europe/Paris", date(2026, 3, 29), "skips"),
    ("Europe/Paris", date(2026, 10, 25), "repeats"),
    ("America/New_York", date(2026, 3, 8), "skips"),
    ("America/New_York", date(2026, 11, 1), "repeats"),
    ("Australia/Lord_Howe", date(2026, 10, 4), "skips"),  # half an hour
    ("Australia/Lord_Howe", date(2026, 4, 5), "repeats"),
    ("Asia/Tehran", date(2021, 3, 22), "skips"),  # at midnight
    ("Asia/Tehran", date(2021, 9, 21), "repeats"),  # the last hour of the day
)

REACH: Final = 3
"""Days before and after the change in which questions are asked."""
WALK: Final = REACH + 4
"""Days that are walked: the windows of the days at the edge must lie within."""


Key = TypeVar("Key", str, date)


def as_text(days: Mapping[Key, Sequence[Window]]) -> dict[Key, list[tuple[str, str]]]:
    return {day: [(clock(opens), clock(closes)) for opens, closes in days[day]] for day in days}


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class Plan(msgspec.Struct, frozen=True):
    """Opening hours around one change of daylight saving."""

    zone: str
    change: date
    weekly: dict[str, list[Window]] | None
    holidays: list[date]
    exceptions: dict[date, list[Window]]

    def calendar(self) -> Calendar:
        return Calendar.from_weekly(
            timezone=self.zone,
            weekly=None if self.weekly is None else as_text(self.weekly),
            holidays=self.holidays,
            exceptions=as_text(self.exceptions),
        )

    def windows(self, day: date) -> Sequence[Window]:
        if day in self.exceptions:
            return self.exceptions[day]
        if day in self.holidays:
            return []
        if self.weekly is None:
            return [(0, 1440)]
        return self.weekly.get(WEEKDAYS[day.weekday()], [])

    def instant(self, offset: int) -> int:
        """Return the instant so many microseconds after UTC midnight of the change."""
        return to_instant(datetime.combine(self.change, time(), UTC)) + offset


# The brute force.


class Walk:
    """Every UTC minute around a change, with what the wall clock shows at it."""

    def __init__(self, zone: str, change: date) -> None:
        midnight = datetime.combine(change, time(), UTC)
        begin = midnight - timedelta(days=WALK)
        self.begin = to_instant(begin)
        self.walls: list[datetime] = []
        self.first_shown: dict[datetime, int] = {}
        for minute in range(2 * WALK * 1440):
            shown = (begin + minute * ONE_MINUTE).astimezone(ZoneInfo(zone))
            wall = shown.replace(tzinfo=None, fold=0)
            self.walls.append(wall)
            self.first_shown.setdefault(wall, minute)

    def edge(self, day: date, minute: int) -> int:
        """Return the number of the UTC minute at which a wall-clock time comes with fold 0."""
        wall = datetime.combine(day, time()) + minute * ONE_MINUTE
        counted_on = 0
        while wall not in self.first_shown:
            wall -= ONE_MINUTE
            counted_on += 1
        return self.first_shown[wall] + counted_on


@cache
def walk(zone: str, change: date) -> Walk:
    return Walk(zone, change)


def open_minutes(plan: Plan) -> list[int]:
    """Return the instants at which the open minutes begin, in order."""
    walked = walk(plan.zone, plan.change)
    minutes: set[int] = set()
    for number in range(-REACH - 2, REACH + 3):
        day = plan.change + timedelta(days=number)
        for opens, closes in plan.windows(day):
            closing = closes if closes > opens else closes + 1440
            minutes.update(range(walked.edge(day, opens), walked.edge(day, closing)))
    return [walked.begin + minute * MINUTE for minute in sorted(minutes)]


def overlap(minute: int, start: int, end: int) -> int:
    return max(0, min(end, minute + MINUTE) - max(start, minute))


# What is drawn.

CHANGING_HOURS: Final = (0, 30, 60, 90, 105, 119, 120, 135, 150, 180, 195, 1320, 1380, 1410, 1439)
minutes = st.sampled_from(CHANGING_HOURS) | st.integers(0, 1439)
closing_minutes = minutes.map(lambda minute: minute or 1440)
skipped_windows = st.sampled_from(((0, 60), (30, 60), (120, 150), (120, 180), (150, 180)))
windows = skipped_windows | st.tuples(minutes, closing_minutes).filter(
    lambda window: window[0] != window[1]
)
daytime = st.tuples(st.integers(300, 1320), st.integers(300, 1320)).filter(
    lambda window: window[0] != window[1]
)
nearby_days = st.just(0) | st.integers(-REACH - 1, REACH + 1)
offsets = st.integers(-REACH * DAY, REACH * DAY) | st.integers(-REACH * 1440, REACH * 1440).map(
    lambda minute: minute * MINUTE
)


@st.composite
def plans(draw: st.DrawFn, window: st.SearchStrategy[Window] = windows) -> Plan:
    zone, change, _ = draw(st.sampled_from(CHANGES))
    table = st.dictionaries(
        st.sampled_from(WEEKDAYS), st.lists(window, min_size=1, max_size=3), min_size=1
    )
    weekly = draw(st.none() | table)
    holidays = draw(st.lists(nearby_days, max_size=2))
    exceptions = draw(st.dictionaries(nearby_days, st.lists(window, max_size=2), max_size=2))
    return Plan(
        zone=zone,
        change=change,
        weekly=weekly,
        holidays=[change + timedelta(days=number) for number in holidays],
        exceptions={change + timedelta(days=number): exceptions[number] for number in exceptions},
    )


def amounts_of(parts: Sequence[int]) -> st.SearchStrategy[int]:
    """Draw an amount that some of the parts hold, often exactly: so it ends at a minute."""
    exact = tuple(accumulate(parts))
    return st.integers(1, exact[-1]) | st.sampled_from(exact)


def lengths(windows_found: Sequence[tuple[int, int]]) -> list[int]:
    return [closing - opening for opening, closing in windows_found]


# The calendar against the brute force.


@pytest.mark.parametrize(("zone", "change", "kind"), CHANGES)
def test_each_walk_meets_its_change_of_daylight_saving(zone: str, change: date, kind: str) -> None:
    walked = walk(zone, change)

    of_the_day = [wall for wall in walked.walls if wall.date() == change]

    assert kind == ("skips" if len(of_the_day) < 1440 else "repeats")
    assert len(of_the_day) != 1440
    assert (len(set(of_the_day)) < len(of_the_day)) == (kind == "repeats")


@settings(max_examples=150, deadline=None)
@given(plan=plans(), first=offsets, second=offsets)
def test_elapsed_equals_the_open_minutes_of_a_walk(plan: Plan, first: int, second: int) -> None:
    start, end = plan.instant(first), plan.instant(second)

    elapsed = plan.calendar().elapsed_us(start, end)

    assert elapsed == sum(overlap(minute, start, end) for minute in open_minutes(plan))


@settings(max_examples=80, deadline=None)
@given(plan=plans(), offset=offsets, data=st.data())
def test_a_deadline_is_where_a_walk_uses_up_the_amount(
    plan: Plan, offset: int, data: st.DataObject
) -> None:
    start, end = plan.instant(offset), plan.instant(REACH * DAY)
    ahead = [minute for minute in open_minutes(plan) if overlap(minute, start, end)]
    assume(ahead)
    amount = data.draw(amounts_of([overlap(minute, start, end) for minute in ahead]))

    deadline = plan.calendar().deadline_us(start, amount)

    left = amount
    for minute in ahead:
        used = overlap(minute, start, end)
        if used >= left:
            assert deadline == max(start, minute) + left
            break
        left -= used


@settings(max_examples=80, deadline=None)
@given(plan=plans(), offset=offsets, data=st.data())
def test_a_latest_start_is_where_a_walk_backwards_uses_up_the_amount(
    plan: Plan, offset: int, data: st.DataObject
) -> None:
    start, end = plan.instant(-REACH * DAY), plan.instant(offset)
    behind = [minute for minute in open_minutes(plan) if overlap(minute, start, end)]
    assume(behind)
    amount = data.draw(amounts_of([overlap(minute, start, end) for minute in reversed(behind)]))

    latest = plan.calendar().latest_start_us(end, amount)

    left = amount
    for minute in reversed(behind):
        used = overlap(minute, start, end)
        if used >= left:
            assert latest == min(end, minute + MINUTE) - left
            break
        left -= used


@settings(max_examples=50, deadline=None)
@given(plan=plans(daytime))
def test_away_from_the_changing_hours_it_is_open_whenever_the_wall_clock_says_so(
    plan: Plan,
) -> None:
    hours = plan.calendar()
    walked = walk(plan.zone, plan.change)

    for number in range((WALK - REACH) * 1440, (WALK + REACH) * 1440, 13):
        wall = walked.walls[number]
        minute = wall.hour * 60 + wall.minute
        today = plan.windows(wall.date())
        yesterday = plan.windows(wall.date() - timedelta(days=1))
        on_the_wall = any(
            opens <= minute < closes if opens < closes else opens <= minute
            for opens, closes in today
        ) or any(minute < closes <= opens for opens, closes in yesterday)
        assert hours.is_open_us(walked.begin + number * MINUTE) == on_the_wall, wall


# The laws.

from_1970_to_2300 = st.integers(0, 330 * 365 * DAY)


@settings(max_examples=60, deadline=None)
@given(
    plan=plans(),
    start=from_1970_to_2300,
    first=st.integers(0, 500 * DAY),
    second=st.integers(0, DAY),
)
def test_elapsed_is_additive(plan: Plan, start: int, first: int, second: int) -> None:
    hours = plan.calendar()
    middle = start + first
    end = middle + second

    parts = hours.elapsed_us(start, middle) + hours.elapsed_us(middle, end)

    assert hours.elapsed_us(start, end) == parts
    assert 0 <= parts <= end - start


@settings(max_examples=80, deadline=None)
@given(plan=plans(), offset=offsets, data=st.data())
def test_a_deadline_is_the_inverse_of_elapsed_and_the_earliest_one(
    plan: Plan, offset: int, data: st.DataObject
) -> None:
    hours = plan.calendar()
    start = plan.instant(offset)
    ahead = hours.windows_us(start, start + 20 * DAY)
    assume(ahead)
    amount = data.draw(amounts_of(lengths(ahead)))

    deadline = hours.deadline_us(start, amount)

    assert hours.elapsed_us(start, deadline) == amount
    assert hours.elapsed_us(start, deadline - 1) == amount - 1
    assert hours.is_open_us(deadline - 1)


@settings(max_examples=80, deadline=None)
@given(plan=plans(), offset=offsets, data=st.data())
def test_a_latest_start_is_the_inverse_of_elapsed_and_the_latest_one(
    plan: Plan, offset: int, data: st.DataObject
) -> None:
    hours = plan.calendar()
    end = plan.instant(offset)
    behind = hours.windows_us(end - 20 * DAY, end)
    assume(behind)
    amount = data.draw(amounts_of(lengths(behind[::-1])))

    latest = hours.latest_start_us(end, amount)

    assert hours.elapsed_us(latest, end) == amount
    assert hours.elapsed_us(latest + 1, end) == amount - 1
    assert hours.is_open_us(latest)


@settings(max_examples=60, deadline=None)
@given(plan=plans(), first=offsets, second=offsets)
def test_windows_are_disjoint_and_whole_and_sum_to_elapsed(
    plan: Plan, first: int, second: int
) -> None:
    hours = plan.calendar()
    start, end = plan.instant(first), plan.instant(second)

    found = hours.windows_us(start, end)

    assert sum(lengths(found)) == hours.elapsed_us(start, end)
    assert all(before < after for (_, before), (after, _) in pairwise(found))
    for opening, closing in found:
        assert hours.is_open_us(opening)
        assert hours.is_open_us(closing - 1)
        assert opening == start or not hours.is_open_us(opening - 1)
        assert closing == end or not hours.is_open_us(closing)


@settings(max_examples=30, deadline=None)
@given(plan=plans(), order=st.randoms(use_true_random=False), at=offsets)
def test_the_order_of_what_is_configured_changes_nothing(
    plan: Plan, order: Random, at: int
) -> None:
    def shuffled(days: dict[Key, list[Window]]) -> dict[Key, list[Window]]:
        keys = order.sample(list(days), len(days))
        return {key: order.sample(days[key], len(days[key])) for key in keys}

    hours = plan.calendar()
    other = msgspec.structs.replace(
        plan,
        weekly=None if plan.weekly is None else shuffled(plan.weekly),
        holidays=order.sample(plan.holidays, len(plan.holidays)),
        exceptions=shuffled(plan.exceptions),
    ).calendar()

    start = plan.instant(at)
    assert other.digest == hours.digest
    assert other.deadline_us(start, HOUR) == hours.deadline_us(start, HOUR)
