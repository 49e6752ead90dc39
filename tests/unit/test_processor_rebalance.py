"""Partitions that come, go and come back: nothing twice, nothing shown that may be another's."""

from collections.abc import Mapping, Sequence

import pytest

from firstreply.adapters.codec import Decoder
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import BEFORE_ALL
from firstreply.ports import Record
from firstreply.processor import SLICE_RECORDS, TAKE_AGAIN_SECONDS
from firstreply.rejection import Rejected, Unknown
from tests.unit.fakes import NO_JSON, FakeBroker, opened, responded
from tests.unit.shell import Shell

RECEIVED = "contact_received_total"
EVENTS = "firstreply_events_total"
ANSWERED = "contact_expectation_outcomes_total"


def stocked(*values: bytes) -> FakeBroker:
    broker = FakeBroker()
    for value in values or (opened(0), NO_JSON):
        broker.append(value)
    return broker


async def remembers(shell: Shell) -> bool:
    """Whether the contact that was opened before is still known when its response comes."""
    shell.broker.append(responded(30), created=30)
    await shell.turn(2)
    await shell.checkpoint()
    return shell.total(ANSWERED, "chat", "none", "10m", "met") == 1


# Memory


async def test_a_partition_that_comes_back_at_our_own_commit_keeps_its_memory() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()

        await shell.own(0)

        assert await remembers(shell)
        assert shell.total(EVENTS) == 2


async def test_memory_outlives_the_moment_between_revocation_and_assignment() -> None:
    """Aiokafka revokes everything at each rebalance, and ``fetch`` returns meanwhile."""
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()

        await shell.rebalanced(0)

        assert await remembers(shell)
        assert shell.total(EVENTS) == 2


async def test_a_member_that_becomes_a_spare_forgets_what_others_own_now() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()

        await shell.own()
        await shell.checkpoint()

        assert shell.processor._owned.memory == {}
        assert shell.publisher.shown == {}
        assert shell.publisher.partitions_assigned == 0
        assert shell.processor.health.spare


async def test_what_was_folded_but_not_committed_is_counted_once_after_a_rebalance() -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)

        await shell.own(0)
        await shell.turn()
        await shell.checkpoint()

        assert shell.total(EVENTS) == 1
        assert shell.total("firstreply_events_rejected_total") == 1
        assert [letter.offset for letter in shell.letters.kept] == [1]


async def test_a_partition_that_another_committed_meanwhile_begins_anew() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell, Shell(broker) as other:
        await shell.own(0)
        await shell.checkpoint()
        broker.append(opened(1, "d"))
        await shell.turn()

        await other.own(0)
        await other.checkpoint()
        await shell.own(0)
        await shell.checkpoint()

        assert shell.total(RECEIVED) == 1
        assert other.total(RECEIVED) == 1
        assert not await remembers(shell)


async def test_a_partition_that_was_reset_to_an_earlier_offset_begins_anew_from_there() -> None:
    broker = stocked(opened(0), opened(1, "d"))
    async with Shell(broker) as shell:
        await shell.own(0)
        await shell.checkpoint()
        broker.committed[0] = 1

        await shell.own(0)
        await shell.checkpoint()

        assert shell.total(RECEIVED) == 3
        assert shell.processor.folds[0].committed == 2


async def test_open_proofs_of_before_do_not_judge_what_another_read_meanwhile() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell, Shell(broker) as other:
        await shell.own(0)
        broker.append(opened(1, "d"))
        shell.clock.seconds = 9000
        await shell.processor.prove_once()
        await other.own(0)
        await other.checkpoint()

        await shell.own(0)

        assert shell.processor.folds[0].engine.log_time == BEFORE_ALL


# In the middle of a checkpoint

STAGES = ["dead letters", "append", "commit", "committed"]


def interrupt(shell: Shell, stage: str, *partitions: int, between: bool) -> None:
    """Rebalance as soon as a checkpoint reaches a stage, and let consuming follow."""

    async def rebalance() -> None:
        if between:
            await shell.rebalanced(*partitions)
        else:
            shell.source.own(*partitions)
            await shell.turn()
        await shell.turn()

    port = {"dead letters": shell.letters, "append": shell.checkpoints}.get(stage, shell.source)
    port.meanwhile[stage] = rebalance


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize("stage", STAGES[:3])
async def test_a_rebalance_before_the_commit_publishes_nothing_then_and_all_once_later(
    stage: str, *, between: bool
) -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)
        interrupt(shell, stage, 0, between=between)

        await shell.checkpoint()
        published_then = dict(shell.publisher.counted)
        await shell.turn()
        await shell.checkpoint()
        await shell.checkpoint()

        assert published_then == {}
        assert shell.total(EVENTS) == 1
        assert shell.total("firstreply_events_rejected_total") == 1
        assert shell.broker.committed == {0: 2}


