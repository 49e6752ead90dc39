"""Opening hours as a person configures them: read from text, checked, known by a hash.

Text comes in (``("09:00", "12:30")``, ``"12-25"``), an ``OpeningHours`` goes out: plain data that
can be hashed, stored with a contact's policy and compiled again elsewhere. It answers one question,
which UTC intervals open on a given local date; ``domain.calendar`` does the arithmetic on them.

What a local date opens, strongest first: its dated exception, else nothing on a holiday, else its
weekday's windows. A window belongs to the date it opens on, also where it runs past midnight: a
holiday does not shorten the night that began before it.

Whatever cannot be meant is refused with ``ConfigurationError``, naming the setting and the remedy.
Holidays arrive here as dates; countries and subdivisions are resolved outside the domain.
"""

import difflib
import hashlib
import re
import zoneinfo
from calendar import isleap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import Instant, to_instant

Window = tuple[int, int]
"""Opening and closing in minutes of wall clock after midnight of the local date it opens on.

The closing is above 1440 where the window runs past midnight."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 9998
"""Nothing is open outside these years: a day more on either side still fits a ``datetime``."""

_MINUTES_A_DAY: Final = 24 * 60
_ONE_DAY: Final = timedelta(days=1)
_ALL_DAY: Final = ((0, _MINUTES_A_DAY),)
_DATES_IN_A_LEAP_YEAR: Final = 366
_LEAP_YEAR: Final = 2000
_LEAP_DAY: Final = (2, 29)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_MONTH_DAY: Final = re.compile(r"([0-9]{2})-([0-9]{2})")
_UNSTABLE_ZONES: Final = re.compile(r"localtime|posixrules|Factory|(right|posix)/.*")
"""In the zone database, but another rule on each machine, or counting leap seconds."""


class SpecialDay(msgspec.Struct, frozen=True):
    """A local date that does not open as its weekday does."""

    day: date
    is_exception: bool
    """A dated exception; else a holiday."""
    windows: tuple[Window, ...]
    """What opens instead."""


class OpeningHours(msgspec.Struct, frozen=True):
    """When somebody is there to answer. Build it with ``read_opening_hours``."""

    timezone: str
    weekly: tuple[tuple[Window, ...], ...] | None
    """Windows from Monday to Sunday; ``None`` is open round the clock, every day."""
    holidays: frozenset[date]
    annual_holidays: frozenset[str]
    """``MM-DD``, every year."""
    exceptions: dict[date, tuple[Window, ...]]

    def windows_on(self, day: date) -> tuple[Window, ...]:
        """Return the windows that open on a local date. Not for hours without a weekly table."""
        windows = self.exceptions.get(day)
        if windows is not None:
            return windows
        if (
            self.weekly is None
            or day in self.holidays
            or day.isoformat()[5:] in self.annual_holidays
        ):
            return ()
        return self.weekly[day.weekday()]

    def intervals_on(self, day: date, zone: zoneinfo.ZoneInfo) -> list[tuple[int, int]]:
        """Return the UTC intervals, in microseconds, of the windows that open on a local date.

        A window that daylight saving leaves empty (it lies in the hour that is skipped) or turns
        around is not among them.
        """
        return _intervals(self.windows_on(day), day, zone)

    def usual_intervals_on(self, day: date, zone: zoneinfo.ZoneInfo) -> list[tuple[int, int]]:
        """Return what ``intervals_on`` would without holidays and exceptions."""
        usual = () if self.weekly is None else self.weekly[day.weekday()]
        return _intervals(usual, day, zone)

    def special_days(self, first: date, last: date) -> list[SpecialDay]:
        """Return the dates from ``first`` to ``last``, inclusive, that open unlike their weekday.

        A holiday on a day that is closed anyway is not among them.
        """
        if self.weekly is None:
            return []
        days = {day for day in (*self.holidays, *self.exceptions) if first <= day <= last}
        days.update(
            day
            for year in range(first.year, last.year + 1)
            for day in self._annual_dates(year)
            if first <= day <= last
        )
        return [
            SpecialDay(day, day in self.exceptions, self.windows_on(day))
            for day in sorted(days)
            if self.windows_on(day) != self.weekly[day.weekday()]
        ]

    def _annual_dates(self, year: int) -> Iterator[date]:
        for text in self.annual_holidays:
            month, day = int(text[:2]), int(text[3:])
            if (month, day) != _LEAP_DAY or isleap(year):
                yield date(year, month, day)

    def ever_open(self) -> bool:
        """Say whether there is any opening time at all, now or later."""
        if self.weekly is None:
            return True
        # Every date of the year falls on every weekday sooner or later, so one date left is enough.
        if any(self.weekly) and len(self.annual_holidays) < _DATES_IN_A_LEAP_YEAR:
            return True
        zone = zoneinfo.ZoneInfo(self.timezone)
        return any(self.intervals_on(day, zone) for day in self.exceptions)

    def digest(self) -> str:
        """Return the hash of the content: equal hours have equal digests in every process."""
        content = (
            self.timezone,
            self.weekly,
            sorted(self.holidays),
            sorted(self.annual_holidays),
            sorted(self.exceptions.items()),
        )
        encoded = msgspec.json.encode(content)
        return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def read_opening_hours(
    *,
    timezone: str,
    weekly: Mapping[str, Sequence[tuple[str, str]]] | None,
    holidays: Iterable[date] = (),
    annual_holidays: Iterable[str] = (),
    exceptions: Mapping[date, Sequence[tuple[str, str]]] | None = None,
) -> OpeningHours:
    """Read opening hours; see ``Calendar.from_weekly`` for what the arguments mean.

    Raises:
        ConfigurationError: something in them cannot be meant, or they never open.
    """
    exact_exceptions = {
        _exact_date(day, "exceptions"): _windows(windows, f"exceptions.{day}")
        for day, windows in (exceptions or {}).items()
    }
    days_off = frozenset(_exact_date(day, "holidays") for day in holidays)
    annual_days_off = frozenset(_month_day(text) for text in annual_holidays)
    table = None if weekly is None else _weekly(weekly)
    if table is None and (days_off or annual_days_off or exact_exceptions):
        table = (_ALL_DAY,) * len(WEEKDAYS)
    hours = OpeningHours(_timezone(timezone), table, days_off, annual_days_off, exact_exceptions)
    if not hours.ever_open():
        msg = (
            "the calendar has no opening time at all; give weekly at least one window on a day "
            'that is not always a holiday, such as mon: ["09:00-17:00"], or leave the calendar '
            "away where somebody always answers"
        )
        raise ConfigurationError(msg)
    return hours


def _intervals(
    windows: Iterable[Window], day: date, zone: zoneinfo.ZoneInfo
) -> list[tuple[int, int]]:
    """Leave out what daylight saving leaves empty or turns around."""
    return [
        (begin, end)
        for opening, closing in windows
        if (begin := _utc(day, opening, zone)) < (end := _utc(day, closing, zone))
    ]


def _utc(day: date, minute: int, zone: zoneinfo.ZoneInfo) -> Instant:
    """Resolve a local time as zoneinfo does with fold 0, skipped and repeated ones alike."""
    days, minute = divmod(minute, _MINUTES_A_DAY)
    if days:
        day += _ONE_DAY
    hour, minute = divmod(minute, 60)
    return to_instant(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))


def _timezone(name: str) -> str:
    remedy = "give a name of the zone database, such as Europe/Paris or UTC"
    if _UNSTABLE_ZONES.fullmatch(name):
        msg = f'timezone: "{name}" does not mean the same on every machine; {remedy}'
        raise ConfigurationError(msg)
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = difflib.get_close_matches(name, zoneinfo.available_timezones(), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        msg = f'timezone: "{name}" is not a time zone{hint}; {remedy}'
        raise ConfigurationError(msg) from error


def _weekly(weekly: Mapping[str, Sequence[tuple[str, str]]]) -> tuple[tuple[Window, ...], ...]:
    for name in weekly:
        if name not in WEEKDAYS:
            msg = f'weekly: "{name}" is not a weekday; use {", ".join(WEEKDAYS)}'
            raise ConfigurationError(msg)
    return tuple(_windows(weekly.get(name, ()), f"weekly.{name}") for name in WEEKDAYS)


def _windows(windows: Sequence[tuple[str, str]], place: str) -> tuple[Window, ...]:
    """Read the windows of one day, in the order of the clock whatever order they came in."""
    return tuple(sorted({_window(window, place) for window in windows}))


def _window(window: Sequence[str], place: str) -> Window:
    if len(window) != 2:
        msg = f"{place}: {window!r} is not a window; give an opening and a closing time"
        raise ConfigurationError(msg)
    opening = _minute(window[0], place)
    closing = _MINUTES_A_DAY if window[1] == "24:00" else _minute(window[1], place)
    if closing == opening:
        msg = (
            f"{place}: {window[0]}-{window[1]} opens and closes at the same time; "
            "remove it, or write 00:00-24:00 for the whole day"
        )
        raise ConfigurationError(msg)
    return (opening, closing if closing > opening else closing + _MINUTES_A_DAY)


def _minute(text: object, place: str) -> int:
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        msg = (
            f'{place}: "{text}" is not a time; write it as HH:MM from 00:00 to 23:59 '
            "(24:00 only as a closing time)"
        )
        raise ConfigurationError(msg)
    return int(match[1]) * 60 + int(match[2])


def _month_day(text: object) -> str:
    match = _MONTH_DAY.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is not None:
            return date(_LEAP_YEAR, int(match[1]), int(match[2])).isoformat()[5:]
    except ValueError:
        pass
    msg = f'annual_holidays: "{text}" is not a day of the year; write it as MM-DD, such as 12-25'
    raise ConfigurationError(msg)


def _exact_date(day: object, place: str) -> date:
    if not isinstance(day, date) or isinstance(day, datetime):
        msg = f"{place}: {day!r} is not a date; write it as YYYY-MM-DD, without a time"
        raise ConfigurationError(msg)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        msg = f"{place}: {day} is out of range; give a date from {FIRST_YEAR} to {LAST_YEAR}"
        raise ConfigurationError(msg)
    return day
