"""One contact: the facts known about it, and what has been counted for it.

Facts only ever accumulate, and each is a minimum, a set or a sorted tuple, so that the order in
which events arrive leaves no trace: ``domain.verdict`` derives start, response and outcome from
the facts alone (rule 5). What was counted is kept apart, so that a later verdict can be compared
with it and corrected (rule 8).

What is made for each event or judging is written out as a class with an ``__init__``, here and in
the modules beside: the one that a dataclass makes is not compiled (decision 0013), which took a
sixth longer for an event.

Bounds: 16 instants of a kind, 16 queue changes, 16 event ids. All instants are microseconds.
"""

from bisect import bisect_left
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeVar, final

from mypy_extensions import mypyc_attr

from firstreply.domain.instants import BEFORE_ALL

KEPT: Final = 16
"""How many response instants, queue changes and event ids a contact keeps."""


class Phase(StrEnum):
    """Where a contact stands; the rows of the state table in ``domain.transitions``."""

    UNSEEN = "unseen"
    """No start yet: events are held for the opening that is still to come."""
    WAITING = "waiting"
    ANSWERED = "answered"
    ABANDONED = "abandoned"
    CLOSED = "closed"
    """Closed without an answer."""
    GIVEN_UP = "given_up"
    EXCLUDED = "excluded"


class Outcome(StrEnum):
    """The verdict on one band of one contact."""

    MET = "met"
    MISSED = "missed"
    ABANDONED = "abandoned"
    EXCLUDED = "excluded"


class Once:
    """Bits of ``Contact.once``: facts without an instant, and what was counted once per contact.

    Plain integers: an ``IntFlag`` costs half a microsecond for each look.
    """

    WAS_OPENED: Final = 1
    WAS_TRANSFERRED: Final = 2
    WAS_REOPENED: Final = 4
    COUNTED_ACKNOWLEDGED: Final = 8
    COUNTED_TRANSFERRED: Final = 16
    COUNTED_REOPENED: Final = 32
    COUNTED_ABANDONED: Final = 64
    COUNTED_SHORT_ABANDONED: Final = 128
    COUNTED_EXCLUDED: Final = 256
    COUNTED_UNANSWERED: Final = 512
    COUNTED_SELF_SERVED: Final = 1024
    COUNTED_FALLBACK: Final = 2048
    COUNTED_WITHOUT_OPENING: Final = 4096
    COUNTED_RECEIVED: Final = 8192


@final
@mypyc_attr(acyclic=True)
@dataclass(init=False)
class Counted:
    """An outcome as it was counted, and the queue that was charged with it."""

    outcome: Outcome
    queue: str

    def __init__(self, outcome: Outcome, queue: str) -> None:
        self.outcome = outcome
        self.queue = queue


@final
@mypyc_attr(acyclic=True)
@dataclass
class Contact:
    """Facts, pinned policy, counted figures. Only the engine changes one."""

    contact_id: str

    inbound: tuple[int, int, str] | None = None
    """Earliest inbound opening or customer message: instant, 0 opening or 1 message, channel."""
    named: tuple[int, int, str] | None = None
    """Earliest opening (of any direction) or message that names a channel."""
    queued: int | None = None
    """Earliest ``contact.queued``."""
    responses: tuple[int, ...] = ()
    """Human responses, ascending."""
    automatic: tuple[int, ...] = ()
    """Bot and automatic responses, ascending."""
    abandonments: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()
    excluding: tuple[tuple[int, str], ...] = ()
    """Instant and reason of the closes for an excluding reason, ascending."""
    excluded: tuple[int, str] | None = None
    """Earliest ``contact.excluded``: instant and reason."""
    queues: tuple[tuple[int, int, str], ...] = ()
    """Instant, rank of the event type, queue as the producer wrote it; ascending."""
    last_response: int = BEFORE_ALL
    last_end: int = BEFORE_ALL
    """Latest close or abandonment."""

    phase: Phase = Phase.UNSEEN
    start: int | None = None
    policy: str = ""
    """Digest of the policy pinned at the start (rule 12); empty while unseen."""
    known_at: int = BEFORE_ALL
    """Log time when the start became known."""
    lapsed: int = BEFORE_ALL
    """Every deadline up to and including this instant is known to have passed unanswered."""
    touched: int = BEFORE_ALL
    """The later of log time and event time at the last event."""
    recent_ids: tuple[str, ...] = ()

    received: tuple[str, str] | None = None
    """(channel, queue) under which the contact was counted as received."""
    outcomes: dict[str, Counted] | None = None
    """Band name to what was counted for it; None until the first."""
    latency: int | None = None
    """The first-response latency that was observed in the histogram."""
    settled_as: Phase | None = None
    once: int = 0
    reply_since: int | None = None
    """The oldest customer message not answered since the first response (rule 9)."""
    waits_in: tuple[tuple[str, str], str, int] | None = None
    """(channel, queue), policy and start under which the waiting figures include this contact."""
    reply_waits_in: tuple[tuple[str, str], int] | None = None
    """(channel, queue) and instant under which the reply figures include it."""
    timer: int | None = None
    """When the engine looks at the contact again, or earlier: whoever waits, at the service clock
    (log time less grace); whoever does not, by log time."""

    def unmatched(self) -> int:
        """Return how many human responses belong to no opening, message or reopening we know."""
        known = self.inbound or self.named or self.once & Once.WAS_REOPENED
        return 0 if known else len(self.responses)

    def queue_at(self, instant: int) -> str | None:
        """Return the queue that held the contact at an instant, as the producer wrote it."""
        held = None
        for since, _, queue in self.queues:
            if since > instant:
                break
            held = queue
        return held

    def has(self, flag: int) -> bool:
        """Return whether a once-flag is set."""
        return bool(self.once & flag)

    def first_time(self, flag: int) -> bool:
        """Set a once-flag; True if it was not set before."""
        if self.once & flag:
            return False
        self.once |= flag
        return True


_Fact = TypeVar("_Fact", int, tuple[int, str])


def with_fact(facts: tuple[_Fact, ...], fact: _Fact, floor: _Fact | None) -> tuple[_Fact, ...]:
    """Insert an instant, or an instant with its reason, in order; equal ones are one.

    At most ``KEPT`` stay. Beyond that the latest goes, since the earliest at or after the start
    decides; but never the only one at or after ``floor``: then the earliest goes.
    """
    place = bisect_left(facts, fact)
    if place < len(facts) and facts[place] == fact:
        return facts
    longer = facts[:place] + (fact,) + facts[place:]  # noqa: RUF005 - a star loses the type
    if len(longer) <= KEPT:
        return longer
    if floor is not None and longer[-2] < floor <= longer[-1]:
        return longer[1:]
    return longer[:-1]


def with_queue(
    queues: tuple[tuple[int, int, str], ...], instant: int, rank: int, queue: str
) -> tuple[tuple[int, int, str], ...]:
    """Insert a queue change in order; at most ``KEPT`` stay, the latest."""
    if (instant, rank, queue) in queues:
        return queues
    return tuple(sorted((*queues, (instant, rank, queue))))[-KEPT:]


def current_queue(contact: Contact) -> str | None:
    """Return the queue of the latest change, as the producer wrote it."""
    return contact.queues[-1][2] if contact.queues else None
