"""The event loop of the service, and how much of the CPU each of its steps takes.

A *step* is all that the loop runs between two polls of its selector. Nothing else runs meanwhile:
no scrape is answered, no heartbeat is sent to the group. It is measured in CPU time of the thread,
which does not grow while others have the core. The polls are seen by a selector of our own, which
``asyncio.SelectorEventLoop`` lets one choose; a poll takes two microseconds more by it.
"""

import asyncio
import selectors
import time
from bisect import bisect_left
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from firstreply.adapters.metrics import STEP_BOUNDS

_LAG_INTERVAL_SECONDS: Final = 0.5


class Steps:
    """The steps since they were last taken."""

    def __init__(self) -> None:
        self._cells = [0] * (len(STEP_BOUNDS) + 1)
        self._seconds = 0.0

    def took(self, seconds: float) -> None:
        """Note one step."""
        self._cells[bisect_left(STEP_BOUNDS, seconds)] += 1
        self._seconds += seconds

    def take(self) -> tuple[list[int], float]:
        """Return how many steps fell into each bucket (the last: +Inf), and the sum of seconds."""
        taken = self._cells, self._seconds
        self._cells, self._seconds = [0] * len(self._cells), 0.0
        return taken


class MeasuringSelector(selectors.DefaultSelector):
    """The system's selector, which notes what was run since its last poll.

    Args:
        steps: takes the notes.
        cpu: seconds of CPU that this thread has used.
    """

    def __init__(self, steps: Steps, cpu: Callable[[], float] = time.thread_time) -> None:
        super().__init__()
        self._steps = steps
        self._cpu = cpu
        self._polled_at: float | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Poll."""
        if self._polled_at is not None:
            self._steps.took(self._cpu() - self._polled_at)
        ready = super().select(timeout)
        self._polled_at = self._cpu()
        return ready


class MeasuredLoop(asyncio.SelectorEventLoop):
    """An event loop that notes its steps."""

    def __init__(self) -> None:
        self.steps = Steps()
        super().__init__(MeasuringSelector(self.steps))


class LoopFigures(Protocol):
    """Exports what is measured here; see ``adapters.prometheus.Publisher``."""

    def event_loop_lag(self, seconds: float) -> None:
        """Set how late the event loop woke up."""

    def event_loop_steps(self, cells: list[int], seconds: float) -> None:
        """Add steps: how many fell into each bucket, and the sum of their CPU time."""


def run(work: Coroutine[None, None, None]) -> None:
    """Run something to its end, as ``asyncio.run`` does, in a loop that notes its steps."""
    with asyncio.Runner(loop_factory=MeasuredLoop) as runner:
        runner.run(work)


async def measure(figures: LoopFigures) -> None:
    """Export how late the running loop wakes us up, and the steps of a ``MeasuredLoop``."""
    loop = asyncio.get_running_loop()
    while True:
        before = time.monotonic()
        await asyncio.sleep(_LAG_INTERVAL_SECONDS)
        late = time.monotonic() - before - _LAG_INTERVAL_SECONDS
        figures.event_loop_lag(max(0.0, late))
        if isinstance(loop, MeasuredLoop):
            figures.event_loop_steps(*loop.steps.take())
