"""Random streams of events for the properties of the engine, and what came of folding them.

Instants come from a small grid around the limits of the policies, so that ties and equality with a
deadline are frequent. A stream has its own order of arrival, duplicates, and log times that stand
still, run ahead, or try to go back.
"""

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

_STARTS: Final = (0, 1, 2, 5, 60, 10500)
"""The last is five minutes before the office closes for lunch."""

_STEPS: Final = (-3, -2, -1, 0, 0, 1, 4, 5, 20, 60, 600, 1200, 3600, 7200)
GRID: Final = sorted(
    {start + step for start in _STARTS for step in _STEPS}
    | {600 + MICROSECOND, 599, -2 - MICROSECOND, 7201, 10 * 86400}
)

INSTANTS: Final = st.one_of(
    st.sampled_from([0, 1, 2, 5, 20, 60, 600]), st.sampled_from(GRID), st.sampled_from(GRID)
)
_CHANNELS: Final = st.sampled_from(["chat", "phone", "phone", "email", "social", "video", "fax"])
_QUEUES: Final = st.sampled_from([None, "billing", "support", "elsewhere"])
_REASONS: Final = st.sampled_from([None, "solved", *sorted(SPAM)])
_CONTACTS: Final = st.sampled_from(["a", "a", "b", "c"])


def _events(
    kind: EventType, **fields: st.SearchStrategy[object]
) -> st.SearchStrategy[ContactEvent]:
    return st.builds(event, st.just(kind), INSTANTS, _CONTACTS, **fields)


EVENTS: Final = st.one_of(
    _events(EventType.OPENED, channel=_CHANNELS, queue=_QUEUES, actor=st.just(Actor.CUSTOMER)),
    _events(EventType.OPENED, channel=_CHANNELS, queue=_QUEUES, actor=st.just(Actor.CUSTOMER)),
    _events(
        EventType.OPENED,
        channel=_CHANNELS,
        actor=st.sampled_from([None, *Actor]),
        direction=st.sampled_from([None, *Direction]),
    ),
    _events(EventType.MESSAGE, channel=st.one_of(st.none(), _CHANNELS)),
    _events(EventType.QUEUED, queue=_QUEUES),
    _events(EventType.RESPONDED, actor=st.just(Actor.AGENT)),
    _events(EventType.RESPONDED, actor=st.sampled_from([Actor.BOT, Actor.SYSTEM])),
    _events(EventType.TRANSFERRED, queue=_QUEUES),
    _events(EventType.ABANDONED),
    _events(EventType.CLOSED, reason=_REASONS),
    _events(EventType.REOPENED, actor=st.sampled_from([None, Actor.CUSTOMER, Actor.AGENT])),
    st.one_of(
        _events(EventType.RESPONDED, actor=st.just(Actor.AGENT)),
        _events(EventType.EXCLUDED, reason=_REASONS),
    ),
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
    """Draw a stream; of given events, or of any."""
    told = draw(st.lists(EVENTS, max_size=16)) if events is None else events
    again = draw(st.lists(st.sampled_from(told), max_size=4)) if told else []
    order = draw(st.permutations([*told, *again]))
    log_times = st.one_of(st.none(), st.none(), st.sampled_from(GRID).map(at))
    arrivals = tuple((one, draw(log_times)) for one in order)
    latest = max((max(one.time, log or one.time) for one, log in arrivals), default=at(0))
    after = draw(st.sampled_from([0, 0, 1, 600, 3600, 40 * 86400]))
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
            contact.contact_id: msgspec.structs.replace(contact, timer=None)
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
