"""Laws of the bound, over random streams: who goes is whom a sorted list says, in every process.

The oracle sorts all contacts by the words of decision 0009, with the windows of ``oracle`` for
opening hours, and takes the first one.
"""

import random
from collections.abc import Sequence
from typing import Final

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firstreply.domain.bands import Clock, Policy
from firstreply.domain.contact import Contact, Phase
from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.increments import Increments
from firstreply.domain.instants import BEFORE_ALL, SECOND
from firstreply.domain.ledger import KINDS, RECEIVED, RESETTLED
from tests.unit.domain import oracle
from tests.unit.domain.builders import GRACE, at, book
from tests.unit.domain.streams import GRID, POLICIES, Folded, Stream, stories, streams

CONTACTS: Final = tuple("abcdefgh")
BOUNDS: Final = st.integers(1, 5)
SETTLE_FOR: Final = st.sampled_from([20, 600, 600, 10**6, None])
TOLD: Final = st.tuples(*map(stories, CONTACTS)).map(
    lambda told: [one for story in told for one in story]
)

short = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def crowds(draw: st.DrawFn) -> Stream:
    """Draw a stream of more contacts than may be kept."""
    return draw(streams(draw(TOLD)))


@st.composite
def appended(draw: st.DrawFn) -> Sequence[tuple[ContactEvent, int]]:
    """Draw events as a broker stamps them: each with a log time, none before the last."""
    stream = draw(crowds())
    events = [event for event, _ in stream.arrivals]
    times = draw(st.lists(st.sampled_from(GRID), min_size=len(events), max_size=len(events)))
    return [(event, at(time)) for event, time in zip(events, sorted(times), strict=True)]


class Watched:
    """An engine, and the ids that left it, in order."""

    def __init__(self, max_tracked: int, settle_for: int | None) -> None:
        settle = None if settle_for is None else settle_for * SECOND
        self.book = book(*(msgspec.structs.replace(one, settle_for=settle) for one in POLICIES))
        self.max_tracked = max_tracked
        self.gone: list[str] = []
        self.counted = Increments()
        self.engine = Engine(
            self.book,
            grace=GRACE * SECOND,
            max_tracked=max_tracked,
            forgotten=lambda contact: self.gone.append(contact.contact_id),
        )

    def restart(self) -> None:
        self.counted.merge(self.engine.take_increments())
        self.engine = Engine.restore(
            self.engine.snapshot(),
            self.book,
            grace=GRACE * SECOND,
            max_tracked=self.max_tracked,
            forgotten=lambda contact: self.gone.append(contact.contact_id),
        )

    def evicted(self, reason: str) -> int:
        self.counted.merge(self.engine.take_increments())
        return self.counted.counts.get(("firstreply_state_evicted_total", (reason,)), 0)


def first_to_go(engine: Engine) -> str:
    """Sort all contacts by who has to go first."""
    waiting = [one for one in engine.contacts() if one.phase is Phase.WAITING]
    kept = [one for one in engine.contacts() if one.phase is not Phase.WAITING]
    if kept:
        return min((_kept_until(one, engine), one.contact_id) for one in kept)[1]
    now = engine.log_time - GRACE * SECOND
    return min((-_overdue(one, engine, now), one.start, one.contact_id) for one in waiting)[2]


def _kept_until(contact: Contact, engine: Engine) -> float:
    policy = engine.policies.get(contact.policy) or engine.book.policies["other"]
    return contact.touched + (policy.settle_for or 10**30)


def _overdue(contact: Contact, engine: Engine, now: int) -> int:
    policy: Policy = engine.policies[contact.policy]
    band = policy.promise_band()
    assert contact.start is not None
    deadline = oracle.deadline(policy, band, contact.start)
    if engine.log_time == BEFORE_ALL or now <= deadline:
        return 0
    business = band.clock is Clock.BUSINESS
    return oracle.used(deadline, now) if business else now - deadline


@given(crowds(), BOUNDS, SETTLE_FOR)
@short
def test_whoever_goes_is_the_first_of_a_sorted_list(
    stream: Stream, bound: int, settle_for: int | None
) -> None:
    watched = Watched(bound, settle_for)
    engine = watched.engine
    for event, log_time in stream.arrivals:
        engine.advance(engine.log_time if log_time is None else log_time)
        full = len(list(engine.contacts())) >= bound and engine.contact(event.contact_id) is None
        expected = [first_to_go(engine)] if full else []
        watched.gone.clear()

        engine.receive(event, log_time)

        assert watched.gone == expected
        assert engine.gauges().tracked == len(list(engine.contacts())) <= bound


@given(crowds(), BOUNDS, SETTLE_FOR)
@short
def test_the_ledger_and_the_outcomes_add_up_while_contacts_are_evicted(
    stream: Stream, bound: int, settle_for: int | None
) -> None:
    watched = Watched(bound, settle_for)
    for event, log_time in stream.arrivals:
        watched.engine.receive(event, log_time)

        gauges = watched.engine.gauges()
        waiting = sum(one.phase is Phase.WAITING for one in watched.engine.contacts())
        settled = sum(gauges.ledger[kind] for kind in KINDS if kind not in {RECEIVED, RESETTLED})
        assert gauges.ledger[RECEIVED] == settled + waiting
        assert gauges.ledger["evicted"] == watched.evicted("waiting")
    unanswered = sum(
        n
        for (metric, labels), n in watched.counted.counts.items()
        if metric == "contact_unanswered_total" and labels[2] == "evicted"
    )
    assert unanswered <= watched.evicted("waiting")


@given(crowds(), BOUNDS, SETTLE_FOR, st.frozensets(st.integers(0, 40), max_size=6))
@short
def test_the_same_go_in_the_same_order_whatever_restarts_come_between(
    stream: Stream, bound: int, settle_for: int | None, cuts: frozenset[int]
) -> None:
    whole, cut = Watched(bound, settle_for), Watched(bound, settle_for)
    for place, (event, log_time) in enumerate(stream.arrivals):
        if place in cuts:
            cut.restart()
        whole.engine.receive(event, log_time)
        cut.engine.receive(event, log_time)

    assert cut.gone == whole.gone
    assert cut.evicted("waiting") == whole.evicted("waiting")
    assert cut.evicted("settled") == whole.evicted("settled")
    assert cut.counted == whole.counted
    assert Folded(cut.engine, Increments()).facts() == Folded(whole.engine, Increments()).facts()
    assert cut.engine.gauges() == whole.engine.gauges()


@given(appended(), BOUNDS, SETTLE_FOR, st.randoms(use_true_random=False))
@short
def test_on_a_log_that_the_broker_stamps_proofs_and_slices_evict_nobody_else(
    arrivals: Sequence[tuple[ContactEvent, int]],
    bound: int,
    settle_for: int | None,
    chance: random.Random,
) -> None:
    plain, proved = Watched(bound, settle_for), Watched(bound, settle_for)
    for event, log_time in arrivals:
        plain.engine.receive(event, log_time)
        if proved.engine.log_time != BEFORE_ALL and chance.random() < 0.5:
            until = chance.randint(proved.engine.log_time, log_time)
            proved.engine.advance(until, at_most=chance.choice([0, 1, None]))
        proved.engine.receive(event, log_time)

    assert sorted(proved.gone) == sorted(plain.gone)
    assert proved.evicted("waiting") == plain.evicted("waiting")
    assert proved.evicted("settled") == plain.evicted("settled")
    assert proved.engine.gauges() == plain.engine.gauges()
