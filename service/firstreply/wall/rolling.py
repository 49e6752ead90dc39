"""Net figures of the last half hour and of today, in minutes of the service clock.

Increments come in when their checkpoint is durable, and are booked when the partition next tells
its clock: under the minute and the local day of that clock, never under the time of day. A
correction moves the minute in which it came, so the sum of a window can be less than nothing; who
shows it clamps it.

What was counted before a partition first told a clock belongs to no minute. If all of it came in
the last half hour, such as what lay there when the partition was taken over, it is booked under
that clock; else it is history, such as that of a topic read from its beginning, and left out:
``since`` says from when on the figures are complete.

Memory is bounded: two hours of minutes and three days, each with a number per channel, band and
outcome. Two hours, because a partition may lag behind the others; then nobody trusts the figures.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Final

from firstreply.domain.increments import Increments
from firstreply.domain.instants import MINUTE, to_datetime, to_instant

WINDOW_MINUTES: Final = 30
"""The minute of now, and those before it."""

_MINUTES_KEPT: Final = 120
_DAYS_KEPT: Final = 3

Counts = Counter[tuple[str, str, str]]
"""(channel, band, outcome), or (channel, "", what) for what is counted per contact."""

Reading = Callable[[int], int | None]
"""Partition to an instant."""

PER_CONTACT: Final = {
    "contact_received_total": "received",
    "contact_abandoned_total": "abandoned",
}
_ANSWERED: Final = "contact_first_response_seconds"


def add_net(counts: Counts, increments: Increments) -> None:
    """Add to net figures what a checkpoint counted, corrections applied (rule 8)."""
    for (metric, labels), amount in increments.counts.items():
        if metric == "contact_expectation_outcomes_total":
            channel, _, band, outcome = labels
            counts[channel, band, outcome] += amount
        elif metric == "contact_expectation_corrections_total":
            channel, _, band, before, after = labels
            counts[channel, band, before] -= amount
            counts[channel, band, after] += amount
        elif metric == "contact_received_corrections_total":
            channel, _, direction = labels
            counts[channel, "", "received"] += amount if direction == "in" else -amount
        elif metric in PER_CONTACT:
            counts[labels[0], "", PER_CONTACT[metric]] += amount
    answered = Counter(
        labels[0] for name, labels, _ in increments.observations if name == _ANSWERED
    )
    for channel, amount in answered.items():
        counts[channel, "", "answered"] += amount


class Rolling:
    """The figures of one process.

    Args:
        timezone: whose midnight begins a day.
    """

    def __init__(self, timezone: tzinfo = UTC) -> None:
        self._timezone = timezone
        self._pending: dict[int, Counts] = {}
        """By partition: what is to be booked when it next tells its clock."""
        self._minutes: dict[int, Counts] = {}
        self._days: dict[int, Counts] = {}
        self._window: Counts = Counter()
        """The sum of the minutes in ``_window_minutes``: summed anew it would cost too much."""
        self._window_minutes = range(0)
        self._began: int | None = None
        self._known: set[int] = set()
        """Partitions that have told a clock."""

    def use_timezone(self, timezone: tzinfo) -> None:
        """Let days begin at another midnight; unless it is the same, today is counted anew."""
        if timezone != self._timezone:
            self._timezone = timezone
            self._days.clear()
            self._began = None

    def counted(self, partition: int, net: Counts) -> None:
        """Take what a durable checkpoint of a partition counted."""
        self._pending.setdefault(partition, Counter()).update(net)

    def moved(self, partition: int, at: int | None, reads_since: Reading = lambda _: None) -> None:
        """Book what was counted in a partition under the instant that its clock tells now.

        Args:
            partition: its number.
            at: its service clock.
            reads_since: tells the timestamp of the first record that was read of a partition; asked
                when it tells its first clock.
        """
        if at is None:
            return
        pending = self._pending.pop(partition, None)
        if partition not in self._known:
            self._known.add(partition)
            since = reads_since(partition)
            if since is None or at - since > WINDOW_MINUTES * MINUTE:
                pending = None
        if self._began is None:
            self._began = at
        if pending:
            self._book_minute(at // MINUTE, pending)
            self._days.setdefault(self._day(at).toordinal(), Counter()).update(pending)
            for old in sorted(self._days)[:-_DAYS_KEPT]:
                del self._days[old]

    def last_half_hour(self, at: int) -> Counts:
        """Return the sum over the minute of an instant and the 29 before it; not to be changed."""
        before, minute = self._window_minutes, at // MINUTE
        after = range(minute - WINDOW_MINUTES + 1, minute + 1)
        for one in before:
            if one not in after:
                self._window.subtract(self._minutes.get(one, ()))
        for one in after:
            if one not in before:
                self._window.update(self._minutes.get(one, ()))
        self._window_minutes = after
        return self._window

    def _book_minute(self, minute: int, counts: Counts) -> None:
        self._minutes.setdefault(minute, Counter()).update(counts)
        if minute in self._window_minutes:
            self._window.update(counts)
        newest = max(self._minutes)
        for old in [one for one in self._minutes if one <= newest - _MINUTES_KEPT]:
            gone = self._minutes.pop(old)
            if old in self._window_minutes:
                self._window.subtract(gone)

    def today(self, at: int) -> Counts:
        """Return the sum over the local day of an instant."""
        return self._days.get(self._day(at).toordinal(), Counter())

    def since(self, at: int) -> int | None:
        """Return from when on ``today`` is complete: midnight, or when counting began."""
        if self._began is None:
            return None
        day = self._day(at)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._timezone)
        return max(to_instant(midnight), self._began)

    def _day(self, at: int) -> datetime:
        return to_datetime(at).astimezone(self._timezone)
