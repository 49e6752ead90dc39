"""One partition: log time, offsets, dead letters, and a span that is neither lost nor doubled."""

from collections import Counter
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstreply.adapters.codec import Decoder, Reason
from firstreply.adapters.records import FileRecord
from firstreply.domain.contact import Phase
from firstreply.domain.engine import Changes
from firstreply.domain.increments import Increments, Labels
from firstreply.domain.instants import BEFORE_ALL, SECOND
from firstreply.fold import PartitionFold, Span
from firstreply.ports import TimestampType
from tests.unit.domain.builders import GRACE, at, book
from tests.unit.fakes import (
    NO_JSON,
    OF_ANOTHER,
    event,
    opened,
    partition_fold,
    record,
    responded,
)

MISSED = "contact_expectation_outcomes_total"
EVENTS = "firstreply_events_total"
REJECTED = "firstreply_events_rejected_total"
Counts = dict[tuple[str, Labels], int]

NO_CHANGES = Changes(frozenset(), frozenset())
BANDS = 2


def counts(fold: PartitionFold) -> Counts:
    return fold.take().increments.counts


def total(counted: Counts, metric: str) -> int:
    return sum(amount for (name, _), amount in counted.items() if name == metric)


# Log time


def test_a_log_append_time_moves_log_time_to_its_millisecond() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(10), appended=12.345)])

    assert fold.engine.log_time == at(12.345)


def test_an_earlier_log_append_time_leaves_log_time_where_it_is() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(10), appended=20), record(1, opened(11, "d"), appended=19)])

    assert fold.engine.log_time == at(20)


def test_a_log_append_time_counts_a_miss_before_its_own_record_is_folded() -> None:
    fold = partition_fold()
    late = 600 + GRACE + 0.001

    fold.fold([record(0, opened(0), appended=0), record(1, responded(600), appended=late)])

    counted = counts(fold)
    assert counted[MISSED, ("chat", "none", "10m", "missed")] == 1
    assert (
        counted["contact_expectation_corrections_total", ("chat", "none", "10m", "missed", "met")]
        == 1
    )


def test_a_log_append_time_exactly_at_deadline_and_grace_counts_no_miss() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(0), appended=0), record(1, responded(600), appended=605)])

    counted = counts(fold)
    assert counted[MISSED, ("chat", "none", "10m", "met")] == 1
    assert total(counted, "contact_expectation_corrections_total") == 0


def test_a_create_time_never_moves_log_time_however_late_it_is() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(0), created=0), record(1, opened(1, "d"), created=80_000)])

    assert fold.engine.log_time == BEFORE_ALL
    assert total(counts(fold), MISSED) == 0


def test_without_a_timestamp_log_time_is_the_running_maximum_of_event_time() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(30)), record(1, opened(20, "d")), record(2, opened(25, "e"))])

    assert fold.engine.log_time == at(30)


def test_a_broken_record_moves_log_time_by_its_log_append_time_alone() -> None:
    fold = partition_fold()

    fold.fold([record(0, NO_JSON, created=5), record(1, NO_JSON)])
    before = fold.engine.log_time
    fold.fold([record(2, NO_JSON, appended=7)])

    assert before == BEFORE_ALL
    assert fold.engine.log_time == at(7)


def test_an_event_of_an_unknown_type_moves_log_time_by_its_log_append_time_alone() -> None:
    fold = partition_fold()

    fold.fold([record(0, OF_ANOTHER, created=5), record(1, OF_ANOTHER)])
    before = fold.engine.log_time
    fold.fold([record(2, OF_ANOTHER, appended=7)])

    assert before == BEFORE_ALL
    assert fold.engine.log_time == at(7)


# Offsets


def test_records_below_the_folded_offset_are_skipped_and_the_one_at_it_is_not() -> None:
    fold = partition_fold(offset=5)

    fold.fold([record(n, opened(n, str(n)), appended=90_000 if n < 5 else n) for n in range(7)])

    counted = counts(fold)
    assert total(counted, EVENTS) == 2
    assert fold.engine.log_time == at(6)
    assert fold.offset == 7


def test_records_handed_out_again_change_nothing() -> None:
    fold = partition_fold()
    records = [record(0, opened(0), created=0), record(1, NO_JSON, created=1)]
    fold.fold(records)
    fold.take()

    fold.fold(records)

    span = fold.take()
    assert not span.increments
    assert span.letters == ()


def test_the_offset_is_the_one_after_the_last_record_across_gaps() -> None:
    fold = partition_fold(offset=3)

    fold.fold([record(4, opened(0), created=0), record(9, NO_JSON, created=1)])

    assert fold.offset == 10
    assert fold.take().offset == 10


def test_a_fold_that_has_read_nothing_stands_at_its_first_offset() -> None:
    fold = partition_fold(offset=17)

    span = fold.take()

    assert span == Span(17, Increments(), (), NO_CHANGES)


