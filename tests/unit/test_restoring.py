"""Restoring the state of a partition: what it goes on with, what is told of it, what is refused."""

import logging
from typing import Final

import pytest

from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.ports import Committed, Record
from tests.unit.fakes import opened, responded
from tests.unit.test_keeping import (
    FakeInput,
    FakeLog,
    Written,
    checkpoint,
    keeper_of,
    next_process,
    waiting_contacts,
    worked,
)

P: Final = 0


# -- what it goes on with


async def test_without_a_commit_it_begins_where_kafka_start_says() -> None:
    source = FakeInput(opened(0), opened(1, "d"))
    source.start = 1

    fold = await keeper_of(source, FakeLog()).take(P, 1, None)

    assert (fold.offset, source.resumed) == (1, [1])


async def test_the_next_process_goes_on_exactly_where_the_last_checkpoint_stood() -> None:
    source, log = FakeInput(opened(0), opened(1, "d"), responded(2)), FakeLog()
    before = await worked(log, source, 2)
    next_process(source)

    fold = await keeper_of(source, log).take(P, 2, None)

    assert fold.offset == 2
    assert fold.engine.snapshot() == before.engine.snapshot()
    assert (fold.committed, fold.confirmed) == (2, True)
    assert source.resumed[-1] == 2


async def test_a_state_above_the_bound_is_cut_back_and_the_next_checkpoint_says_so() -> None:
    source, log = FakeInput(*(opened(n, f"c{n}") for n in range(5))), FakeLog()
    await worked(log, source, 5)
    next_process(source)
    keeper = keeper_of(source, log, max_tracked=2)

    fold = await keeper.take(P, source.epoch, None)
    bounded = waiting_contacts(fold)
    await checkpoint(keeper, source, fold)
    next_process(source)
    again = await keeper_of(source, log).take(P, source.epoch, None)

    assert bounded == {"c3", "c4"}
    assert fold.engine.max_tracked == 2
    assert waiting_contacts(again) == bounded
    assert again.engine.gauges().ledger["evicted"] == 3


async def test_the_log_is_read_from_where_the_commit_says() -> None:
    source, log = FakeInput(*(opened(n, f"c{n}") for n in range(5))), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    for n in range(5):
        fold.fold(source.log[n : n + 1])
        await checkpoint(keeper, source, fold)
    next_process(source)

    restored = await keeper_of(source, log).take(P, 2, None)

    assert waiting_contacts(restored) == {f"c{n}" for n in range(5)}
    assert log.read_from[-1] == int(source.group[P].note.split(":")[1])
    assert log.read_from[-1] > 0


async def test_a_commit_without_a_note_reads_the_whole_log() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    source.group[P] = Committed(1, "")
    next_process(source)

    restored = await keeper_of(source, log).take(P, 2, None)

    assert waiting_contacts(restored) == {"c"}


async def test_a_restore_ends_when_the_partition_is_anothers() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    source.owned = frozenset()

    with pytest.raises(RetryableError, match="not ours any more"):
        await keeper_of(source, log).take(P, 2, None)

    assert source.resumed == [0]


async def test_progress_is_shown_while_a_state_is_restored_and_not_after_it() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    keeper = keeper_of(source, log)
    shown: list[float] = []
    of_the_input = source.record

    async def compared(partition: int, offset: int) -> Record | None:
        shown.append(keeper.restoring.get(P, 0.0))
        return await of_the_input(partition, offset)

    source.record = compared  # type: ignore[method-assign]

    await keeper.take(P, 2, None)

    (share,) = shown
    assert 0 < share < 1, "it is read, and not in its place yet"
    assert keeper.restoring == {}


# -- what is wrong


async def test_a_commit_without_any_state_is_refused_with_the_two_ways_out() -> None:
    source = FakeInput(opened(0))
    source.group[P] = Committed(1, "")

    with pytest.raises(FatalError, match=r"offset 1, .*state rebuild --from TIME.*--accept-loss"):
        await keeper_of(source, FakeLog()).take(P, 1, None)


async def test_an_accepted_loss_goes_on_at_the_commit(caplog: pytest.LogCaptureFixture) -> None:
    source = FakeInput(opened(0), opened(1, "d"))
    source.group[P] = Committed(1, "")

    with caplog.at_level(logging.ERROR):
        fold = await keeper_of(source, FakeLog(), accept_loss=True).take(P, 1, None)

    assert fold.offset == 1
    assert "state_loss_accepted" in caplog.messages


