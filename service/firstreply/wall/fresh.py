"""Which statuses of other processes are fresh enough to be believed.

Records of the status topic come in, in order; the last status of each process comes out while it is
fresh: for ``FRESH_SECONDS`` by the broker's clock, from its own record to the newest of all, and as
long by ours since it came. The first makes figures old that were read late, the second those of a
broker that stands still. Statuses of other groups, of ourselves, of another version, and what is no
status at all are passed over.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from firstreply.wall.status import ProcessStatus, decode

FRESH_SECONDS: Final = 5.0

MOST_PROCESSES: Final = 1000
"""Whoever writes more names than that means no good: the oldest are forgotten."""


class _Told(msgspec.Struct, frozen=True):
    status: ProcessStatus
    at_broker: int | None
    """Milliseconds; None where the topic's records are not stamped by the broker."""
    came_at: float


class FreshStatuses:
    """What the other processes of a group told last.

    Args:
        group: ours.
        process: ourselves.
        monotonic: seconds.
    """

    def __init__(self, group: str, process: str, monotonic: Callable[[], float]) -> None:
        self._group = group
        self._process = process
        self._monotonic = monotonic
        self._told: dict[str, _Told] = {}
        self._broker_clock: int | None = None

    def take(self, raw: bytes | None, at_broker: int | None) -> None:
        """Take a record.

        Args:
            raw: its value, whatever it is.
            at_broker: when the broker appended it, in milliseconds; None if it did not say.
        """
        if at_broker is not None:
            self._broker_clock = max(at_broker, self._broker_clock or at_broker)
        status = None if raw is None else decode(raw)
        if status is None or status.group != self._group or status.process == self._process:
            return
        known = self._told.pop(status.process, None)
        if known is not None and known.status.number > status.number:
            self._told[status.process] = known
            return
        self._told[status.process] = _Told(status, at_broker, self._monotonic())
        while len(self._told) > MOST_PROCESSES:
            del self._told[next(iter(self._told))]

    def others(self) -> list[ProcessStatus]:
        """Return the fresh ones, and forget the rest."""
        self._told = {name: told for name, told in self._told.items() if self._is_fresh(told)}
        return [told.status for told in self._told.values()]

    def _is_fresh(self, told: _Told) -> bool:
        if self._monotonic() - told.came_at > FRESH_SECONDS:
            return False
        if told.at_broker is None or self._broker_clock is None:
            return True
        return self._broker_clock - told.at_broker <= FRESH_SECONDS * 1000
