"""The published event contract as pydantic models, one per type, told apart by ``type``.

What stands here is public: descriptions and examples go into the JSON Schema and the reference as
they are. A change that rejects what was accepted before is BREAKING and makes a new major version.

The models are strict (no number becomes a text), ignore unknown fields, and read ``time`` on their
own, without the hot path's decoder, so that each of the two can be tested against the other.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from firstreply.adapters.codec import instant_of_number, stripped
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType, derived_id
from firstreply.domain.instants import to_instant
from firstreply.rejection import (
    EXPECTED,
    MAX_TEXT,
    NAIVE,
    NO_CONTACT_ID,
    TOO_EARLY,
    TOO_LATE,
    UNIT,
    Reason,
    Rejected,
)

_RFC_3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?"
)
_MICROSECOND_DIGITS: Final = 6


def _refuse(why: Rejected) -> PydanticCustomError:
    return PydanticCustomError(why.reason.value, why.detail)


_NOT_A_TIME: Final = Rejected(Reason.BAD_TIME, f"time {EXPECTED['time']}")


def _instant_of_text(text: str) -> int:
    """Convert RFC 3339 to microseconds; a finer fraction is rounded, half up."""
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise _refuse(_NOT_A_TIME)
    date, clock, fraction, sign, hours, minutes = match.groups()
    if sign is None and text[-1] not in "Zz":
        raise _refuse(NAIVE)
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    digits = (fraction or "").ljust(_MICROSECOND_DIGITS + 1, "0")
    micros = int(digits[:_MICROSECOND_DIGITS]) + (digits[_MICROSECOND_DIGITS] >= "5")
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}")
        moment = moment.replace(tzinfo=timezone(-offset if sign == "-" else offset))
        return to_instant(moment + timedelta(microseconds=micros))
    except (ValueError, OverflowError):
        raise _refuse(_NOT_A_TIME) from None


def _read_time(given: object, info: ValidationInfo) -> int:
    if isinstance(given, str):
        instant = _instant_of_text(given)
    elif isinstance(given, int | float) and not isinstance(given, bool):
        number = instant_of_number(given)
        if number is None:
            raise _refuse(UNIT)
        instant = number
    else:
        raise _refuse(_NOT_A_TIME)
    if instant < 0:
        raise _refuse(TOO_EARLY)
    last: int | None = info.context
    if last is not None and instant > last:
        raise _refuse(TOO_LATE)
    return instant


def _not_blank(text: str) -> str:
    if not text.strip():
        raise _refuse(NO_CONTACT_ID)
    return text


def _required(text: str) -> str:
    name = stripped(text)
    if name is None:
        msg = "missing_text"
        raise PydanticCustomError(msg, "must not be blank")
    return name


_PRINTABLE: Final = {"pattern": r"\S"}
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Name = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(stripped)]
RequiredName = Annotated[
    str, Field(max_length=MAX_TEXT, json_schema_extra=_PRINTABLE), AfterValidator(_required)
]
ContactId = Annotated[
    str, Field(max_length=MAX_TEXT, json_schema_extra=_PRINTABLE), AfterValidator(_not_blank)
]
Time = Annotated[
    int,
    PlainValidator(_read_time),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "number", "minimum": 0, "exclusiveMaximum": 10**14},
            ]
        }
    ),
]


class PublishedEvent(BaseModel):
    """What every event has. A member that is null or a blank text counts as absent."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    id: Text | None = Field(
        default=None,
        description="Identifies the event within its contact; an event that comes again with the"
        " same id changes nothing. Absent: made of type, time and actor.",
    )
    time: Time = Field(
        description="When it happened: RFC 3339 with an offset from UTC, or a number: seconds since"
        " 1970 below 1e11, milliseconds from there to below 1e14. Kept to the microsecond.",
    )
    contact_id: ContactId = Field(
        description="One id per conversation, not per customer; also the key of the Kafka record."
    )
    channel: Name | None = Field(
        default=None,
        description="Name or alias of a channel; a name that is not configured counts as other.",
    )
    queue: Name | None = Field(default=None, description="The team or brand that answers.")
    actor: Literal["customer", "agent", "bot", "system"] | None = Field(
        default=None, description="Who did it."
    )
    direction: Literal["inbound", "outbound"] | None = Field(
        default=None,
        description="Who began the conversation. Absent: outbound when an agent, a bot or a system"
        " opened it.",
    )
    reason: Name | None = Field(default=None, description="A code such as spam, not a description.")

    def to_event(self, kind: EventType, instant: int | None = None) -> ContactEvent:
        """Convert to what the engine reads.

        Args:
            kind: the type.
            instant: microseconds to take in place of ``time``, where that was absent.
        """
        time = self.time if instant is None else instant
        return ContactEvent(
            contact_id=self.contact_id,
            type=kind,
            time=time,
            id=self.id if self.id and self.id.strip() else derived_id(kind, time, self.actor),
            channel=self.channel,
            queue=self.queue,
            actor=None if self.actor is None else Actor(self.actor),
            direction=None if self.direction is None else Direction(self.direction),
            reason=self.reason,
        )


