"""The kinds of value that opening hours are made of: days, windows, dates, time zones.

As in ``config_types``, each arrives as text and has its check, its text form and its JSON Schema.
"""

import re
from datetime import date
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from firstreply.config.did_you_mean import did_you_mean
from firstreply.config.field_types import text_of
from firstreply.domain.opening_hours import WEEKDAYS

DAILY: Final = "daily"
_WINDOW: Final = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


def days_of(key: str) -> tuple[str, ...]:
    """Expand ``daily``, ``fri``, ``mon-thu`` (may wrap: ``sat-mon``) or a list of such.

    Raises:
        ValueError: something in it is not a day.
    """
    days: list[str] = []
    for part in key.split(","):
        first, dash, last = part.strip().partition("-")
        if part.strip() == DAILY:
            days.extend(WEEKDAYS)
        elif first in WEEKDAYS and (not dash or last in WEEKDAYS):
            begin = WEEKDAYS.index(first)
            count = (WEEKDAYS.index(last) - begin) % 7 + 1 if dash else 1
            days.extend(WEEKDAYS[(begin + step) % 7] for step in range(count))
        else:
            wrong = last if first in WEEKDAYS and dash else first
            near = did_you_mean(wrong, (*WEEKDAYS, DAILY))
            msg = f'"{wrong}" is not a day; {near}write mon..sun, mon-thu, "sat,sun" or daily'
            raise ValueError(msg)
    return tuple(days)


def _timezone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = did_you_mean(text.replace(" ", "_"), available_timezones())
        msg = f'"{text}" is not a time zone; {near}write an IANA name such as Europe/Paris'
        raise ValueError(msg) from error


def _window(value: object) -> tuple[str, str]:
    text = text_of(value)
    match = _WINDOW.fullmatch(text)
    if match is None:
        msg = f'"{text}" is not a window; write two times of day such as "09:00-12:30"'
        raise ValueError(msg)
    start, end = text.split("-")
    if max(match[2], match[4]) > "59" or start >= "24:00" or end > "24:00":
        msg = f'"{text}" is not a window; times go from 00:00 to 23:59, and 24:00 may end one'
        raise ValueError(msg)
    if start == end:
        msg = f'"{text}" ends when it starts; a whole day is "00:00-24:00", a closed one is []'
        raise ValueError(msg)
    return start, end


def _day_key(key: str) -> str:
    days_of(key)
    return key


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    text = text_of(value)
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    msg = f'"{text}" is not a date; write year, month and day such as 2026-12-24'
    raise ValueError(msg)


def _month_day(text: str) -> str:
    try:
        date.fromisoformat(f"2000-{text}")
    except ValueError:
        pass
    else:
        if len(text) == 5:
            return text
    msg = f'"{text}" is not a day of the year; write month and day such as "12-25"'
    raise ValueError(msg)


TimeZone = Annotated[str, AfterValidator(_timezone)]

Window = Annotated[
    tuple[str, str],
    PlainValidator(_window),
    PlainSerializer("-".join, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"},
    ),
]
"""Start inclusive, end exclusive, local time; an end before the start is on the next day."""

Windows = tuple[Window, ...]

DayKey = Annotated[
    str,
    AfterValidator(_day_key),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join((*WEEKDAYS, DAILY))}|[, -])+$"}),
]

Date = Annotated[
    date,
    PlainValidator(_date),
    PlainSerializer(date.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]

MonthDay = Annotated[
    str,
    AfterValidator(_month_day),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{2}-[0-9]{2}$"}),
]
