"""A bar on a terminal while states are restored at the start, or after a rebalance.

Shown on standard error where that is a terminal, and only when it takes longer than a moment. Log
lines go to standard error too: while the bar is there they are written above it. Logs in JSON are
for a machine, terminal or not: there is no bar beside them.
"""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from firstreply.app import Running

_LOOK_SECONDS: Final = 0.2
_MOMENT_SECONDS: Final = 1.0


class RestoreBar:
    """Shows how far restores are; ``show`` is a companion of the service."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    async def show(self, running: Running) -> None:
        """Look at the restores until cancelled; at once back where there is no terminal."""
        if not self._console.is_terminal:
            return
        loop = asyncio.get_running_loop()
        since: float | None = None
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if not is_under_way(running.processor.restored_shares()):
                since = None
                continue
            since = loop.time() if since is None else since
            if loop.time() - since >= _MOMENT_SECONDS:
                await self._follow(running)

    async def _follow(self, running: Running) -> None:
        columns = (
            TextColumn("Restoring state"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[done]} of {task.fields[all]} partitions,"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        with (
            Progress(*columns, console=self._console, transient=True) as bars,
            _logs_above(bars),
        ):
            task = bars.add_task("", total=1.0, visible=False, done=0, all=0)
            while is_under_way(shares := running.processor.restored_shares()):
                done = sum(share == 1.0 for share in shares.values())
                share = sum(shares.values()) / len(shares)
                bars.update(task, completed=share, visible=True, done=done, all=len(shares))
                await asyncio.sleep(_LOOK_SECONDS)


def is_under_way(shares: dict[int, float]) -> bool:
    """Return whether the state of a partition is restored in part."""
    return any(0.0 < share < 1.0 for share in shares.values())


@contextmanager
def _logs_above(bars: Progress) -> Iterator[None]:
    """Let log lines go through the bar's own stream, which prints them above it."""
    assert bars.live.is_started  # noqa: S101 - standard error is the bar's now
    handlers = [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]
    before = [(one, one.setStream(sys.stderr)) for one in handlers]
    try:
        yield
    finally:
        for handler, stream in before:
            if stream is not None:
                handler.setStream(stream)
