"""The shipped rules and Prometheus configuration in a world in which time runs faster.

A rule that waits for minutes cannot be watched by a test in seconds, and leaving conditions out
would test other rules. So every duration of the rule files - ``for``, ``keep_firing_for``, the
interval of a group, every range, subquery and offset - is divided by the same number, and the
events come as much faster. Nothing else changes: no condition, no threshold, no label, no text.
(Numbers of seconds that are compared, such as 120 s without a heartbeat, stay as they are.)
"""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from tests.shared import ROOT

_UNITS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_DURATION: Final = r"\d+(?:ms|[smhdw])"
_FIELDS: Final = ("for", "keep_firing_for", "interval")


def faster(duration: str, times: int) -> str:
    """Return a duration divided by a number, in milliseconds.

    >>> faster("5m", 100)
    '3000ms'
    """
    found = re.fullmatch(r"(\d+)(\D+)", duration)
    assert found, duration
    return f"{max(1, int(found[1]) * _UNITS[found[2]] // times)}ms"


def faster_query(text: str, times: int) -> str:
    """Divide the ranges, subqueries and offsets of a query, or of the queries in a template.

    >>> faster_query("sum_over_time(a:increase5m[1h:5m] offset 1w) and b[30m]", 60)
    'sum_over_time(a:increase5m[60000ms:5000ms] offset 10080000ms) and b[30000ms]'
    """

    def divided(found: re.Match[str]) -> str:
        return re.sub(_DURATION, lambda one: faster(one[0], times), found[0])

    return re.sub(rf"\[{_DURATION}(?::{_DURATION})?\]|\boffset {_DURATION}", divided, text)


def write_rules(folder: Path, times: int) -> None:
    """Write the rule files into the folder of a configuration, faster; load them with a reload."""
    (folder / "rules").mkdir()
    for path in (ROOT / "alerts").glob("*.yml"):
        content: dict[str, Any] = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            for part in (group, *group["rules"]):
                for field in _FIELDS:
                    if field in part:
                        part[field] = faster(part[field], times)
            for rule in group["rules"]:
                rule["expr"] = faster_query(rule["expr"], times)
                for name, text in rule.get("annotations", {}).items():
                    rule["annotations"][name] = faster_query(text, times)
        (folder / "rules" / path.name).write_text(yaml.safe_dump(content, allow_unicode=True))


def write_prometheus(folder: Path, *, service: str, alertmanager: str, every: str) -> Path:
    """Write the shipped configuration for servers on loopback; return its path.

    It has no rules before ``write_rules``: a Prometheus takes up to 10 s to find its first target,
    which in the faster world would be a quarter of an hour without metrics.

    Args:
        folder: where it goes.
        service: host and port of the one process to scrape.
        alertmanager: host and port.
        every: how often to scrape and to evaluate.
    """
    content = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    content["global"] |= {
        "scrape_interval": every,
        "scrape_timeout": every,
        "evaluation_interval": every,
    }
    content["rule_files"] = ["rules/*.yml"]
    content["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager]
    (job,) = (one for one in content["scrape_configs"] if one["job_name"] == "firstreply")
    job["static_configs"][0]["targets"] = [service]
    content["scrape_configs"] = [job]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(content))
    return path
