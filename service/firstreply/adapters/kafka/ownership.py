"""Which partitions this process owns, in which epoch, and how far each has been read.

aiokafka calls the two listener methods from its coordinator while it sends no heartbeat, and it
swallows what they raise. So they do the least: assigned partitions are held (paused) **first**,
then the epoch goes up, and they return; nothing is awaited or restored here. An error is kept and
raised by the next ``check()``. Every rebalance makes a new epoch, even one that gives back the same
partitions (aiokafka revokes them all); between revoke and assignment nothing is owned.
"""

import logging
from collections.abc import Callable, Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from firstreply.domain.errors import FatalError
from firstreply.ports import Assignment

_log = logging.getLogger(__name__)

_SPARE = "the group has more members than partitions; this one takes over when another goes"


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The assignment of one consumer, kept up to date by its rebalances.

    Args:
        hold: pauses partitions at once, without awaiting.
        released: called after each revocation, without awaiting.
    """

    def __init__(
        self,
        *,
        hold: Callable[[Collection[TopicPartition]], None],
        released: Callable[[], None],
    ) -> None:
        self._hold = hold
        self._released = released
        self._failure: Exception | None = None
        self.current = Assignment(epoch=0, partitions=frozenset(), settled=False)
        self.read_up_to: dict[int, int] = {}
        """Partition begun in this epoch to the offset after the last record handed out."""

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Hold the new partitions and open a new epoch. Called by aiokafka."""
        try:
            self._hold(assigned)
        except Exception as error:  # noqa: BLE001  # aiokafka would swallow it: see check()
            self._failure = error
        self._open_epoch(frozenset(name.partition for name in assigned))
        _log.info(
            "kafka_partitions_assigned",
            extra={
                "epoch": self.current.epoch,
                "partitions": sorted(self.current.partitions),
            },
        )
        if not assigned:
            _log.info("kafka_spare_member", extra={"meaning": _SPARE})

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Open an epoch that owns nothing. Called by aiokafka, also once before the first join."""
        self._open_epoch(frozenset(), settled=False)
        try:
            self._released()
        except Exception as error:  # noqa: BLE001  # aiokafka would swallow it: see check()
            self._failure = error
        _log.info("kafka_partitions_revoked", extra={"partitions": len(revoked)})

    def check(self) -> None:
        """Raise FatalError if a rebalance could not be followed."""
        if self._failure is not None:
            msg = (
                f"the partitions given by the last rebalance could not be held back: "
                f"{self._failure!r}; restart the service, and report this"
            )
            raise FatalError(msg) from self._failure

    def _open_epoch(self, partitions: frozenset[int], *, settled: bool = True) -> None:
        self.read_up_to.clear()
        self.current = Assignment(self.current.epoch + 1, partitions, settled)
