"""Applies the effects of a table cell: notes facts on a contact, and keeps its reply wait.

The facts are what ``domain.verdict`` judges. Reply waits are the one thing measured by arrival
(rule 9): the oldest customer message that nobody has answered since the first response.

Each effect says what may have to follow from it (``Follows``). Half of all events leave no fact
that a verdict could change by: talk after the first answer, and the close that ends it. Judging
those again took a third of the engine's time.
"""

from collections.abc import Callable
from typing import Final, final

from mypy_extensions import mypyc_attr

from firstreply.domain.bands import OTHER, Policy
from firstreply.domain.contact import (
    Contact,
    Once,
    Phase,
    current_queue,
    with_fact,
    with_queue,
)
from firstreply.domain.events import ContactEvent, EventType
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.transitions import Effect

_QUEUE_RANKS: Final = {EventType.OPENED: 0, EventType.QUEUED: 1, EventType.TRANSFERRED: 2}


class Follows:
    """What may have to follow from an effect. Plain integers, as those of ``Once``."""

    NOTHING: Final = 0
    PLACE: Final = 1
    """The queue or the reply wait changed: the contact may wait elsewhere."""
    GREETING: Final = 2
    """An automatic reply to who still waits: it may be acknowledged now, and that is all."""
    VERDICT: Final = 4
    """A fact changed that the verdict may depend on."""


@final
@mypyc_attr(acyclic=True)
class Scene:
    """What an effect works on."""

    def __init__(
        self,
        contact: Contact,
        event: ContactEvent,
        book: PolicyBook,
        increments: Increments,
        policy: Policy,
    ) -> None:
        self.contact = contact
        self.event = event
        self.book = book
        self.increments = increments
        self.policy = policy
        """The one pinned; before the start, the one that unlisted channels have."""


def apply(effects: tuple[Effect, ...], scene: Scene) -> int:
    """Apply the effects of one event, in order; return the bits of ``Follows``."""
    follows = Follows.NOTHING
    for effect in effects:
        follows |= _APPLY[effect](scene)
    return follows


def reply_pair(contact: Contact, book: PolicyBook) -> tuple[str, str]:
    """Return the (channel, queue) that a reply wait is charged to."""
    if contact.received is not None:
        channel = contact.received[0]
    else:
        channel = OTHER if contact.named is None else contact.named[2]
    return channel, book.queue(channel, current_queue(contact))


def _answered_before(contact: Contact, time: int) -> bool:
    """Return whether the first response lies before an instant: no later end or talk undoes it."""
    return (
        contact.phase is Phase.ANSWERED
        and contact.latency is not None
        and contact.start is not None
        and time > contact.start + contact.latency
    )


