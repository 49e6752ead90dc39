"""A group, its input and its state log in memory, for the commands that look at them."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Final

import msgspec

from firstreply.domain.instants import SECOND
from firstreply.ports import Committed, Record
from firstreply.state_commands.opening import Place

TOPIC: Final = "contact-events"


class Members(msgspec.Struct, frozen=True):
    state: str
    count: int


class Written(msgspec.Struct, frozen=True):
    offset: int
    value: bytes


class FakeLog:
    """A state log; records are never renumbered."""

    def __init__(self, topic: str = "firstreply-state") -> None:
        self.topic = topic
        self.records: defaultdict[int, list[Written]] = defaultdict(list)
        self.ends: defaultdict[int, int] = defaultdict(int)
        self.repeats = False
        """Whether what is written is there twice, as after an answer that was lost."""
        self.came_between: list[bytes] = []
        """What somebody else appends just before the next append."""

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:
        if self.repeats:
            values = [*values, *values]
        others, self.came_between = self.came_between, []
        if others:
            await self.append(partition, others)
        began = self.ends[partition]
        self.ends[partition] += len(values)
        self.records[partition] += [Written(began + n, value) for n, value in enumerate(values)]
        return range(began, self.ends[partition])[len(values) // 2 if self.repeats else 0 :]

    async def bounds(self, partition: int) -> tuple[int, int]:
        held = self.records[partition]
        end = self.ends[partition]
        return (held[0].offset if held else end), end

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Written], None]:
        found = [one for one in self.records[partition] if first <= one.offset < end]
        if found:
            yield found

    async def written_at(self, partition: int, offset: int) -> int | None:  # noqa: ARG002
        return 1_000 * SECOND

    def damage(self, partition: int = 0) -> None:
        """Cut off the end of the last record."""
        last = self.records[partition][-1]
        self.records[partition][-1] = Written(last.offset, last.value[:-1])

    def empty(self) -> None:
        """Lose all records, as retention or a hand would."""
        self.records.clear()


class FakeGroup:
    """A topic and a group; somebody may come between two questions, and offsets may be missing."""

    topic = TOPIC

    def __init__(self, *logs: Sequence[Record], name: str = "firstreply") -> None:
        self.logs = logs
        self.name = name
        self.partitions = len(logs)
        self.first = 0
        self.commits: dict[int, Committed] = {}
        self.running: list[int] = []
        """How many members there are at the next questions; then none."""
        self.before_members: list[Callable[[], Awaitable[None]]] = []
        """What happens before the next questions."""
        self.refuses = False
        self.read_from: list[int] = []
        self.before_commit: Callable[[], None] = lambda: None

    async def members(self) -> Members:
        if self.before_members:
            await self.before_members.pop(0)()
        count = self.running.pop(0) if self.running else 0
        return Members("Stable" if count else "Empty", count)

    async def committed(self, partition: int) -> Committed | None:
        return self.commits.get(partition)

    async def bounds(self, partition: int) -> tuple[int, int]:
        log = self.logs[partition]
        return self.first, log[-1].offset + 1 if log else 0

    async def at_time(self, partition: int, instant: int) -> int | None:
        for one in self._held(partition, self.first):
            if one.timestamp is not None and one.timestamp >= instant // 1000:
                return one.offset
        return None

    async def record(self, partition: int, offset: int) -> Record | None:
        found = self._held(partition, max(offset, self.first), offset + 1)
        return found[0] if found else None

    async def next_record(self, partition: int, offset: int, end: int) -> Record | None:
        found = self._held(partition, max(offset, self.first), end)
        return found[0] if found else None

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Record], None]:
        self.read_from.append(first)
        found = self._held(partition, first, end)
        for start in range(0, len(found), 2):
            yield found[start : start + 2]

    async def commit(self, partition: int, offset: int, note: str) -> bool:
        self.before_commit()
        if not self.refuses:
            self.commits[partition] = Committed(offset, note)
        return not self.refuses

    def _held(self, partition: int, first: int, end: int | None = None) -> Sequence[Record]:
        return [
            one
            for one in self.logs[partition]
            if first <= one.offset and (end is None or one.offset < end)
        ]


def place_of(*logs: Sequence[Record], name: str = "firstreply") -> tuple[Place, FakeGroup, FakeLog]:
    """Build a group that reads partitions, and its empty state log."""
    group, log = FakeGroup(*logs, name=name), FakeLog(f"{name}-state")
    return Place(group, log), group, log
