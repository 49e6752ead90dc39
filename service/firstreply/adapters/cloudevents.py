"""CloudEvents 1.0 as Kafka records: which mode a record is in, and what its envelope says.

Headers and bytes go in; ``Parts`` come out: the same the flat form has, with the type cut to ours
and the id made of source and id, which together identify a CloudEvent. The contact is
``data.contact_id``, else the ``partitionkey`` attribute, as the contract keys the topic by contact.
Neither ``subject`` (each producer means something else by it) nor the record's key is consulted: an
event means the same in a topic, a file and a dead letter.

Written by hand, as the official package decodes foreign headers, fails on a null one, takes the
time of day for an absent ``time`` and hides a null value. Here headers that are not ours are never
looked at and nothing is filled in. Sources: the CloudEvents specification 1.0.2, its JSON format
and its Kafka protocol binding.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from firstreply.adapters.json_text import unreadable
from firstreply.adapters.wire import (
    ABSENT,
    DATA,
    Data,
    Form,
    Parts,
    Text,
    blank,
    flat_kind,
    given,
)
from firstreply.domain.events import EventType
from firstreply.ports import Headers
from firstreply.rejection import (
    MAX_TEXT,
    NO_TYPE,
    UNKNOWN,
    Rejected,
    Unknown,
    misfit,
    wrong_schema,
)

_PREFIX: Final = "ce_"
_LABELS_OF_KIND: Final = 2
VERSION: Final = wrong_schema('specversion must be the text "1.0"; send CloudEvents 1.0')
NO_ID: Final = wrong_schema("id is missing or blank; CloudEvents require it")
NO_SOURCE: Final = wrong_schema("source is missing or blank; CloudEvents require it")
LONG_ID: Final = wrong_schema(
    f"source and id together must be at most {MAX_TEXT - 1} characters; shorten one"
)


class Shape(StrEnum):
    """How an event is written."""

    FLAT = "flat"
    STRUCTURED = "cloudevents-structured"
    BINARY = "cloudevents-binary"


class Envelope(msgspec.Struct, gc=False):
    """The attributes of a CloudEvent. Its time is RFC 3339 only, as CloudEvents say."""

    type: str | None = None
    specversion: str | None = None
    source: Text | None = None
    id: Text | None = None
    time: datetime | None = None
    partitionkey: Text | None = None
    data: msgspec.Raw = ABSENT
    data_base64: bytes | None = None


def cloud_kind(name: str) -> EventType | None:
    """Read the type of a CloudEvent: ``contact.opened``, ``org.example.contact.opened.v1``.

    A reverse-DNS prefix and the major version ``.v1`` are optional; another major version is
    another contract, so an unknown type.
    """
    kind = flat_kind(name)
    if kind is not None:
        return kind
    labels = name.removesuffix(".v1").rsplit(".", _LABELS_OF_KIND)
    if not labels[0]:  # a prefix that is only a dot
        return None
    return flat_kind(".".join(labels[-_LABELS_OF_KIND:]))


_ENVELOPE: Final = Form(Envelope, kind_of=cloud_kind)


class _Mark(msgspec.Struct):
    specversion: msgspec.Raw = ABSENT


_MARK: Final = msgspec.json.Decoder(_Mark)


def is_cloud_event(value: bytes) -> bool:
    """Say whether a JSON text is an object with a ``specversion``: a structured CloudEvent."""
    try:
        return given(_MARK.decode(value).specversion)
    except msgspec.DecodeError:
        return False


def recognise(headers: Headers) -> tuple[Shape, dict[str, bytes]]:
    """Tell the shape from the headers, and keep those that belong to CloudEvents.

    As the Kafka binding has it, a content type that begins with ``application/cloudevents`` means
    structured mode; otherwise ``ce_specversion`` means binary mode; otherwise the value decides
    (``Shape.FLAT`` here). Of a header given twice the last counts; a null one is absent. Names are
    read in any case. Foreign headers are not looked at: their bytes may be anything.
    """
    found: dict[str, bytes] = {}
    for name, content in headers:
        lowered = name.lower()
        if content is not None and (lowered.startswith(_PREFIX) or lowered == "content-type"):
            found[lowered] = content
    if not found:
        return Shape.FLAT, found
    if found.get("content-type", b"").lower().startswith(b"application/cloudevents"):
        return Shape.STRUCTURED, found
    return (Shape.BINARY if "ce_specversion" in found else Shape.FLAT), found


def shape_of(value: bytes, headers: Headers) -> Shape:
    """Tell the shape from headers and value together."""
    shape, _ = recognise(headers)
    return Shape.STRUCTURED if shape is Shape.FLAT and is_cloud_event(value) else shape


def structured(value: bytes) -> Parts | Rejected | Unknown:
    """Read a CloudEvent whose envelope and data are both in the value."""
    envelope = _ENVELOPE.read(value)
    if not isinstance(envelope, Envelope):
        return envelope
    if given(envelope.data):
        return _parts(envelope, envelope.data)
    return _with_bytes(envelope, envelope.data_base64 or b"")


def binary(found: Mapping[str, bytes], value: bytes) -> Parts | Rejected | Unknown:
    """Read a CloudEvent whose attributes are headers, as ``recognise`` found them."""
    envelope = _envelope(found)
    return _with_bytes(envelope, value) if isinstance(envelope, Envelope) else envelope


def _with_bytes(envelope: Envelope, payload: bytes) -> Parts | Rejected | Unknown:
    """Judge the type before the data: another system's event may carry data of any format.

    Nothing at all is an event without data, which CloudEvents allow.
    """
    if envelope.type is not None and cloud_kind(envelope.type) is None:
        return UNKNOWN
    return unreadable(payload) or _parts(envelope, payload or None)


def _parts(envelope: Envelope, payload: bytes | msgspec.Raw | None) -> Parts | Rejected | Unknown:
    if envelope.type is None:
        return NO_TYPE
    kind = cloud_kind(envelope.type)
    if kind is None:
        return UNKNOWN
    data = Data() if payload is None else DATA.read(payload)
    if not isinstance(data, Data):
        return data
    ident = _identity(envelope)
    if isinstance(ident, Rejected):
        return ident
    contact_id = envelope.partitionkey if data.contact_id is None else data.contact_id
    return Parts(kind, contact_id, envelope.time, ident, data)


def _identity(envelope: Envelope) -> str | Rejected:
    if envelope.specversion != "1.0":
        return VERSION
    if envelope.source is None or blank(envelope.source):
        return NO_SOURCE
    if envelope.id is None or blank(envelope.id):
        return NO_ID
    ident = f"{envelope.source}/{envelope.id}"
    return LONG_ID if len(ident) > MAX_TEXT else ident


ATTRIBUTES: Final = ("type", "specversion", "source", "id", "time", "partitionkey")


def _envelope(found: Mapping[str, bytes]) -> Envelope | Rejected | Unknown:
    texts: dict[str, str] = {}
    broken: Rejected | None = None
    for name in ATTRIBUTES:
        content = found.get(_PREFIX + name)
        if content is not None:
            try:
                texts[name] = content.decode()
            except UnicodeDecodeError:
                broken = broken or misfit(name, _PREFIX)
    if broken is not None:
        return UNKNOWN if "type" in texts and cloud_kind(texts["type"]) is None else broken
    try:
        return msgspec.convert(texts, Envelope)
    except msgspec.ValidationError:
        return _ENVELOPE.read(msgspec.json.encode(texts))
