"""A restored engine has everybody where the one before had, or where today's configuration says."""

import pytest

from firstreply.domain.bands import Policy
from firstreply.domain.engine import Engine
from firstreply.domain.instants import SECOND
from firstreply.domain.packing import pack
from firstreply.domain.policy_book import PolicyBook
from tests.unit.domain.builders import (
    GRACE,
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

CHAT: Policy = policy("chat", (band("10m"), band("1h")), promise="10m", settle_for=3600)
OTHER: Policy = policy("other", (band("1h"),), settle_for=7200)


def busy() -> Desk:
    """Return a desk with one contact of each kind."""
    desk = Desk(CHAT, OTHER)
    desk.receive(opened(0, "waits", queue="billing"), log=0)
    desk.receive(opened(0, "late", queue="support"), opened(0, "unlisted", queue="cellar"), log=1)
    desk.receive(opened(1, "settled"), responded(5, "settled"), closed(6, "settled"), log=6)
    desk.receive(opened(1, "asks", queue="billing"), responded(5, "asks"), message(9, "asks"))
    desk.receive(opened(2, "spam"), excluded(3, "spam"), transferred(4, "early", queue="billing"))
    desk.receive(opened(9, "hostile \ud800", queue="\ud800"), log=9)
    return desk


def restored(
    desk: Desk, book: PolicyBook, *, grace: int = GRACE, max_tracked: int | None = None
) -> Desk:
    snapshot = desk.engine.snapshot()
    return Desk(
        engine=Engine.restore(snapshot, book, grace=grace * SECOND, max_tracked=max_tracked)
    )


def objects(desk: Desk) -> list[str]:
    """Return who is awake."""
    return [*desk.engine.store._awake]


def test_everybody_is_where_it_was_and_nobody_is_woken() -> None:
    desk = busy()

    again = restored(desk, desk.engine.book)

    assert objects(again) == []
    assert again.gauges() == desk.gauges()
    waiters = [engine.urgent(99).coming for engine in (again.engine, desk.engine)]
    assert sorted(map(repr, waiters[0])) == sorted(map(repr, waiters[1]))
    assert again.engine.next_deadline() == desk.engine.next_deadline() == at(600 + GRACE)
    assert [*again.engine.contacts()] == [*desk.engine.contacts()]


def test_everybody_is_timed_as_it_was() -> None:
    desk = busy()
    again = restored(desk, desk.engine.book)
    desk.engine.take_increments()

    for due in (600, 609, 3600, 3606, 3609, 7204):
        for log_time in (due + GRACE, due + GRACE + 0.000001):
            for one in (desk, again):
                one.advance(log_time)

            assert again.gauges() == desk.gauges()
            assert again.engine.take_increments() == desk.engine.take_increments()


@pytest.mark.parametrize("grace", [0, 1, 60])
def test_timers_go_by_the_grace_of_today(grace: int) -> None:
    again = restored(busy(), book(CHAT, OTHER), grace=grace)

    again.advance(600 + grace)
    before = again.count("contact_expectation_outcomes_total", "chat", "billing", "10m", "missed")
    again.advance(600 + grace + 0.000001)

    assert again.engine.next_deadline() == at(609 + grace)
    assert before == 0
    assert again.count("contact_expectation_outcomes_total", "chat", "billing", "10m", "missed")


def test_who_waits_is_in_the_queue_that_is_listed_today() -> None:
    again = restored(busy(), book(CHAT, OTHER, queues=["cellar", "support"]))

    waiting = {pair: queue.oldest_waiting for pair, queue in again.gauges().queues.items()}
    assert waiting == {
        ("chat", "cellar"): at(0),
        ("chat", "other"): at(0),
        ("chat", "support"): at(0),
    }
    assert again.queue("chat", "other").reply_waiting == 1
    again.receive(responded(700, "waits"), responded(700, "unlisted"), responded(700, "asks"))
    assert again.gauges().queues.keys() == {("chat", "support"), ("chat", "other")}


def test_who_has_no_policy_yet_is_kept_as_long_as_today_s_says() -> None:
    shorter = restored(busy(), book(CHAT, policy("other", (band("1h"),), settle_for=60)))
    longer = restored(busy(), book(CHAT, policy("other", (band("1h"),), settle_for=9000)))

    assert shorter.engine.next_deadline() == at(6 + 60)
    for desk in (shorter, longer):
        desk.advance(8000)
    assert shorter.engine.contact("early") is None
    assert longer.engine.contact("early") is not None


def test_who_was_kept_for_ever_can_be_evicted_once_there_is_a_bound() -> None:
    for_ever = policy("chat", (band("10m"),), settle_for=None)
    desk = Desk(for_ever)
    for number in range(3):
        desk.receive(opened(number, f"c{number}"), responded(10 - number, f"c{number}"))

    again = restored(desk, desk.engine.book, max_tracked=2)

    assert {contact.contact_id for contact in again.engine.contacts()} == {"c0", "c1"}


def test_a_row_that_says_what_cannot_be_is_placed_by_its_facts() -> None:
    """It may come from a damaged log; nothing may go wrong later."""
    desk = busy()
    waits, asks, late = desk.contact("waits"), desk.contact("asks"), desk.contact("late")
    waits.received = waits.reply_waits_in = None
    asks.waits_in = (("chat", "billing"), asks.policy, at(1))
    late.reply_since = at(3)
    assert waits.waits_in is not None
    store = desk.engine.store
    store.load("waits", pack(waits))
    store.load("asks", pack(asks))
    store.load("late", pack(late))

    again = restored(desk, desk.engine.book)
    again.receive(responded(700, "waits"), responded(700, "asks"), log=700)
    again.advance(100_000)

    left = {contact.contact_id for contact in again.engine.contacts()}
    assert left == {"late", "unlisted", "hostile \ud800"}
    assert again.contact("late").reply_since is None


def test_who_has_missed_everything_waits_on_without_a_timer() -> None:
    desk = Desk(CHAT)
    desk.receive(opened(0))
    desk.advance(10_000)

    again = restored(desk, desk.engine.book)

    assert again.gauges() == desk.gauges()
    assert again.engine.next_deadline() is None
    assert objects(again) == []
