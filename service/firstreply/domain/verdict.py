"""The verdict on a contact: a pure function of its facts and its policy (rules 1 to 7).

Nothing here knows in which order events arrived, what was counted, or what time it is; the only
thing that is not a fact of the contact is ``lapsed``, the instant up to which deadlines are known
to have passed. Two contacts with equal facts have equal verdicts.
"""

from bisect import bisect_left
from typing import Final, final

from mypy_extensions import mypyc_attr

from firstreply.domain.bands import OTHER, Band, ClockStart, Policy
from firstreply.domain.contact import Contact, Outcome, Phase
from firstreply.domain.deadlines import deadline_of_band
from firstreply.domain.instants import AFTER_ALL

_AT_OPENING: Final = ClockStart.OPENED

SHORT_ABANDON: Final = "short_abandon"
"""The reason under which short abandons are excluded (rule 6)."""


@final
@mypyc_attr(acyclic=True)
class Verdict:
    """What the facts say. Instants are microseconds."""

    def __init__(  # noqa: PLR0913, PLR0917 - the fields
        self,
        phase: Phase,
        start: int,
        response: int | None,
        ended: int | None,
        abandoned: bool,  # noqa: FBT001
        gives_up: int,
        decided_at: int | None,
        decides: Outcome,
        excluded_at: int | None,
        excluded_for: str | None,
    ) -> None:
        self.phase = phase
        self.start = start
        self.response = response
        """First human response, never before the start: one within the clock skew counts as at it.
        """
        self.ended = ended
        """Earliest abandonment or close at or after the start."""
        self.abandoned = abandoned
        """Whether ``ended`` is an abandonment; at the same instant abandonment comes first."""
        self.gives_up = gives_up
        """When the contact is given up if nobody answers; ``AFTER_ALL`` for never."""
        self.decided_at = decided_at
        """The earliest fact at or after the start that decides a band whose deadline is not before
        it: exclusion, response, abandonment, unanswered close; at the same instant the one named
        first."""
        self.decides = decides
        """What that fact makes of it."""
        self.excluded_at = excluded_at
        self.excluded_for = excluded_for


def find_start(contact: Contact, policy: Policy, opened: int) -> tuple[int | None, bool]:
    """Return the start, or None, and whether it fell back to the opening (rule 1).

    With ``clock_start: queued`` the first entry into a queue starts the clock; a human response
    that comes before any entry starts it at the opening instead.

    Args:
        contact: the facts.
        policy: of the channel the contact started on.
        opened: instant of the earliest start candidate.
    """
    if policy.clock_start is _AT_OPENING:
        return opened, False
    answered = _first_at_or_after(contact.responses, opened - policy.clock_skew)
    if contact.queued is None:
        return (None, False) if answered is None else (opened, True)
    queued = max(contact.queued, opened)
    if answered is not None and answered < queued - policy.clock_skew:
        return opened, True
    return queued, False


def ended_unqueued(contact: Contact, opened: int) -> bool:
    """Return whether a contact that never reached a queue ended after its opening (rule 1)."""
    ends = (contact.abandonments, contact.closes)
    return any(_first_at_or_after(instants, opened) is not None for instants in ends)


def start_channel(contact: Contact) -> str:
    """Return the channel of a contact whose starting message names none (rule 10).

    It is that of the earliest opening or message that does.
    """
    return OTHER if contact.named is None else contact.named[2]


