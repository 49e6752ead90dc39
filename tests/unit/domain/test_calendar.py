"""The opening-hours calendar, clause by clause of rule 15."""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from firstreply.domain.instants import DAY, HOUR, MINUTE
from firstreply.domain.opening_hours import WEEKDAYS
from tests.unit.domain.calendars import OFFICE, calendar, us, utc, windows

# Rule 15: the windows.


def test_rule_15_several_windows_a_day_leave_the_lunch_break_closed() -> None:
    hours = calendar(OFFICE)

    one_day = hours.elapsed(utc("2026-01-05T00:00"), utc("2026-01-06T00:00"))

    assert one_day == 8 * 3600
    assert not hours.is_open(utc("2026-01-05T13:00"))
    assert hours.deadline(utc("2026-01-05T12:00"), 3600) == utc("2026-01-05T14:00")


def test_rule_15_a_weekday_that_is_left_out_or_has_no_window_is_closed() -> None:
    hours = calendar({"mon": [("09:00", "10:00")], "tue": []})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 09:00 05 10:00"]


def test_rule_15_an_overnight_window_belongs_to_the_day_it_opens() -> None:
    hours = calendar({"fri": [("22:00", "06:00")]})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["09 22:00 10 06:00"]


def test_rule_15_an_overnight_window_may_close_one_minute_before_it_opens() -> None:
    hours = calendar({"fri": [("06:00", "05:59")]})

    week = hours.elapsed_us(us("2026-01-05T00:00"), us("2026-01-12T00:00"))

    assert week == DAY - MINUTE


@pytest.mark.parametrize("midnight", ["24:00", "00:00"])
def test_rule_15_a_closing_at_24_00_is_the_midnight_that_ends_the_day(midnight: str) -> None:
    hours = calendar({"mon": [("20:00", midnight)]})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 20:00 06 00:00"]


def test_rule_15_a_whole_day_is_00_00_to_24_00() -> None:
    hours = calendar({"mon": [("00:00", "24:00")], "tue": [("00:00", "24:00")]})

    week = windows(hours, "2026-01-01T00:00", "2026-01-12T00:00")

    assert week == ["05 00:00 07 00:00"]


def test_rule_15_windows_that_overlap_or_touch_count_once() -> None:
    hours = calendar({"mon": [("10:00", "12:00"), ("09:00", "11:00"), ("12:00", "13:00")]})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 09:00 05 13:00"]


def test_rule_15_a_window_inside_another_does_not_shorten_it() -> None:
    hours = calendar({"mon": [("09:00", "17:00"), ("10:00", "11:00")]})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 09:00 05 17:00"]


def test_rule_15_an_overnight_window_that_runs_into_the_next_day_s_counts_once() -> None:
    hours = calendar({"mon": [("20:00", "10:00")], "tue": [("09:00", "11:00")]})

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 20:00 06 11:00"]


def test_rule_15_a_window_over_new_year_is_one_window() -> None:
    hours = calendar({"wed": [("22:00", "06:00")]})

    nights = windows(hours, "2025-12-30T00:00", "2026-01-05T00:00")

    assert nights == ["31 22:00 01 06:00"]
    assert hours.elapsed_us(us("2025-12-31T23:00"), us("2026-01-01T01:00")) == 2 * HOUR
    assert hours.deadline_us(us("2025-12-31T23:00"), 2 * HOUR) == us("2026-01-01T01:00")
    assert hours.latest_start_us(us("2026-01-01T01:00"), 2 * HOUR) == us("2025-12-31T23:00")


@pytest.mark.parametrize(
    ("zone", "day", "window", "opens"),
    [
        ("Pacific/Kiritimati", date(2026, 1, 1), ("00:00", "01:00"), "2025-12-31T10:00"),
        ("Etc/GMT+12", date(2025, 12, 31), ("23:00", "24:00"), "2026-01-01T11:00"),
    ],
)
def test_rule_15_a_window_at_the_edge_of_the_local_year_may_be_in_another_utc_year(
    zone: str, day: date, window: tuple[str, str], opens: str
) -> None:
    hours = calendar({}, zone, exceptions={day: [window]})

    opening = hours.deadline_us(us("2025-06-01T00:00"), 1) - 1

    assert opening == us(opens)


def test_rule_15_windows_are_open_at_the_opening_instant_and_closed_at_the_closing_one() -> None:
    hours = calendar({"mon": [("09:00", "10:00")]})

    opening, closing = us("2026-01-05T09:00"), us("2026-01-05T10:00")

    assert not hours.is_open_us(opening - 1)
    assert hours.is_open_us(opening)
    assert hours.is_open_us(closing - 1)
    assert not hours.is_open_us(closing)


# Rule 15: holidays and exceptions.


def test_rule_15_a_holiday_removes_the_windows_that_open_on_it() -> None:
    hours = calendar(OFFICE, holidays=[date(2026, 1, 6)])

    days = windows(hours, "2026-01-05T13:00", "2026-01-07T13:00")

    assert days == ["05 13:30 05 18:00", "07 09:00 07 12:30"]


