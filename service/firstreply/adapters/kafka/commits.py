"""Committing offsets for the group, with a limit to the wait and an end at every rebalance.

aiokafka repeats a commit for ever while the coordinator is away, each time with the generation of
that moment: one that waits through a rebalance would overwrite the offset of a partition that
belongs to somebody else by then. So a commit is given up after ``commit_timeout``, and at once when
partitions are revoked. Given up means unknown: a request already on its way may be accepted.
"""

import asyncio
import logging
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.connection import retrieved
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.topics import NOT_AUTHORISED

_log = logging.getLogger(__name__)


class GroupCommits:
    """The commits of one member; several partitions that are taken over may have one each."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._under_way: set[asyncio.Task[None]] = set()

    def drop(self) -> None:
        """Give up the commits under way without waiting."""
        for commit in tuple(self._under_way):
            _give_up(commit)

    async def send(
        self, consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, tuple[int, str]]
    ) -> bool:
        """Commit offsets with their notes; return whether a broker accepted, if known in time.

        Raises:
            FatalError: this user may not commit.
        """
        commit = asyncio.create_task(consumer.commit(offsets), name="kafka-commit")
        commit.add_done_callback(retrieved)
        self._under_way.add(commit)
        commit.add_done_callback(self._under_way.discard)
        try:
            await asyncio.wait({commit}, timeout=self._options.commit_timeout.total_seconds())
        finally:
            _give_up(commit)
        if not commit.done() or commit.cancelled():
            _log.warning("kafka_commit_unanswered", extra={"group": self._options.group})
            return False
        return self._accepted(commit.exception())

    def _accepted(self, refusal: BaseException | None) -> bool:
        match refusal:
            case None:
                return True
            case _ if isinstance(refusal, NOT_AUTHORISED):
                raise kafka_errors.not_authorised(self._options, refusal) from refusal
            case CommitFailedError() | IllegalStateError() | KafkaError():
                _log.warning("kafka_commit_refused", extra={"error": repr(refusal)})
                return False
            case _:
                raise refusal


def _give_up(commit: asyncio.Task[None]) -> None:
    """Wait for a commit no longer; aiokafka shields the attempt under way, and forgets it."""
    if commit.done():
        return
    for task in asyncio.all_tasks():
        if "_do_commit_offsets" in getattr(task.get_coro(), "__qualname__", ""):
            task.add_done_callback(retrieved)
    commit.cancel()