def _start(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    opening = event.type is EventType.OPENED
    if opening:
        contact.once |= Once.WAS_OPENED
    if contact.inbound is not None and event.time > contact.inbound[0]:
        return Follows.NOTHING
    channel = "" if event.channel is None else scene.book.channel(event.channel)[0]
    candidate = (event.time, 0 if opening else 1, channel)
    if contact.inbound is not None and candidate >= contact.inbound:
        return Follows.NOTHING
    contact.inbound = candidate
    return Follows.VERDICT


def _channel(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    if event.channel is None:
        return Follows.NOTHING
    opening = event.type is EventType.OPENED
    if opening:
        contact.once |= Once.WAS_OPENED
    channel, listed = scene.book.channel(event.channel)
    if not listed:
        scene.increments.count("firstreply_channel_unlisted_total")
    candidate = (event.time, 0 if opening else 1, channel)
    if contact.named is not None and candidate >= contact.named:
        return Follows.NOTHING
    contact.named = candidate
    return Follows.VERDICT


def _queue(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    if not event.queue:
        return Follows.NOTHING
    rank = _QUEUE_RANKS[event.type]
    contact.queues = with_queue(contact.queues, event.time, rank, event.queue)
    return Follows.PLACE


def _queued(scene: Scene) -> int:
    contact, time = scene.contact, scene.event.time
    if contact.queued is not None and time >= contact.queued:
        return Follows.NOTHING
    contact.queued = time
    return Follows.VERDICT


def _response(scene: Scene) -> int:
    contact, time = scene.contact, scene.event.time
    floor = None if contact.start is None else contact.start - scene.policy.clock_skew
    if floor is not None and time < floor:
        scene.increments.count("firstreply_latency_negative_total")
    contact.responses = with_fact(contact.responses, time, floor)
    contact.last_response = max(contact.last_response, time)
    return Follows.NOTHING if _answered_before(contact, time) else Follows.VERDICT


def _acknowledge(scene: Scene) -> int:
    contact, time = scene.contact, scene.event.time
    floor = None if contact.start is None else contact.start - scene.policy.clock_skew
    contact.automatic = with_fact(contact.automatic, time, floor)
    if contact.phase is Phase.WAITING:
        return Follows.GREETING
    return Follows.NOTHING if _answered_before(contact, time) else Follows.VERDICT


def _abandon(scene: Scene) -> int:
    contact, time = scene.contact, scene.event.time
    contact.abandonments = with_fact(contact.abandonments, time, contact.start)
    contact.last_end = max(contact.last_end, time)
    return Follows.NOTHING if _answered_before(contact, time) else Follows.VERDICT


def _close(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    contact.closes = with_fact(contact.closes, event.time, contact.start)
    if event.reason is not None and event.reason.casefold() in scene.policy.excluded_reasons:
        floor = None if contact.start is None else (contact.start, "")
        noted = (event.time, event.reason.casefold())
        contact.excluding = with_fact(contact.excluding, noted, floor)
    contact.last_end = max(contact.last_end, event.time)
    return Follows.NOTHING if _answered_before(contact, event.time) else Follows.VERDICT


def _exclude(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    noted = (event.time, (event.reason or "").casefold())
    contact.excluded = noted if contact.excluded is None else min(contact.excluded, noted)
    return Follows.VERDICT


def _reopen(scene: Scene) -> int:
    return Follows.VERDICT if scene.contact.first_time(Once.WAS_REOPENED) else Follows.NOTHING


def _transfer(scene: Scene) -> int:
    return Follows.VERDICT if scene.contact.first_time(Once.WAS_TRANSFERRED) else Follows.NOTHING


def _reply_wait(scene: Scene) -> int:
    """Start a reply wait, unless the message was answered or ended before it arrived here."""
    contact, time = scene.contact, scene.event.time
    begun = contact.start is None or time > contact.start
    if not begun or time <= contact.last_response or time <= contact.last_end:
        return Follows.NOTHING
    since = contact.reply_since
    contact.reply_since = time if since is None else min(since, time)
    return Follows.PLACE


def _reply_end(scene: Scene) -> int:
    contact, event = scene.contact, scene.event
    since = contact.reply_since
    if since is None or event.time < since:
        return Follows.NOTHING
    contact.reply_since = None
    if event.type is EventType.RESPONDED:
        channel, queue = reply_pair(contact, scene.book)
        seconds = (event.time - since) / SECOND
        scene.increments.observe("contact_reply_seconds", channel, queue, seconds=seconds)
    return Follows.PLACE


def _ignored(scene: Scene) -> int:
    scene.increments.count("firstreply_events_ignored_total")
    return Follows.NOTHING


_APPLY: Final[dict[Effect, Callable[[Scene], int]]] = {
    Effect.START: _start,
    Effect.CHANNEL: _channel,
    Effect.QUEUE: _queue,
    Effect.QUEUED: _queued,
    Effect.RESPONSE: _response,
    Effect.ACKNOWLEDGE: _acknowledge,
    Effect.ABANDON: _abandon,
    Effect.CLOSE: _close,
    Effect.EXCLUDE: _exclude,
    Effect.REOPEN: _reopen,
    Effect.TRANSFER: _transfer,
    Effect.REPLY_WAIT: _reply_wait,
    Effect.REPLY_END: _reply_end,
    Effect.IGNORED: _ignored,
}