def test_rule_15_a_holiday_keeps_the_night_before_and_removes_its_own_night() -> None:
    hours = calendar({day: [("22:00", "06:00")] for day in WEEKDAYS}, holidays=[date(2026, 1, 6)])

    nights = windows(hours, "2026-01-05T12:00", "2026-01-08T12:00")

    assert nights == ["05 22:00 06 06:00", "07 22:00 08 06:00"]


def test_rule_15_a_holiday_is_a_local_date() -> None:
    everyday = {day: [("00:00", "24:00")] for day in WEEKDAYS}
    hours = calendar(everyday, "Asia/Tokyo", holidays=[date(2026, 1, 6)])

    days = windows(hours, "2026-01-05T00:00", "2026-01-07T00:00")

    assert days == ["05 00:00 05 15:00", "06 15:00 07 00:00"]


def test_rule_15_an_annual_holiday_is_closed_every_year() -> None:
    hours = calendar({day: [("09:00", "17:00")] for day in WEEKDAYS}, annual_holidays=["12-25"])

    noons = [hours.is_open(utc(f"{year}-12-25T12:00")) for year in (1999, 2026, 2500)]

    assert noons == [False, False, False]
    assert hours.is_open(utc("2026-12-24T12:00"))


def test_rule_15_an_annual_holiday_on_02_29_closes_that_day_of_leap_years_only() -> None:
    hours = calendar({day: [("09:00", "17:00")] for day in WEEKDAYS}, annual_holidays=["02-29"])

    leap, common = utc("2028-02-29T12:00"), utc("2027-03-01T12:00")

    assert not hours.is_open(leap)
    assert hours.is_open(common)


def test_rule_15_a_dated_exception_beats_the_weekly_windows() -> None:
    hours = calendar(OFFICE, exceptions={date(2026, 12, 24): [("10:00", "11:00")]})

    days = windows(hours, "2026-12-23T13:00", "2026-12-25T13:00")

    assert days == ["23 13:30 23 18:00", "24 10:00 24 11:00", "25 09:00 25 12:30"]


def test_rule_15_a_dated_exception_beats_both_kinds_of_holiday() -> None:
    hours = calendar(
        OFFICE,
        holidays=[date(2026, 12, 24)],
        annual_holidays=["12-25"],
        exceptions={
            date(2026, 12, 24): [("10:00", "11:00")],
            date(2026, 12, 25): [("08:00", "09:00")],
        },
    )

    days = windows(hours, "2026-12-24T00:00", "2026-12-26T00:00")

    assert days == ["24 10:00 24 11:00", "25 08:00 25 09:00"]


def test_rule_15_an_empty_exception_is_closed() -> None:
    hours = calendar(OFFICE, exceptions={date(2026, 12, 31): []})

    day = hours.elapsed_us(us("2026-12-31T00:00"), us("2027-01-01T00:00"))

    assert day == 0


def test_rule_15_an_exception_leaves_the_night_that_began_before_it() -> None:
    nights = {day: [("22:00", "06:00")] for day in WEEKDAYS}
    hours = calendar(nights, exceptions={date(2026, 1, 6): []})

    found = windows(hours, "2026-01-05T12:00", "2026-01-08T12:00")

    assert found == ["05 22:00 06 06:00", "07 22:00 08 06:00"]


def test_rule_15_dated_exceptions_alone_are_opening_time() -> None:
    hours = calendar({}, exceptions={date(2026, 1, 6): [("09:00", "10:00")], date(2026, 1, 7): []})

    deadline = hours.deadline_us(us("2020-01-01T00:00"), HOUR)

    assert deadline == us("2026-01-06T10:00")


def test_rule_15_an_exception_after_the_settled_years_is_seen_on_its_date_only() -> None:
    night = [("22:00", "06:00")]
    hours = calendar({"mon": [("09:00", "10:00")]}, exceptions={date(2300, 12, 31): night})

    seen = [hours.is_open(utc(f"{year}-01-01T05:00")) for year in (2300, 2301, 2302, 2303, 2307)]

    assert seen == [False, True, False, False, False]  # 2307 begins as 2301 does


# Rule 15: time zones and daylight saving.


def test_rule_15_windows_are_wall_clock_of_the_calendar_s_zone() -> None:
    hours = calendar({"mon": [("09:00", "17:00")]}, "Asia/Kolkata")

    week = windows(hours, "2026-01-05T00:00", "2026-01-12T00:00")

    assert week == ["05 03:30 05 11:30"]


def test_rule_15_instants_may_come_in_any_zone() -> None:
    hours = calendar({"mon": [("09:00", "17:00")]}, "Europe/Paris")
    start = datetime(2026, 1, 5, 3, 0, tzinfo=ZoneInfo("America/New_York"))  # 09:00 in Paris
    end = datetime(2026, 1, 5, 14, 0, tzinfo=timezone(timedelta(hours=5, minutes=30)))  # 09:30

    elapsed = hours.elapsed(start, end)

    assert elapsed == 1800.0
    assert hours.is_open(start)


