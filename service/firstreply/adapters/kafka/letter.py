"""The headers of a dead letter, and a letter read back: the record it was, and what we noted.

A letter's headers are those of the record, unchanged, then ours; only that last run is ours, so a
record that came with headers of the same names is given back with them. A record that was replayed
carries two marks besides, which a second replay replaces.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from firstreply.ports import Headers, Record

VERSION: Final = "1"

TOPIC: Final = "__streams.errors.topic"
PARTITION: Final = "__streams.errors.partition"
OFFSET: Final = "__streams.errors.offset"
EXCEPTION: Final = "__streams.errors.exception"
MESSAGE: Final = "__streams.errors.message"
REASON: Final = "firstreply.dlq.reason"
WRITTEN_BY: Final = "firstreply.dlq.version"
TIMESTAMP: Final = "firstreply.dlq.timestamp"
"""Names of our headers, in the order in which they are written."""
_OURS: Final = frozenset(
    {TOPIC, PARTITION, OFFSET, EXCEPTION, MESSAGE, REASON, WRITTEN_BY, TIMESTAMP}
)

REPLAYED_FROM: Final = "firstreply.dlq.replayed.from"
"""On a replayed record: the letter's topic/partition/offset."""
REPLAYED_COUNT: Final = "firstreply.dlq.replayed.count"
"""On a replayed record: how often it was replayed, this time included."""
_MARKS: Final = frozenset({REPLAYED_FROM, REPLAYED_COUNT})


class Source(msgspec.Struct, frozen=True):
    """Where a rejected record was."""

    topic: str
    partition: int
    offset: int


class Letter(msgspec.Struct, frozen=True):
    """A record of the dead letter topic."""

    partition: int
    """Of the dead letter topic; with ``offset`` the place of the letter."""
    offset: int
    source: Source | None
    """None: firstreply did not write this record, or another version of it did."""
    reason: str
    """Why it was rejected; empty without a source, as ``detail`` is."""
    detail: str
    timestamp: int | None
    """The rejected record's own, milliseconds since the epoch; None where it had none."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    """Those the record came with."""
    replays: int
    """How often the record had been replayed before it was rejected (again)."""


def read_letter(record: Record) -> Letter:
    """Take a record of the dead letter topic apart. Never raises on what is in it."""
    headers, ours = _split(record.headers)
    source = _source(ours)
    if source is None:
        headers, ours = record.headers, {}
    timestamp = record.timestamp if source is None else _whole(ours.get(TIMESTAMP))
    return Letter(
        partition=record.partition,
        offset=record.offset,
        source=source,
        reason=ours.get(REASON, ""),
        detail=ours.get(MESSAGE, ""),
        timestamp=timestamp,
        key=record.key,
        value=record.value,
        headers=[header for header in headers if header[0] not in _MARKS],
        replays=_replays(headers),
    )


def replayed_headers(letter: Letter, topic: str) -> Headers:
    """Return the headers of the record that a replay writes.

    Args:
        letter: to be replayed.
        topic: of the dead letters.
    """
    place = f"{topic}/{letter.partition}/{letter.offset}"
    return [
        *letter.headers,
        (REPLAYED_FROM, place.encode()),
        (REPLAYED_COUNT, str(letter.replays + 1).encode()),
    ]


def _split(headers: Headers) -> tuple[Headers, Mapping[str, str]]:
    """Part the headers of the record from ours: the last run, which begins with ``TOPIC``."""
    ours: dict[str, str] = {}
    for at in reversed(range(len(headers))):
        name, content = headers[at]
        if name not in _OURS:
            break
        ours[name] = (content or b"").decode(errors="backslashreplace")
        if name == TOPIC:
            return headers[:at], ours
    return headers, {}


def _source(ours: Mapping[str, str]) -> Source | None:
    partition, offset = _whole(ours.get(PARTITION)), _whole(ours.get(OFFSET))
    if ours.get(WRITTEN_BY) != VERSION or partition is None or offset is None or REASON not in ours:
        return None
    return Source(ours[TOPIC], partition, offset)


def _replays(headers: Headers) -> int:
    for name, content in reversed(headers):
        if name == REPLAYED_COUNT:
            return _whole((content or b"").decode(errors="replace")) or 0
    return 0


def _whole(text: str | None) -> int | None:
    """Read a number that is not negative, of at most 19 digits as Kafka's largest."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > len(str(2**63)):
        return None
    return int(text)
