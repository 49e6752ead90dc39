"""Taking partitions over with their state: what is kept and handed on, and in which order."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec
import pytest

from firstreply.domain.errors import FatalError, RetryableError
from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold, Span
from firstreply.keeping.keeper import StateKeeper
from firstreply.ports import Assignment, Committed, Record
from firstreply.state.chunk import decode
from tests.unit.fakes import opened, partition_fold, record

TOPIC: Final = "contact-events"
P: Final = 0


class Written(msgspec.Struct, frozen=True):
    offset: int
    value: bytes


class FakeLog:
    """A state log in memory; remembers from where it was read."""

    topic = "firstreply-state"

    def __init__(self) -> None:
        self.records: defaultdict[int, list[Written]] = defaultdict(list)
        self.first = 0
        self.read_from: list[int] = []
        self.loses: list[str] = []
        """Of the next appends: ``record`` or ``answer``; empty: neither."""

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:
        lost = self.loses.pop(0) if self.loses else ""
        log = self.records[partition]
        began = len(log)
        if lost != "record":
            log.extend(Written(began + n, value) for n, value in enumerate(values))
        await asyncio.sleep(0)
        if lost:
            msg = "not acknowledged"
            raise RetryableError(msg)
        return range(began, len(log))

    async def bounds(self, partition: int) -> tuple[int, int]:
        return self.first, len(self.records[partition])

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Written], None]:
        self.read_from.append(first)
        await asyncio.sleep(0)
        if first < end:
            yield self.records[partition][first:end]


class FakeInput:
    """The input and one member of its group."""

    topic = TOPIC

    def __init__(self, *values: bytes, partitions: int = 1) -> None:
        self.log = [record(offset, value, created=offset) for offset, value in enumerate(values)]
        self.partitions = partitions
        self.first = 0
        self.start = 0
        self.group: dict[int, Committed] = {}
        self.member = 1
        self.epoch = 1
        self.owned = frozenset({P})
        self.refuses = False
        self.silent = False
        """Whether the group does not tell what was committed."""
        self.during_question: Callable[[], None] = lambda: None
        self.during_commit: Callable[[], None] = lambda: None
        self.after_commit: Callable[[], None] = lambda: None
        self.resumed: list[int] = []

    def assignment(self) -> Assignment:
        return Assignment(self.epoch, self.owned)

    def generation(self) -> int:
        return self.member

    async def committed(self, partition: int) -> Committed | None:
        self.during_question()
        if self.silent:
            msg = "the coordinator does not answer"
            raise RetryableError(msg)
        return self.group.get(partition)

    async def first_offset(self, partition: int) -> int:  # noqa: ARG002
        return self.start

    async def bounds(self, partition: int) -> tuple[int, int]:  # noqa: ARG002
        return self.first, len(self.log)

    async def record(self, partition: int, offset: int) -> Record | None:  # noqa: ARG002
        return self.log[offset] if self.first <= offset < len(self.log) else None

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        self.during_commit()
        if self.refuses or epoch != self.epoch:
            return False
        for number, offset in offsets.items():
            self.group[number] = Committed(offset, (notes or {})[number])
        self.after_commit()
        return True

    async def begin(self, partition: int, offset: int | None = None) -> int:  # noqa: ARG002
        assert offset is not None
        self.resumed.append(offset)
        return offset


def keeper_of(
    source: FakeInput,
    log: FakeLog,
    *,
    accept_loss: bool = False,
    monotonic: float = 0.0,
    max_tracked: int | None = None,
) -> StateKeeper:
    return StateKeeper(
        source=source,
        log=log,
        new_fold=partial(partition_fold, max_tracked=max_tracked),
        rotation_seconds=1000.0,
        accept_loss=accept_loss,
        monotonic=lambda: monotonic,
    )


async def checkpoint(keeper: StateKeeper, source: FakeInput, fold: PartitionFold) -> None:
    """Do what the processor does: cut, append, commit."""
    span = fold.take()
    draft = await keeper.draft(fold, span)
    await keeper.append(P, draft)
    assert await source.commit({P: span.offset}, source.epoch, keeper.notes({P: span.increments}))
    keeper.exported([P])


def waiting_contacts(fold: PartitionFold) -> set[str]:
    return {contact.contact_id for contact in fold.engine.contacts()}


async def worked(log: FakeLog, source: FakeInput, events: int) -> PartitionFold:
    """Let an earlier process take the partition, fold so many events, and stop."""
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, source.epoch, None)
    fold.fold(source.log[:events])
    await checkpoint(keeper, source, fold)
    return fold


def next_process(source: FakeInput) -> None:
    source.member += 1
    source.epoch += 1


# -- a partition that was never read


async def test_the_first_state_is_durable_and_committed_before_anything_is_read() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    at_commit: list[int] = []
    source.during_commit = lambda: at_commit.append(len(log.records[P]))

    fold = await keeper_of(source, log).take(P, 1, None)

    assert at_commit == [1]
    assert source.resumed == [0]
    assert source.group[P].offset == 0
    assert fold.engine.offset == 0


# -- what another process left behind


async def test_the_claim_is_durable_before_the_commit_and_the_commit_before_anything_is_read() -> (
    None
):
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    before, seen = len(log.records[P]), []
    source.during_commit = lambda: seen.append((len(log.records[P]) - before, source.resumed[1:]))

    await keeper_of(source, log).take(P, 2, None)

    assert seen == [(0, []), (1, [])]


async def test_nothing_is_claimed_before_a_commit_was_accepted_that_was_sent_after_the_read() -> (
    None
):
    """Or one who stood still while it read would beat its own successor."""
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    source.refuses = True
    before, reads = len(log.records[P]), len(log.read_from)

    with pytest.raises(RetryableError):
        await keeper_of(source, log).take(P, 2, None)

    assert len(log.records[P]) == before
    assert len(log.read_from) == reads + 1, "but read it was"


async def test_a_claim_that_is_not_acknowledged_takes_nothing_over() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    log.loses = ["answer"]
    keeper = keeper_of(source, log)

    with pytest.raises(RetryableError):
        await keeper.take(P, 2, None)

    assert source.resumed == [0]
    assert (await keeper.take(P, 2, None)).offset == 1


async def test_a_commit_that_is_refused_takes_nothing_over() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    source.refuses = True
    keeper = keeper_of(source, log)

    with pytest.raises(RetryableError, match="did not accept"):
        await keeper.take(P, 2, None)

    assert source.resumed == [0]


async def test_a_rebalance_during_the_commit_takes_nothing_over() -> None:
    source, log = FakeInput(opened(0)), FakeLog()

    def rebalance() -> None:
        source.epoch += 1

    source.after_commit = rebalance  # accepted, and told too late

    with pytest.raises(RetryableError, match="not ours any more"):
        await keeper_of(source, log).take(P, 1, None)

    assert source.resumed == []


async def test_the_checkpoints_of_a_zombie_are_passed_over() -> None:
    source, log = FakeInput(opened(0), opened(1, "d"), opened(2, "e")), FakeLog()
    zombie = keeper_of(source, log)
    old = await zombie.take(P, 1, None)
    next_process(source)
    owner = keeper_of(source, log)
    new = await owner.take(P, 2, None)
    new.fold(source.log[:1])
    await checkpoint(owner, source, new)

    old.fold(source.log)
    await zombie.append(P, await zombie.draft(old, old.take()))
    next_process(source)

    assert waiting_contacts(await keeper_of(source, log).take(P, 3, None)) == {"c"}


async def test_a_group_that_was_deleted_begins_its_generations_anew_and_loses_nothing() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    source.member = 7
    await worked(log, source, 1)
    source.group.clear()
    for member in (1, 2):
        source.member = member
        source.epoch += 1
        keeper = keeper_of(source, log)
        fold = await keeper.take(P, source.epoch, None)
        fold.fold(source.log[fold.offset : member])
        await checkpoint(keeper, source, fold)

    source.member, source.epoch = 3, 9
    assert waiting_contacts(await keeper_of(source, log).take(P, 9, None)) == {"c", "d"}


async def test_the_first_owner_in_a_new_group_begins_an_incarnation_with_memory_kept_too() -> None:
    """Or a claim of the old group, under a high generation, would beat it when it arrives."""
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    source.member = 7
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log[:1])
    await checkpoint(keeper, source, fold)
    source.group.clear()
    source.member, source.epoch = 9, 2

    assert await keeper.take(P, 2, fold) is fold

    assert [decode(one.value).header.incarnation for one in log.records[P]] == [0, 0, 1]
    assert source.group[P].note.split(":")[3] == "1"


async def test_the_incarnation_is_told_to_the_group_before_it_is_claimed() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    source.group.clear()
    next_process(source)
    log.loses = ["record"]
    with pytest.raises(RetryableError):
        await keeper_of(source, log).take(P, 2, None)

    assert source.group[P].note.split(":")[3] == "1"
    next_process(source)
    await keeper_of(source, log).take(P, 3, None)
    assert decode(log.records[P][-1].value).header.incarnation == 1


async def test_a_claim_that_begins_an_incarnation_is_void_if_somebody_wrote_since_the_read() -> (
    None
):
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    source.group.clear()
    next_process(source)

    def another_writes() -> None:
        source.after_commit = lambda: None
        log.records[P].append(Written(len(log.records[P]), b"another's"))

    source.after_commit = another_writes
    keeper = keeper_of(source, log)

    with pytest.raises(RetryableError, match="somebody else wrote"):
        await keeper.take(P, 2, None)

    assert source.resumed == [0]
    assert (await keeper.take(P, 2, None)).offset == 1


# -- our own memory


async def test_memory_is_kept_with_what_is_not_durable_yet_if_nobody_else_wrote() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log[:1])
    await checkpoint(keeper, source, fold)
    fold.fold(source.log[1:])
    next_process(source)

    again = await keeper.take(P, 2, fold)

    assert again is fold
    assert (again.offset, again.committed, source.resumed[-1]) == (2, 1, 2)
    assert source.group[P].offset == 1


async def test_memory_is_dropped_if_somebody_else_wrote() -> None:
    source, log = FakeInput(opened(0), opened(1, "d"), opened(2, "e")), FakeLog()
    ours = keeper_of(source, log)
    fold = await ours.take(P, 1, None)
    fold.fold(source.log)
    next_process(source)
    other = keeper_of(source, log)
    theirs = await other.take(P, 2, None)
    theirs.fold(source.log[:2])
    await checkpoint(other, source, theirs)
    next_process(source)

    again = await ours.take(P, 3, fold)

    assert again is not fold
    assert waiting_contacts(again) == {"c", "d"}
    assert again.offset == 2


async def test_memory_is_dropped_if_our_own_late_record_hides_what_another_wrote() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    ours = keeper_of(source, log)
    fold = await ours.take(P, 1, None)
    fold.fold(source.log[:1])
    next_process(source)
    other = keeper_of(source, log)
    theirs = await other.take(P, 2, None)
    theirs.fold(source.log)
    await checkpoint(other, source, theirs)
    await ours.append(P, await ours.draft(fold, fold.take()))  # a zombie's
    next_process(source)

    again = await ours.take(P, 3, fold)

    assert again is not fold
    assert again.offset == 2


async def appended_without_an_answer(
    keeper: StateKeeper, source: FakeInput, log: FakeLog
) -> PartitionFold:
    """Write the first event's checkpoint; the keeper does not hear that it is there."""
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log[:1])
    span = fold.take()
    log.loses = ["answer"]
    with pytest.raises(RetryableError):
        await keeper.append(P, await keeper.draft(fold, span))
    fold.put_back(span)
    return fold