def test_rule_15_daylight_saving_moves_a_window_in_utc_not_on_the_wall() -> None:
    hours = calendar({"fri": [("09:00", "10:00")], "mon": [("09:00", "10:00")]}, "Europe/Paris")

    days = windows(hours, "2026-03-27T00:00", "2026-03-31T00:00")

    assert days == ["27 08:00 27 09:00", "30 07:00 30 08:00"]


@pytest.mark.parametrize(
    ("zone", "day", "real_hours"),
    [
        ("Europe/Paris", date(2026, 3, 29), 23.0),
        ("Europe/Paris", date(2026, 10, 25), 25.0),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Sao_Paulo", date(2018, 11, 4), 23.0),  # its midnight is skipped
        ("America/Sao_Paulo", date(2018, 2, 17), 25.0),  # its last hour is repeated
    ],
)
def test_rule_15_a_whole_day_is_as_long_as_daylight_saving_makes_it(
    zone: str, day: date, real_hours: float
) -> None:
    hours = calendar({}, zone, exceptions={day: [("00:00", "24:00")]})

    length = hours.elapsed_us(us(f"{day}T00:00") - 2 * DAY, us(f"{day}T00:00") + 2 * DAY)

    assert length == real_hours * HOUR


def test_rule_15_a_skipped_opening_resolves_with_fold_0_by_the_offset_before_the_change() -> None:
    hours = calendar({"sun": [("02:30", "05:00")]}, "Europe/Paris")

    day = windows(hours, "2026-03-29T00:00", "2026-03-30T00:00")

    assert day == ["29 01:30 29 03:00"]  # 03:30 to 05:00 on the wall


def test_rule_15_a_skipped_closing_resolves_with_fold_0_by_the_offset_before_the_change() -> None:
    hours = calendar({"sun": [("01:00", "02:30")]}, "Europe/Paris")

    day = windows(hours, "2026-03-29T00:00", "2026-03-30T00:00")

    assert day == ["29 00:00 29 01:30"]  # 01:00 to 03:30 on the wall


def test_rule_15_a_repeated_opening_is_the_first_of_the_two() -> None:
    hours = calendar({"sun": [("02:30", "04:00")]}, "Europe/Paris")

    day = windows(hours, "2026-10-25T00:00", "2026-10-26T00:00")

    assert day == ["25 00:30 25 03:00"]


def test_rule_15_a_repeated_closing_is_the_first_of_the_two() -> None:
    hours = calendar({"sun": [("02:00", "02:30")]}, "Europe/Paris")

    day = windows(hours, "2026-10-25T00:00", "2026-10-26T00:00")

    assert day == ["25 00:00 25 00:30"]


def test_rule_15_a_window_that_daylight_saving_turns_around_is_dropped_on_that_day_only() -> None:
    hours = calendar({"sun": [("02:30", "03:00")]}, "Europe/Paris")

    sundays = windows(hours, "2026-03-22T00:00", "2026-04-06T00:00")

    assert sundays == ["22 01:30 22 02:00", "05 00:30 05 01:00"]


def test_rule_15_a_window_that_daylight_saving_leaves_empty_is_dropped() -> None:
    hours = calendar({"sun": [("02:00", "03:00")]}, "Europe/Paris")

    day = windows(hours, "2026-03-29T00:00", "2026-03-30T00:00")

    assert day == []


def test_rule_15_daylight_saving_far_ahead_follows_the_yearly_rule() -> None:
    hours = calendar({"sun": [("09:00", "10:00")]}, "Europe/Paris")
    change = date(2999, 3, 31)  # the last Sunday of March

    before, after = (
        windows(hours, f"{day}T00:00", f"{day}T23:00") for day in (date(2999, 3, 24), change)
    )

    assert (before, after) == (["24 08:00 24 09:00"], ["31 07:00 31 08:00"])


def test_rule_15_years_far_ahead_open_on_their_own_weekdays() -> None:
    hours = calendar({"mon": [("09:00", "10:00")]})
    days = [date(2290, 1, 1) + timedelta(days=number) for number in range(40 * 365)]

    opened = [day for day in days if hours.is_open(utc(f"{day}T09:30"))]

    assert opened == [day for day in days if day.weekday() == 0]


# Rule 15: whole microseconds.


def test_rule_15_arithmetic_is_in_whole_microseconds() -> None:
    hours = calendar({"mon": [("09:00", "10:00")]})
    start = utc("2026-01-05T09:59:59.999999")

    deadline = hours.deadline(start, 0.000002)

    assert deadline == utc("2026-01-12T09:00:00.000001")
    assert hours.elapsed(start, deadline) == 0.000002


def test_rule_15_seconds_are_rounded_to_the_nearest_microsecond() -> None:
    hours = calendar(None)

    deadline = hours.deadline(utc("2026-01-05T00:00"), 0.1 + 0.2)

    assert deadline == utc("2026-01-05T00:00:00.300000")
