"""``dlq show``: one letter, whole, and what becomes of its record now."""

import base64

import msgspec

from firstreply.adapters.kafka.letter import Letter, Source
from firstreply.check_event import Outcome
from firstreply.dlq_commands.moments import moment
from firstreply.dlq_commands.port import LetterBox
from firstreply.domain.errors import ConfigurationError


class Bytes(msgspec.Struct, frozen=True):
    """Bytes for a program."""

    base64: str
    text: str | None
    """None where they are not UTF-8."""


class Shown(msgspec.Struct, frozen=True):
    """A letter for a program; the bytes exactly, whatever they are."""

    topic: str
    letter: str
    source: Source | None
    time: str | None
    reason: str
    detail: str
    replays: int
    key: Bytes | None
    headers: tuple[tuple[str, Bytes | None], ...]
    value: Bytes | None
    now: dict[str, object]
    """What ``check-event`` says of it with the present configuration."""


def read_place(text: str) -> tuple[int, int]:
    """Read PARTITION:OFFSET. Raises ConfigurationError."""
    partition, colon, offset = text.partition(":")
    if not (colon and _is_number(partition) and _is_number(offset)):
        msg = f"{text}: give PARTITION:OFFSET as firstreply dlq list shows it, such as 0:17"
        raise ConfigurationError(msg)
    return int(partition), int(offset)


async def fetch(box: LetterBox, partition: int, offset: int) -> Letter:
    """Return one letter.

    Raises:
        ConfigurationError: there is none.
        FatalError: this user may not read it.
        RetryableError: the leader did not answer.
    """
    bounds = await box.bounds()
    if partition not in bounds:
        msg = f"{partition}:{offset}: topic {box.topic} has partitions 0 to {len(bounds) - 1}"
        raise ConfigurationError(msg)
    first, end = bounds[partition]
    if not first <= offset < end:
        held = "no letters" if first == end else f"offsets {first} to {end - 1}"
        msg = f"{partition}:{offset}: topic {box.topic}, partition {partition} holds {held}"
        raise ConfigurationError(msg)
    async for letters in box.read(partition, offset, offset + 1):
        for letter in letters:
            return letter
    msg = f"{partition}:{offset}: topic {box.topic} holds no letter there; see firstreply dlq list"
    raise ConfigurationError(msg)


def shown(topic: str, letter: Letter, outcome: Outcome) -> Shown:
    """Make a letter fit for a program."""
    return Shown(
        topic=topic,
        letter=f"{letter.partition}:{letter.offset}",
        source=letter.source,
        time=moment(letter.timestamp),
        reason=letter.reason,
        detail=letter.detail,
        replays=letter.replays,
        key=_bytes(letter.key),
        headers=tuple((name, _bytes(content)) for name, content in letter.headers),
        value=_bytes(letter.value),
        now=outcome.as_dict(),
    )


def _bytes(content: bytes | None) -> Bytes | None:
    if content is None:
        return None
    try:
        text: str | None = content.decode()
    except UnicodeDecodeError:
        text = None
    return Bytes(base64.b64encode(content).decode(), text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < len(str(2**63))
