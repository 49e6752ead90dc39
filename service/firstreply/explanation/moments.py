"""Instants and durations as a person reads them, in each language and one time zone.

Times are exact: seconds and microseconds are shown where there are any, since one microsecond
decides between met and missed. Parts that must not be torn apart at the end of a line are joined by
no-break spaces; whoever prints replaces them.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from firstreply.words import Language

NBSP: Final = "\N{NO-BREAK SPACE}"

_MICROS: Final = 1_000_000
_LONG: Final = 48 * 3600
"""Seconds from which on an elapsed time is told in days."""
_LONGEST_SPAN: Final = timedelta(days=150)
"""A longer one may hold two changes of the clocks, of which no sentence can tell."""

_WEEKDAYS: Final[Mapping[Language, str]] = {
    Language.EN: "Mon Tue Wed Thu Fri Sat Sun",
    Language.FR: "lun. mar. mer. jeu. ven. sam. dim.",
}
_MONTHS: Final[Mapping[Language, str]] = {
    Language.EN: "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    Language.FR: "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
}
_DAY_UNIT: Final[Mapping[Language, str]] = {Language.EN: "d", Language.FR: "j"}


class Clockface:
    """Writes times of one contact: in its time zone, the year only where it is another."""

    def __init__(self, language: Language, timezone: str, year_of: datetime | None) -> None:
        self._language = language
        self._zone = ZoneInfo(timezone)
        self._year = None if year_of is None else self.local(year_of).year

    def local(self, at: datetime) -> datetime:
        """Return an instant as the clocks of the time zone show it."""
        return at.astimezone(self._zone)

    def full(self, at: datetime) -> str:
        """Write date, year and time, for a sentence."""
        local = self.local(at)
        return self._said(f"{self._date(local)}{NBSP}{local.year}", at)

    def said(self, at: datetime) -> str:
        """Write date and time, for a sentence."""
        return self._said(self.day(self.local(at)), at)

    def when(self, at: datetime) -> str:
        """Write date and time, for a table."""
        return f"{self.day(self.local(at))}{NBSP}{self.time(at)}"

    def _said(self, day: str, at: datetime) -> str:
        if self._language is Language.FR:
            return f"le{NBSP}{day} à{NBSP}{self.time(at)}"
        return f"{day}{NBSP}{self.time(at)}"

    def day(self, day: date) -> str:
        """Write a date, with its year if it is not that of the contact."""
        year = "" if day.year == self._year else f"{NBSP}{day.year}"
        return self._date(day) + year

    def time(self, at: datetime) -> str:
        """Write a time of day; of one that the clocks show twice, also which it is."""
        local = self.local(at)
        text = f"{local:%H:%M}"
        if local.second or local.microsecond:
            text = f"{local:%H:%M:%S}"
        if local.microsecond:
            text += self.decimals(f"{local.microsecond / _MICROS:.6f}".rstrip("0")[1:])
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return f"{text}{NBSP}{local:%Z}" if twice else text

    def decimals(self, text: str) -> str:
        """Write the decimal point of the language."""
        return text.replace(".", ",") if self._language is Language.FR else text

    def clock_change(self, start: datetime, end: datetime) -> tuple[str, str] | None:
        """Return the time that the clocks skip from or go back from, and the one they show then.

        None if the offset of the zone is the same at both ends, or they are too far apart.
        """
        if end - start > _LONGEST_SPAN or self._offset(start) == self._offset(end):
            return None
        before, after = start, end
        while after - before > timedelta(microseconds=1):
            middle = before + (after - before) // 2
            if self._offset(middle) == self._offset(start):
                before = middle
            else:
                after = middle
        shown = after + self._offset(start)
        return f"{self.day(shown)}{NBSP}{shown:%H:%M}", f"{self.local(after):%H:%M}"

    def _offset(self, at: datetime) -> timedelta:
        return self.local(at).utcoffset() or timedelta()

    def _date(self, day: date) -> str:
        weekday = _WEEKDAYS[self._language].split()[day.weekday()]
        month = _MONTHS[self._language].split()[day.month - 1]
        number = "1er" if day.day == 1 and self._language is Language.FR else str(day.day)
        return NBSP.join((weekday, number, month))

    def duration(self, seconds: float, *, in_days: bool = False, exact: bool = False) -> str:
        """Write a duration without its sign, such as ``1 h 15 min``.

        Args:
            seconds: from a minute on, parts of a second are left out.
            in_days: from two days on in days.
            exact: with parts of a second, however long it is.
        """
        micros = abs(round(seconds * _MICROS))
        if micros >= 60 * _MICROS and not exact:
            micros -= micros % _MICROS
        parts = []
        units = [("h", 3600), ("min", 60)]
        if in_days and micros >= _LONG * _MICROS:
            units.insert(0, (_DAY_UNIT[self._language], 86400))
        for unit, size in units:
            amount, micros = divmod(micros, size * _MICROS)
            if amount:
                parts.append(f"{amount}{NBSP}{unit}")
        if micros or not parts:
            text = f"{micros / _MICROS:.6f}".rstrip("0").rstrip(".")
            parts.append(f"{self.decimals(text)}{NBSP}s")
        return NBSP.join(parts)
