"""Faults 5, 7 and 8: brokers go and come back, one, two or all of them."""

import asyncio
import random
import time
from itertools import pairwise

import pytest

from tests.faults import nemeses, topics
from tests.faults.conftest import NewTrial
from tests.faults.samples import LEDGER, OUTCOMES, RECEIVED
from tests.faults.trial import Trial

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("hard", [False, True], ids=["in order", "killed"])
async def test_leader_and_coordinator_bounce(new_trial: NewTrial, hard: bool) -> None:  # noqa: FBT001
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        led = await topics.leaders(trial.servers, trial.topic)
        await nemeses.bounce(trial, led[0], hard=hard)
        await trial.recovered()
        coordinator = await topics.coordinator(trial.servers, trial.topic)
        await nemeses.bounce(trial, coordinator, hard=hard)
        await trial.recovered()
        await trial.passes(5, f"broker {'killed' if hard else 'stopped'} and started")


async def test_all_brokers_are_away_for_longer_than_the_watchdog_waits(
    new_trial: NewTrial,
) -> None:
    async with new_trial(stall="20s") as trial:
        await trial.start()
        await trial.feed()
        await trial.lasting(3.0)
        await asyncio.to_thread(trial.cluster.kill)
        trial.injected += 1
        await trial.lasting(45.0)
        await asyncio.to_thread(trial.cluster.start)
        await trial.recovered(90.0)
        await trial.passes(7, "all brokers away", bound=90.0)
        assert trial.crashes, "the watchdog has ended nobody"


async def test_a_service_that_starts_before_its_brokers_waits_for_them(
    new_trial: NewTrial,
) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        await trial.lasting(3.0)
        for member in trial.members:
            await nemeses.crash(trial, member)
        await asyncio.to_thread(trial.cluster.kill)
        for member in trial.members:
            member.start()
        await trial.lasting(10.0)
        await asyncio.to_thread(trial.cluster.start)
        await trial.recovered(90.0)
        await trial.passes(7, "started before the brokers", bound=90.0)


async def test_with_two_of_three_brokers_away_nothing_new_is_shown(new_trial: NewTrial) -> None:
    async with new_trial() as trial:
        await trial.start()
        await trial.feed()
        await trial.lasting(5.0)
        survivor = random.Random(8).randrange(3)
        for node, broker in enumerate(trial.cluster.brokers):
            if node != survivor:
                await asyncio.to_thread(broker.kill)
        trial.injected += 1
        await trial.lasting(2.0)  # what was acknowledged before may be shown
        began = time.time()
        await trial.lasting(15.0)
        shown = progress(trial, began)
        await asyncio.to_thread(trial.cluster.start)
        await trial.recovered(90.0)
        await trial.passes(8, "two of three brokers away", bound=90.0)
    assert shown == 0, f"{shown} was counted that nothing had made durable"


def progress(trial: Trial, since: float) -> float:
    """Return by how much anything counted has grown since then, over all members."""
    grown = 0.0
    for member in trial.members:
        sums = [
            sum(
                value
                for series, value in scrape.values.items()
                if series[0] in {LEDGER, RECEIVED, OUTCOMES}
            )
            for scrape in trial.scraper.scrapes
            if scrape.instance == member.instance and scrape.at >= since and scrape.values
        ]
        grown += sum(max(0.0, after - before) for before, after in pairwise(sums))
    return grown
