"""Dead letters in memory: what the real sink would have written, and a box that holds it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.letter import Letter, read_letter
from firstreply.adapters.kafka.letter_box import Bounds
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.records import FileRecord
from firstreply.ports import DeadLetter, Headers

INPUT: Final = "events"
NOON: Final = 1_772_452_800_000
"""2026-03-02T12:00:00Z in milliseconds."""


def written(letter: DeadLetter, offset: int, *, topic: str = INPUT) -> FileRecord:
    """Return the record that the service writes for a letter."""
    options = KafkaOptions(bootstrap_servers="b:1", topic=topic, group="g")
    out = KafkaDeadLetters(options)._record(letter, 1)
    return FileRecord(offset, out.value, out.timestamp, 0, out.key, out.headers)


def letter(
    offset: int = 0,
    *,
    reason: str = "not_json",
    detail: str = "not JSON",
    value: bytes | None = b"{",
    headers: Headers = (),
    source: int = 0,
    timestamp: int | None = NOON,
    topic: str = INPUT,
) -> Letter:
    """Make a letter, as it is read back; ``source`` is its partition of the input."""
    dead = DeadLetter(source, 100 + offset, reason, detail, b"c", value, headers, timestamp)
    return read_letter(written(dead, offset, topic=topic))


class FakeBox:
    """A dead letter topic of one partition; what is sent is remembered."""

    topic = f"{INPUT}.dead-letters"
    servers = "b:1"
    target = INPUT

    def __init__(self, *letters: Letter, keeps_timestamps: bool = True, first: int = 0) -> None:
        self.letters = list(letters)
        self.keeps_timestamps = keeps_timestamps
        self.first = first
        self.sent: list[Letter] = []
        self.connected = False
        self.fails_after: int | None = None
        self.failure: Exception | None = None
        self.batch = 2
        self.asked = 0
        """How often for its bounds."""

    async def bounds(self) -> Bounds:
        self.asked += 1
        return {0: (self.first, max((one.offset + 1 for one in self.letters), default=self.first))}

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Letter], None]:
        there = [
            one for one in self.letters if one.partition == partition and first <= one.offset < end
        ]
        for start in range(0, len(there), self.batch):
            yield there[start : start + self.batch]

    async def connect_to_send(self) -> None:
        self.connected = True

    async def send(self, letters: Sequence[Letter]) -> None:
        assert self.connected
        if self.failure is not None and len(self.sent) >= (self.fails_after or 0):
            raise self.failure
        self.sent += letters
