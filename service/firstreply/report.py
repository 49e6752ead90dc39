"""The figures of a replay: one JSON object from the final, net state of every contact.

Fed contact by contact, in any order: those forgotten on the way and those kept at the end. Equal
sets of contacts give equal bytes. Seconds are rounded to 3 decimals from whole microseconds, half
to even; percentiles interpolate linearly; nothing here reads a clock.
"""

from array import array
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, TypeAlias

import msgspec

from firstreply.domain.bands import Band, Policy
from firstreply.domain.contact import Contact, Outcome, Phase
from firstreply.domain.verdict import acknowledged, judge

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | None"

_UNANSWERED: Final = {
    Phase.WAITING: "waiting",
    Phase.ABANDONED: "abandoned",
    Phase.CLOSED: "closed_unanswered",
    Phase.GIVEN_UP: "given_up",
}
_BAND_FIGURES: Final = {
    Outcome.MET: "within",
    Outcome.MISSED: "missed",
    Outcome.ABANDONED: "abandoned_in",
}


class EventCounts(msgspec.Struct):
    """What happened to the events of a replay."""

    read: int = 0
    rejected: dict[str, int] = msgspec.field(default_factory=dict)
    """By reason."""
    duplicate: int = 0
    late: int = 0
    unmatched: int = 0
    """Human responses whose opening never came."""

    def as_json(self) -> Json:
        """Return the ``events`` member of the report."""
        return {
            "read": self.read,
            "rejected": dict(sorted(self.rejected.items())),
            "duplicate": self.duplicate,
            "late": self.late,
            "unmatched": self.unmatched,
        }


class BandFigures(msgspec.Struct):
    """One band over some contacts."""

    met: int = 0
    missed: int = 0
    abandoned: int = 0
    judged: int = 0
    """Contacts that this band applies to."""
    kept: dict[float, list[int]] = msgspec.field(default_factory=dict)
    """Weight to (met, decided) of the outcomes that count for the promise (rule 11)."""

    def count(self, outcome: Outcome | None, band: Band, policy: Policy) -> None:
        """Add one contact that is not excluded."""
        self.judged += 1
        if outcome is None:
            return
        self.met += outcome is Outcome.MET
        self.missed += outcome is Outcome.MISSED
        self.abandoned += outcome is Outcome.ABANDONED
        if outcome is not Outcome.ABANDONED or policy.abandoned_counts:
            kept = self.kept.setdefault(band.weight, [0, 0])
            kept[0] += outcome is Outcome.MET
            kept[1] += 1

    def merge(self, other: "BandFigures") -> None:
        """Add the contacts of another one."""
        self.met += other.met
        self.missed += other.missed
        self.abandoned += other.abandoned
        self.judged += other.judged
        for weight, (met, decided) in other.kept.items():
            kept = self.kept.setdefault(weight, [0, 0])
            kept[0] += met
            kept[1] += decided

    def weighed(self) -> tuple[Fraction, Fraction] | None:
        """Return (weight x share met, weight); None without decisions that weigh anything.

        A band that channels weigh differently has the mean weight of its decisions.
        """
        decided = sum(kept[1] for kept in self.kept.values())
        met = sum(Fraction(str(weight)) * kept[0] for weight, kept in self.kept.items())
        weights = sum(Fraction(str(weight)) * kept[1] for weight, kept in self.kept.items())
        return (Fraction(met) / decided, Fraction(weights) / decided) if weights else None


