"""What ``/metrics`` would have shown at each step of log time, for ``replay --format openmetrics``.

Records go in, in the order in which they are to be folded; at each step the publisher's figures go
out to an ``OpenMetricsHistory``. A step is a multiple of ``every`` since 1970. It shows every event
up to and including its instant, and every miss whose deadline plus grace lies before it, also where
no event came for hours; its gauges hold at the service clock, like those of a service that is never
behind: ready, without lag, its heartbeat beating. No clock is read.

The first step lies before the first event, where all that exists from the start is 0. One more
step, at the instant of the last event, shows the figures of ``replay --format metrics``: deadlines
up to then are decided without grace. With ``until`` there is no such step: whoever takes a month at
a time finds each month beginning with what the one before ended with.
"""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from firstreply.adapters.openmetrics import OpenMetricsHistory
from firstreply.adapters.prometheus import Publisher
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.events import ContactEvent
from firstreply.domain.increments import Increments
from firstreply.domain.instants import BEFORE_ALL, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords, PartitionFold
from firstreply.ports import Record, RecordDecoder, TimestampType
from firstreply.rejection import Rejected, Unknown

_CHUNK: Final = 2_000
"""Records, or steps, after which increments are published and progress is told."""


class Span(msgspec.Struct, frozen=True):
    """Which steps to show. Instants and durations in microseconds."""

    every: int
    """Whole seconds."""
    since: int = BEFORE_ALL
    """Earlier steps are not shown; the events before them count all the same."""
    until: int | None = None
    """Later steps are not shown, and what came later is not read. None: the last event."""
    most_samples: int | None = None
    """More are refused; a sample takes some 125 bytes."""


def write_history(  # noqa: PLR0913 - all keyword-only; the parts of a replay
    records: Iterable[Record],
    history: OpenMetricsHistory,
    *,
    publisher: Publisher,
    decoder: RecordDecoder,
    bad_records: BadRecords,
    book: PolicyBook,
    grace: int,
    span: Span,
    progressed: Callable[[int], None] = lambda _: None,
) -> Increments:
    """Fold records, and show each step to the history.

    Args:
        records: in the order in which they are to be folded.
        history: takes the steps.
        publisher: a new one, without zero first: the history sees to it.
        decoder: see ``PartitionFold``.
        bad_records: see ``PartitionFold``.
        book: the policies.
        grace: microseconds.
        span: which steps.
        progressed: called now and then with the number of records folded so far.

    Returns:
        What was counted up to the end, without observations.

    Raises:
        FatalError: too many of the last records were bad.
        ConfigurationError: there are more samples than ``span`` allows.
    """
    walk = _Walk(history, publisher, span)
    fold = walk.fold = PartitionFold(
        partition=0,
        offset=0,
        decoder=_Ahead(decoder, walk.passes),
        bad_records=bad_records,
        book=book,
        grace=grace,
    )
    for record in records:
        fold.fold((record,))
        if walk.is_over:
            break
        if fold.offset % _CHUNK == 0:
            walk.publish()
            progressed(fold.offset)
    walk.finish()
    progressed(fold.offset)
    return walk.counted


class _Ahead:
    """A decoder that tells which log time a record is about to set, before it is folded."""

    def __init__(self, decoder: RecordDecoder, passes: Callable[[int], None]) -> None:
        self._decoder = decoder
        self._passes = passes

    def decode(self, record: Record) -> ContactEvent | Rejected | Unknown:
        """Decode, and let the steps before its log time be shown."""
        decoded = self._decoder.decode(record)
        if record.timestamp_type == TimestampType.LOG_APPEND_TIME and record.timestamp is not None:
            self._passes(record.timestamp * (SECOND // 1000))
        elif record.timestamp_type is None and isinstance(decoded, ContactEvent):
            self._passes(decoded.time)
        return decoded

    def take_fallbacks(self) -> int:
        """See ``RecordDecoder``."""
        return self._decoder.take_fallbacks()


class _Walk:
    """Goes from step to step."""

    fold: PartitionFold

    def __init__(self, history: OpenMetricsHistory, publisher: Publisher, span: Span) -> None:
        self.is_over = False
        """Whether log time has passed ``until``."""
        self.counted = Increments()
        self._history = history
        self._publisher = publisher
        self._span = span
        self._next: int | None = None
        publisher.ready(True)  # noqa: FBT003 - the value of a gauge
        publisher.lag(0, 0, 0.0)

    def passes(self, at: int) -> None:
        """Show the steps before an instant that log time is about to reach."""
        every, until = self._span.every, self._span.until
        if self._next is None:
            self._next = max((at - 1) // every, -(-self._span.since // every)) * every
        end = at if until is None else min(at, until + 1)
        while self._next < end:
            self._show(self._next, self._next // 1000)
            self._next += every
        if until is not None and at > until and not self.is_over:
            self.publish()  # the record that comes now is not counted any more
            self.is_over = True

    def finish(self) -> None:
        """Show the steps after the last record."""
        log_time = self.fold.engine.log_time
        if self.is_over:
            return
        if log_time == BEFORE_ALL:  # rejected records at most
            self.publish()
            return
        if self._span.until is not None:
            self.passes(self._span.until + 1)
        elif log_time >= self._span.since:
            self.passes(log_time)
            self.fold.engine.finish(log_time)
            self._show(log_time, -(-log_time // 1000))
        self.publish()

    def publish(self) -> None:
        """Hand what was counted to the publisher."""
        increments = self.fold.take().increments
        self._publisher.checkpointed(0, 0, increments)
        self.counted.merge(Increments(increments.counts))

    def _show(self, at: int, milliseconds: int) -> None:
        engine = self.fold.engine
        engine.advance(at)
        self.publish()
        self._publisher.gauges(0, engine.gauges())
        self._publisher.heartbeat(at)
        self._history.step(milliseconds, self._publisher.families())
        most = self._span.most_samples
        if most is not None and self._history.samples > most:
            steps = self._history.steps
            msg = (
                f"more than {most:,} samples, some {most // 8_000_000} GB: {steps:,} steps of "
                f"{self._history.samples // steps:,} series. Take a part of the time with --since "
                "and --until, or fewer steps with --every"
            )
            raise ConfigurationError(msg)
