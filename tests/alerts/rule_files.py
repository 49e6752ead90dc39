"""The shipped rule files as data, and Prometheus's checker run on them."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
ALERTS: Final = ROOT / "alerts"
UNIT_TESTS: Final = Path(__file__).parent
NAMES: Final = ("recording.yml", "floor.yml", "platform.yml")


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule, and where it stands."""

    file: str
    group: int
    index: int
    content: dict[str, Any]

    @property
    def is_alert(self) -> bool:
        """Whether it is an alert; else it records."""
        return "alert" in self.content

    @property
    def name(self) -> str:
        """The name of the alert or of the recorded series."""
        name: str = self.content.get("alert") or self.content["record"]
        return name

    @property
    def expr(self) -> str:
        """What it evaluates."""
        expr: str = self.content["expr"]
        return expr

    @property
    def labels(self) -> dict[str, str]:
        """The labels it adds."""
        labels: dict[str, str] = self.content.get("labels", {})
        return labels

    @property
    def annotations(self) -> dict[str, str]:
        """The texts of an alert."""
        annotations: dict[str, str] = self.content.get("annotations", {})
        return annotations


def document(name: str) -> dict[str, Any]:
    """Return a rule file as it is."""
    loaded: dict[str, Any] = yaml.safe_load((ALERTS / name).read_text(encoding="utf-8"))
    return loaded


def rules() -> Iterator[Rule]:
    """Yield every shipped rule, in the order of evaluation within its group."""
    for name in NAMES:
        for group, content in enumerate(document(name)["groups"]):
            for index, rule in enumerate(content["rules"]):
                yield Rule(name, group, index, rule)


def unit_tests() -> list[Path]:
    """Return promtool's unit tests."""
    return sorted(UNIT_TESTS.glob("*.test.yml"))


def run(
    promtool: Path, *arguments: str | Path, timezone: str = "UTC"
) -> subprocess.CompletedProcess[str]:
    """Run promtool. Clock times in the texts of alerts are in its time zone."""
    return subprocess.run(
        [promtool, *arguments],
        env={**os.environ, "TZ": timezone},
        capture_output=True,
        text=True,
        check=False,
    )


def outcome(result: subprocess.CompletedProcess[str]) -> str:
    """Return all that promtool said, for the message of a failed test."""
    return f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"


def promql_of(templates: Sequence[str]) -> Iterator[str]:
    """Yield the PromQL inside ``query`` calls of templates, with ``x`` for what is filled in."""
    for template in templates:
        for call in template.split("query ")[1:]:
            literal = call[call.index('"') + 1 :]
            end = next(i for i, c in enumerate(literal) if c == '"' and literal[i - 1 : i] != "\\")
            text = literal[:end].replace('\\"', '"')
            yield text.replace("{%s}", "").replace(",%s}", "}").replace("%q", '"x"')
