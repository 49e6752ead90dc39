"""Rule 2: what we begin is not received until the customer writes."""

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import Actor, Direction
from tests.unit.domain.builders import (
    MET,
    MISSED,
    Desk,
    closed,
    message,
    opened,
    outbound,
    policy,
    reopened,
    responded,
)

INBOUND, OUTBOUND = Direction.INBOUND, Direction.OUTBOUND


@pytest.mark.parametrize(
    ("direction", "actor"),
    [
        (OUTBOUND, None),
        (OUTBOUND, Actor.CUSTOMER),
        (OUTBOUND, Actor.AGENT),
        (None, Actor.AGENT),
        (None, Actor.BOT),
        (None, Actor.SYSTEM),
    ],
)
def test_rule_02_an_outbound_opening_is_not_received(
    direction: Direction | None, actor: Actor | None
) -> None:
    desk = Desk()

    desk.receive(opened(0, direction=direction, actor=actor), log=0)
    desk.finish(100_000)

    assert desk.phase() is Phase.UNSEEN
    assert desk.total("contact_received_total") == 0
    assert desk.gauges().queues == {}


@pytest.mark.parametrize(
    ("direction", "actor"),
    [
        (INBOUND, None),
        (INBOUND, Actor.CUSTOMER),
        (INBOUND, Actor.AGENT),
        (INBOUND, Actor.BOT),
        (None, Actor.CUSTOMER),
        (None, None),
    ],
)
def test_rule_02_an_inbound_opening_is_received(
    direction: Direction | None, actor: Actor | None
) -> None:
    desk = Desk()

    desk.receive(opened(0, direction=direction, actor=actor))

    assert desk.phase() is Phase.WAITING
    assert desk.count("contact_received_total", "chat", "none") == 1


def test_rule_02_the_first_customer_message_of_an_outbound_contact_is_its_start() -> None:
    desk = Desk()

    desk.receive(outbound(0), message(500), message(400), responded(460))

    assert desk.start() == 400
    assert desk.latencies() == [60]
    assert desk.count("contact_received_total", "chat", "none") == 1


def test_rule_02_what_the_agent_wrote_before_the_customer_is_no_response() -> None:
    desk = Desk()

    desk.receive(outbound(0), responded(1), message(400))

    assert desk.phase() is Phase.WAITING
    assert desk.count("firstreply_latency_negative_total") == 1


def test_rule_02_an_outbound_contact_counts_as_having_an_opening() -> None:
    desk = Desk()

    desk.receive(outbound(0), message(400))

    assert desk.count("firstreply_without_opening_total") == 0


def test_rule_02_an_outbound_contact_takes_its_channel_from_the_opening() -> None:
    desk = Desk()

    desk.receive(outbound(0, channel="email"), message(400))

    assert desk.count("contact_received_total", "email", "none") == 1


def test_rule_02_the_customer_may_answer_on_another_channel_which_is_where_it_starts() -> None:
    desk = Desk()

    desk.receive(outbound(0, channel="email"), message(400, channel="chat"))

    assert desk.count("contact_received_total", "chat", "none") == 1


def test_rule_02_a_reopening_by_the_customer_does_not_start_an_outbound_contact() -> None:
    desk = Desk()

    desk.receive(outbound(0), reopened(50), log=50)

    assert desk.phase() is Phase.UNSEEN
    assert desk.queue().reply_waiting == 1


def test_rule_02_a_later_inbound_opening_of_an_outbound_contact_starts_it() -> None:
    desk = Desk()

    desk.receive(outbound(0), opened(50), responded(1000))

    assert desk.start() == 50
    assert desk.judged() == {"10m": MISSED, "1h": MET}


def test_rule_02_a_close_before_the_customer_writes_decides_nothing() -> None:
    desk = Desk()

    desk.receive(outbound(0), closed(10, reason="spam"), message(400), responded(401))

    assert desk.judged() == {"10m": MET, "1h": MET}


def test_rule_02_responses_of_a_campaign_nobody_answers_are_not_unmatched() -> None:
    desk = Desk(policy(settle_for=100))
    desk.receive(outbound(0), responded(1), log=1)

    desk.advance(1000)

    assert desk.engine.contact("c") is None
    assert desk.count("firstreply_responses_unmatched_total") == 0
