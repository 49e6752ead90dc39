"""Gives a Prometheus a past, with its own tools, and asks it about any instant.

Blocks must be there when the server starts: a running one looks for new ones once a minute.
"""

import json
import os
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from tests.servers.web_server import WebServer
from tests.shared import ROOT

NO_TARGETS: Final = "scrape_configs: []\n"
FOREVER: Final = "--storage.tsdb.retention.time=100y"
ONE_BLOCK: Final = "--max-block-duration=744h"
"""promtool reads its whole input once for each block."""

Labels = frozenset[tuple[str, str]]


def write_history(text: Path, *arguments: str) -> None:
    """Run ``firstreply replay --format openmetrics`` into a file."""
    command = [sys.executable, "-m", "firstreply", "replay", "--format", "openmetrics", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "service")}
    with text.open("wb") as output:
        subprocess.run(command, env=environment, stdout=output, check=True)


def report(*arguments: str) -> dict[str, Any]:
    """Return what ``firstreply replay --format json`` prints."""
    command = [sys.executable, "-m", "firstreply", "replay", "--format", "json", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "service")}
    printed = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    told: dict[str, Any] = json.loads(printed)
    return told


def create_blocks(promtool: Path, text: Path, folder: Path) -> None:
    """Make blocks of an OpenMetrics text in the data folder of a Prometheus that does not run."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", ONE_BLOCK]
    done = subprocess.run([*command, text, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def record_past(
    promtool: Path, rules: Path, folder: Path, *, url: str, begin: float, end: float
) -> None:
    """Evaluate recording rules once over the past of a running Prometheus, every minute.

    At which second, the names of group and file decide: the file is named without its folder, so
    that it is the same every time.
    """
    command = [
        *(str(promtool), "tsdb", "create-blocks-from", "rules", f"--url={url}"),
        *("--max-block-duration=168h", "--eval-interval=1m"),
        *(f"--start={begin:.0f}", f"--end={end:.0f}"),
        *(f"--output-dir={folder}", rules.name),
    ]
    done = subprocess.run(command, cwd=rules.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def rules_by_depth(path: Path) -> Iterator[dict[str, Any]]:
    """Yield parts of a rule file so that every rule comes after those that it reads.

    Each part has the groups of the file: the rules of a group are evaluated at one instant.
    """
    groups = yaml.safe_load(path.read_text())["groups"]
    left = {rule["record"] for group in groups for rule in group["rules"]}
    while left:
        part = [
            {**group, "rules": [rule for rule in group["rules"] if _can_be_read(rule, left)]}
            for group in groups
        ]
        ready = {rule["record"] for group in part for rule in group["rules"]}
        assert ready, f"these rules read one another: {left}"
        left -= ready
        yield {"groups": [group for group in part if group["rules"]]}


def _can_be_read(rule: dict[str, Any], left: set[str]) -> bool:
    """Whether a rule is still to be recorded, and reads none that is."""
    reads = set(re.findall(r"[\w:]+", rule["expr"]))
    return rule["record"] in left and not (reads & left - {rule["record"]})


def ask(url: str, query: str, at: float) -> dict[Labels, float]:
    """Return an instant query's series, by labels."""
    parameters = urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"})
    request = urllib.request.Request(f"{url}/api/v1/query", data=parameters.encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        result = json.load(answer)["data"]["result"]
    return {frozenset(one["metric"].items()): float(one["value"][1]) for one in result}


def by_labels(found: dict[Labels, float], *names: str) -> dict[tuple[str, ...], float]:
    """Return the series of a query by the values of some labels."""
    return {tuple(dict(labels)[name] for name in names): value for labels, value in found.items()}


def record_all(
    promtool: Path,
    data: Path,
    start: Callable[[], WebServer],
    parts: Iterable[tuple[float, float]],
) -> WebServer:
    """Evaluate the shipped recording rules over parts of the past; return a server that knows all.

    Rules read what other rules recorded: one depth after the other, a new server for each.
    """
    path = data / "recording.yml"
    for rules in rules_by_depth(ROOT / "alerts" / path.name):
        path.write_text(yaml.safe_dump(rules))
        server = start()
        for begin, end in parts:
            record_past(promtool, path, data / "tsdb", url=server.url, begin=begin, end=end)
        server.stop()
    return start()
