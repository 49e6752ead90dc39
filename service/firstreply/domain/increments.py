"""What the engine did to the figures, as data: counter increments and histogram observations.

The engine never touches Prometheus. It fills an ``Increments``, the processor takes it at each
checkpoint, and only once the checkpoint is durable does the publisher add it to the exported
counters. Metric names are those declared in ``adapters.metrics``; a test compares the two.
"""

from dataclasses import dataclass

Labels = tuple[str, ...]
"""Label values in the order in which the metric declares its labels."""


@dataclass(init=False)
class Increments:
    """Counts and observations since the last time they were taken."""

    counts: dict[tuple[str, Labels], int]
    """(metric name, label values) to a positive amount."""
    observations: list[tuple[str, Labels, float]]
    """(metric name, label values, seconds)."""

    def __init__(
        self,
        counts: dict[tuple[str, Labels], int] | None = None,
        observations: list[tuple[str, Labels, float]] | None = None,
    ) -> None:
        self.counts = {} if counts is None else counts
        self.observations = [] if observations is None else observations

    def count(self, metric: str, *labels: str, amount: int = 1) -> None:
        """Add to a counter."""
        key = (metric, labels)
        self.counts[key] = self.counts.get(key, 0) + amount

    def observe(self, metric: str, *labels: str, seconds: float) -> None:
        """Add one observation to a histogram."""
        self.observations.append((metric, labels, seconds))

    def merge(self, later: "Increments") -> None:
        """Add what a later span counted."""
        for key, amount in later.counts.items():
            self.counts[key] = self.counts.get(key, 0) + amount
        self.observations.extend(later.observations)

    def __bool__(self) -> bool:
        return bool(self.counts or self.observations)
