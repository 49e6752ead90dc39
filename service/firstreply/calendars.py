"""From the settings of a calendar to the domain's ``Calendar``; the only user of ``holidays``.

Holidays become plain dates here, so that the domain knows nothing of countries and a calendar's
digest changes exactly when its dates do. They are resolved for all years an event's time may have
(1970 to 2100, the design's event contract) in one go: a fixed span makes the same configuration the
same calendar in every process and every year, where one that moves with today would change policies
by themselves. It costs about 0.1 s and 0.2 MB a country, measured, once per start.

The language is always given: left to the package it depends on the locale of the process.
"""

import warnings
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

import holidays
from holidays.registry import COUNTRIES

from firstreply.config.calendar_settings import CalendarSettings, HolidaySettings
from firstreply.config.hour_types import days_of
from firstreply.domain.calendar import Calendar

HOLIDAY_YEARS: Final = range(1970, 2101)


class Holidays(NamedTuple):
    """The holidays of a country or one of its parts."""

    dates: tuple[date, ...]
    caution: str | None
    """What the package says of years it does not know, or ``None``."""


def countries() -> list[str]:
    """Return the ISO 3166 codes of two letters whose holidays are known."""
    return sorted(names[1] for names in COUNTRIES.values())


def country_called(text: str) -> str | None:
    """Return the code for ``france``, ``FRA`` or ``fr``; ``None`` if there is none."""
    wanted = text.strip().casefold().replace(" ", "_")
    for module, names in COUNTRIES.items():
        if wanted == module or wanted in {name.casefold() for name in names}:
            return names[1]
    return None


def subdivisions(country: str) -> list[str]:
    """Return the codes of the parts of a country that have holidays of their own."""
    return list(holidays.list_supported_countries().get(country, ()))


def subdivision_called(country: str, text: str) -> str | None:
    """Return the code for a part's other name, such as Moselle; ``None`` if there is none."""
    aliases = holidays.country_holidays(country).get_subdivision_aliases()
    wanted = text.strip().casefold()
    for code, names in aliases.items():
        if wanted in {code.casefold(), *(name.casefold() for name in names)}:
            return str(code)
    return None


@lru_cache(maxsize=64)
def country_holidays(country: str, subdivision: str | None) -> Holidays:
    """Return the public holidays of ``HOLIDAY_YEARS``, substitute days included.

    Args:
        country: one of ``countries()``.
        subdivision: one of ``subdivisions(country)``, or ``None`` for the whole country.
    """
    language = holidays.country_holidays(country).default_language
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = holidays.country_holidays(
            country,
            subdiv=subdivision,
            years=HOLIDAY_YEARS,
            language=language,
        )
    caution = next((str(warning.message) for warning in caught), None)
    return Holidays(tuple(sorted(found)), caution)


def holiday_dates(settings: HolidaySettings) -> list[date]:
    """Return the single dates of a calendar's holidays, in order; the annual ones are not in it."""
    dates = set(settings.dates)
    if settings.country is not None:
        dates.update(country_holidays(settings.country, settings.subdivision).dates)
    return sorted(dates)


def build_calendar(settings: CalendarSettings) -> Calendar:
    """Compile a calendar; equal settings give the same object.

    Raises:
        ConfigurationError: it never opens.
    """
    return _build(settings.model_dump_json())


@lru_cache(maxsize=64)
def _build(settings_json: str) -> Calendar:
    settings = CalendarSettings.model_validate_json(settings_json)
    return Calendar.from_weekly(
        timezone=settings.timezone,
        weekly={day: windows for key, windows in settings.weekly.items() for day in days_of(key)},
        holidays=holiday_dates(settings.holidays),
        annual_holidays=settings.holidays.annual,
        exceptions=settings.exceptions,
    )
