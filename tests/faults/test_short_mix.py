"""A short mix of faults on three brokers, for every run of the tests; the rest is test-faults."""

import random

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MIX = (
    nemeses.kill_an_owner,
    nemeses.bounce_a_broker,
    nemeses.lose_an_answer,
    nemeses.cut_from_the_coordinator,
    nemeses.reset_connections,
)


async def test_a_mix_of_faults_loses_nothing_and_counts_nothing_twice(
    new_trial: NewTrial,
) -> None:
    chance = random.Random(20261122)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        for nemesis in MIX:
            await nemeses.then_recover(trial, nemesis, chance)
        await trial.passes(0, "short mix")
