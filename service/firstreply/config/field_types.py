"""The kinds of value a setting can have, each with its check, its text form and its JSON Schema.

Every value arrives as text, whether it was quoted in the file or not and whether it came from the
file or the environment, so that ``22:00``, ``2026-12-24``, ``57`` and ``NO`` mean what they say. A
check raises ``ValueError`` with a message that names the value and the remedy; the place is added
by ``config_load``.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
)

from firstreply.config.did_you_mean import did_you_mean
from firstreply.durations import PATTERN, UNITS, canonical, parse_duration

_SIZE: Final = re.compile(r"([0-9]{1,12})(KiB|MiB|GiB)?")
_SIZES: Final = {None: 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
CONTACT_ID: Final = "{contact_id}"
"""Stands for the id of a contact in a link."""

_ADDRESS: Final = re.compile(r"[!-~]+")
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1", "localhost"})

_DURATION_SCHEMA: Final = {
    "type": "string",
    "pattern": f"^(?:0|(?=.){PATTERN})$".replace("([0-9]{1,9})", "[0-9]{1,9}"),
    "examples": ["250ms", "20s", "10m", "1h30m", "30d"],
}


def none_is_empty(value: object) -> object:
    """Read a key without a value, such as ``channels:``, as an empty mapping."""
    return {} if value is None else value


def text_of(value: object) -> str:
    """Return a scalar as it was written.

    Raises:
        ValueError: a key without a value, or a list or mapping.
    """
    if isinstance(value, str):
        return value
    msg = "has no value" if value is None else "needs one value, not a list or mapping"
    raise ValueError(msg)


def _duration(value: object) -> timedelta:
    return value if isinstance(value, timedelta) else parse_duration(text_of(value))


def _duration_or_never(value: object) -> timedelta | None:
    if value == "never":
        return None
    try:
        return _positive(_duration(value))
    except ValueError as error:
        msg = f"{error}, or never"
        raise ValueError(msg) from error


def _positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        msg = "must be longer than 0s"
        raise ValueError(msg)
    return duration


def _limit(text: str) -> str:
    if not timedelta(0) < parse_duration(text) <= UNITS["y"]:
        msg = f'"{text}" cannot be a limit; write more than 0s and at most 1y'
        raise ValueError(msg)
    return text


def _name(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable() or len(text) > 64:
        msg = f'"{text}" cannot be a name; write 1 to 64 characters without spaces around them'
        raise ValueError(msg)
    return text


def _contact_link(text: str) -> str:
    said = f'"{text}" cannot be a link;'
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        msg = f"{said} remove spaces and what cannot be printed from it"
        raise ValueError(msg)
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in {"https", "http"}:
        msg = f"{said} begin it with https:// (or http://)"
        raise ValueError(msg)
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not host or "{" in host or "@" in host:
        msg = f"{said} write the name of a host after {scheme}://, without {CONTACT_ID} or a user"
        raise ValueError(msg)
    if text.count(CONTACT_ID) != 1 or re.search(r"[{}]", text.replace(CONTACT_ID, "")):
        msg = f"{said} write {CONTACT_ID} exactly once in it, and no other braces"
        raise ValueError(msg)
    return text


def _token_url(text: str) -> str:
    """Check an address that a secret is sent to; the text is not repeated, it may hold one."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if (
        not host
        or port == 0
        or "@" in parts.netloc
        or parts.fragment
        or not _ADDRESS.fullmatch(text)
    ):
        msg = "is no address without user and fragment; write https://HOST/PATH"
        raise ValueError(msg)
    if parts.scheme != "https" and (parts.scheme != "http" or host not in _THIS_MACHINE):
        msg = "would carry a secret in the clear; write https:// (http:// on 127.0.0.1 alone)"
        raise ValueError(msg)
    return text


def _size(value: object) -> int:
    if isinstance(value, int):
        return value
    text = text_of(value)
    match = _SIZE.fullmatch(text)
    if match is None or int(match[1]) == 0:
        msg = f'"{text}" is not a size; write bytes such as 1048576, 512KiB or 1MiB'
        raise ValueError(msg)
    return int(match[1]) * _SIZES[match[2]]


def _size_text(size: int) -> str:
    for unit, factor in reversed(_SIZES.items()):
        if unit and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def _start_point(value: object) -> datetime | Literal["earliest", "latest"]:
    if isinstance(value, datetime):
        return value
    if value == "earliest" or value == "latest":  # noqa: PLR1714 - mypy narrows no tuple
        return value
    text = text_of(value)
    near = did_you_mean(text, ("earliest", "latest"))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        msg = (
            f'"{text}" is not a place to start; {near}write earliest, latest or a time with '
            "its offset such as 2026-11-01T00:00:00Z"
        )
        raise ValueError(msg)
    return moment.astimezone(UTC)


def _start_text(start: datetime | str) -> str:
    return start if isinstance(start, str) else start.isoformat().replace("+00:00", "Z")


Duration = Annotated[
    timedelta,
    PlainValidator(_duration),
    PlainSerializer(canonical, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
"""Zero or longer."""

PositiveDuration = Annotated[Duration, AfterValidator(_positive)]

DurationOrNever = Annotated[
    timedelta | None,
    PlainValidator(_duration_or_never),
    PlainSerializer(lambda d: "never" if d is None else canonical(d), return_type=str),
    WithJsonSchema({"anyOf": [_DURATION_SCHEMA, {"const": "never"}]}),
]
"""``None`` is never."""

BandName = Annotated[str, AfterValidator(_limit), WithJsonSchema(_DURATION_SCHEMA)]
"""A limit, spelt as it is to appear in the ``band`` label."""

Name = Annotated[str, AfterValidator(_name)]
"""Of a channel, queue, calendar or reason: becomes the value of a label."""

ContactLink = Annotated[
    str,
    AfterValidator(_contact_link),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[hH][tT][tT][pP][sS]?://[^/?#{}@\s]+[/?#][^{}\s]*\{contact_id\}[^{}\s]*$",
            "examples": ["https://crm.example/{contact_id}"],
        }
    ),
]
"""The address of a contact in another system."""

TokenUrl = Annotated[
    str,
    AfterValidator(_token_url),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[hH][tT][tT][pP][sS]?://[^/?#@\s]+([/?][^#\s]*)?$",
            "examples": ["https://login.example/oauth2/token"],
        }
    ),
]
"""Where tokens are had."""

Size = Annotated[
    int,
    PlainValidator(_size),
    PlainSerializer(_size_text, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB)?$"},
            ],
        },
    ),
]
"""Bytes."""

StartPoint = Annotated[
    datetime | Literal["earliest", "latest"],
    PlainValidator(_start_point),
    PlainSerializer(_start_text, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["earliest", "latest"]},
                {"type": "string", "format": "date-time", "pattern": "^[0-9]{4}-.*T.*"},
            ]
        },
    ),
]

OptionalMapping = BeforeValidator(none_is_empty)
"""For a mapping whose key may stand without a value."""
