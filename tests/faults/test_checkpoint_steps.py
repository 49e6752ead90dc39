"""Fault 12: a crash, or a lost answer, at every step of a checkpoint and of a taking over.

The steps are seen from outside, as requests and replies on the lines: a process that is killed
while a reply is held has had its request carried out, and does not know it.
"""

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial
from tests.faults.proxy import Api, Moment, Trap

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(600)]

CHECKPOINT: tuple[tuple[Api, Moment], ...] = (
    (Api.PRODUCE, "request"),
    (Api.PRODUCE, "reply"),
    (Api.OFFSET_COMMIT, "request"),
    (Api.OFFSET_COMMIT, "reply"),
)
TAKING_OVER: tuple[tuple[Api, Moment, int], ...] = (
    (Api.JOIN_GROUP, "reply", 0),
    (Api.SYNC_GROUP, "reply", 0),
    (Api.OFFSET_COMMIT, "request", 0),  # before the claim
    (Api.OFFSET_COMMIT, "reply", 0),
    (Api.PRODUCE, "request", 0),  # the claim
    (Api.PRODUCE, "reply", 0),
    (Api.OFFSET_COMMIT, "request", 1),  # after it
    (Api.OFFSET_COMMIT, "reply", 1),
)


async def test_a_crash_at_any_step_of_a_checkpoint_costs_no_more_than_that_checkpoint(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        await trial.feed()
        for number, (api, moment) in enumerate(CHECKPOINT):
            victim = trial.members[number % 2]
            await nemeses.spring(trial, victim, Trap(api, moment, "hold"))
            await nemeses.crash(trial, victim)
            nemeses.disarm(victim)
            victim.start()
            await trial.recovered()
        await trial.passes(12, "crash at each step of a checkpoint")


async def test_a_lost_answer_at_any_step_costs_nothing(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        await trial.feed()
        for number, (api, moment) in enumerate(3 * CHECKPOINT):
            victim = trial.members[number % 2]
            await nemeses.spring(trial, victim, Trap(api, moment, "cut"))
            nemeses.disarm(victim)
            await trial.recovered()
        await trial.passes(12, "lost request or answer at each step")


async def test_a_crash_at_any_step_of_a_taking_over_costs_nothing_of_the_state(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start(2)
        await trial.feed()
        _, victim = trial.members
        for api, moment, skip in TAKING_OVER:
            await nemeses.crash(trial, victim)
            trap = Trap(api, moment, "hold", skip=skip)
            for line in victim.lines:
                line.traps.append(trap)
            victim.start()
            await trial.until(trap.sprung.is_set, 60.0)
            await nemeses.crash(trial, victim)
            nemeses.disarm(victim)
            victim.start()
            await trial.recovered()
        await trial.passes(12, "crash at each step of a taking over")
