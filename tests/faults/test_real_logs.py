"""Real event logs, read by three processes of which one after the other is killed."""

import json
import random

import pytest

from tests.faults import checks, nemeses, topics
from tests.faults.conftest import NewTrial
from tests.faults.samples import LEDGER, label, ledger_by_reset_rule, merged
from tests.faults.trial import Trial
from tests.faults.workload import Sent
from tests.shared import log_lines, log_path, needs_shared, truth_configuration, truth_of

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

KILLS = 4


@needs_shared
@pytest.mark.parametrize("name", ["irc_ubuntu", "sf311"])
async def test_a_real_log_ends_with_its_truth_whoever_is_killed(
    new_trial: NewTrial, name: str
) -> None:
    truth = truth_of(name)["channels"]
    contacts = sum(one["contacts"] for one in truth.values())
    answered = sum(one["answered"] for one in truth.values())
    chance = random.Random(name)
    rules = truth_configuration(truth)
    async with new_trial(rules=rules, message_timestamp_type="CreateTime") as trial:
        events = [event(line) for line in log_lines(log_path(name))]
        size = len(events) // KILLS + 1
        await trial.start()
        for first in range(0, len(events), size):
            await topics.send(trial.servers, trial.topic, events[first : first + size])
            await trial.lasting(chance.uniform(0.0, 1.0))
            await nemeses.kill_an_owner(trial, chance)
        await trial.recovered()
        await trial.until(lambda: shown(trial)["received"] == contacts, 60.0)
        scrapes = trial.scraper.scrapes
        summed = {
            kind: sum(
                value
                for series, value in ledger_by_reset_rule(scrapes).items()
                if label(series, "kind") == kind
            )
            for kind in ("received", "answered")
        }
        assert summed == {"received": contacts, "answered": answered}
        assert shown(trial)["answered"] == answered
        assert not checks.v2_nothing_shown_goes_back(scrapes)


def event(line: bytes) -> Sent:
    key = json.loads(line)["contact_id"].encode()
    return Sent(0.0, 0, key, line)


def shown(trial: Trial) -> dict[str, float]:
    """Return the ledger over all partitions as it is shown now."""
    sums = dict.fromkeys(("received", "answered"), 0.0)
    for _, highest in merged(trial.scraper.latest.values(), LEDGER):
        last = highest
    for series, value in last.items():
        if label(series, "kind") in sums:
            sums[label(series, "kind")] += value
    return sums
