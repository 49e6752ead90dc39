"""Rule 1: the first inbound customer contact starts the clock; or, by choice, the first queue."""

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import Actor, ContactEvent
from tests.unit.domain.builders import (
    ABANDONED,
    MET,
    MICROSECOND,
    MISSED,
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
)


def test_rule_01_the_opening_starts_the_clock_by_default() -> None:
    desk = Desk()

    desk.receive(opened(10), queued(20), responded(70))

    assert desk.start() == 10
    assert desk.latencies() == [60]


def test_rule_01_of_ten_openings_the_earliest_starts_the_clock_in_any_order() -> None:
    desk = Desk()

    desk.receive(*(opened(seconds) for seconds in (50, 30, 90, 10, 70, 20, 40, 60, 80, 100)))

    assert desk.start() == 10
    assert desk.total("contact_received_total") == 1


def test_rule_01_a_message_before_the_opening_is_the_start() -> None:
    desk = Desk()

    desk.receive(message(5), opened(10))

    assert desk.start() == 5


def test_rule_01_an_earlier_opening_that_arrives_late_moves_the_start_and_the_outcome() -> None:
    desk = Desk()
    desk.receive(opened(600), responded(605))

    desk.receive(opened(0))

    assert desk.start() == 0
    assert desk.judged() == {"10m": MISSED, "1h": MET}


def test_rule_01_responses_around_a_moved_start_are_all_remembered() -> None:
    desk = Desk()
    desk.receive(responded(590), responded(605), opened(600))
    before = desk.contact().latency

    desk.receive(opened(589))

    assert before == 5_000_000
    assert desk.contact().latency == 1_000_000


def test_rule_01_with_queued_nothing_starts_before_the_first_queue() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"))
    desk.advance(100_000)

    assert desk.phase() is Phase.UNSEEN
    assert desk.start() is None
    assert desk.judged() == {}
    assert desk.total("contact_received_total") == 0


@pytest.mark.parametrize("entries", [(30, 40), (40, 30)], ids=["in order", "reversed"])
def test_rule_01_with_queued_the_first_of_several_queues_starts_the_clock(
    entries: tuple[float, float],
) -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), *map(queued, entries), responded(50))

    assert desk.start() == 30
    assert desk.latencies() == [20]
    assert desk.judged() == {"20s": MET, "10m": MET}


def test_rule_01_with_queued_an_entry_told_before_the_opening_counts_from_the_opening() -> None:
    desk = Desk(PHONE)

    desk.receive(queued(-1), opened(0, channel="phone"))

    assert desk.start() == 0


def test_rule_01_with_queued_a_human_response_without_a_queue_starts_it_at_the_opening() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), responded(15))

    assert desk.start() == 0
    assert desk.latencies() == [15]
    assert desk.count("firstreply_start_fallback_total") == 1


def test_rule_01_with_queued_the_fallback_is_counted_once_per_contact() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), responded(15), responded(16), closed(20))

    assert desk.count("firstreply_start_fallback_total") == 1


def test_rule_01_with_queued_a_bot_does_not_start_the_contact() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), responded(1, actor=Actor.BOT))

    assert desk.phase() is Phase.UNSEEN


def test_rule_01_with_queued_a_response_up_to_the_skew_before_the_opening_starts_it() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(10, channel="phone"), responded(8))

    assert desk.start() == 10
    assert desk.latencies() == [0]


def test_rule_01_with_queued_a_response_one_microsecond_beyond_the_skew_does_not() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(10, channel="phone"), responded(8 - MICROSECOND))

    assert desk.phase() is Phase.UNSEEN
    assert desk.count("firstreply_start_fallback_total") == 0


def test_rule_01_with_queued_a_response_within_the_skew_of_the_queue_leaves_the_start_there() -> (
    None
):
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), queued(30), responded(28))

    assert desk.start() == 30
    assert desk.latencies() == [0]
    assert desk.count("firstreply_start_fallback_total") == 0


def test_rule_01_with_queued_a_response_a_microsecond_earlier_starts_it_at_the_opening() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), queued(30), responded(28 - MICROSECOND))

    assert desk.start() == 0
    assert desk.judged() == {"20s": MISSED, "10m": MET}


def test_rule_01_with_queued_a_late_queue_takes_over_from_the_fallback() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), responded(45))
    before = desk.judged()

    desk.receive(queued(30))

    assert before == {"20s": MISSED, "10m": MET}
    assert desk.start() == 30
    assert desk.judged() == {"20s": MET, "10m": MET}
    assert desk.corrections() == {("phone", "none", "20s", "missed", "met"): 1}
    assert desk.total("contact_received_total") == 1


@pytest.mark.parametrize("end", [abandoned(20), closed(20)], ids=["abandoned", "closed"])
def test_rule_01_with_queued_an_end_before_any_queue_is_self_served(end: ContactEvent) -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), end, closed(30))
    desk.finish(100_000)

    assert desk.count("contact_self_served_total", "phone", "none") == 1
    assert desk.total("contact_received_total") == 0
    assert desk.outcomes() == {}


def test_rule_01_with_queued_an_end_before_the_opening_decides_nothing() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(10, channel="phone"), closed(9))

    assert desk.count("contact_self_served_total", "phone", "none") == 0


def test_rule_01_with_queued_an_end_exactly_at_the_opening_is_self_served() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(10, channel="phone"), closed(10))

    assert desk.count("contact_self_served_total", "phone", "none") == 1


def test_rule_01_with_queued_an_abandonment_in_the_queue_is_received() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), queued(10), abandoned(20))

    assert desk.judged() == {"20s": ABANDONED, "10m": ABANDONED}
    assert desk.total("contact_self_served_total") == 0
    assert desk.count("contact_received_total", "phone", "none") == 1


def test_rule_01_with_queued_an_outbound_call_is_not_self_served() -> None:
    desk = Desk(PHONE)

    desk.receive(outbound(0, channel="phone"), closed(20))

    assert desk.total("contact_self_served_total") == 0


def test_rule_01_with_queued_exclusion_before_any_queue_leaves_it_unreceived() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, channel="phone"), excluded(20))

    assert desk.phase() is Phase.UNSEEN
    assert desk.total("contact_received_total") == 0


def test_rule_01_a_deadline_runs_from_the_queue_and_not_from_the_opening() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), queued(100))

    desk.finish(119)
    before = desk.judged()
    desk.finish(120)

    assert before == {}
    assert desk.judged() == {"20s": MISSED}


def test_rule_01_a_channel_that_starts_on_opened_ignores_queued() -> None:
    desk = Desk(policy("chat"))

    desk.receive(queued(-5), opened(0), queued(5))

    assert desk.start() == 0
