"""The events known of a contact, and what each is to it.

With the records at hand, they are told as they came. A running service keeps facts instead: the
instants of each kind of event, the queues and the reasons, without the events' ids.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from firstreply.domain.contact import Contact
from firstreply.domain.instants import to_datetime
from firstreply.domain.transitions import Input, classify
from firstreply.explanation.model import Explanation, Happening, Role, SeenEvent

MOST_EVENTS: Final = 200
"""Shown of one contact: half of them from its beginning, half from its end."""

_QUEUED_BY: Final = (Input.OPENED, Input.QUEUED, Input.TRANSFERRED)
"""By the rank that ``domain.facts`` gives to a queue change."""


class Roles:
    """Gives each role to the first event that has it; one for each explanation."""

    def __init__(self, story: Explanation) -> None:
        self._roles: dict[tuple[Input, datetime], Role] = {}
        start, response, ended, exclusion = (
            story.start,
            story.response,
            story.ended,
            story.exclusion,
        )
        self._first_response = None if response is None else response.at
        self._is_judged = start is not None
        starts = start is not None and start.because != "queued"
        kind = Input.MESSAGE if story.opened_by == "message" else Input.OPENED
        self._note(kind, story.opened_at, "start" if starts else "opening")
        if start is not None and start.because == "queued":
            self._note(Input.QUEUED, start.queued_at, "start")
        self._note(Input.RESPONDED_AUTOMATICALLY, story.acknowledged_at, "acknowledgement")
        self._note(Input.RESPONDED, self._first_response, "first_response")
        if ended is not None and ended.before_response:
            kind = Input.ABANDONED if ended.what == "abandoned" else Input.CLOSED
            self._note(kind, ended.at, "end")
        if exclusion is not None and exclusion.because != "short_abandon":
            kind = Input.EXCLUDED if exclusion.because == "event" else Input.CLOSED
            self._note(kind, exclusion.at, "exclusion")

    def take(self, what: Input, at: datetime) -> Role | None:
        """Return the role of an event; a second one like it has none."""
        first = self._first_response
        if what is Input.RESPONDED and self._is_judged and (first is None or at < first):
            return "too_early"
        return self._roles.pop((what, at), None)

    def _note(self, what: Input, at: datetime | None, role: Role) -> None:
        if at is not None:
            self._roles[what, at] = role


def from_records(seen: Sequence[SeenEvent], roles: Roles) -> tuple[Happening, ...]:
    """Tell the events that were read, in the order in which they came."""
    return tuple(_record(one, roles) for one in seen)


def _record(seen: SeenEvent, roles: Roles) -> Happening:
    event = seen.event
    what, at = classify(event), to_datetime(event.time)
    return Happening(
        at=at,
        what=what,
        role=None if seen.duplicate else roles.take(what, at),
        channel=event.channel,
        queue=event.queue,
        actor=event.actor,
        reason=event.reason,
        id=event.id,
        duplicate=seen.duplicate,
        late=seen.late,
        corrections=seen.corrections,
        place=seen.place,
    )


def from_facts(contact: Contact, roles: Roles) -> tuple[Happening, ...]:
    """Tell what is kept of the events, by time."""
    return tuple(
        Happening(
            at=to_datetime(at),
            what=what,
            role=roles.take(what, to_datetime(at)),
            channel=details.get("channel"),
            queue=details.get("queue"),
            reason=details.get("reason"),
        )
        for (at, what), details in sorted(_facts(contact).items())
    )


def _facts(contact: Contact) -> dict[tuple[int, Input], dict[str, str]]:
    """Return what is known of each event; facts of one kind and instant are of one event."""
    facts: dict[tuple[int, Input], dict[str, str]] = {}

    def note(at: int | None, what: Input, **details: str) -> None:
        if at is not None:
            facts.setdefault((at, what), {}).update(details)

    begun, named = contact.inbound, contact.named
    if begun is not None:
        channel = {"channel": begun[2]} if begun[2] else {}
        note(begun[0], Input.OPENED if begun[1] == 0 else Input.MESSAGE, **channel)
    if named is not None:
        is_outbound = begun is None or named < begun  # else it would have begun the contact
        opening = Input.OPENED_OUTBOUND if is_outbound else Input.OPENED
        note(named[0], opening if named[1] == 0 else Input.MESSAGE, channel=named[2])
    note(contact.queued, Input.QUEUED)
    for at, rank, queue in contact.queues:
        what = _QUEUED_BY[rank]
        outbound = (at, Input.OPENED_OUTBOUND) in facts and (at, what) not in facts
        note(at, Input.OPENED_OUTBOUND if outbound and rank == 0 else what, queue=queue)
    for instants, what in (
        (contact.responses, Input.RESPONDED),
        (contact.automatic, Input.RESPONDED_AUTOMATICALLY),
        (contact.abandonments, Input.ABANDONED),
        (contact.closes, Input.CLOSED),
    ):
        for at in instants:
            note(at, what)
    for at, reason in contact.excluding:
        note(at, Input.CLOSED, reason=reason)
    if contact.excluded is not None:
        note(contact.excluded[0], Input.EXCLUDED, reason=contact.excluded[1])
    return facts


def in_brief(events: tuple[Happening, ...]) -> tuple[Happening, ...]:
    """Leave out the middle of very many events, but never one that matters."""
    half = MOST_EVENTS // 2
    middle = range(half, len(events) - half)
    return tuple(
        event
        for place, event in enumerate(events)
        if place not in middle or event.role is not None or event.corrections
    )
