"""The published event contract: the JSON Schema, and the explanation of an event.

``judge`` reads a record by the models in ``adapters.contract_models``, apart from the hot path, and
lists *everything* that is wrong with it, where ``adapters.codec`` stops at the first thing.
CloudEvents are judged by their flat form: attributes and data together. What is JSON at all, both
readers leave to one parser. A property test holds the two to the same verdict and, where both
accept, to the same event.

Not for the hot path: an explanation costs many times a decoding. Like every rejection it never
quotes the record.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from firstreply.adapters.cloudevents import (
    ATTRIBUTES,
    LONG_ID,
    NO_ID,
    NO_SOURCE,
    VERSION,
    Shape,
    cloud_kind,
    recognise,
)
from firstreply.adapters.codec import Limits
from firstreply.adapters.contract_models import MODELS, AnyContactEvent
from firstreply.adapters.json_text import unreadable
from firstreply.adapters.records import FileRecord
from firstreply.adapters.wire import ABSENT, Data, blank, flat_kind, given, members
from firstreply.domain.events import Actor, ContactEvent, EventType
from firstreply.ports import Headers, Record
from firstreply.rejection import (
    MAX_TEXT,
    NO_CHANNEL,
    NO_CONTACT_ID,
    NO_REASON,
    NO_TIME,
    NO_TYPE,
    NO_VALUE,
    NOT_CUSTOMER,
    NOT_HUMAN_OR_BOT,
    TOO_LATE,
    UNKNOWN,
    Reason,
    Rejected,
    Unknown,
    misfit,
    oversize,
)

Faults = tuple[Rejected, ...]
"""Everything that is wrong with a record; never empty."""

_DATA: Final = tuple(field.name for field in msgspec.structs.fields(Data))
_FLAT: Final = ("id", "time", *_DATA)
_UNREADABLE: Final = object()


def schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of the flat form."""
    generated = TypeAdapter(AnyContactEvent).json_schema()
    for model in generated["$defs"].values():
        for member in model["properties"].values():
            member.pop("title", None)  # pydantic's repeat of the name
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:firstreply:contact-event:v1",
        "title": "Contact event",
        "description": "One event of one contact, in the flat form. Unknown members are ignored;"
        " events of other types are counted and ignored by the service.",
        **generated,
    }


def explain(
    value: bytes | None,
    *,
    headers: Headers = (),
    timestamp: int | None = None,
    limits: Limits | None = None,
) -> list[str]:
    """Say everything that is wrong with an event: place and remedy. Empty if nothing is.

    Args:
        value: the record's value.
        headers: the record's headers.
        timestamp: the record's own, milliseconds since the epoch; None where there is none.
        limits: the settings; their defaults when left out.
    """
    record = FileRecord(0, value, timestamp=timestamp, headers=headers)
    verdict = judge(record, limits or Limits())
    return [fault.detail for fault in verdict] if isinstance(verdict, tuple) else []


def judge(record: Record, limits: Limits) -> ContactEvent | Unknown | Faults:
    """Read a record by the published model; of a bad one, return all faults."""
    value = record.value
    if value is None:
        return (NO_VALUE,)
    if len(value) > limits.max_event_bytes:
        return (oversize(limits.max_event_bytes),)
    shape, found = recognise(record.headers)
    if shape is Shape.BINARY:
        return _Reading(record, limits).binary(found, value)
    taken = unreadable(value) or members(value)
    if isinstance(taken, Rejected):
        return (taken,)
    reading = _Reading(record, limits)
    if shape is Shape.STRUCTURED or given(taken.get("specversion", ABSENT)):
        return reading.structured(taken)
    return reading.flat(_plain(taken, ("type", *_FLAT)))


def _plain(taken: Mapping[str, msgspec.Raw], names: tuple[str, ...]) -> dict[str, object]:
    """Decode the members we know; null ones are left out, as absent."""
    plain: dict[str, object] = {}
    for name in names:
        if name in taken:
            try:
                plain[name] = msgspec.json.decode(taken[name])
            except msgspec.DecodeError:  # a number beyond any range
                plain[name] = _UNREADABLE
    return {name: content for name, content in plain.items() if content is not None}


