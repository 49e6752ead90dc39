"""What the rules cost: evaluation time of each group in a real Prometheus, rules, and series.

``python benchmarks/rules.py`` makes a contact centre of 12 channels, 20 queues each and 5 bands;
puts its past into blocks with ``promtool tsdb create-blocks-from openmetrics`` (28 days of what the
28-day rules read, an hour of raw counters every 15 s); serves its present to a Prometheus that
evaluates the shipped rules; and reads ``evaluationTime`` from its API. Takes about four minutes and
a gigabyte of disk, in a folder that is removed. Loopback only.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from threading import Thread
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.devkit.loopback import LOOPBACK  # noqa: E402
from tests.servers.programs import find_program  # noqa: E402
from tests.servers.prometheus import start_prometheus  # noqa: E402

SCRAPE: Final = 15
LIMITS: Final = {"20s": 20, "10m": 600, "1h": 3600, "8h": 28800, "24h": 86400}
OUTCOMES: Final = ("met", "missed", "abandoned", "excluded")

Series = tuple[str, str, float]
"""Name, labels in braces, growth a second of a counter or value of a gauge."""


class Centre:
    """The series of a contact centre of a given size."""

    def __init__(self, channels: int, queues: int, bands: int) -> None:
        self.channels = [f"channel{number}" for number in range(channels)]
        self.queues = [f"queue{number}" for number in range(queues)]
        self.bands = list(LIMITS)[:bands]

    def counters(self) -> Iterator[Series]:
        """Yield what the rules read over windows: name, labels, growth."""
        for channel, queue in product(self.channels, self.queues):
            pair = f'channel="{channel}",queue="{queue}"'
            yield "contact_received_total", pair, 0.01
            yield "contact_first_response_seconds_count", pair, 0.009
            for direction in ("in", "out"):
                yield "contact_received_corrections_total", f'{pair},direction="{direction}"', 0
            for band, outcome in product(self.bands, OUTCOMES):
                labels = f'{pair},band="{band}",outcome="{outcome}"'
                yield "contact_expectation_outcomes_total", labels, 0.004
            for band in self.bands:
                labels = f'{pair},band="{band}",from="missed",to="met"'
                yield "contact_expectation_corrections_total", labels, 0.0001

    def gauges(self, now: float) -> Iterator[Series]:
        """Yield what the rules read as it is."""
        for channel in self.channels:
            yield "contact_channel_open", f'channel="{channel}"', 1
            yield "contact_abandoned_counts", f'channel="{channel}"', 1
            promised = self.bands[len(channel) % len(self.bands)]
            promise = f'channel="{channel}",band="{promised}"'
            yield "contact_expectation_objective_ratio", promise, 0.9
            for band in self.bands:
                labels = f'channel="{channel}",band="{band}"'
                yield "contact_expectation_threshold_seconds", labels, LIMITS[band]
                yield "contact_expectation_weight_ratio", labels, 0.2
            for queue in self.queues:
                pair = f'channel="{channel}",queue="{queue}"'
                for state in ("within", "at_risk", "overdue", "far_overdue"):
                    yield "contact_waiting", f'{pair},band_state="{state}"', 2
                for horizon in ("5m", "15m", "60m"):
                    labels = f'{pair},band="{promised}",horizon="{horizon}"'
                    yield "contact_due", labels, 3
                yield "contact_oldest_waiting_timestamp_seconds", pair, now - 900
        yield "firstreply_ready", "", 1
        yield "firstreply_state_restoring", "", 0
        yield "firstreply_heartbeat_timestamp_seconds", "", now
        yield "firstreply_clock_timestamp_seconds", 'topic="t",partition="0"', now
        yield "firstreply_build_info", 'version="0"', 1

    def recorded(self, suffix: str) -> Iterator[Series]:
        """Yield what long windows are summed from."""
        for channel, band in product(self.channels, self.bands):
            labels = f'channel="{channel}",band="{band}"'
            yield f"channel_band:contact_expectation_decided_net:{suffix}", labels, 40
            yield f"channel_band:contact_expectation_broken_net:{suffix}", labels, 3


def past(path: Path, series: list[Series], end: float, seconds: int, step: int) -> None:
    """Write samples up to ``end`` as OpenMetrics; growth becomes a counter by its name."""
    with path.open("w", encoding="utf-8") as file:
        for name, labels, value in series:
            target = f'{labels},job="firstreply",instance="bench"' if ":" not in name else labels
            grows = name.endswith(("_total", "_count"))
            for ago in range(seconds, -1, -step):
                shown = value * (1e6 - ago) if grows else value
                file.write(f"{name}{{{target}}} {shown} {end - ago:.0f}\n")
        file.write("# EOF\n")


def make_blocks(centre: Centre, folder: Path, end: float) -> None:
    """Put the past into blocks below ``folder/tsdb``."""
    promtool = find_program("prometheus", "promtool")
    far_overdue = [
        ("channel_queue:contact_waiting_far_overdue:sum", f'channel="{one}",queue="{two}"', 2.0)
        for one, two in product(centre.channels, centre.queues)
    ]
    open_ = [
        ("channel:contact_channel_open:min", f'channel="{one}"', 1.0) for one in centre.channels
    ]
    pasts: list[tuple[list[Series], int, int, str]] = [
        (list(centre.recorded("increase1h")), 28 * 86400, 300, "744h"),
        ([*centre.recorded("increase5m"), *far_overdue], 4 * 86400, 300, "162h"),
        ([*open_, ("firstreply:figures_steady:bool", "", 1.0)], 86400, 60, "54h"),
        (list(centre.counters()), 3900, SCRAPE, "2h"),
    ]
    for number, (series, seconds, step, block) in enumerate(pasts):
        path = folder / f"past{number}.txt"
        past(path, series, end, seconds, step)
        command = [promtool, "tsdb", "create-blocks-from", f"--max-block-duration={block}"]
        subprocess.run(
            [*command, "--quiet", "openmetrics", path, folder / "tsdb"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        path.unlink()


def serve(centre: Centre, began: float) -> ThreadingHTTPServer:
    """Serve the present as a scrape target, on a thread that ends with the process."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time()
            rows = [
                *((name, labels, value * (1e6 + now - began)) for name, labels, value in counters),
                *centre.gauges(now),
            ]
            body = "".join(f"{name}{{{labels}}} {value}\n" for name, labels, value in rows)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    counters = list(centre.counters())
    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server


