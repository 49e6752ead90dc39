"""One checkpoint of a partition as records of the state log: the frame, the header, the parts.

A record is ``frst``, a format version (one byte), a crc32 of that byte and of all that follows it
(four bytes, big-endian), the length of the header (four bytes), the header in msgpack, and a part
of the body. These first nine bytes are so in every version, so that damage is told from news: a
crc that does not fit is damage, one that fits below an unknown version is a newer firstreply's.

A body larger than the limit is cut into several records, *parts*, at any byte: a checkpoint holds
only when all are there. The body itself is a sequence of compressed frames; see ``body``. What
chooses a checkpoint stands in the header, outside the compression, and is cheap to read.

An *order* tells which of two checkpoints to go on from: the later hold by the word of the consumer
group, never the one that claims to be further. A zombie writes with an old generation for ever.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal
from zlib import crc32

import msgspec

from firstreply.domain.errors import FatalError, FirstreplyError
from firstreply.domain.store import SHARDS

MAGIC: Final = b"frst"
FORMAT: Final = 2
"""Of the bytes. Rises with every change that an older firstreply cannot read. Format 1 had contacts
in another form (decision 0012); no release wrote it, so nothing reads it."""
FOLD: Final = 1
"""Of the rules. Rises when the same events, folded on, would no longer give the same figures."""

Kind = Literal["claim", "checkpoint"]

_CRC_AT: Final = len(MAGIC) + 1
_COVERED_FROM: Final = _CRC_AT + 4


class DamagedChunkError(FirstreplyError):
    """A record is not what was written: its bytes, or what they say, do not fit together."""


class NewerChunkError(FatalError):
    """A record was written by a newer firstreply, and this one would misread it. Exit code 1."""

    def __init__(self, version: int, known: int, *, of: str) -> None:
        super().__init__(
            f"the state log was written by a newer firstreply ({of} {version}, and this one knows "
            f"up to {known}): start that version again, or a newer one; to go back to this one, "
            "rebuild the state from the input topic (firstreply state rebuild --from TIME)"
        )


class Fingerprint(msgspec.Struct, frozen=True, array_like=True):
    """What the last folded input record was, to see that the topic is still the same one."""

    offset: int
    timestamp: int | None
    """Milliseconds, as the record has it."""
    digest: bytes
    """Eight bytes of blake2b over key and value."""


class Link(msgspec.Struct, frozen=True, array_like=True):
    """A checkpoint, named by what it says and by where it lies."""

    offset: int
    """In the state log, of one of its records."""
    writer: str
    seq: int


class Header(msgspec.Struct, frozen=True, array_like=True):
    """All but the body. Equal in all parts of a checkpoint but for ``part``."""

    fold: int
    """Version of the rules; see ``FOLD``."""
    topic: str
    """Of the input."""
    partition: int
    partitions: int
    """How many the input topic has."""
    writer: str
    """One process's hold on the partition; hex of a uuid."""
    seq: int
    """Counts what the writer has built, from 0, also what was never acknowledged."""
    part: int
    parts: int
    parent: Link | None
    """What this one changes; None for the first of all, which is whole."""
    kind: Kind
    incarnation: int
    """Rises when the group's generations begin anew, because the group was deleted or expired."""
    generation: int
    offset: int
    """N: everything below it is folded."""
    last: Fingerprint | None
    """Of the last record folded; None when there was none."""
    log_time: int
    proof: int | None
    ledger: dict[str, int]
    """Absolute."""
    tracked: int
    """How many contacts the state has."""
    shards: int
    """How many shards the ids are spread over."""
    base_first: int
    """First shard of which this one has every contact; the next one's number follows, in a ring."""
    base_count: int
    read_to: int | None = None
    """Where a checkpoint that begins an incarnation must lie; see ``is_void``."""


Order = tuple[int, int, int, int, int]
"""Incarnation, generation, N, log time, and what a writer did later."""


class Chunk(msgspec.Struct, frozen=True):
    """One record, decoded as far as its header."""

    header: Header
    payload: memoryview
    """This part of the body."""


def order(header: Header) -> Order:
    """Return what the greatest of is to be gone on from."""
    return (header.incarnation, header.generation, header.offset, header.log_time, header.seq)


