"""Rule 8: counters never go down; late input is counted as a correction and nothing else moves."""

from tests.unit.domain.builders import (
    MET,
    MISSED,
    Desk,
    abandoned,
    band,
    closed,
    excluded,
    message,
    opened,
    policy,
    responded,
    transferred,
)

TEN = policy("chat", (band("10m"),))


def test_rule_08_a_late_response_that_was_in_time_corrects_missed_to_met() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    desk.advance(700)

    desk.receive(responded(60))

    assert desk.outcomes() == {("chat", "none", "10m", "missed"): 1}
    assert desk.corrections() == {("chat", "none", "10m", "missed", "met"): 1}
    assert desk.judged() == {"10m": MET}


def test_rule_08_a_late_abandonment_corrects_missed_to_abandoned() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    desk.advance(700)

    desk.receive(abandoned(60))

    assert desk.corrections() == {("chat", "none", "10m", "missed", "abandoned"): 1}


def test_rule_08_a_response_late_in_both_ways_corrects_nothing() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    desk.advance(700)

    desk.receive(responded(601))

    assert desk.corrections() == {}


def test_rule_08_a_correction_may_itself_be_corrected() -> None:
    desk = Desk(TEN)
    desk.receive(opened(700), responded(1000))
    desk.receive(opened(0))

    desk.receive(responded(10))

    assert desk.outcomes() == {("chat", "none", "10m", "met"): 1}
    assert desk.corrections() == {
        ("chat", "none", "10m", "met", "missed"): 1,
        ("chat", "none", "10m", "missed", "met"): 1,
    }


def test_rule_08_a_correction_is_charged_to_the_queue_that_was_charged_first() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0, queue="billing"), log=0)
    desk.advance(700)

    desk.receive(transferred(10, queue="support"), responded(60))

    assert desk.outcomes() == {("chat", "billing", "10m", "missed"): 1}
    assert desk.corrections() == {("chat", "billing", "10m", "missed", "met"): 1}


def test_rule_08_a_second_correction_is_charged_to_that_queue_too() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0, queue="billing"), log=0)
    desk.advance(700)
    desk.receive(transferred(10, queue="support"), responded(60))

    desk.receive(excluded(70))

    assert desk.corrections() == {
        ("chat", "billing", "10m", "missed", "met"): 1,
        ("chat", "billing", "10m", "met", "excluded"): 1,
    }


def test_rule_08_a_miss_whose_deadline_moves_back_into_the_future_is_withdrawn() -> None:
    phone = policy("phone", (band("10m"),))
    desk = Desk(phone, policy("email", (band("1h"),)))
    desk.receive(opened(10, channel="phone"), log=10)
    desk.advance(700)

    desk.receive(opened(5, channel="email"))

    assert desk.judged() == {}
    assert desk.corrections() == {("phone", "none", "10m", "missed", "none"): 1}


def test_rule_08_the_histogram_observes_once_and_counts_revisions() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), responded(60))

    desk.receive(responded(30), responded(40), responded(20))

    assert desk.latencies() == [60]
    assert desk.count("firstreply_first_response_revised_total") == 2
    assert desk.contact().latency == 20_000_000


def test_rule_08_a_later_response_is_no_revision() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0), responded(60), responded(61), message(62))

    assert desk.count("firstreply_first_response_revised_total") == 0


def test_rule_08_an_abandonment_is_counted_once_with_its_wait() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0), abandoned(90), abandoned(80), closed(100))

    assert desk.count("contact_abandoned_total", "chat", "none") == 1
    assert desk.observed("contact_abandoned_wait_seconds") == [(("chat", "none"), 90)]


def test_rule_08_an_unanswered_close_is_counted_once() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0), closed(90), closed(80), closed(100))

    assert desk.labelled("contact_unanswered_total") == {("chat", "none", "closed"): 1}


def test_rule_08_net_figures_equal_those_of_a_replay_whatever_fired_in_between() -> None:
    events = (opened(0), responded(60), opened(-1000), closed(2000))
    live, replay = Desk(), Desk()

    for event in reversed(events):
        live.receive(event)
        live.finish(event.time)
    replay.receive(*events)

    assert live.judged() == replay.judged() == {"10m": MISSED, "1h": MET}
    assert live.corrections() != {}
