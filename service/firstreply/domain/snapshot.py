"""The state of one partition as a value: what a checkpoint stores and a restore reads.

Contacts travel in slices, so that a large state can be written and read piece by piece, and as the
rows that they rest as (``domain.packing``). Policies travel by digest beside them: a contact names
the digest it pinned.
"""

from collections.abc import Iterable

import msgspec

from firstreply.domain.bands import Policy


class Standing(msgspec.Struct, frozen=True):
    """What an engine knows beside its contacts."""

    log_time: int
    offset: int | None
    proof: int | None
    ledger: dict[str, int]
    policies: dict[str, Policy]


class Snapshot(msgspec.Struct, frozen=True):
    """Everything an engine needs to go on exactly where it was."""

    standing: Standing
    slices: tuple[bytes, ...]


class _Slice(msgspec.Struct, array_like=True):
    """Ids and rows; apart, as bytes, the ids that UTF-8 cannot express."""

    rows: list[tuple[str, bytes]]
    hostile: list[tuple[bytes, bytes]]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Slice)


def encode_rows(rows: Iterable[tuple[str, bytes]]) -> bytes:
    """Encode one slice: ids and rows of contacts."""
    listed = list(rows)
    try:
        return _encoder.encode(_Slice(listed, []))
    except UnicodeEncodeError:
        texts = [(one.encode("utf-8", "surrogatepass"), row) for one, row in listed]
        return _encoder.encode(_Slice([], texts))


def decode_rows(encoded: bytes) -> list[tuple[str, bytes]]:
    """Decode one slice. Raises ``msgspec.MsgspecError`` or UnicodeError if it is none.

    What the rows say is not looked at.
    """
    read = _decoder.decode(encoded)
    hostile = [(one.decode("utf-8", "surrogatepass"), row) for one, row in read.hostile]
    return read.rows + hostile