def test_the_last_timestamp_is_that_of_the_last_record_good_or_bad() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(0), created=4), record(1, NO_JSON, created=3)])

    assert fold.last is not None
    assert fold.last.timestamp == at(3) // 1000


# Until


def until(seconds: float) -> PartitionFold:
    return PartitionFold(
        partition=0,
        offset=0,
        decoder=Decoder(),
        bad_records=partition_fold()._bad_records,
        book=book(),
        grace=GRACE * SECOND,
        until=at(seconds),
    )


def test_an_event_at_until_is_folded_and_one_after_it_is_not() -> None:
    fold = until(60)

    fold.fold([record(0, opened(60)), record(1, opened(60.000001, "d"))])

    assert total(counts(fold), EVENTS) == 1
    assert fold.engine.log_time == at(60)


def test_an_event_after_until_does_not_keep_later_records_from_being_folded() -> None:
    fold = until(60)

    fold.fold([record(0, opened(61)), record(1, opened(59, "d")), record(2, NO_JSON)])

    counted = counts(fold)
    assert total(counted, EVENTS) == 1
    assert total(counted, REJECTED) == 1


def test_a_record_written_after_until_does_not_move_log_time_beyond_it() -> None:
    fold = until(60)

    fold.fold([record(0, opened(0), appended=0), record(1, responded(50), appended=90_000)])

    assert fold.engine.log_time <= at(60)


def test_a_broken_record_written_after_until_does_not_move_log_time_beyond_it() -> None:
    fold = until(60)

    fold.fold([record(0, opened(0), appended=0), record(1, NO_JSON, appended=90_000)])

    assert fold.engine.log_time <= at(60)


# Dead letters


def test_a_dead_letter_holds_every_field_of_its_record_byte_for_byte() -> None:
    value, key = b"\xff\xfe\x00{", b"\x00\x01"
    headers = (("h", b"\xf0"), ("h", None), ("empty", b""))
    fold = partition_fold(3, 40)

    fold.fold([FileRecord(41, value, 1234, TimestampType.CREATE_TIME, key, headers, partition=3)])

    (letter,) = fold.take().letters
    assert (letter.partition, letter.offset) == (3, 41)
    assert (letter.value, letter.key, letter.headers) == (value, key, headers)
    assert letter.timestamp == 1234
    assert letter.reason == "not_json"
    assert letter.detail


def test_a_record_without_value_is_a_dead_letter_without_value() -> None:
    fold = partition_fold()

    fold.fold([record(0, None, created=0)])

    (letter,) = fold.take().letters
    assert (letter.value, letter.key, letter.reason) == (None, None, "not_json")


def test_each_reason_has_its_counter_and_its_letters_in_the_order_of_offsets() -> None:
    bad = {
        Reason.NOT_JSON: b"{",
        Reason.WRONG_SCHEMA: b"[]",
        Reason.NO_CONTACT_ID: event("opened", 0, "", channel="chat"),
        Reason.NO_TIME: b'{"type":"contact.closed","contact_id":"c"}',
        Reason.BAD_TIME: b'{"type":"contact.closed","contact_id":"c","time":"soon"}',
        Reason.ABSURD_TIME: b'{"type":"contact.closed","contact_id":"c","time":-1}',
        Reason.OVERSIZE: b'"' + b"x" * 2_000_000 + b'"',
    }
    fold = partition_fold()

    fold.fold([record(n, value, created=0) for n, value in enumerate(bad.values())])

    span = fold.take()
    assert span.increments.counts == {(REJECTED, (reason.value,)): 1 for reason in Reason}
    assert [letter.reason for letter in span.letters] == [reason.value for reason in bad]
    assert [letter.offset for letter in span.letters] == list(range(len(bad)))


def test_an_unknown_type_is_counted_and_is_no_dead_letter() -> None:
    fold = partition_fold()

    fold.fold([record(0, OF_ANOTHER, created=0)])

    span = fold.take()
    assert span.increments.counts == {(EVENTS, ("unknown",)): 1}
    assert span.letters == ()


# Taking and putting back


def test_what_was_taken_is_not_taken_again() -> None:
    fold = partition_fold()
    fold.fold([record(0, opened(0), created=0), record(1, NO_JSON, created=0)])
    fold.take()

    span = fold.take()

    assert span == Span(2, Increments(), (), NO_CHANGES)


def test_a_span_put_back_goes_first_in_the_next_one() -> None:
    fold = partition_fold()
    fold.fold([record(0, NO_JSON, created=0)])
    span = fold.take()
    fold.fold([record(1, NO_JSON, created=0)])

    fold.put_back(span)

    again = fold.take()
    assert [letter.offset for letter in again.letters] == [0, 1]
    assert again.increments.counts == {(REJECTED, ("not_json",)): 2}
    assert again.offset == 2


