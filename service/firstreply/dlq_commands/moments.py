"""The timestamp of a record as text."""

from firstreply.domain.instants import to_datetime


def moment(timestamp: int | None) -> str | None:
    """Return milliseconds since the epoch as RFC 3339; None for none, or beyond the year 9999."""
    if timestamp is None:
        return None
    try:
        instant = to_datetime(timestamp * 1000)
    except OverflowError:
        return None
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
