"""What a checkpoint carries beside its header: contacts, removed ids, policies, increments.

A body is a sequence of frames, each a kind (one byte), a length (four bytes, big-endian) and that
many bytes of zstd over msgpack. A frame holds about five hundred contacts, so that writing and
reading stop often enough for whoever shares the event loop.

Policies travel as plain data with their opening hours: a calendar is compiled anew where it is
read. A policy whose digest is not the one it was stored under is refused, as it would judge
contacts by other rules than those they were promised.
"""

from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from cramjam import DecompressionError, zstd

from firstreply.domain.bands import Policy
from firstreply.domain.calendar import Calendar
from firstreply.domain.increments import Increments
from firstreply.domain.opening_hours import OpeningHours
from firstreply.domain.snapshot import decode_rows, encode_rows
from firstreply.state.chunk import DamagedChunkError, NewerChunkError

PIECE: Final = 500
"""Contacts in one frame: some milliseconds to pack and to compress."""

_Uncounted = tuple[
    list[tuple[tuple[str, tuple[str, ...]], int]], list[tuple[str, tuple[str, ...], float]]
]
"""As ``Increments`` has them; msgpack has no tuples as keys."""

_LEVEL: Final = 1
"""Level 3 takes half as long again for the same size: rows are half noise, their ids."""
_HEAD: Final = 5


class FrameKind(IntEnum):
    """What a frame holds."""

    POLICIES = 1
    CHANGED = 2
    """Contacts that changed, outside the base shards."""
    REMOVED = 3
    """Ids that are no longer kept, outside the base shards."""
    BASE = 4
    """Contacts of the base shards, which hold no others."""
    UNCOUNTED = 5
    """Increments that no process has exported yet."""


class Frame(msgspec.Struct, frozen=True):
    """One frame, still compressed."""

    kind: FrameKind
    packed: memoryview


def rows_frame(kind: FrameKind, rows: Iterable[tuple[str, bytes]]) -> bytes:
    """Encode ids and rows of contacts, ``PIECE`` or fewer."""
    return _frame(kind, encode_rows(rows))


def removed_frame(ids: Iterable[str]) -> bytes:
    """Encode ids, also those that UTF-8 cannot express."""
    texts = [one.encode("utf-8", "surrogatepass") for one in ids]
    return _frame(FrameKind.REMOVED, msgspec.msgpack.encode(texts))


def policies_frame(policies: dict[str, Policy]) -> bytes:
    """Encode policies by digest."""
    return _frame(FrameKind.POLICIES, msgspec.msgpack.encode(policies, enc_hook=_calendar_as_hours))


def uncounted_frames(increments: Increments) -> Iterator[bytes]:
    """Encode increments, ``PIECE`` observations at a time."""
    counts, observations = list(increments.counts.items()), increments.observations
    for start in range(0, max(len(observations), 1), PIECE):
        content = counts if not start else [], observations[start : start + PIECE]
        yield _frame(FrameKind.UNCOUNTED, msgspec.msgpack.encode(content))


def frames(parts: Iterable[memoryview]) -> Iterator[Frame]:
    """Read the frames of a body that comes in parts, cut anywhere. Raises DamagedChunkError."""
    rest = memoryview(b"")
    for part in parts:
        rest = memoryview(b"".join((rest, part))) if rest else part
        while len(rest) >= _HEAD:
            end = _HEAD + int.from_bytes(rest[1:_HEAD])
            if end > len(rest):
                break
            yield _read_frame(rest[:end])
            rest = rest[end:]
    if rest:
        msg = "its body is cut off"
        raise DamagedChunkError(msg)


def _read_frame(frame: memoryview) -> Frame:
    try:
        return Frame(FrameKind(frame[0]), frame[_HEAD:])
    except ValueError as error:
        raise NewerChunkError(frame[0], max(FrameKind), of="frame") from error


def read_rows(frame: Frame) -> list[tuple[str, bytes]]:
    """Decode a frame of contacts into ids and rows. Raises DamagedChunkError."""
    try:
        return decode_rows(_unpacked(frame))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _undecodable(frame, error) from error


def read_removed(frame: Frame) -> list[str]:
    """Decode a frame of removed ids. Raises DamagedChunkError."""
    try:
        texts = msgspec.msgpack.decode(_unpacked(frame), type=list[bytes])
        return [text.decode("utf-8", "surrogatepass") for text in texts]
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _undecodable(frame, error) from error


def read_uncounted(frame: Frame) -> Increments:
    """Decode a frame of increments. Raises DamagedChunkError."""
    try:
        counts, observations = msgspec.msgpack.decode(_unpacked(frame), type=_Uncounted)
    except msgspec.MsgspecError as error:
        raise _undecodable(frame, error) from error
    return Increments(dict(counts), observations)


def read_policies(frame: Frame) -> dict[str, Policy]:
    """Decode a frame of policies, and see that each is the one its digest names.

    Raises:
        DamagedChunkError: one is another, or cannot be compiled on this machine.
    """
    try:
        policies = msgspec.msgpack.decode(
            _unpacked(frame), type=dict[str, Policy], dec_hook=_hours_as_calendar
        )
    except (msgspec.MsgspecError, ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _undecodable(frame, error) from error
    for digest, policy in policies.items():
        if policy.digest() != digest:
            msg = (
                f"the policy stored as {digest} (channel {policy.channel}) reads as "
                f"{policy.digest()}: contacts would be judged by other rules than they began with"
            )
            raise DamagedChunkError(msg)
    return policies


def _frame(kind: FrameKind, content: bytes) -> bytes:
    packed = bytes(zstd.compress(content, level=_LEVEL))
    return b"".join((bytes([kind]), len(packed).to_bytes(4), packed))


def _unpacked(frame: Frame) -> bytes:
    try:
        return bytes(zstd.decompress(frame.packed))
    except DecompressionError as error:
        raise _undecodable(frame, error) from error


def _undecodable(frame: Frame, error: Exception) -> DamagedChunkError:
    return DamagedChunkError(f"its {frame.kind.name.lower()} cannot be read: {error}")


def _calendar_as_hours(value: object) -> OpeningHours:
    if isinstance(value, Calendar):
        return value.hours
    msg = f"{type(value)} has no place in a policy"
    raise NotImplementedError(msg)


def _hours_as_calendar(kind: type, value: object) -> Calendar:
    if kind is Calendar:
        return _compiled(msgspec.msgpack.encode(value))
    msg = f"{kind} has no place in a policy"
    raise NotImplementedError(msg)


@lru_cache(maxsize=64)
def _compiled(hours: bytes) -> Calendar:
    """Return one calendar for all channels that share it, as in the configuration."""
    return Calendar(msgspec.msgpack.decode(hours, type=OpeningHours))
