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
same lines here: one rendering serves both.
"""

import asyncio
import platform
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from math import inf
from time import monotonic, perf_counter
from typing import Final, Literal

import msgspec

from firstreply import __version__
from firstreply.adapters import metrics
from firstreply.adapters.delays import observed
from firstreply.adapters.gauge_samples import Pair, process_samples, queue_samples
from firstreply.adapters.metric_families import Gauge, Growing
from firstreply.adapters.metrics import DELAY_BOUNDS, Kind, Source
from firstreply.build_info import is_compiled
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.increments import Increments, Labels
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook

SLICE_SECONDS: Final = 0.004
"""Rendering lets other tasks run this often; one more chunk stays well under 10 ms."""

SCRAPED: Final = 3
"""Deliveries from which on somebody is taken to scrape."""

ZeroFirst = Literal["new", "all", "none"]
"""Which series a scrape must show at 0 first: those new since the start; for a replay, none."""


class Scrape(msgspec.Struct):
    """One consistent rendering; goes back to ``Publisher.shown`` once it was delivered."""

    body: bytes
    rows: dict[str, int]
    """Counter or histogram to the number of series in the body."""
    families: dict[str, bytes]
    """Metric to its lines, without metadata: the same object as before where nothing changed."""
    counted: int
    """How many checkpoints it shows."""


class Publisher:
    """Implements ``ports.Publisher``, and takes everything else that is exported.

    Args:
        book: the policies in force; their bands are the histograms' bounds, for good.
        topic: value of the label ``topic``.
        zero_first: see ``ZeroFirst``.
        seconds: the clock of the lease; see ``lease``.
    """

    def __init__(
        self,
        book: PolicyBook,
        topic: str,
        *,
        zero_first: ZeroFirst = "new",
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._topic = topic
        self._seconds = seconds
        self._lease_until = inf
        self._partitions: dict[int, PartitionGauges] = {}
        self._clocks: dict[int, int] = {}
        self._lag_seconds: dict[int, float] = {}
        self._pairs: dict[Pair, None] = {}
        self._generation = 0
        self._counters: dict[str, Growing] = {}
        self._histograms: dict[str, Growing] = {}
        self._gauges: dict[str, Gauge] = {}
        self._rendered: dict[str, tuple[int, bytes]] = {}
        self._counted = 0
        """Checkpoints that counted something."""
        self._delivered = -1
        """The same as of the last scrape that was delivered; -1 if that showed a series at 0."""
        self._deliveries = 0
        self._delivery = asyncio.Event()
        for metric in metrics.METRICS:
            if metric.kind is Kind.HISTOGRAM:
                limits = metric.bounds or metrics.bounds(metric.clock, book)
                self._histograms[metric.name] = Growing(metric, limits)
            elif metric.kind is Kind.COUNTER and metric.source is not Source.GAUGES:
                self._counters[metric.name] = Growing(metric)
            else:
                self._gauges[metric.name] = Gauge(metric)
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
        self._counted += bool(counted or observed)

    def records_shown(self, appended: list[int], now: int) -> None:
        """Observe the delays of records whose effect is shown from now on; see ``ports``."""
        cells, total = observed(appended, now / 1000, DELAY_BOUNDS)
        self._histograms["firstreply_publication_delay_seconds"].add_many((), cells, total)

    def deadlines_shown(self, after: int, now: int) -> None:
        """Observe the greatest delay of deadlines that are shown only now; see ``ports``."""
        delay = max(0.0, (now - after) / SECOND)
        self._histograms["firstreply_deadline_delay_seconds"].add((), delay)

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

    def lease(self, until: float) -> None:
        """Show no partition from an instant on, unless told again; judged at each scrape."""
        self._lease_until = until

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

    def event_loop_steps(self, cells: list[int], seconds: float) -> None:
        """Add steps: how many fell into each bucket, and the sum of their CPU time."""
        self._histograms["firstreply_event_loop_step_seconds"].add_many((), cells, seconds)

    def clock_skew(self, seconds: float) -> None:
        """Set how far the broker's clock was seen ahead of ours."""
        self._gauges["firstreply_clock_skew_seconds"].set((), seconds)

    def restoring(self, partitions: int) -> None:
        """Set how many owned partitions have their state being restored."""
        self._gauges["firstreply_state_restoring"].set((), partitions)

    def older(self, partitions: int) -> None:
        """Set how many owned partitions went on from an older state than the newest."""
        self._gauges["firstreply_state_older"].set((), partitions)

    def assigned(self, partitions: int) -> None:
        """Set how many partitions are owned."""
        self._gauges["firstreply_partitions_assigned"].set((), partitions)

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - it is the gauge's value
        """Set whether the figures can be trusted."""
        self._gauges["firstreply_ready"].set((), int(ready))

    def config_hash(self, digest: str) -> None:
        """Set the hash of the configuration in force."""
        self._gauges["firstreply_config_info"].replace({(digest,): 1})

    def config_accepted(self, at: int) -> None:
        """Set when the configuration in force was accepted, in microseconds."""
        self._gauges["firstreply_config_last_reload_successful"].set((), 1)
        name = "firstreply_config_last_reload_success_timestamp_seconds"
        self._gauges[name].set((), at / SECOND)

    def config_refused(self) -> None:
        """Note that the configuration that was read last is not the one in force."""
        self._gauges["firstreply_config_last_reload_successful"].set((), 0)

    async def scrape(self, *, openmetrics: bool = False) -> Scrape:
        """Render what is so now, in slices between which other tasks run."""
        if self._seconds() >= self._lease_until:
            for partition in tuple(self._partitions):
                self.drop(partition)
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

    def families(self) -> dict[str, bytes]:
        """Render in one go, for a command that looks at many instants; see ``Scrape.families``."""
        return next(filter(None, self._render(openmetrics=True))).families

    def shown(self, scrape: Scrape) -> None:
        """Note that a scrape was delivered: its series have been shown at 0 if they had to be."""
        at_zero = False
        for family in self._growing():
            if (rows := scrape.rows[family.metric.name]) > family.shown:
                family.shown = rows
                family.version += 1
                at_zero = True
        self._delivered = -1 if at_zero else scrape.counted
        self._deliveries += 1
        self._delivery.set()

    async def all_delivered(self) -> None:
        """Wait until scrapes have shown all that was counted; at once if nobody scrapes.

        One look at ``/metrics`` is nobody's scraping: a browser does not come again.
        """
        while self._deliveries >= SCRAPED and not self._all_delivered():
            self._delivery.clear()
            await self._delivery.wait()

    def _all_delivered(self) -> bool:
        """A series that the last scrape has shown at 0 first needs one more."""
        return self._delivered == self._counted

    def _growing(self) -> Iterable[Growing]:
        return (*self._counters.values(), *self._histograms.values())

    def _of(self, partition: int) -> Labels:
        return (self._topic, str(partition))

    def _start_neutral(self) -> None:
        for name in (
            *("event_loop_lag_seconds", "clock_skew_seconds"),
            *("ready", "partitions_assigned", "state_restoring", "state_older"),
        ):
            self._gauges[f"firstreply_{name}"].set((), 0)
        self._gauges["firstreply_config_last_reload_successful"].set((), 1)
        built = (__version__, platform.python_version(), str(is_compiled()).lower())
        self._gauges["firstreply_build_info"].set(built, 1)
        self.config_hash("unset")

    def _render(self, *, openmetrics: bool) -> Generator[Scrape | None, None, None]:
        """Yield None after each chunk, then the scrape. All is copied before the first yield."""
        rows = {family.metric.name: family.rows for family in self._growing()}
        counted = self._counted
        families: Iterable[Growing | Gauge] = (*self._growing(), *self._gauges.values())
        frozen = {family.metric.name: (family.version, family.freeze()) for family in families}
        partitions, generation = dict(self._partitions), self._generation
        derived = process_samples(self._book, self._topic, dict(self._clocks), partitions)
        merged = queue_samples(self._book, tuple(self._pairs), partitions)
        for made in chain(derived.items(), merged):
            if made is not None:
                frozen[made[0]] = (generation, self._gauges[made[0]].freeze(made[1]))
            yield None
        body: list[bytes] = []
        lines: dict[str, bytes] = {}
        for metric in metrics.METRICS:
            body.append(metric.header(openmetrics=openmetrics).encode())
            lines[metric.name] = yield from self._body(metric.name, *frozen[metric.name])
            body.append(lines[metric.name])
        yield Scrape(b"".join(body) + (b"# EOF\n" if openmetrics else b""), rows, lines, counted)

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
