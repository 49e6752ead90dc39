"""Stand-ins for all that is around the processor, and the events they hand over.

``FakeBroker`` holds partitions, committed offsets and who owns what; each ``FakeSource`` is one
member of the group, which may not know yet that it lost a partition (a zombie). Every call of a
port suspends once, so that tasks interleave as they do around a network, and a test can put
something into the middle of a call (``meanwhile``). Time stands still unless a test moves it.
"""

import asyncio
import json
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, Literal

from firstreply.adapters.codec import Decoder
from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import RetryableError
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.increments import Increments, Labels
from firstreply.domain.instants import SECOND, to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords, PartitionFold, Span
from firstreply.keeping.memory import MemoryKeeper
from firstreply.ports import Assignment, DeadLetter, Record, RecordDecoder, TimestampType
from firstreply.state.draft import Draft
from tests.unit.domain.builders import GRACE, at, book

Answer = Literal["accept", "refuse", "lose"]
"""``lose``: it happens, and the answer never comes."""

Meanwhile = Callable[[], Awaitable[None]]

NO_JSON: Final = b"\x00 no json \xff"
OF_ANOTHER: Final = b'{"type":"survey.sent"}'


def event(kind: str, seconds: float = 0, contact: str = "c", **members: str) -> bytes:
    """Write an event in the flat form, its time in seconds after ``T0``."""
    time = to_datetime(at(seconds)).isoformat()
    said = {"type": f"contact.{kind}", "time": time, "contact_id": contact, **members}
    return json.dumps(said).encode()


def opened(seconds: float = 0, contact: str = "c", channel: str = "chat") -> bytes:
    return event("opened", seconds, contact, channel=channel, actor="customer")


def responded(seconds: float, contact: str = "c") -> bytes:
    return event("responded", seconds, contact, actor="agent")


def record(
    offset: int,
    value: bytes | None,
    *,
    appended: float | None = None,
    created: float | None = None,
    partition: int = 0,
) -> FileRecord:
    """Make a record stamped by the broker, by the producer (seconds after ``T0``), or by none."""
    stamp = created if appended is None else appended
    kind = None
    if stamp is not None:
        kind = TimestampType.CREATE_TIME if appended is None else TimestampType.LOG_APPEND_TIME
    milliseconds = None if stamp is None else at(stamp) // 1000
    return FileRecord(offset, value, milliseconds, kind, partition=partition)


def partition_fold(
    partition: int = 0,
    offset: int = 0,
    *,
    decoder: RecordDecoder | None = None,
    bad_records: BadRecords | None = None,
    policies: PolicyBook | None = None,
    max_tracked: int | None = None,
) -> PartitionFold:
    """Build a fold of its own, with nothing shared unless given."""
    return PartitionFold(
        partition=partition,
        offset=offset,
        decoder=decoder or Decoder(),
        bad_records=bad_records or BadRecords(1, 1000),
        book=policies or book(),
        grace=GRACE * SECOND,
        max_tracked=max_tracked,
    )


