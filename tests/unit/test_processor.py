"""A checkpoint publishes only what is durable, a proof only what the leaders confirmed."""

import pytest

from firstreply.domain.errors import FatalError
from firstreply.domain.instants import BEFORE_ALL
from firstreply.pace import IDLE_COMMIT_SECONDS, Pace
from tests.unit.domain.builders import GRACE, at, book, policy
from tests.unit.fakes import NO_JSON, FakeBroker, opened, responded
from tests.unit.shell import Shell

RECEIVED = "contact_received_total"
EVENTS = "firstreply_events_total"
REJECTED = "firstreply_events_rejected_total"


def stocked(*values: bytes) -> FakeBroker:
    broker = FakeBroker()
    for value in values or (opened(0), NO_JSON):
        broker.append(value)
    return broker


# Order


async def test_a_contact_that_is_forgotten_without_a_count_is_written_all_the_same() -> None:
    """Or the state log would go on with a contact that the engine no longer has."""
    policies = book(policy("chat", settle_for=60))
    async with Shell(stocked(opened(0), responded(1)), policies=policies) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.journal.clear()

        shell.clock.seconds = 200
        await shell.processor.prove_once()
        await shell.checkpoint()

        (fold,) = shell.processor.folds.values()
        assert list(fold.engine.contacts()) == []
        assert "append" in shell.journal


async def test_a_checkpoint_publishes_last_of_all() -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)
        shell.journal.clear()

        await shell.checkpoint()

        steps = [step for step in shell.journal if step != "clock"]
        assert steps == ["dead letters", "append", "commit", "committed", "publish"]
        assert shell.total(EVENTS) == 1
        assert shell.total(REJECTED) == 1
        assert shell.broker.committed == {0: 2}
        assert [letter.value for letter in shell.letters.kept] == [NO_JSON]


async def test_folding_alone_publishes_nothing() -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)

        assert not shell.publisher.counted
        assert shell.letters.kept == []
        assert shell.broker.committed == {}


@pytest.mark.parametrize(
    ("port", "answer"),
    [
        ("letters", "refuse"),
        ("letters", "lose"),
        ("checkpoints", "refuse"),
        ("checkpoints", "lose"),
        ("source", "refuse"),
        ("source", "lose"),
    ],
)
async def test_a_step_that_fails_publishes_nothing_then_and_everything_once_with_the_next(
    port: str, answer: str
) -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)
        getattr(shell, port).answers.append(answer)

        await shell.checkpoint()
        published_then = dict(shell.publisher.counted)
        shell.broker.append(opened(1, "d"))
        await shell.turn()
        await shell.checkpoint()
        await shell.checkpoint()

        assert published_then == {}
        assert shell.total(EVENTS) == 2
        assert shell.total(REJECTED) == 1
        assert shell.total(RECEIVED) == 2
        assert {letter.offset for letter in shell.letters.kept} == {1}


@pytest.mark.parametrize("failing", ["letters", "checkpoints"])
async def test_nothing_is_committed_after_a_step_that_failed(failing: str) -> None:
    async with Shell(stocked()) as shell:
        await shell.own(0)
        getattr(shell, failing).answers.append("refuse")

        await shell.checkpoint()

        assert shell.broker.committed == {}
        assert "commit" not in shell.journal


async def test_a_partition_that_cannot_be_made_durable_does_not_hold_back_the_others() -> None:
    broker = FakeBroker()
    broker.append(opened(0, "a"), 0)
    broker.append(opened(0, "b"), 1)
    async with Shell(broker) as shell:
        await shell.own(0, 1)
        shell.checkpoints.answers.extend(["accept", "refuse"])

        await shell.checkpoint()
        counted = {partition for partition, _, _ in shell.publisher.counted}
        committed = dict(broker.committed)
        await shell.checkpoint()

        assert counted == {0}
        assert set(shell.publisher.shown) == {0, 1}
        assert committed == {0: 1}
        assert broker.committed == {0: 1, 1: 1}
        assert shell.total(RECEIVED) == 2


async def test_only_a_commit_that_was_accepted_promises_that_what_it_counts_is_exported() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        shell.source.answers.append("refuse")

        await shell.checkpoint()
        refused = list(shell.checkpoints.promised)
        await shell.checkpoint()

        assert (refused, shell.checkpoints.promised) == ([], [0])


@pytest.mark.parametrize("stage", ["draft", "commit", "dead letters"])
async def test_a_checkpoint_that_fails_for_good_puts_back_what_it_took(stage: str) -> None:
    """A rebalance may still be under way, and the memory be kept."""
    broker = stocked(opened(0), NO_JSON)
    async with Shell(broker) as shell:
        await shell.own(0)
        fold = shell.processor.folds[0]

        async def forbidden() -> None:
            raise FatalError(stage)

        ports = {"draft": shell.checkpoints, "commit": shell.source, "dead letters": shell.letters}
        ports[stage].meanwhile[stage] = forbidden

        with pytest.raises(FatalError):
            await shell.checkpoint()

        assert not fold.engine.unchanged
        await shell.checkpoint()
        assert shell.total(RECEIVED) == 1