async def test_memory_is_kept_if_what_follows_are_our_own_records_whose_answer_was_lost() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    fold = await appended_without_an_answer(keeper, source, log)
    next_process(source)

    assert await keeper.take(P, 2, fold) is fold

    fold.fold(source.log[1:])
    await checkpoint(keeper, source, fold)
    next_process(source)
    assert waiting_contacts(await keeper_of(source, log).take(P, 3, None)) == {"c", "d"}


async def test_memory_is_dropped_if_what_follows_cannot_be_read() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    log.records[P].append(Written(len(log.records[P]), b"damaged"))
    next_process(source)

    assert await keeper.take(P, 2, fold) is not fold


async def test_what_was_restored_for_an_assignment_that_ended_serves_the_next_one() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)
    keeper = keeper_of(source, log)
    source.during_commit = lambda: next_process(source)
    with pytest.raises(RetryableError):
        await keeper.take(P, 2, None)
    source.during_commit = lambda: None
    reads = len(log.read_from)

    fold = await keeper.take(P, source.epoch, None)

    assert waiting_contacts(fold) == {"c"}
    assert len(log.read_from) == reads, "it was not read again"


async def test_nothing_is_kept_of_a_partition_that_was_released() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)

    keeper.keep_only(frozenset())

    assert await keeper.draft(fold, fold.take()) is None
    assert keeper.notes({P: Increments()}) == {}
    next_process(source)
    assert await keeper.take(P, 2, None) is not fold