def configuration(folder: Path, port: int) -> Path:
    """Write the configuration of Prometheus."""
    path = folder / "prometheus.yml"
    path.write_text(
        f"global: {{scrape_interval: {SCRAPE}s, evaluation_interval: 15s}}\n"
        f"rule_files: ['{ROOT}/alerts/*.yml']\n"
        "scrape_configs:\n"
        "  - job_name: firstreply\n"
        "    static_configs:\n"
        f"      - targets: ['{LOOPBACK}:{port}']\n"
        "        labels: {instance: bench}\n",
        encoding="utf-8",
    )
    return path


def ask(url: str, path: str) -> Any:  # noqa: ANN401 - JSON
    """Return the data of an answer of the API."""
    with urllib.request.urlopen(f"{url}/api/v1/{path}") as answer:  # noqa: S310 - loopback
        return json.load(answer)["data"]


def measure(url: str, seconds: int) -> dict[str, dict[str, Any]]:
    """Return by group: rules, interval, and the times of evaluations seen, in ms."""
    groups: dict[str, dict[str, Any]] = {}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(5)
        for group in ask(url, "rules")["groups"]:
            unhealthy = [rule for rule in group["rules"] if rule["health"] == "err"]
            if unhealthy:
                sys.exit(f"rules fail: {unhealthy}")
            seen = groups.setdefault(
                group["name"],
                {"rules": len(group["rules"]), "interval": group["interval"], "times": {}},
            )
            if not group["lastEvaluation"].startswith("0001"):
                seen["times"][group["lastEvaluation"]] = 1000 * group["evaluationTime"]
    return groups


def count(url: str, query: str) -> int:
    """Return the number of series a query finds."""
    found = ask(url, f"query?{urllib.parse.urlencode({'query': f'count({query})'})}")["result"]
    return int(found[0]["value"][1]) if found else 0


def report(groups: dict[str, dict[str, Any]], url: str) -> str:
    """Return the table."""
    lines = [
        f"{'group':26}{'rules':>6}{'every':>8}{'median ms':>11}{'worst ms':>10}{'of a core':>11}"
    ]
    total = 0.0
    for name, group in groups.items():
        times = list(group["times"].values())
        middle, worst = statistics.median(times), max(times)
        share = middle / 1000 / group["interval"]
        total += share
        lines.append(
            f"{name:26}{group['rules']:>6}{group['interval']:>7.0f}s{middle:>11.1f}{worst:>10.1f}"
            f"{share:>11.2%}"
        )
    rules = sum(group["rules"] for group in groups.values())
    scraped, recorded = count(url, '{job="firstreply"}'), count(url, '{__name__=~".+:.+"}')
    lines += [
        f"{'all':26}{rules:>6}{'':>29}{total:>11.2%}",
        "",
        f"series scraped     {scraped:>8}",
        f"series recorded    {recorded:>8}",
        f"alerts firing      {count(url, 'ALERTS'):>8}",
    ]
    return "\n".join(lines)


def main() -> int:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=12)
    parser.add_argument("--queues", type=int, default=20)
    parser.add_argument("--bands", type=int, default=5, choices=range(1, 6))
    parser.add_argument("--seconds", type=int, default=150, help="how long to watch; over 120")
    options = parser.parse_args()
    centre = Centre(options.channels, options.queues, options.bands)
    folder = Path(tempfile.mkdtemp(prefix="firstreply-rules-"))
    try:
        began = time.time()
        make_blocks(centre, folder, began)
        target = serve(centre, began)
        server = start_prometheus(configuration(folder, target.server_port), folder)
        try:
            table = report(measure(server.url, options.seconds), server.url)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
    sys.stdout.write(
        f"{options.channels} channels x {options.queues} queues x {options.bands} bands\n\n"
    )
    sys.stdout.write(f"{table}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