def test_a_time_taken_from_the_record_is_counted_once() -> None:
    fold = partition_fold(decoder=Decoder(timestamp_fallback=True))
    value = b'{"type":"contact.opened","contact_id":"c","channel":"chat"}'
    fold.fold([record(0, value, created=5)])

    fold.put_back(fold.take())

    assert total(counts(fold), "firstreply_event_time_fallback_total") == 1
    assert total(counts(fold), "firstreply_event_time_fallback_total") == 0


def test_a_time_taken_from_the_record_is_counted_where_the_record_is() -> None:
    """Or a partition that is lost leaves its count to another one, and its next owner counts it."""
    decoder = Decoder(timestamp_fallback=True)
    lost, other = partition_fold(0, decoder=decoder), partition_fold(1, decoder=decoder)
    value = b'{"type":"contact.opened","contact_id":"c","channel":"chat"}'

    lost.fold([record(0, value, created=5)])

    assert not other.take().increments
    assert total(counts(lost), "firstreply_event_time_fallback_total") == 1


Step = Literal["fold", "take", "fail"]


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.sampled_from(["fold", "fold", "take", "fail"]), max_size=30),
    values=st.lists(
        st.sampled_from([opened(0), opened(1, "d"), responded(9), NO_JSON, OF_ANOTHER]),
        min_size=30,
        max_size=30,
    ),
)
def test_any_order_of_folds_takes_and_failures_gives_the_same_total(
    steps: list[Step], values: list[bytes]
) -> None:
    fold, whole = partition_fold(), partition_fold()
    taken: list[Span] = []
    offset = 0

    for step in steps:
        if step == "fold":
            fold.fold([record(offset, values[offset], created=offset)])
            offset += 1
        elif step == "take":
            taken.append(fold.take())
        else:
            fold.put_back(fold.take())
    taken.append(fold.take())

    whole.fold([record(n, values[n], created=n) for n in range(offset)])
    expected = whole.take()
    counted: Counter[tuple[str, Labels]] = Counter()
    for span in taken:
        counted.update(span.increments.counts)
    assert counted == expected.increments.counts
    observed = [one for span in taken for one in span.increments.observations]
    assert observed == expected.increments.observations
    assert tuple(letter for span in taken for letter in span.letters) == expected.letters
    assert taken[-1].offset == offset


def test_gauges_and_memory_are_those_of_the_engine() -> None:
    fold = partition_fold()

    fold.fold([record(0, opened(0), appended=0), record(1, opened(1, "d"), appended=1)])

    contact = fold.engine.contact("d")
    assert contact is not None
    assert contact.phase is Phase.WAITING
    assert fold.engine.gauges().at == at(1 - GRACE)


def test_changes_are_taken_with_the_span_and_come_back_with_it() -> None:
    fold = partition_fold(0)
    fold.fold([record(0, opened(0))])

    span = fold.take()
    assert span.changes == Changes(frozenset({"c"}), frozenset())
    assert fold.take().changes == NO_CHANGES
    fold.put_back(span)

    assert fold.take().changes == span.changes


def test_deadlines_that_a_proof_passed_fire_in_slices_and_all_before_the_next_record() -> None:
    fold = partition_fold(0)
    fold.fold([record(number, opened(0, f"c{number}"), created=0) for number in range(5)])

    fold.prove(at(10_000), 5)
    left = [fold.fire(2), fold.fire(2)]
    missed_then = total(counts(fold), "contact_expectation_outcomes_total")
    fold.fold([record(5, opened(0, "late"), created=0)])

    assert left == [False, False]
    assert missed_then == 4 * BANDS
    assert total(counts(fold), "contact_expectation_outcomes_total") == 1 * BANDS


@pytest.mark.parametrize("stamp", ["created", "appended"])
def test_no_record_is_folded_before_the_deadlines_that_a_proof_passed(stamp: str) -> None:
    fold = partition_fold(0)
    fold.fold([record(number, opened(0, f"c{number}"), created=0) for number in range(5)])
    fold.prove(at(10_000), 5)
    later = [record(5, opened(0, "late"), **{stamp: 0})]

    folded = [fold.fold(later, timers=2) for _ in range(3)]

    assert folded == [0, 0, 1]
    assert total(counts(fold), MISSED) == 5 * BANDS


def test_a_gap_in_the_log_is_folded_over_several_calls_when_it_passes_many_deadlines() -> None:
    fold = partition_fold(0)
    fold.fold([record(number, opened(0, f"c{number}"), appended=0) for number in range(5)])
    after_the_gap = [record(5, opened(9_000, "late"), appended=9_000)]

    folded = [fold.fold(after_the_gap, timers=3) for _ in range(4)]

    # Each of five contacts is looked at once for both deadlines.
    assert folded == [0, 1, 1, 1]
    assert fold.offset == 6
    assert total(counts(fold), MISSED) == 5 * BANDS