async def test_after_a_commit_that_went_unanswered_nothing_is_appended_before_one_is_accepted() -> (
    None
):
    """What lies in the state log when another takes over is counted by nobody."""
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        shell.source.answers.extend(["refuse"] * 3)
        await shell.checkpoint()
        broker.append(opened(1, "d"))
        await shell.turn()
        shell.journal.clear()

        await shell.checkpoint()
        await shell.checkpoint()
        cut_off = list(shell.journal)
        await shell.checkpoint()

        assert "append" not in cut_off
        assert cut_off.count("commit") == 2
        assert shell.total(RECEIVED) == 2
        assert broker.committed == {0: 2}


async def test_what_is_folded_during_a_checkpoint_goes_with_the_next_one() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)

        async def another_arrives() -> None:
            broker.append(opened(1, "d"))
            await shell.turn()

        shell.source.meanwhile["commit"] = another_arrives
        await shell.checkpoint()
        after_the_first = shell.total(RECEIVED), dict(broker.committed)
        await shell.checkpoint()

        assert after_the_first == (1, {0: 1})
        assert (shell.total(RECEIVED), broker.committed) == (2, {0: 2})


async def test_observations_wait_for_the_commit_as_counters_do() -> None:
    async with Shell(stocked(opened(0), responded(30))) as shell:
        await shell.own(0)
        shell.source.answers.append("refuse")

        await shell.checkpoint()
        then = list(shell.publisher.observed)
        await shell.checkpoint()

        assert then == []
        assert shell.publisher.observed == [
            (0, "contact_first_response_seconds", ("chat", "none"), 30.0)
        ]


# Commits without news


async def test_without_news_nothing_is_committed_for_five_seconds_and_then_it_is() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.journal.clear()

        shell.monotonic += IDLE_COMMIT_SECONDS - 0.001
        await shell.checkpoint()
        before = shell.journal.count("commit")
        shell.monotonic += 0.001
        await shell.checkpoint()

        assert IDLE_COMMIT_SECONDS == 5
        assert before == 0
        assert shell.journal.count("commit") == 1
        assert "append" not in shell.journal


async def test_the_offset_at_which_a_partition_begins_is_committed_with_the_first_checkpoint() -> (
    None
):
    """Or ``kafka.start: latest`` would move on at the next rebalance, past what came meanwhile."""
    async with Shell() as shell:
        await shell.own(0)

        await shell.checkpoint()

        assert shell.broker.committed == {0: 0}


async def test_a_miss_that_time_alone_brought_is_news() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        await shell.checkpoint()
        shell.journal.clear()

        shell.clock.seconds = 600 + GRACE + 1.001
        await shell.processor.prove_once()
        await shell.checkpoint()

        assert "committed" in shell.journal
        assert (
            shell.total("contact_expectation_outcomes_total", "chat", "none", "10m", "missed") == 1
        )


async def test_a_commit_tells_the_offset_of_every_partition() -> None:
    broker = FakeBroker()
    broker.append(opened(0), 1)
    async with Shell(broker) as shell:
        await shell.own(0, 1)

        await shell.checkpoint()

        assert broker.committed == {0: 0, 1: 1}


async def test_a_process_that_owns_nothing_commits_nothing_and_lives() -> None:
    async with Shell() as shell:
        shell.source.own()
        await shell.turn()

        await shell.pass_time(100)

        assert "commit" not in shell.journal
        assert shell.publisher.shown == {}


# Proofs


async def test_the_clock_is_read_before_the_leaders_are_asked() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        shell.clock.seconds = 50
        shell.journal.clear()

        async def time_passes() -> None:
            shell.clock.seconds = 5000

        shell.source.meanwhile["ends"] = time_passes
        await shell.processor.prove_once()

        assert shell.journal == ["clock", "ends"]
        assert shell.processor.folds[0].engine.log_time == at(50 - 1)


async def test_a_proof_allows_for_the_configured_skew() -> None:
    async with Shell(stocked(opened(0)), pace=Pace(proof_skew=2_500_000)) as shell:
        await shell.own(0)
        shell.clock.seconds = 50

        await shell.processor.prove_once()

        assert shell.processor.folds[0].engine.log_time == at(47.5)


async def test_a_record_that_arrives_while_the_leaders_are_asked_is_waited_for_or_newer() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        shell.clock.seconds = 90_000
        broker.append(responded(500))

        await shell.processor.prove_once()
        waiting = shell.processor.folds[0].engine.log_time
        await shell.turn()
        await shell.checkpoint()

        assert waiting == BEFORE_ALL
        assert shell.processor.folds[0].engine.log_time == at(90_000 - 1)
        assert shell.total("contact_expectation_outcomes_total", "chat", "none", "10m", "met") == 1


async def test_leaders_that_do_not_answer_prove_nothing() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)
        shell.source.silent = True
        shell.clock.seconds = 5000

        await shell.processor.prove_once()

        assert shell.processor.folds[0].engine.log_time == BEFORE_ALL


async def test_each_partition_is_proved_by_its_own_leader() -> None:
    broker = FakeBroker()
    broker.append(opened(0), 0)
    async with Shell(broker) as shell:
        await shell.own(0, 1)
        broker.append(opened(1, "d"), 0)
        shell.clock.seconds = 30

        await shell.processor.prove_once()

        folds = shell.processor.folds
        assert folds[0].engine.log_time == BEFORE_ALL
        assert folds[1].engine.log_time == at(29)
