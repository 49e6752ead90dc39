"""Rule 3: only a public answer by a human stops the clock."""

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import Actor, ContactEvent
from tests.unit.domain.builders import (
    MET,
    MICROSECOND,
    MISSED,
    Desk,
    excluded,
    message,
    opened,
    policy,
    queued,
    reopened,
    responded,
    transferred,
)

BOT = Actor.BOT


def test_rule_03_the_earliest_human_response_stops_the_clock_in_any_order() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(300), responded(100), responded(200))

    assert desk.contact().latency == 100_000_000


@pytest.mark.parametrize(
    "event",
    [
        responded(5, actor=Actor.BOT),
        responded(5, actor=Actor.SYSTEM),
        queued(5),
        transferred(5, queue="billing"),
        message(5),
        reopened(5, actor=Actor.AGENT),
    ],
    ids=["bot", "system", "queued", "transferred", "message", "reopened by an agent"],
)
def test_rule_03_nothing_but_a_human_response_stops_the_clock(event: ContactEvent) -> None:
    desk = Desk()

    desk.receive(opened(0), event)

    assert desk.phase() is Phase.WAITING
    assert desk.latencies() == []


def test_rule_03_a_response_at_the_start_has_latency_zero() -> None:
    desk = Desk()

    desk.receive(opened(10), responded(10))

    assert desk.latencies() == [0]
    assert desk.judged() == {"10m": MET, "1h": MET}


def test_rule_03_a_response_exactly_the_skew_before_the_start_has_latency_zero() -> None:
    desk = Desk()

    desk.receive(opened(10), responded(8))

    assert desk.phase() is Phase.ANSWERED
    assert desk.latencies() == [0]
    assert desk.count("firstreply_latency_negative_total") == 0


def test_rule_03_a_response_a_microsecond_beyond_the_skew_is_counted_and_the_contact_waits() -> (
    None
):
    desk = Desk()

    desk.receive(opened(10), responded(8 - MICROSECOND))
    desk.finish(610)

    assert desk.phase() is Phase.WAITING
    assert desk.judged() == {"10m": MISSED}
    assert desk.count("firstreply_latency_negative_total") == 1


def test_rule_03_a_held_response_beyond_the_skew_is_counted_when_the_opening_comes() -> None:
    desk = Desk()

    desk.receive(responded(7), responded(8), opened(10))

    assert desk.latencies() == [0]
    assert desk.count("firstreply_latency_negative_total") == 1


def test_rule_03_a_start_that_moves_back_makes_an_early_response_one() -> None:
    desk = Desk()
    desk.receive(opened(100), responded(50))

    desk.receive(opened(20))

    assert desk.latencies() == [30]


@pytest.mark.parametrize("actor", [Actor.BOT, Actor.SYSTEM])
def test_rule_03_the_first_automatic_reply_is_an_acknowledgement_counted_once(
    actor: Actor,
) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(1, actor=actor), responded(2, actor=BOT))

    assert desk.count("contact_acknowledged_total", "chat", "none") == 1


def test_rule_03_an_automatic_reply_held_for_its_opening_is_an_acknowledgement() -> None:
    desk = Desk()

    desk.receive(responded(1, actor=BOT), opened(0))

    assert desk.count("contact_acknowledged_total", "chat", "none") == 1


@pytest.mark.parametrize("seconds", [10, 11], ids=["at the human response", "after it"])
def test_rule_03_an_automatic_reply_is_no_acknowledgement(seconds: float) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(10), responded(seconds, actor=BOT))

    assert desk.total("contact_acknowledged_total") == 0


def test_rule_03_an_automatic_reply_just_before_the_human_one_arrives_late_and_counts() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(10), responded(10 - MICROSECOND, actor=BOT))

    assert desk.count("contact_acknowledged_total", "chat", "none") == 1


def test_rule_03_an_automatic_reply_within_the_skew_before_the_start_is_one() -> None:
    desk = Desk()

    desk.receive(opened(10), responded(8, actor=BOT))

    assert desk.total("contact_acknowledged_total") == 1


def test_rule_03_an_automatic_reply_beyond_the_skew_before_the_start_is_none() -> None:
    desk = Desk()

    desk.receive(opened(10), responded(8 - MICROSECOND, actor=BOT))

    assert desk.total("contact_acknowledged_total") == 0


def test_rule_03_an_automatic_reply_after_the_human_one_is_none_within_the_skew_too() -> None:
    desk = Desk()

    desk.receive(responded(8.5), responded(9, actor=BOT), opened(10))

    assert desk.latencies() == [0]
    assert desk.total("contact_acknowledged_total") == 0


def test_rule_03_an_excluded_contact_is_not_acknowledged() -> None:
    desk = Desk()

    desk.receive(opened(0), excluded(1), responded(2, actor=BOT))

    assert desk.total("contact_acknowledged_total") == 0


def test_rule_03_the_first_response_is_remembered_among_hundreds() -> None:
    desk = Desk()
    desk.receive(opened(0))

    desk.receive(*(responded(1000 - seconds) for seconds in range(900)))

    assert desk.contact().latency == 101_000_000


def test_rule_03_hundreds_of_early_responses_do_not_hide_the_real_one() -> None:
    desk = Desk()
    desk.receive(opened(1000), *(responded(seconds) for seconds in range(100)))

    desk.receive(responded(1030), responded(1020), responded(1040))

    assert desk.contact().latency == 20_000_000


def test_rule_03_many_early_responses_do_not_hide_one_exactly_the_skew_before_the_start() -> None:
    desk = Desk()
    desk.receive(opened(1000), *(responded(seconds) for seconds in range(100)))

    desk.receive(responded(998))

    assert desk.latencies() == [0]


def test_rule_03_many_responses_of_one_instant_take_the_place_of_one() -> None:
    desk = Desk()
    desk.receive(*(responded(5, id=f"agent {n}") for n in range(16)), responded(20))

    desk.receive(opened(10))

    assert desk.latencies() == [10]


def test_rule_03_hundreds_of_early_bot_replies_do_not_hide_the_acknowledgement() -> None:
    desk = Desk(policy())
    desk.receive(opened(1000), *(responded(seconds, actor=BOT) for seconds in range(100)))

    desk.receive(responded(1001, actor=BOT))

    assert desk.total("contact_acknowledged_total") == 1
