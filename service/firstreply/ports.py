"""The verbs the processor depends on; the adapters implement them.

A *record* is one entry of a partition of a topic. aiokafka's ``ConsumerRecord`` satisfies
``Record`` as it is, so that nothing is copied on the hot path; files and the simulator use
``adapters.records.FileRecord``.

A *partition* is named by its number alone: one process reads one topic. Files and the simulator
are one partition, number 0.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from firstreply.domain.events import ContactEvent
from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.increments import Increments
from firstreply.rejection import Rejected, Unknown

Headers = Sequence[tuple[str, bytes | None]]


class TimestampType(IntEnum):
    """What a record's own timestamp means (the numbers are Kafka's)."""

    CREATE_TIME = 0
    """The producer's clock: never moves log time."""
    LOG_APPEND_TIME = 1
    """The broker's clock: moves log time."""


class Record(Protocol):
    """One record of a partition."""

    @property
    def partition(self) -> int:
        """Number of its partition."""

    @property
    def offset(self) -> int:
        """Its place in the partition."""

    @property
    def timestamp(self) -> int | None:
        """Milliseconds since the epoch; None where the source has none."""

    @property
    def timestamp_type(self) -> int | None:
        """A ``TimestampType``; None exactly when there is no timestamp."""

    @property
    def key(self) -> bytes | None:
        """The contact id, where the producer does as it should."""

    @property
    def value(self) -> bytes | None:
        """The event as it came."""

    @property
    def headers(self) -> Headers:
        """In order; a name may stand twice."""


class RecordDecoder(Protocol):
    """Turns the bytes of a record into an event, or says why not."""

    def decode(self, record: Record) -> ContactEvent | Rejected | Unknown:
        """Decode one record. Never raises on what a producer sent."""

    def take_fallbacks(self) -> int:
        """Return how many events took their record's timestamp since the last call."""


class Assignment(msgspec.Struct, frozen=True):
    """The partitions this process owns. Every rebalance makes a new epoch, even an equal set."""

    epoch: int
    partitions: frozenset[int]
    settled: bool = True
    """False from the revocation to the next assignment: a rebalance is under way."""


class Committed(msgspec.Struct, frozen=True):
    """What the group has committed."""

    offset: int
    note: str
    """What was written beside it; empty for nothing."""


class DeadLetter(msgspec.Struct, frozen=True):
    """A bad record as it came, byte for byte, and why it was rejected."""

    partition: int
    offset: int
    reason: str
    """From the closed list of ``adapters.codec.Reason``; also the metric label."""
    detail: str
    """For a person: the place and the remedy. Holds no content of the record."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int | None


class RecordSource(Protocol):
    """Where records come from: Kafka, files, the simulator."""

    @property
    def topic(self) -> str:
        """The topic's name, for labels and messages."""

    async def start(self) -> None:
        """Connect. Raises ConfigurationError for what a person must change."""

    async def stop(self) -> None:
        """Leave cleanly. Idempotent."""

    def assignment(self) -> Assignment:
        """Return what is owned now. Cheap; called at every step."""

    async def begin(self, partition: int, offset: int | None = None) -> int:
        """Seek in a newly owned partition and resume it; return the offset.

        Partitions are paused from the moment they are assigned until this is called. With an
        offset given it does not wait for anything.

        Args:
            partition: owned.
            offset: where to read on; None: where the group has committed, else where to start.
        """

    async def fetch(self) -> Mapping[int, Sequence[Record]]:
        """Return the next records of partitions that were begun; empty after a short wait.

        Called all the time, also while nothing is owned, by one task, which is never cancelled
        in the middle of it.
        """

    async def end_offsets(self, partitions: frozenset[int]) -> Mapping[int, int]:
        """Ask the leaders for the offset after the last record, now (not a cached value).

        Partitions whose leader did not answer are left out; raises RetryableError when none did.
        """

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commit; True only if the broker accepted it while ``epoch`` was still the assignment.

        Args:
            offsets: by partition.
            epoch: of the assignment.
            notes: a text to keep beside the offset, by partition.
        """


class DeadLetterSink(Protocol):
    """Where bad records go."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all are acknowledged. Raises RetryableError otherwise."""


class WallClock(Protocol):
    """The one place that reads the time of day."""

    def now(self) -> int:
        """Return microseconds since the epoch."""


class Publisher(Protocol):
    """The only one that touches the exported metrics."""

    def checkpointed(self, partition: int, epoch: int, increments: Increments) -> None:
        """Add what a durable checkpoint counted. Called only after its commit was accepted."""

    def records_shown(self, appended: list[int], now: int) -> None:
        """Observe that the effect of records is shown from now on.

        Args:
            appended: when each was appended, in milliseconds.
            now: microseconds.
        """

    def deadlines_shown(self, after: int, now: int) -> None:
        """Observe that deadlines later than ``after`` are shown only now; both in microseconds."""

    def gauges(self, partition: int, now: PartitionGauges) -> None:
        """Replace what is so in a partition."""

    def clock(self, partition: int, at: int | None) -> None:
        """Set the service clock of a partition: log time less grace."""

    def lag(self, partition: int, messages: int, seconds: float) -> None:
        """Set how far the partition's end is ahead of what was folded."""

    def lease(self, until: float) -> None:
        """Show no partition from an instant on, unless told again: seconds, as the lease's clock.

        Judged when somebody looks: who stood still meanwhile must not show what is another's.
        """

    def drop(self, partition: int) -> None:
        """Stop to show a partition that is not ours, or may not be any more."""

    def heartbeat(self, instant: int) -> None:
        """Set the last instant at which every owned partition was caught up or advanced."""

    def clock_skew(self, seconds: float) -> None:
        """Set how far the broker's clock was seen ahead of ours."""

    def restoring(self, partitions: int) -> None:
        """Set how many owned partitions have their state being restored."""

    def older(self, partitions: int) -> None:
        """Set how many owned partitions went on from an older state than the newest."""

    def assigned(self, partitions: int) -> None:
        """Set how many partitions are owned."""

    def ready(self, ready: bool) -> None:  # noqa: FBT001 - the value of a gauge
        """Set whether the figures can be trusted."""
