"""The state of one partition as a value: what a checkpoint stores and a restore reads.

Contacts are encoded in slices of one shard each, so that a large state can be written and read
piece by piece. Policies travel by digest beside them: a contact names the digest it pinned.
"""

from collections.abc import Iterable

import msgspec

from firstreply.domain.bands import Policy
from firstreply.domain.contact import Contact

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Contact])


class Snapshot(msgspec.Struct, frozen=True):
    """Everything an engine needs to go on exactly where it was."""

    log_time: int
    offset: int | None
    proof: int | None
    ledger: dict[str, int]
    policies: dict[str, Policy]
    slices: tuple[bytes, ...]


def encode_contacts(contacts: Iterable[Contact]) -> bytes:
    """Encode one slice."""
    return _encoder.encode(list(contacts))


def decode_contacts(encoded: bytes) -> list[Contact]:
    """Decode one slice."""
    return _decoder.decode(encoded)
