"""Rule 15: which holidays and exceptions change the opening time between two instants."""

from datetime import date

from hypothesis import given, settings

from firstreply.domain.calendar import Calendar
from firstreply.domain.opening_hours import SpecialDay
from tests.unit.domain.calendars import OFFICE, calendar, us
from tests.unit.domain.test_calendar_properties import Plan, offsets, plans

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def named(hours: Calendar, start: str, end: str) -> list[tuple[str, bool]]:
    found = hours.special_days_us(us(start), us(end))
    return [(special.day.isoformat(), special.is_exception) for special in found]


def test_rule_15_a_holiday_in_between_is_named() -> None:
    hours = calendar(OFFICE, holidays=[TUESDAY])

    assert named(hours, "2026-03-02T16:00", "2026-03-04T10:00") == [("2026-03-03", False)]


def test_rule_15_a_holiday_on_a_day_that_is_closed_anyway_is_not_named() -> None:
    hours = calendar(OFFICE, holidays=[date(2026, 3, 7), date(2026, 3, 8)])

    assert named(hours, "2026-03-02T16:00", "2026-03-31T10:00") == []


def test_rule_15_a_day_is_named_only_if_what_it_changes_lies_in_between() -> None:
    hours = calendar(OFFICE, exceptions={MONDAY: [("09:00", "12:30")]})

    assert named(hours, "2026-03-02T09:00", "2026-03-02T13:30") == []
    assert named(hours, "2026-03-02T09:00", "2026-03-02T13:30:00.000001") == [("2026-03-02", True)]
    assert named(hours, "2026-03-02T17:59:59.999999", "2026-03-03T09:00") == [("2026-03-02", True)]
    assert named(hours, "2026-03-02T18:00", "2026-03-03T09:00") == []


def test_rule_15_an_exception_that_opens_as_the_weekday_does_is_not_named() -> None:
    hours = calendar(OFFICE, holidays=[MONDAY], exceptions={MONDAY: OFFICE["mon"]})

    assert named(hours, "2026-03-01T00:00", "2026-03-09T00:00") == []


def test_rule_15_an_exception_on_a_holiday_is_an_exception_and_tells_its_windows() -> None:
    hours = calendar(OFFICE, holidays=[MONDAY], exceptions={MONDAY: [("10:00", "11:00")]})

    found = hours.special_days_us(us("2026-03-01T00:00"), us("2026-03-03T00:00"))

    assert found == [SpecialDay(MONDAY, is_exception=True, windows=((600, 660),))]


def test_rule_15_annual_holidays_are_named_each_year_and_29_february_in_leap_years() -> None:
    every_day = {day: [("09:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri", "sat")}
    hours = calendar(every_day, annual_holidays=["02-29", "05-01"])

    found = named(hours, "2026-01-01T00:00", "2029-01-01T00:00")

    years = [("2026-05-01", False), ("2027-05-01", False), ("2028-02-29", False)]
    assert found == [*years, ("2028-05-01", False)]


def test_rule_15_the_night_before_a_holiday_keeps_its_length() -> None:
    nights = calendar(
        {day: [("22:00", "06:00")] for day in ("sun", "mon", "tue")}, holidays=[MONDAY]
    )

    assert named(nights, "2026-03-02T00:00", "2026-03-02T22:00") == []
    assert named(nights, "2026-03-03T05:59", "2026-03-03T22:00") == [("2026-03-02", False)]


def test_rule_15_round_the_clock_has_no_special_days() -> None:
    assert named(calendar(None), "2026-01-01T00:00", "2027-01-01T00:00") == []


def test_rule_15_no_time_in_between_has_no_special_days() -> None:
    hours = calendar(OFFICE, holidays=[MONDAY])

    assert named(hours, "2026-03-02T10:00", "2026-03-02T10:00") == []


@settings(max_examples=150, deadline=None)
@given(plan=plans(), first=offsets, second=offsets)
def test_rule_15_where_no_special_day_is_named_opening_time_is_that_of_the_weekdays(
    plan: Plan, first: int, second: int
) -> None:
    start, end = sorted((plan.instant(first), plan.instant(second)))
    hours = plan.calendar()
    usual = Plan(plan.zone, plan.change, plan.weekly, [], {}).calendar()

    special = hours.special_days_us(start, end)

    if not special:
        assert hours.windows_us(start, end) == usual.windows_us(start, end)
    known = {*plan.holidays, *plan.exceptions}
    assert {one.day for one in special} <= known
