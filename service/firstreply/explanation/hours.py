"""Opening time between two instants, as an explanation shows it: windows, and days unlike others.

Of many windows only the first and the last are shown, so that a contact that waited for years is
still one page; the sums are those of all of them. Instants come in as microseconds.
"""

from typing import Final

from firstreply.domain.bands import Policy
from firstreply.domain.calendar import Calendar, Interval
from firstreply.domain.instants import AFTER_ALL, to_datetime
from firstreply.domain.opening_hours import SpecialDay as DatedHours
from firstreply.explanation.instants import seconds
from firstreply.explanation.model import Hours, SpecialDay, Window

FIRST_SHOWN: Final = 8
LAST_SHOWN: Final = 4
SPECIAL_DAYS_SHOWN: Final = 12


def opening_time(policy: Policy, start: int, end: int) -> Hours | None:
    """Return the opening time in [start, end); None on a channel that is always open."""
    return None if policy.calendar is None else _hours(policy.calendar, start, end)


def opening_seconds(policy: Policy, start: int, end: int) -> float | None:
    """Return how many seconds of opening time are in [start, end)."""
    if policy.calendar is None:
        return None
    return seconds(policy.calendar.elapsed_us(start, end))


def opens_at(policy: Policy, at: int) -> int | None:
    """Return the next opening of a channel that is closed; None if it is open or never opens."""
    calendar = policy.calendar
    if calendar is None or calendar.is_open_us(at):
        return None
    used = calendar.deadline_us(at, 1)  # one microsecond is used up right after the opening
    return None if used == AFTER_ALL else used - 1


def _hours(calendar: Calendar, start: int, end: int) -> Hours:
    windows = calendar.windows_us(start, end)
    last = max(len(windows) - LAST_SHOWN, FIRST_SHOWN)
    first, hidden, rest = windows[:FIRST_SHOWN], windows[FIRST_SHOWN:last], windows[last:]
    days = calendar.special_days_us(start, end)
    return Hours(
        seconds=_sum(windows),
        windows=tuple(_window(one) for one in (*first, *rest)),
        left_out_after=len(first),
        left_out=len(hidden),
        left_out_seconds=_sum(hidden),
        special_days=tuple(_special_day(one) for one in days[:SPECIAL_DAYS_SHOWN]),
        special_days_left_out=max(0, len(days) - SPECIAL_DAYS_SHOWN),
    )


def _sum(windows: list[Interval]) -> float:
    return seconds(sum(closing - opening for opening, closing in windows))


def _window(interval: Interval) -> Window:
    opening, closing = interval
    return Window(to_datetime(opening), to_datetime(closing), seconds(closing - opening))


def _special_day(dated: DatedHours) -> SpecialDay:
    return SpecialDay(
        day=dated.day,
        because="exception" if dated.is_exception else "holiday",
        windows=tuple(f"{_time(opening)}-{_time(closing)}" for opening, closing in dated.windows),
    )


def _time(minute: int) -> str:
    """Write minutes after midnight; those of the next day as a clock shows them, but 24:00."""
    hour = minute // 60 if minute == 24 * 60 else minute // 60 % 24
    return f"{hour:02d}:{minute % 60:02d}"
