"""Why a record is no contact event: the closed list of reasons, and the words for a person.

Shared by every reader of the wire format, so that the hot path, the published model and the
reference say the same thing. Nothing here ever quotes a record: a dead letter's header, a log line
and a label must not carry what a customer wrote.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

MAX_TEXT: Final = 512
"""Characters in any text of an event; bounds what one contact can cost in memory."""


class Reason(StrEnum):
    """Why a record was rejected: a closed list, metric label and dead-letter header."""

    NOT_JSON = "not_json"
    WRONG_SCHEMA = "wrong_schema"
    NO_CONTACT_ID = "no_contact_id"
    NO_TIME = "no_time"
    BAD_TIME = "bad_time"
    ABSURD_TIME = "absurd_time"
    OVERSIZE = "oversize"


MEANING: Final[Mapping[Reason, str]] = {
    Reason.NOT_JSON: "no value, not JSON, not UTF-8, or nested too deeply",
    Reason.WRONG_SCHEMA: (
        "no object, no type, a member of the wrong type or too long, or one missing that the type"
        " requires"
    ),
    Reason.NO_CONTACT_ID: "no contact id, or a blank one",
    Reason.NO_TIME: "no time, and no timestamp is to be taken for it",
    Reason.BAD_TIME: "a time that cannot be read, has no offset, or is of unknown unit",
    Reason.ABSURD_TIME: "a time before 1970 or too far in the future",
    Reason.OVERSIZE: "a value larger than the limit",
}
"""Each reason in words, for the reference."""


class Rejected(msgspec.Struct, frozen=True):
    """A record that is no contact event."""

    reason: Reason
    detail: str
    """For a person: the place and the remedy. Never holds content of the record."""


class Unknown(msgspec.Struct, frozen=True):
    """An event of a type that is not ours: counted and ignored, never rejected."""


UNKNOWN: Final = Unknown()


_TEXT_RULE: Final = f"must be text of at most {MAX_TEXT} characters"
EXPECTED: Final[Mapping[str, str]] = {
    "type": "must be text, such as contact.opened",
    "contact_id": f"{_TEXT_RULE}; write a number in quotes",
    "time": (
        "must be RFC 3339 with seconds and an offset, such as 2026-03-02T09:15:00Z or"
        " 2026-03-02T10:15:00+01:00 (no leap second: send 23:59:59), or, in the flat form,"
        " a number of seconds (< 1e11) or milliseconds (< 1e14)"
    ),
    "id": f"{_TEXT_RULE}; write a number in quotes",
    "channel": _TEXT_RULE,
    "queue": _TEXT_RULE,
    "actor": "must be customer, agent, bot or system",
    "direction": "must be inbound or outbound",
    "reason": f"{_TEXT_RULE}; it is a code such as spam, not a description",
    "specversion": 'must be the text "1.0"',
    "source": _TEXT_RULE,
    "partitionkey": _TEXT_RULE,
    "data": "must be a JSON object",
    "data_base64": "must be base64 of a JSON object",
}
"""What each member must be; completes a sentence that begins with its name."""


def wrong_schema(detail: str) -> Rejected:
    """Make a rejection of the most common kind."""
    return Rejected(Reason.WRONG_SCHEMA, detail)


def oversize(limit: int) -> Rejected:
    """Say that a value is larger than so many bytes."""
    detail = f"the value is larger than {limit} bytes; send the event without its content"
    return Rejected(Reason.OVERSIZE, detail)


NO_TYPE: Final = wrong_schema("type is missing; give one of the contact.* types")
NO_VALUE: Final = Rejected(
    Reason.NOT_JSON, "the record has no value (null, a tombstone); send the event as JSON"
)
NO_CONTACT_ID: Final = Rejected(
    Reason.NO_CONTACT_ID,
    "contact_id is missing or blank; give the id of the conversation"
    " (CloudEvents: in data, or the partitionkey attribute)",
)
NO_TIME: Final = Rejected(
    Reason.NO_TIME, "time is missing; say when it happened, such as 2026-03-02T09:15:00Z"
)
NAIVE: Final = Rejected(
    Reason.BAD_TIME, "time has no offset from UTC; append Z or one such as +01:00"
)
UNIT: Final = Rejected(
    Reason.BAD_TIME, "time is a number of 1e14 or more; give seconds (< 1e11) or milliseconds"
)
TOO_EARLY: Final = Rejected(
    Reason.ABSURD_TIME, "time is before 1970; check the producer's clock and unit"
)
TOO_LATE: Final = Rejected(
    Reason.ABSURD_TIME,
    "time is too far in the future (later than the record's own timestamp allows, or than any"
    " event may be); check the producer's clock and unit",
)
NO_CHANNEL: Final = wrong_schema("channel is missing or blank; contact.opened requires it")
NOT_HUMAN_OR_BOT: Final = wrong_schema(
    "actor must be agent, bot or system on contact.responded;"
    " what a customer writes is contact.message"
)
NOT_CUSTOMER: Final = wrong_schema(
    "actor must be customer or absent on contact.message; an answer is contact.responded"
)
NO_REASON: Final = wrong_schema("reason is missing or blank; contact.excluded requires it")


def misfit(name: str, place: str = "") -> Rejected:
    """Say that a member is not of the type it must have.

    Args:
        name: of the member; one of ``EXPECTED``.
        place: what stands before the name, such as ``data.``.
    """
    reason = Reason.BAD_TIME if name == "time" else Reason.WRONG_SCHEMA
    return Rejected(reason, f"{place}{name} {EXPECTED[name]}")
