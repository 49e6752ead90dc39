"""The contact events as the engine sees them: decoded, typed, with instants in microseconds.

The wire format lives in ``adapters.codec``; names of types and actors are those of the published
contract (``docs/reference/events.md``), so that one word means one thing everywhere.
"""

from enum import StrEnum

import msgspec


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


class ContactEvent(msgspec.Struct, frozen=True, gc=False):
    """One event of one contact."""

    contact_id: str
    """One id per conversation, never empty."""
    type: EventType
    time: int
    """When it happened: an ``Instant``, microseconds since the epoch."""
    id: str
    """Identifies the event within its contact; derived from type, time and actor when absent."""
    channel: str | None = None
    """As the producer wrote it; ``PolicyBook`` resolves aliases. Always present on opened."""
    queue: str | None = None
    actor: Actor | None = None
    direction: Direction | None = None
    reason: str | None = None


def derived_id(kind: str, time: int, actor: str | None) -> str:
    """Build the identity of an event without id; the contact is implied (rule 14)."""
    return f"~{kind}|{time}|{actor or ''}"
