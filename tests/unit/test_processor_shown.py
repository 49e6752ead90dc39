"""What a processor shows of its partitions, for how long, and when it ends rather than hangs."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from firstreply.domain.errors import FatalError
from firstreply.domain.increments import Increments
from firstreply.pace import Pace
from tests.unit.domain.builders import GRACE, at
from tests.unit.fakes import FakeBroker, opened
from tests.unit.shell import WALL, Shell

RECEIVED = "contact_received_total"


def stocked(*values: bytes) -> FakeBroker:
    broker = FakeBroker()
    for value in values:
        broker.append(value)
    return broker


# Gauges and lag


async def test_a_partition_that_is_lost_is_shown_no_longer() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0, 1)
        await shell.checkpoint()
        both = set(shell.publisher.shown)

        shell.source.own(1)
        await shell.turn()

        assert both == {0, 1}
        assert set(shell.publisher.shown) == {1}
        assert set(shell.publisher.lags) == {1}


async def test_between_revocation_and_assignment_nothing_is_shown() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()

        shell.source.own()
        await shell.turn()
        await shell.checkpoint()

        assert shell.publisher.shown == {}
        assert shell.publisher.lags == {}


async def test_a_lost_partition_is_not_shown_anew_by_a_checkpoint_before_consuming_follows() -> (
    None
):
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.source.own()

        await shell.checkpoint()
        await shell.turn()

        assert shell.publisher.shown == {}


async def test_gauges_go_when_no_commit_was_accepted_for_the_lease_and_not_before() -> None:
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.source.answers.extend(["refuse", "refuse"])

        shell.monotonic += 15.999
        await shell.checkpoint()
        before = set(shell.publisher.shown)
        shell.monotonic += 0.001
        await shell.checkpoint()
        at_the_lease = set(shell.publisher.shown), set(shell.publisher.lags)
        await shell.checkpoint()

        assert before == {0}
        assert at_the_lease == (set(), set())
        assert set(shell.publisher.shown) == {0}


async def test_the_lease_runs_from_when_the_commit_was_sent() -> None:
    """An answer may be read long after it was given: by a process that was stopped meanwhile."""
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        await shell.own(0)

        async def the_process_is_stopped() -> None:
            shell.monotonic += 16

        shell.source.meanwhile["committed"] = the_process_is_stopped
        await shell.checkpoint()

        assert shell.total(RECEIVED) == 1
        assert shell.publisher.shown == {}


async def test_the_lease_of_an_assignment_runs_from_when_it_came_whenever_we_committed_last() -> (
    None
):
    """A spare member commits nothing for as long as it owns nothing."""
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        shell.monotonic += 30
        await shell.own(0)

        assert shell.publisher.leases[-1] == shell.monotonic + 16


async def test_an_epoch_that_is_noticed_late_does_not_renew_what_was_shown() -> None:
    """Who stood still since a rebalance gave the partition back has lost it again by now."""
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.source.learn(0)
        shell.source.unreachable = {0}
        shell.monotonic += 600

        await shell.turn()

        assert shell.publisher.shown == {}


async def test_a_commit_renews_the_lease_from_when_it_was_sent() -> None:
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        await shell.own(0)
        sent = shell.monotonic

        async def take_long() -> None:
            shell.monotonic += 4

        shell.source.meanwhile["commit"] = take_long
        await shell.checkpoint()

        assert shell.publisher.leases[-1] == sent + 16


async def test_what_is_shown_is_of_the_cut_that_is_durable() -> None:
    """The ledger must not run ahead of the state: a crash would take it back."""
    broker = FakeBroker()
    broker.append(opened(0), appended=0)
    async with Shell(broker) as shell:
        await shell.own(0)

        async def another_arrives() -> None:
            broker.append(opened(1, "d"), appended=1)
            await shell.turn()

        shell.checkpoints.meanwhile["append"] = another_arrives
        await shell.checkpoint()

        shown = shell.publisher.shown[0]
        assert shell.processor.folds[0].engine.gauges().ledger["received"] == 2
        assert (shown.ledger["received"], shown.waiting) == (1, 1)


@pytest.mark.parametrize("at", ["append", "commit"])
async def test_nothing_new_is_shown_of_a_cut_that_is_not_durable(at: str) -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        await shell.checkpoint()
        broker.append(opened(1, "d"))
        await shell.turn()
        refusing = shell.checkpoints if at == "append" else shell.source
        refusing.answers.append("refuse")

        await shell.checkpoint()
        before = shell.publisher.shown[0].ledger["received"]
        await shell.checkpoint()

        assert (before, shell.publisher.shown[0].ledger["received"]) == (1, 2)


async def test_an_interrupt_between_two_partitions_leaves_neither_uncounted() -> None:
    broker = FakeBroker()
    broker.append(opened(0, "a"), 0)
    broker.append(opened(0, "b"), 1)
    async with Shell(broker) as shell:
        await shell.own(0, 1)
        checkpoint = asyncio.create_task(shell.checkpoint())
        while shell.total(RECEIVED) == 0:  # noqa: ASYNC110 - turn by turn
            await asyncio.sleep(0)
        at_the_interrupt = shell.total(RECEIVED)
        checkpoint.cancel()
        with pytest.raises(asyncio.CancelledError):
            await checkpoint

        await shell.checkpoint()

        assert (at_the_interrupt, shell.total(RECEIVED)) == (1, 2)


async def test_a_partition_whose_state_is_not_made_durable_is_not_shown_beyond_the_lease() -> None:
    broker = FakeBroker()
    broker.append(opened(0, "a"), 0)
    broker.append(opened(0, "b"), 1)
    async with Shell(broker, pace=Pace(lease_seconds=4, stall_seconds=60)) as shell:
        await shell.own(0, 1)
        await shell.checkpoint()
        broker.append(opened(1, "c"), 1)
        await shell.turn()

        shown = []
        for _ in range(5):
            shell.checkpoints.answers.append("refuse")
            await shell.pass_time(1)
            shown.append(set(shell.publisher.shown))

        assert shown == [{0, 1}, {0, 1}, {0, 1}, {0}, {0}]


async def test_a_partition_that_cannot_be_begun_again_is_not_shown_beyond_the_lease() -> None:
    async with Shell(stocked(opened(0)), pace=Pace(lease_seconds=16)) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.source.unreachable = {0}
        await shell.own(0)

        await shell.pass_time(17)

        assert shell.publisher.shown == {}
        assert shell.publisher.lags == {}


async def test_a_partition_that_came_back_is_shown_at_its_own_clock() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        shell.clock.seconds = 100
        await shell.processor.prove_once()
        await shell.checkpoint()

        await shell.own(0)
        await shell.checkpoint()

        assert shell.publisher.shown[0].at == at(100 - 1 - 5)


async def test_lag_counts_unread_records_and_the_age_of_the_last_one_read() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        broker.append(opened(20, "d"), created=20)
        shell.clock.seconds = 30

        await shell.processor.prove_once()
        await shell.checkpoint()
        behind = shell.publisher.lags[0]
        await shell.turn()
        await shell.checkpoint()

        assert behind == (1, 30.0)
        assert shell.publisher.lags[0] == (0, 0.0)


async def test_lag_is_nothing_before_the_end_is_known_and_never_negative() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        await shell.checkpoint()
        unknown = shell.publisher.lags[0]

        await shell.processor.prove_once()
        broker.append(opened(1, "d"))
        await shell.turn()
        shell.clock.seconds = -100
        await shell.checkpoint()

        assert unknown == (0, 0.0)
        assert shell.publisher.lags[0] == (0, 0.0)


@pytest.mark.parametrize(
    ("appended", "now", "skew"), [(10.5, 10, [0.5]), (10, 10.5, [0.0]), (None, 10, [])]
)
async def test_the_brokers_clock_ahead_of_ours_is_shown_and_one_behind_is_not(
    appended: float | None, now: float, skew: list[float]
) -> None:
    broker = FakeBroker()
    broker.append(opened(0), appended=appended)
    async with Shell(broker) as shell:
        shell.clock.seconds = now

        await shell.own(0)

        assert shell.publisher.skews == pytest.approx(skew)


async def test_gauges_are_those_of_the_partition_at_its_service_clock() -> None:
    broker = FakeBroker()
    broker.append(opened(0), appended=100)
    async with Shell(broker) as shell:
        await shell.own(0)

        await shell.checkpoint()

        shown = shell.publisher.shown[0]
        assert shown.at == at(100 - GRACE)
        assert shown.queues["chat", "none"].oldest_waiting == at(0)


Step = Callable[[Shell], Awaitable[None]]


async def _refuse_commits(shell: Shell) -> None:
    shell.source.answers.append("refuse")


async def _be_silent(shell: Shell) -> None:
    shell.source.silent = True


async def _deliver_nothing(shell: Shell) -> None:
    if len(shell.broker.log[0]) == 1:
        shell.broker.append(opened(1, "d"))


async def _begin_nothing(shell: Shell) -> None:
    if 1 not in shell.source.assignment().partitions:
        shell.source.unreachable = {1}
        await shell.own(0, 1)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (_refuse_commits, "no commit was accepted for 60 s"),
        (_be_silent, "no broker told the end offsets for 60 s"),
        (_deliver_nothing, "partition 0 has unread records but none came for 60 s"),
        (_begin_nothing, "an assigned partition could not be begun for 60 s"),
    ],
)
async def test_what_stands_still_for_longer_than_the_stall_timeout_ends_the_service(
    step: Step, message: str
) -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.pass_time(1)
        for _ in range(60):
            await step(shell)
            await shell.pass_time(1)
            await shell.turn() if step is not _deliver_nothing else None

        await step(shell)
        with pytest.raises(FatalError, match=message):
            await shell.pass_time(2)


async def test_the_heartbeat_goes_on_at_the_end_and_stands_still_before_it() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        await shell.pass_time(3)
        at_the_end = list(shell.publisher.heartbeats)

        broker.append(opened(1, "d"))
        await shell.pass_time(2)
        before_it = list(shell.publisher.heartbeats)
        await shell.turn()
        await shell.pass_time(1)

        assert at_the_end == [at(WALL + 1), at(WALL + 2), at(WALL + 3)]
        assert before_it == at_the_end
        assert shell.publisher.heartbeats == [*at_the_end, at(WALL + 6)]


async def test_ready_is_said_only_once_the_end_is_read() -> None:
    async with Shell(stocked(opened(0))) as shell:
        shell.source.own(0)
        await shell.checkpoint()
        await shell.turn()
        await shell.checkpoint()
        await shell.processor.prove_once()
        await shell.checkpoint()
        await shell.turn()
        await shell.checkpoint()

        assert shell.publisher.said_ready == [False, False, False, True]


async def test_nothing_is_ready_before_the_first_assignment() -> None:
    async with Shell() as shell:
        await shell.pass_time(2)

        assert shell.publisher.said_ready == [False, False]
        assert shell.publisher.heartbeats == []


async def test_other_tasks_have_a_turn_between_two_partitions_and_find_both_durable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broker = FakeBroker()
    broker.append(opened(0, "a"), 0)
    broker.append(opened(0, "b"), 1)
    async with Shell(broker) as shell:
        await shell.own(0, 1)
        turns, seen = [0], []
        show = shell.publisher.checkpointed

        def showing(partition: int, epoch: int, increments: Increments) -> None:
            committed = [fold.committed for fold in shell.processor.folds.values()]
            seen.append((partition, committed, turns[0]))
            show(partition, epoch, increments)

        async def others() -> None:
            while len(seen) < 2:
                turns[0] += 1
                await asyncio.sleep(0)

        monkeypatch.setattr(shell.publisher, "checkpointed", showing)
        await asyncio.gather(shell.checkpoint(), others())

        (first, second) = sorted(seen)
        assert [first[1], second[1]] == [[1, 1], [1, 1]]
        assert first[2] != second[2]


# Delays


async def test_a_record_is_observed_when_its_checkpoint_is_durable_and_not_before() -> None:
    broker = FakeBroker()
    broker.append(opened(0, "a"), appended=10)
    broker.append(opened(0, "b"), appended=10.5)
    async with Shell(broker) as shell:
        await shell.own(0)
        shell.clock.seconds = 11
        shell.checkpoints.answers.append("refuse")

        await shell.checkpoint()
        before = list(shell.publisher.delays)
        shell.clock.seconds = 12
        await shell.checkpoint()
        await shell.checkpoint()

        assert before == []
        assert shell.publisher.delays == [([at(10) // 1000, at(10.5) // 1000], at(12))]


async def test_a_record_without_log_append_time_has_no_delay() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)

        await shell.checkpoint()

        assert shell.total(RECEIVED) == 1
        assert shell.publisher.delays == []


async def test_a_deadline_waits_at_most_since_the_service_clock_that_was_shown_before() -> None:
    broker = FakeBroker()
    broker.append(opened(0), appended=100)
    async with Shell(broker) as shell:
        await shell.own(0)
        shell.clock.seconds = 101
        await shell.checkpoint()
        after_the_first = list(shell.publisher.deadlines)

        await shell.pass_time(2)

        assert after_the_first == []
        # Log time is that of the record, then that of the proof at 102 s less the skew of 1 s.
        assert shell.publisher.deadlines == [
            (at(100 - GRACE), at(102)),
            (at(101 - GRACE), at(103)),
        ]
