"""State in memory alone: for sources that can be played again, and as the plainest of its kind."""

import logging
from collections.abc import Callable, Iterable, Mapping

from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold, Span
from firstreply.ports import RecordSource
from firstreply.state.draft import Draft

_log = logging.getLogger(__name__)


class MemoryKeeper:
    """Implements ``Checkpoints``: after a rebalance, memory is kept if nobody else committed.

    Args:
        source: where the partitions come from.
        new_fold: makes the fold of a partition that begins at an offset.
    """

    def __init__(self, source: RecordSource, new_fold: Callable[[int, int], PartitionFold]) -> None:
        self._source = source
        self._new_fold = new_fold
        self.restoring: dict[int, float] = {}
        """Never any."""
        self.older: dict[int, str] = {}
        """Never any."""

    async def take(self, partition: int, epoch: int, kept: PartitionFold | None) -> PartitionFold:  # noqa: ARG002
        """Go on at the commit, with the memory if it is our own commit."""
        offset = await self._source.begin(partition)
        if kept is not None:
            if kept.committed == offset:
                return kept
            _log.warning("partition_taken_over", extra={"partition": partition, "offset": offset})
        fold = self._new_fold(partition, offset)
        fold.committed = offset
        return fold

    def keep_only(self, partitions: frozenset[int]) -> None:
        """Nothing is kept here."""

    def due(self, partition: int) -> bool:  # noqa: ARG002
        """Never."""
        return False

    async def draft(self, fold: PartitionFold, span: Span) -> Draft | None:  # noqa: ARG002
        """Encode nothing."""
        return None

    async def append(self, partition: int, draft: Draft | None) -> None:
        """Keep nothing."""

    def notes(self, counted: Mapping[int, Increments]) -> dict[int, str]:  # noqa: ARG002
        """Return none."""
        return {}

    def notes_before(self, partitions: Iterable[int]) -> dict[int, str]:  # noqa: ARG002
        """Return none."""
        return {}

    def exported(self, partitions: Iterable[int]) -> None:
        """Keep nothing."""

    def taken_back(self, partitions: Iterable[int]) -> None:
        """Keep nothing."""

    async def owed(self) -> list[tuple[int, Increments]]:
        """Owe nothing: nobody inherits what was counted."""
        return []
