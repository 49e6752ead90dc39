"""What the processor asks of durability: to take partitions over, and to keep checkpoints."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Protocol

from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold, Span
from firstreply.ports import Assignment, Committed, Record
from firstreply.state.draft import Draft


class Checkpoints(Protocol):
    """Durability of the partitions that a process owns."""

    restoring: dict[int, float]
    """Partition to the share of its state that is restored, 0 to 1."""
    older: dict[int, str]
    """Partition to why it went on from an older state than the newest."""

    async def take(self, partition: int, epoch: int, kept: PartitionFold | None) -> PartitionFold:
        """Return the fold to go on with; its partition is resumed where it stands.

        Resuming is the last thing it does before it returns, so that the caller can put the fold
        in place before any record comes.

        Args:
            partition: assigned to us.
            epoch: of that assignment.
            kept: what is in memory from an earlier one.

        Raises:
            RetryableError: try again, if the partition is still ours.
            FatalError: its state is lost, or not that of this input; says what to do.
        """

    def keep_only(self, partitions: frozenset[int]) -> None:
        """Forget what is in memory of others: they are not ours any more."""

    def due(self, partition: int) -> bool:
        """Return whether a checkpoint should be written although there is no news."""

    async def draft(self, fold: PartitionFold, span: Span) -> Draft | None:
        """Encode a checkpoint of the fold as it is; nothing may be folded until it returns.

        Args:
            fold: of a partition that was taken.
            span: what it has given since the last durable checkpoint.
        """

    async def append(self, partition: int, draft: Draft | None) -> None:
        """Make it durable. Raises RetryableError: it may be or not; draft again."""

    def notes(self, counted: Mapping[int, Increments]) -> dict[int, str]:
        """Return what is to be kept beside the committed offsets of what was appended last.

        A commit that is accepted with them promises that all up to there is exported by us.

        Args:
            counted: by partition what that is; kept until it is known whether it was accepted, so
                nobody may change it.
        """

    def notes_before(self, partitions: Iterable[int]) -> dict[int, str]:
        """Return the notes for a commit that promises no more than the last accepted one."""

    def exported(self, partitions: Iterable[int]) -> None:
        """Note that a commit with ``notes`` was accepted."""

    def taken_back(self, partitions: Iterable[int]) -> None:
        """Note that a commit with ``notes_before`` was accepted."""

    async def owed(self) -> list[tuple[int, Increments]]:
        """Return, once, what we must export after all, of partitions that others own.

        A commit of ours was accepted without our hearing it, and the next owner went by it.
        """


class StateRecord(Protocol):
    """One record of the state log."""

    @property
    def offset(self) -> int:
        """Its place."""

    @property
    def value(self) -> bytes:
        """A part of a checkpoint."""


class StateLog(Protocol):
    """Where state is appended; ``adapters.kafka.state_log``."""

    @property
    def topic(self) -> str:
        """For messages."""

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:
        """Write records in order; return their offsets. Raises RetryableError: maybe written."""

    async def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset, and the one after the last record."""

    def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[StateRecord], None]:
        """Yield the records from ``first`` up to, not including, ``end``; to be closed."""


class Input(Protocol):
    """The input and what its group has committed: enough to compare a state with."""

    @property
    def topic(self) -> str:
        """Its name."""

    @property
    def partitions(self) -> int:
        """How many it has."""

    async def committed(self, partition: int) -> Committed | None:
        """Ask the group for its commit."""

    async def bounds(self, partition: int) -> tuple[int, int]:
        """Return the first offset, and the one after the last record."""

    async def record(self, partition: int, offset: int) -> Record | None:
        """Return the record at an offset."""


class InputLog(Input, Protocol):
    """The input and its group, as far as taking over a partition needs them."""

    def assignment(self) -> Assignment:
        """Return what is owned now."""

    def generation(self) -> int:
        """Return the generation of the group that we are a member of."""

    async def first_offset(self, partition: int) -> int:
        """Return where a partition without a commit begins: ``kafka.start``."""

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        """Commit; True only if accepted while ``epoch`` was the assignment."""

    async def begin(self, partition: int, offset: int | None = None) -> int:
        """Seek and resume; with an offset given it waits for nothing."""
