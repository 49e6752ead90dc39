"""Which burn-rate alerts can watch a promise, and what fires instead of those that cannot.

The tiers are those of ``alerts/`` (decision 0006); a test keeps both equal. A promise can fall out
of a tier in two ways. Its *objective* caps the burn rate: with everything broken it is
1 / (1 - objective), so 80 % never burns faster than 5 and never reaches the usual 14.4; the rules
then take the share kept instead. Its *limit* may be too long: misses are known one limit after
their cause, so a window that is hardly longer tells nothing in time.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from firstreply.durations import canonical


class Tier(NamedTuple):
    """One pair of windows of the burn-rate alerts."""

    name: str
    alert: str
    window: timedelta
    """The long one; the short one is a twelfth of it."""
    factor: float
    """Fires at this multiple of the budget..."""
    kept: float
    """...or when less than this share of the objective is kept, whichever comes first."""
    longest_limit: timedelta
    """Inclusive. Promises with a longer limit are not watched by this pair."""

    def broken_limit(self, objective: float) -> float:
        """Return the share of broken promises above which it fires."""
        return min(self.factor * (1 - objective), 1 - self.kept * objective)


TIERS: Final = (
    Tier("fast", "ContactPromiseBurnFast", timedelta(hours=1), 14.4, 0.125, timedelta(minutes=30)),
    Tier("slow", "ContactPromiseBurnSlow", timedelta(hours=6), 6, 0.5, timedelta(hours=4)),
    Tier("ticket", "ContactPromiseBurnTicket", timedelta(days=1), 3, 0.75, timedelta(hours=12)),
    Tier("ticket", "ContactPromiseBurnTicket", timedelta(days=3), 1.5, 0.9, timedelta(hours=48)),
)
"""Shortest window first."""


def tier_warnings(key: str, objective: float, limit: timedelta) -> Iterator[str]:
    """Yield what a promise makes unreachable, and what fires instead.

    Args:
        key: where the promise stands in the configuration, such as ``channels.chat.promise``.
        objective: share of contacts to answer within the limit, between 0 and 1, exclusive.
        limit: that of its band.

    Returns:
        Sentences that begin with the key, none for a promise that every tier watches as usual.
    """
    watching = [tier for tier in TIERS if limit <= tier.longest_limit]
    unreachable = [tier for tier in watching if tier.factor * (1 - objective) >= 1]
    if unreachable:
        usual = " and ".join(f"{tier.factor:g} ({tier.name})" for tier in unreachable)
        instead = ", ".join(
            f"{tier.alert} when less than {1 - tier.broken_limit(objective):.0%} are kept over "
            f"{_words(tier.window)}"
            for tier in unreachable
        )
        yield (
            f"{key}.objective: at {objective:g} a burn rate cannot exceed {1 / (1 - objective):.3g}"
            f", so the usual {usual} cannot be reached; instead fires {instead}"
        )
    if not any(tier.name in {"fast", "slow"} for tier in watching):
        yield f"{key}.band: {_late(limit, watching)}"


def _late(limit: timedelta, watching: list[Tier]) -> str:
    """Say that no burn alert can page in time for a limit."""
    first = (
        f"misses of {canonical(limit)} are known only so long after their cause, so no burn alert "
        "fires within hours"
    )
    early = "ContactBreachImminent and ContactAtRiskBacklog warn before"
    if not watching:
        return f"{first} or days; {early}"
    return f"{first}; {watching[0].alert} does over {_words(watching[0].window)}, and {early}"


def _words(window: timedelta) -> str:
    """Write a window as people do: 1h, 6h, 1d, 3d."""
    return f"{window.days}d" if window.days else canonical(window)
