"""Faults 1, 3, 4 and 14: a process ends or stands still, by force or in order."""

import random

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_owners_killed_again_and_again_lose_nothing(new_trial: NewTrial) -> None:
    chance = random.Random(1)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for _ in range(5):
            await trial.lasting(chance.uniform(0.5, 4.0))
            await nemeses.kill_an_owner(trial, chance)
        await trial.recovered()
        await trial.passes(1, "SIGKILL of owners")


async def test_a_rolling_restart_in_order_counts_all_and_nothing_twice(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for victim in trial.members:
            await nemeses.restart(trial, victim)
            await trial.recovered()
        await trial.passes(3, "rolling restart in order")


async def test_a_frozen_owner_that_wakes_up_shows_nothing_of_its_own(new_trial: NewTrial) -> None:
    chance = random.Random(4)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for _ in range(2):
            await nemeses.then_recover(trial, nemeses.freeze_an_owner, chance)
        await trial.passes(4, "SIGSTOP longer than a session")


@pytest.mark.parametrize("seconds", [5.0, 12.0])
async def test_an_event_loop_that_stands_still_costs_nothing(
    new_trial: NewTrial, seconds: float
) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for victim in trial.members:
            await nemeses.freeze(trial, victim, seconds)
            await trial.recovered()
        await trial.passes(14, f"event loop blocked for {seconds:g} s")
