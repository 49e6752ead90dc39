"""The contact events as the engine sees them: decoded, typed, with instants in microseconds.

The wire format lives in ``adapters.codec``; names of types and actors are those of the published
contract (``docs/reference/events.md``), so that one word means one thing everywhere.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from mypy_extensions import mypyc_attr


class EventType(StrEnum):
    """What happened to a contact."""

    OPENED = "contact.opened"
    QUEUED = "contact.queued"
    MESSAGE = "contact.message"
    RESPONDED = "contact.responded"
    TRANSFERRED = "contact.transferred"
    ABANDONED = "contact.abandoned"
    CLOSED = "contact.closed"
    REOPENED = "contact.reopened"
    EXCLUDED = "contact.excluded"


class Actor(StrEnum):
    """Who did it. Only an agent's public answer is a human response."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Direction(StrEnum):
    """Who began the conversation."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


@final
@mypyc_attr(acyclic=True)
@dataclass(init=False)
class ContactEvent:
    """One event of one contact."""

    contact_id: str
    """One id per conversation, never empty."""
    type: EventType
    time: int
    """When it happened: an ``Instant``, microseconds since the epoch."""
    id: str
    """Identifies the event within its contact; derived from type, time and actor when absent."""
    channel: str | None
    """As the producer wrote it; ``PolicyBook`` resolves aliases. Always present on opened."""
    queue: str | None
    actor: Actor | None
    direction: Direction | None
    reason: str | None

    def __init__(  # noqa: PLR0913, PLR0917 - the fields
        self,
        contact_id: str,
        type: EventType,  # noqa: A002 - as the contract names it
        time: int,
        id: str,  # noqa: A002
        channel: str | None = None,
        queue: str | None = None,
        actor: Actor | None = None,
        direction: Direction | None = None,
        reason: str | None = None,
    ) -> None:
        self.contact_id = contact_id
        self.type = type
        self.time = time
        self.id = id
        self.channel = channel
        self.queue = queue
        self.actor = actor
        self.direction = direction
        self.reason = reason


def derived_id(kind: str, time: int, actor: str | None) -> str:
    """Build the identity of an event without id; the contact is implied (rule 14)."""
    return f"~{kind}|{time}|{actor or ''}"
