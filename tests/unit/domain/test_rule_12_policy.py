"""Rule 12: a contact is judged by the policy in force when it started, whatever comes later."""

from firstreply.domain.contact import Phase
from firstreply.domain.engine import Engine
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from tests.unit.domain.builders import (
    GRACE,
    HOUR,
    MET,
    MISSED,
    PHONE,
    Desk,
    band,
    book,
    closed,
    message,
    opened,
    policy,
    queued,
    responded,
)

TEN = policy("chat", (band("10m"),))
STRICT = policy("chat", (band("20s"), band("10m")), short_abandon=100)


def test_rule_12_a_contact_keeps_the_bands_it_started_with() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))

    desk.engine.book = book(STRICT)
    desk.receive(responded(60))

    assert desk.judged() == {"10m": MET}


def test_rule_12_later_edits_apply_to_new_contacts() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0, "old"))

    desk.engine.book = book(STRICT)
    desk.receive(opened(0, "new"), responded(60, "old"), responded(60, "new"))

    assert desk.judged("old") == {"10m": MET}
    assert desk.judged("new") == {"20s": MISSED, "10m": MET}


def test_rule_12_short_abandon_and_reasons_are_pinned_too() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))

    desk.engine.book = book(STRICT)
    desk.receive(closed(50))

    assert desk.phase() is Phase.CLOSED


def test_rule_12_an_earlier_opening_on_the_same_channel_does_not_change_the_policy() -> None:
    desk = Desk(TEN)
    desk.receive(opened(100))

    desk.engine.book = book(STRICT)
    desk.receive(opened(90), responded(150))

    assert desk.judged() == {"10m": MET}


def test_rule_12_a_contact_that_moves_to_another_channel_takes_the_policy_of_today() -> None:
    desk = Desk(TEN)
    desk.receive(opened(100, channel="email"))

    desk.engine.book = book(STRICT)
    desk.receive(opened(0, channel="chat"), responded(150))

    assert desk.judged() == {"20s": MISSED, "10m": MET}


def test_rule_12_the_policy_is_pinned_at_the_start_and_not_at_the_opening() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"))

    desk.engine.book = book(policy("phone", (band("10m"),), clock_start=PHONE.clock_start))
    desk.receive(queued(10), responded(20))

    assert desk.judged() == {"10m": MET}


def test_rule_12_a_pinned_policy_survives_a_restore_under_another_configuration() -> None:
    desk = Desk(policy("chat", (band("1h"),), promise="1h"))
    desk.receive(opened(0), log=0)

    snapshot = desk.engine.snapshot()
    restored = Desk(engine=Engine.restore(snapshot, book(STRICT), grace=GRACE * SECOND))
    restored.advance(HOUR + GRACE + 1)

    assert restored.judged() == {"1h": MISSED}
    assert restored.queue().next_deadline is None


def test_rule_12_a_channel_that_leaves_the_configuration_keeps_its_contacts() -> None:
    desk = Desk(policy("fax", (band("10m"),)))
    desk.receive(opened(0, channel="fax"))

    desk.engine.book = book()
    desk.receive(message(5), responded(60))

    assert desk.judged() == {"10m": MET}
    assert desk.contact().received == ("fax", "none")


def test_rule_12_a_channel_that_left_before_the_contact_started_is_other() -> None:
    fax = policy("fax", (band("10m"),), clock_start=PHONE.clock_start)
    desk = Desk(fax)
    desk.receive(opened(0, channel="fax"))

    desk.engine.book = book()
    desk.receive(queued(5))

    assert desk.contact().received == ("other", "none")


def test_rule_12_who_started_on_other_because_its_channel_had_left_keeps_that_policy() -> None:
    fax = policy("fax", (band("10m"),), clock_start=PHONE.clock_start)
    desk = Desk(fax)
    desk.receive(opened(0, channel="fax"))
    desk.engine.book = book(policy("other", (band("10m"),)))
    desk.receive(queued(5))

    desk.engine.book = book(policy("other", (band("20s"),)))
    desk.receive(responded(60))

    assert desk.judged() == {"10m": MET}


def test_rule_12_a_book_that_is_replaced_is_another_for_every_engine_that_holds_it() -> None:
    shared = book(TEN)
    engines = [Desk(engine=Engine(shared, grace=GRACE * SECOND)) for _ in range(2)]
    for desk in engines:
        desk.receive(opened(0, "old"))

    shared.replace(book(STRICT))
    for desk in engines:
        desk.receive(opened(0, "new"), responded(60, "old"), responded(60, "new"))

    for desk in engines:
        assert desk.judged("old") == {"10m": MET}
        assert desk.judged("new") == {"20s": MISSED, "10m": MET}


def test_rule_12_after_a_reload_the_next_event_shows_a_contact_in_a_queue_that_it_lists() -> None:
    shared = PolicyBook([policy("chat", (band("10m"),)), *book().policies.values()])
    desk = Desk(engine=Engine(shared, grace=GRACE * SECOND))
    desk.receive(opened(0, channel="chat", queue="legal"))
    desk.advance(1)
    before = set(desk.engine.gauges().queues)

    listed = PolicyBook([*shared.policies.values()], queues={"chat": ("legal",)})
    shared.replace(listed)
    desk.receive(message(5))

    assert before == {("chat", "other")}
    assert set(desk.engine.gauges().queues) == {("chat", "legal")}


def test_a_book_that_keeps_a_channel_shows_it_and_no_name_leads_to_it() -> None:
    fax = policy("fax", (band("10m"),))
    before = PolicyBook([*book(TEN).policies.values(), fax], queues={"fax": ("legal",)})

    after = book(STRICT).keeping(before)

    assert after.policies["fax"] is fax
    assert after.queues["fax"] == ("legal",)
    assert after.policies["chat"] == STRICT
    assert book(STRICT).channel("fax") == ("other", False)


def test_rule_12_equal_policies_share_a_digest_and_any_difference_makes_another() -> None:
    digests = {
        TEN.digest(),
        STRICT.digest(),
        policy("email", (band("10m"),)).digest(),
        policy("chat", (band("10m", weight=0.5),)).digest(),
        policy("chat", (band("10m"),), promise="10m").digest(),
        policy("chat", (band("10m"),), give_up_after=60).digest(),
    }

    assert len(digests) == 6
    assert policy("chat", (band("10m"),)).digest() == TEN.digest()
