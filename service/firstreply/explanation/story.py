"""Builds the explanation of one contact from what the engine keeps of it.

The contact's facts and its pinned policy go in with the instant at which to look; every verdict is
taken anew by ``domain.verdict``, so an explanation reasons as the counters did.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from firstreply.domain.bands import OTHER, ClockStart, Policy
from firstreply.domain.contact import Contact, Phase, current_queue
from firstreply.domain.engine import Engine
from firstreply.domain.instants import BEFORE_ALL, to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.verdict import ended_unqueued, find_start, judge, start_channel
from firstreply.explanation.bands import band_stories
from firstreply.explanation.events import Roles, from_facts, from_records, in_brief
from firstreply.explanation.instants import moment
from firstreply.explanation.model import (
    ChannelStory,
    Explanation,
    QueueChange,
    QueueStory,
    SeenEvent,
    StartedBy,
    StartStory,
)
from firstreply.explanation.parts import (
    acknowledgement,
    end_story,
    exclusion_story,
    response_story,
    wait_story,
)

_QUEUED_BY: Final[tuple[Literal["opened", "queued", "transferred"], ...]] = (
    "opened",
    "queued",
    "transferred",
)
"""By the rank that ``domain.facts`` gives to a queue change."""


def explain_kept(engine: Engine, contact_id: str) -> Explanation | None:
    """Explain a contact that an engine keeps, at its service clock; None for one it does not know.

    Changes nothing: may be called at any time between two calls of the engine.
    """
    contact = engine.contact(contact_id)
    if contact is None:
        return None
    at = None if engine.log_time == BEFORE_ALL else engine.log_time - engine.grace
    return explain(contact, policies=engine.policies, book=engine.book, at=at)


def explain(
    contact: Contact,
    *,
    policies: Mapping[str, Policy],
    book: PolicyBook,
    at: int | None,
    events: Sequence[SeenEvent] | None = None,
) -> Explanation:
    """Explain a contact.

    Args:
        contact: as the engine keeps it, or kept it.
        policies: by digest, those pinned by contacts: ``Engine.policies``.
        book: the policies in force.
        at: the instant at which to look, microseconds: the service clock of a running engine
            (log time less grace), the end of a replay. None before the first event.
        events: the contact's events as they came, if they are at hand; else its facts are told.
    """
    policy, story = _unjudged(contact, policies, book, at)
    if policy is not None and contact.start is not None:
        story = _judged(story, contact, contact.start, policy, at)
    settle_for = (policies.get(contact.policy) or book.policies[OTHER]).settle_for
    if story.phase is not Phase.WAITING and settle_for is not None:
        story = replace(story, kept_until=moment(contact.touched + settle_for))
    roles = Roles(story)
    told = from_facts(contact, roles) if events is None else from_records(events, roles)
    shown = in_brief(told)
    return replace(
        story,
        events_from="facts" if events is None else "records",
        events=shown,
        events_left_out=len(told) - len(shown),
    )


def _unjudged(
    contact: Contact, policies: Mapping[str, Policy], book: PolicyBook, at: int | None
) -> tuple[Policy | None, Explanation]:
    """Return what can be said without a start, and the policy of the channel, if there is one."""
    policy, channel = None, None
    opened = None if contact.inbound is None else contact.inbound[0]
    if contact.inbound is not None:
        policy, channel = _channel(contact, contact.inbound[2], policies, book)
    received = None if contact.received is None else contact.received[1]
    name = OTHER if channel is None else channel.channel
    return policy, Explanation(
        contact_id=contact.contact_id,
        at=moment(at),
        timezone=_timezone(policy, book),
        phase=contact.phase,
        channel=channel,
        queue=QueueStory(
            received=received,
            current=book.queue(name, current_queue(contact)),
            changes=_queue_changes(contact, name, book),
        ),
        opened_at=moment(opened),
        opened_by=_opened_by(contact),
        self_served=(
            opened is not None and contact.start is None and ended_unqueued(contact, opened)
        ),
        reply_waiting_since=moment(contact.reply_since),
        events_from="facts",
        event_ids=contact.recent_ids,
    )


def _judged(
    story: Explanation, contact: Contact, start: int, policy: Policy, at: int | None
) -> Explanation:
    """Add the verdict, and all that follows from it."""
    verdict = judge(contact, policy, start)
    undecided = verdict.phase in {Phase.WAITING, Phase.GIVEN_UP}
    return replace(
        story,
        phase=verdict.phase,
        start=StartStory(to_datetime(start), _started_by(contact, policy), moment(contact.queued)),
        acknowledged_at=moment(acknowledgement(contact, verdict, policy)),
        response=response_story(contact, verdict, policy),
        ended=end_story(verdict),
        exclusion=exclusion_story(contact, verdict, policy),
        gives_up_at=moment(verdict.gives_up) if undecided else None,
        waiting=wait_story(contact, verdict, policy, at),
        bands=band_stories(contact, verdict, policy),
    )


def _channel(
    contact: Contact, named: str, policies: Mapping[str, Policy], book: PolicyBook
) -> tuple[Policy, ChannelStory]:
    name = named or start_channel(contact)
    digest, policy = contact.policy, policies.get(contact.policy)
    if policy is None or contact.start is None:  # none is pinned before the start
        listed = name if name in book.policies else OTHER
        digest, policy = book.digests[listed], book.policies[listed]
    return policy, ChannelStory(
        channel=policy.channel,
        because="start" if named else "nobody" if contact.named is None else "another",
        policy=digest,
        policy_in_force=book.digests.get(policy.channel) == digest,
        abandoned_counts=policy.abandoned_counts,
    )


def _opened_by(contact: Contact) -> Literal["opened", "message"] | None:
    if contact.inbound is None:
        return None
    return "opened" if contact.inbound[1] == 0 else "message"


def _started_by(contact: Contact, policy: Policy) -> StartedBy:
    if contact.inbound is not None and policy.clock_start is ClockStart.QUEUED:
        _, fallen_back = find_start(contact, policy, contact.inbound[0])
        return "queue_fallback" if fallen_back else "queued"
    return _opened_by(contact) or "opened"


def _queue_changes(contact: Contact, channel: str, book: PolicyBook) -> tuple[QueueChange, ...]:
    return tuple(
        QueueChange(to_datetime(at), _QUEUED_BY[rank], queue, book.queue(channel, queue))
        for at, rank, queue in contact.queues
    )


def _timezone(policy: Policy | None, book: PolicyBook) -> str:
    for one in (policy, *book.policies.values()):
        if one is not None and one.calendar is not None:
            return one.calendar.hours.timezone
    return "UTC"
