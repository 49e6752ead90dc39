"""Rule 9: the first response is measured once; afterwards customers wait for replies."""

from collections.abc import Callable

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import Actor, ContactEvent
from tests.unit.domain.builders import (
    MICROSECOND,
    Desk,
    abandoned,
    closed,
    message,
    opened,
    reopened,
    responded,
    transferred,
)


@pytest.mark.parametrize(
    "event",
    [
        transferred(50, queue="billing"),
        transferred(50, channel="email"),
        reopened(50),
        opened(50, channel="email"),
        message(50),
    ],
    ids=["transferred", "channel change", "reopened", "opened again", "message"],
)
def test_rule_09_nothing_restarts_a_waiting_contact(event: ContactEvent) -> None:
    desk = Desk()

    desk.receive(opened(0), event, responded(60))

    assert desk.start() == 0
    assert desk.latencies() == [60]
    assert desk.count("contact_received_total", "chat", "none") == 1
    assert desk.replies() == []


def test_rule_09_a_reopening_after_a_close_does_not_restart() -> None:
    desk = Desk()

    desk.receive(opened(0), closed(50), reopened(1000), responded(1010))

    assert desk.start() == 0
    assert desk.phase() is Phase.ANSWERED
    assert desk.replies() == [10]


@pytest.mark.parametrize(
    "wait", [message(100), reopened(100), opened(100)], ids=["message", "reopened", "opened"]
)
def test_rule_09_after_the_first_response_the_customer_waits_for_a_reply(
    wait: ContactEvent,
) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), wait, log=100)
    waiting = desk.queue()
    desk.receive(responded(130))

    assert waiting.reply_waiting == 1
    assert waiting.reply_oldest_waiting == wait.time
    assert sum(waiting.waiting.values()) == 0
    assert desk.observed("contact_reply_seconds") == [(("chat", "none"), 30)]
    assert desk.gauges().queues == {}


@pytest.mark.parametrize("actor", [None, Actor.AGENT, Actor.BOT, Actor.SYSTEM])
def test_rule_09_a_reopening_by_anybody_else_starts_no_reply_wait(actor: Actor | None) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), reopened(100, actor=actor), log=100)

    assert desk.gauges().queues == {}
    assert desk.count("contact_reopened_total", "chat", "none") == 1


def test_rule_09_the_oldest_unanswered_message_is_the_one_that_waits() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(120), message(100), message(140), responded(150))

    assert desk.replies() == [50]


def test_rule_09_messages_before_the_first_response_wait_for_no_reply() -> None:
    desk = Desk()

    desk.receive(opened(0), message(30), responded(60), responded(70), log=70)

    assert desk.replies() == []
    assert desk.gauges().queues == {}


def test_rule_09_each_reply_is_measured() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), responded(101), message(200))
    desk.receive(responded(260), responded(270))

    assert desk.replies() == [1, 60]


def test_rule_09_a_close_ends_a_reply_wait_without_an_observation() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), closed(150), responded(200), log=200)

    assert desk.replies() == []
    assert desk.gauges().queues == {}


def test_rule_09_an_abandonment_does_not_end_a_reply_wait() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), abandoned(150), log=150)

    assert desk.queue().reply_waiting == 1


def test_rule_09_a_bot_does_not_end_a_reply_wait() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), responded(110, actor=Actor.BOT), log=110)

    assert desk.queue().reply_waiting == 1


def test_rule_09_a_reply_at_the_instant_of_the_message_takes_zero_seconds() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), responded(100))

    assert desk.replies() == [0]


@pytest.mark.parametrize(
    "late",
    [responded(100 - MICROSECOND), closed(100 - MICROSECOND)],
    ids=["response", "close"],
)
def test_rule_09_what_happened_before_the_message_does_not_end_its_wait(
    late: ContactEvent,
) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(100), late, log=100)

    assert desk.queue().reply_waiting == 1
    assert desk.replies() == []


@pytest.mark.parametrize("end", [responded(150), closed(150), abandoned(150)])
@pytest.mark.parametrize("seconds", [149, 150])
def test_rule_09_a_message_that_arrives_after_its_answer_or_end_waits_for_nothing(
    end: ContactEvent, seconds: float
) -> None:
    desk = Desk()

    desk.receive(opened(0, channel="chat"), abandoned(60), end, message(seconds), log=150)

    assert desk.gauges().queues == {}


@pytest.mark.parametrize("kind", [responded, closed, abandoned])
def test_rule_09_the_latest_answer_or_end_is_the_one_that_counts_in_any_order(
    kind: Callable[[float], ContactEvent],
) -> None:
    desk = Desk()

    desk.receive(opened(0), abandoned(10), kind(150), kind(140), message(145), log=150)

    assert desk.gauges().queues == {}


def test_rule_09_a_message_a_microsecond_after_the_answer_waits() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), message(60 + MICROSECOND), log=100)

    assert desk.queue().reply_waiting == 1


def test_rule_09_a_message_before_or_at_the_start_of_an_ended_contact_waits_for_nothing() -> None:
    desk = Desk()

    desk.receive(opened(10), closed(10), message(5), log=100)

    assert desk.start() == 5
    assert desk.gauges().queues == {}


def test_rule_09_an_earlier_opening_of_an_answered_contact_is_no_reply_wait() -> None:
    desk = Desk()

    desk.receive(responded(58), opened(60), opened(59), log=60)

    assert desk.phase() is Phase.ANSWERED
    assert desk.gauges().queues == {}


def test_rule_09_an_old_duplicate_of_an_answered_message_waits_for_nothing() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(60), message(100), responded(110))
    desk.receive(*(responded(200 + n) for n in range(20)))

    desk.receive(message(100), log=300)

    assert desk.gauges().queues == {}


def test_rule_09_reply_waits_are_charged_to_the_channel_and_the_current_queue() -> None:
    desk = Desk()

    desk.receive(opened(0, queue="billing"), responded(60), transferred(70, queue="support"))
    desk.receive(message(100), responded(130))

    assert desk.observed("contact_reply_seconds") == [(("chat", "support"), 30)]


def test_rule_09_a_reply_wait_moves_with_a_transfer() -> None:
    desk = Desk()
    desk.receive(opened(0, queue="billing"), responded(60), message(100), log=100)

    desk.receive(transferred(110, queue="support"))

    assert set(desk.gauges().queues) == {("chat", "support")}


def test_rule_09_a_contact_waits_for_its_first_response_or_for_a_reply_never_for_both() -> None:
    desk = Desk()

    desk.receive(reopened(100), opened(50), log=100)

    assert sum(desk.queue().waiting.values()) == 1
    assert desk.queue().reply_waiting == 0


def test_rule_09_transfers_and_reopenings_are_counted_once_per_contact() -> None:
    desk = Desk()

    desk.receive(transferred(5), opened(0), transferred(10), reopened(20), reopened(30))

    assert desk.count("contact_transferred_total", "chat", "none") == 1
    assert desk.count("contact_reopened_total", "chat", "none") == 1