@pytest.mark.parametrize("between", [False, True])
async def test_a_rebalance_right_after_the_commit_never_counts_twice(*, between: bool) -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)
        interrupt(shell, "committed", 0, between=between)

        await shell.checkpoint()
        published_then = dict(shell.publisher.counted)
        await shell.turn()
        await shell.checkpoint()
        await shell.checkpoint()

        assert published_then == {}
        assert shell.total(EVENTS) <= 1
        assert shell.total("firstreply_events_rejected_total") <= 1


@pytest.mark.parametrize("stage", STAGES[:3])
async def test_what_another_member_counted_during_our_checkpoint_is_not_counted_by_us(
    stage: str,
) -> None:
    broker = stocked()
    async with Shell(broker) as shell, Shell(broker) as other:
        await shell.own(0)

        async def the_other_reads_it_and_gives_it_back() -> None:
            await other.own(0)
            await other.checkpoint()
            shell.source.own(0)
            await shell.turn()

        port = {"dead letters": shell.letters, "append": shell.checkpoints}.get(stage, shell.source)
        port.meanwhile[stage] = the_other_reads_it_and_gives_it_back
        await shell.checkpoint()
        await shell.turn()
        await shell.checkpoint()

        assert other.total(EVENTS) == 1
        assert shell.total(EVENTS) == 0
        assert shell.total("firstreply_events_rejected_total") == 0


@pytest.mark.parametrize("stage", STAGES)
async def test_a_partition_lost_during_a_checkpoint_is_not_published_by_us(stage: str) -> None:
    broker = stocked()
    async with Shell(broker) as shell:
        await shell.own(0, 1)
        interrupt(shell, stage, 1, between=False)

        await shell.checkpoint()
        await shell.checkpoint()

        assert shell.total(EVENTS) == 0
        assert set(shell.publisher.shown) == {1}


async def test_a_checkpoint_that_an_assignment_overtakes_appends_nothing() -> None:
    # It would follow a commit that may have been accepted, and the doubt ended with the epoch.
    async with Shell() as shell:
        shell.broker.append(opened(0))
        await shell.own(0)
        shell.journal.clear()

        async def rebalance() -> None:
            await shell.rebalanced(0)
            shell.journal.clear()

        shell.checkpoints.meanwhile["draft"] = rebalance
        await shell.checkpoint()
        assert "append" not in shell.journal

        await shell.checkpoint()
        assert shell.total("contact_received_total") == 1


async def test_a_member_that_was_put_out_of_the_group_publishes_nothing() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as zombie, Shell(broker) as owner:
        await zombie.own(0)
        owner.source.own(0)

        await zombie.checkpoint()

        assert not zombie.publisher.counted
        assert broker.committed == {}


# In the middle of a proof


@pytest.mark.parametrize("follow", [False, True])
async def test_a_rebalance_while_the_leaders_are_asked_proves_nothing(*, follow: bool) -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        shell.clock.seconds = 9000

        async def rebalance() -> None:
            shell.source.own(0)
            if follow:
                await shell.turn()

        shell.source.meanwhile["ends"] = rebalance
        await shell.processor.prove_once()

        assert shell.processor.folds[0].engine.log_time == BEFORE_ALL


async def test_a_partition_lost_while_its_leader_is_asked_disturbs_nothing() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)

        async def lose() -> None:
            shell.source.own()
            await shell.turn()

        shell.source.meanwhile["ends"] = lose
        await shell.processor.prove_once()
        await shell.checkpoint()

        assert shell.processor.folds == {}


# In the middle of a batch


class RebalancingDecoder:
    """Rebalances while a certain record is folded."""

    def __init__(self, at_record: int) -> None:
        self._decoder = Decoder()  # held: a compiled class cannot be inherited from
        self.shell: Shell | None = None
        self._left = at_record

    def decode(self, record: Record) -> ContactEvent | Rejected | Unknown:
        self._left -= 1
        if self._left == 0 and self.shell is not None:
            self.shell.source.own(0)
        return self._decoder.decode(record)

    def take_fallbacks(self) -> int:
        return self._decoder.take_fallbacks()


