"""Rule 14: the same id among the last 16 of a kept contact changes nothing and is counted."""

import dataclasses

from firstreply.domain.events import EventType, derived_id
from tests.unit.domain.builders import (
    MET,
    Desk,
    abandoned,
    closed,
    message,
    opened,
    responded,
    transferred,
)


def test_rule_14_the_same_event_twice_changes_nothing_and_is_counted() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(60))
    before = dataclasses.replace(desk.contact())
    counted = dict(desk.counted.counts)

    desk.receive(responded(60))

    assert desk.contact() == before
    assert desk.count("firstreply_events_duplicate_total") == 1
    assert {key for key, n in desk.counted.counts.items() if n != counted.get(key)} == {
        ("firstreply_events_duplicate_total", ()),
        ("firstreply_events_total", ("contact.responded",)),
    }


def test_rule_14_the_same_id_is_a_duplicate_whatever_else_it_says() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(60, id="a"))

    desk.receive(responded(30, id="a"))

    assert desk.contact().latency == 60_000_000
    assert desk.judged() == {"10m": MET, "1h": MET}


def test_rule_14_equal_ids_of_two_contacts_are_not_duplicates() -> None:
    desk = Desk()
    desk.receive(opened(0, "a"), opened(0, "b"))

    desk.receive(responded(10, "a", id="x"), responded(10, "b", id="x"))

    assert desk.count("firstreply_events_duplicate_total") == 0
    assert desk.latencies() == [10, 10]


def test_rule_14_the_id_of_sixteen_events_ago_is_remembered() -> None:
    desk = Desk()
    desk.receive(opened(0), *(transferred(n) for n in range(15)))

    desk.receive(opened(0))

    assert desk.count("firstreply_events_duplicate_total") == 1


def test_rule_14_the_id_of_seventeen_events_ago_is_not() -> None:
    desk = Desk()
    desk.receive(opened(0), *(transferred(n) for n in range(16)))

    desk.receive(opened(0))

    assert desk.count("firstreply_events_duplicate_total") == 0
    assert desk.start() == 0
    assert desk.total("contact_received_total") == 1


def test_rule_14_a_duplicate_does_not_renew_its_place_among_the_sixteen() -> None:
    desk = Desk()
    desk.receive(opened(0), *(transferred(n) for n in range(15)), opened(0))

    desk.receive(transferred(20), opened(0))

    assert desk.count("firstreply_events_duplicate_total") == 1


def test_rule_14_a_duplicate_is_not_late_and_not_ignored() -> None:
    desk = Desk()
    desk.receive(opened(0), log=0)

    desk.receive(opened(0), log=1000)

    assert desk.total("firstreply_events_late_total") == 0
    assert desk.count("firstreply_events_total", "contact.opened") == 2


def test_rule_14_a_duplicate_message_starts_no_second_wait() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(60), message(100), responded(110))

    desk.receive(message(100))

    assert desk.contact().reply_since is None


def test_rule_14_a_duplicate_older_than_sixteen_events_changes_no_figure() -> None:
    desk = Desk()
    ends = (closed(70), closed(75, reason="spam"), abandoned(80))
    once = (opened(0, queue="billing"), responded(60), *ends)
    desk.receive(*once, *(message(5, id=f"m{n}") for n in range(20)))
    before = desk.judged(), desk.contact().latency, desk.gauges().ledger

    desk.receive(*once)

    assert (desk.judged(), desk.contact().latency, desk.gauges().ledger) == before
    assert desk.count("firstreply_events_duplicate_total") == 0
    assert desk.latencies() == [60]
    assert desk.corrections() == {}


def test_rule_14_two_ids_at_one_instant_are_two_events_and_one_fact() -> None:
    desk = Desk()

    desk.receive(opened(0), *(responded(60, id=f"agent {n}") for n in range(20)))

    assert desk.count("firstreply_events_duplicate_total") == 0
    assert desk.latencies() == [60]


def test_rule_14_without_an_id_type_time_and_actor_identify_an_event() -> None:
    told = {
        derived_id(EventType.RESPONDED, 1, "agent"),
        derived_id(EventType.RESPONDED, 1, "bot"),
        derived_id(EventType.RESPONDED, 1, None),
        derived_id(EventType.RESPONDED, 2, "agent"),
        derived_id(EventType.CLOSED, 1, "agent"),
    }

    assert len(told) == 5
    assert derived_id(EventType.CLOSED, 1, "agent") in told
