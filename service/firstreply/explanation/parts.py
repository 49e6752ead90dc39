"""The parts of a judged contact: its first response, its end, its exclusion, its wait."""

from typing import Literal

from firstreply.domain.bands import Policy
from firstreply.domain.contact import Contact, Phase
from firstreply.domain.deadlines import latest_start
from firstreply.domain.gauges import BandState
from firstreply.domain.instants import to_datetime
from firstreply.domain.verdict import SHORT_ABANDON, Verdict, acknowledged
from firstreply.explanation.bands import next_deadline
from firstreply.explanation.hours import opening_seconds, opening_time, opens_at
from firstreply.explanation.instants import moment, seconds
from firstreply.explanation.model import EndStory, ExclusionStory, ResponseStory, WaitStory


def acknowledgement(contact: Contact, verdict: Verdict, policy: Policy) -> int | None:
    """Return when the automatic reply came that counts as acknowledgement (rule 3)."""
    if not acknowledged(contact, verdict.start, policy):
        return None
    floor = verdict.start - policy.clock_skew
    return next(at for at in contact.automatic if at >= floor)


def written_response(contact: Contact, verdict: Verdict, policy: Policy) -> int | None:
    """Return the instant of the first response as written, which the clock skew may allow for."""
    floor = verdict.start - policy.clock_skew
    return next((at for at in contact.responses if at >= floor), None)


def response_story(contact: Contact, verdict: Verdict, policy: Policy) -> ResponseStory | None:
    """Explain the first response."""
    written = written_response(contact, verdict, policy)
    if verdict.response is None or written is None:
        return None
    start, response = verdict.start, verdict.response
    return ResponseStory(
        at=to_datetime(written),
        latency_seconds=seconds(response - start),
        opening_seconds=opening_seconds(policy, start, response),
        hours=opening_time(policy, start, response),
        within_skew=written < start,
    )


def end_story(verdict: Verdict) -> EndStory | None:
    """Explain the earliest abandonment or close."""
    ended, response = verdict.ended, verdict.response
    if ended is None:
        return None
    return EndStory(
        at=to_datetime(ended),
        what="abandoned" if verdict.abandoned else "closed",
        before_response=response is None or ended < response,
        waited_seconds=seconds(ended - verdict.start),
    )


def exclusion_story(contact: Contact, verdict: Verdict, policy: Policy) -> ExclusionStory | None:
    """Explain an exclusion; one by an event wins over all others (rule 7)."""
    at, reason = verdict.excluded_at, verdict.excluded_for
    if at is None or reason is None:
        return None
    because: Literal["event", "close", "short_abandon"] = "close"
    if contact.excluded is not None:
        because = "event"
    elif reason == SHORT_ABANDON:
        because = "short_abandon"
    return ExclusionStory(to_datetime(at), because, reason, seconds(policy.short_abandon))


def wait_story(
    contact: Contact, verdict: Verdict, policy: Policy, at: int | None
) -> WaitStory | None:
    """Explain how things stand at an instant; None unless the contact waits."""
    if verdict.phase is not Phase.WAITING or at is None:
        return None
    until = max(at, verdict.start)  # the service clock is a grace behind what has just come
    opening = opens_at(policy, until)
    return WaitStory(
        waited_seconds=seconds(until - verdict.start),
        opening_seconds=opening_seconds(policy, verdict.start, until),
        hours=opening_time(policy, verdict.start, until),
        band_state=band_state(policy, verdict.start, at),
        open=policy.calendar is None or policy.calendar.is_open_us(until),
        opens_at=moment(opening),
        next_deadline=next_deadline(contact, verdict, policy, at),
    )


def band_state(policy: Policy, start: int, at: int) -> BandState:
    """Return how near a waiting contact is to its promise, as the waiting figures count it."""
    band = policy.promise_band()
    for state, amount in (
        (BandState.FAR_OVERDUE, band.limit * 2),
        (BandState.OVERDUE, band.limit),
        (BandState.AT_RISK, band.limit * 4 // 5),
    ):
        if start <= latest_start(policy, band, at, amount):
            return state
    return BandState.WITHIN
