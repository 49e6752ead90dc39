"""Promises in doubt: the group may have accepted the commit that made them, and we did not hear it.

An accepted commit promises that its sender exports what its checkpoint carries. Who did not hear
the answer exports nothing, and if the partition stays or comes back, takes the promise back. But
the group may put it out before it can. Then the next owner goes by what the group's note says, and
tells so in its own notes (``Pointer.told``): if it was told of the promise, it exports nothing of
it, nor does anybody after it, and it is ours to export, late; else it inherited it.

That is so for good, whoever may own the partition by now: in one generation a partition has one
owner, and a later one accepts no commit of it.
"""

import logging

import msgspec

from firstreply.domain.increments import Increments
from firstreply.keeping.reading import told_by
from firstreply.state.writer import Pointer, Promise

_log = logging.getLogger(__name__)


class _Doubt(msgspec.Struct, frozen=True):
    promise: Promise
    counted: Increments


class Doubts:
    """By partition what the last commit promised, until it is known who exports it."""

    def __init__(self) -> None:
        self._doubts: dict[int, _Doubt] = {}
        self._owed: list[tuple[int, Increments]] = []

    @property
    def open(self) -> frozenset[int]:
        """Partitions with a promise in doubt."""
        return frozenset(self._doubts)

    def promise(self, partition: int, promise: Promise, counted: Increments) -> None:
        """Note that a commit with a promise is about to be sent.

        Args:
            partition: its number.
            promise: of the commit.
            counted: what we would export; nobody may change it.
        """
        self._doubts.pop(partition, None)
        if counted:
            self._doubts[partition] = _Doubt(promise, counted)

    def settle(self, partition: int) -> None:
        """Note that the promise was kept, or taken back."""
        self._doubts.pop(partition, None)

    def judge(self, partition: int, pointer: Pointer | None) -> None:
        """Decide by what the group says in a later generation; memory holds it no longer.

        Where the group knows nothing of our generation any more, nothing is exported: to lack
        something is better than to count it twice.

        Args:
            partition: its number; without a promise in doubt there is nothing to decide.
            pointer: in the note of the group's commit.
        """
        doubt = self._doubts.pop(partition, None)
        if doubt is None:
            return
        ours = doubt.promise
        said = {(one.incarnation, one.generation): one.exported for one in told_by(pointer)}
        exported = said.get((ours.incarnation, ours.generation))
        if exported == ours.exported:
            self._owed.append((partition, doubt.counted))
            _log.info("promise_kept_late", extra={"partition": partition})
        elif exported is None:
            amount = sum(doubt.counted.counts.values())
            _log.warning("promise_forgotten", extra={"partition": partition, "counted": amount})
        else:
            _log.info("promise_inherited", extra={"partition": partition})

    def take_owed(self) -> list[tuple[int, Increments]]:
        """Return, once, what is ours to export."""
        owed, self._owed = self._owed, []
        return owed
