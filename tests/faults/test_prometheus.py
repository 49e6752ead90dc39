"""Fault 1 again, seen by a real Prometheus: its raw samples tell the truth too."""

import asyncio
import json
import random
import urllib.parse
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.faults import checks, nemeses
from tests.faults.conftest import NewTrial
from tests.faults.samples import LEDGER, Scrape, Series
from tests.faults.trial import Trial
from tests.servers.fixtures import StartServer

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(300)]

FIGURES = "sum by (kind) (max by (topic, partition, kind) (firstreply_ledger_total))"


async def test_the_raw_samples_of_a_real_prometheus_add_up_to_the_truth(
    new_trial: NewTrial, prometheus_server: StartServer, tmp_path: Path
) -> None:
    chance = random.Random(1)
    async with new_trial() as trial:
        await trial.start()
        config = tmp_path / "prometheus.yml"
        config.write_text(yaml.safe_dump(scraping(trial)))
        server = await asyncio.to_thread(prometheus_server, config)
        await trial.feed()
        for _ in range(2):
            await trial.lasting(3.0)
            await nemeses.then_recover(trial, nemeses.kill_an_owner, chance)
        verdict = await trial.passes(1, "SIGKILL of owners, seen by Prometheus")
        scrapes = await asyncio.to_thread(samples, server.url)
        shown = await asyncio.to_thread(ask, server.url, FIGURES)

    assert not checks.v1_final_ledger_is_the_truth(scrapes, verdict.truth)
    assert not checks.v2_nothing_shown_goes_back(scrapes)
    assert not checks.v3_ledger_adds_up_to_the_truth(scrapes, verdict.truth)
    figures = {one["metric"]["kind"]: int(one["value"][1]) for one in shown}
    assert {kind: value for kind, value in figures.items() if value} == verdict.truth.total()


def scraping(trial: Trial) -> dict[str, Any]:
    targets = [{"targets": [member.instance for member in trial.members]}]
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [{"job_name": "firstreply", "static_configs": targets}],
    }


def samples(url: str) -> list[Scrape]:
    """Return all raw samples of the ledger, a scrape at a time; also those that failed."""
    values: defaultdict[tuple[float, str], dict[Series, float]] = defaultdict(dict)
    for series in ask(url, f"{LEDGER}[1h]"):
        labels = dict(series["metric"])
        instance = labels.pop("instance")
        named = tuple(sorted((key, labels[key]) for key in ("kind", "partition", "topic")))
        for at, value in series["values"]:
            values[at, instance][LEDGER, named] = float(value)
    scrapes = [
        Scrape(at, series["metric"]["instance"], values.get((at, series["metric"]["instance"])))
        for series in ask(url, "up[1h]")
        for at, _ in series["values"]
    ]
    return sorted(scrapes, key=lambda scrape: scrape.at)


def ask(url: str, query: str) -> list[dict[str, Any]]:
    parameters = urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(f"{url}/api/v1/query?{parameters}", timeout=60) as answer:
        result: list[dict[str, Any]] = json.load(answer)["data"]["result"]
    return result