def is_void(header: Header, part: int, offset: int) -> bool:
    """Return whether a record counts for nothing, because of where it lies in the log.

    What begins an incarnation would beat whatever another one has written since the log was read.
    So it holds only where reading ended: if it came later, whoever wrote in between stands above.
    """
    return header.read_to is not None and offset != header.read_to + part


def fingerprint(
    offset: int, timestamp: int | None, key: bytes | None, value: bytes | None
) -> Fingerprint:
    """Return what is kept of an input record."""
    digest = hashlib.blake2b(digest_size=8)
    for content in (key, value):
        digest.update(b"-" if content is None else b"%d:" % len(content))
        digest.update(content or b"")
    return Fingerprint(offset, timestamp, digest.digest())


def shards_of(header: Header) -> list[int]:
    """Return the numbers of the shards that this checkpoint has as a whole."""
    return [(header.base_first + n) % header.shards for n in range(header.base_count)]


def encode(header: Header, body: Sequence[bytes], limit: int) -> Iterator[bytes]:
    """Encode a checkpoint as records, one at each step.

    Args:
        header: ``part`` and ``parts`` are set here.
        body: of the whole checkpoint, in pieces.
        limit: bytes of a body that one record may carry; a header is a few hundred more.
    """
    parts = max(1, -(-sum(map(len, body)) // limit))
    for part, payload in enumerate(_payloads(body, limit)):
        told = msgspec.structs.replace(header, part=part, parts=parts)
        encoded = msgspec.msgpack.encode(told)
        yield framed(FORMAT, b"".join((len(encoded).to_bytes(4), encoded, payload)))


def _payloads(body: Sequence[bytes], limit: int) -> Iterator[bytes]:
    """Cut a body; each payload but the last is as long as the limit. At least one, maybe empty."""
    payload: list[memoryview] = []
    room = limit
    for piece in body:
        left = memoryview(piece)
        while len(left) > room:
            payload.append(left[:room])
            yield b"".join(payload)
            left, payload, room = left[room:], [], limit
        payload.append(left)
        room -= len(left)
    yield b"".join(payload)


def framed(version: int, covered: bytes) -> bytes:
    """Put in front what every version has in front."""
    crc = crc32(covered, crc32(bytes([version])))
    return b"".join((MAGIC, bytes([version]), crc.to_bytes(4), covered))


def decode(record: bytes | None) -> Chunk:
    """Decode one record.

    Raises:
        DamagedChunkError: it is not what was written.
        NewerChunkError: it is, but by a newer firstreply.
    """
    if record is None or not record.startswith(MAGIC) or len(record) < _COVERED_FROM:
        msg = "it does not begin as a state record does"
        raise DamagedChunkError(msg)
    version = record[len(MAGIC)]
    covered = memoryview(record)[_COVERED_FROM:]
    if crc32(covered, crc32(bytes([version]))) != int.from_bytes(record[_CRC_AT:_COVERED_FROM]):
        msg = "its checksum does not fit"
        raise DamagedChunkError(msg)
    read = READERS.get(version)
    if version < min(READERS):
        msg = f"a firstreply from before the first release wrote it (format {version})"
        raise DamagedChunkError(msg)
    if read is None:
        raise NewerChunkError(version, max(READERS), of="format")
    chunk = read(covered)
    if chunk.header.fold > FOLD:
        raise NewerChunkError(chunk.header.fold, FOLD, of="rules")
    if chunk.header.shards != SHARDS:
        msg = f"it spreads contacts over {chunk.header.shards} shards and not over {SHARDS}"
        raise DamagedChunkError(msg)
    return chunk


def _read_2(covered: memoryview) -> Chunk:
    size = int.from_bytes(covered[:4])
    try:
        header = msgspec.msgpack.decode(covered[4 : 4 + size], type=Header)
    except msgspec.MsgspecError as error:
        msg = f"its header cannot be read: {error}"
        raise DamagedChunkError(msg) from error
    return Chunk(header, covered[4 + size :])


READERS: dict[int, Callable[[memoryview], Chunk]] = {2: _read_2}
"""Format version to what reads the bytes after the checksum; every one ever released stays."""