def judge(contact: Contact, policy: Policy, start: int) -> Verdict:
    """Derive the verdict of a contact that has a start."""
    response = _first_at_or_after(contact.responses, start - policy.clock_skew)
    if response is not None:
        response = max(response, start)
    abandoned_at = _first_at_or_after(contact.abandonments, start)
    closed_at = _first_at_or_after(contact.closes, start)
    abandoned = abandoned_at is not None and (closed_at is None or abandoned_at <= closed_at)
    ended = abandoned_at if abandoned else closed_at
    gives_up = AFTER_ALL if policy.give_up_after is None else start + policy.give_up_after
    decided_at, decides = ended, Outcome.ABANDONED if abandoned else Outcome.MISSED
    if response is not None and (ended is None or response <= ended):
        decided_at, decides = response, Outcome.MET
    excluded_at, reason = None, None
    if contact.excluded or contact.excluding or ended is not None:
        excluded_at, reason = _exclusion(contact, policy, start, response, ended)
    if excluded_at is not None:
        phase = Phase.EXCLUDED
        decided_at, decides = max(excluded_at, start), Outcome.EXCLUDED
    elif response is not None:
        phase = Phase.ANSWERED
    elif ended is not None and ended <= gives_up:
        phase = Phase.ABANDONED if abandoned else Phase.CLOSED
    elif ended is not None or gives_up <= contact.lapsed:
        phase = Phase.GIVEN_UP
    else:
        phase = Phase.WAITING
    return Verdict(
        phase,
        start,
        response,
        ended,
        abandoned,
        gives_up,
        decided_at,
        decides,
        excluded_at,
        reason,
    )


def _first_at_or_after(instants: tuple[int, ...], floor: int) -> int | None:
    if not instants or instants[-1] < floor:
        return None
    return instants[bisect_left(instants, floor)]


def _exclusion(
    contact: Contact, policy: Policy, start: int, response: int | None, ended: int | None
) -> tuple[int | None, str | None]:
    """Return when and why the contact is excluded (rules 6 and 7), or (None, None)."""
    if contact.excluded is not None:
        return contact.excluded
    for at, reason in contact.excluding:
        unanswered = response is None or at < response
        if at >= start and unanswered and reason in policy.excluded_reasons:
            return at, reason
    if (
        ended is not None
        and ended - start < policy.short_abandon
        and (response is None or ended < response)
    ):
        return ended, SHORT_ABANDON
    return None, None


def deadline_of(policy: Policy, band: Band, verdict: Verdict) -> int:
    """Return when a band is missed at the latest: its deadline, or the giving up (rule 13)."""
    return min(deadline_of_band(policy, band, verdict.start), verdict.gives_up)


def outcome_of(verdict: Verdict, deadline: int, lapsed: int) -> tuple[Outcome, int] | None:
    """Return the outcome of a band and the instant at which it fell; None while undecided.

    The earliest, at or after the start, of response, deadline, abandonment, unanswered close
    decides; at the same instant the one named first (rule 5).
    """
    at = verdict.decided_at
    if at is None:
        return (Outcome.MISSED, deadline) if deadline <= lapsed else None
    if at < deadline or (at == deadline and verdict.decides is Outcome.MET):
        return verdict.decides, at
    if verdict.decides is Outcome.EXCLUDED:  # in every band, whenever it comes (rule 7)
        return verdict.decides, at
    return Outcome.MISSED, deadline


def acknowledged(contact: Contact, start: int, policy: Policy) -> bool:
    """Return whether an automatic reply came after the start and before the human one (rule 3)."""
    floor = start - policy.clock_skew
    automatic = _first_at_or_after(contact.automatic, floor)
    human = _first_at_or_after(contact.responses, floor)
    return automatic is not None and (human is None or automatic < human)


def next_deadline(contact: Contact, policy: Policy, start: int) -> int | None:
    """Return the earliest instant at which a waiting contact's verdict changes by itself.

    A limit is never used up before as much time has passed: the calendar is asked only about bands
    that could come first. Asking it about all took a fifth of a restore.
    """
    outcomes = contact.outcomes
    earliest = None if policy.give_up_after is None else start + policy.give_up_after
    for band in policy.bands:
        if earliest is not None and start + band.limit >= earliest:
            break
        if outcomes is None or band.name not in outcomes:
            deadline = deadline_of_band(policy, band, start)
            if earliest is None or deadline < earliest:
                earliest = deadline
    return earliest