async def test_a_rebalance_in_the_middle_of_a_batch_ends_it_and_its_rest_comes_again() -> None:
    broker = FakeBroker()
    for number in range(2 * SLICE_RECORDS):
        broker.append(opened(0, str(number)))
    decoder = RebalancingDecoder(10)
    async with Shell(broker, decoder=decoder) as shell:
        decoder.shell = shell
        shell.source.own(0)
        await shell.turn()

        await shell.turn()
        ended_at = shell.processor._owned.memory[0].offset
        await shell.turn()
        await shell.checkpoint()

        assert ended_at == SLICE_RECORDS
        assert shell.total(EVENTS) == 2 * SLICE_RECORDS


async def test_records_that_were_fetched_before_a_rebalance_are_not_folded_after_it() -> None:
    async with Shell(stocked(opened(0))) as shell:
        shell.source.own(0)
        await shell.turn()

        async def rebalance() -> None:
            shell.source.own(0)

        shell.source.meanwhile["fetched"] = rebalance
        await shell.turn()
        stale = shell.processor._owned.memory[0].offset
        await shell.turn()

        assert stale == 0
        assert shell.processor._owned.memory[0].offset == 1


async def test_records_of_a_partition_that_was_never_begun_are_not_folded() -> None:
    async with Shell(stocked(opened(0))) as shell:
        shell.source.own(0)
        shell.source.unreachable = {0}

        async def fetch_all() -> Mapping[int, Sequence[Record]]:
            shell.source.parked.set()
            await shell.source.permit.wait()
            shell.source.permit.clear()
            return {0: shell.broker.log[0]}

        shell.source.fetch = fetch_all  # type: ignore[method-assign]
        await shell.turn(3)
        await shell.checkpoint()

        assert not shell.publisher.counted


# Beginning


async def test_a_partition_that_cannot_be_begun_is_tried_again_and_loses_nothing() -> None:
    async with Shell(stocked(opened(0))) as shell:
        shell.source.unreachable = {0}
        await shell.own(0)
        await shell.checkpoint()
        before = shell.publisher.said_ready[-1], shell.processor.health.reasons

        shell.source.unreachable = set()
        tries = shell.journal.count("begin")
        await shell.turn(2)
        too_soon = shell.journal.count("begin") - tries
        shell.monotonic += TAKE_AGAIN_SECONDS
        await shell.turn(2)
        await shell.checkpoint()

        assert before == (False, ["partition 0: not begun yet"])
        assert too_soon == 0
        assert shell.total(RECEIVED) == 1


async def test_a_partition_that_cannot_be_begun_does_not_hold_up_the_others() -> None:
    broker = FakeBroker()
    broker.append(opened(0), 1)
    async with Shell(broker) as shell:
        shell.source.unreachable = {0}
        await shell.own(0, 1)

        await shell.checkpoint()

        assert shell.total(RECEIVED) == 1


async def test_a_rebalance_while_a_partition_is_begun_begins_it_in_the_new_epoch_only() -> None:
    async with Shell(stocked(opened(0))) as shell:

        async def rebalance() -> None:
            shell.source.own(0)

        shell.source.meanwhile["begin"] = rebalance
        shell.source.own(0)
        await shell.turn(3)
        await shell.checkpoint()

        assert shell.journal.count("begin") == 2
        assert shell.processor.folds[0].epoch == shell.source.assignment().epoch
        assert shell.total(RECEIVED) == 1


async def test_a_stale_answer_to_begin_is_not_taken_in_the_new_epoch() -> None:
    broker = stocked(opened(0), opened(1, "d"))
    async with Shell(broker) as shell:
        real = shell.source.begin

        async def begin_late(partition: int, offset: int | None = None) -> int:
            offset = await real(partition, offset)
            if shell.source.assignment().epoch == 1:
                broker.committed[0] = 1
                shell.source.own(0)
            return offset

        shell.source.begin = begin_late  # type: ignore[method-assign]
        shell.source.own(0)
        await shell.turn(3)
        await shell.checkpoint()

        assert shell.total(RECEIVED) == 1
