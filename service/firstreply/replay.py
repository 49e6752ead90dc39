"""``firstreply replay``: recorded events through the same fold and engine, to the same numbers.

Reads no clock. The report is built from the final, net state of every contact: those that were
forgotten on the way, and those kept at the end, after the deadlines up to ``until`` were decided
without grace.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from firstreply.domain.contact import Contact
from firstreply.domain.increments import Increments
from firstreply.domain.instants import AFTER_ALL
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords, PartitionFold
from firstreply.ports import Record, RecordDecoder
from firstreply.report import EventCounts, Json, Report

_CHUNK: Final = 2_000


class Replay(msgspec.Struct, frozen=True):
    """The outcome of a replay."""

    report: dict[str, Json]
    """The object of ``--format json``."""
    fold: PartitionFold
    """The final state."""
    increments: Increments
    """Everything that was counted on the way, without observations."""


def drop(_: Increments) -> None:
    """Publish nothing."""


def replay(  # noqa: PLR0913 - all keyword-only; the parts of a replay
    records: Iterable[Record],
    *,
    decoder: RecordDecoder,
    bad_records: BadRecords,
    book: PolicyBook,
    grace: int,
    until: int | None = None,
    progressed: Callable[[int], None] = lambda _: None,
    publish: Callable[[Increments], None] = drop,
) -> Replay:
    """Fold records and report.

    Args:
        records: in the order in which they are to be folded.
        decoder: see ``PartitionFold``.
        bad_records: see ``PartitionFold``.
        book: the policies.
        grace: microseconds; decides how many corrections there are, never a final figure.
        until: instant; later events are left out, deadlines up to it are decided. None: the
            latest instant of the log.
        progressed: called now and then with the number of records folded so far.
        publish: called now and then with what was counted and observed since the last time.

    Raises:
        FatalError: too many of the last records were bad.
    """
    report = Report()
    fold = PartitionFold(
        partition=0,
        offset=0,
        decoder=decoder,
        bad_records=bad_records,
        book=book,
        grace=grace,
        until=AFTER_ALL if until is None else until,
        forgotten=lambda contact: report.add(contact, fold.engine.policies),
    )
    counted = Increments()

    def take() -> None:
        """Keep no more than sums: observations, changes and dead letters grow with the input."""
        increments = fold.take().increments
        publish(increments)
        counted.merge(Increments(increments.counts))

    for chunk in _chunks(records):
        fold.fold(chunk)
        take()
        progressed(fold.offset)
    fold.engine.finish(_end(fold, until))
    for contact in fold.engine.contacts():
        report.add(contact, fold.engine.policies)
    take()
    events = count_events(counted, fold.engine.contacts())
    return Replay(report.as_json(events), fold, counted)


def _end(fold: PartitionFold, until: int | None) -> int:
    return fold.engine.log_time if until is None else until


def _chunks(records: Iterable[Record]) -> Iterator[Sequence[Record]]:
    remaining = iter(records)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def count_events(increments: Increments, kept: Iterable[Contact]) -> EventCounts:
    """Sum up what happened to the events; responses still held at the end are unmatched."""
    events = EventCounts()
    for (metric, labels), amount in increments.counts.items():
        match metric:
            case "firstreply_events_total":
                events.read += amount
            case "firstreply_events_rejected_total":
                events.read += amount
                events.rejected[labels[0]] = events.rejected.get(labels[0], 0) + amount
            case "firstreply_events_duplicate_total":
                events.duplicate += amount
            case "firstreply_events_late_total":
                events.late += amount
            case "firstreply_responses_unmatched_total":
                events.unmatched += amount
            case _:
                pass
    events.unmatched += sum(contact.unmatched() for contact in kept)
    return events
