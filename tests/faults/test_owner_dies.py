"""Faults 1, 3, 4 and 14: a process ends or stands still, by force or in order."""

import random

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial
from tests.faults.proxy import Api, Moment, Trap

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

ACCEPTED_AND_REFUSED: tuple[Moment, ...] = ("reply", "request")


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


async def test_a_frozen_owner_keeps_the_promise_whose_answer_it_never_heard(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        accepted, refused, _ = trial.members
        for victim, moment in zip(trial.members, ACCEPTED_AND_REFUSED, strict=False):
            await trial.lasting(3.0)  # so that the next commit is about something
            await nemeses.spring(trial, victim, Trap(Api.OFFSET_COMMIT, moment, "hold"))
            await nemeses.freeze(trial, victim, nemeses.LONGER_THAN_A_SESSION)
            nemeses.disarm(victim)
            await trial.recovered()
        assert "promise_kept_late" in accepted.log
        assert "promise_kept_late" not in refused.log  # another one inherited it
        await trial.passes(4, "SIGSTOP before the answer to a commit")


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
