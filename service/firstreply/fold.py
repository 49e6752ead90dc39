"""Folds the records of one partition into its engine: synchronous and deterministic.

Records come in by offset; increments, dead letters and the engine's state go out, for the processor
to make durable together. Log time moves as the records allow (design, section 6): a LogAppendTime
moves it, a CreateTime never does, and where records have no timestamp the event time does. Records
below the offset already folded are skipped: after a rebalance Kafka hands them out again.
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from firstreply.appends import Appends
from firstreply.domain.contact import Contact
from firstreply.domain.engine import Changes, Engine
from firstreply.domain.errors import FatalError
from firstreply.domain.events import ContactEvent
from firstreply.domain.increments import Increments
from firstreply.domain.instants import AFTER_ALL, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.ports import DeadLetter, Record, RecordDecoder, TimestampType
from firstreply.rejection import Rejected, Unknown

UNKNOWN_TYPE: Final = "unknown"
"""The ``type`` label of events of types that are not ours."""

MAX_OPEN_PROOFS: Final = 16

_LOG_APPEND_TIME: Final = int(TimestampType.LOG_APPEND_TIME)


class BadRecords:
    """Stops the service when too many of the last records are bad (design, section 4).

    Args:
        share: more than this share of bad records stops; 1 never does.
        among: how many of the last records are looked at; the limit acts once so many came.
    """

    def __init__(self, share: float, among: int) -> None:
        self.came = 0
        """Records so far, good or bad; whoever folds counts them, a bad one before ``bad``."""
        self._limit = Fraction(str(share)) * among  # 0.58 x 100 is 57.99... in binary
        self._among = among
        self._last: deque[tuple[int, str]] = deque()
        """Of the last ``among`` records the bad ones: number, from 1, and reason."""

    def bad(self, reason: str) -> None:
        """Note that the last record that came was bad. Raises FatalError beyond the limit."""
        last = self._last
        last.append((self.came, reason))
        while last[0][0] <= self.came - self._among:
            last.popleft()
        if self.came >= self._among and len(last) > self._limit:
            worst, count = Counter(reason for _, reason in last).most_common(1)[0]
            msg = (
                f"{len(last)} of the last {self._among} records are bad, {count} of them {worst}: "
                "this looks like the wrong topic or a broken producer. Look at the dead letters, "
                "or raise limits.bad_records"
            )
            raise FatalError(msg)


class Span(msgspec.Struct, frozen=True):
    """What was folded since the last checkpoint: made durable and published together."""

    offset: int
    """Offset after the last folded record."""
    increments: Increments
    letters: tuple[DeadLetter, ...]
    changes: Changes
    """Contacts that the state log has to write or to remove."""


class PartitionFold:
    """One partition from the moment it is begun.

    Args:
        partition: its number.
        offset: of the first record to fold.
        decoder: shared by all partitions.
        bad_records: shared by all partitions.
        book: policies in force.
        grace: microseconds.
        max_tracked: see ``Engine``.
        until: events later than this instant are left out, as if they had not been written yet.
        forgotten: see ``Engine``.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only; wired in two places
        self,
        *,
        partition: int,
        offset: int,
        decoder: RecordDecoder,
        bad_records: BadRecords,
        book: PolicyBook,
        grace: int,
        max_tracked: int | None = None,
        until: int = AFTER_ALL,
        forgotten: Callable[[Contact], None] = lambda _: None,
    ) -> None:
        self.partition = partition
        self.engine = Engine(book, grace=grace, max_tracked=max_tracked, forgotten=forgotten)
        self.engine.offset = offset
        self.epoch = 0
        self.committed: int | None = None
        """The offset of the last commit we know of."""
        self.confirmed = False
        """Whether it is our own."""
        self.first_timestamp: int | None = None
        """Milliseconds; of the first record folded since the partition was begun."""
        self.last: Record | None = None
        """The last folded record; None since the state was restored."""
        self.appends = Appends()
        """Of records whose effect is not shown yet; whoever shows it keeps it."""
        self.shown_at: int | None = None
        """The service clock of the last cut that was shown; None since the partition was begun."""
        self._until = until
        self._decoder = decoder
        self._bad_records = bad_records
        self._increments = Increments()
        self._letters: list[DeadLetter] = []
        self.letter_bytes = 0
        """Of the dead letters that are not durable yet."""
        self._proofs: deque[tuple[int, int]] = deque()

    @property
    def offset(self) -> int:
        """Offset after the last folded record."""
        return self.engine.offset or 0

    def fold(self, records: Sequence[Record], timers: int | None = None) -> int:
        """Fold records in the order of their offsets.

        Args:
            records: of this partition.
            timers: how many deadlines to fire at most; a gap in the log can pass hundreds of
                thousands at once. None: all.

        Returns:
            How many records were folded; fewer than given when ``timers`` did not suffice: ``fire``
            the rest, then go on.

        Raises:
            FatalError: too many of the last records were bad.
        """
        until = None if timers is None else self.engine.timers_looked_at + timers
        if timers is not None and not self.fire(timers):
            return 0
        folded = 0
        for record in records:
            if not self._fold_one(record, until):
                break
            folded += 1
        fallbacks = self._decoder.take_fallbacks()
        if fallbacks:
            self._increments.count("firstreply_event_time_fallback_total", amount=fallbacks)
        self._apply_proofs()
        return folded

    def _fold_one(self, record: Record, timers_until: int | None) -> bool:
        """Fold a record; False if its log time passes more deadlines than may be fired now."""
        engine = self.engine
        offset = record.offset
        if offset < (engine.offset or 0):
            return True
        timestamp_type = record.timestamp_type
        log_time = self._log_time(record) if timestamp_type == _LOG_APPEND_TIME else None
        # Only where it moves log time: the many records of a batch may share one, and ``receive``
        # advances anyhow. Measured: 8 % of what decoding and folding take beside the engine.
        if log_time is not None and timers_until is not None and log_time > engine.log_time:
            left = timers_until - engine.timers_looked_at
            if not engine.advance(log_time, max(left, 0)):
                return False
        decoded = self._decoder.decode(record)
        if isinstance(decoded, ContactEvent):
            if decoded.time > self._until:
                return True
            engine.receive(decoded, decoded.time if timestamp_type is None else log_time)
            self._bad_records.came += 1
        else:
            if log_time is not None:
                engine.advance(log_time)
            self._bad_records.came += 1
            self._set_aside(record, decoded)
        engine.offset = offset + 1
        self.last = record
        if self.first_timestamp is None:
            self.first_timestamp = record.timestamp
        return True

    def prove(self, clock: int, end: int) -> None:
        """Log time may reach ``clock`` once everything below offset ``end`` is folded.

        ``clock`` was read before ``end`` was asked for, and is less the skew. At most
        ``MAX_OPEN_PROOFS`` wait for their records; beyond that a proof is dropped, not one made
        false.
        """
        proofs = self._proofs
        # A later clock with no later end says more. A transaction marker makes such a pair: it
        # counts as the end until the records before it were read (see adapters.kafka.source).
        while proofs and proofs[-1][1] >= end:
            proofs.pop()
        if len(proofs) < MAX_OPEN_PROOFS:
            proofs.append((clock, end))
        self._apply_proofs()

    @property
    def undurable(self) -> int:
        """Offsets folded since the last durable checkpoint; each changes one contact at most."""
        return 0 if self.committed is None else self.offset - self.committed

    def needs_commit(self, offset: int) -> bool:
        """Return whether a commit of ``offset`` would say something new.

        The first one always does: with ``kafka.start: latest``, a rebalance before any commit
        would begin at a later end and leave out what came between.
        """
        return not self.confirmed or offset != self.committed

    def fire(self, at_most: int | None = None) -> bool:
        """Fire deadlines that log time has passed; True when none is left.

        A proof after a long backlog can pass hundreds of thousands at once: whoever shares an
        event loop fires them in slices. ``fold`` fires what is left before its first record.
        """
        return self.engine.advance(self.engine.log_time, at_most)

    def take(self) -> Span:
        """Take what was folded since the last call."""
        increments = self._increments
        increments.merge(self.engine.take_increments())
        span = Span(self.offset, increments, tuple(self._letters), self.engine.changes())
        self._increments = Increments()
        self._letters = []
        return span

    def inherit(self, increments: Increments) -> None:
        """Count what an earlier owner made durable and did not export."""
        self._increments.merge(increments)

    def put_back(self, span: Span) -> None:
        """Return a span that could not be made durable; it goes with the next one."""
        increments = Increments()  # that of the span may be kept elsewhere, in doubt
        increments.merge(span.increments)
        increments.merge(self._increments)
        self._increments = increments
        self._letters = [*span.letters, *self._letters]
        self.engine.keep_changes(span.changes)

    def made_durable(self, span: Span) -> None:
        """Note that a span is durable, and its offset committed by us."""
        self.committed, self.confirmed = span.offset, True
        self.letter_bytes -= sum(map(_size, span.letters))

    def _log_time(self, record: Record) -> int | None:
        """Return the log time that a LogAppendTime says."""
        if record.timestamp is None:
            return None
        log_time = record.timestamp * (SECOND // 1000)
        proof = self.engine.proof
        if proof is not None and log_time < proof:
            self._increments.count("firstreply_idle_proof_broken_total")
        return min(log_time, self._until)

    def _set_aside(self, record: Record, decoded: Rejected | Unknown) -> None:
        if isinstance(decoded, Unknown):
            self._increments.count("firstreply_events_total", UNKNOWN_TYPE)
            return
        reason = decoded.reason.value
        self._increments.count("firstreply_events_rejected_total", reason)
        letter = DeadLetter(
            partition=self.partition,
            offset=record.offset,
            reason=reason,
            detail=decoded.detail,
            key=record.key,
            value=record.value,
            headers=record.headers,
            timestamp=record.timestamp,
        )
        self._letters.append(letter)
        self.letter_bytes += _size(letter)
        self._bad_records.bad(reason)

    def _apply_proofs(self) -> None:
        proofs, engine = self._proofs, self.engine
        while proofs and proofs[0][1] <= self.offset:
            clock, _ = proofs.popleft()
            engine.proof = clock if engine.proof is None else max(engine.proof, clock)
            engine.advance(clock, at_most=0)


def _size(letter: DeadLetter) -> int:
    return len(letter.key or b"") + len(letter.value or b"")