async def test_a_restore_that_ends_after_the_partition_went_leaves_nothing_behind() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    await worked(log, source, 2)
    next_process(source)
    source.group[P] = Committed(9, source.group[P].note)  # so that there is a warning
    keeper = keeper_of(source, log)
    of_the_input = source.record

    async def rebalanced(partition: int, offset: int) -> Record | None:
        source.epoch += 1
        source.owned = frozenset()
        keeper.keep_only(frozenset())
        return await of_the_input(partition, offset)

    source.record = rebalanced  # type: ignore[method-assign]

    with pytest.raises(RetryableError):
        await keeper.take(P, 2, None)

    assert keeper._found == {}
    assert keeper.older == {}


async def test_who_lost_the_partition_meanwhile_does_not_call_its_state_lost() -> None:
    """It sees the successor's commit, and the log as it was before."""
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    bounds = log.bounds

    async def rebalanced(partition: int) -> tuple[int, int]:
        before = await bounds(partition)
        if source.epoch == 1:
            next_process(source)
            await keeper_of(source, log).take(P, 2, None)
        return before

    log.bounds = rebalanced  # type: ignore[method-assign]

    with pytest.raises(RetryableError, match="not ours any more"):
        await keeper.take(P, 1, None)


async def test_a_partition_that_was_added_meanwhile_is_refused() -> None:
    source = FakeInput(opened(0))

    with pytest.raises(FatalError, match="has a new partition 1, and had 1"):
        await keeper_of(source, FakeLog()).take(1, 1, None)


