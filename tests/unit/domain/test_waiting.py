"""Who waits: every gauge equals what counting contact by contact gives, on both clocks."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.bands import Clock, Policy
from firstreply.domain.events import ContactEvent
from firstreply.domain.gauges import BandState, QueueGauges
from firstreply.domain.instants import SECOND
from tests.unit.domain import oracle
from tests.unit.domain.builders import (
    DAY,
    GRACE,
    HOUR,
    MICROSECOND,
    OFFICE,
    T0,
    Desk,
    at,
    band,
    book,
    closed,
    excluded,
    message,
    opened,
    policy,
    responded,
    transferred,
)

HORIZONS = {"5m": 300 * SECOND, "15m": 900 * SECOND, "60m": 3600 * SECOND}
ELAPSED = policy("chat", (band("10m"), band("1h")), promise="10m")
BUSINESS = policy(
    "email", (band("10m"), band("1h", clock=Clock.BUSINESS)), calendar=OFFICE, promise="1h"
)
UNPROMISED = policy("other", (band("10m"), band("1h", clock=Clock.BUSINESS)), calendar=OFFICE)
RELAXED = msgspec.structs.replace(ELAPSED, promise=None)
POLICIES = (ELAPSED, BUSINESS, UNPROMISED)


class Waiter(msgspec.Struct, frozen=True):
    channel: str
    queue: str
    start: int
    policy: Policy


def brute_force(waiters: list[Waiter], now: int) -> dict[tuple[str, str], QueueGauges]:
    """Count contact by contact what ``PartitionGauges`` says of waiting contacts."""
    result: dict[tuple[str, str], QueueGauges] = {}
    for pair in {(waiter.channel, waiter.queue) for waiter in waiters}:
        here = [waiter for waiter in waiters if (waiter.channel, waiter.queue) == pair]
        promised = [
            oracle.deadline(waiter.policy, waiter.policy.promise_band(), waiter.start)
            for waiter in here
            if waiter.policy.promise is not None
        ]
        states = [state_of(waiter, now) for waiter in here]
        result[pair] = QueueGauges(
            waiting={state: states.count(state) for state in BandState},
            oldest_waiting=min(waiter.start for waiter in here),
            next_deadline=min((fall for fall in promised if fall > now), default=None),
            due={
                name: sum(now < fall <= now + horizon for fall in promised)
                for name, horizon in HORIZONS.items()
                if promised
            },
        )
    return result


def state_of(waiter: Waiter, now: int) -> BandState:
    judged_by = waiter.policy.promise_band()
    if judged_by.clock is Clock.BUSINESS:
        used = oracle.used(waiter.start, now)
    else:
        used = max(0, now - waiter.start)
    if used >= 2 * judged_by.limit:
        return BandState.FAR_OVERDUE
    if used >= judged_by.limit:
        return BandState.OVERDUE
    return BandState.AT_RISK if used * 10 >= judged_by.limit * 8 else BandState.WITHIN


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (-100, BandState.WITHIN),
        (0, BandState.WITHIN),
        (480 - MICROSECOND, BandState.WITHIN),
        (480, BandState.AT_RISK),
        (600 - MICROSECOND, BandState.AT_RISK),
        (600, BandState.OVERDUE),
        (1200 - MICROSECOND, BandState.OVERDUE),
        (1200, BandState.FAR_OVERDUE),
        (10**6, BandState.FAR_OVERDUE),
    ],
)
def test_a_waiting_contact_is_in_the_state_that_its_promise_says(
    seconds: float, state: BandState
) -> None:
    desk = Desk(ELAPSED)

    desk.receive(opened(0))
    desk.advance(seconds + GRACE)

    assert desk.queue().waiting == {one: int(one is state) for one in BandState}


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (1800, BandState.WITHIN),
        (DAY + 1080 - MICROSECOND, BandState.WITHIN),
        (DAY + 1080, BandState.AT_RISK),
        (DAY + 1800 - MICROSECOND, BandState.AT_RISK),
        (DAY + 1800, BandState.OVERDUE),
        (DAY + 1800 + HOUR, BandState.FAR_OVERDUE),
    ],
)
def test_a_waiting_contact_uses_opening_hours_up_to_the_microsecond(
    seconds: float, state: BandState
) -> None:
    desk = Desk(BUSINESS)

    desk.receive(opened(7.5 * HOUR, channel="email"))
    desk.advance(seconds + GRACE)

    assert desk.queue("email").waiting == {one: int(one is state) for one in BandState}


def test_without_a_promise_the_longest_band_says_the_state_and_nothing_is_due() -> None:
    desk = Desk(RELAXED)

    desk.receive(opened(0), log=3000)

    gauges = desk.queue()
    assert gauges.waiting[BandState.WITHIN] == 0
    assert gauges.waiting[BandState.AT_RISK] == 1
    assert gauges.next_deadline is None
    assert gauges.due == {}


@pytest.mark.parametrize(
    ("horizon", "seconds", "due"),
    [
        ("5m", 300 - MICROSECOND, 0),
        ("5m", 300, 1),
        ("5m", 600 - MICROSECOND, 1),
        ("5m", 600, 0),
        ("15m", 0, 1),
        ("60m", 600, 0),
    ],
)
def test_a_deadline_is_due_within_a_horizon_including_its_end(
    horizon: str, seconds: float, due: int
) -> None:
    desk = Desk(ELAPSED)

    desk.receive(opened(0))
    desk.advance(seconds + GRACE)

    assert desk.queue().due[horizon] == due


def test_the_next_deadline_is_the_first_after_the_service_clock() -> None:
    desk = Desk(ELAPSED)
    desk.receive(opened(0, "a"), opened(10, "b"), opened(20, "c"))

    desk.advance(610 + GRACE)

    assert desk.queue().next_deadline == at(620)
    assert desk.queue().oldest_waiting == at(0)


def test_contacts_of_an_edited_promise_are_counted_together() -> None:
    desk = Desk(ELAPSED)
    desk.receive(opened(0, "old"), opened(100, "older promise"))

    desk.engine.book = book(msgspec.structs.replace(ELAPSED, bands=(band("1h"),), promise=None))
    desk.receive(opened(50, "new"))
    desk.advance(590 + GRACE)

    gauges = desk.queue()
    assert sum(gauges.waiting.values()) == 3
    assert gauges.waiting[BandState.AT_RISK] == 2
    assert gauges.next_deadline == at(600)
    assert gauges.due == {"5m": 2, "15m": 2, "60m": 2}


@pytest.mark.parametrize("end", [responded(5), closed(5), excluded(5)])
def test_whoever_is_settled_waits_no_longer(end: ContactEvent) -> None:
    desk = Desk(ELAPSED)
    desk.receive(opened(0), opened(0, "d"), log=1)

    desk.receive(end)

    assert sum(desk.queue().waiting.values()) == 1


def test_a_transferred_contact_waits_in_its_new_queue_only() -> None:
    desk = Desk(ELAPSED)
    desk.receive(opened(0, queue="billing"), log=1)

    desk.receive(transferred(5, queue="support"))

    assert list(desk.gauges().queues) == [("chat", "support")]


def test_reply_waits_are_counted_with_the_oldest_and_apart_from_first_responses() -> None:
    desk = Desk(ELAPSED)
    for name, seconds in (("a", 30), ("b", 20), ("c", 40)):
        desk.receive(opened(0, name), responded(10, name), message(seconds, name))

    desk.receive(opened(25, "d"), responded(41, "c"), log=50)

    gauges = desk.queue()
    assert gauges.reply_waiting == 2
    assert gauges.reply_oldest_waiting == at(20)
    assert sum(gauges.waiting.values()) == 1


# Brute force.

MINUTES = st.integers(-60 * 24 * 5, 60 * 24 * 5)
"""Ten days around Monday morning, in minutes."""

STARTS = st.one_of(MINUTES.map(lambda minute: minute * 60), st.integers(-4000, 4000))

CONTACTS = st.lists(
    st.tuples(
        st.sampled_from(["chat", "email", "other"]),
        st.sampled_from([None, "billing", "support"]),
        STARTS,
        st.sampled_from(["waits", "waits", "waits", "answered"]),
    ),
    max_size=25,
)


@given(CONTACTS, st.one_of(STARTS, st.sampled_from([0, 480, 600, 1200, 3600])), st.integers(0, 25))
def test_gauges_equal_brute_force(
    contacts: list[tuple[str, str | None, int, str]], now: int, edited_after: int
) -> None:
    desk = Desk(*POLICIES)
    in_force = {one.channel: one for one in POLICIES}
    waiters = []

    for number, (channel, queue, start, fate) in enumerate(contacts):
        if number == edited_after:
            desk.engine.book = book(RELAXED, BUSINESS, UNPROMISED)
            in_force["chat"] = RELAXED
        desk.receive(opened(start, f"c{number}", channel=channel, queue=queue))
        if fate == "answered":
            desk.receive(responded(start + 5, f"c{number}"))
        else:
            waiters.append(Waiter(channel, queue or "none", at(start), in_force[channel]))
    desk.advance(now + GRACE)

    gauges = desk.gauges()
    assert gauges.at == at(now)
    assert gauges.queues == brute_force(waiters, at(now))
    assert gauges.tracked == len(contacts)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.integers(0, 60), st.sampled_from(["message", "answer", "close"])
        ),
        max_size=30,
    )
)
def test_reply_gauges_equal_brute_force(steps: list[tuple[int, int, str]]) -> None:
    desk = Desk(ELAPSED)
    waits: dict[str, int] = {}
    last: dict[str, int] = {}
    for number in range(6):
        desk.receive(opened(-20, f"c{number}"), responded(-10, f"c{number}"))

    for number, seconds, step in sorted(steps, key=lambda one: one[1]):
        name = f"c{number}"
        if step == "message":
            desk.receive(message(seconds, name))
            if seconds > last.get(name, -10):
                waits.setdefault(name, at(seconds))
        else:
            desk.receive(responded(seconds, name) if step == "answer" else closed(seconds, name))
            waits.pop(name, None)
            last[name] = seconds
    desk.advance(100)

    queues = desk.gauges().queues
    assert set(queues) == ({("chat", "none")} if waits else set())
    for gauges in queues.values():
        assert gauges.reply_waiting == len(waits)
        assert gauges.reply_oldest_waiting == min(waits.values())


def test_thousands_of_waiting_contacts_are_counted_exactly() -> None:
    draw = random.Random(7)
    starts = {f"c{number}": draw.randrange(0, 3000) for number in range(4000)}
    desk = Desk(ELAPSED)
    for name, start in starts.items():
        desk.receive(opened(start, name))
    desk.advance(2000 + GRACE)

    for now in range(2000, 3600, 150):
        desk.advance(now + GRACE)
        waiters = [Waiter("chat", "none", at(start), ELAPSED) for start in starts.values()]
        assert desk.gauges().queues == brute_force(waiters, at(now))
        for name in draw.sample(sorted(starts), len(starts) // 3):
            desk.receive(responded(5000, name))
            del starts[name]
    for name in starts:
        desk.receive(responded(5000, name))

    assert desk.gauges().queues == {}


def test_instants_of_the_oracle_start_on_a_monday_at_opening() -> None:
    assert OFFICE.is_open_us(T0)
    assert not OFFICE.is_open_us(T0 - 1)
    assert oracle.used(T0, T0 + DAY * SECOND) == 7 * HOUR * SECOND
