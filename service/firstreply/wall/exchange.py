"""The port through which the processes of a group tell each other their status.

Who implements it never raises and never delays its caller: telling others is a courtesy, measuring
is the task. Statuses are offered once a second; those of others are read only while somebody wants
to see them.
"""

from collections.abc import Sequence
from typing import Protocol

from firstreply.wall.status import ProcessStatus


class Exchange(Protocol):
    """Where statuses go to and come from."""

    @property
    def has_others(self) -> bool:
        """Whether there may be other processes at all."""

    async def run(self) -> None:
        """Write what is offered, read what is wanted; until cancelled."""

    def offer(self, status: ProcessStatus) -> None:
        """Tell the others, soon; a newer one takes the place of one that is still on its way."""

    def want(self) -> None:
        """Read what the others tell, from now on, until nobody has wanted it for a while."""

    def others(self) -> Sequence[ProcessStatus]:
        """Return the last status of each other process of our group that is still fresh."""

    def unread(self) -> str | None:
        """Say why the others' statuses may be missing; None while they are read."""

    async def first_read(self) -> None:
        """Wait until what the others told last is read; a caller bounds the time."""


class NoExchange:
    """Implements ``Exchange`` for a process that has no peers."""

    has_others = False

    async def run(self) -> None:
        """Do nothing."""

    def offer(self, status: ProcessStatus) -> None:
        """Tell nobody."""

    def want(self) -> None:
        """There is nothing to read."""

    def others(self) -> Sequence[ProcessStatus]:
        """Return nobody."""
        return ()

    def unread(self) -> str | None:
        """Return nothing: nobody is missing."""
        return None

    async def first_read(self) -> None:
        """Return at once."""
