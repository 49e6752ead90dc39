"""What the commands ask of Kafka; ``adapters.kafka.group`` and ``state_log`` give it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from firstreply.keeping.port import Input, StateLog
from firstreply.ports import Record


class Members(Protocol):
    """Who is in a group."""

    @property
    def state(self) -> str:
        """Kafka's word for it."""

    @property
    def count(self) -> int:
        """How many."""


class Group(Input, Protocol):
    """The input and a group that we are no member of."""

    @property
    def name(self) -> str:
        """The group's name."""

    async def members(self) -> Members:
        """Ask who is in it."""

    async def at_time(self, partition: int, instant: int) -> int | None:
        """Return the offset of the first record stamped at or after an instant, if there is one."""

    async def next_record(self, partition: int, offset: int, end: int) -> Record | None:
        """Return the first record from ``offset`` on and below ``end``, committed or not."""

    def read(self, partition: int, first: int, end: int) -> AsyncGenerator[Sequence[Record], None]:
        """Yield the records from ``first`` up to, not including, ``end``; to be closed."""

    async def commit(self, partition: int, offset: int, note: str) -> bool:
        """Commit for a group without members; False if it has some."""


class Log(StateLog, Protocol):
    """The state log, with the broker's time of its records."""

    async def written_at(self, partition: int, offset: int) -> int | None:
        """Return when a record was appended, in microseconds; None if it is not there any more."""
