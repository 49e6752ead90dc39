"""Prometheus itself accepts the rules, and its unit tests hold."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.alerts.rule_files import ALERTS, NAMES, ROOT, outcome, rules, run, unit_tests


def test_promtool_finds_no_fault_in_the_rules(promtool: Path) -> None:
    files = [ALERTS / name for name in NAMES]

    result = run(promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)

    assert result.returncode == 0, outcome(result)


@pytest.mark.parametrize("path", unit_tests(), ids=lambda path: path.name)
def test_the_unit_test_holds(promtool: Path, path: Path) -> None:
    result = run(promtool, "test", "rules", path)

    assert result.returncode == 0, outcome(result)


def test_every_alert_is_seen_to_fire_with_its_texts_and_to_be_silent_the_step_before() -> None:
    cases = [
        case
        for path in unit_tests()
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]
        for case in test.get("alert_rule_test", ())
    ]

    fires = {
        case["alertname"]
        for case in cases
        for alert in case.get("exp_alerts", ())
        if alert["exp_annotations"].keys() >= {"summary", "summary_fr", "description"}
    }
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    alerts = {rule.name for rule in rules() if rule.is_alert}

    assert fires == alerts
    assert silent == alerts - {"Watchdog"}  # it fires from the first evaluation on


def test_clock_times_are_in_the_time_zone_of_the_server(promtool: Path) -> None:
    path = next(path for path in unit_tests() if path.name == "waiting.test.yml")

    result = run(promtool, "test", "rules", path, timezone="Europe/Paris")

    # The unit test expects 20:13 UTC; in January 1970 Paris was one hour ahead.
    assert result.returncode != 0
    assert "oldest since 21:13 CET" in result.stdout + result.stderr


def test_the_documented_sed_gives_every_link_the_addresses_of_the_operator(
    promtool: Path, tmp_path: Path
) -> None:
    page = (ALERTS / "README.md").read_text(encoding="utf-8")
    (command,) = [line.strip() for line in page.splitlines() if line.strip().startswith("sed ")]
    folder = tmp_path / "alerts"
    shutil.copytree(ALERTS, folder)

    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    texts = [(folder / name).read_text(encoding="utf-8") for name in NAMES]
    result = run(promtool, "check", "rules", *(folder / name for name in NAMES))

    assert result.returncode == 0, outcome(result)
    assert not any("firstreply.example" in text or "grafana.example" in text for text in texts)


def test_the_rules_of_the_repository_are_the_tested_ones() -> None:
    assert sorted(path.name for path in (ROOT / "alerts").glob("*.yml")) == sorted(NAMES)
