"""Finds what is wrong within one calendar: overlaps, unknown holidays, no opening time at all."""

from collections.abc import Iterator
from itertools import pairwise

from firstreply.calendars import (
    build_calendar,
    countries,
    country_called,
    subdivision_called,
    subdivisions,
)
from firstreply.config.calendar_settings import CalendarSettings
from firstreply.config.did_you_mean import did_you_mean, listing
from firstreply.config.file import Path, Problem
from firstreply.config.hour_types import days_of
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.opening_hours import WEEKDAYS


def calendar_problems(path: Path, calendar: CalendarSettings) -> Iterator[Problem]:
    """Yield what is wrong with one calendar."""
    found = [*_window_problems(path, calendar), *_holiday_problems(path, calendar)]
    yield from found
    if found:
        return
    needs = ((*path, "*", "*", "*", "*"),)
    try:
        build_calendar(calendar)
    except (ConfigurationError, ValueError) as error:
        yield Problem(path, str(error), needs=needs, at_key=True)


def _window_problems(path: Path, calendar: CalendarSettings) -> Iterator[Problem]:
    set_by: dict[str, str] = {}
    for key, windows in calendar.weekly.items():
        where = (*path, "weekly", key)
        for day in days_of(key):
            if day in set_by:
                both = f'in "{set_by[day]}" and in "{key}"' if set_by[day] != key else "here"
                message = f"{day} is set twice, {both}; give its windows once"
                yield Problem(where, message, at_key=True)
                break
            set_by[day] = key
        yield from _overlaps(where, windows)
    yield from _overlaps_overnight((*path, "weekly"), calendar, set_by)
    for date, windows in calendar.exceptions.items():
        yield from _overlaps((*path, "exceptions", date.isoformat()), windows)


def _overlaps(path: Path, windows: tuple[tuple[str, str], ...]) -> Iterator[Problem]:
    """Yield windows of one day that overlap; those that touch do not."""
    texts = ["-".join(window) for window in windows]
    spans = [(start, end if end > start else f"{end}+1") for start, end in windows]
    order = sorted(range(len(spans)), key=lambda index: spans[index][0])
    for one, other in pairwise(order):
        overnight = spans[one][1].endswith("+1")
        if overnight or spans[other][0] < spans[one][1]:
            first, second = sorted((one, other))
            message = f'"{texts[second]}" overlaps "{texts[first]}"; join them or move one'
            yield Problem((*path, second), message)


def _overlaps_overnight(
    path: Path,
    calendar: CalendarSettings,
    set_by: dict[str, str],
) -> Iterator[Problem]:
    """Yield weekly windows that begin before the one of the night before has ended."""
    seen: set[tuple[str, int]] = set()
    for day, key in set_by.items():
        following = WEEKDAYS[(WEEKDAYS.index(day) + 1) % 7]
        nights = [end for start, end in calendar.weekly[key] if end < start]
        for index, (start, end) in enumerate(calendar.weekly.get(set_by.get(following, ""), ())):
            where = (set_by[following], index)
            if where not in seen and any(start < night for night in nights):
                seen.add(where)
                message = (
                    f'"{start}-{end}" on {following} overlaps the night of {day}; '
                    "begin it later or end the night sooner"
                )
                yield Problem((*path, *where), message)


def _holiday_problems(path: Path, calendar: CalendarSettings) -> Iterator[Problem]:
    country, part = calendar.holidays.country, calendar.holidays.subdivision
    where = (*path, "holidays")
    if country is None:
        if part is not None:
            yield Problem((*where, "subdivision"), "needs a country; add country beside it")
        return
    if country not in countries():
        code = country_called(country)
        near = f'did you mean "{code}"? ' if code else ""
        message = f'"{country}" is no country with known holidays; {near}known: '
        yield Problem((*where, "country"), message + listing(countries()))
    elif part is not None and part not in subdivisions(country):
        code = subdivision_called(country, part)
        near = f'did you mean "{code}"? ' if code else did_you_mean(part, subdivisions(country))
        message = f'{country} has no subdivision "{part}"; {near}known: '
        yield Problem((*where, "subdivision"), message + listing(subdivisions(country)))
