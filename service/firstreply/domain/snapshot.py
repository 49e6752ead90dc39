"""The state of one partition as a value: what a checkpoint stores and a restore reads.

Contacts are encoded in slices, so that a large state can be written and read piece by piece.
Policies travel by digest beside them: a contact names the digest it pinned.

msgpack is UTF-8, which has no lone surrogates, but an id, a channel or a reason may carry one: JSON
can. The few contacts that do are encoded with their texts as bytes, so that what comes back is
equal to what went in, whatever it was.
"""

from collections.abc import Iterable
from sys import intern

import msgspec

from firstreply.domain.bands import Policy
from firstreply.domain.contact import Contact


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
    """Contacts as they are, and those that UTF-8 cannot express."""

    contacts: list[Contact]
    hostile: list[bytes]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Slice)


def encode_contacts(contacts: Iterable[Contact]) -> bytes:
    """Encode one slice."""
    listed = list(contacts)
    try:
        return _encoder.encode(_Slice(listed, []))
    except UnicodeEncodeError:
        return _encoder.encode(_split(listed))


def decode_contacts(encoded: bytes) -> list[Contact]:
    """Decode one slice. Raises ``msgspec.MsgspecError`` if it is none."""
    read = _decoder.decode(encoded)
    for hostile in read.hostile:
        texts = _as_text(msgspec.msgpack.decode(hostile))
        read.contacts.append(msgspec.convert(texts, Contact))
    for contact in read.contacts:
        _share(contact)
    return read.contacts


def _share(contact: Contact) -> None:
    """Let the contact have the texts that many have in common with the others; a third less."""
    contact.policy = intern(contact.policy)
    if contact.received is not None:
        contact.received = (intern(contact.received[0]), intern(contact.received[1]))
    if contact.inbound is not None:
        at, kind, channel = contact.inbound
        contact.inbound = (at, kind, intern(channel))
    if contact.named == contact.inbound:
        contact.named = contact.inbound


def _split(contacts: list[Contact]) -> _Slice:
    """Tell the contacts that UTF-8 can express from those that it cannot."""
    split = _Slice([], [])
    for contact in contacts:
        try:
            _encoder.encode(contact)
        except UnicodeEncodeError:
            split.hostile.append(_encoder.encode(_as_bytes(msgspec.to_builtins(contact))))
        else:
            split.contacts.append(contact)
    return split


def _as_bytes(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case dict():
            return {_as_bytes(key): _as_bytes(one) for key, one in value.items()}
        case list() | tuple():
            return [_as_bytes(one) for one in value]
        case _:
            return value


def _as_text(value: object) -> object:
    match value:
        case bytes():
            return value.decode("utf-8", "surrogatepass")
        case dict():
            return {_as_text(key): _as_text(one) for key, one in value.items()}
        case list() | tuple():
            return [_as_text(one) for one in value]
        case _:
            return value
