"""Fault 24: faults drawn at random, for as many minutes as ``FAULTS_SOAK_MINUTES`` says."""

import logging
import os
import random
import time

import pytest

from tests.faults import nemeses
from tests.faults.conftest import NewTrial

MINUTES = float(os.environ.get("FAULTS_SOAK_MINUTES", "0"))
SEED = os.environ.get("FAULTS_SOAK_SEED", "1")
_RECOVERY_SECONDS = 120.0

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.skipif(not MINUTES, reason="FAULTS_SOAK_MINUTES is not set"),
    pytest.mark.timeout(60 * MINUTES + 600),
]
_log = logging.getLogger(__name__)


async def test_faults_at_random_for_a_long_time(new_trial: NewTrial) -> None:
    chance = random.Random(SEED)
    async with new_trial() as trial:
        await trial.start()
        await trial.feed(rate=10.0)
        until = time.monotonic() + 60 * MINUTES
        while time.monotonic() < until:
            nemesis = chance.choice(nemeses.ALL)
            _log.warning("%s", nemesis.__name__)
            await nemeses.then_recover(trial, nemesis, chance, _RECOVERY_SECONDS)
            await trial.lasting(chance.uniform(0.0, 5.0))
        await trial.passes(24, "soak of random faults", bound=_RECOVERY_SECONDS)
