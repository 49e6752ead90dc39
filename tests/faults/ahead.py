"""Runs the service with a clock that is off: ``python -m tests.faults.ahead SECONDS run ...``.

The clock goes in through the port that the composition offers; nothing else differs from
``firstreply run``.
"""

import asyncio
import os
import sys
from pathlib import Path

from firstreply import logs
from firstreply.adapters.clock import SystemClock
from firstreply.app import run_kafka
from firstreply.config.load import load_settings
from firstreply.domain.instants import SECOND


class ClockThatIsOff:
    """Implements ``ports.WallClock``: so many seconds ahead of this machine's."""

    def __init__(self, seconds: int) -> None:
        self._ahead = seconds * SECOND

    def now(self) -> int:
        """Return microseconds since the epoch."""
        return SystemClock().now() + self._ahead


if __name__ == "__main__":
    _, ahead, _run, _config, path = sys.argv
    settings = load_settings(Path(path), os.environ)
    logs.set_up(settings.log.format, settings.log.level)
    asyncio.run(run_kafka(settings, clock=ClockThatIsOff(int(ahead))))
