"""From a group of processes to the documents of ``/api/v1``.

A ``Group`` and the policies come in, ``bodies`` come out. Sums over corrections are clamped here:
in a window more contacts may be taken back than were counted.
"""

from collections.abc import Iterator
from typing import Final

from firstreply.domain.bands import Band, Policy
from firstreply.domain.instants import SECOND, to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Trust
from firstreply.wall import bodies
from firstreply.wall.group import Group
from firstreply.wall.status import ChannelStatus, Decided, QueueStatus, UrgentContact
from firstreply.words import Standing

_LAST_INSTANT: Final = 253_402_300_799 * SECOND
"""The end of the year 9999; a deadline beyond opening hours that end for good lies later."""


def instant_text(at: int | None) -> str | None:
    """Write an instant as RFC 3339; None for none, and for what has no date."""
    if at is None or not 0 <= at <= _LAST_INSTANT:
        return None
    return to_datetime(at).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def channels_document(
    group: Group, book: PolicyBook, *, rate: float, timezone: str
) -> Iterator[bodies.Channels | None]:
    """Yield None after each channel, so that other work may come in between; then the document."""
    waiting: dict[str, dict[str, QueueStatus]] = {name: {} for name in book.policies}
    for (channel, queue), status in group.queues.items():
        if channel in waiting:  # another process may have another configuration
            waiting[channel][queue] = status
    channels = []
    for name, policy in book.policies.items():
        counted = group.channels.get(name, ChannelStatus(name))
        if policy.promise is not None or waiting[name] or _has_figures(counted):
            queues = {queue: QueueStatus(name, queue) for queue in book.queues[name]}
            channels.append(_channel(group, policy, counted, queues | waiting[name]))
            yield None
    yield bodies.Channels(
        bodies.ServiceClock(instant_text(group.at), rate, timezone),
        bodies.TrustLight(
            group.trust,
            group.reasons,
            group.processes,
            group.partitions_covered,
            group.partitions_total,
        ),
        channels,
    )


def urgent_document(group: Group, *, ids_shown: bool, link: str | None) -> bodies.UrgentContacts:
    """Return the most urgent contacts; their ids only where they are to be shown."""

    def shown(contacts: list[UrgentContact]) -> list[bodies.UrgentContactNow]:
        return [
            bodies.UrgentContactNow(
                contact.contact_id if ids_shown else None,
                contact.channel,
                contact.queue,
                contact.band,
                started,
                deadline,
            )
            for contact in contacts
            if (started := instant_text(contact.started_at)) is not None
            and (deadline := instant_text(contact.deadline_at)) is not None
        ]

    return bodies.UrgentContacts(ids_shown, link, shown(group.late), shown(group.coming))


def _has_figures(counted: ChannelStatus) -> bool:
    per_contact = (counted.received, counted.answered, counted.abandoned)
    return any(per_contact) or any(map(any, counted.bands.values()))


def _channel(
    group: Group, policy: Policy, counted: ChannelStatus, queues: dict[str, QueueStatus]
) -> bodies.ChannelNow:
    at, calendar = group.at, policy.calendar
    is_open = calendar is None or at is None or calendar.is_open_us(at)
    whole = QueueStatus(policy.channel, "")
    for status in queues.values():
        whole = whole.joined(status)
    return bodies.ChannelNow(
        channel=policy.channel,
        state=_standing(group.trust, whole, is_open=is_open),
        open=is_open,
        waiting=_waiting(whole),
        oldest_waiting_at=instant_text(whole.oldest),
        next_deadline_at=instant_text(whole.next_deadline),
        due=bodies.Due(*whole.due),
        promise=_promised(policy),
        kept_30m=bodies.Kept(*_clamped(counted.kept)),
        today=_today(group, policy, counted),
        bands=[_band(band, counted) for band in policy.bands],
        queues=[
            bodies.QueueNow(
                status.queue,
                _standing(group.trust, status, is_open=is_open),
                _waiting(status),
                instant_text(status.oldest),
                instant_text(status.next_deadline),
                bodies.Due(*status.due),
            )
            for _, status in sorted(queues.items())
        ],
    )


def _standing(trust: Trust, status: QueueStatus, *, is_open: bool) -> Standing:
    _, at_risk, overdue, far_overdue = status.waiting
    if trust is not Trust.OK:
        return Standing.NO_DATA
    if not is_open:
        return Standing.CLOSED
    if overdue + far_overdue > 0:
        return Standing.LATE
    return Standing.SOON if at_risk > 0 else Standing.OK


def _waiting(status: QueueStatus) -> bodies.Waiting:
    return bodies.Waiting(*status.waiting, sum(status.waiting))


def _promised(policy: Policy) -> bodies.Promised | None:
    if policy.promise is None:
        return None
    band = policy.promise_band()
    return bodies.Promised(band.name, band.limit / SECOND, band.clock, policy.promise.objective)


def _today(group: Group, policy: Policy, counted: ChannelStatus) -> bodies.Today:
    promised = counted.bands.get(policy.promise_band().name, (0, 0)) if policy.promise else (0, 0)
    met, decided, share = _clamped(promised)
    return bodies.Today(
        since=instant_text(group.since),
        met=met,
        decided=decided,
        share=share,
        expectation_index=_expectation_index(policy, counted),
        received=max(0, counted.received),
        answered=max(0, counted.answered),
        abandoned=max(0, counted.abandoned),
    )


def _expectation_index(policy: Policy, counted: ChannelStatus) -> float | None:
    """Return the weighted share met, over the bands that have decisions."""
    known = [
        (band.weight, share)
        for band in policy.bands
        if (share := _clamped(counted.bands.get(band.name, (0, 0)))[2]) is not None
    ]
    weight = sum(weight for weight, _ in known)
    return sum(weight * share for weight, share in known) / weight if weight else None


def _band(band: Band, counted: ChannelStatus) -> bodies.BandKept:
    met, decided, share = _clamped(counted.bands.get(band.name, (0, 0)))
    return bodies.BandKept(
        band.name, band.limit / SECOND, band.clock, band.weight, met, decided, share
    )


def _clamped(net: Decided) -> tuple[int, int, float | None]:
    """Return met, decided and the share: none below 0, met at most decided."""
    decided = max(0, net[1])
    met = min(max(0, net[0]), decided)
    return met, decided, met / decided if decided else None
