"""deploy/alertmanager/alertmanager.yml and deploy/prometheus/prometheus.yml, by their own tools."""

import re
import subprocess
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.alertmanager.messages import CONFIG, DEPLOY, TEMPLATES, content
from tests.alertmanager.rules import ALERTS, PROMETHEUS, WATCHDOG, Alert, alerts, labels_of

RECEIVERS: Final = {
    ("floor", "critical"): "floor-critical",
    ("floor", "warning"): "floor",
    ("floor", "ticket"): "floor-ticket",
    ("floor", "info"): "floor-info",
    ("platform", "critical"): "operations-critical",
    ("platform", "warning"): "operations",
    ("platform", "ticket"): "operations",
    ("platform", "info"): "operations",
}
OF_ITS_OWN: Final = {WATCHDOG: "dead-man-switch", "FirstreplyFiguresUnsteady": "nobody"}
"""Alerts of severity none: they are not for people."""


def receiver_of(alert: Alert) -> str:
    return OF_ITS_OWN.get(alert.name) or RECEIVERS[alert.team, alert.severity]


def routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return a route and those below it."""
    yield route
    for below in route.get("routes", []):
        yield from routes(below)


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def copy_of_the_deployment(folder: Path, text: str) -> Path:
    """Write a changed configuration beside a link to the templates."""
    (folder / "templates").symlink_to(TEMPLATES)
    path = folder / "alertmanager.yml"
    path.write_text(text)
    return path


def with_teams(text: str) -> str:
    """Take the comment marks off the block for Teams, as README.md tells the operator to."""
    return re.sub(
        r"^    # (msteamsv2_configs:\n)((?:    #   .*\n)+)",
        lambda found: "    " + found[1] + re.sub("(?m)^    # ", "    ", found[2]),
        text,
        flags=re.MULTILINE,
    )


# -- it loads


def test_alertmanager_accepts_the_configuration_and_finds_every_template(amtool: Path) -> None:
    checked = run(amtool, "check-config", CONFIG)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(content()['templates'])} templates" in checked.stdout


def test_every_template_file_exists_since_amtool_forgives_missing_ones() -> None:
    assert [name for name in content()["templates"] if not (DEPLOY / name).is_file()] == []


def test_one_word_changes_the_language(amtool: Path, tmp_path: Path) -> None:
    text = CONFIG.read_text()
    assert text.count("  - templates/language.en.tmpl\n") == 1

    french = text.replace("- templates/language.en.tmpl", "- templates/language.fr.tmpl")
    checked = run(amtool, "check-config", copy_of_the_deployment(tmp_path, french))

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_block_for_teams_is_taken_by_any_alertmanager_that_knows_teams(
    amtool: Path, tmp_path: Path
) -> None:
    text = with_teams(CONFIG.read_text())
    (receiver,) = (one for one in yaml.safe_load(text)["receivers"] if "msteamsv2_configs" in one)

    checked = run(amtool, "check-config", copy_of_the_deployment(tmp_path, text))

    assert receiver["name"] == "floor-critical"
    assert "slack_configs" in receiver, "the block must not end the one before it"
    if checked.returncode != 0:  # older than 0.28; nothing else may be wrong with it
        problems = re.findall(r"line \d+: (.*)", checked.stdout + checked.stderr)
        assert problems == ["field msteamsv2_configs not found in type config.plain"]


def test_prometheus_accepts_its_configuration_and_the_rule_files_it_names(promtool: Path) -> None:
    checked = run(promtool, "check", "config", "--lint=all", PROMETHEUS)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    for path in ALERTS.glob("*.yml"):
        assert f"{path.name}" in checked.stdout


def test_prometheus_scrapes_every_15_seconds_under_the_job_name_that_the_rules_use() -> None:
    loaded = yaml.safe_load(PROMETHEUS.read_text())
    jobs = {job["job_name"]: job for job in loaded["scrape_configs"]}
    named = {job for alert in alerts() for job in re.findall(r'job=~"([^"]+)"', alert.expression)}

    assert loaded["global"]["scrape_interval"] == "15s"
    assert "scrape_interval" not in jobs["firstreply"]
    assert named
    assert all(re.fullmatch(name, "firstreply") for name in named)
    assert [job for job in jobs if any(re.fullmatch(name, job) for name in named)] == ["firstreply"]


# -- one cause, one message (which alert silences which: test_inhibition.py)


@pytest.mark.parametrize("side", ["source_matchers", "target_matchers"])
@pytest.mark.parametrize("rule", content()["inhibit_rules"], ids=lambda rule: str(rule)[:60])
def test_the_equal_labels_of_an_inhibition_exist_on_both_sides(
    rule: dict[str, list[str]], side: str
) -> None:
    matching = [alert for alert in alerts() if matches(rule[side], alert)]

    assert matching, "an inhibition without alerts is dead"
    for alert in matching:
        assert labels_of(alert.name) >= set(rule["equal"]), alert.name


def test_no_inhibition_names_an_alert_that_does_not_exist() -> None:
    text = "".join(
        matcher
        for rule in content()["inhibit_rules"]
        for side in ("source_matchers", "target_matchers")
        for matcher in rule[side]
    )
    named = set(re.findall(r"(?:Contact|Firstreply)[A-Z]\w+", text))

    assert named <= {alert.name for alert in alerts()}


def matches(matchers: list[str], alert: Alert) -> bool:
    """Whether an alert may match; labels that its expression leaves have some value."""
    labels = dict.fromkeys(labels_of(alert.name), "some") | alert.labels
    labels["alertname"] = alert.name
    for matcher in matchers:
        parts = re.fullmatch(r'(\w+) (=|!=|=~) "(.*)"', matcher)
        assert parts, matcher
        name, operator, value = parts.groups()
        found = re.fullmatch(value if operator == "=~" else re.escape(value), labels.get(name, ""))
        if (found is None) == (operator != "!="):
            return False
    return True


# -- who is told


@pytest.mark.parametrize(
    ("team", "severity"), list(product(("floor", "platform"), ("critical", "warning", "info")))
)
def test_each_team_and_severity_has_its_receiver(amtool: Path, team: str, severity: str) -> None:
    assert_reaches(amtool, RECEIVERS[team, severity], team=team, severity=severity)


@pytest.mark.parametrize(
    "alert", alerts(), ids=lambda alert: f"{alert.name}-{alert.labels.get('tier', '')}"
)
def test_each_alert_reaches_the_receiver_of_its_team_and_severity(
    amtool: Path, alert: Alert
) -> None:
    assert_reaches(
        amtool,
        receiver_of(alert),
        alertname=alert.name,
        channel="phone",
        **alert.labels,
    )


def test_an_alert_of_nobody_reaches_the_operations_engineer(amtool: Path) -> None:
    assert_reaches(amtool, "operations", alertname="DiskFull", severity="critical")


def test_an_alert_of_the_floor_with_an_unknown_severity_still_reaches_the_floor(
    amtool: Path,
) -> None:
    assert_reaches(amtool, "floor", alertname="OurOwn", team="floor", severity="page")


def assert_reaches(amtool: Path, receiver: str, **labels: str) -> None:
    tested = run(
        amtool,
        *("config", "routes", "test", f"--config.file={CONFIG}"),
        f"--verify.receivers={receiver}",
        *(f"{name}={value}" for name, value in labels.items()),
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_no_receiver_is_without_a_route_and_none_without_an_integration() -> None:
    used = {route["receiver"] for route in routes(content()["route"])}
    defined = {one["name"]: set(one) - {"name"} for one in content()["receivers"]}

    assert used == set(defined)
    assert [name for name, integrations in defined.items() if not integrations] == ["nobody"]


def test_only_what_is_not_for_people_has_severity_none() -> None:
    assert {alert.name for alert in alerts() if alert.severity == "none"} == set(OF_ITS_OWN)


def test_every_receiver_is_some_alerts_receiver() -> None:
    reached = {receiver_of(alert) for alert in alerts()}

    assert reached | {"operations"} >= {one["name"] for one in content()["receivers"]}


def test_the_floor_gets_one_message_per_channel() -> None:
    (floor,) = (one for one in content()["route"]["routes"] if one["receiver"] == "floor")

    assert floor["group_by"] == ["environment", "channel"]
    assert all("group_by" not in below for below in floor["routes"])


def test_the_dead_mans_switch_waits_for_nothing_and_beats_within_five_minutes() -> None:
    (route,) = (one for one in content()["route"]["routes"] if one["receiver"] == "dead-man-switch")

    assert route["matchers"] == [f'alertname = "{WATCHDOG}"']
    assert (route["group_wait"], route["group_interval"]) == ("0s", "30s")
    assert route["repeat_interval"] == "1m"


def test_no_secret_stands_in_the_file() -> None:
    secrets = re.findall(r"(?m)^\s*(?:- )?(\w*(?:password|token|secret|api_url|key)\w*):", raw())

    assert set(secrets) == {"smtp_auth_password_file", "slack_api_url_file"}
    assert re.findall(r"credentials: ", raw()) == []


def raw() -> str:
    return CONFIG.read_text()


def test_no_time_interval_mutes_anything_since_the_alerts_know_the_opening_hours() -> None:
    assert "time_intervals" not in raw()
