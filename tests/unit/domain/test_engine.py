"""The engine's three clocks (design, section 6): when deadlines fire, and when they do not."""

import pytest

from firstreply.domain.bands import Clock
from firstreply.domain.contact import Phase
from tests.unit.domain.builders import (
    DAY,
    GRACE,
    HOUR,
    MET,
    MICROSECOND,
    MISSED,
    OFFICE,
    PHONE,
    Desk,
    at,
    band,
    closed,
    opened,
    policy,
    responded,
)

TEN = policy("chat", (band("10m"),))


def test_a_deadline_does_not_fire_exactly_at_grace_after_it() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)

    desk.advance(600 + GRACE)

    assert desk.judged() == {}
    assert desk.outcomes() == {}


def test_a_deadline_fires_a_microsecond_beyond_grace() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)

    desk.advance(600 + GRACE + MICROSECOND)

    assert desk.outcomes() == {("chat", "none", "10m", "missed"): 1}


def test_a_business_deadline_fires_a_microsecond_beyond_grace_on_the_next_day() -> None:
    office = policy("chat", (band("1h", clock=Clock.BUSINESS),), calendar=OFFICE)
    desk = Desk(office)
    desk.receive(opened(7.5 * HOUR), log=7.5 * HOUR)

    desk.advance(DAY + 1800 + GRACE)
    before = desk.judged()
    desk.advance(DAY + 1800 + GRACE + MICROSECOND)

    assert before == {}
    assert desk.judged() == {"1h": MISSED}


def test_of_several_deadlines_only_those_beyond_grace_fire() -> None:
    desk = Desk(policy("chat", (band("20s"), band("10m"))))
    desk.receive(opened(0), log=0)

    desk.advance(600 + GRACE)
    before = desk.judged()
    desk.advance(601 + GRACE)

    assert before == {"20s": MISSED}
    assert desk.judged() == {"20s": MISSED, "10m": MISSED}


@pytest.mark.parametrize(
    ("log", "fired"),
    [(5000 + GRACE, False), (5000 + GRACE + MICROSECOND, True)],
    ids=["exactly grace later", "a microsecond beyond"],
)
def test_a_contact_that_becomes_known_late_has_grace_from_then_on(
    log: float, *, fired: bool
) -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=5000)

    desk.advance(log)

    assert (desk.judged() == {"10m": MISSED}) is fired


def test_a_held_contact_becomes_known_with_its_opening() -> None:
    desk = Desk(TEN)
    desk.receive(closed(-10), log=100)

    desk.receive(opened(0), log=5000)
    desk.advance(5000 + GRACE)

    assert desk.judged() == {}


def test_a_deadline_fires_before_the_record_that_moved_log_time_is_applied() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)

    desk.receive(responded(599), log=606)

    assert desk.outcomes() == {("chat", "none", "10m", "missed"): 1}
    assert desk.corrections() == {("chat", "none", "10m", "missed", "met"): 1}


def test_a_record_at_grace_after_the_deadline_is_applied_in_time() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)

    desk.receive(responded(599), log=600 + GRACE)

    assert desk.outcomes() == {("chat", "none", "10m", "met"): 1}


def test_a_record_of_one_contact_fires_the_deadlines_of_others() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0, "a"), opened(1, "b"), log=1)

    desk.receive(opened(1000, "c"), log=1000)

    assert desk.judged("a") == desk.judged("b") == {"10m": MISSED}


def test_a_record_with_create_time_never_moves_log_time() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)

    desk.receive(opened(10**6, "later"))

    assert desk.engine.log_time == at(0)
    assert desk.judged() == {}


def test_a_backlog_with_opening_and_timely_response_raises_no_miss_long_after_the_deadline() -> (
    None
):
    desk = Desk(TEN)

    desk.receive(opened(0), *(opened(n * 1000, f"other {n}") for n in range(1, 20)))
    desk.receive(responded(60))
    desk.advance(10**6)

    assert desk.judged() == {"10m": MET}
    assert desk.corrections() == {}
    assert desk.count("contact_expectation_outcomes_total", "chat", "none", "10m", "missed") == 19


def test_a_backlog_with_append_time_raises_no_miss_for_an_answer_in_time() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=5000)

    desk.receive(responded(60), log=5000 + GRACE)
    desk.advance(10**6)

    assert desk.judged() == {"10m": MET}
    assert desk.corrections() == {}


