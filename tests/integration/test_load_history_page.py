"""The commands of docs/how-to/load-history.md, as they stand there."""

import gzip
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Final

import pytest

from firstreply.adapters.simulator import Simulator
from firstreply.demo import START
from firstreply.domain.instants import to_instant
from tests.servers.fixtures import StartServer
from tests.servers.past import FOREVER, NO_TARGETS, ask, by_labels, rules_by_depth
from tests.shared import ROOT
from tests.unit.commands import invoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

PAGE: Final = (ROOT / "docs" / "how-to" / "load-history.md").read_text()
COMMANDS: Final = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
RULES: Final = ROOT / "alerts" / "recording.yml"
END: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
DEEPEST: Final = "channel:contact_expectation_index:ratio28d"
KEPT: Final = "channel_band:contact_promise_kept:ratio30m"
WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
CONFIGURATION: Final = """\
channels_only: true
channels:
  phone: {clock_start: queued, bands: {20s: {}}, promise: {band: 20s, objective: 0.80}}
  chat: {promise: {band: 10m, objective: 0.90}}
"""


@pytest.fixture
def desk(tmp_path: Path, promtool: Path) -> Path:
    """Return a folder with all that the page takes for granted, and a morning's events."""
    simulator = Simulator(1, START)
    morning = takewhile(lambda one: one.time < to_instant(END), simulator.events())
    lines = [one.value for one in morning]
    (tmp_path / "january.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    (tmp_path / "firstreply.yaml").write_text(CONFIGURATION)
    (tmp_path / "prometheus.yml").write_text(NO_TARGETS)
    (tmp_path / "alerts").symlink_to(ROOT / "alerts")
    (tmp_path / "prometheus" / "tsdb").mkdir(parents=True)
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "promtool").symlink_to(promtool)
    command = programs / "firstreply"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m firstreply "$@"\n')
    command.chmod(0o755)
    return tmp_path


def follow(command: str, desk: Path, prometheus: str = "") -> None:
    """Run a block of commands as somebody would who reads the page."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT / "service"),
        "PATH": f"{desk / 'bin'}:{os.environ['PATH']}",
        "DATA": str(desk / "prometheus" / "tsdb"),
        "PROMETHEUS": prometheus,
    }
    script = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(script, cwd=desk, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def of_this_morning(command: str) -> str:
    """Put another time in the place of January."""
    for option, value in (("start", START.isoformat()), ("end", END.isoformat())):
        command, found = re.subn(rf"--{option}=\S+", f"--{option}={value}", command)
        assert found == 1, command
    return command


def test_the_page_leads_from_a_log_to_the_dashboards_deepest_figure(
    desk: Path, prometheus_server: StartServer
) -> None:
    write, load, record = COMMANDS
    follow(write, desk)
    follow(load, desk)
    config = desk / "prometheus.yml"
    depth = len(list(rules_by_depth(RULES)))

    known = []
    server = prometheus_server(config, FOREVER)
    for _ in range(depth):
        follow(of_this_morning(record), desk, server.url)
        server.stop()
        server = prometheus_server(config, FOREVER)
        known.append(ask(server.url, DEEPEST, END.timestamp()))

    kept = by_labels(ask(server.url, KEPT, END.timestamp()), "channel", "band")
    received = ask(server.url, "sum(increase(contact_received_total[3h]))", END.timestamp())
    assert [bool(found) for found in known] == [False] * (depth - 1) + [True]
    assert all(0 <= share <= 1 for share in known[-1].values())
    assert kept.keys() == {("phone", "20s"), ("chat", "10m")}
    assert all(0.3 < share <= 1 for share in kept.values())
    assert sum(received.values()) > 100


def test_the_page_says_how_deep_the_rules_read_one_another() -> None:
    depth = WORDS[len(list(rules_by_depth(RULES))) - 1]

    assert f"{depth} deep: do this {depth} times" in PAGE


def test_the_page_names_every_option_of_a_history() -> None:
    said = invoke("replay", "--help").stdout
    ours = {line.split()[0] for line in said.splitlines() if "openmetrics:" in line}

    assert ours == {"--every", "--since", "--label"}
    assert all(f"`{option}" in PAGE for option in ours)
