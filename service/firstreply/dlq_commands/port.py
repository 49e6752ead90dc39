"""What the commands ask of Kafka; ``adapters.kafka.letter_box`` gives it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from firstreply.adapters.kafka.letter import Letter
from firstreply.adapters.kafka.letter_box import Bounds


class LetterBox(Protocol):
    """The dead letter topic."""

    @property
    def topic(self) -> str:
        """Its name."""

    @property
    def servers(self) -> str:
        """Where it is."""

    async def bounds(self) -> Bounds:
        """Return where its letters begin and end, now."""

    def read(self, partition: int, first: int, end: int) -> AsyncGenerator[Sequence[Letter], None]:
        """Yield letters in batches; to be closed."""


class Outbox(LetterBox, Protocol):
    """The same, with the topic that letters are sent to."""

    @property
    def target(self) -> str:
        """Its name."""

    @property
    def keeps_timestamps(self) -> bool:
        """Whether what is sent keeps its own timestamp."""

    async def connect_to_send(self) -> None:
        """Connect before the first ``send``."""

    async def send(self, letters: Sequence[Letter]) -> None:
        """Return when all are acknowledged."""
