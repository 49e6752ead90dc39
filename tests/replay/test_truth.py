"""Replays of real logs equal the truth that was computed from their original tables."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from firstreply import wiring
from firstreply.domain.engine import Engine
from firstreply.domain.increments import Increments
from firstreply.policies import policy_book
from firstreply.replay import count_events, replay
from firstreply.report import Report
from firstreply.settings import Settings
from tests.shared import (
    BANDS,
    LOGS,
    ROOT,
    agrees,
    log_lines,
    log_path,
    needs_shared,
    records_of,
    truth_configuration,
    truth_of,
    truth_settings,
)

pytestmark = needs_shared


def report_of(lines: list[bytes], settings: Settings) -> dict[str, Any]:
    done = replay(
        records_of(lines),
        decoder=wiring.decoder(settings),
        bad_records=wiring.bad_records(settings),
        book=policy_book(settings),
        grace=wiring.grace(settings),
    )
    assert net_outcomes(done.increments) == reported_outcomes(done.report)
    report: dict[str, Any] = done.report
    return report


def net_outcomes(increments: Increments) -> Counter[tuple[str, str, str]]:
    """Outcomes plus corrections: what Prometheus would be asked for."""
    net: Counter[tuple[str, str, str]] = Counter()
    for (metric, labels), amount in increments.counts.items():
        if metric == "contact_expectation_outcomes_total":
            channel, _, band, outcome = labels
            net[channel, band, outcome] += amount
        elif metric == "contact_expectation_corrections_total":
            channel, _, band, before, after = labels
            net[channel, band, before] -= amount
            net[channel, band, after] += amount
    return Counter({key: amount for key, amount in net.items() if amount})


def reported_outcomes(report: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    return Counter(
        {
            (channel, band, outcome): figures[member][band]
            for channel, figures in report["channels"].items()
            for outcome, member in (
                ("met", "within"),
                ("missed", "missed"),
                ("abandoned", "abandoned_in"),
            )
            for band in figures[member]
            if figures[member][band]
        }
    )


@pytest.mark.parametrize("name", LOGS)
def test_the_command_reports_the_truth_of_a_real_log(name: str, tmp_path: Path) -> None:
    truth = truth_of(name)
    config = tmp_path / "truth.yaml"
    config.write_text(truth_configuration(truth["channels"]))

    command = ["-m", "firstreply", "replay", "--config", str(config), "--format", "json"]
    printed = subprocess.run(
        [sys.executable, *command, str(log_path(name))],
        env={**os.environ, "PYTHONPATH": str(ROOT / "service")},
        check=True,
        capture_output=True,
    ).stdout

    report = json.loads(printed)
    assert set(report["channels"]) == set(truth["channels"])
    for channel, figures in report["channels"].items():
        agrees(figures, truth["channels"][channel])
    agrees(report["all"], truth["all"])
    assert report["events"]["read"] == len(log_lines(log_path(name)))
    assert report["events"]["rejected"] == {}


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", LOGS)
def test_shuffled_events_with_a_fifth_doubled_give_the_same_report(
    name: str, seed: int, tmp_path: Path
) -> None:
    lines = log_lines(log_path(name))
    settings = truth_settings(truth_of(name)["channels"], tmp_path)
    in_order = report_of(lines, settings)
    chance = random.Random(seed)

    shuffled = lines + chance.sample(lines, len(lines) // 5)
    chance.shuffle(shuffled)
    report = report_of(shuffled, settings)

    assert report["channels"] == in_order["channels"]
    assert report["all"] == in_order["all"]


@pytest.mark.parametrize("name", LOGS)
def test_a_replay_cut_and_restored_at_random_points_gives_the_same_report(
    name: str, tmp_path: Path
) -> None:
    lines = log_lines(log_path(name))
    settings = truth_settings(truth_of(name)["channels"], tmp_path)
    book, grace = policy_book(settings), wiring.grace(settings)
    decoder = wiring.decoder(settings)
    cuts = set(random.Random(7).sample(range(len(lines)), 6))

    engine, increments = Engine(book, grace=grace), Increments()
    for record in records_of(lines):
        if record.offset in cuts:
            increments.merge(engine.take_increments())
            engine = Engine.restore(engine.snapshot(), book, grace=grace)
        event = decoder.decode(record)
        engine.receive(event, event.time)  # type: ignore[union-attr, arg-type] # none is rejected
    engine.finish(engine.log_time)
    increments.merge(engine.take_increments())
    report = Report()
    for contact in engine.contacts():
        report.add(contact, engine.policies)

    cut = report.as_json(count_events(increments, engine.contacts()))
    assert cut == report_of(lines, settings)
    assert net_outcomes(increments) == reported_outcomes(cut)
    assert {band for _, band, _ in net_outcomes(increments)} <= set(BANDS)


def test_contacts_answered_before_they_opened_wait_and_are_counted(tmp_path: Path) -> None:
    lines = log_lines(log_path("sf311").with_name("sf311.anomalies.jsonl.gz"))
    openings = {json.loads(line)["contact_id"] for line in lines if b"contact.opened" in line}
    settings = truth_settings(truth_of("sf311")["channels"], tmp_path)

    done = replay(
        records_of(lines),
        decoder=wiring.decoder(settings),
        bad_records=wiring.bad_records(settings),
        book=policy_book(settings),
        grace=wiring.grace(settings),
    )

    figures: dict[str, Any] = done.report["all"]  # type: ignore[assignment]
    assert figures["contacts"] == len(openings) == 129
    assert figures["never_answered"] == 129 - figures["answered"]
    assert done.increments.counts["firstreply_latency_negative_total", ()] >= 129
