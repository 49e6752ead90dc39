"""Random streams of events for the properties of the engine, and what came of folding them.

Instants come from a small grid around the limits of the policies, so that ties and equality with a
deadline are frequent. A stream has its own order of arrival, duplicates, and log times that stand
still, run ahead, or try to go back.
"""

import dataclasses
import random
from typing import Final, TypeVar

import msgspec
from hypothesis import strategies as st

from firstreply.domain.bands import Clock, ClockStart
from firstreply.domain.contact import Contact, Outcome
from firstreply.domain.engine import Engine
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.report import EventCounts, Json, Report
from tests.unit.domain.builders import (
    GRACE,
    MICROSECOND,
    OFFICE,
    PHONE,
    SPAM,
    at,
    band,
    book,
    event,
    policy,
)

_Key = TypeVar("_Key")

POLICIES: Final = (
    policy("chat"),
    PHONE,
    policy("email", (band("10m"), band("1h", clock=Clock.BUSINESS)), calendar=OFFICE, promise="1h"),
    policy("social", give_up_after=1200, promise="10m", abandoned_counts=False, short_abandon=1),
    policy("video", (band("20s"),), clock_start=ClockStart.QUEUED, give_up_after=60),
    policy("other"),
)
BY_CHANNEL: Final = {one.channel: one for one in POLICIES}

_STARTS: Final = (0, 0, 60, 10500)
"""The last is five minutes before the office closes for lunch."""

_STEPS: Final = (
    *(0, 0, 0, 1, 2, 4, 5, 18, 20, 60, 65, 599, 600, 600, 605, 1200, 1260, 3600, 7200, 7201),
    *(-3, -2 - MICROSECOND, -2, -1, 600 + MICROSECOND, 10 * 86400),
)
"""Around the clock skew, the short abandons, the limits and the giving up."""

GRID: Final = sorted(
    {start + step for start in _STARTS for step in (0, 5, 6, 20, 25, 26, 600, 605, 606, 3606)}
)
"""Log times: mostly around a deadline and the grace after it."""

_CHANNELS: Final = ("chat", "phone", "email", "social", "video", "fax")
_OPENED, _RESPONDED, _CLOSED = EventType.OPENED, EventType.RESPONDED, EventType.CLOSED


class Kind(msgspec.Struct, frozen=True):
    """An event but for its contact, its instant and, where it has one, its channel."""

    type: EventType
    queue: str | None = None
    actor: Actor | None = None
    direction: Direction | None = None
    reason: str | None = None
    names_channel: bool = False


def _opening(**fields: str | Actor | Direction | None) -> Kind:
    return msgspec.convert({"type": _OPENED, "names_channel": True, **fields}, Kind)


KINDS: Final = (
    *(_opening(actor=Actor.CUSTOMER, queue=queue) for queue in (None, "billing", "elsewhere")),
    _opening(),
    _opening(actor=Actor.AGENT),
    _opening(actor=Actor.BOT, direction=Direction.INBOUND),
    _opening(direction=Direction.OUTBOUND),
    Kind(EventType.MESSAGE),
    Kind(EventType.MESSAGE, names_channel=True),
    *(Kind(EventType.QUEUED, queue=queue) for queue in (None, None, "billing", "support")),
    *(Kind(_RESPONDED, actor=Actor.AGENT) for _ in range(4)),
    Kind(_RESPONDED, actor=Actor.BOT),
    Kind(_RESPONDED, actor=Actor.SYSTEM),
    *(Kind(EventType.TRANSFERRED, queue=queue) for queue in (None, "billing", "support")),
    *(Kind(EventType.ABANDONED) for _ in range(3)),
    *(Kind(_CLOSED, reason=reason) for reason in (None, None, "solved", *sorted(SPAM))),
    Kind(EventType.REOPENED, actor=Actor.CUSTOMER),
    Kind(EventType.REOPENED, actor=Actor.AGENT),
    Kind(EventType.EXCLUDED, reason="spam"),
)


@st.composite
def stories(draw: st.DrawFn, contact: str) -> list[ContactEvent]:
    """Draw the events of one contact: mostly of one channel, mostly opened."""
    home, start = draw(st.sampled_from(_CHANNELS)), draw(st.sampled_from(_STARTS))
    told = [
        _event(kind, start + step, contact, away or home)
        for kind, step, away in draw(
            st.lists(
                st.tuples(
                    st.sampled_from(KINDS),
                    st.sampled_from(_STEPS),
                    st.sampled_from((None, None, None, None, *_CHANNELS)),
                ),
                min_size=1,
                max_size=8,
            )
        )
    ]
    if draw(st.booleans()):
        told.append(_event(KINDS[0], start, contact, home))
    return told


def _event(kind: Kind, seconds: float, contact: str, channel: str) -> ContactEvent:
    return event(
        kind.type,
        seconds,
        contact,
        channel=channel if kind.names_channel else None,
        queue=kind.queue,
        actor=kind.actor,
        direction=kind.direction,
        reason=kind.reason,
    )


