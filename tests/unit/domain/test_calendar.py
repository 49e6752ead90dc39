"""The opening-hours calendar, clause by clause of rule 15, with rule 4's deadlines."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import msgspec
import pytest

from firstreply.domain.calendar import Calendar
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, DAY, HOUR, MINUTE, to_instant
from firstreply.domain.opening_hours import WEEKDAYS, OpeningHours

Windows = Sequence[tuple[str, str]]

OFFICE: Mapping[str, Windows] = {
    day: [("09:00", "12:30"), ("13:30", "18:00")] for day in ("mon", "tue", "wed", "thu", "fri")
}
EVERY_DATE = [(date(2000, 1, 1) + timedelta(days=number)).isoformat()[5:] for number in range(366)]


def calendar(
    weekly: Mapping[str, Windows] | None,
    zone: str = "UTC",
    *,
    holidays: Sequence[date] = (),
    annual_holidays: Sequence[str] = (),
    exceptions: Mapping[date, Windows] | None = None,
) -> Calendar:
    return Calendar.from_weekly(
        timezone=zone,
        weekly=weekly,
        holidays=holidays,
        annual_holidays=annual_holidays,
        exceptions=exceptions,
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def us(text: str) -> int:
    return to_instant(utc(text))


def windows(hours: Calendar, start: str, end: str) -> list[str]:
    """Return the windows between two UTC instants as text, in UTC, day and minutes."""
    return [
        " ".join(f"{datetime.fromtimestamp(edge // 1_000_000, UTC):%d %H:%M}" for edge in window)
        for window in hours.windows_us(us(start), us(end))
    ]


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
    last_sunday_of_march = date(2999, 3, 31)
    assert last_sunday_of_march.weekday() == 6

    before, after = (hours.is_open(datetime(2999, 3, day, 8, 30, tzinfo=UTC)) for day in (24, 31))

    assert (before, after) == (True, False)


# Rule 15: no opening time at all.


@pytest.mark.parametrize(
    ("weekly", "annual_holidays", "exceptions"),
    [
        pytest.param({}, (), None, id="no weekday"),
        pytest.param(dict.fromkeys(WEEKDAYS, ()), (), None, id="weekdays without a window"),
        pytest.param({}, (), {date(2026, 1, 6): []}, id="empty exceptions"),
        pytest.param(OFFICE, EVERY_DATE, None, id="every date an annual holiday"),
        pytest.param(None, EVERY_DATE, None, id="always open, every date an annual holiday"),
    ],
)
def test_rule_15_no_opening_time_at_all_is_a_configuration_error(
    weekly: Mapping[str, Windows] | None,
    annual_holidays: Sequence[str],
    exceptions: Mapping[date, Windows] | None,
) -> None:
    with pytest.raises(ConfigurationError, match="no opening time at all; give weekly at least"):
        calendar(weekly, annual_holidays=annual_holidays, exceptions=exceptions)


def test_rule_15_a_single_exception_that_daylight_saving_skips_is_no_opening_time() -> None:
    skipped = {date(2026, 3, 29): [("02:00", "03:00")]}

    with pytest.raises(ConfigurationError, match="no opening time at all"):
        calendar({}, "Europe/Paris", exceptions=skipped)

    assert calendar({}, "UTC", exceptions=skipped).is_open(utc("2026-03-29T02:30"))


def test_rule_15_one_date_left_by_the_annual_holidays_is_enough_opening_time() -> None:
    all_but_leap_day = [day for day in EVERY_DATE if day != "02-29"]
    hours = calendar({"mon": [("09:00", "10:00")]}, annual_holidays=all_but_leap_day)

    next_opening = hours.deadline_us(us("2026-01-01T00:00"), 1) - 1

    assert next_opening == us("2044-02-29T09:00")


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


# The digest.


def test_the_digest_is_the_same_in_every_process_and_version() -> None:
    hours = calendar(
        OFFICE,
        "Europe/Paris",
        holidays=[date(2026, 5, 1), date(2026, 5, 8)],
        annual_holidays=["12-25", "01-01"],
        exceptions={date(2026, 12, 31): [], date(2026, 12, 24): [("09:00", "12:00")]},
    )

    digest = hours.digest

    # Contacts pin it in durable state: if this changes, every open contact loses its policy.
    assert digest == "01b460ea33c578c7"


def test_the_digest_does_not_depend_on_the_order_or_the_spelling_of_the_same_hours() -> None:
    one = calendar(
        {"mon": [("09:00", "12:00"), ("20:00", "24:00")], "tue": []},
        holidays=[date(2026, 5, 1), date(2026, 5, 8)],
        annual_holidays=["12-25", "01-01"],
        exceptions={date(2026, 12, 31): [], date(2026, 12, 24): []},
    )
    other = calendar(
        {"mon": [("20:00", "00:00"), ("09:00", "12:00"), ("09:00", "12:00")]},
        holidays=[date(2026, 5, 8), date(2026, 5, 1), date(2026, 5, 1)],
        annual_holidays=["01-01", "12-25"],
        exceptions={date(2026, 12, 24): [], date(2026, 12, 31): []},
    )

    digests = {one.digest, other.digest}

    assert len(digests) == 1
    assert one == other
    assert hash(one) == hash(other)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(calendar(OFFICE, "Europe/Berlin"), id="time zone"),
        pytest.param(calendar({**OFFICE, "sat": [("09:00", "10:00")]}), id="weekly"),
        pytest.param(calendar(None), id="always open"),
        pytest.param(calendar(OFFICE, holidays=[date(2026, 5, 1)]), id="holidays"),
        pytest.param(calendar(OFFICE, annual_holidays=["05-01"]), id="annual holidays"),
        pytest.param(calendar(OFFICE, exceptions={date(2026, 5, 1): []}), id="exceptions"),
    ],
)
def test_the_digest_depends_on_everything_that_is_configured(other: Calendar) -> None:
    office = calendar(OFFICE)

    assert other.digest != office.digest
    assert other != office
    assert office != office.digest


def test_the_digest_does_not_change_when_the_calendar_is_used() -> None:
    hours = calendar(OFFICE)
    before = hours.digest

    hours.deadline(utc("2026-01-05T10:00"), 3600)

    assert hours.digest == before
    assert repr(hours) == f"<Calendar {before} UTC>"


def test_an_equal_calendar_can_be_built_from_its_stored_hours() -> None:
    original = calendar(
        OFFICE,
        "Europe/Paris",
        holidays=[date(2026, 5, 1)],
        annual_holidays=["12-25"],
        exceptions={date(2026, 12, 24): [("22:00", "02:00")]},
    )

    stored = msgspec.msgpack.encode(original.hours)
    restored = Calendar(msgspec.msgpack.decode(stored, type=OpeningHours))

    assert restored == original
    assert restored.deadline(utc("2026-12-24T20:00"), 7200) == utc("2026-12-24T23:00")


# What cannot be meant.


@pytest.mark.parametrize(
    "window",
    [
        ("9:00", "17:00"),
        ("09:00", "17:60"),
        ("25:00", "17:00"),
        ("24:00", "06:00"),
        ("09:00", "24:01"),
        ("09:00:00", "17:00"),
        ("09:00", "17.00"),
        ("09:00", ""),
        ("09:00", 1020),
        ("٠٩:٠٠", "17:00"),
    ],
)
def test_a_bad_time_names_the_day_the_text_and_the_form(window: tuple[str, str]) -> None:
    message = r'^weekly.mon: ".*" is not a time; write it as HH:MM from 00:00 to 23:59'

    with pytest.raises(ConfigurationError, match=message):
        calendar({"mon": [window]})


def test_a_bad_time_in_an_exception_names_its_date() -> None:
    with pytest.raises(ConfigurationError, match=r'^exceptions.2026-12-24: "noon" is not a time'):
        calendar(OFFICE, exceptions={date(2026, 12, 24): [("09:00", "noon")]})


@pytest.mark.parametrize("window", ["09:00-17:00", ("09:00",), ("09:00", "12:00", "17:00"), ()])
def test_a_window_that_is_not_two_times_is_refused(window: tuple[str, str]) -> None:
    message = r"^weekly.mon: .* is not a window; give an opening and a closing time$"

    with pytest.raises(ConfigurationError, match=message):
        calendar({"mon": [window]})


@pytest.mark.parametrize("time", ["08:00", "00:00"])
def test_a_window_of_length_zero_is_refused_with_how_to_write_a_whole_day(time: str) -> None:
    message = f"^weekly.mon: {time}-{time} opens and closes at the same time; .*00:00-24:00"

    with pytest.raises(ConfigurationError, match=message):
        calendar({"mon": [(time, time)]})


@pytest.mark.parametrize("day", ["monday", "Mon", "mon-fri", "", "lun"])
def test_a_bad_weekday_is_refused_with_the_right_ones(day: str) -> None:
    message = f'^weekly: "{day}" is not a weekday; use mon, tue, wed, thu, fri, sat, sun$'

    with pytest.raises(ConfigurationError, match=message):
        calendar({**OFFICE, day: [("09:00", "17:00")]})


@pytest.mark.parametrize("day", ["02-30", "13-01", "00-10", "1-1", "2026-01-01", "25.12.", 101])
def test_a_bad_annual_holiday_is_refused_with_the_form(day: str) -> None:
    message = f'^annual_holidays: "{day}" is not a day of the year; write it as MM-DD'

    with pytest.raises(ConfigurationError, match=message):
        calendar(OFFICE, annual_holidays=[day])


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Pariss", r" \(did you mean Europe/Paris\?\)"),
        ("Nowhere", ""),
        ("Europe", ".*"),
        ("", ""),
        ("../Europe/Paris", ".*"),
    ],
)
def test_an_unknown_time_zone_is_refused_with_a_near_name(zone: str, hint: str) -> None:
    message = f'^timezone: "{zone}" is not a time zone{hint}; give a name of the zone database'

    with pytest.raises(ConfigurationError, match=message):
        calendar(OFFICE, zone)


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory", "right/UTC", "posix/UTC"])
def test_a_time_zone_that_depends_on_the_machine_is_refused(zone: str) -> None:
    message = f'^timezone: "{zone}" does not mean the same on every machine; give a name'

    with pytest.raises(ConfigurationError, match=message):
        calendar(OFFICE, zone)


@pytest.mark.parametrize("day", [utc("2026-12-25T00:00"), "2026-12-25", None])
def test_a_holiday_or_exception_that_is_not_a_date_is_refused(day: date) -> None:
    with pytest.raises(ConfigurationError, match=r"^holidays: .* is not a date; write it as YYYY"):
        calendar(OFFICE, holidays=[day])
    with pytest.raises(ConfigurationError, match=r"^exceptions: .* is not a date; write it as"):
        calendar(OFFICE, exceptions={day: []})


@pytest.mark.parametrize("day", [date(1899, 12, 31), date(9999, 1, 1)])
def test_a_date_outside_the_years_1900_to_9998_is_refused(day: date) -> None:
    with pytest.raises(ConfigurationError, match=f"^holidays: {day} is out of range; give a date"):
        calendar(OFFICE, holidays=[day])
    with pytest.raises(ConfigurationError, match=f"^exceptions: {day} is out of range"):
        calendar(OFFICE, exceptions={day: [("09:00", "10:00")]})


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(9998, 12, 31)])
def test_a_date_in_the_years_1900_to_9998_is_taken(day: date) -> None:
    hours = calendar({}, exceptions={day: [("09:00", "10:00")]})

    opening_time = hours.elapsed_us(BEFORE_ALL, AFTER_ALL)

    assert opening_time == HOUR
