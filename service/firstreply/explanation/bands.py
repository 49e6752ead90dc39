"""The bands of one contact: deadline, outcome and reason, each beside what the counters hold."""

from firstreply.domain.bands import Band, Clock, Policy
from firstreply.domain.contact import Contact, Outcome
from firstreply.domain.deadlines import deadline_of_band
from firstreply.domain.instants import AFTER_ALL, to_datetime
from firstreply.domain.verdict import Verdict, deadline_of, outcome_of
from firstreply.explanation.hours import opening_time
from firstreply.explanation.instants import moment, seconds
from firstreply.explanation.model import BandStory, Because, Counted, NextDeadline


def band_stories(contact: Contact, verdict: Verdict, policy: Policy) -> tuple[BandStory, ...]:
    """Explain each band, shortest limit first."""
    return tuple(_band(contact, verdict, policy, band) for band in policy.bands)


def next_deadline(
    contact: Contact, verdict: Verdict, policy: Policy, at: int
) -> NextDeadline | None:
    """Return the earliest deadline of a band that was not decided yet."""
    counted = contact.outcomes or {}
    undecided = [
        (deadline_of(policy, band, verdict), band.name)
        for band in policy.bands
        if band.name not in counted
    ]
    deadline, name = min(undecided, default=(AFTER_ALL, ""))
    if deadline == AFTER_ALL:
        return None
    return NextDeadline(name, to_datetime(deadline), seconds(deadline - at))


def _band(contact: Contact, verdict: Verdict, policy: Policy, band: Band) -> BandStory:
    deadline = deadline_of_band(policy, band, verdict.start)
    limit = deadline_of(policy, band, verdict)
    decided = outcome_of(verdict, limit, contact.lapsed)
    counted = (contact.outcomes or {}).get(band.name)
    outcome = None if counted is None else counted.outcome
    decided_at: int | None = None
    because: Because = "running" if outcome is None else "counted_before"
    if decided is not None:
        outcome, decided_at = decided
        because = _because(outcome, decided_at, verdict, deadline, limit)
    margin = None
    if verdict.response is not None and deadline != AFTER_ALL:
        margin = seconds(deadline - verdict.response)
    promised = policy.promise is not None and policy.promise.band == band.name
    business = band.clock is Clock.BUSINESS and deadline != AFTER_ALL
    return BandStory(
        band=band.name,
        limit_seconds=seconds(band.limit),
        clock=band.clock,
        weight=band.weight,
        objective=policy.promise.objective if promised and policy.promise is not None else None,
        deadline_at=moment(deadline),
        hours=opening_time(policy, verdict.start, deadline) if business else None,
        outcome="undecided" if outcome is None else outcome.value,
        decided_at=moment(decided_at),
        because=because,
        margin_seconds=margin,
        counted=None if counted is None else Counted(counted.outcome, counted.queue),
    )


def _because(
    outcome: Outcome, decided_at: int, verdict: Verdict, deadline: int, limit: int
) -> Because:
    """Say what decided a band; ``limit`` is its deadline, or the giving up where that is first."""
    if outcome is Outcome.EXCLUDED:
        return "excluded"
    if outcome is Outcome.MET:
        return "answered"
    if outcome is Outcome.ABANDONED:
        return "abandoned"
    if decided_at < limit:
        return "closed"
    if limit < deadline:
        return "given_up"
    return "unanswered" if verdict.response is None else "answered_late"
