"""The limit on bad records: the arithmetic of its window, and what it says."""

import pytest

from firstreply.domain.errors import FatalError
from firstreply.fold import BadRecords
from tests.unit.fakes import NO_JSON, OF_ANOTHER, opened, partition_fold, record


def notes(limit: BadRecords, text: str) -> None:
    """Note a record for each letter: ``.`` good, ``j`` not JSON, ``t`` no time."""
    for letter in text:
        limit.came += 1
        if letter != ".":
            limit.bad({"j": "not_json", "t": "no_time"}[letter])


def test_exactly_the_share_is_borne_and_one_more_stops() -> None:
    limit = BadRecords(0.5, 4)
    notes(limit, "jj..jj")

    with pytest.raises(FatalError, match="3 of the last 4 records are bad, 3 of them not_json"):
        notes(limit, "j")


@pytest.mark.parametrize("bad", range(1, 100))
def test_exactly_the_share_is_borne_whatever_its_binary_fraction(bad: int) -> None:
    limit = BadRecords(bad / 100, 100)

    notes(limit, "." * (100 - bad) + "j" * bad)

    if bad < 99:
        with pytest.raises(FatalError, match=f"{bad + 1} of the last 100"):
            notes(limit, "j")


def test_the_limit_acts_only_once_so_many_records_came() -> None:
    limit = BadRecords(0.5, 10)
    notes(limit, "jjjjjjjjj")

    with pytest.raises(FatalError, match="10 of the last 10"):
        notes(limit, "j")


def test_too_many_bad_records_before_a_good_one_stop_at_the_next_bad_one_at_the_latest() -> None:
    limit = BadRecords(0.5, 4)

    with pytest.raises(FatalError, match="3 of the last 4"):
        notes(limit, "jjj.j")


def test_bad_records_that_left_the_window_are_forgotten() -> None:
    limit = BadRecords(0.25, 4)

    notes(limit, "j...j...j...." * 5)

    with pytest.raises(FatalError, match="2 of the last 4 records are bad, 1 of them"):
        notes(limit, "tj")


def test_a_share_of_one_never_stops() -> None:
    limit = BadRecords(1, 3)

    notes(limit, "jjjjjjjjjj")


def test_a_window_of_one_stops_at_the_first_bad_record() -> None:
    limit = BadRecords(0.5, 1)
    notes(limit, "...")

    with pytest.raises(FatalError, match="1 of the last 1"):
        notes(limit, "j")


def test_the_message_names_the_most_frequent_reason_of_this_window_and_the_remedy() -> None:
    limit = BadRecords(0.5, 6)
    notes(limit, "jjj......t.tj")

    with pytest.raises(FatalError) as stopped:
        notes(limit, "t")

    assert str(stopped.value) == (
        "4 of the last 6 records are bad, 3 of them no_time: this looks like the wrong topic or a "
        "broken producer. Look at the dead letters, or raise limits.bad_records"
    )


def test_unknown_types_are_no_bad_records_and_make_room_like_good_ones() -> None:
    fold = partition_fold(bad_records=BadRecords(0.5, 2))

    fold.fold([record(n, NO_JSON if n % 2 else OF_ANOTHER, created=0) for n in range(20)])

    with pytest.raises(FatalError, match="not_json"):
        fold.fold([record(20, NO_JSON, created=0)])


def test_the_limit_spans_the_partitions_that_share_it() -> None:
    limit = BadRecords(0.5, 4)
    one, two = partition_fold(0, bad_records=limit), partition_fold(1, bad_records=limit)
    one.fold([record(0, NO_JSON, created=0), record(1, opened(0), created=0)])

    with pytest.raises(FatalError, match="3 of the last 4"):
        two.fold([record(n, NO_JSON, created=0) for n in range(2)])


def test_records_skipped_as_folded_already_are_not_looked_at_again() -> None:
    fold = partition_fold(bad_records=BadRecords(0.5, 4))
    records = [record(0, NO_JSON, created=0), record(1, opened(0), created=0)]

    for _ in range(5):
        fold.fold(records)

    assert fold.offset == 2
