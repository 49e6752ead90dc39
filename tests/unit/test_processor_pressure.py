"""Reading waits while too much is not durable, says so, and goes on afterwards."""

import asyncio

import pytest

from firstreply import processor
from firstreply.domain.errors import FatalError
from tests.unit.fakes import NO_JSON, FakeBroker, opened
from tests.unit.shell import Shell

RECEIVED = "contact_received_total"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "MOST_UNDURABLE_RECORDS", 20)
    monkeypatch.setattr(processor, "MOST_UNDURABLE_LETTER_BYTES", 10 * len(NO_JSON))
    monkeypatch.setattr(processor, "_HELD_BACK_SECONDS", 0)


def stocked(records: int, partition: int = 0) -> FakeBroker:
    broker = FakeBroker()
    for number in range(records):
        broker.append(opened(0, f"c{partition}-{number}"), partition)
    return broker


def offsets(shell: Shell) -> list[int]:
    return [fold.offset for fold in shell.processor.folds.values()]


async def begun(shell: Shell, *partitions: int) -> None:
    """Own partitions and fetch three batches, as far as anything is fetched."""
    shell.source.most_records = 10
    shell.source.own(*partitions)
    await turned(shell, 8)


async def turned(shell: Shell, times: int) -> None:
    """Let the loop turn whether it fetches or not."""
    for _ in range(times):
        shell.source.permit.set()
        for _ in range(20):
            await asyncio.sleep(0)


async def test_nothing_more_is_read_while_too_many_records_are_not_durable() -> None:
    async with Shell(stocked(100)) as shell:
        await begun(shell, 0)

        assert offsets(shell) == [30]
        assert shell.processor.health.reasons[-1] == (
            "reading waits for the state log: too much is not durable yet, of 30 records"
        )
        assert not shell.processor.health.ready


async def test_the_bound_itself_is_not_too_many() -> None:
    async with Shell(stocked(20)) as shell:
        await begun(shell, 0)
        shell.broker.append(opened(0, "one more"))
        await turned(shell, 2)

        assert offsets(shell) == [21]


async def test_reading_goes_on_once_a_checkpoint_is_durable() -> None:
    async with Shell(stocked(100)) as shell:
        await begun(shell, 0)
        shell.checkpoints.answers.append("refuse")
        await shell.checkpoint()
        await turned(shell, 8)
        refused = offsets(shell)

        await shell.checkpoint()
        await turned(shell, 8)
        await shell.checkpoint()

        assert refused == [30]
        assert offsets(shell) == [60]
        assert shell.total(RECEIVED) == 60
        assert not any("not durable" in reason for reason in shell.processor.health.reasons)


async def test_what_all_partitions_hold_is_added_up() -> None:
    broker = stocked(100)
    for record in stocked(100, 1).log[1]:
        broker.append(record.value, 1)
    async with Shell(broker) as shell:
        await begun(shell, 0, 1)

        assert offsets(shell) == [20, 20]


async def test_dead_letters_are_bounded_by_their_bytes() -> None:
    broker = FakeBroker()
    for _ in range(20):
        broker.append(NO_JSON)
    async with Shell(broker) as shell:
        shell.source.most_records = 3
        shell.source.own(0)
        await turned(shell, 12)
        held = offsets(shell)

        shell.letters.answers.append("refuse")
        await shell.checkpoint()
        await turned(shell, 4)
        refused = offsets(shell)
        await shell.checkpoint()
        await turned(shell, 12)
        await shell.checkpoint()

        assert (held, refused, offsets(shell)) == ([12], [12], [20])
        assert [fold.letter_bytes for fold in shell.processor.folds.values()] == [0]
        assert len(shell.letters.kept) == 20


async def test_readiness_tells_while_an_append_does_not_end() -> None:
    async with Shell(stocked(100)) as shell:
        released = asyncio.Event()

        async def _wait() -> None:
            await released.wait()

        shell.source.most_records = 10
        shell.source.own(0)
        await turned(shell, 2)
        shell.checkpoints.meanwhile["append"] = _wait
        appending = asyncio.create_task(shell.checkpoint())
        await turned(shell, 8)
        told = list(shell.processor.health.reasons)
        folded = offsets(shell)

        released.set()
        await appending
        await turned(shell, 8)

        assert folded == [30]
        assert "reading waits for the state log: too much is not durable yet, of 30 records" in told
        assert shell.publisher.said_ready[-1] is False
        assert offsets(shell)[0] > 30


async def test_a_rebalance_is_followed_while_reading_waits() -> None:
    async with Shell(stocked(100)) as shell:
        await begun(shell, 0)

        shell.source.own(1)
        await turned(shell, 4)

        assert list(shell.processor.folds) == [1]


async def test_the_watchdog_ends_a_wait_that_has_no_end() -> None:
    async with Shell(stocked(100)) as shell:
        await begun(shell, 0)

        shell.monotonic += 61

        await turned(shell, 2)

        with pytest.raises(FatalError, match="no commit was accepted for 60 s"):
            await shell.turn()
