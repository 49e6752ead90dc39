"""Rule 10: the channel is the one it started on; the queue is the one that holds it."""

import pytest

from firstreply.domain.events import Actor, ContactEvent
from tests.unit.domain.builders import (
    EXCLUDED,
    MET,
    MICROSECOND,
    PHONE,
    Desk,
    abandoned,
    closed,
    excluded,
    message,
    opened,
    outbound,
    policy,
    queued,
    responded,
    transferred,
)


def received(desk: Desk) -> dict[tuple[str, ...], int]:
    return desk.labelled("contact_received_total")


@pytest.mark.parametrize("later", [transferred(10, channel="email"), opened(10, channel="email")])
def test_rule_10_the_channel_is_the_one_the_contact_started_on(later: ContactEvent) -> None:
    desk = Desk()

    desk.receive(opened(0, channel="chat"), later, responded(20))

    assert received(desk) == {("chat", "none"): 1}
    assert desk.observed("contact_first_response_seconds") == [(("chat", "none"), 20)]


def test_rule_10_names_of_channels_are_resolved_by_alias_and_without_case() -> None:
    desk = Desk()

    desk.receive(opened(0, "a", channel="clavardage"), opened(0, "b", channel=" Courriel "))

    assert received(desk) == {("chat", "none"): 1, ("email", "none"): 1}
    assert desk.total("firstreply_channel_unlisted_total") == 0


def test_rule_10_an_unlisted_channel_becomes_other_and_is_counted() -> None:
    desk = Desk()

    desk.receive(opened(0, channel="pigeon"))

    assert received(desk) == {("other", "none"): 1}
    assert desk.count("firstreply_channel_unlisted_total") == 1


def test_rule_10_a_message_without_a_channel_takes_that_of_the_later_opening() -> None:
    desk = Desk()

    desk.receive(message(0), opened(5, channel="email"))

    assert desk.engine.contact("c") is not None
    assert desk.contact().received == ("email", "none")
    assert desk.start() == 0


def test_rule_10_a_message_without_any_channel_is_on_other() -> None:
    desk = Desk()

    desk.receive(message(0))

    assert received(desk) == {("other", "none"): 1}


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
def test_rule_10_at_one_instant_an_opening_names_the_channel_before_a_message(order: int) -> None:
    desk = Desk()

    desk.receive(*(opened(0, channel="email"), message(0, channel="chat"))[::order])

    assert desk.contact().received == ("email", "none")


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
def test_rule_10_openings_at_one_instant_on_two_channels_are_ordered_by_name(order: int) -> None:
    desk = Desk()

    desk.receive(*(opened(0, channel="email"), opened(0, channel="chat"))[::order])

    assert desk.contact().received == ("chat", "none")


def test_rule_10_a_late_earlier_opening_on_another_channel_moves_the_contact() -> None:
    desk = Desk()
    desk.receive(opened(10, channel="chat", queue="billing"), responded(20))

    desk.receive(opened(0, channel="email"))

    assert received(desk) == {("chat", "billing"): 1}
    assert desk.labelled("contact_received_corrections_total") == {
        ("chat", "billing", "out"): 1,
        ("email", "none", "in"): 1,
    }
    assert desk.corrections() == {
        ("chat", "billing", "10m", "met", "none"): 1,
        ("chat", "billing", "1h", "met", "none"): 1,
        ("email", "billing", "10m", "none", "met"): 1,
        ("email", "billing", "1h", "none", "met"): 1,
    }


def test_rule_10_a_contact_that_moves_takes_its_wait_with_it() -> None:
    desk = Desk()
    desk.receive(opened(10, channel="chat"), log=10)

    desk.receive(opened(0, channel="email"))

    assert set(desk.gauges().queues) == {("email", "none")}


def test_rule_10_a_contact_that_moves_to_a_queued_channel_may_have_no_start_any_more() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(10, channel="chat"), abandoned(20), log=20)

    desk.receive(opened(0, channel="phone"))

    assert desk.start() is None
    assert desk.labelled("contact_received_corrections_total") == {("chat", "none", "out"): 1}
    assert desk.count("contact_self_served_total", "phone", "none") == 1
    assert desk.gauges().queues == {}


def test_rule_10_received_is_charged_to_the_queue_at_the_start() -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), transferred(5, queue="support"), responded(10))

    assert received(desk) == {("chat", "billing"): 1}
    assert desk.observed("contact_first_response_seconds") == [(("chat", "support"), 10)]


