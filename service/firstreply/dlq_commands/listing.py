"""``dlq list``: how many letters there are of each reason, and the newest of them."""

import heapq
from collections import Counter
from contextlib import aclosing
from typing import Final

import msgspec

from firstreply.adapters.kafka.letter import Letter, Source
from firstreply.dlq_commands.choosing import Filter, Told, chosen
from firstreply.dlq_commands.moments import moment
from firstreply.dlq_commands.port import LetterBox

FOREIGN: Final = "foreign"
"""In the place of the reason: this version of firstreply did not write the record."""


class Entry(msgspec.Struct, frozen=True):
    """A letter, without anything of what its record held."""

    letter: str
    """PARTITION:OFFSET in the dead letter topic."""
    source: Source | None
    time: str | None
    """Of the rejected record, RFC 3339."""
    reason: str
    detail: str
    replays: int
    """How often its record had been replayed before."""


class Listing(msgspec.Struct, frozen=True):
    """The dead letter topic, as the filters show it."""

    topic: str
    servers: str
    letters: int
    """That fit the filters."""
    reasons: dict[str, int]
    """Of all that fit, the most frequent first."""
    newest: tuple[Entry, ...]
    """The newest last."""


async def list_letters(box: LetterBox, wanted: Filter, limit: int, told: Told) -> Listing:
    """Read all letters; count them, and keep the newest ``limit``. Raises as ``chosen`` does."""
    reasons: Counter[str] = Counter()
    newest: list[tuple[tuple[int, int, int], Entry]] = []
    async with aclosing(chosen(box, await box.bounds(), wanted, told)) as batches:
        async for letters in batches:
            reasons.update(letter.reason or FOREIGN for letter in letters)
            ranked = [(_rank(letter), _entry(letter)) for letter in letters]
            newest = heapq.nlargest(limit, newest + ranked, key=lambda each: each[0])
    return Listing(
        topic=box.topic,
        servers=box.servers,
        letters=reasons.total(),
        reasons=dict(reasons.most_common()),
        newest=tuple(entry for _, entry in reversed(newest)),
    )


def _rank(letter: Letter) -> tuple[int, int, int]:
    time = -1 if letter.timestamp is None else letter.timestamp
    return time, letter.partition, letter.offset


def _entry(letter: Letter) -> Entry:
    return Entry(
        letter=f"{letter.partition}:{letter.offset}",
        source=letter.source,
        time=moment(letter.timestamp),
        reason=letter.reason or FOREIGN,
        detail=letter.detail,
        replays=letter.replays,
    )