def test_log_time_is_clamped_and_never_goes_back() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=1000)

    desk.advance(10)
    desk.receive(opened(5, "b"), log=20)

    assert desk.engine.log_time == at(1000)
    assert desk.gauges().at == at(1000 - GRACE)


def test_advancing_to_the_same_log_time_twice_changes_nothing() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    desk.advance(1000)
    before = dict(desk.counted.counts)

    desk.advance(1000)

    assert desk.counted.counts == before


def test_finish_decides_deadlines_up_to_and_including_the_instant_without_grace() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0, "in"), opened(MICROSECOND, "out"), log=1)

    desk.finish(600)

    assert desk.judged("in") == {"10m": MISSED}
    assert desk.judged("out") == {}


def test_finish_at_an_earlier_instant_takes_nothing_back() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    desk.advance(700)

    desk.finish(100)

    assert desk.judged() == {"10m": MISSED}
    assert desk.corrections() == {}


def test_finish_leaves_log_time_and_unstarted_contacts_alone() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), log=0)

    desk.finish(10**6)

    assert desk.engine.log_time == at(0)
    assert desk.phase() is Phase.UNSEEN


def test_the_next_deadline_is_what_log_time_must_pass() -> None:
    desk = Desk(TEN)
    nothing = desk.engine.next_deadline()

    desk.receive(opened(100, "a"), opened(50, "b"), opened(200, "c"), log=200)

    assert nothing is None
    assert desk.engine.next_deadline() == at(650 + GRACE)


def test_the_next_deadline_follows_the_contacts() -> None:
    desk = Desk(policy("chat", (band("20s"), band("10m"))))
    desk.receive(opened(0), log=0)

    desk.advance(21 + GRACE)
    second = desk.engine.next_deadline()
    desk.advance(601 + GRACE)

    assert second == at(600 + GRACE)
    assert desk.engine.next_deadline() is None


def test_an_earlier_opening_brings_the_next_deadline_forward() -> None:
    desk = Desk(TEN)
    desk.receive(opened(100), log=0)

    desk.receive(opened(0))

    assert desk.engine.next_deadline() == at(600 + GRACE)


def test_a_timer_that_turns_out_too_early_does_no_harm() -> None:
    desk = Desk(policy("phone", (band("20s"),)), policy("email", (band("1h"),)))
    desk.receive(opened(10, channel="phone"), log=10)
    desk.receive(opened(5, channel="email"))

    desk.advance(100)
    before = desk.judged()
    desk.advance(5 + HOUR + GRACE + 1)

    assert before == {}
    assert desk.judged() == {"1h": MISSED}


def test_a_timer_of_a_forgotten_contact_does_no_harm() -> None:
    desk = Desk(policy("chat", (band("10m"),), settle_for=10))
    desk.receive(opened(100), responded(101), opened(0), log=101)

    desk.advance(200)
    desk.advance(1000)

    assert desk.engine.contact("c") is None
    assert desk.engine.next_deadline() is None


@pytest.mark.parametrize(
    ("seconds", "late"),
    [(1000 - GRACE, 0), (1000 - GRACE - MICROSECOND, 1)],
    ids=["at the service clock", "a microsecond before"],
)
def test_an_event_before_the_service_clock_is_late(seconds: float, late: int) -> None:
    desk = Desk(TEN)

    desk.receive(opened(seconds), log=1000)

    assert desk.count("firstreply_events_late_total") == late


def test_nothing_is_late_before_log_time_is_known() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0), responded(-1000))

    assert desk.count("firstreply_events_late_total") == 0


def test_gauges_hold_at_log_time_less_grace_and_nowhere_before_it_is_known() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))
    unknown = desk.gauges()

    desk.advance(100)

    assert unknown.at is None
    assert unknown.queues == {}
    assert unknown.tracked == 1
    assert desk.gauges().at == at(100 - GRACE)
    assert desk.queue().oldest_waiting == at(0)


def test_a_deadline_that_a_late_opening_moves_into_the_past_passes_with_the_next_step() -> None:
    desk = Desk(TEN)
    desk.receive(opened(DAY, "c", channel="chat"), log=1000)
    desk.receive(opened(0, "c", channel="chat"), log=2000)
    before, due = desk.outcomes(), desk.engine.next_deadline()

    desk.advance(2000)

    assert before == {}
    assert due == at(1000 + GRACE)
    assert desk.outcomes() == {("chat", "none", "10m", "missed"): 1}
