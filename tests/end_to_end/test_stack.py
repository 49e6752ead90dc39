"""``make stack``: every process of deploy/compose, on this machine, until a signal."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener

import pytest

from firstreply.devkit.processes import OwnedProcess
from firstreply.devkit.stack import answers
from tests.servers.fixtures import give_up
from tests.servers.programs import NotAvailableError, find_program, kafka_jars
from tests.shared import ROOT

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE_SECONDS: Final = 150.0


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnedProcess]:
    """Start it at free ports; end it if the test did not."""
    try:
        kafka_jars()
        find_program("prometheus", "prometheus")
        find_program("alertmanager", "alertmanager", "prometheus-alertmanager")
    except NotAvailableError as error:
        give_up(request.config, error)
    command = [
        "/usr/bin/env",
        f"PYTHONPATH={ROOT / 'service'}",
        f"TMPDIR={tmp_path}",
        *(sys.executable, "-u", "-m", "firstreply.devkit.stack", "--free-ports"),
    ]
    with OwnedProcess("make stack", command, tmp_path / "printed") as process:
        yield process


def fetched(url: str) -> Any:  # noqa: ANN401 - whatever JSON there is
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return json.load(answer)


def value_of(prometheus: str, query: str) -> str:
    found = fetched(f"{prometheus}/api/v1/query?query={quote(query)}")["data"]["result"]
    return found[0]["value"][1] if found else ""


def test_it_shows_a_ready_service_prints_what_is_notified_and_ends_with_a_signal(
    stack: OwnedProcess, tmp_path: Path
) -> None:
    def printed(pattern: str) -> str:
        found = re.search(pattern, stack.log.read_text())
        return found[1] if found else ""

    stack.wait_until(lambda: bool(printed("(Ctrl-C stops)")), timeout_seconds=PATIENCE_SECONDS)
    prometheus, alertmanager, wall = (
        printed(rf"{name} +(http://\S+)") for name in ("Prometheus", "Alertmanager", "The wall")
    )
    metrics = printed(r"Metrics +(http://\S+)")

    stack.wait_until(
        lambda: value_of(prometheus, "firstreply_ready") == "1", timeout_seconds=PATIENCE_SECONDS
    )
    stack.wait_until(
        lambda: bool(printed(r"(\[dead-man-switch\] beats)")), timeout_seconds=PATIENCE_SECONDS
    )

    assert answers(wall)
    assert answers(metrics)
    stack.wait_until(  # the last target is scraped up to 15 s later than the first
        lambda: value_of(prometheus, "count(up == 1)") == "3", timeout_seconds=PATIENCE_SECONDS
    )
    rules = fetched(f"{prometheus}/api/v1/rules")["data"]["groups"]
    assert {Path(group["file"]).name for group in rules} == {
        path.name for path in (ROOT / "alerts").glob("*.yml")
    }
    assert [
        alert["labels"]["environment"]
        for alert in fetched(f"{alertmanager}/api/v2/alerts")
        if alert["labels"]["alertname"] == "Watchdog"
    ] == ["demo"]

    os.kill(stack.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while stack.is_running() and time.monotonic() < deadline:
        time.sleep(0.1)

    assert stack.exit_code == 0, stack.log_tail()
    assert not answers(prometheus)
    assert not answers(metrics)
    assert [path.name for path in tmp_path.iterdir()] == ["printed"]
