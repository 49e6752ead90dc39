"""What a processor fetches is folded in slices, and the loops end when they are asked to."""

import asyncio
from itertools import pairwise

import pytest

from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import FatalError
from firstreply.fold import BadRecords
from firstreply.pace import Pace
from firstreply.processor import SLICE_BYTES, SLICE_RECORDS, SLICE_TIMERS, _slice
from tests.unit.domain.builders import GRACE
from tests.unit.fakes import NO_JSON, FakeBroker, opened
from tests.unit.shell import Shell

RECEIVED = "contact_received_total"


def stocked(*values: bytes) -> FakeBroker:
    broker = FakeBroker()
    for value in values:
        broker.append(value)
    return broker


async def test_a_large_batch_leaves_the_event_loop_free_in_between() -> None:
    broker = FakeBroker()
    for number in range(2 * SLICE_RECORDS + 1):
        broker.append(opened(0, str(number)))
    seen: list[int] = []
    async with Shell(broker) as shell:

        async def look() -> None:
            while True:
                folds = shell.processor.folds
                seen.append(folds[0].offset if folds else 0)
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        await shell.own(0)
        looking.cancel()

        assert {SLICE_RECORDS, 2 * SLICE_RECORDS} <= set(seen)
        assert shell.processor.folds[0].offset == 2 * SLICE_RECORDS + 1


async def test_deadlines_that_a_batch_lets_pass_in_its_middle_fire_in_slices_before_its_rest() -> (
    None
):
    """The first record of the rest would fire them all at once."""
    broker = FakeBroker()
    waiting = 2 * SLICE_TIMERS
    for number in range(waiting):
        broker.append(opened(0, f"early-{number}"))
    async with Shell(broker) as shell:
        await shell.own(0)
        for number in range(SLICE_RECORDS):
            broker.append(opened(3000, f"late-{number}"))
        shell.clock.seconds = 3000
        await shell.processor.prove_once()
        broker.append(opened(3000, "rest"))
        engine = shell.processor.folds[0].engine
        looked_at: list[int] = []

        async def look() -> None:
            while True:
                looked_at.append(engine.timers_looked_at)
                await asyncio.sleep(0)

        looking = asyncio.create_task(look())
        await shell.turn()
        looking.cancel()

        steps = [after - before for before, after in pairwise(looked_at)]
        assert max(steps) == SLICE_TIMERS
        assert sum(steps) >= waiting


async def test_deadlines_that_a_batch_lets_pass_at_its_end_fire_with_it() -> None:
    broker = stocked(opened(0))
    async with Shell(broker) as shell:
        await shell.own(0)
        broker.append(opened(0, "d"))
        shell.clock.seconds = 600 + GRACE + 1.001
        await shell.processor.prove_once()

        await shell.turn()
        await shell.checkpoint()

        missed = shell.total("contact_expectation_outcomes_total", "chat", "none", "10m", "missed")
        assert missed == 2


async def test_too_many_bad_records_end_consuming_with_the_reason() -> None:
    async with Shell(stocked(NO_JSON, NO_JSON), bad_records=BadRecords(0.5, 2)) as shell:
        shell.source.own(0)
        await shell.turn()

        with pytest.raises(FatalError, match="2 of the last 2 records are bad, 2 of them not_json"):
            await shell.turn()

        assert not shell.publisher.counted


async def test_consuming_ends_when_asked_to() -> None:
    async with Shell(stocked(opened(0))) as shell:
        await shell.own(0)

        shell.processor.stop()
        shell.source.permit.set()
        assert shell._consuming is not None
        await shell._consuming

        await shell.checkpoint()
        assert shell.total(RECEIVED) == 1


@pytest.mark.parametrize("loop", ["checkpoint", "prove"])
async def test_the_loops_turn_until_they_are_asked_to_end(loop: str) -> None:
    pace = Pace(checkpoint_seconds=0, proof_seconds=0)
    async with Shell(stocked(opened(0)), pace=pace) as shell:
        await shell.own(0)
        stage = {"checkpoint": "committed", "prove": "ends"}[loop]

        async def stop() -> None:
            shell.processor.stop()

        shell.source.meanwhile[stage] = stop
        await getattr(shell.processor, loop)()

        assert shell.journal.count(stage) == 1


async def test_a_loop_that_is_stopped_does_not_wait_for_its_interval() -> None:
    async with Shell(pace=Pace(checkpoint_seconds=3600, proof_seconds=3600)) as shell:
        loops = [
            asyncio.create_task(shell.processor.checkpoint()),
            asyncio.create_task(shell.processor.prove()),
        ]
        await asyncio.sleep(0)

        shell.processor.stop()
        done, _ = await asyncio.wait(loops, timeout=10)

        assert done == set(loops)


def test_a_slice_is_bounded_in_records_and_in_bytes_and_never_empty() -> None:
    small = [FileRecord(offset, b"x") for offset in range(SLICE_RECORDS + 1)]
    large = [FileRecord(offset, b"x" * SLICE_BYTES) for offset in range(3)]

    assert len(_slice(small, 0)) == SLICE_RECORDS
    assert len(_slice(small, SLICE_RECORDS)) == 1
    assert [record.offset for record in _slice(large, 1)] == [1]
