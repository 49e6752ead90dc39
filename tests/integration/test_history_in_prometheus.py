"""A history in a real Prometheus: the numbers of ``replay --format json``, at the right time."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from firstreply.adapters.simulator import Simulator
from firstreply.demo import START
from firstreply.domain.instants import to_instant
from tests.servers.fixtures import StartServer
from tests.servers.past import (
    FOREVER,
    NO_TARGETS,
    ask,
    by_labels,
    create_blocks,
    report,
    write_history,
)
from tests.shared import (
    BANDS,
    LOGS,
    log_lines,
    log_path,
    needs_shared,
    truth_configuration,
    truth_of,
)

pytestmark = pytest.mark.timeout(240)

CONFIGURATION = """\
channels_only: true
channels:
  phone: {clock_start: queued, bands: {20s: {}}, promise: {band: 20s, objective: 0.80}}
  chat: {promise: {band: 10m, objective: 0.90}}
  email: {promise: {band: 1h, objective: 0.85}}
"""
NET = """sum by (channel, band, outcome) (
  {outcomes}
  or label_replace({corrections}, "outcome", "$1", "to", "(.+)")
  or -label_replace({corrections}, "outcome", "$1", "from", "(.+)")
)"""
OUTCOMES = "contact_expectation_outcomes_total"
CORRECTIONS = "contact_expectation_corrections_total"
TOTALS = NET.format(outcomes=OUTCOMES, corrections=CORRECTIONS)
INCREASES = NET.format(
    outcomes=f"increase({OUTCOMES}[6h])", corrections=f"increase({CORRECTIONS}[6h])"
)
MEMBERS = {"met": "within", "missed": "missed", "abandoned": "abandoned_in"}
"""Outcome to its member in the report."""


class Loaded:
    """A Prometheus with a history and nothing else, and the report of the same events."""

    def __init__(self, url: str, end: datetime, told: dict[str, Any]) -> None:
        self.url = url
        self.end = end
        self.told = told

    def at(self, when: datetime, query: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Ask about an instant; series by their labels, to a millionth."""
        found = by_labels(ask(self.url, query, when.timestamp()), *labels)
        return {key: round(value, 6) for key, value in found.items()}

    def at_the_end(self, query: str, *labels: str) -> dict[tuple[str, ...], float]:
        return self.at(self.end, query, *labels)

    def reported(self, member: str) -> dict[tuple[str, ...], float]:
        """Return a number of each channel."""
        return {(name,): figures[member] for name, figures in self.told["channels"].items()}

    def reported_outcomes(self) -> dict[tuple[str, ...], float]:
        return {
            (channel, band, outcome): amount
            for channel, figures in self.told["channels"].items()
            for outcome, member in MEMBERS.items()
            for band, amount in figures[member].items()
        }


Load = Callable[..., Loaded]


@pytest.fixture
def load(tmp_path: Path, promtool: Path, prometheus_server: StartServer) -> Load:
    """Return what writes the history of a command line, loads it, and starts a Prometheus on it."""

    def loading(*replay: str, last: datetime, span: tuple[str, ...] = ()) -> Loaded:
        text, config = tmp_path / "history.om", tmp_path / "prometheus.yml"
        write_history(text, *span, *replay)
        create_blocks(promtool, text, tmp_path / "prometheus" / "tsdb")
        config.write_text(NO_TARGETS)
        end = last + timedelta(microseconds=-last.microsecond % 1000)  # Prometheus's resolution
        return Loaded(prometheus_server(config, FOREVER).url, end, report(*replay))

    return loading


@pytest.fixture
def simulated(tmp_path: Path) -> tuple[Path, Path, datetime]:
    """Return events of five hours, a configuration and the time of the last event."""
    config, path = tmp_path / "firstreply.yaml", tmp_path / "events.jsonl"
    config.write_text(CONFIGURATION)
    lines = []
    for one in Simulator(7, START, 0.5).events():
        if one.time > to_instant(START + timedelta(hours=5)):
            break
        lines.append(one.value)
    path.write_bytes(b"\n".join(lines))
    return path, config, max(time_of(line) for line in lines)


def time_of(line: bytes) -> datetime:
    """Return when an event happened; long ago, where it does not say."""
    try:
        return datetime.fromisoformat(json.loads(line)["time"]).astimezone(UTC)
    except (ValueError, KeyError):
        return datetime.fromtimestamp(0, UTC)


def outcomes_in(found: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Leave out excluded ones, which the report tells by channel."""
    return {key: value for key, value in found.items() if key[2] in MEMBERS}


def counted(figures: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Leave out zeros: a report has no channel that nobody used."""
    return {key: value for key, value in figures.items() if value}


def test_increases_and_instants_are_the_numbers_of_the_replay(
    simulated: tuple[Path, Path, datetime], load: Load
) -> None:
    events, config, last = simulated

    past = load("--config", str(config), str(events), last=last, span=("--every", "1m"))

    assert len(counted(past.reported_outcomes())) > 20
    for query in (TOTALS, INCREASES):
        found = outcomes_in(past.at_the_end(query, "channel", "band", "outcome"))
        assert counted(found) == counted(past.reported_outcomes())
    for query in ("sum by (channel) (%s)", "sum by (channel) (increase(%s[6h]))"):
        received = past.at_the_end(query % "contact_received_total", "channel")
        answered = past.at_the_end(query % "contact_first_response_seconds_count", "channel")
        assert counted(received) == past.reported("received")
        assert counted(answered) == past.reported("answered")
    waiting = past.at_the_end("sum by (channel) (contact_waiting)", "channel")
    assert counted(waiting) == counted(past.reported("waiting"))


def test_half_way_the_past_is_what_a_replay_until_then_says(
    simulated: tuple[Path, Path, datetime], load: Load
) -> None:
    events, config, last = simulated
    noon = START + timedelta(hours=4)

    past = load("--config", str(config), str(events), last=last, span=("--every", "1m"))

    then = report("--config", str(config), "--until", noon.isoformat(), str(events))["channels"]
    received = past.at(noon, "sum by (channel) (contact_received_total)", "channel")
    oldest = past.at(noon, "min(contact_oldest_waiting_timestamp_seconds)")
    assert counted(received) == {(name,): one["received"] for name, one in then.items()}
    assert START.timestamp() < oldest[()] <= noon.timestamp()
    assert past.at(noon, "firstreply_ready", "job", "instance") == {("firstreply", "replay"): 1}


@needs_shared
@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_ends_with_its_truth(name: str, load: Load, tmp_path: Path) -> None:
    truth = truth_of(name)
    config = tmp_path / "truth.yaml"
    config.write_text(truth_configuration(truth["channels"]))
    last = time_of(log_lines(log_path(name))[-1])
    since = (last - timedelta(hours=4)).isoformat()

    past = load(
        "--config",
        str(config),
        str(log_path(name)),
        last=last,
        span=("--every", "1m", "--since", since),
    )

    received = past.at_the_end("sum by (channel) (contact_received_total)", "channel")
    assert counted(received) == {
        (name,): told["contacts"] for name, told in truth["channels"].items()
    }
    outcomes = outcomes_in(past.at_the_end(TOTALS, "channel", "band", "outcome"))
    for channel, told in truth["channels"].items():
        for band in BANDS:
            assert outcomes[channel, band, "met"] == told[f"within_{band}"]
    assert counted(outcomes) == counted(past.reported_outcomes())
    answered = past.at_the_end("sum by (channel) (contact_first_response_seconds_count)", "channel")
    assert counted(answered) == counted(past.reported("answered"))
