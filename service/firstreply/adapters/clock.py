"""The time of day: the one place that reads it."""

import time


def lease_seconds() -> float:
    """Return seconds of a clock that never goes back, and goes on while the machine sleeps.

    Python's monotonic clock stands still in a suspended machine, and with it any lease.
    """
    boot = getattr(time, "CLOCK_BOOTTIME", None)  # Linux alone has it
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SystemClock:
    """Implements ``ports.WallClock`` with this machine's clock."""

    def now(self) -> int:
        """Return microseconds since the epoch."""
        return time.time_ns() // 1000
