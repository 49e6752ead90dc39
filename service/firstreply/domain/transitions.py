"""The state table: what each event does to a contact, by the phase it is in.

Rule 1 of this file: everything that depends on (phase, event) stands in ``TABLE``; nothing else
branches on a phase to decide what an event means. Rule 2: the table is total; a test walks every
cell. ``docs/reference/states.md`` is generated from it.

Most cells only *note* a fact. That is on purpose: an outcome is a function of the set of facts
(rule 5), so an event that comes late must leave the same facts as one that came in time. What a
cell calls "ignored" in the design is a fact that loses against an earlier one.
"""

from enum import StrEnum
from itertools import product
from typing import Final

from firstreply.domain.contact import Phase
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType


class Input(StrEnum):
    """The columns of the table: an event type, seen with its actor and direction."""

    OPENED = "opened"
    OPENED_OUTBOUND = "opened outbound"
    MESSAGE = "message"
    REOPENED_BY_CUSTOMER = "reopened by customer"
    REOPENED = "reopened by another"
    RESPONDED = "responded"
    RESPONDED_AUTOMATICALLY = "responded automatically"
    QUEUED = "queued"
    TRANSFERRED = "transferred"
    ABANDONED = "abandoned"
    CLOSED = "closed"
    EXCLUDED = "excluded"


class Effect(StrEnum):
    """What a cell of the table does, in the order in which it stands there."""

    START = "note a start candidate"
    CHANNEL = "note the channel"
    QUEUE = "note the queue"
    QUEUED = "note the entry into a queue"
    RESPONSE = "note a human response"
    ACKNOWLEDGE = "note an automatic response"
    ABANDON = "note an abandonment"
    CLOSE = "note a close"
    EXCLUDE = "exclude"
    REOPEN = "note that it was reopened"
    TRANSFER = "note that it was transferred"
    REPLY_WAIT = "start a reply wait"
    REPLY_END = "end the reply wait"
    IGNORED = "count as ignored"


_FACTS: Final[dict[Input, tuple[Effect, ...]]] = {
    Input.OPENED: (Effect.START, Effect.CHANNEL, Effect.QUEUE),
    Input.OPENED_OUTBOUND: (Effect.CHANNEL, Effect.QUEUE),
    Input.MESSAGE: (Effect.START, Effect.CHANNEL),
    Input.REOPENED_BY_CUSTOMER: (Effect.REOPEN,),
    Input.REOPENED: (Effect.REOPEN,),
    Input.RESPONDED: (Effect.RESPONSE,),
    Input.RESPONDED_AUTOMATICALLY: (Effect.ACKNOWLEDGE,),
    Input.QUEUED: (Effect.QUEUED, Effect.QUEUE),
    Input.TRANSFERRED: (Effect.TRANSFER, Effect.QUEUE),
    Input.ABANDONED: (Effect.ABANDON,),
    Input.CLOSED: (Effect.CLOSE,),
    Input.EXCLUDED: (Effect.EXCLUDE,),
}
"""The facts an event leaves, in every phase."""

_CUSTOMER_WRITES: Final = (Input.OPENED, Input.MESSAGE, Input.REOPENED_BY_CUSTOMER)
_ENDS_REPLY_WAIT: Final = (Input.RESPONDED, Input.CLOSED)


def _row(
    *, waits: tuple[Input, ...] = (), ends: tuple[Input, ...] = (), ignored: bool = False
) -> dict[Input, tuple[Effect, ...]]:
    """Build the row of a phase: the facts, plus what this phase adds."""
    return {
        event: (
            *((Effect.IGNORED,) if ignored else ()),
            *facts,
            *((Effect.REPLY_WAIT,) if event in waits else ()),
            *((Effect.REPLY_END,) if event in ends else ()),
        )
        for event, facts in _FACTS.items()
    }


_AFTER_FIRST_CONTACT: Final = _row(waits=_CUSTOMER_WRITES, ends=_ENDS_REPLY_WAIT)

TABLE: Final[dict[Phase, dict[Input, tuple[Effect, ...]]]] = {
    Phase.UNSEEN: _row(waits=(Input.REOPENED_BY_CUSTOMER,), ends=_ENDS_REPLY_WAIT),
    Phase.WAITING: _row(ends=_ENDS_REPLY_WAIT),
    Phase.ANSWERED: _AFTER_FIRST_CONTACT,
    Phase.ABANDONED: _AFTER_FIRST_CONTACT,
    Phase.CLOSED: _AFTER_FIRST_CONTACT,
    Phase.GIVEN_UP: _AFTER_FIRST_CONTACT,
    Phase.EXCLUDED: _row(ignored=True),
}

_PLAIN: Final = {
    EventType.MESSAGE: Input.MESSAGE,
    EventType.QUEUED: Input.QUEUED,
    EventType.TRANSFERRED: Input.TRANSFERRED,
    EventType.ABANDONED: Input.ABANDONED,
    EventType.CLOSED: Input.CLOSED,
    EventType.EXCLUDED: Input.EXCLUDED,
}


def classify(event: ContactEvent) -> Input:
    """Return the column of an event."""
    return _COLUMNS[event.type, event.actor, event.direction]


def _column(kind: EventType, actor: Actor | None, direction: Direction | None) -> Input:
    """Return the column of an event by its type, actor and direction.

    An opening is outbound when it says so, or says no direction and was not made by the customer
    (rule 2). Without an actor it is inbound.
    """
    if kind is EventType.OPENED:
        if direction is None:
            outbound = actor is not None and actor is not Actor.CUSTOMER
        else:
            outbound = direction is Direction.OUTBOUND
        return Input.OPENED_OUTBOUND if outbound else Input.OPENED
    if kind is EventType.RESPONDED:
        return Input.RESPONDED if actor is Actor.AGENT else Input.RESPONDED_AUTOMATICALLY
    if kind is EventType.REOPENED:
        return Input.REOPENED_BY_CUSTOMER if actor is Actor.CUSTOMER else Input.REOPENED
    return _PLAIN[kind]


_COLUMNS: Final = {
    (kind, actor, direction): _column(kind, actor, direction)
    for kind, actor, direction in product(EventType, (None, *Actor), (None, *Direction))
}