TOLD: Final = st.tuples(stories("a"), stories("b"), stories("c")).map(
    lambda told: [one for story in told for one in story]
)


class Stream(msgspec.Struct, frozen=True):
    """Events in an order of arrival, each with the log time it comes with (or None)."""

    arrivals: tuple[tuple[ContactEvent, int | None], ...]
    until: int
    """Where the replay ends: not before any event or log time."""

    def of(self, contact: str) -> list[ContactEvent]:
        """Return the events of a contact, each once."""
        told = {one.id: one for one, _ in self.arrivals if one.contact_id == contact}
        return list(told.values())


@st.composite
def streams(draw: st.DrawFn, events: list[ContactEvent] | None = None) -> Stream:
    """Draw a stream; of given events, or of any. A seed of 0 adds neither disorder nor log times.

    The order comes from a seed, and not from ``st.permutations``, for speed.
    """
    told = list(draw(TOLD) if events is None else events)
    seed = draw(st.integers(0, 2**16))
    after = draw(st.sampled_from([0, 0, 1, 600, 3600, 40 * 86400]))
    disorder = random.Random(seed)
    if seed:
        told += disorder.choices(told, k=disorder.randrange(4))
        disorder.shuffle(told)
    often = disorder.choice([0, 0.2, 0.6]) if seed else 0
    arrivals = tuple(
        (one, at(disorder.choice(GRID)) if disorder.random() < often else None) for one in told
    )
    latest = max(max(one.time, log or one.time) for one, log in arrivals)
    return Stream(arrivals, latest + after * SECOND)


@st.composite
def two_streams(draw: st.DrawFn) -> tuple[Stream, Stream]:
    """Draw two streams of the same events, with one end."""
    one = draw(streams())
    distinct = list({(told.contact_id, told.id): told for told, _ in one.arrivals}.values())
    other = draw(streams(distinct))
    until = max(one.until, other.until)
    return Stream(one.arrivals, until), Stream(other.arrivals, until)


class Folded(msgspec.Struct):
    """An engine after a stream, and everything it has counted."""

    engine: Engine
    counted: Increments

    def net(self) -> dict[tuple[str, str, str], int]:
        """Return (channel, band, outcome) to the net figure over all queues; zeros left out."""
        figures: dict[tuple[str, str, str], int] = {}
        for (metric, labels), n in self.counted.counts.items():
            if metric == "contact_expectation_outcomes_total":
                channel, _, name, outcome = labels
                _add(figures, (channel, name, outcome), n)
            elif metric == "contact_expectation_corrections_total":
                channel, _, name, before, after = labels
                _add(figures, (channel, name, before), -n)
                _add(figures, (channel, name, after), n)
        known = {outcome.value for outcome in Outcome}
        return {key: n for key, n in figures.items() if n and key[2] in known}

    def received(self) -> dict[str, int]:
        """Return channel to the net number of contacts received; zeros left out."""
        figures: dict[str, int] = {}
        for (metric, labels), n in self.counted.counts.items():
            if metric == "contact_received_total":
                _add(figures, labels[0], n)
            elif metric == "contact_received_corrections_total":
                _add(figures, labels[0], n if labels[2] == "in" else -n)
        return {key: n for key, n in figures.items() if n}

    def report(self) -> dict[str, Json]:
        """Return the object of a replay."""
        report = Report()
        for contact in self.engine.contacts():
            report.add(contact, self.engine.policies)
        return report.as_json(EventCounts())

    def facts(self) -> dict[str, Contact]:
        """Return what is known of each contact, without the engine's own bookkeeping."""
        return {
            contact.contact_id: dataclasses.replace(contact, timer=None)
            for contact in self.engine.contacts()
        }


def _add(figures: dict[_Key, int], key: _Key, amount: int) -> None:
    figures[key] = figures.get(key, 0) + amount


def new_engine(settle_for: float | None = None) -> Engine:
    """Return an engine with the policies of this module."""
    settle = None if settle_for is None else round(settle_for * SECOND)
    policies = [msgspec.structs.replace(one, settle_for=settle) for one in POLICIES]
    return Engine(book(*policies), grace=GRACE * SECOND)


def fold(stream: Stream, *, cuts: frozenset[int] = frozenset()) -> Folded:
    """Fold a stream to its end; at each cut, go on with an engine restored from a snapshot."""
    engine, counted = new_engine(), Increments()
    for place, (arrived, log_time) in enumerate(stream.arrivals):
        if place in cuts:
            counted.merge(engine.take_increments())
            engine = Engine.restore(engine.snapshot(), engine.book, grace=engine.grace)
        engine.receive(arrived, log_time)
    engine.finish(stream.until)
    counted.merge(engine.take_increments())
    return Folded(engine, counted)