class Interrupted:
    """What a test lets happen in the middle of a call; each thing once."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.meanwhile: dict[str, Meanwhile] = {}
        self.answers: deque[Answer] = deque()
        """Of the next calls; without any the answer is ``accept``."""

    def answer(self) -> Answer:
        return self.answers.popleft() if self.answers else "accept"

    async def reach(self, stage: str) -> None:
        self.journal.append(stage)
        await asyncio.sleep(0)
        if (happens := self.meanwhile.pop(stage, None)) is not None:
            await happens()


class FakeBroker:
    """Partitions of one topic, and one consumer group."""

    def __init__(self) -> None:
        self.log: defaultdict[int, list[FileRecord]] = defaultdict(list)
        self.committed: dict[int, int] = {}
        self.notes: dict[int, str] = {}
        """What is kept beside the commits."""
        self.owners: dict[int, FakeSource] = {}
        self.accepted: Callable[[int, int, int], None] = lambda *_: None
        """Told of each commit: partition, offset before, offset after."""
        self.outdated: set[FakeSource] = set()
        """Members that have not learnt of the last rebalance."""
        self.untold: set[tuple[int, int]] = set()
        """Partition and offset of records whose commit was accepted without the member knowing."""

    def append(
        self,
        value: bytes | None,
        partition: int = 0,
        *,
        appended: float | None = None,
        created: float | None = None,
    ) -> int:
        """Append one record, created at 0 unless told; return its offset."""
        offset = len(self.log[partition])
        if appended is None and created is None:
            created = 0
        self.log[partition].append(
            record(offset, value, appended=appended, created=created, partition=partition)
        )
        return offset

    def commit(self, offsets: Mapping[int, int]) -> None:
        for partition, offset in offsets.items():
            self.accepted(partition, self.committed.get(partition, 0), offset)
            self.committed[partition] = offset


class FakeSource(Interrupted):
    """Implements ``ports.RecordSource``: one member. ``fetch`` waits for the test's permit."""

    topic = "events"
    most_records = 500

    def __init__(self, broker: FakeBroker, journal: list[str]) -> None:
        super().__init__(journal)
        self.broker = broker
        self.unreachable: set[int] = set()
        """Partitions that cannot be begun."""
        self.silent = False
        """Whether no leader tells its end."""
        self.parked = asyncio.Event()
        self.permit = asyncio.Event()
        self._assignment = Assignment(0, frozenset())
        self._positions: dict[int, int] = {}

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to leave."""

    def learn(self, *partitions: int, settled: bool = True) -> None:
        """Get to know an assignment; it may be old news to the broker."""
        self.broker.outdated.discard(self)
        self._positions.clear()
        owned = frozenset(partitions)
        self._assignment = Assignment(self._assignment.epoch + 1, owned, settled)

    def own(self, *partitions: int) -> None:
        """Own these by the broker's word, and know it."""
        kept = {number: owner for number, owner in self.broker.owners.items() if owner is not self}
        self.broker.owners = {**kept, **dict.fromkeys(partitions, self)}
        self.learn(*partitions)

    def assignment(self) -> Assignment:
        return self._assignment

    async def begin(self, partition: int, offset: int | None = None) -> int:
        epoch = self._assignment.epoch
        if offset is not None:
            self._positions[partition] = offset
            return offset
        await self.reach("begin")
        if partition in self.unreachable or self._assignment.epoch != epoch:
            msg = f"partition {partition}: no leader"
            raise RetryableError(msg)
        offset = self.broker.committed.get(partition, 0)
        self._positions[partition] = offset
        return offset

    async def fetch(self) -> Mapping[int, Sequence[Record]]:
        self.parked.set()
        await self.permit.wait()
        self.permit.clear()
        batches = {}
        for partition, first in self._positions.items():
            if records := self.broker.log[partition][first : first + self.most_records]:
                batches[partition] = records
                self._positions[partition] = first + len(records)
        await self.reach("fetched")
        return batches

    async def end_offsets(self, partitions: frozenset[int]) -> Mapping[int, int]:
        ends = {number: len(self.broker.log[number]) for number in partitions}
        await self.reach("ends")
        if self.silent:
            msg = "no leader answers"
            raise RetryableError(msg)
        return ends

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        now = self._assignment
        if not offsets or now.epoch != epoch or not now.partitions.issuperset(offsets):
            return False
        await self.reach("commit")
        fenced = self in self.broker.outdated or any(
            self.broker.owners.get(number) is not self for number in offsets
        )
        answer = self.answer()
        if fenced or answer == "refuse" or self._assignment.epoch != epoch:
            return False
        before = {number: self.broker.committed.get(number, 0) for number in offsets}
        self.broker.commit(offsets)
        self.broker.notes.update(notes or {})
        await self.reach("committed")
        told = answer == "accept" and self._assignment.epoch == epoch
        if not told:
            self.broker.untold |= {
                (number, offset)
                for number, end in offsets.items()
                for offset in range(before[number], end)
            }
        return told


