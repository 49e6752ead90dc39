"""What the Python peers share: counting outcomes, and telling the bench how far they are.

Runs in environments of their own, so it imports the standard library alone. A program prints a line
``progress EVENTS SECONDS CPU_SECONDS`` now and then (the clock is monotonic, the CPU that of all
threads and ended children), and its outcomes as JSON after the last event.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import json
import os
import resource
import time
from datetime import datetime
from typing import Final

BANDS: Final = {"10m": 600, "1h": 3600, "8h": 28_800, "24h": 86_400}
"""Limits in seconds, inclusive."""
EVERY: Final = 1000
"""Events between two lines."""


class Tally:
    """Counts of one program."""

    def __init__(self, total: int) -> None:
        """``total``: how many events there are to come."""
        self._total = total
        self._events = 0
        self._told = 0
        self._counts: dict[str, dict[str, int]] = {}

    def answered(self, channel: str, opened: str, at: str) -> None:
        """Count a first answer; both instants as they stand in the events."""
        taken = (datetime.fromisoformat(at) - datetime.fromisoformat(opened)).total_seconds()
        counts = self._counts.get(channel)
        if counts is None:
            counts = self._counts[channel] = dict.fromkeys(("answered", *BANDS), 0)
        counts["answered"] += 1
        for band, limit in BANDS.items():
            if taken <= limit:
                counts[band] += 1

    def passed(self, events: int = 1) -> None:
        """Note that so many events are done."""
        self._events += events
        if self._events - self._told >= EVERY or self._events >= self._total:
            self._told = self._events
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = time.process_time() + ended.ru_utime + ended.ru_stime
            _tell(f"progress {self._events} {time.monotonic():.6f} {cpu:.6f}")
        if self._events == self._total:
            _tell(f"outcomes {json.dumps(self._counts)}")


def _tell(line: str) -> None:
    os.write(1, f"{line}\n".encode())  # Faust makes log lines of what goes through sys.stdout
