"""What was scraped of the processes, and what Prometheus makes of it.

Prometheus keeps raw samples per *instance* (an address, whatever process answers there) and knows
two rules that matter here: the value of a series is its last sample, until a scrape fails or no
longer has the series; and a counter that drops was reset, so all of the new value is new.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

import msgspec

LEDGER: Final = "firstreply_ledger_total"
CLOCK: Final = "firstreply_clock_timestamp_seconds"
RECEIVED: Final = "contact_received_total"
OUTCOMES: Final = "contact_expectation_outcomes_total"
CORRECTIONS: Final = "contact_expectation_corrections_total"
KEPT: Final = frozenset(
    {
        LEDGER,
        CLOCK,
        RECEIVED,
        OUTCOMES,
        CORRECTIONS,
        "contact_received_corrections_total",
        "contact_waiting",
        "firstreply_consumer_lag_messages",
        "firstreply_events_total",
        "firstreply_events_rejected_total",
        "firstreply_idle_proof_broken_total",
        "firstreply_ready",
        "firstreply_state_restoring",
        "process_resident_memory_bytes",
    }
)
"""Metrics that are looked at; the rest of a scrape is left out."""

_SAMPLE: Final = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
_LABEL: Final = re.compile(r'([a-z_]+)="([^"]*)"')

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Name and labels, in order."""


class Scrape(msgspec.Struct, frozen=True):
    """One look at one instance."""

    at: float
    """Seconds."""
    instance: str
    values: dict[Series, float] | None
    """None: it did not answer."""


def parse(text: str) -> dict[Series, float]:
    """Read the kept metrics of the text format."""
    values: dict[Series, float] = {}
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found is not None and found[1] in KEPT:
            labels = tuple(sorted(_LABEL.findall(found[2] or "")))
            values[found[1], labels] = float(found[3])
    return values


def label(series: Series, name: str) -> str:
    """Return the value of a label."""
    return dict(series[1])[name]


def merged(scrapes: Iterable[Scrape], metric: str) -> Iterator[tuple[float, dict[Series, float]]]:
    """Yield ``max without (instance) (metric)`` after every scrape."""
    now: dict[str, dict[Series, float]] = {}
    for scrape in scrapes:
        now[scrape.instance] = {
            series: value for series, value in (scrape.values or {}).items() if series[0] == metric
        }
        highest: dict[Series, float] = {}
        for values in now.values():
            for series, value in values.items():
                highest[series] = max(value, highest.get(series, value))
        yield scrape.at, highest


def increase(values: Sequence[float]) -> float:
    """Return by how much a counter rose, by the reset rule; its first value is where it began."""
    return sum(after if after < before else after - before for before, after in pairwise(values))


def ledger_by_reset_rule(scrapes: Iterable[Scrape]) -> dict[Series, float]:
    """Return what the merged ledger adds up to, from nothing at all."""
    return {series: increase([0.0, *values]) for series, values in _over_time(scrapes).items()}


def increases(scrapes: Iterable[Scrape], metric: str) -> dict[tuple[str, Series], float]:
    """Return the increase of a counter of each instance, as ``increase()`` without its guesses."""
    seen: dict[tuple[str, Series], list[float]] = {}
    for scrape in scrapes:
        for series, value in (scrape.values or {}).items():
            if series[0] == metric:
                seen.setdefault((scrape.instance, series), []).append(value)
    return {key: increase(values) for key, values in seen.items()}


def _over_time(scrapes: Iterable[Scrape]) -> dict[Series, list[float]]:
    seen: dict[Series, list[float]] = {}
    for _, highest in merged(scrapes, LEDGER):
        for series, value in highest.items():
            seen.setdefault(series, []).append(value)
    return seen
