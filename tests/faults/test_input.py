"""Faults 15 and 16: what producers send, in which order, and what is no event at all."""

import random
import time

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial
from tests.faults.workload import Mixture

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_duplicates_and_disorder_count_once_over_a_crash(new_trial: NewTrial) -> None:
    chance = random.Random(15)
    mixture = Mixture(duplicates=0.2, out_of_order=0.5, lateness=8.0)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed(mixture=mixture)
        await trial.lasting(5.0)
        await nemeses.then_recover(trial, nemeses.kill_an_owner, chance)
        await trial.lasting(5.0)
        await trial.passes(15, "duplicates and disorder")


async def test_an_hour_of_backlog_in_disorder_counts_once_over_a_crash(
    new_trial: NewTrial,
) -> None:
    chance = random.Random(15)
    mixture = Mixture(duplicates=0.2, out_of_order=0.2, lateness=3600.0)
    async with new_trial() as trial:
        feed = await trial.feed(rate=2.0, mixture=mixture, begin=time.time() - 3600)
        await trial.start()
        await nemeses.then_recover(trial, nemeses.kill_an_owner, chance)
        await trial.passes(15, "an hour of backlog in disorder")
        assert feed.sent > 10_000


async def test_bad_records_become_dead_letters_over_a_crash_and_all_else_is_counted(
    new_trial: NewTrial,
) -> None:
    chance = random.Random(16)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed(mixture=Mixture(bad=0.2))
        for _ in range(2):
            await trial.lasting(4.0)
            await nemeses.then_recover(trial, nemeses.kill_an_owner, chance)
        await trial.passes(16, "bad records")