def _example(kind: EventType, **members: str) -> JsonDict:
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC) + timedelta(minutes=list(EventType).index(kind))
    return {
        "id": f"e-{list(EventType).index(kind) + 1}",
        "type": kind.value,
        "time": at.isoformat().replace("+00:00", "Z"),
        "contact_id": "c-1042",
        **members,
    }


def _config(kind: EventType, **members: str) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [_example(kind, **members)]})


class Opened(PublishedEvent):
    """A customer began a conversation, or somebody of ours did (direction, actor)."""

    model_config = _config(EventType.OPENED, channel="email", actor="customer", queue="billing")
    type: Literal["contact.opened"]
    channel: RequiredName = Field(
        description="Name or alias of a channel; a name that is not configured counts as other."
    )


class Queued(PublishedEvent):
    """The contact reached a queue; on channels with ``clock_start: queued`` the clock starts."""

    model_config = _config(EventType.QUEUED, queue="billing")
    type: Literal["contact.queued"]


class Message(PublishedEvent):
    """The customer wrote again. Only customers do; an answer is ``contact.responded``."""

    model_config = _config(EventType.MESSAGE, actor="customer")
    type: Literal["contact.message"]
    actor: Literal["customer"] | None = Field(default=None, description="The customer, or absent.")


class Responded(PublishedEvent):
    """Somebody answered in public. Only an agent's answer stops the clock."""

    model_config = _config(EventType.RESPONDED, actor="agent")
    type: Literal["contact.responded"]
    actor: Literal["agent", "bot", "system"] = Field(
        description="agent: a human. bot: a chat bot. system: an automatic reply."
    )


class Transferred(PublishedEvent):
    """The contact went to another queue or channel. The clock goes on."""

    model_config = _config(EventType.TRANSFERRED, queue="support")
    type: Literal["contact.transferred"]


class Abandoned(PublishedEvent):
    """The customer gave up: hung up, left the chat."""

    model_config = _config(EventType.ABANDONED, actor="customer")
    type: Literal["contact.abandoned"]


class Closed(PublishedEvent):
    """The contact was closed, answered or not."""

    model_config = _config(EventType.CLOSED, reason="solved")
    type: Literal["contact.closed"]


class Reopened(PublishedEvent):
    """A closed contact came back to life."""

    model_config = _config(EventType.REOPENED, actor="customer")
    type: Literal["contact.reopened"]


class Excluded(PublishedEvent):
    """The contact does not count, in no band."""

    model_config = _config(EventType.EXCLUDED, reason="spam")
    type: Literal["contact.excluded"]
    reason: RequiredName = Field(description="Why: a code such as spam, duplicate, test.")


MODELS: Final[dict[EventType, type[PublishedEvent]]] = {
    EventType.OPENED: Opened,
    EventType.QUEUED: Queued,
    EventType.MESSAGE: Message,
    EventType.RESPONDED: Responded,
    EventType.TRANSFERRED: Transferred,
    EventType.ABANDONED: Abandoned,
    EventType.CLOSED: Closed,
    EventType.REOPENED: Reopened,
    EventType.EXCLUDED: Excluded,
}

AnyContactEvent = Annotated[
    Opened | Queued | Message | Responded | Transferred | Abandoned | Closed | Reopened | Excluded,
    Field(discriminator="type"),
]
