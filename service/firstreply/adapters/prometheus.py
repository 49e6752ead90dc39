"""The exported figures: takes increments and gauges as data, yields the bytes of ``/metrics``.

*Counters* only grow by what a durable checkpoint counted. A series that was not there before is
shown at 0 by one scrape before it shows what it counted, or Prometheus would take its first value
for its beginning and never see the increase. Nothing is lost meanwhile: the true values are kept
and only rendered as 0.

*Gauges* hold what the owned partitions said last: counts are summed, instants take the minimum,
and all that a partition said goes when it is revoked.

A scrape first copies what it will render, at once, so that all families are of one instant, then
renders it in slices between which other tasks run. A family that did not change since it was last
rendered is not rendered again. Metadata apart, the text format 0.0.4 and OpenMetrics 1.0 have the
same lines here: one rendering serves both. The only clock read here times the slices.
"""

import asyncio
import platform
from bisect import bisect_left
from collections.abc import Generator, Iterable, Iterator
from itertools import accumulate, chain
from math import inf
from time import perf_counter
from typing import Final, Literal

import msgspec

from firstreply import __version__
from firstreply.adapters import metrics
from firstreply.adapters.metrics import Kind, Metric, Samples, Source
from firstreply.domain.bands import PolicyBook
from firstreply.domain.gauges import HORIZONS, BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments, Labels
from firstreply.domain.instants import SECOND

SLICE_SECONDS: Final = 0.004
"""Rendering lets other tasks run this often; one more chunk stays well under 10 ms."""

_CHUNK: Final = 250
"""Lines rendered in one go."""

ZeroFirst = Literal["new", "all", "none"]
"""Which series a scrape must show at 0 first: those new since the start; for a replay, none."""

Pair = tuple[str, str]


class Scrape(msgspec.Struct):
    """One consistent rendering; goes back to ``Publisher.shown`` once it was delivered."""

    body: bytes
    rows: dict[str, int]
    """Counter or histogram to the number of series in the body."""


