"""Stand-ins that keep nothing: no state log yet (decision 0004), no dead letters in the demo."""

from collections.abc import Sequence

from firstreply.ports import DeadLetter


class NullCheckpoints:
    """Implements ``ports.Checkpoints``: acknowledges at once."""

    async def append(self, partition: int, epoch: int, offset: int) -> None:
        """Keep nothing."""


class NullDeadLetters:
    """Implements ``ports.DeadLetterSink``: the rejected counter alone tells of bad records."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep nothing."""