async def test_a_checkpoint_made_before_the_partition_was_taken_anew_is_not_appended() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log)
    draft = await keeper.draft(fold, fold.take())
    next_process(source)
    await keeper.take(P, 2, fold)
    written = len(log.records[P])

    with pytest.raises(RetryableError, match="taken over anew"):
        await keeper.append(P, draft)

    assert len(log.records[P]) == written


async def test_a_fold_that_another_has_replaced_writes_nothing_under_the_new_hold() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    ours = keeper_of(source, log)
    old = await ours.take(P, 1, None)
    old.fold(source.log)
    next_process(source)
    await keeper_of(source, log).take(P, 2, None)
    next_process(source)
    new = await ours.take(P, 3, old)
    written = len(log.records[P])

    draft = await ours.draft(old, old.take())
    with pytest.raises(RetryableError):
        await ours.append(P, draft)

    assert new is not old
    assert len(log.records[P]) == written


async def test_who_is_no_member_at_the_moment_takes_nothing_over() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    source.member = -1

    with pytest.raises(RetryableError, match="not a member"):
        await keeper_of(source, log).take(P, 1, None)

    assert log.records[P] == []


async def test_a_checkpoint_does_not_wait_for_a_restore() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log)
    draft = await keeper.draft(fold, fold.take())
    next_process(source)
    taking = asyncio.create_task(keeper.take(P, 2, None))
    await asyncio.sleep(0)

    with pytest.raises(RetryableError, match="being taken over"):
        await keeper.append(P, draft)

    await taking