async def test_a_loss_is_accepted_once(caplog: pytest.LogCaptureFixture) -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    source.group[P] = Committed(1, "")
    keeper = keeper_of(source, log, accept_loss=True)
    await keeper.take(P, 1, None)
    log.records.clear()
    next_process(source)

    with pytest.raises(FatalError, match="--accept-loss"), caplog.at_level(logging.ERROR):
        await keeper.take(P, 2, None)


@pytest.mark.parametrize(("commit", "first"), [(9, 0), (0, 1)], ids=["beyond the end", "removed"])
async def test_an_accepted_loss_begins_at_the_first_event_where_the_commit_is_no_place(
    commit: int, first: int
) -> None:
    source = FakeInput(opened(0), opened(1, "d"))
    source.group[P] = Committed(commit, "")
    source.first = first

    fold = await keeper_of(source, FakeLog(), accept_loss=True).take(P, 1, None)

    assert fold.offset == first


async def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    for n in range(2):
        fold.fold(source.log[n : n + 1])
        await checkpoint(keeper, source, fold)
    newest = log.records[P][-1]
    log.records[P][-1] = Written(newest.offset, newest.value[:-1])
    next_process(source)

    again = keeper_of(source, log)
    with caplog.at_level(logging.ERROR):
        restored = await again.take(P, 2, None)

    assert (waiting_contacts(restored), restored.offset) == ({"c"}, 1)
    assert "state_is_older" in caplog.messages
    assert "is damaged" in again.older[P]
    again.keep_only(frozenset())
    assert again.older == {}


async def test_what_begins_after_an_accepted_loss_beats_what_could_not_be_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    source.member = 7
    await worked(log, source, 1)
    await keeper_of(source, log).take(P, 1, None)  # a claim alone, which needs what is before it
    log.records[P][:-1] = [Written(one.offset, b"") for one in log.records[P][:-1]]
    source.member = 1  # the group was deleted meanwhile
    keeper = keeper_of(source, log, accept_loss=True)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log)
    await checkpoint(keeper, source, fold)
    next_process(source)
    source.group[P] = Committed(fold.offset, "")  # so that the whole log is read
    caplog.clear()

    restored = await keeper_of(source, log).take(P, 2, None)

    assert waiting_contacts(restored) == {"d"}
    assert "state_is_older" not in caplog.messages


async def test_of_a_log_in_which_nothing_can_be_read_three_findings_are_told_and_how_many(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    log.records[P] = [Written(offset, b"") for offset in range(20)]

    await keeper_of(source, log, accept_loss=True).take(P, 1, None)

    told = [one.__dict__["findings"] for one in caplog.records if one.message == "state_is_older"]
    assert told == [20, 20, 20]


async def test_a_log_without_any_complete_state_is_refused() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    log.records[P] = [Written(one.offset, b"frst" + one.value[5:]) for one in log.records[P]]

    with pytest.raises(FatalError, match=r"holds no complete state: .*state rebuild"):
        await keeper_of(source, log).take(P, 1, None)


async def test_a_topic_that_was_made_anew_is_refused() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    await worked(log, source, 2)

    source.log[1] = FileRecord(1, b"{}", 0, 0)
    with pytest.raises(FatalError, match="another record at offset 1"):
        await keeper_of(source, log).take(P, 1, None)

    source.log = source.log[:1]
    with pytest.raises(FatalError, match=r"ends at offset 1, .* up to 2"):
        await keeper_of(source, log).take(P, 1, None)


async def test_events_that_retention_removed_are_named() -> None:
    source, log = FakeInput(*(opened(n, f"c{n}") for n in range(4))), FakeLog()
    await worked(log, source, 1)
    source.first = 3

    with pytest.raises(FatalError, match=r"begins at offset 3, .* from 1 on: .* removed 2"):
        await keeper_of(source, log).take(P, 1, None)


async def test_another_number_of_partitions_is_refused() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    source.partitions = 2

    with pytest.raises(FatalError, match="with 1 partitions, and contact-events has 2"):
        await keeper_of(source, log).take(P, 1, None)


async def test_the_state_wins_over_a_commit_that_is_ahead_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    await worked(log, source, 1)
    source.group[P] = Committed(2, source.group[P].note)
    keeper = keeper_of(source, log)

    fold = await keeper.take(P, 1, None)

    assert fold.offset == 1
    assert "state_wins_over_commit" in caplog.messages
    assert keeper.older[P] == (
        "the group has committed offset 2, and the newest state that is there stands at 1"
    )