class Publisher:
    """Implements ``ports.Publisher``, and takes everything else that is exported.

    Args:
        book: the policies in force; their bands are the histograms' bounds, for good.
        topic: value of the label ``topic``.
        zero_first: see ``ZeroFirst``.
    """

    def __init__(self, book: PolicyBook, topic: str, *, zero_first: ZeroFirst = "new") -> None:
        self._topic = topic
        self._partitions: dict[int, PartitionGauges] = {}
        self._clocks: dict[int, int] = {}
        self._lag_seconds: dict[int, float] = {}
        self._pairs: dict[Pair, None] = {}
        self._generation = 0
        self._counters: dict[str, _Growing] = {}
        self._histograms: dict[str, _Growing] = {}
        self._gauges: dict[str, _Gauge] = {}
        self._rendered: dict[str, tuple[int, bytes]] = {}
        for metric in metrics.METRICS:
            if metric.kind is Kind.HISTOGRAM:
                self._histograms[metric.name] = _Growing(metric, metrics.bounds(metric.clock, book))
            elif metric.kind is Kind.COUNTER and metric.source is not Source.GAUGES:
                self._counters[metric.name] = _Growing(metric)
            else:
                self._gauges[metric.name] = _Gauge(metric)
        self.configure(book)
        for family in self._growing():
            family.shown = {"new": family.rows, "all": 0, "none": inf}[zero_first]
        self._start_neutral()

    def configure(self, book: PolicyBook) -> None:
        """Export a policy book: its configuration, and its series at 0. Bounds stay as they are."""
        self._book = book
        self._pairs.update({(policy.channel, queue): None for policy, queue in metrics.pairs(book)})
        for family in self._growing():
            for labels in metrics.starting_series(family.metric, book):
                family.place(labels)
        for name, samples in metrics.configuration(book).items():
            self._gauges[name].replace(samples)
        self._generation += 1

    def checkpointed(self, partition: int, epoch: int, increments: Increments) -> None:  # noqa: ARG002 - counters are per process, and the caller has fenced the epoch
        """Add what a durable checkpoint counted. Called only after its commit was accepted.

        Raises:
            KeyError: a metric that ``adapters.metrics`` does not declare; nothing was added.
            ValueError: labels that its declaration does not allow, or a negative amount.
        """
        counted = [(self._counters[name], to, n) for (name, to), n in increments.counts.items()]
        observed = [(self._histograms[name], to, n) for name, to, n in increments.observations]
        for family, labels, amount in (*counted, *observed):
            family.add(labels, amount)

    def gauges(self, partition: int, now: PartitionGauges) -> None:
        """Replace what a partition said last. The caller leaves ``now`` alone afterwards."""
        self._partitions[partition] = now
        self._pairs.update(dict.fromkeys(now.queues))
        self.clock(partition, now.at)

    def clock(self, partition: int, at: int | None) -> None:
        """Set a partition's service clock, in microseconds; None: not known."""
        if at is None:
            self._clocks.pop(partition, None)
        else:
            self._clocks[partition] = at
        self._generation += 1

    def lag(self, partition: int, messages: int, seconds: float) -> None:
        """Set how many records of a partition are unread, and how old the last one read is."""
        self._gauges["firstreply_consumer_lag_messages"].set(self._of(partition), messages)
        self._lag_seconds[partition] = seconds
        self._gauges["firstreply_consumer_lag_seconds"].set((), max(self._lag_seconds.values()))

    def drop(self, partition: int) -> None:
        """Take back every gauge of a partition that is no longer owned. Idempotent."""
        self._partitions.pop(partition, None)
        self.clock(partition, None)
        self._lag_seconds.pop(partition, None)
        self._gauges["firstreply_consumer_lag_messages"].set(self._of(partition), None)
        worst = max(self._lag_seconds.values(), default=None)
        self._gauges["firstreply_consumer_lag_seconds"].set((), worst)

    def heartbeat(self, instant: int) -> None:
        """Set when every owned partition was last caught up or advanced, in microseconds."""
        self._gauges["firstreply_heartbeat_timestamp_seconds"].set((), instant / SECOND)

    def event_loop_lag(self, seconds: float) -> None:
        """Set how late the event loop woke up."""
        self._gauges["firstreply_event_loop_lag_seconds"].set((), seconds)

    def clock_skew(self, seconds: float) -> None:
        """Set how far the broker's clock was seen ahead of ours."""
        self._gauges["firstreply_clock_skew_seconds"].set((), seconds)

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - it is the gauge's value
        """Set whether the figures can be trusted."""
        self._gauges["firstreply_ready"].set((), int(ready))

    def reload(self, ok: bool) -> None:  # noqa: FBT001 - it is the gauge's value
        """Set whether the configuration was accepted when it was last read."""
        self._gauges["firstreply_config_last_reload_successful"].set((), int(ok))

    def config_hash(self, digest: str) -> None:
        """Set the hash of the configuration in force."""
        self._gauges["firstreply_config_info"].replace({(digest,): 1})

    async def scrape(self, *, openmetrics: bool = False) -> Scrape:
        """Render what is so now, in slices between which other tasks run."""
        steps = self._render(openmetrics=openmetrics)
        started = perf_counter()
        while (scrape := next(steps)) is None:
            if perf_counter() - started >= SLICE_SECONDS:
                await asyncio.sleep(0)
                started = perf_counter()
        return scrape

    def render(self, *, openmetrics: bool = False) -> bytes:
        """Render in one go, for a command that ends with it."""
        return next(filter(None, self._render(openmetrics=openmetrics))).body

    def shown(self, scrape: Scrape) -> None:
        """Note that a scrape was delivered: its series have been shown at 0 if they had to be."""
        for family in self._growing():
            if (rows := scrape.rows[family.metric.name]) > family.shown:
                family.shown = rows
                family.version += 1

    def _growing(self) -> Iterable["_Growing"]:
        return (*self._counters.values(), *self._histograms.values())

    def _of(self, partition: int) -> Labels:
        return (self._topic, str(partition))

    def _start_neutral(self) -> None:
        for name in ("event_loop_lag_seconds", "clock_skew_seconds", "ready", "state_restoring"):
            self._gauges[f"firstreply_{name}"].set((), 0)
        self._gauges["firstreply_config_last_reload_successful"].set((), 1)
        self._gauges["firstreply_build_info"].set((__version__, platform.python_version()), 1)
        self.config_hash("unset")

    def _render(self, *, openmetrics: bool) -> Generator[Scrape | None, None, None]:
        """Yield None after each chunk, then the scrape. All is copied before the first yield."""
        rows = {family.metric.name: family.rows for family in self._growing()}
        families: Iterable[_Growing | _Gauge] = (*self._growing(), *self._gauges.values())
        frozen = {family.metric.name: (family.version, family.freeze()) for family in families}
        partitions, generation = dict(self._partitions), self._generation
        derived = _process_samples(self._book, self._topic, dict(self._clocks), partitions)
        merged = _queue_samples(self._book, tuple(self._pairs), partitions)
        for made in chain(derived.items(), merged):
            if made is not None:
                frozen[made[0]] = (generation, self._gauges[made[0]].freeze(made[1]))
            yield None
        body = []
        for metric in metrics.METRICS:
            body.append(metric.header(openmetrics=openmetrics).encode())
            body.append((yield from self._body(metric.name, *frozen[metric.name])))
        yield Scrape(b"".join(body) + (b"# EOF\n" if openmetrics else b""), rows)

    def _body(self, name: str, version: int, chunks: Iterator[str]) -> Generator[None, None, bytes]:
        known, body = self._rendered.get(name, (-1, b""))
        if known == version:
            return body
        parts = []
        for chunk in chunks:
            parts.append(chunk)
            yield
        body = "".join(parts).encode()
        if version > known:
            self._rendered[name] = (version, body)
        return body