async def test_a_checkpoint_whose_answer_was_lost_is_written_again_with_all_it_had() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    fold = await appended_without_an_answer(keeper, source, log)

    fold.fold(source.log[1:])
    await checkpoint(keeper, source, fold)
    next_process(source)

    assert waiting_contacts(await keeper_of(source, log).take(P, 2, None)) == {"c", "d"}


# -- what nobody has exported


async def appended(keeper: StateKeeper, fold: PartitionFold) -> Span:
    """Do what the processor does, up to the commit."""
    span = fold.take()
    await keeper.append(P, await keeper.draft(fold, span))
    return span


async def test_what_was_appended_and_never_committed_is_the_next_owners_to_export() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, 1, None)
    fold.fold(source.log[:1])
    await checkpoint(keeper, source, fold)
    fold.fold(source.log[1:])
    span = await appended(keeper, fold)
    next_process(source)

    heir = await keeper_of(source, log).take(P, 2, None)

    assert span.increments
    assert heir.take().increments == span.increments


async def test_what_was_committed_is_not_exported_again() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    await worked(log, source, 1)
    next_process(source)

    assert not (await keeper_of(source, log).take(P, 2, None)).take().increments


async def test_what_an_heir_has_not_exported_goes_on_to_the_next_one() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    span = await appended(keeper, await folded(keeper, source))
    for _ in range(2):  # each dies after its claim
        next_process(source)
        await keeper_of(source, log).take(P, source.epoch, None)
    next_process(source)

    heir = keeper_of(source, log)
    last = await appended(heir, await heir.take(P, source.epoch, None))
    assert await source.commit({P: last.offset}, source.epoch, heir.notes({P: last.increments}))
    next_process(source)
    after = await keeper_of(source, log).take(P, source.epoch, None)

    assert last.increments == span.increments
    assert span.increments
    assert not after.take().increments


async def folded(keeper: StateKeeper, source: FakeInput) -> PartitionFold:
    fold = await keeper.take(P, source.epoch, None)
    fold.fold(source.log)
    return fold


async def test_a_commit_that_was_accepted_and_not_told_can_be_taken_back() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await folded(keeper, source)
    span = await appended(keeper, fold)
    notes = keeper.notes({P: span.increments})
    assert await source.commit({P: span.offset}, 1, notes)  # and nobody heard of it

    assert await source.commit({P: 0}, 1, keeper.notes_before([P]))
    next_process(source)

    assert (await keeper_of(source, log).take(P, 2, None)).take().increments == span.increments


async def test_in_a_new_group_nothing_is_exported_that_the_old_one_may_have() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    await appended(keeper, await folded(keeper, source))
    source.group.clear()
    next_process(source)

    assert not (await keeper_of(source, log).take(P, 2, None)).take().increments


async def test_memory_that_is_kept_exports_what_it_holds_and_promises_nothing_before() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await folded(keeper, source)
    span = await appended(keeper, fold)
    fold.put_back(span)
    next_process(source)
    assert await keeper.take(P, 2, fold) is fold
    next_process(source)  # before it has exported anything

    heir = await keeper_of(source, log).take(P, 3, None)

    assert heir.take().increments == span.increments


# -- a partition without news


async def test_a_quiet_partition_writes_its_base_every_minute() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    clock = [0.0]
    keeper = StateKeeper(
        source=source,
        log=log,
        new_fold=partition_fold,
        rotation_seconds=1000.0,
        accept_loss=False,
        monotonic=lambda: clock[0],
    )
    await keeper.take(P, 1, None)

    clock[0] = 59.9
    before = keeper.due(P)
    clock[0] = 60.0

    assert (before, keeper.due(P)) == (False, True)
