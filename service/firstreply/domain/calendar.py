"""Opening hours as arithmetic: how much opening time lies between two instants, and its inverse.

Local opening hours are compiled, one UTC year at a time and only when asked for, to sorted disjoint
UTC intervals with prefix sums, so that every question is a bisect. Nothing local is left in the
arithmetic: all of it is on whole microseconds, ``int`` in and ``int`` out (rule 15).

A window is [opening, closing): open at its opening instant, closed at its closing one. Windows that
overlap or touch are one, across midnight and new year too. A *deadline* is the earliest instant at
which an amount is used up (rule 4), so an amount used up exactly at closing is due at closing, not
at the next opening.

Guaranteed: ``elapsed_us(start, deadline_us(start, amount)) == amount``, one microsecond earlier it
is less, and likewise backwards for ``latest_start_us``. Nothing loops without end: the years run
from 1900 to 9998 and nothing is open outside them.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from firstreply.domain.instants import (
    AFTER_ALL,
    BEFORE_ALL,
    DAY,
    SECOND,
    micros,
    to_datetime,
    to_instant,
)
from firstreply.domain.opening_hours import (
    FIRST_YEAR,
    LAST_YEAR,
    OpeningHours,
    SpecialDay,
    read_opening_hours,
)

Interval = tuple[int, int]

_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

_SETTLED_YEAR: Final = 2200
"""From here on no zone has a dated change left (Casablanca's, the last, end in 2087), only yearly
rules: years that begin on the same weekday and have the same length open at the same times."""

_MARGIN: Final = timedelta(days=2)
"""A window of the local date two days off can still reach into a UTC year."""


class Calendar:
    """Opening hours, ready for arithmetic. Immutable to the caller; years are compiled lazily.

    Two calendars are equal when their opening hours are.
    """

    def __init__(self, hours: OpeningHours) -> None:
        self.hours: Final = hours
        """What was configured, as plain data: enough to build an equal calendar elsewhere."""
        self.digest: Final = hours.digest()
        """Hash of the content, equal in every process."""
        self._zone = ZoneInfo(hours.timezone)
        # A night of New Year's Eve, or the offset of the zone, reaches into the year beside it.
        self._dated_years = frozenset(
            day.year + beside
            for day in (*hours.holidays, *hours.exceptions)
            for beside in (-1, 0, 1)
        )
        self._years: dict[int, _Year] = {}
        self._alike: dict[tuple[int, int], _Year] = {}

    @classmethod
    def from_weekly(
        cls,
        *,
        timezone: str,
        weekly: Mapping[str, Sequence[tuple[str, str]]] | None,
        holidays: Sequence[date] = (),
        annual_holidays: Sequence[str] = (),
        exceptions: Mapping[date, Sequence[tuple[str, str]]] | None = None,
    ) -> "Calendar":
        """Build a calendar from local wall-clock windows.

        A window is ("HH:MM", "HH:MM"); one whose closing is not after its opening ends on the next
        date, ``24:00`` closes at midnight. A local time that daylight saving skips or repeats
        resolves as zoneinfo does with fold 0; a window left empty or turned around by that is
        dropped.

        Args:
            timezone: name in the zone database.
            weekly: windows by ``mon`` .. ``sun``; a day left out is closed; None opens every day
                from 00:00 to 24:00.
            holidays: local dates on which no window opens.
            annual_holidays: the same, ``MM-DD``, every year; ``02-29`` counts in leap years.
            exceptions: the windows of single dates, instead of the weekly ones and stronger than
                any holiday; an empty list is closed.

        Raises:
            ConfigurationError: one of these cannot be meant, or nothing ever opens.
        """
        return cls(
            read_opening_hours(
                timezone=timezone,
                weekly=weekly,
                holidays=holidays,
                annual_holidays=annual_holidays,
                exceptions=exceptions,
            )
        )

    def elapsed(self, start: datetime, end: datetime) -> float:
        """Return the seconds of opening time in [start, end); 0 when end is not after start.

        Raises:
            ValueError: a datetime has no time zone.
        """
        return self.elapsed_us(to_instant(start), to_instant(end)) / SECOND

    def deadline(self, start: datetime, seconds: float) -> datetime:
        """Return, in UTC, the earliest instant at which ``seconds`` of opening time are used up.

        Raises:
            ValueError: the datetime has no time zone; ``seconds`` is not at least a microsecond;
                or opening time ends before the amount is used up.
        """
        if not math.isfinite(seconds) or micros(seconds) <= 0:
            msg = f"seconds is {seconds}; a deadline needs a positive amount of opening time"
            raise ValueError(msg)
        deadline = self.deadline_us(to_instant(start), micros(seconds))
        if deadline == AFTER_ALL:
            msg = f"less than {seconds} s of opening time are left after {start.isoformat()}"
            raise ValueError(msg)
        return to_datetime(deadline)

    def is_open(self, at: datetime) -> bool:
        """Say whether ``at`` is in a window: open at the opening instant, not at the closing one.

        Raises:
            ValueError: the datetime has no time zone.
        """
        return self.is_open_us(to_instant(at))

    def elapsed_us(self, start: int, end: int) -> int:
        """Return the opening time in [start, end); 0 when end is not after start."""
        start, end = max(start, _BEGIN), min(end, _END)
        if end <= start:
            return 0
        first, last = _year_of(start), _year_of(end - 1)
        whole_years = sum(self._year(year).total for year in range(first, last))
        before_start = self._year(first).used(start - _begin_of(first))
        return whole_years + self._year(last).used(end - _begin_of(last)) - before_start

    def deadline_us(self, start: int, amount: int) -> int:
        """Return the earliest instant at which ``amount`` of opening time is used up.

        ``start`` when the amount is 0 or less; ``AFTER_ALL`` when opening time ends before.
        """
        if amount <= 0:
            return start
        start = max(start, _BEGIN)
        if start >= _END:
            return AFTER_ALL
        first = _year_of(start)
        wanted = amount + self._year(first).used(start - _begin_of(first))
        for number in range(first, LAST_YEAR + 1):
            year = self._year(number)
            if wanted <= year.total:
                return _begin_of(number) + year.earliest(wanted)
            wanted -= year.total
        return AFTER_ALL

    def latest_start_us(self, end: int, amount: int) -> int:
        """Return the latest start with ``elapsed_us(start, end) >= amount``.

        ``end`` when the amount is 0 or less; ``BEFORE_ALL`` when there is no such start.
        """
        if amount <= 0:
            return end
        end = min(end, _END)
        if end <= _BEGIN:
            return BEFORE_ALL
        number = _year_of(end - 1)
        left = self._year(number).used(end - _begin_of(number)) - amount
        while left < 0:
            number -= 1
            if number < FIRST_YEAR:
                return BEFORE_ALL
            left += self._year(number).total
        return _begin_of(number) + self._year(number).latest(left)

    def is_open_us(self, at: int) -> bool:
        """Say whether ``at`` is in a window [opening, closing)."""
        if not _BEGIN <= at < _END:
            return False
        number = _year_of(at)
        return self._year(number).is_open(at - _begin_of(number))

    def windows_us(self, start: int, end: int) -> list[Interval]:
        """Return the UTC intervals of opening time in [start, end), clipped to it, in order.

        For explanations: the cost grows with the span.
        """
        start, end = max(start, _BEGIN), min(end, _END)
        if end <= start:
            return []
        windows: list[Interval] = []
        for number in range(_year_of(start), _year_of(end - 1) + 1):
            begin = _begin_of(number)
            windows += (
                (max(start, begin + opening), min(end, begin + closing))
                for opening, closing in self._year(number).intervals()
                if begin + opening < end and begin + closing > start
            )
        return _merged(windows)

    def special_days_us(self, start: int, end: int) -> list[SpecialDay]:
        """Return the holidays and exceptions that change the opening time of [start, end).

        For explanations: the cost grows with the span.
        """
        start, end = max(start, _BEGIN), min(end, _END)
        if end <= start:
            return []
        hours, zone = self.hours, self._zone
        first = to_datetime(start).astimezone(zone).date() - _MARGIN
        last = to_datetime(end).astimezone(zone).date()
        return [
            special
            for special in hours.special_days(first, last)
            if _clipped(hours.intervals_on(special.day, zone), start, end)
            != _clipped(hours.usual_intervals_on(special.day, zone), start, end)
        ]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Calendar) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<Calendar {self.digest} {self.hours.timezone}>"

    def _year(self, number: int) -> "_Year":
        year = self._years.get(number)
        if year is None:
            year = self._years[number] = self._find_year(number)
        return year

    def _find_year(self, number: int) -> "_Year":
        """Compile a year, or take one that opens at the same times: far years cost nothing."""
        if number < _SETTLED_YEAR or number in self._dated_years:
            return self._compile(number)
        kind = (date(number, 1, 1).weekday(), _begin_of(number + 1) - _begin_of(number))
        if kind not in self._alike:
            self._alike[kind] = self._compile(number)
        return self._alike[kind]

    def _compile(self, number: int) -> "_Year":
        begin, length = _begin_of(number), _begin_of(number + 1) - _begin_of(number)
        if self.hours.weekly is None:
            return _Year([(0, length)])
        day, last = date(number, 1, 1) - _MARGIN, date(number, 12, 31) + _MARGIN
        intervals = [
            (max(0, opening - begin), min(length, closing - begin))
            for ordinal in range(day.toordinal(), last.toordinal() + 1)
            for opening, closing in self.hours.intervals_on(date.fromordinal(ordinal), self._zone)
        ]
        return _Year(_merged(interval for interval in intervals if interval[0] < interval[1]))


class _Year:
    """The opening time of one UTC year, in microseconds after its first instant."""

    __slots__ = ("_before", "_closings", "_openings", "total")

    def __init__(self, intervals: Sequence[Interval]) -> None:
        self._openings = [opening for opening, _ in intervals]
        self._closings = [closing for _, closing in intervals]
        self._before: list[int] = []
        """Opening time in the intervals before each one: strictly rising from 0."""
        self.total = 0
        for opening, closing in intervals:
            self._before.append(self.total)
            self.total += closing - opening

    def intervals(self) -> Iterable[Interval]:
        return zip(self._openings, self._closings, strict=True)

    def is_open(self, at: int) -> bool:
        index = bisect_right(self._openings, at) - 1
        return index >= 0 and at < self._closings[index]

    def used(self, at: int) -> int:
        """Return the opening time before ``at``."""
        index = bisect_right(self._openings, at) - 1
        if index < 0:
            return 0
        return self._before[index] + min(at, self._closings[index]) - self._openings[index]

    def earliest(self, amount: int) -> int:
        """Return the earliest instant with that much used; 0 < amount <= total."""
        index = bisect_left(self._before, amount) - 1
        return self._openings[index] + amount - self._before[index]

    def latest(self, amount: int) -> int:
        """Return the latest instant with no more than that used; 0 <= amount < total."""
        index = bisect_right(self._before, amount) - 1
        return self._openings[index] + amount - self._before[index]


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort intervals and join those that overlap or touch."""
    merged: list[Interval] = []
    for opening, closing in sorted(intervals):
        if merged and opening <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closing))
        else:
            merged.append((opening, closing))
    return merged


def _clipped(intervals: Iterable[Interval], start: int, end: int) -> list[Interval]:
    """Return what lies in [start, end) of intervals."""
    return _merged(
        (max(start, opening), min(end, closing))
        for opening, closing in intervals
        if opening < end and closing > start
    )


def _year_of(instant: int) -> int:
    return date.fromordinal(instant // DAY + _EPOCH_ORDINAL).year


def _begin_of(year: int) -> int:
    return (date(year, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY


_BEGIN: Final = _begin_of(FIRST_YEAR)
_END: Final = _begin_of(LAST_YEAR + 1)