class _Reading:
    """One record being judged; gathers its faults."""

    def __init__(self, record: Record, limits: Limits) -> None:
        self._faults: list[Rejected] = []
        self._last = limits.last_instant(record.timestamp)
        self._fallback = limits.fallback_instant(record.timestamp)

    def flat(self, plain: dict[str, object]) -> ContactEvent | Unknown | Faults:
        name = plain.pop("type", None)
        if isinstance(name, str) and flat_kind(name) is None:
            return UNKNOWN
        return self._validated(self._kind(name), plain, "")

    def structured(self, taken: Mapping[str, msgspec.Raw]) -> ContactEvent | Unknown | Faults:
        attributes = _plain(taken, ATTRIBUTES)
        data = taken.get("data", ABSENT)
        encoded = taken.get("data_base64", ABSENT)
        payload = bytes(data) if given(data) else b""
        if given(encoded):
            try:
                decoded = msgspec.json.decode(encoded, type=bytes)
                payload = payload or decoded
            except msgspec.DecodeError:
                self._faults.append(misfit("data_base64"))
        return self._cloud_event(attributes, payload or None)

    def binary(self, found: Mapping[str, bytes], value: bytes) -> ContactEvent | Unknown | Faults:
        attributes: dict[str, object] = {}
        for name in ATTRIBUTES:
            content = found.get(f"ce_{name}")
            if content is not None:
                try:
                    attributes[name] = content.decode()
                except UnicodeDecodeError:
                    self._faults.append(misfit(name, "ce_"))
        return self._cloud_event(attributes, value or None)

    def _cloud_event(
        self, attributes: dict[str, object], payload: bytes | None
    ) -> ContactEvent | Unknown | Faults:
        name = attributes.get("type")
        kind = None
        if isinstance(name, str):
            kind = cloud_kind(name)
            if kind is None:
                return UNKNOWN
        else:
            self._kind(name)
        plain = self._data(payload)
        self._attributes(attributes, plain)
        return self._validated(kind, plain, "data.")

    def _kind(self, name: object) -> EventType | None:
        if isinstance(name, str):
            return flat_kind(name)
        self._faults.append(NO_TYPE if name is None else misfit("type"))
        return None

    def _data(self, payload: bytes | None) -> dict[str, object]:
        if payload is None:
            return {}
        taken = unreadable(payload) or members(payload, "data")
        if isinstance(taken, Rejected):
            self._faults.append(taken)
            return {}
        return _plain(taken, _DATA)

    def _attributes(self, attributes: Mapping[str, object], plain: dict[str, object]) -> None:
        """Check the envelope, and write what it says into the flat form."""
        version = attributes.get("specversion", "")
        if version != "1.0":
            self._faults.append(VERSION if isinstance(version, str) else misfit("specversion"))
        source = self._attribute(attributes, "source", NO_SOURCE)
        ident = self._attribute(attributes, "id", NO_ID)
        if len(source) + 1 + len(ident) > MAX_TEXT:
            self._faults.append(LONG_ID)
        elif source and ident:
            plain["id"] = f"{source}/{ident}"
        key = self._attribute(attributes, "partitionkey", None)
        if key:
            plain.setdefault("contact_id", key)
        time = attributes.get("time")
        if time is not None:
            # A number is for the flat form only: CloudEvents define time as a text.
            plain["time"] = time if isinstance(time, str) else _UNREADABLE

    def _attribute(
        self, attributes: Mapping[str, object], name: str, absent: Rejected | None
    ) -> str:
        content = attributes.get(name, "")
        if not isinstance(content, str) or len(content) > MAX_TEXT:
            self._faults.append(misfit(name))
            return ""
        if blank(content):
            if absent is not None:
                self._faults.append(absent)
            return ""
        return content

    def _validated(
        self, kind: EventType | None, plain: dict[str, object], place: str
    ) -> ContactEvent | Faults:
        absent = None
        if "time" not in plain and self._fallback is not None:
            absent, plain["time"] = self._fallback, 0
            if absent > self._last:
                self._faults.append(TOO_LATE)
        plain["type"] = (kind or EventType.QUEUED).value  # queued asks for nothing of its own
        try:
            model = MODELS[kind or EventType.QUEUED].model_validate(plain, context=self._last)
        except ValidationError as error:
            found = error.errors(include_url=False)
            return (*self._faults, *(_fault(each, kind, place) for each in found))
        if self._faults or kind is None:
            return tuple(self._faults)
        return model.to_event(kind, absent)


_ABSENT: Final = {
    "contact_id": NO_CONTACT_ID,
    "time": NO_TIME,
    "channel": NO_CHANNEL,
    "actor": NOT_HUMAN_OR_BOT,
    "reason": NO_REASON,
}


def _fault(error: ErrorDetails, kind: EventType | None, place: str) -> Rejected:
    """Say it in the words of the hot path, so that both readers agree to the letter."""
    name = str(error["loc"][0])
    if error["type"] in set(Reason):
        return Rejected(Reason(error["type"]), error["msg"])
    if error["type"] in {"missing", "missing_text"}:
        return _ABSENT[name]
    if name == "actor" and error["input"] in tuple(Actor):
        return NOT_CUSTOMER if kind is EventType.MESSAGE else NOT_HUMAN_OR_BOT
    return misfit(name, place if name in _DATA else "")
