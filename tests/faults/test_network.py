"""Faults 9, 10 and 11: what lies between a service and its brokers, and between brokers."""

import random

import pytest

from tests.faults import nemeses, topics
from tests.faults.conftest import NewTrial
from tests.faults.nemeses import SICKNESSES, Nemesis

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("nemesis", "words"),
    [
        (nemeses.cut_from_all_brokers, "a service cut off from all brokers"),
        (nemeses.cut_from_the_coordinator, "a service cut off from the coordinator"),
    ],
)
async def test_a_service_that_is_cut_off_shows_nothing_of_what_others_took_over(
    new_trial: NewTrial, nemesis: Nemesis, words: str
) -> None:
    chance = random.Random(9)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for _ in range(2):
            await nemeses.then_recover(trial, nemesis, chance)
        await trial.passes(9, words)


@pytest.mark.usefixtures("brokers_can_be_cut_off")
async def test_a_leader_cut_off_from_its_peers_acknowledges_nothing(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        coordinator = await topics.coordinator(trial.servers, trial.topic)
        await nemeses.isolate(trial, coordinator)
        await trial.recovered()
        led = await topics.leaders(trial.servers, trial.topic)
        await nemeses.isolate(trial, led[0])
        await trial.recovered()
        await trial.passes(9, "a broker cut off from its peers")


async def test_sick_connections_stop_nobody_for_good(new_trial: NewTrial) -> None:
    chance = random.Random(11)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for toxics in SICKNESSES.values():
            await nemeses.sicken(trial, await trial.an_owner(chance), toxics)
            await trial.recovered()
        await nemeses.then_recover(trial, nemeses.reset_connections, chance)
        await trial.passes(11, "sick connections")
