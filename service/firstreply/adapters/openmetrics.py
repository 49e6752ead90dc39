"""Many instants of ``/metrics`` as one OpenMetrics text with timestamps.

In: at each step, the lines of every metric as the publisher renders them. Out, at the end: one text
in which each family stands in one piece, in it each series, and of each series one sample a step,
as the OpenMetrics standard asks and ``promtool tsdb create-blocks-from openmetrics`` reads it.

What comes in by step goes out by series, and may be far larger than memory. So only *changes* are
kept: per series a step and the values from it on. Beyond ``_KEPT_BYTES`` they go, compressed, to
the end of a temporary file; memory is bounded by the number of series and of steps.

Every step is written, also where nothing changed: Prometheus forgets a series after five minutes
without a sample, ``increase`` needs two samples in its range and extrapolates by their distance.

A counter or histogram that appears after the first step is at 0 in the step before, or Prometheus
would take its first value for its beginning and miss the increase.
"""

import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import BinaryIO, Final

from firstreply.adapters.metrics import METRICS, Kind, Metric

_KEPT_BYTES: Final = 32 << 20
"""Changes kept in memory before they go to the file."""

_GONE: Final = ""
"""Stands for the values of a gauge that is absent."""

_STEPS: Final = 1_000
"""How many steps of a series are written in one go."""

_CUMULATIVE: Final = frozenset({Kind.COUNTER, Kind.HISTOGRAM})


class OpenMetricsHistory:
    """Collects steps; ``text`` yields them once all are in.

    Args:
        spool: an empty file to write to and to read from; the caller closes it.
        labels: put on every series, as Prometheus puts ``job`` and ``instance`` on what it scrapes;
            their values need no escaping.
    """

    def __init__(self, spool: BinaryIO, labels: Mapping[str, str]) -> None:
        self._families = {metric.name: _Family(metric, labels) for metric in METRICS}
        self._times = array("q")
        self._spool = spool
        self._kept = 0

    @property
    def steps(self) -> int:
        """How many steps were taken."""
        return len(self._times)

    @property
    def samples(self) -> int:
        """How many lines of ``text`` are no metadata."""
        return sum(family.samples for family in self._families.values())

    def step(self, at: int, families: Mapping[str, bytes]) -> None:
        """Take what is so at an instant.

        Args:
            at: milliseconds since the epoch, later than at the step before.
            families: metric to its lines, without metadata; see ``adapters.prometheus.Scrape``.
        """
        for name, body in families.items():
            self._kept += self._families[name].take(self.steps, body)
        self._times.append(at)
        if self._kept > _KEPT_BYTES:
            for family in self._families.values():
                family.spool(self._spool)
            self._kept = 0

    def text(self) -> Iterator[str]:
        """Yield the text, many lines at a time."""
        times = [_seconds(at) for at in self._times]
        for family in self._families.values():
            yield family.metric.header(openmetrics=True)
            yield from family.text(times, self._spool)
        yield "# EOF\n"


class _Family:
    """One metric and its series, in order of appearance."""

    def __init__(self, metric: Metric, labels: Mapping[str, str]) -> None:
        self.metric = metric
        self.samples = 0
        """Lines until now, over all steps."""
        self._labels = ",".join(f'{name}="{value}"' for name, value in labels.items())
        self._series: dict[str, _Series] = {}
        self._body = b""
        self._lines = 0
        self._cells = 1

    def take(self, number: int, body: bytes) -> int:
        """Note what changed since the step before; return how many bytes that took."""
        noted = 0
        if body != self._body:
            noted = self._compare(number, body.decode().split("\n")[:-1])
            self._body = body
        self.samples += self._lines
        return noted

    def spool(self, spool: BinaryIO) -> None:
        """Move the changes to the end of the file."""
        for series in self._series.values():
            series.spool(spool)

    def text(self, times: Sequence[str], spool: BinaryIO) -> Iterator[str]:
        """Yield the lines of all series."""
        for series in self._series.values():
            yield from series.text(times, spool)

    def _compare(self, number: int, lines: list[str]) -> int:
        self._lines = len(lines)
        parts = [line.rpartition(" ") for line in lines]
        cells = self._cells_of(lines)
        absent = dict(self._series)
        noted = 0
        for begin in range(0, len(parts), cells):
            group = parts[begin : begin + cells]
            absent.pop(group[0][0], None)
            noted += self._note(number, group)
        return noted + sum(series.change(number, _GONE) for series in absent.values())

    def _cells_of(self, lines: list[str]) -> int:
        """Return how many lines belong together: of a histogram, all up to its sum."""
        if self._cells == 1 and lines and self.metric.kind is Kind.HISTOGRAM:
            last = f"{self.metric.name}_sum"
            self._cells = 1 + next(n for n, line in enumerate(lines) if line.startswith(last))
        return self._cells

    def _note(self, number: int, group: list[tuple[str, str, str]]) -> int:
        """Note the values of one series, if they are not those it had."""
        values = " ".join([value for _, _, value in group])
        known = self._series.get(group[0][0])
        if known is not None:
            return known.change(number, values)
        series = _Series([self._head(head) for head, _, _ in group])
        self._series[group[0][0]] = series
        zeros = " ".join("0" * len(group))
        if number == 0 or self.metric.kind not in _CUMULATIVE or values == zeros:
            return series.change(number, values)
        self.samples += len(group)
        return series.change(number - 1, zeros) + series.change(number, values)

    def _head(self, head: str) -> str:
        if not self._labels:
            return f"{head} "
        name, brace, inside = head.partition("{")
        return f"{name}{{{self._labels},{inside} " if brace else f"{name}{{{self._labels}}} "


class _Series:
    """One series, or all those of a histogram with the same labels: they change together."""

    def __init__(self, heads: Sequence[str]) -> None:
        self._heads = heads
        self._values = _GONE
        self._changes = bytearray()
        self._places: list[tuple[int, int]] = []

    def change(self, number: int, values: str) -> int:
        """Note the values from a step on, if they are others; return how many bytes that took."""
        if values == self._values:
            return 0
        self._values = values
        change = f"{number} {values}\n".encode()
        self._changes += change
        return len(change)

    def spool(self, spool: BinaryIO) -> None:
        """Move the changes to the end of the file."""
        if self._changes:
            packed = zlib.compress(self._changes, 1)
            self._places.append((spool.tell(), len(packed)))
            spool.write(packed)
            self._changes = bytearray()

    def text(self, times: Sequence[str], spool: BinaryIO) -> Iterator[str]:
        """Yield its lines, step by step."""
        for (first, values), (end, _) in pairwise(self._all_changes(len(times), spool)):
            if values == _GONE:
                continue
            cells = list(zip(self._heads, values.split(" "), strict=True))
            for begin in range(first, end, _STEPS):
                some = times[begin : min(begin + _STEPS, end)]
                yield "".join([f"{head}{value} {at}\n" for at in some for head, value in cells])

    def _all_changes(self, end: int, spool: BinaryIO) -> Iterator[tuple[int, str]]:
        for place, size in self._places:
            spool.seek(place)
            yield from _read_changes(zlib.decompress(spool.read(size)))
        yield from _read_changes(self._changes)
        yield end, _GONE


def _read_changes(changes: bytes | bytearray) -> Iterator[tuple[int, str]]:
    for line in changes.decode().splitlines():
        number, _, values = line.partition(" ")
        yield int(number), values


def _seconds(at: int) -> str:
    whole, rest = divmod(at, 1000)
    return f"{whole}.{rest:03}" if rest else str(whole)