class Figures(msgspec.Struct):
    """The figures of one channel, or of all."""

    received: int = 0
    excluded: int = 0
    answered: int = 0
    acknowledged: int = 0
    unanswered: dict[str, int] = msgspec.field(
        default_factory=lambda: dict.fromkeys(_UNANSWERED.values(), 0)
    )
    bands: dict[tuple[int, str], BandFigures] = msgspec.field(default_factory=dict)
    """By (limit, name), so that they sort by limit."""
    latencies: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    """Microseconds of each answered contact: a fifth of what a list of them takes."""

    def count(self, contact: Contact, policy: Policy) -> None:
        """Add one received contact."""
        self.received += 1
        for band in policy.bands:
            if (band.limit, band.name) not in self.bands:
                self.bands[band.limit, band.name] = BandFigures()
        if contact.start is None or contact.phase is Phase.EXCLUDED:
            self.excluded += 1
            return
        verdict = judge(contact, policy, contact.start)
        self.acknowledged += acknowledged(contact, verdict.start, policy)
        if verdict.response is not None:
            self.answered += 1
            self.latencies.append(verdict.response - verdict.start)
        else:
            self.unanswered[_UNANSWERED[contact.phase]] += 1
        outcomes = contact.outcomes or {}
        for band in policy.bands:
            counted = outcomes.get(band.name)
            outcome = None if counted is None else counted.outcome
            self.bands[band.limit, band.name].count(outcome, band, policy)

    def merge(self, other: "Figures") -> None:
        """Add the contacts of another channel."""
        self.received += other.received
        self.excluded += other.excluded
        self.answered += other.answered
        self.acknowledged += other.acknowledged
        for how, contacts in other.unanswered.items():
            self.unanswered[how] += contacts
        for key, band in other.bands.items():
            self.bands.setdefault(key, BandFigures()).merge(band)
        self.latencies.extend(other.latencies)

    def as_json(self) -> Json:
        """Return the member of the report for this channel."""
        contacts = self.received - self.excluded
        bands = [(name, self.bands[limit, name]) for limit, name in sorted(self.bands)]
        return {
            "received": self.received,
            "contacts": contacts,
            "excluded": self.excluded,
            "answered": self.answered,
            "never_answered": contacts - self.answered,
            **self.unanswered,
            "acknowledged": self.acknowledged,
            "within": {name: band.met for name, band in bands},
            "missed": {name: band.missed for name, band in bands},
            "abandoned_in": {name: band.abandoned for name, band in bands},
            "undecided": {
                name: band.judged - band.met - band.missed - band.abandoned for name, band in bands
            },
            "first_response_seconds": self._latency_json(),
            "expectation_index": self._expectation_index(),
        }

    def _latency_json(self) -> Json:
        ordered = sorted(self.latencies)
        return {
            "median": percentile_seconds(ordered, Fraction(1, 2)),
            "p90": percentile_seconds(ordered, Fraction(9, 10)),
            "max": percentile_seconds(ordered, Fraction(1)),
        }

    def _expectation_index(self) -> float | None:
        """Return sum(weight x share met) / sum(weight) over the bands that have decisions."""
        weighed = [band.weighed() for band in self.bands.values()]
        met = sum(one[0] for one in weighed if one is not None)
        weights = sum(one[1] for one in weighed if one is not None)
        return round(float(met / weights), 6) if weights else None


class Report:
    """Collects contacts; see the module docstring."""

    def __init__(self) -> None:
        self._channels: dict[str, Figures] = {}

    def add(self, contact: Contact, policies: Mapping[str, Policy]) -> None:
        """Add a contact; one that was never received is left out."""
        if contact.received is None:
            return
        policy = policies[contact.policy]
        figures = self._channels.get(policy.channel)
        if figures is None:
            figures = self._channels[policy.channel] = Figures()
        figures.count(contact, policy)

    def as_json(self, events: EventCounts) -> dict[str, Json]:
        """Return the object of ``replay --format json``."""
        together = Figures()
        for figures in self._channels.values():
            together.merge(figures)
        return {
            "channels": {
                name: figures.as_json() for name, figures in sorted(self._channels.items())
            },
            "all": together.as_json(),
            "events": events.as_json(),
        }


def percentile_seconds(ordered: list[int], quantile: Fraction) -> float | None:
    """Interpolate linearly between ascending microseconds; seconds rounded to 3 decimals."""
    if not ordered:
        return None
    position = (len(ordered) - 1) * quantile
    below = int(position)
    value = Fraction(ordered[below])
    if below + 1 < len(ordered):
        value += (position - below) * (ordered[below + 1] - ordered[below])
    return round(value / 1000) / 1000
