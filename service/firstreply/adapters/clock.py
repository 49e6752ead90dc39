"""The time of day: the one place that reads it."""

import time


class SystemClock:
    """Implements ``ports.WallClock`` with this machine's clock."""

    def now(self) -> int:
        """Return microseconds since the epoch."""
        return time.time_ns() // 1000