class _Growing:
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


class _Gauge:
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


def _process_samples(
    book: PolicyBook, topic: str, clocks: dict[int, int], partitions: dict[int, PartitionGauges]
) -> dict[str, Samples]:
    """Opening hours hold at the earliest clock; without one, only who never closes is known."""
    at = min(clocks.values(), default=None)
    is_open = Samples()
    for channel, policy in book.policies.items():
        if policy.calendar is None:
            is_open[channel,] = 1
        elif at is not None:
            is_open[channel,] = int(policy.calendar.is_open_us(at))
    return {
        "contact_channel_open": is_open,
        "firstreply_clock_timestamp_seconds": {
            (topic, str(partition)): clock / SECOND for partition, clock in clocks.items()
        },
        "firstreply_contacts_tracked": {(): sum(now.tracked for now in partitions.values())},
        "firstreply_ledger_total": {
            (topic, str(partition), kind): value
            for partition, now in partitions.items()
            for kind, value in now.ledger.items()
        },
    }


def _queue_samples(
    book: PolicyBook, known: tuple[Pair, ...], partitions: dict[int, PartitionGauges]
) -> Iterator[tuple[str, Samples] | None]:
    """Merge the partitions, yielding None after each; then yield the samples of each metric."""
    totals = {pair: QueueGauges(waiting={}) for pair in known}
    for now in partitions.values():
        for pair, queue in now.queues.items():
            _merge(totals[pair], queue)
        yield None
    all_ = totals.items()
    promises = {name: policy.promise for name, policy in book.policies.items()}
    due = [((*at, found.band), totals[at]) for at in known if (found := promises.get(at[0]))]
    states = ((pair, state, total) for pair, total in all_ for state in BandState)
    yield "contact_waiting", {(*pair, of): total.waiting.get(of, 0) for pair, of, total in states}
    horizons = ((band, horizon, total) for band, total in due for horizon in HORIZONS)
    yield "contact_due", {(*band, of): total.due.get(of, 0) for band, of, total in horizons}
    yield "contact_reply_waiting", {pair: total.reply_waiting for pair, total in all_}
    for name, moments in (
        ("contact_next_deadline", ((band, total.next_deadline) for band, total in due)),
        ("contact_oldest_waiting", ((pair, total.oldest_waiting) for pair, total in all_)),
        ("contact_reply_oldest_waiting", ((at, total.reply_oldest_waiting) for at, total in all_)),
    ):
        instants: Samples = {labels: at / SECOND for labels, at in moments if at is not None}
        yield f"{name}_timestamp_seconds", instants


def _merge(total: QueueGauges, queue: QueueGauges) -> None:
    for state, count in queue.waiting.items():
        total.waiting[state] = total.waiting.get(state, 0) + count
    for horizon, count in queue.due.items():
        total.due[horizon] = total.due.get(horizon, 0) + count
    total.reply_waiting += queue.reply_waiting
    total.oldest_waiting = _earliest(total.oldest_waiting, queue.oldest_waiting)
    total.next_deadline = _earliest(total.next_deadline, queue.next_deadline)
    total.reply_oldest_waiting = _earliest(total.reply_oldest_waiting, queue.reply_oldest_waiting)


def _earliest(one: int | None, other: int | None) -> int | None:
    return min((at for at in (one, other) if at is not None), default=None)
