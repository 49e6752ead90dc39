"""The deadlines of rule 4, and where opening time ends: nothing left, always open, no zone."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, DAY, HOUR, MINUTE
from firstreply.domain.opening_hours import WEEKDAYS
from tests.unit.domain.calendars import OFFICE, Windows, calendar, us, utc, windows

# Rule 4: deadlines.


def test_rule_04_a_limit_used_up_exactly_at_closing_is_due_at_closing() -> None:
    hours = calendar(OFFICE)

    deadline = hours.deadline(utc("2026-01-05T17:00"), 3600)

    assert deadline == utc("2026-01-05T18:00")


def test_rule_04_a_microsecond_more_than_until_closing_is_due_after_the_next_opening() -> None:
    hours = calendar(OFFICE)

    deadline = hours.deadline_us(us("2026-01-05T17:00"), HOUR + 1)

    assert deadline == us("2026-01-06T09:00") + 1


@pytest.mark.parametrize("start", ["2026-01-09T18:00", "2026-01-10T12:00", "2026-01-12T09:00"])
def test_rule_04_a_start_in_closed_time_counts_from_the_next_opening(start: str) -> None:
    hours = calendar(OFFICE)

    deadline = hours.deadline(utc(start), 600)

    assert deadline == utc("2026-01-12T09:10")


def test_rule_04_a_deadline_is_given_in_utc_whatever_the_zone_of_the_start() -> None:
    hours = calendar(OFFICE, "Europe/Paris")
    start = datetime(2026, 1, 5, 10, 0, tzinfo=ZoneInfo("Europe/Paris"))

    deadline = hours.deadline(start, 60)

    assert deadline.isoformat() == "2026-01-05T09:01:00+00:00"


@pytest.mark.parametrize("seconds", [0, -300, 0.0000001, float("nan"), float("inf")])
def test_a_deadline_of_no_positive_amount_is_refused(seconds: float) -> None:
    hours = calendar(OFFICE)

    with pytest.raises(ValueError, match="a deadline needs a positive amount"):
        hours.deadline(utc("2026-01-05T10:00"), seconds)


def test_a_deadline_after_the_last_opening_is_refused_with_the_reason() -> None:
    hours = calendar({}, exceptions={date(2026, 1, 6): [("09:00", "10:00")]})

    with pytest.raises(ValueError, match=r"less than 3601 s of opening time are left after 2026"):
        hours.deadline(utc("2026-01-05T00:00"), 3601)

    assert hours.deadline(utc("2026-01-05T00:00"), 3600) == utc("2026-01-06T10:00")


@pytest.mark.parametrize(
    ("start", "amount"),
    [
        (us("2026-01-06T09:00"), HOUR + 1),
        (us("2026-01-06T10:00"), 1),
        (us("2026-01-05T00:00"), 2**80),
        (us("9998-12-31T23:59"), 1),
        (us("9999-01-01T00:00"), 1),
        (AFTER_ALL, 1),
    ],
)
def test_deadline_us_after_the_last_opening_is_after_all(start: int, amount: int) -> None:
    hours = calendar({}, exceptions={date(2026, 1, 6): [("09:00", "10:00")]})

    deadline = hours.deadline_us(start, amount)

    assert deadline == AFTER_ALL


def test_deadline_us_of_an_amount_that_outlasts_year_9998_ends_and_is_after_all() -> None:
    hours = calendar(OFFICE, "Europe/Paris")

    deadline = hours.deadline_us(us("2026-01-05T00:00"), 8000 * 366 * DAY)

    assert deadline == AFTER_ALL


def test_deadline_us_of_nothing_is_the_start_even_in_closed_time() -> None:
    hours = calendar(OFFICE)
    sunday = us("2026-01-11T12:00")

    deadlines = [hours.deadline_us(sunday, amount) for amount in (0, -1)]

    assert deadlines == [sunday, sunday]


# elapsed


@pytest.mark.parametrize("end", ["2026-01-05T10:00", "2026-01-05T09:59", "2020-01-05T10:00"])
def test_elapsed_is_0_when_the_end_is_not_after_the_start(end: str) -> None:
    hours = calendar(OFFICE)

    elapsed = hours.elapsed(utc("2026-01-05T10:00"), utc(end))

    assert elapsed == 0.0


def test_elapsed_between_instants_years_apart_counts_every_year_once() -> None:
    hours = calendar({day: [("08:00", "09:00")] for day in WEEKDAYS})

    elapsed = hours.elapsed_us(us("1999-12-31T08:30"), us("2031-01-01T08:15"))

    days = (date(2031, 1, 1) - date(1999, 12, 31)).days
    assert elapsed == days * HOUR - 15 * MINUTE


@pytest.mark.parametrize("order", [("2001-07-02", "2026-01-05"), ("2026-01-05", "2001-07-02")])
def test_years_may_be_asked_for_in_any_order(order: tuple[str, str]) -> None:
    hours = calendar(OFFICE)

    opening_time = [hours.elapsed_us(us(f"{day}T00:00"), us(f"{day}T23:00")) for day in order]

    assert opening_time == [8 * HOUR, 8 * HOUR]


# latest_start_us


def test_latest_start_us_is_the_latest_start_for_which_the_amount_is_used_up() -> None:
    hours = calendar(OFFICE)

    start = hours.latest_start_us(us("2026-01-12T09:10"), 30 * MINUTE)

    assert start == us("2026-01-09T17:40")
    assert hours.elapsed_us(start, us("2026-01-12T09:10")) == 30 * MINUTE
    assert hours.elapsed_us(start + 1, us("2026-01-12T09:10")) == 30 * MINUTE - 1


def test_latest_start_us_of_exactly_one_window_is_its_opening_not_an_earlier_closing() -> None:
    hours = calendar(OFFICE)

    start = hours.latest_start_us(us("2026-01-12T13:00"), 3 * HOUR + 30 * MINUTE)

    assert start == us("2026-01-12T09:00")


def test_latest_start_us_looks_back_over_closed_years() -> None:
    hours = calendar({}, exceptions={date(2001, 1, 6): [("09:00", "10:00")]})

    start = hours.latest_start_us(us("2026-01-01T00:00"), 15 * MINUTE)

    assert start == us("2001-01-06T09:45")


@pytest.mark.parametrize(
    ("end", "amount"),
    [
        (us("2026-01-06T09:30"), 30 * MINUTE + 1),
        (us("2026-01-06T09:00"), 1),
        (us("1899-12-31T00:00"), 1),
        (us("1900-01-01T00:00"), 1),
        (BEFORE_ALL, 1),
        (AFTER_ALL, HOUR + 1),
    ],
)
def test_latest_start_us_before_the_first_opening_is_before_all(end: int, amount: int) -> None:
    hours = calendar({}, exceptions={date(2026, 1, 6): [("09:00", "10:00")]})

    start = hours.latest_start_us(end, amount)

    assert start == BEFORE_ALL


def test_latest_start_us_of_nothing_is_the_end() -> None:
    hours = calendar(OFFICE)
    sunday = us("2026-01-11T12:00")

    starts = [hours.latest_start_us(sunday, amount) for amount in (0, -1)]

    assert starts == [sunday, sunday]


# windows_us


def test_windows_us_are_clipped_to_the_span_and_leave_out_those_that_only_touch_it() -> None:
    hours = calendar(OFFICE)

    found = windows(hours, "2026-01-05T12:30", "2026-01-06T10:00")

    assert found == ["05 13:30 05 18:00", "06 09:00 06 10:00"]
    assert windows(hours, "2026-01-05T14:00", "2026-01-05T15:00") == ["05 14:00 05 15:00"]
    assert windows(hours, "2026-01-05T12:30", "2026-01-05T13:30") == []


@pytest.mark.parametrize("end", ["2026-01-05T10:00", "2026-01-05T09:00"])
def test_windows_us_of_an_empty_span_are_none(end: str) -> None:
    hours = calendar(OFFICE)

    found = hours.windows_us(us("2026-01-05T10:00"), us(end))

    assert found == []


# Always open.


def test_always_open_counts_every_second_also_over_daylight_saving() -> None:
    hours = calendar(None, "Europe/Paris")
    start = datetime(2026, 3, 28, 12, 0, tzinfo=ZoneInfo("Europe/Paris"))
    end = datetime(2026, 3, 29, 12, 0, tzinfo=ZoneInfo("Europe/Paris"))

    elapsed = hours.elapsed(start, end)

    assert elapsed == 23 * 3600
    assert hours.deadline(start, elapsed) == end


def test_always_open_is_one_window_over_many_years() -> None:
    hours = calendar(None)
    start, end = us("1999-06-01T00:00"), us("2026-06-01T00:00")

    found = hours.windows_us(start, end)

    assert found == [(start, end)]
    assert hours.deadline_us(start, end - start) == end
    assert hours.latest_start_us(end, end - start) == start


def test_always_open_closes_outside_the_years_1900_to_9998() -> None:
    hours = calendar(None)
    first, last = us("1900-01-01T00:00"), us("9999-01-01T00:00")

    states = [hours.is_open_us(at) for at in (first - 1, first, last - 1, last)]

    assert states == [False, True, True, False]
    assert hours.elapsed_us(BEFORE_ALL, AFTER_ALL) == last - first
    assert hours.deadline_us(BEFORE_ALL, 1) == first + 1
    assert hours.deadline_us(last - 1, 1) == last
    assert hours.deadline_us(last - 1, 2) == AFTER_ALL
    assert hours.latest_start_us(first + 1, 1) == first
    assert hours.latest_start_us(first + 1, 2) == BEFORE_ALL


def test_always_open_with_a_holiday_is_00_00_to_24_00_on_the_other_days() -> None:
    hours = calendar(None, "Europe/Paris", holidays=[date(2026, 1, 6)])

    days = windows(hours, "2026-01-05T00:00", "2026-01-08T00:00")

    assert days == ["05 00:00 05 23:00", "06 23:00 08 00:00"]


def test_always_open_with_an_annual_holiday_is_closed_on_it() -> None:
    hours = calendar(None, annual_holidays=["01-06"])

    days = windows(hours, "2026-01-05T00:00", "2026-01-08T00:00")

    assert days == ["05 00:00 06 00:00", "07 00:00 08 00:00"]


def test_always_open_with_a_reduced_day_keeps_only_its_windows() -> None:
    hours = calendar(None, exceptions={date(2026, 1, 6): [("09:00", "12:00")]})

    days = windows(hours, "2026-01-05T00:00", "2026-01-08T00:00")

    assert days == ["05 00:00 06 00:00", "06 09:00 06 12:00", "07 00:00 08 00:00"]


# Aware datetimes only.


@pytest.mark.parametrize("weekly", [OFFICE, None], ids=["office", "always open"])
def test_a_datetime_without_a_time_zone_is_refused(weekly: Mapping[str, Windows] | None) -> None:
    hours = calendar(weekly)
    aware, naive = utc("2026-01-05T10:00"), datetime(2026, 1, 5, 10, 0)  # noqa: DTZ001

    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        hours.elapsed(naive, aware)
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        hours.elapsed(aware, naive)
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        hours.deadline(naive, 60)
    with pytest.raises(ValueError, match="has no time zone; give an aware datetime"):
        hours.is_open(naive)
