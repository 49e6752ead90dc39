"""Records from a Kafka topic, as one member of a consumer group.

What flows out is exactly what the topic holds, in offset order per partition, undecoded, from
partitions that were begun in the current epoch; nothing is skipped silently: a position that the
log no longer has is an error, never a jump (``auto_offset_reset`` is none). Only offsets handed to
``commit`` are ever committed.

Errors follow ``domain.errors``: what only needs time is retryable, what would make figures wrong
is fatal and names topic, partition, offsets and the remedy. Every wait on a broker is bounded.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.assignor import sticky_assignor
from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.commits import GroupCommits
from firstreply.adapters.kafka.committed import Member, committed_offsets
from firstreply.adapters.kafka.connection import administering, connect, retrieved
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import (
    KafkaOptions,
    connection_arguments,
    consumer_arguments,
    milliseconds,
)
from firstreply.adapters.kafka.ownership import Ownership
from firstreply.adapters.kafka.reader import read_stretch
from firstreply.adapters.kafka.start import first_offset, starting_offset
from firstreply.adapters.kafka.topics import NOT_AUTHORISED, Topic, require_input
from firstreply.adapters.kafka.transactions import OpenTransactions
from firstreply.domain.errors import FatalError, FirstreplyError, RetryableError
from firstreply.ports import Assignment, Committed, Record
from firstreply.wall.status import Membership

_log = logging.getLogger(__name__)

_FETCH_WAIT: Final = timedelta(milliseconds=200)
_POLL_PATIENCE_SECONDS: Final = 0.5
"""How long ``fetch`` waits for a poll that a rebalance holds up, before it returns empty."""

_Batches = dict[int, list[ConsumerRecord]]


class KafkaSource:
    """A ``ports.RecordSource`` that reads one topic. One per process; used by one event loop.

    ``begin`` and ``fetch`` belong to one task; ``end_offsets`` and ``commit`` may be called by
    others.
    """

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._offsets = LeaderOffsets(options)
        self._commits = GroupCommits(options)
        self._transactions = OpenTransactions(options)
        self._ownership = Ownership(
            hold=self._hold, finish=self._finish_work, released=self._commits.drop
        )
        self._before_release: Callable[[], Awaitable[None]] = _nothing
        self._consumer: AIOKafkaConsumer | None = None
        self._input: Topic | None = None
        self._poll: asyncio.Task[tuple[int, _Batches]] | None = None
        self._asking: dict[int, asyncio.Task[dict[int, Committed]]] = {}
        """Epoch to a question for the group's commits that is under way."""

    @property
    def topic(self) -> str:
        """The topic's name."""
        return self._options.topic

    async def start(self) -> None:
        """Look at the topic, connect and ask to join the group; does not wait for partitions.

        Call ``stop`` after a failure too.

        Raises:
            ConfigurationError: the topic is absent or compacted, or a setting cannot be used.
            RetryableError: no broker was reached within ``connect_timeout``.
        """
        async with administering(self._options) as admin:
            self._input = await require_input(admin, self._options)
        await self._offsets.start()
        self._consumer = AIOKafkaConsumer(
            **connection_arguments(self._options),
            **consumer_arguments(self._options),
            partition_assignment_strategy=(sticky_assignor(lambda: self.membership().generation),),
        )
        await connect(self._consumer.start, self._options)
        # Only now: start() with a subscription waits for the group without any limit.
        self._consumer.subscribe([self.topic], listener=self._ownership)

    async def stop(self) -> None:
        """Leave the group and disconnect, each within ``stop_timeout``. Idempotent."""
        self._commits.drop()
        poll, self._poll = self._poll, None
        if poll is not None:
            poll.cancel()
            await asyncio.wait({poll})
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await stop_consumer(consumer, self._options.stop_timeout)
        await self._offsets.stop()

    def assignment(self) -> Assignment:
        """Return what is owned now; nothing during a rebalance."""
        return self._ownership.current

    def membership(self) -> Membership:
        """Return what is known of the group, for the other processes of it. Cheap."""
        consumer = self._consumer
        if consumer is None:
            return Membership(frozenset(), 0, -1)
        known = consumer.partitions_for_topic(self.topic)
        return Membership(
            partitions=self._ownership.current.partitions,
            partitions_total=len(known) if known else self.partitions,
            # -1 as soon as the coordinator has refused us, which is just what is so.
            generation=self.generation(),
        )

    async def begin(self, partition: int, offset: int | None = None) -> int:
        """Seek to an offset, else to the committed one, else to ``kafka.start``; resume; return it.

        Raises:
            RetryableError: a broker did not answer, or a rebalance came in between: look at
                ``assignment()`` again.
            FatalError: the committed offset is outside what the partition holds.
        """
        owned = self._ownership.current
        if partition not in owned.partitions:
            raise self._lost(partition)
        if offset is None:
            offset = await starting_offset(
                self._options, self._running(), self._offsets, partition, self.partitions
            )
            if self._ownership.current != owned:
                raise self._lost(partition)
        name = TopicPartition(self.topic, partition)
        self._running().seek(name, offset)
        self._running().resume(name)
        self._ownership.read_up_to[partition] = offset
        _log.info("kafka_partition_begun", extra={"partition": partition, "offset": offset})
        return offset

    async def fetch(self) -> Mapping[int, Sequence[Record]]:
        """Return what arrived for begun partitions; empty after at most half a second.

        A poll that a rebalance holds up goes on in the background and is taken up by the next
        call: aiokafka's ``getmany`` must never be cancelled, and it must be called even while
        nothing is owned, or the member cannot rejoin (aiokafka #1187). What only needs time is
        logged and empty too; the position stands, so the next call meets it again.

        Raises:
            FatalError: records were lost, cannot be read, or may not be read.
        """
        self._ownership.check()
        poll = self._poll
        if poll is None:
            poll = self._poll = asyncio.create_task(self._getmany(), name="kafka-getmany")
        await asyncio.wait({poll}, timeout=_POLL_PATIENCE_SECONDS)
        if not poll.done():
            return {}
        self._poll = None
        if poll.cancelled():
            return {}
        try:
            epoch, batches = poll.result()
        except FirstreplyError:
            raise
        except Exception as error:  # noqa: BLE001  # aiokafka's parsers raise anything
            await self._report(error)
            return {}
        self._ownership.check()
        return batches if epoch == self._ownership.current.epoch else {}

    async def end_offsets(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Ask the leaders for the offset after the last record of each partition, now.

        Offsets that hold no record (transaction markers, aborted transactions) at the end do not
        count once they were passed: all records below the answer will have been handed out.

        Partitions whose leader did not answer within ``offsets_timeout`` are left out.

        Raises:
            RetryableError: no leader answered.
        """
        ends = await self._offsets.ends(partitions)
        return {number: await self._last_record(number, end) for number, end in ends.items()}

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commit the offsets; True only if accepted while ``epoch`` was the assignment.

        No answer within ``commit_timeout`` is False: it may have been accepted or not. Nothing to
        commit is False too, for no broker confirmed the membership.

        Raises:
            FatalError: this user may not commit.
        """
        owned, generation = self._ownership.current, self.generation()
        if not offsets or owned.epoch != epoch or not owned.partitions.issuperset(offsets):
            return False
        # Who is no member commits as nobody in particular, and a group without members accepts it.
        if generation < 0:
            return False
        names = {
            TopicPartition(self.topic, number): (offset, (notes or {}).get(number, ""))
            for number, offset in offsets.items()
        }
        accepted = await self._commits.send(self._running(), names)
        same = self._ownership.current.epoch == epoch and self.generation() == generation
        return accepted and same

    def before_release(self, work: Callable[[], Awaitable[None]]) -> None:
        """Say what to do while partitions that are to be given up are still ours."""
        self._before_release = work

    async def _finish_work(self) -> None:
        """Let what was folded be committed before the partitions go, as far as there is time.

        The group waits for us for ``rebalance_timeout``; half of it is enough for one checkpoint.
        """
        work = asyncio.ensure_future(self._before_release())
        patience = self._options.rebalance_timeout.total_seconds() / 2
        await asyncio.wait({work}, timeout=patience)
        if work.done():
            work.result()
        else:
            work.add_done_callback(self._ownership.finished_late)
            _log.warning("kafka_release_unfinished", extra={"seconds": patience})

    def _hold(self, assigned: Collection[TopicPartition]) -> None:
        consumer = self._running()
        consumer.pause(*assigned)
        for name in assigned:
            # Without a position aiokafka would look for one, paused or not, and report its absence.
            consumer.seek(name, 0)

    async def _getmany(self) -> tuple[int, _Batches]:
        fetched = await self._running().getmany(
            timeout_ms=milliseconds(_FETCH_WAIT), max_records=self._options.max_records
        )
        # No await from here: what was drained belongs to the epoch that is current now.
        read_up_to = self._ownership.read_up_to
        batches = {
            name.partition: records
            for name, records in fetched.items()
            if name.partition in read_up_to
        }
        for partition, records in batches.items():
            read_up_to[partition] = records[-1].offset + 1
        return self._ownership.current.epoch, batches

    async def _report(self, error: Exception) -> None:
        """Raise what a failed poll means; log it, and wait a little, if it only needs time."""
        try:
            meaning = await self._unreadable(error)
        except RetryableError as unknown:
            meaning = unknown
        if isinstance(meaning, FatalError):
            # A traceback would print the bytes that a parser's error quotes.
            raise meaning from (error if isinstance(error, KafkaError) else None)
        _log.warning("kafka_fetch_failed", extra={"error": str(meaning)})
        await asyncio.sleep(_POLL_PATIENCE_SECONDS)

    async def _unreadable(self, error: Exception) -> FatalError | RetryableError:
        lost = kafka_errors.lost_positions(error)
        for partition, offset in lost.items():
            first = await self._offsets.beginnings([partition])
            end = await self._offsets.ends([partition])
            return kafka_errors.lost_position(
                self._options, partition, offset, first[partition], end[partition]
            )
        return kafka_errors.unreadable(self._options, error, self._ownership.read_up_to)

    # -- what taking over a partition with its state asks (``keeping.port.InputLog``)

    @property
    def partitions(self) -> int:
        """How many partitions the topic had at start."""
        return self._input.partitions if self._input else 0

    def generation(self) -> int:
        """Return the group's generation that we are a member of; -1 when we are not."""
        generation: int = self._running()._coordinator.generation  # noqa: SLF001  # its only name
        return generation

    async def committed(self, partition: int) -> Committed | None:
        """Ask the group what it has committed. Raises RetryableError.

        Who asks while an answer of the same assignment is under way shares it: after a rebalance
        all partitions ask at once.
        """
        epoch = self._ownership.current.epoch
        asking = self._asking.get(epoch)
        if asking is None:
            asking = asyncio.create_task(self._all_committed(), name="kafka-committed")
            self._asking[epoch] = asking
            asking.add_done_callback(lambda _: self._asking.pop(epoch))
            asking.add_done_callback(retrieved)
        return (await asyncio.shield(asking)).get(partition)

    async def _all_committed(self) -> dict[int, Committed]:
        """Ask for every partition; ``consumer.committed()`` would drop the notes."""
        group = self._options.group
        try:
            async with administering(self._options) as admin:
                found = await committed_offsets(admin, group, self._member())
        except NOT_AUTHORISED as error:
            raise kafka_errors.not_authorised(self._options, error) from error
        except KafkaError as error:
            msg = f"what group {group} has committed is not known yet: {error!r}"
            raise RetryableError(msg) from error
        return {name.partition: one for name, one in found.items() if name.topic == self.topic}

    def _member(self) -> Member:
        """Return who we are to the group. Raises RetryableError while we are nobody."""
        coordinator = self._running()._coordinator  # noqa: SLF001  # its only name
        if coordinator.coordinator_id is None or coordinator.generation < 0:
            msg = f"not a member of group {self._options.group} just now"
            raise RetryableError(msg)
        return Member(coordinator.coordinator_id, coordinator.generation, coordinator.member_id)

    async def first_offset(self, partition: int) -> int:
        """Return where ``kafka.start`` begins a partition. Raises RetryableError."""
        return await first_offset(self._options, self._offsets, partition, self.partitions)

    async def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset and the one after the last record. Raises RetryableError."""
        first = (await self._offsets.beginnings([partition]))[partition]
        return first, (await self._offsets.ends([partition]))[partition]

    async def record(self, partition: int, offset: int) -> Record | None:
        """Return the record at an offset, None if it is not there. Raises RetryableError."""
        stretch = read_stretch(self._options, self.topic, partition, offset, offset + 1)
        async with aclosing(stretch) as batches:
            async for records in batches:
                found: Record = records[0]
                return found
        return None

    async def _last_record(self, partition: int, end: int) -> int:
        read_up_to = self._ownership.read_up_to.get(partition)
        if read_up_to is None or read_up_to >= end:
            return end
        # Answers at once: a partition that was begun in this epoch has a position.
        position = await self._running().position(TopicPartition(self.topic, partition))
        self._transactions.look(self._running(), partition, position)
        return read_up_to if position >= end else end

    def _lost(self, partition: int) -> RetryableError:
        return RetryableError(
            f"topic {self.topic}, partition {partition} is not owned any more; a rebalance came"
        )

    def _running(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            msg = f"the Kafka source of topic {self.topic} is not started"
            raise FatalError(msg)
        return self._consumer


async def _nothing() -> None:
    """Finish nothing: nobody has said what."""
