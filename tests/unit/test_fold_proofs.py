"""Proofs of log time: applied when everything below their end is folded, and never before."""

from firstreply.domain.instants import BEFORE_ALL
from firstreply.fold import MAX_OPEN_PROOFS, PartitionFold
from tests.unit.domain.builders import at
from tests.unit.fakes import NO_JSON, opened, partition_fold, record, responded

MISSED = "contact_expectation_outcomes_total"
BROKEN = "firstreply_idle_proof_broken_total"


def broken(fold: PartitionFold) -> int:
    return fold.take().increments.counts.get((BROKEN, ()), 0)


def test_a_proof_waits_until_the_last_record_below_its_end_is_folded() -> None:
    fold = partition_fold()
    fold.fold([record(0, opened(0), created=0)])

    fold.prove(at(1000), 3)
    fold.fold([record(1, opened(1, "d"), created=1)])
    one_short = fold.engine.log_time
    fold.fold([record(2, opened(2, "e"), created=2)])

    assert one_short == BEFORE_ALL
    assert fold.engine.log_time == at(1000)
    assert fold.engine.proof == at(1000)


def test_a_proof_of_what_is_folded_already_applies_at_once() -> None:
    fold = partition_fold(offset=7)

    fold.prove(at(9), 7)

    assert fold.engine.log_time == at(9)


def test_a_timely_response_within_the_backlog_of_a_proof_raises_no_miss() -> None:
    fold = partition_fold()

    fold.prove(at(90_000), 2)
    fold.fold([record(0, opened(0), created=0)])
    fold.fold([record(1, responded(500), created=500)])

    counted = fold.take().increments.counts
    assert counted[MISSED, ("chat", "none", "10m", "met")] == 1
    assert not any(labels[-1] == "missed" for (name, labels) in counted if name == MISSED)


def test_an_older_proof_never_moves_log_time_back() -> None:
    fold = partition_fold()

    fold.prove(at(100), 0)
    fold.prove(at(50), 0)

    assert (fold.engine.log_time, fold.engine.proof) == (at(100), at(100))


def test_each_of_several_proofs_applies_at_its_own_end() -> None:
    fold = partition_fold()
    for clock, end in ((10, 1), (20, 2), (30, 3)):
        fold.prove(at(clock), end)

    reached = []
    for offset in range(3):
        fold.fold([record(offset, opened(0, str(offset)), created=0)])
        reached.append(fold.engine.log_time)

    assert reached == [at(10), at(20), at(30)]


def test_sixteen_proofs_wait_and_the_seventeenth_is_dropped() -> None:
    fold = partition_fold()
    for number in range(MAX_OPEN_PROOFS + 1):
        fold.prove(at(number), number + 1)

    records = [record(n, opened(0, str(n)), created=0) for n in range(MAX_OPEN_PROOFS + 1)]
    fold.fold(records)

    assert MAX_OPEN_PROOFS == 16
    assert fold.engine.log_time == at(MAX_OPEN_PROOFS - 1)


def test_a_proof_finds_room_again_once_an_open_one_has_applied() -> None:
    fold = partition_fold()
    for number in range(MAX_OPEN_PROOFS):
        fold.prove(at(number), number + 1)

    fold.fold([record(0, opened(0), created=0)])
    fold.prove(at(500), 2)
    fold.fold([record(n, opened(0, str(n)), created=0) for n in range(1, MAX_OPEN_PROOFS)])

    assert fold.engine.log_time == at(500)


def test_a_record_written_before_a_proof_and_seen_after_it_breaks_it() -> None:
    fold = partition_fold()
    fold.prove(at(100), 0)

    fold.fold([record(0, opened(0), appended=99.999)])

    assert broken(fold) == 1


def test_a_record_written_at_the_very_instant_of_a_proof_breaks_nothing() -> None:
    fold = partition_fold()
    fold.prove(at(100), 0)

    fold.fold([record(0, opened(0), appended=100), record(1, NO_JSON, appended=101)])

    assert broken(fold) == 0


def test_a_create_time_before_a_proof_breaks_nothing() -> None:
    fold = partition_fold()
    fold.prove(at(100), 0)

    fold.fold([record(0, opened(0), created=1), record(1, opened(0, "d"))])

    assert broken(fold) == 0


def test_a_record_behind_another_but_not_behind_a_proof_breaks_nothing() -> None:
    fold = partition_fold()
    fold.prove(at(100), 0)

    fold.fold([record(0, opened(0), appended=300), record(1, opened(1, "d"), appended=200)])

    assert broken(fold) == 0


def test_a_later_proof_with_an_earlier_end_replaces_one_that_waits() -> None:
    """A transaction marker counts as the end until the records before it were read."""
    fold = partition_fold(0)
    fold.prove(at(5), 2)
    fold.fold([record(0, opened(0), created=0)])

    fold.prove(at(10), 1)

    assert fold.engine.log_time == at(10)
