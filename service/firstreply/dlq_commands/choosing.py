"""Reads the letters that are there when it begins, and picks those that the filters let through.

A replayed letter that is rejected again becomes a new letter behind that end: no command chases
its own tail.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import msgspec

from firstreply.adapters.kafka.letter import Letter
from firstreply.adapters.kafka.letter_box import Bounds
from firstreply.dlq_commands.port import LetterBox

Told = Callable[[float], None]
"""Is called with the share that is done, 0 to 1."""


class Filter(msgspec.Struct, frozen=True):
    """Which letters are meant; by default all."""

    reasons: frozenset[str] = frozenset()
    """Any of these; empty: any."""
    partition: int | None = None
    """Of the input, not of the dead letter topic."""
    since: int | None = None
    """Microseconds; inclusive. Of the rejected record's own timestamp."""
    until: int | None = None
    """Likewise, and inclusive. A letter without a time is in no span."""

    def fits(self, letter: Letter) -> bool:
        """Say whether a letter is meant."""
        if self.reasons and letter.reason not in self.reasons:
            return False
        source = letter.source
        if self.partition is not None and (source is None or source.partition != self.partition):
            return False
        if self.since is None and self.until is None:
            return True
        if letter.timestamp is None:
            return False
        instant = letter.timestamp * 1000
        return (self.since is None or instant >= self.since) and (
            self.until is None or instant <= self.until
        )


async def chosen(
    box: LetterBox, bounds: Bounds, wanted: Filter, told: Told
) -> AsyncGenerator[Sequence[Letter], None]:
    """Yield the letters that fit, in order within a partition, in batches that may be empty.

    Raises:
        FatalError: this user may not read them.
        RetryableError: a leader did not answer.
    """
    total = sum(end - first for first, end in bounds.values())
    before = 0
    for partition, (first, end) in sorted(bounds.items()):
        async with aclosing(box.read(partition, first, end)) as batches:
            async for letters in batches:
                yield [letter for letter in letters if wanted.fits(letter)]
                told((before + letters[-1].offset + 1 - first) / total)
        before += end - first
