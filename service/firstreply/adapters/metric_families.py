"""The series of one metric family: kept as they come in, frozen and rendered in chunks.

``Growing`` holds a counter or a histogram, ``Gauge`` what comes and goes. ``freeze`` copies what is
so now, at once; the iterator it returns renders the copy, some lines at a time, so that whoever
shares the event loop gets turns in between. ``version`` grows with every change: what was rendered
at the same version need not be rendered again. Nothing here knows of partitions or policies; the
publisher (``adapters.prometheus``) does.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final

from firstreply.adapters.metrics import Metric, Samples
from firstreply.domain.increments import Labels

_CHUNK: Final = 250
"""Lines rendered in one go."""


class Growing:
    """A counter's or histogram's series, in lists that are only appended to: a copy is one slice.

    A histogram has a cell per bucket, not cumulated, and one for the sum.
    """

    def __init__(self, metric: Metric, limits: tuple[float, ...] = ()) -> None:
        self.metric = metric
        self.version = 0
        self.shown: float = 0
        """How many series, in order of appearance, show their values yet."""
        self._limits = limits
        self._cells = len(limits) + 2 if limits else 1
        self._places: dict[Labels, int] = {}
        self._lines: list[list[str]] = []
        self._values: list[float] = []

    @property
    def rows(self) -> int:
        """The number of series."""
        return len(self._lines)

    def place(self, labels: Labels) -> int:
        """Return where a series begins; it exists from now on."""
        place = self._places.get(labels)
        if place is None:
            self.metric.check(labels)
            self._lines.append(self.metric.lines(labels, self._limits))
            place = self._places[labels] = len(self._values)
            self._values.extend([0] * self._cells)
            self.version += 1
        return place

    def add(self, labels: Labels, amount: float) -> None:
        """Count an amount, or observe so many seconds."""
        if amount < 0:
            msg = f"{self.metric.name}{labels} cannot take {amount}; count a correction instead"
            raise ValueError(msg)
        place = self.place(labels)
        if self._limits:
            # bisect_left: exactly the limit is within it, as a response then is met (rule 4).
            self._values[place + bisect_left(self._limits, amount)] += 1
            place += self._cells - 1
        self._values[place] += amount
        self.version += 1

    def add_many(self, labels: Labels, cells: Iterable[int], total: float) -> None:
        """Observe many at once: how many fell into each bucket, and their sum in seconds."""
        place = self.place(labels)
        for number, count in enumerate(cells, place):
            self._values[number] += count
        self._values[place + self._cells - 1] += total
        self.version += 1

    def freeze(self) -> Iterator[str]:
        """Copy now; the iterator renders the copy, chunk by chunk."""
        known = int(min(self.shown, self.rows)) * self._cells
        values = self._values[:known] + [0] * (len(self._values) - known)
        return self._chunks(values)

    def _chunks(self, values: list[float]) -> Iterator[str]:
        if not self._limits:
            for first in range(0, len(values), _CHUNK):
                chunk = slice(first, first + _CHUNK)
                yield _text([line for (line,) in self._lines[chunk]], values[chunk])
            return
        for row, first in enumerate(range(0, len(values), self._cells)):
            *buckets, total = values[first : first + self._cells]
            counts = list(accumulate(buckets))
            yield _text(self._lines[row], [*counts, counts[-1], total])


class Gauge:
    """Series that come and go. ``_samples`` is replaced, never changed: no copy is needed."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.version = 0
        self._samples: Samples = {}

    def set(self, labels: Labels, value: float | None) -> None:
        """Set one series; None takes it away."""
        others = {key: kept for key, kept in self._samples.items() if key != labels}
        self.replace(others if value is None else {**others, labels: value})

    def replace(self, samples: Samples) -> None:
        """Set all series."""
        self._samples = samples
        self.version += 1

    def freeze(self, samples: Samples | None = None) -> Iterator[str]:
        """Render, chunk by chunk, samples that are kept elsewhere; None: those of now."""
        return self._chunks(list((self._samples if samples is None else samples).items()))

    def _chunks(self, items: list[tuple[Labels, float]]) -> Iterator[str]:
        for first in range(0, len(items), _CHUNK):
            chunk = items[first : first + _CHUNK]
            lines = [line for labels, _ in chunk for line in self.metric.lines(labels)]
            yield _text(lines, [value for _, value in chunk])


def _text(lines: list[str], values: list[float]) -> str:
    return "".join([f"{line}{value}\n" for line, value in zip(lines, values, strict=True)])