def test_rule_10_a_queue_entered_at_the_very_start_holds_the_contact() -> None:
    desk = Desk()

    desk.receive(queued(10, queue="billing"), opened(10))

    assert received(desk) == {("chat", "billing"): 1}


def test_rule_10_received_is_fixed_once_counted() -> None:
    desk = Desk()
    desk.receive(opened(0))

    desk.receive(queued(0, queue="billing"))

    assert received(desk) == {("chat", "none"): 1}
    assert desk.contact().received == ("chat", "none")


@pytest.mark.parametrize(
    ("seconds", "queue"),
    [(599, "support"), (600, "support"), (600 + MICROSECOND, "billing")],
    ids=["before the deadline", "at the deadline", "after it"],
)
def test_rule_10_a_miss_is_charged_to_the_queue_at_the_deadline(seconds: float, queue: str) -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), transferred(seconds, queue="support"))
    desk.finish(600)

    assert desk.outcomes() == {("chat", queue, "10m", "missed"): 1}


def test_rule_10_a_queue_may_come_from_opened_queued_or_transferred() -> None:
    desk = Desk()

    desk.receive(opened(0, "a", queue="billing"), responded(1, "a"))
    desk.receive(opened(0, "b"), queued(0.5, "b", queue="support"), responded(1, "b"))
    desk.receive(opened(0, "c"), transferred(0.5, queue="pigeons"), responded(1))

    queues = [labels[1] for labels, _ in desk.observed("contact_first_response_seconds")]
    assert queues == ["billing", "support", "other"]


def test_rule_10_events_of_one_instant_that_name_queues_are_ordered_by_type_then_name() -> None:
    desk, reversed_desk = Desk(), Desk()
    events = (
        opened(0, queue="support"),
        queued(0, queue="support"),
        transferred(0, queue="billing"),
        transferred(0, queue="aside"),
    )

    desk.receive(*events, responded(10))
    reversed_desk.receive(*events[::-1], responded(10))

    for one in (desk, reversed_desk):
        assert one.observed("contact_first_response_seconds") == [(("chat", "billing"), 10)]


def test_rule_10_an_abandonment_and_a_close_are_charged_where_they_happened() -> None:
    desk = Desk()
    queues = (opened(0, queue="billing"), transferred(50, queue="support"))

    desk.receive(*queues, abandoned(49))
    desk.receive(opened(0, "d", queue="billing"), transferred(50, "d", queue="support"))
    desk.receive(closed(50, "d"))

    assert desk.count("contact_abandoned_total", "chat", "billing") == 1
    assert desk.observed("contact_abandoned_wait_seconds") == [(("chat", "billing"), 49)]
    assert desk.count("contact_unanswered_total", "chat", "support", "closed") == 1


def test_rule_10_an_exclusion_before_the_start_is_charged_to_the_queue_at_the_start() -> None:
    desk = Desk()

    desk.receive(excluded(-10), queued(-20, queue="support"), opened(0, queue="billing"))

    assert desk.outcomes() == {
        ("chat", "billing", "10m", "excluded"): 1,
        ("chat", "billing", "1h", "excluded"): 1,
    }
    assert desk.judged() == {"10m": EXCLUDED, "1h": EXCLUDED}


def test_rule_10_a_response_that_arrives_after_a_transfer_is_charged_where_it_was_given() -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), transferred(50, queue="support"), responded(49))

    assert desk.observed("contact_first_response_seconds") == [(("chat", "billing"), 49)]


def test_rule_10_what_counts_once_per_contact_is_charged_to_the_current_queue() -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), transferred(5, queue="support"))
    desk.receive(responded(6, actor=Actor.BOT))

    assert desk.count("contact_transferred_total", "chat", "support") == 1
    assert desk.count("contact_acknowledged_total", "chat", "support") == 1


def test_rule_10_the_waiting_gauge_shows_the_queue_it_waits_in_now() -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), transferred(5, queue="support"), log=5)

    assert set(desk.gauges().queues) == {("chat", "support")}


def test_rule_10_after_many_transfers_the_latest_queue_is_still_known() -> None:
    desk = Desk()

    desk.receive(opened(0), *(transferred(n, queue="billing") for n in range(1, 40)))
    desk.receive(transferred(50, queue="support"), responded(60))

    assert desk.observed("contact_first_response_seconds") == [(("chat", "support"), 60)]


def test_rule_10_an_outbound_opening_on_another_channel_does_not_name_it() -> None:
    desk = Desk(policy())

    desk.receive(outbound(0, channel="email"), opened(50, channel="chat"), responded(60))

    assert desk.contact().received == ("chat", "none")
    assert desk.judged() == {"10m": MET, "1h": MET}
