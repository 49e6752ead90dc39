"""The alerts of ``alerts/*.yml`` as the tests of routes, messages and pages need them.

What a rule's expression leaves on an alert stands only in its PromQL; what the catalogue promises
stands here, and the inhibitions are checked against it on a real Alertmanager.
"""

from functools import cache
from typing import Any, Final

import msgspec
import yaml

from tests.shared import ROOT

ALERTS: Final = ROOT / "alerts"
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
