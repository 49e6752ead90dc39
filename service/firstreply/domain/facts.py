"""Applies the effects of a table cell: notes facts on a contact, and keeps its reply wait.

The facts are what ``domain.verdict`` judges. Reply waits are the one thing measured by arrival
(rule 9): the oldest customer message that nobody has answered since the first response.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from firstreply.domain.bands import OTHER, Policy, PolicyBook
from firstreply.domain.contact import (
    Contact,
    Once,
    current_queue,
    with_fact,
    with_queue,
)
from firstreply.domain.events import ContactEvent, EventType
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.transitions import Effect

_QUEUE_RANKS: Final = {EventType.OPENED: 0, EventType.QUEUED: 1, EventType.TRANSFERRED: 2}


class Scene(msgspec.Struct, frozen=True, gc=False):
    """What an effect works on."""

    contact: Contact
    event: ContactEvent
    book: PolicyBook
    increments: Increments
    policy: Policy
    """The one pinned; before the start, the one that unlisted channels have."""


def apply(effects: tuple[Effect, ...], scene: Scene) -> None:
    """Apply the effects of one event, in order."""
    for effect in effects:
        _APPLY[effect](scene)


def reply_pair(contact: Contact, book: PolicyBook) -> tuple[str, str]:
    """Return the (channel, queue) that a reply wait is charged to."""
    if contact.received is not None:
        channel = contact.received[0]
    else:
        channel = OTHER if contact.named is None else contact.named[2]
    return channel, book.queue(channel, current_queue(contact))


def _start(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    opening = event.type is EventType.OPENED
    if opening:
        contact.once |= Once.WAS_OPENED
    channel = "" if event.channel is None else scene.book.channel(event.channel)[0]
    candidate = (event.time, 0 if opening else 1, channel)
    if contact.inbound is None or candidate < contact.inbound:
        contact.inbound = candidate


def _channel(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    if event.channel is None:
        return
    opening = event.type is EventType.OPENED
    if opening:
        contact.once |= Once.WAS_OPENED
    channel, listed = scene.book.channel(event.channel)
    if not listed:
        scene.increments.count("firstreply_channel_unlisted_total")
    candidate = (event.time, 0 if opening else 1, channel)
    if contact.named is None or candidate < contact.named:
        contact.named = candidate


def _queue(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    if event.queue:
        rank = _QUEUE_RANKS[event.type]
        contact.queues = with_queue(contact.queues, event.time, rank, event.queue)


def _queued(scene: Scene) -> None:
    contact, time = scene.contact, scene.event.time
    contact.queued = time if contact.queued is None else min(contact.queued, time)


def _response(scene: Scene) -> None:
    contact, time = scene.contact, scene.event.time
    floor = None if contact.start is None else contact.start - scene.policy.clock_skew
    if floor is not None and time < floor:
        scene.increments.count("firstreply_latency_negative_total")
    contact.responses = with_fact(contact.responses, time, floor)
    contact.last_response = max(contact.last_response, time)


def _acknowledge(scene: Scene) -> None:
    contact = scene.contact
    floor = None if contact.start is None else contact.start - scene.policy.clock_skew
    contact.automatic = with_fact(contact.automatic, scene.event.time, floor)


def _abandon(scene: Scene) -> None:
    contact, time = scene.contact, scene.event.time
    contact.abandonments = with_fact(contact.abandonments, time, contact.start)
    contact.last_end = max(contact.last_end, time)


def _close(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    contact.closes = with_fact(contact.closes, event.time, contact.start)
    reason = (event.reason or "").casefold()
    if reason in scene.policy.excluded_reasons:
        floor = None if contact.start is None else (contact.start, "")
        contact.excluding = with_fact(contact.excluding, (event.time, reason), floor)
    contact.last_end = max(contact.last_end, event.time)


def _exclude(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    noted = (event.time, (event.reason or "").casefold())
    contact.excluded = noted if contact.excluded is None else min(contact.excluded, noted)


def _reopen(scene: Scene) -> None:
    scene.contact.once |= Once.WAS_REOPENED


def _transfer(scene: Scene) -> None:
    scene.contact.once |= Once.WAS_TRANSFERRED


def _reply_wait(scene: Scene) -> None:
    """Start a reply wait, unless the message was answered or ended before it arrived here."""
    contact, time = scene.contact, scene.event.time
    begun = contact.start is None or time > contact.start
    if begun and time > contact.last_response and time > contact.last_end:
        since = contact.reply_since
        contact.reply_since = time if since is None else min(since, time)


def _reply_end(scene: Scene) -> None:
    contact, event = scene.contact, scene.event
    since = contact.reply_since
    if since is None or event.time < since:
        return
    contact.reply_since = None
    if event.type is EventType.RESPONDED:
        channel, queue = reply_pair(contact, scene.book)
        seconds = (event.time - since) / SECOND
        scene.increments.observe("contact_reply_seconds", channel, queue, seconds=seconds)


def _ignored(scene: Scene) -> None:
    scene.increments.count("firstreply_events_ignored_total")


_APPLY: Final[dict[Effect, Callable[[Scene], None]]] = {
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
