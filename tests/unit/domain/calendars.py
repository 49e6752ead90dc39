"""Short spellings for the tests of the calendar: calendars, instants, windows as text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from firstreply.domain.calendar import Calendar
from firstreply.domain.instants import to_instant

Windows = Sequence[tuple[str, str]]

OFFICE: Mapping[str, Windows] = {
    day: [("09:00", "12:30"), ("13:30", "18:00")] for day in ("mon", "tue", "wed", "thu", "fri")
}


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
