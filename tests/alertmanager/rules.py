"""The alerts of ``alerts/*.yml`` as the tests of routes, messages and pages need them.

The labels that a rule's expression leaves on an alert cannot be read off the file. The unit tests
of the rules (``tests/alerts``) name every label of every alert, and promtool accepts no other.
"""

from functools import cache
from itertools import chain
from typing import Any, Final

import msgspec
import yaml

from tests.shared import ROOT

ALERTS: Final = ROOT / "alerts"
UNIT_TESTS: Final = ROOT / "tests" / "alerts"
PROMETHEUS: Final = ROOT / "deploy" / "prometheus" / "prometheus.yml"
WATCHDOG: Final = "Watchdog"


class Alert(msgspec.Struct, frozen=True):
    """One alerting rule; the burn alerts exist once for each threshold class under one name."""

    name: str
    labels: dict[str, str]
    annotations: dict[str, str]
    expression: str
    file: str

    @property
    def team(self) -> str:
        return self.labels["team"]

    @property
    def severity(self) -> str:
        return self.labels["severity"]


@cache
def alerts() -> tuple[Alert, ...]:
    """Return every alerting rule."""
    found = []
    for path in sorted(ALERTS.glob("*.yml")):
        content: dict[str, Any] = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            found += [
                Alert(
                    name=rule["alert"],
                    labels=rule.get("labels", {}),
                    annotations=rule.get("annotations", {}),
                    expression=rule["expr"],
                    file=path.name,
                )
                for rule in group["rules"]
                if "alert" in rule
            ]
    return tuple(found)


def names() -> list[str]:
    """Return the names of all alerts, each once."""
    return sorted({alert.name for alert in alerts()})


@cache
def labels_of(name: str) -> frozenset[str]:
    """Return the names of the labels that every alert of this name reaches Alertmanager with."""
    tests = chain.from_iterable(
        yaml.safe_load(path.read_text()).get("tests", []) for path in UNIT_TESTS.glob("*.yml")
    )
    expected = [
        frozenset(alert["exp_labels"])
        for test in tests
        for asked in test.get("alert_rule_test", [])
        if asked["alertname"] == name
        for alert in asked.get("exp_alerts", [])
    ]
    assert expected, f"no unit test in {UNIT_TESTS.name} lets {name} fire"
    added = yaml.safe_load(PROMETHEUS.read_text())["global"]["external_labels"]
    return frozenset.intersection(*expected) | {"alertname"} | set(added)
