"""When the limit of a band is used up, forwards and backwards, on the band's clock (rule 4)."""

from typing import Final

from firstreply.domain.bands import Band, Clock, Policy

# Bound once, as the verdict's ``_AT_OPENING``: compiled code, too, asks an enumeration for a member
# by name. With two of its kind in the engine and the index, measured: a tenth of folding.
_BUSINESS: Final = Clock.BUSINESS


def deadline_of_band(policy: Policy, band: Band, start: int) -> int:
    """Return the earliest instant at which the band's limit is used up."""
    if band.clock is _BUSINESS and policy.calendar is not None:
        return policy.calendar.deadline_us(start, band.limit)
    return start + band.limit


def latest_start(policy: Policy, band: Band, at: int, amount: int) -> int:
    """Return the latest start whose ``amount`` is used up at an instant, on the band's clock."""
    if band.clock is _BUSINESS and policy.calendar is not None:
        return policy.calendar.latest_start_us(at, amount)
    return at - amount
