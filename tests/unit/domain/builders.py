"""Events, policies and a desk to try them on, in seconds after a Monday morning.

``T0`` is Monday 2026-03-02 09:00:00 UTC, the opening instant of ``OFFICE``. Every builder takes
seconds after ``T0``, so that a test reads ``opened(0)``, ``responded(600)``. The policies are
plain on purpose: whatever a test does not name is off.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from firstreply.domain.bands import Band, Clock, ClockStart, Policy, Promise
from firstreply.domain.calendar import Calendar
from firstreply.domain.contact import Contact, Outcome, Phase
from firstreply.domain.engine import Engine
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.gauges import PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND, micros, to_instant
from firstreply.domain.policy_book import PolicyBook

T0: Final = to_instant(datetime(2026, 3, 2, 9, tzinfo=UTC))
MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
MICROSECOND: Final = 0.000001
GRACE: Final = 5
SKEW: Final = 2

SPAM: Final = frozenset({"spam", "duplicate"})
OFFICE: Final = Calendar.from_weekly(
    timezone="UTC",
    weekly={
        day: [("09:00", "12:00"), ("13:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri")
    },
)

_LIMITS: Final = {"20s": 20, "10m": 600, "1h": HOUR, "8h": 8 * HOUR, "24h": DAY}


def at(seconds: float) -> int:
    """Return the instant that many seconds after ``T0``."""
    return T0 + micros(seconds)


# Events: each takes seconds after T0.


def event(
    kind: EventType,
    seconds: float,
    contact: str = "c",
    *,
    channel: str | None = None,
    queue: str | None = None,
    actor: Actor | None = None,
    direction: Direction | None = None,
    reason: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the field
) -> ContactEvent:
    """Build an event; without an id, events that differ in anything have different ids."""
    told = f"{kind.value}|{seconds}|{channel}|{queue}|{actor}|{direction}|{reason}"
    return ContactEvent(
        contact,
        kind,
        at(seconds),
        told if id is None else id,
        channel,
        queue,
        actor,
        direction,
        reason,
    )


def opened(
    seconds: float = 0,
    contact: str = "c",
    *,
    channel: str = "chat",
    queue: str | None = None,
    actor: Actor | None = Actor.CUSTOMER,
    direction: Direction | None = None,
) -> ContactEvent:
    return event(
        EventType.OPENED,
        seconds,
        contact,
        channel=channel,
        queue=queue,
        actor=actor,
        direction=direction,
    )


def outbound(seconds: float = 0, contact: str = "c", *, channel: str = "chat") -> ContactEvent:
    return opened(
        seconds, contact, channel=channel, actor=Actor.AGENT, direction=Direction.OUTBOUND
    )


def queued(seconds: float, contact: str = "c", *, queue: str | None = None) -> ContactEvent:
    return event(EventType.QUEUED, seconds, contact, queue=queue)


def message(
    seconds: float,
    contact: str = "c",
    *,
    channel: str | None = None,
    id: str | None = None,  # noqa: A002 - the name of the field
) -> ContactEvent:
    return event(EventType.MESSAGE, seconds, contact, channel=channel, actor=Actor.CUSTOMER, id=id)


def responded(
    seconds: float,
    contact: str = "c",
    *,
    actor: Actor = Actor.AGENT,
    id: str | None = None,  # noqa: A002 - the name of the field
) -> ContactEvent:
    return event(EventType.RESPONDED, seconds, contact, actor=actor, id=id)


def transferred(
    seconds: float, contact: str = "c", *, queue: str | None = None, channel: str | None = None
) -> ContactEvent:
    return event(EventType.TRANSFERRED, seconds, contact, queue=queue, channel=channel)


def abandoned(seconds: float, contact: str = "c") -> ContactEvent:
    return event(EventType.ABANDONED, seconds, contact)


def closed(seconds: float, contact: str = "c", *, reason: str | None = None) -> ContactEvent:
    return event(EventType.CLOSED, seconds, contact, reason=reason)


def reopened(
    seconds: float, contact: str = "c", *, actor: Actor | None = Actor.CUSTOMER
) -> ContactEvent:
    return event(EventType.REOPENED, seconds, contact, actor=actor)


def excluded(seconds: float, contact: str = "c", *, reason: str = "spam") -> ContactEvent:
    return event(EventType.EXCLUDED, seconds, contact, reason=reason)


# Policies.


def band(name: str, *, clock: Clock = Clock.ELAPSED, weight: float = 1.0) -> Band:
    """Build one of the usual bands."""
    return Band(name, _LIMITS[name] * SECOND, clock, weight)


BUSINESS_HOUR: Final = band("1h", clock=Clock.BUSINESS)
TEN_MINUTES_AND_AN_HOUR: Final = (band("10m"), band("1h"))


def policy(
    channel: str = "chat",
    bands: tuple[Band, ...] = TEN_MINUTES_AND_AN_HOUR,
    *,
    calendar: Calendar | None = None,
    promise: str | None = None,
    clock_start: ClockStart = ClockStart.OPENED,
    short_abandon: float = 0,
    abandoned_counts: bool = True,
    give_up_after: float | None = None,
    settle_for: float | None = None,
) -> Policy:
    """Build a policy; durations in seconds."""
    return Policy(
        channel=channel,
        bands=bands,
        calendar=calendar,
        promise=None if promise is None else Promise(promise, 0.9),
        clock_start=clock_start,
        short_abandon=micros(short_abandon),
        abandoned_counts=abandoned_counts,
        give_up_after=None if give_up_after is None else micros(give_up_after),
        settle_for=None if settle_for is None else micros(settle_for),
        clock_skew=micros(SKEW),
        excluded_reasons=SPAM,
    )


PHONE: Final = policy(
    "phone", (band("20s"), band("10m")), clock_start=ClockStart.QUEUED, short_abandon=5
)


def book(*policies: Policy, queues: Iterable[str] = ("billing", "support")) -> PolicyBook:
    """Build a book of these policies, and plain ones for the channels left out."""
    named = {one.channel: one for one in policies}
    settle_for = policies[0].settle_for if policies else None
    for channel in ("chat", "email", "other"):
        plain = policy(channel)
        if settle_for is not None:
            plain = policy(channel, settle_for=settle_for / SECOND)
        named.setdefault(channel, plain)
    return PolicyBook(
        list(named.values()),
        aliases={"clavardage": "chat", "courriel": "email"},
        queues=dict.fromkeys(named, tuple(queues)),
    )


class Desk:
    """An engine, and everything it has counted since it was built."""

    def __init__(self, *policies: Policy, engine: Engine | None = None) -> None:
        self.engine = engine or Engine(book(*policies), grace=micros(GRACE))
        self._counted = Increments()

    def receive(self, *events: ContactEvent, log: float | None = None) -> None:
        """Fold events; ``log`` in seconds after ``T0``."""
        for one in events:
            self.engine.receive(one, None if log is None else at(log))

    def advance(self, seconds: float) -> None:
        self.engine.advance(at(seconds))

    def finish(self, seconds: float) -> None:
        self.engine.finish(at(seconds))

    @property
    def counted(self) -> Increments:
        self._counted.merge(self.engine.take_increments())
        return self._counted

    def count(self, metric: str, *labels: str) -> int:
        """Return one counter, exactly those labels."""
        return self.counted.counts.get((metric, labels), 0)

    def total(self, metric: str) -> int:
        """Return a counter summed over its labels."""
        return sum(n for (name, _), n in self.counted.counts.items() if name == metric)

    def labelled(self, metric: str) -> dict[tuple[str, ...], int]:
        """Return a counter by its labels."""
        counts = self.counted.counts.items()
        return {labels: n for (name, labels), n in counts if name == metric}

    def outcomes(self) -> dict[tuple[str, ...], int]:
        """Return what was counted at first, uncorrected: (channel, queue, band, outcome)."""
        return self.labelled("contact_expectation_outcomes_total")

    def corrections(self) -> dict[tuple[str, ...], int]:
        """Return (channel, queue, band, from, to)."""
        return self.labelled("contact_expectation_corrections_total")

    def observed(self, metric: str) -> list[tuple[tuple[str, ...], float]]:
        """Return (labels, seconds) of a histogram."""
        seen = self.counted.observations
        return [(labels, seconds) for name, labels, seconds in seen if name == metric]

    def latencies(self) -> list[float]:
        return [seconds for _, seconds in self.observed("contact_first_response_seconds")]

    def replies(self) -> list[float]:
        return [seconds for _, seconds in self.observed("contact_reply_seconds")]

    def contact(self, contact: str = "c") -> Contact:
        """Return a contact that must be there."""
        kept = self.engine.contact(contact)
        assert kept is not None, f"no contact {contact!r} is kept"
        return kept

    def phase(self, contact: str = "c") -> Phase:
        return self.contact(contact).phase

    def start(self, contact: str = "c") -> float | None:
        """Return the start, in seconds after ``T0``."""
        start = self.contact(contact).start
        return None if start is None else (start - T0) / SECOND

    def judged(self, contact: str = "c") -> dict[str, Outcome]:
        """Return band to outcome; undecided bands are left out."""
        outcomes = self.contact(contact).outcomes or {}
        return {name: counted.outcome for name, counted in outcomes.items()}

    def gauges(self) -> PartitionGauges:
        return self.engine.gauges()

    def queue(self, channel: str = "chat", queue: str = "none") -> QueueGauges:
        """Return the gauges of a pair that somebody must wait in."""
        return self.engine.gauges().queues[channel, queue]


MET: Final = Outcome.MET
MISSED: Final = Outcome.MISSED
ABANDONED: Final = Outcome.ABANDONED
EXCLUDED: Final = Outcome.EXCLUDED
