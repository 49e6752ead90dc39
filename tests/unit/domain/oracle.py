"""What the rules of the clock say about a contact, worked out the slow and obvious way.

Written from the design's text (section 3) and decision 0002, without looking at how the domain
does it: take *all* events of one contact as a plain list, forget their order, and ask the rules
one after the other. It shares with the package only the words (events, policies) and no arithmetic;
opening hours are a list of windows, walked through one by one.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from firstreply.domain.bands import Band, Clock, ClockStart, Policy
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.instants import to_datetime
from tests.unit.domain.builders import T0

_HOUR: Final = 3600 * 1_000_000


def _office_windows() -> list[tuple[int, int]]:
    """Return the windows of ``builders.OFFICE`` for the weeks around ``T0``, in UTC, in order."""
    windows = []
    for day in range(-70, 71):
        nine = T0 + day * 24 * _HOUR
        if to_datetime(nine).weekday() < 5:
            windows += [(nine, nine + 3 * _HOUR), (nine + 4 * _HOUR, nine + 8 * _HOUR)]
    return windows


WINDOWS: Final = _office_windows()


def used(start: int, end: int) -> int:
    """Return the opening time of the office between two instants."""
    overlaps = (min(end, closing) - max(start, opening) for opening, closing in WINDOWS)
    return sum(overlap for overlap in overlaps if overlap > 0)


def deadline(policy: Policy, band: Band, start: int) -> int:
    """Return the earliest instant at which the limit is used up (rule 4)."""
    if band.clock is Clock.ELAPSED or policy.calendar is None:
        return start + band.limit
    left = band.limit
    for opening, closing in WINDOWS:
        begin = max(start, opening)
        if begin < closing:
            if closing - begin >= left:
                return begin + left
            left -= closing - begin
    msg = "the office windows of the oracle are too short"
    raise AssertionError(msg)


class Answer(msgspec.Struct, frozen=True):
    """What the rules say of one contact."""

    channel: str
    start: int
    response: int | None
    phase: str
    """waiting, answered, abandoned, closed, given_up or excluded."""
    outcomes: dict[str, str]
    """Band to outcome; undecided bands are left out."""
    acknowledged: bool


def answer(
    events: Iterable[ContactEvent], policies: dict[str, Policy], until: int
) -> Answer | None:
    """Judge one contact, all deadlines up to ``until`` (not before any event) having passed.

    Returns None for a contact that was never received.
    """
    every = list(events)
    first = _first_contact(every)
    if not first:
        return None
    channel = _channel(first, every, policies)
    policy = policies[channel]
    start = _start(min(event.time for event in first), every, policy)
    if start is None:
        return None
    responses = _responses(every, start, policy)
    response = max(min(responses), start) if responses else None
    decided = _decided(every, start, response, policy, until)
    phase = _phase(every, start, response, policy, until)
    if phase == "excluded":
        decided = dict.fromkeys((band.name for band in policy.bands), "excluded")
    acknowledged = phase != "excluded" and _acknowledged(every, start, responses, policy)
    return Answer(channel, start, response, phase, decided, acknowledged)


def _of(events: Sequence[ContactEvent], *kinds: EventType) -> list[ContactEvent]:
    return [event for event in events if event.type in kinds]


def _outbound(opening: ContactEvent) -> bool:
    """Rule 2."""
    if opening.direction is None:
        return opening.actor in {Actor.AGENT, Actor.BOT, Actor.SYSTEM}
    return opening.direction is Direction.OUTBOUND


def _first_contact(events: Sequence[ContactEvent]) -> list[ContactEvent]:
    """Rules 1 and 2: what an inbound contact may start with."""
    openings = [event for event in _of(events, EventType.OPENED) if not _outbound(event)]
    return openings + _of(events, EventType.MESSAGE)


def _channel(
    first: Sequence[ContactEvent], events: Sequence[ContactEvent], policies: dict[str, Policy]
) -> str:
    """Rule 10, with decision 0002, items 3 and 9."""

    def order(event: ContactEvent) -> tuple[int, bool, str]:
        return event.time, event.type is EventType.MESSAGE, event.channel or ""

    starting = min(first, key=order)
    named = [event for event in _of(events, EventType.OPENED, EventType.MESSAGE) if event.channel]
    if starting.channel is None and named:
        starting = min(named, key=order)
    return starting.channel if starting.channel in policies else "other"


def _start(opened: int, events: Sequence[ContactEvent], policy: Policy) -> int | None:
    """Rule 1, with decision 0002, item 2."""
    if policy.clock_start is ClockStart.OPENED:
        return opened
    entries = [event.time for event in _of(events, EventType.QUEUED)]
    answered = _responses(events, opened, policy)
    if not entries:
        return opened if answered else None
    entered = max(min(entries), opened)
    if answered and min(answered) < entered - policy.clock_skew:
        return opened
    return entered


def _responses(events: Sequence[ContactEvent], start: int, policy: Policy) -> list[int]:
    """Rule 3: human responses, not more than the clock skew before the start."""
    return [
        event.time
        for event in _of(events, EventType.RESPONDED)
        if event.actor is Actor.AGENT and event.time >= start - policy.clock_skew
    ]


def _ends(events: Sequence[ContactEvent], start: int) -> list[tuple[int, int, ContactEvent]]:
    """Return abandonments and closes at or after the start; abandonment first in a tie."""
    return sorted(
        (
            (event.time, 0 if event.type is EventType.ABANDONED else 1, event)
            for event in _of(events, EventType.ABANDONED, EventType.CLOSED)
            if event.time >= start
        ),
        key=lambda end: end[:2],
    )


def _decided(
    events: Sequence[ContactEvent], start: int, response: int | None, policy: Policy, until: int
) -> dict[str, str]:
    """Rule 5: of all that may decide a band, the earliest; ties in the order of the rule."""
    decided = {}
    for band in policy.bands:
        falls = [deadline(policy, band, start)]
        if policy.give_up_after is not None:
            falls.append(start + policy.give_up_after)
        candidates = [(fall, 1, "missed") for fall in falls]
        if response is not None:
            candidates.append((response, 0, "met"))
        for at, rank, _ in _ends(events, start):
            candidates.append((at, 2 + rank, "missed" if rank else "abandoned"))
        at, _, outcome = min(candidates)
        if at <= until:
            decided[band.name] = outcome
    return decided


def _phase(
    events: Sequence[ContactEvent], start: int, response: int | None, policy: Policy, until: int
) -> str:
    if _excluded(events, start, response, policy):
        return "excluded"
    if response is not None:
        return "answered"
    gives_up = None if policy.give_up_after is None else start + policy.give_up_after
    ends = _ends(events, start)
    if ends and (gives_up is None or ends[0][0] <= gives_up):
        return "closed" if ends[0][1] else "abandoned"
    return "waiting" if gives_up is None or gives_up > until else "given_up"


def _excluded(
    events: Sequence[ContactEvent], start: int, response: int | None, policy: Policy
) -> bool:
    """Rules 6 and 7."""
    unanswered = [
        (at, end) for at, _, end in _ends(events, start) if response is None or at < response
    ]
    return (
        bool(_of(events, EventType.EXCLUDED))
        or any(at - start < policy.short_abandon for at, _ in unanswered)
        or any(
            end.type is EventType.CLOSED and end.reason in policy.excluded_reasons
            for _, end in unanswered
        )
    )


def _acknowledged(
    events: Sequence[ContactEvent], start: int, responses: Sequence[int], policy: Policy
) -> bool:
    """Rule 3: an automatic reply came, and came before the human one."""
    automatic = [
        event.time
        for event in _of(events, EventType.RESPONDED)
        if event.actor is not Actor.AGENT and event.time >= start - policy.clock_skew
    ]
    return bool(automatic) and (not responses or min(automatic) < min(responses))
