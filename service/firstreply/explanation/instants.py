"""From the microseconds of the domain to the datetimes and seconds of an explanation."""

from datetime import datetime

from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, SECOND, to_datetime


def moment(instant: int | None) -> datetime | None:
    """Convert an instant; None for none, for never and for before everything."""
    if instant is None or not BEFORE_ALL < instant < AFTER_ALL:
        return None
    return to_datetime(instant)


def seconds(micros: int) -> float:
    """Convert a duration; below 285 years it converts back exactly."""
    return micros / SECOND
