"""The flat form on the wire: its members, and how they are taken out of JSON.

Bytes go in; a struct whose members all have the right type comes out, or a ``Rejected`` that names
the first member that has not. What the members *mean* is decided in ``adapters.codec``. Only the
members named here are decoded; unknown ones are skipped, though they too must be JSON.

An object is decoded in one call. Only when that fails is it taken apart member by member, to say
which one is wrong and whether the type is one of ours at all: a good record pays nothing for the
explanation of a bad one.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final, Generic, NamedTuple, TypeVar

import msgspec

from firstreply.domain.events import Actor, Direction, EventType
from firstreply.rejection import (
    MAX_TEXT,
    UNKNOWN,
    Reason,
    Rejected,
    Unknown,
    misfit,
    wrong_schema,
)

_KINDS: Final[Mapping[str | None, EventType]] = {kind.value: kind for kind in EventType}

flat_kind: Final = _KINDS.get
"""Reads the type of a flat event, exactly as the contract spells it; None: it is not ours."""


ABSENT: Final = msgspec.Raw()
"""An undecoded member that is not there."""
_NULL: Final = msgspec.Raw(b"null")


def given(raw: msgspec.Raw) -> bool:
    """Say whether an undecoded member is there and not null."""
    return bool(raw) and raw != _NULL


Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Data(msgspec.Struct, gc=False):
    """What CloudEvents carry in ``data`` and the flat form beside the rest."""

    contact_id: Text | None = None
    channel: Text | None = None
    queue: Text | None = None
    actor: Actor | None = None
    direction: Direction | None = None
    reason: Text | None = None


class Flat(Data, gc=False):
    """The flat form. With a ``specversion`` it is a structured CloudEvent instead."""

    type: str | None = None
    id: Text | None = None
    time: datetime | int | float | None = None
    specversion: msgspec.Raw = ABSENT


class Parts(NamedTuple):
    """What a CloudEvent comes down to, before the contract's rules are applied."""

    kind: EventType
    contact_id: str | None
    time: datetime | float | None
    """As decoded: a number is in seconds or milliseconds. None is absent."""
    id: str | None
    data: Data
    """Its contact id has no say here; ``contact_id`` has."""


def blank(text: str) -> bool:
    """Say whether a text counts as absent: it is empty or holds white space only."""
    return not text or text.isspace()


_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ANYTHING: Final = msgspec.json.Decoder(msgspec.Raw)
_NAME: Final = msgspec.json.Decoder(str)


def members(value: bytes | msgspec.Raw, place: str = "") -> dict[str, msgspec.Raw] | Rejected:
    """Take a JSON object apart; the values stay undecoded, of a name given twice the last wins.

    Args:
        value: JSON text that ``unreadable`` has nothing against.
        place: what the object is, for the message.
    """
    try:
        _ANYTHING.decode(value)  # the grammar first: typed decoders stop at the first wrong type
        return _MEMBERS.decode(value)
    except msgspec.ValidationError:
        return wrong_schema(f"{place or 'the event'} must be a JSON object")
    except msgspec.DecodeError as error:
        return _not_json(str(error), bytes(value)[:3])


def _not_json(error: str, start: bytes) -> Rejected:
    hint = f"{error}; send one JSON object per record"
    if start.startswith(b"\0"):
        hint = "the event starts with a schema registry's frame; send plain JSON"
    elif start == b"\xef\xbb\xbf":
        hint = "the event starts with a byte order mark; leave it out"
    return Rejected(Reason.NOT_JSON, hint)


_S = TypeVar("_S", bound=msgspec.Struct)


class Form(Generic[_S]):
    """Decodes one of the structs above from JSON.

    Args:
        struct: what to decode.
        place: what the object is, where it is not the event itself.
        kind_of: reads the object's type, which is judged before its other members.
    """

    def __init__(
        self,
        struct: type[_S],
        *,
        place: str = "",
        kind_of: Callable[[str], EventType | None] | None = None,
    ) -> None:
        self._struct = struct
        self._place = place
        self._kind_of = kind_of
        self.decode = msgspec.json.Decoder(struct).decode
        """Decodes at once. Raises msgspec.DecodeError: ``piecemeal`` knows why."""
        self._decoders = {
            field.name: msgspec.json.Decoder(field.type) for field in msgspec.structs.fields(struct)
        }

    def read(self, value: bytes | msgspec.Raw) -> _S | Rejected | Unknown:
        """Decode at once; where that fails, say why, or that the type is not ours."""
        try:
            return self.decode(value)
        except msgspec.DecodeError:
            return self.piecemeal(value)

    def piecemeal(self, value: bytes | msgspec.Raw) -> _S | Rejected | Unknown:
        """Decode member by member; of a name given twice only the last counts here."""
        found = members(value, self._place)
        if isinstance(found, Rejected):
            return found
        if self._kind_of is not None and _is_unknown(found.get("type"), self._kind_of):
            return UNKNOWN
        wire = self._struct()
        for name, decoder in self._decoders.items():
            raw = found.get(name)
            if raw is None:
                continue
            try:
                setattr(wire, name, decoder.decode(raw))
            except msgspec.DecodeError:
                return misfit(name, self._place and f"{self._place}.")
        return wire


def _is_unknown(raw: msgspec.Raw | None, kind_of: Callable[[str], EventType | None]) -> bool:
    if raw is None:
        return False
    try:
        return kind_of(_NAME.decode(raw)) is None
    except msgspec.DecodeError:
        return False


FLAT: Final = Form(Flat, kind_of=flat_kind)
DATA: Final = Form(Data, place="data")
