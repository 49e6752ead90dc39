"""The settings of opening hours; ``calendars`` compiles them."""

from typing import Annotated

from pydantic import Field

from firstreply.config.field_types import OptionalMapping
from firstreply.config.hour_types import Date, DayKey, MonthDay, TimeZone, Windows
from firstreply.config.kafka_settings import Group


class HolidaySettings(Group):
    """Days without opening hours: windows that open on them are dropped."""

    country: str | None = None
    """ISO 3166 code such as FR: its public holidays of 1970 to 2100."""

    subdivision: str | None = None
    """Code of a part of the country with holidays of its own, such as 57 (Moselle)."""

    dates: tuple[Date, ...] = ()
    """Further single days, such as 2026-05-15."""

    annual: tuple[MonthDay, ...] = ()
    """Further days of every year, such as "12-24"."""


class CalendarSettings(Group):
    """Opening hours."""

    timezone: TimeZone
    """IANA name such as Europe/Paris, in which all of its times are meant."""

    weekly: dict[DayKey, Windows]
    """Windows by day: `mon`, `mon-thu`, `"sat,sun"` or `daily` to `["09:00-12:30", ...]`. A window
    that ends before it starts ends on the next day; `24:00` is midnight. Days not named are closed.
    """

    holidays: HolidaySettings = HolidaySettings()
    """Days on which the weekly windows do not open."""

    exceptions: Annotated[dict[Date, Windows], OptionalMapping] = Field(default_factory=dict)
    """The windows of single dates, stronger than weekly windows and holidays. `[]` is closed."""
