"""Which partitions this process owns, in which epoch, and how far each has been read.

aiokafka calls the two listener methods from its coordinator and swallows what they raise; an error
is kept and raised by the next ``check()``. While partitions are assigned it sends no heartbeat:
they are held (paused) **first**, then the epoch goes up, and nothing is awaited or restored. While
they are revoked it does, and the group still accepts our commits: so what was folded is made
durable and published before the epoch goes up, or nobody would count a checkpoint under way.

Every rebalance makes a new epoch, even one that gives back the same partitions (aiokafka revokes
them all); between revoke and assignment nothing is owned.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from aiokafka import ConsumerRebalanceListener, TopicPartition

from firstreply.domain.errors import FatalError, FirstreplyError
from firstreply.ports import Assignment

_log = logging.getLogger(__name__)

_SPARE = "the group has more members than partitions; this one takes over when another goes"


class Ownership(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """The assignment of one consumer, kept up to date by its rebalances.

    Args:
        hold: pauses partitions at once, without awaiting.
        finish: called before partitions are given up; bounded by itself.
        released: called after each revocation, without awaiting.
    """

    def __init__(
        self,
        *,
        hold: Callable[[Collection[TopicPartition]], None],
        finish: Callable[[], Awaitable[None]],
        released: Callable[[], None],
    ) -> None:
        self._hold = hold
        self._finish = finish
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

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Open an epoch that owns nothing. Called by aiokafka, also once before the first join."""
        try:
            if self.current.partitions:
                await self._finish()
        except Exception as error:  # noqa: BLE001  # aiokafka would swallow it: see check()
            self._failure = error
        self._open_epoch(frozenset(), settled=False)
        try:
            self._released()
        except Exception as error:  # noqa: BLE001  # aiokafka would swallow it: see check()
            self._failure = error
        _log.info("kafka_partitions_revoked", extra={"partitions": len(revoked)})

    def finished_late(self, work: asyncio.Future[None]) -> None:
        """Note how something ended that the last revocation did not wait for."""
        if not work.cancelled() and (error := work.exception()) is not None:
            self._failure = error if isinstance(error, Exception) else RuntimeError(repr(error))

    def check(self) -> None:
        """Raise FirstreplyError if a rebalance could not be followed."""
        if isinstance(self._failure, FirstreplyError):
            raise self._failure
        if self._failure is not None:
            msg = (
                f"the last rebalance could not be followed: {self._failure!r}; restart the "
                "service, and report this"
            )
            raise FatalError(msg) from self._failure

    def _open_epoch(self, partitions: frozenset[int], *, settled: bool = True) -> None:
        self.read_up_to.clear()
        self.current = Assignment(self.current.epoch + 1, partitions, settled)
