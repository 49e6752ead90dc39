"""Faults 13 and 22: partitions move while something else goes on, and to members in reserve."""

import asyncio

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial
from tests.faults.proxy import Api, Trap

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_a_rebalance_during_a_restore_and_during_a_checkpoint(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        await trial.feed()
        await trial.lasting(3.0)

        # While the third one restores, a fourth one joins.
        third, fourth = trial.member(3), trial.member(4)
        restoring = Trap(Api.FETCH, "reply", "hold")
        for line in third.lines:
            line.traps.append(restoring)
        third.start()
        await trial.until(restoring.sprung.is_set, 30.0)
        fourth.start()
        trial.injected += 1
        await trial.lasting(2.0)
        nemeses.disarm(third)
        await trial.recovered()

        # While the first one waits for the answer to a checkpoint, the fourth one leaves.
        first = trial.members[0]
        await nemeses.spring(trial, first, Trap(Api.PRODUCE, "reply", "hold"))
        assert await asyncio.to_thread(fourth.stop) == 0
        nemeses.disarm(first)
        await trial.recovered()
        await trial.passes(13, "rebalance during restore and checkpoint")


async def test_partitions_that_come_back_after_two_rebalances_go_on(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        await trial.feed()
        visitor = trial.member(3)
        for _ in range(2):
            visitor.start()
            await trial.lasting(4.0)
            assert await asyncio.to_thread(visitor.stop) == 0
            trial.injected += 2
            await trial.recovered()
        await trial.passes(13, "partitions back after two rebalances")


async def test_a_member_in_reserve_takes_over(new_trial: NewTrial) -> None:
    async with new_trial(partitions=2) as trial:
        await trial.start(4)
        await trial.feed()
        await trial.lasting(5.0)
        idle = [one for one in trial.members if one.instance not in trial.shown().values()]
        assert len(idle) == 2
        for partition in range(2):
            await nemeses.crash(trial, trial.owner(partition))
            await trial.recovered()
        assert set(trial.shown().values()) == {one.instance for one in idle}
        await trial.passes(22, "more members than partitions")
