"""The service that ``benchmarks/latency.py`` measures, and what its metrics say."""

# ruff: noqa: INP001 - a folder of scripts is no package

import asyncio
import json
import os
import re
import sys
import time
import urllib.request
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

import workload

from firstreply.devkit.processes import OwnedProcess

TOPIC: Final = "contact-events"
SILENT_LIMIT_SECONDS: Final = 3
PATIENCE_SECONDS: Final = 60
TICK: Final = os.sysconf("SC_CLK_TCK")

Buckets = dict[float, float]
"""Upper bound to how many were at most that long."""


class Look(NamedTuple):
    """What the service said of itself at an instant."""

    text: str
    at: float
    """Unix seconds."""
    cpu_seconds: float
    queued_seconds: float
    """How long it could have run and no core was free."""

    def total(self, name: str, *labels: str) -> float:
        """Return the sum of a metric's series that have these labels, each as ``name="value"``."""
        found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", self.text, re.MULTILINE)
        return sum(float(value) for told, value in found if all(one in told for one in labels))

    def buckets(self, name: str) -> Buckets:
        """Return the buckets of a histogram without labels of its own."""
        found = re.findall(rf'^{name}_bucket{{le="(\S+)"}} (\S+)$', self.text, re.MULTILINE)
        return {float(limit): float(value) for limit, value in found}


def quantile(buckets: Buckets, share: float) -> float | None:
    """Return what this share was at most, between the bounds as Prometheus does; None: no data."""
    below, number = 0.0, 0.0
    wanted = share * max(buckets.values())
    for limit, count in sorted(buckets.items()):
        if count >= wanted and count > number:
            if limit == inf:
                return below
            return below + (limit - below) * (wanted - number) / (count - number)
        below, number = limit, count
    return None


def greatest(buckets: Buckets) -> str:
    """Return between which bounds the greatest lies."""
    everything = max(buckets.values())
    limits = sorted(buckets)
    top = next(limit for limit in limits if buckets[limit] >= everything)
    if top == limits[-1]:
        return f"> {limits[-2] * 1000:g} ms"
    return f"<= {top * 1000:g} ms"


class Service:
    """One ``firstreply run``, in a process of its own."""

    def __init__(self, servers: str, folder: Path) -> None:
        settings = folder / "firstreply.yaml"
        told = json.loads(workload.configuration())
        told["channels"]["canary"] = {}
        told["channels"]["silent"] = {"bands": {f"{SILENT_LIMIT_SECONDS}s": {}}}
        settings.write_text(json.dumps(told))
        os.environ.update(
            FIRSTREPLY_CONFIG=str(settings),
            FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS=servers,
            FIRSTREPLY_KAFKA__TOPIC=TOPIC,
            FIRSTREPLY_KAFKA__GROUP="latency",
            FIRSTREPLY_HTTP__PORT="0",
        )
        self._log = folder / "firstreply.log"
        self.owned = OwnedProcess(
            "firstreply", [sys.executable, "-m", "firstreply", "run"], self._log
        )

    def look(self) -> Look | None:
        """Ask for the metrics; None until it listens."""
        found = re.search(r"metrics=(\S+/metrics)", self._log.read_text())
        if found is None:
            return None
        with urllib.request.urlopen(found[1], timeout=10) as answer:  # noqa: S310 - on loopback
            text: bytes = answer.read()
        proc = Path("/proc") / str(self.owned.pid)
        fields = (proc / "stat").read_text().rpartition(")")[2].split()
        queued = int((proc / "schedstat").read_text().split()[1]) / 1e9
        return Look(text.decode(), time.time(), (int(fields[11]) + int(fields[12])) / TICK, queued)

    async def until(self, holds: Callable[[Look], bool], what: str) -> Look:
        """Ask until something holds. Ends the program where that takes too long."""
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end and self.owned.is_running():
            look = await asyncio.to_thread(self.look)
            if look is not None and holds(look):
                return look
            await asyncio.sleep(0.2)
        sys.exit(f"firstreply: not {what}; {self.owned.log_tail()}")
