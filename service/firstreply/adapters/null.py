"""Stand-ins that keep nothing: no dead letters in the demo."""

from collections.abc import Sequence

from firstreply.ports import DeadLetter


class NullDeadLetters:
    """Implements ``ports.DeadLetterSink``: the rejected counter alone tells of bad records."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep nothing."""