class FakeDeadLetters(Interrupted):
    """Implements ``ports.DeadLetterSink``."""

    def __init__(self, journal: list[str]) -> None:
        super().__init__(journal)
        self.kept: list[DeadLetter] = []

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        await self.reach("dead letters")
        answer = self.answer()
        if answer != "refuse":
            self.kept.extend(letters)
        if answer != "accept":
            msg = "dead letters were not acknowledged"
            raise RetryableError(msg)


class FakeCheckpoints(Interrupted, MemoryKeeper):
    """Implements ``keeping.port.Checkpoints`` as memory does, but that it may refuse."""

    def __init__(
        self,
        journal: list[str],
        source: FakeSource,
        new_fold: Callable[[int, int], PartitionFold],
    ) -> None:
        Interrupted.__init__(self, journal)
        MemoryKeeper.__init__(self, source, new_fold)
        self.promised: list[int] = []
        """Partitions of commits that were accepted, in order."""

    async def draft(self, fold: PartitionFold, span: Span) -> Draft | None:  # noqa: ARG002
        if (happens := self.meanwhile.pop("draft", None)) is not None:
            await happens()
        return None

    def exported(self, partitions: Iterable[int]) -> None:
        self.promised += partitions

    async def append(self, partition: int, draft: Draft | None) -> None:  # noqa: ARG002
        await self.reach("append")
        if self.answer() != "accept":
            msg = f"state of partition {partition} was not acknowledged"
            raise RetryableError(msg)


class FakePublisher:
    """Implements ``ports.Publisher``: remembers."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.counted: Counter[tuple[int, str, Labels]] = Counter()
        self.observed: list[tuple[int, str, Labels, float]] = []
        self.shown: dict[int, PartitionGauges] = {}
        self.lags: dict[int, tuple[int, float]] = {}
        self.heartbeats: list[int] = []
        self.said_ready: list[bool] = []
        self.partitions_assigned = -1
        self.leases: list[float] = []
        self.skews: list[float] = []
        self.delays: list[tuple[list[int], int]] = []
        """Milliseconds of appends, and microseconds of when they were shown."""
        self.deadlines: list[tuple[int, int]] = []

    def checkpointed(self, partition: int, epoch: int, increments: Increments) -> None:  # noqa: ARG002
        if increments:
            self.journal.append("publish")
        for (metric, labels), amount in increments.counts.items():
            self.counted[partition, metric, labels] += amount
        self.observed += [(partition, *one) for one in increments.observations]

    def records_shown(self, appended: list[int], now: int) -> None:
        self.delays.append((appended, now))

    def deadlines_shown(self, after: int, now: int) -> None:
        self.deadlines.append((after, now))

    def gauges(self, partition: int, now: PartitionGauges) -> None:
        self.shown[partition] = now

    def clock(self, partition: int, at: int | None) -> None:
        """Part of the gauges here."""

    def lag(self, partition: int, messages: int, seconds: float) -> None:
        self.lags[partition] = (messages, seconds)

    def lease(self, until: float) -> None:
        self.leases.append(until)

    def drop(self, partition: int) -> None:
        self.shown.pop(partition, None)
        self.lags.pop(partition, None)

    def heartbeat(self, instant: int) -> None:
        self.heartbeats.append(instant)

    def clock_skew(self, seconds: float) -> None:
        self.skews.append(seconds)

    def restoring(self, partitions: int) -> None:
        """Shown by the reasons, too."""

    def older(self, partitions: int) -> None:
        """Shown by the warnings, too."""

    def assigned(self, partitions: int) -> None:
        self.partitions_assigned = partitions

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - the value of a gauge
        self.said_ready.append(ready)

    def total(self, metric: str, *labels: str) -> int:
        """Sum a counter over partitions, and over the labels not given."""
        return sum(
            amount
            for (_, name, values), amount in self.counted.items()
            if name == metric and values[: len(labels)] == labels
        )


class FakeClock:
    """Implements ``ports.WallClock``; seconds after ``T0``."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.seconds = 0.0

    def now(self) -> int:
        self.journal.append("clock")
        return at(self.seconds)
