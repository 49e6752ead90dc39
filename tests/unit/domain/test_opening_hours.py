"""Opening hours as configured: their hash, and what is refused, no opening time first."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec
import pytest

from firstreply.domain.calendar import Calendar
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, HOUR
from firstreply.domain.opening_hours import WEEKDAYS, OpeningHours
from tests.unit.domain.calendars import OFFICE, Windows, calendar, us, utc

EVERY_DATE = [(date(2000, 1, 1) + timedelta(days=number)).isoformat()[5:] for number in range(366)]


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
        ("\u0660\u0669:\u0660\u0660", "17:00"),
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
