"""The bound on contacts: who goes, how that is counted, and what comes after (decision 0009)."""

from itertools import pairwise
from typing import Final

import msgspec
import pytest

from firstreply.domain.bands import Clock, Policy
from firstreply.domain.contact import Contact, Phase
from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import SECOND
from firstreply.domain.ledger import KINDS, imbalance
from tests.unit.domain.builders import (
    DAY,
    GRACE,
    HOUR,
    MISSED,
    OFFICE,
    Desk,
    abandoned,
    at,
    band,
    book,
    closed,
    excluded,
    message,
    opened,
    outbound,
    policy,
    responded,
    transferred,
)

CHAT: Final = policy("chat", promise="10m", settle_for=1000)
RELAXED: Final = policy("other", settle_for=1000)
OFFICE_HOUR: Final = policy(
    "email", (band("1h", clock=Clock.BUSINESS),), calendar=OFFICE, promise="1h", settle_for=1000
)


def bounded(
    max_tracked: int, *policies: Policy, forgotten: list[Contact] | None = None
) -> tuple[Desk, list[Contact]]:
    """Return a desk that keeps so many contacts, and the list of those that went."""
    gone = [] if forgotten is None else forgotten
    engine = Engine(
        book(*(policies or (CHAT, RELAXED))),
        grace=GRACE * SECOND,
        max_tracked=max_tracked,
        forgotten=gone.append,
    )
    return Desk(engine=engine), gone


def ids(contacts: list[Contact]) -> list[str]:
    return [contact.contact_id for contact in contacts]


def test_as_many_as_the_bound_are_kept_and_one_more_evicts_one() -> None:
    desk, gone = bounded(2)

    desk.receive(opened(0, "a"), opened(1, "b"), log=1)
    before = list(gone)
    desk.receive(opened(2, "c"), log=2)

    assert before == []
    assert ids(gone) == ["a"]
    assert desk.gauges().tracked == 2


def test_an_event_of_a_known_contact_evicts_nobody() -> None:
    desk, gone = bounded(2)
    desk.receive(opened(0, "a"), opened(1, "b"), log=1)

    desk.receive(message(2, "a"), responded(3, "b"), responded(3, "b"), log=3)

    assert gone == []


# Who goes.


@pytest.mark.parametrize(
    "end",
    [responded(5, "settled"), closed(5, "settled"), abandoned(5, "settled")],
    ids=["answered", "closed", "abandoned"],
)
def test_a_settled_contact_goes_before_any_that_waits(end: ContactEvent) -> None:
    desk, gone = bounded(2)
    desk.receive(opened(-5000, "overdue"), opened(0, "settled"), end, log=6)

    desk.receive(opened(7, "new"), log=7)

    assert ids(gone) == ["settled"]
    assert desk.labelled("firstreply_state_evicted_total") == {("settled",): 1}
    assert desk.labelled("contact_unanswered_total").get(("chat", "none", "evicted")) is None
    assert desk.gauges().ledger["evicted"] == 0


def test_among_the_settled_the_one_that_would_be_forgotten_next_goes() -> None:
    patient = policy("email", settle_for=5000)
    desk, gone = bounded(4, CHAT, patient, RELAXED)
    desk.receive(opened(0, "email", channel="email"), responded(1, "email"), log=1)
    desk.receive(opened(0, "talks"), responded(2, "talks"), log=2)
    desk.receive(opened(0, "silent"), responded(3, "silent"), log=3)
    desk.receive(message(4, "talks"), responded(5, "talks"), opened(6, "waits"), log=6)

    for number in range(4):
        desk.receive(opened(10 + number, f"new {number}"), log=10 + number)

    assert ids(gone) == ["silent", "talks", "email", "waits"]


def test_without_an_end_of_settle_for_the_longest_silent_goes() -> None:
    desk, gone = bounded(2, policy("chat"), policy("other"))
    desk.receive(opened(0, "a"), responded(9, "a"), opened(0, "b"), responded(5, "b"), log=9)

    desk.receive(message(20, "b"), log=20)
    desk.receive(opened(21, "c"), log=21)

    assert ids(gone) == ["a"]
    assert desk.engine.next_deadline() is not None


def test_who_is_kept_for_an_opening_that_did_not_come_goes_as_the_settled_do() -> None:
    desk, gone = bounded(2)
    desk.receive(responded(0, "stray"), opened(0, "waits"), log=1)

    desk.receive(outbound(2, "new"), log=2)

    assert ids(gone) == ["stray"]
    assert desk.total("firstreply_responses_unmatched_total") == 1


def test_among_those_waiting_the_longest_overdue_on_the_clock_of_its_promise_goes() -> None:
    desk, gone = bounded(2, CHAT, OFFICE_HOUR, RELAXED)
    closing = 8 * HOUR
    desk.receive(opened(closing - HOUR, "email", channel="email"), log=closing)
    desk.receive(opened(closing + HOUR, "chat"), log=closing + HOUR)

    # The email's deadline was at closing: it is overdue for no time of the office, until morning.
    desk.receive(opened(closing + 2 * HOUR, "new"), log=closing + 2 * HOUR)

    assert ids(gone) == ["chat"]


def test_opening_hours_that_have_passed_since_the_deadline_count() -> None:
    desk, gone = bounded(2, CHAT, OFFICE_HOUR, RELAXED)
    morning = DAY
    desk.receive(opened(7 * HOUR, "email", channel="email"), log=8 * HOUR)
    desk.receive(opened(morning + HOUR, "chat"), log=morning + HOUR)

    now = morning + 2 * HOUR  # the email is overdue for two hours of the office, the chat for 50m
    desk.receive(opened(now, "new"), log=now)

    assert ids(gone) == ["email"]


def test_without_a_promise_the_longest_band_says_who_is_overdue() -> None:
    desk, gone = bounded(2)
    desk.receive(opened(0, "other", channel="other"), opened(1000, "chat"), log=1000)

    desk.receive(opened(2000, "new"), log=2000)

    assert ids(gone) == ["chat"]  # ten minutes of it are over; an hour of the other's is not


def test_a_deadline_counts_at_the_service_clock() -> None:
    desk, gone = bounded(2)
    desk.receive(opened(-1, "other", channel="other"), opened(0, "chat"), log=0)

    desk.receive(opened(600, "new"), log=600 + GRACE)

    assert ids(gone) == ["other"]  # nobody is overdue at the instant of the deadline

    desk, gone = bounded(2)
    desk.receive(opened(-1, "other", channel="other"), opened(0, "chat"), log=0)

    desk.receive(opened(600, "new"), log=600 + GRACE + 0.000001)

    assert ids(gone) == ["chat"]


def test_where_nobody_is_overdue_the_oldest_start_goes_and_of_equal_ones_the_least_id() -> None:
    desk, gone = bounded(3)
    desk.receive(opened(5, "z"), opened(5, "a", queue="billing"), opened(6, "b"), log=6)

    for number in range(3):
        desk.receive(opened(7 + number, f"new {number}"), log=7 + number)

    assert ids(gone) == ["a", "z", "b"]


def test_before_log_time_is_known_the_oldest_start_goes() -> None:
    desk, gone = bounded(2)

    desk.receive(opened(9, "young"), opened(-9000, "old"), opened(10, "new"))

    assert ids(gone) == ["old"]
    assert desk.gauges().at is None


# How it is counted.


def test_an_evicted_contact_is_unanswered_and_its_open_bands_are_missed() -> None:
    desk, gone = bounded(1)
    desk.receive(opened(0, "a", queue="billing"), log=0)
    desk.receive(transferred(700, "a", queue="support"), log=700)
    first = dict(desk.outcomes())

    desk.receive(opened(701, "b"), log=701)

    assert first == {("chat", "billing", "10m", "missed"): 1}
    assert desk.outcomes() == first | {("chat", "support", "1h", "missed"): 1}
    assert desk.labelled("contact_unanswered_total") == {("chat", "support", "evicted"): 1}
    assert desk.labelled("firstreply_state_evicted_total") == {("waiting",): 1}
    assert {name: one.outcome for name, one in (gone[0].outcomes or {}).items()} == {
        "10m": MISSED,
        "1h": MISSED,
    }
    assert gone[0].phase is Phase.GIVEN_UP


def test_the_ledger_has_a_kind_of_its_own_and_still_adds_up() -> None:
    desk, _ = bounded(2)
    desk.receive(opened(0, "a"), opened(1, "b"), responded(2, "b"), opened(3, "c"), log=3)

    desk.receive(opened(4, "d"), opened(5, "e"), log=5)

    ledger = desk.gauges().ledger
    assert ledger["evicted"] == 2
    assert ledger["answered"] == 1
    assert imbalance(ledger, waiting=2) == 0
    assert sum(desk.queue().waiting.values()) == 2


def test_a_contact_that_was_counted_unanswered_before_is_evicted_without_being_counted_twice() -> (
    None
):
    desk, _ = bounded(1, CHAT, policy("email", settle_for=1000, give_up_after=400), RELAXED)
    desk.receive(opened(100, "a", channel="email"), log=100)
    desk.advance(100 + 400 + GRACE + 1)
    desk.receive(opened(50, "a", channel="chat"), log=600)
    before = desk.phase("a")

    desk.receive(opened(601, "b"), log=601)

    assert before is Phase.WAITING
    assert desk.labelled("contact_unanswered_total") == {("email", "none", "given_up"): 1}
    assert desk.gauges().ledger["evicted"] == 1


def test_who_is_evicted_waits_no_longer_and_leaves_the_state() -> None:
    desk, _ = bounded(1)
    desk.receive(opened(0, "a"), log=0)
    desk.engine.changes()

    desk.receive(opened(1, "b"), log=1)
    changes = desk.engine.changes()

    assert changes.dirty == {"b"}
    assert changes.removed == {"a"}
    assert sum(desk.queue().waiting.values()) == 1
    assert desk.engine.contact("a") is None


def test_a_reply_wait_goes_with_the_contact() -> None:
    desk, _ = bounded(1)
    desk.receive(opened(0, "a"), responded(1, "a"), message(2, "a"), log=2)

    desk.receive(responded(3, "b"), log=3)

    assert desk.gauges().queues == {}


def test_the_timer_of_an_evicted_contact_does_no_harm_to_its_successor() -> None:
    desk, _ = bounded(1)
    desk.receive(opened(0, "a"), log=0)
    desk.receive(opened(1, "b"), log=1)
    desk.receive(responded(2, "b"), log=2)
    desk.receive(opened(300, "a"), log=300)

    desk.advance(600 + GRACE + 1)

    assert desk.judged("a") == {}


# What comes for it afterwards: as for one that was forgotten (rule 13).


def test_an_evicted_contact_that_writes_again_starts_anew() -> None:
    desk, _ = bounded(1)
    desk.receive(opened(0, "a"), log=0)
    desk.receive(opened(1, "b"), responded(2, "b"), log=2)

    desk.receive(message(3, "a"), log=3)

    assert desk.start("a") == 3
    assert desk.total("contact_received_total") == 3
    assert desk.count("firstreply_without_opening_total") == 1


def test_the_answer_of_an_evicted_contact_is_held_and_then_unmatched() -> None:
    desk, _ = bounded(1)
    desk.receive(opened(0, "a"), log=0)
    desk.receive(opened(1, "b"), excluded(2, "b"), log=2)

    desk.receive(responded(3, "a"), log=3)
    desk.advance(3 + 1000 + 1)

    assert desk.total("firstreply_responses_unmatched_total") == 1
    assert desk.labelled("contact_unanswered_total") == {("chat", "none", "evicted"): 1}
    assert desk.corrections() == {}
    assert desk.latencies() == []


# A restore.


def test_a_state_above_the_bound_is_cut_back_in_slices_before_anything_is_folded() -> None:
    desk = Desk(CHAT, RELAXED)
    for number in range(2500):
        desk.receive(opened(number / 1000, f"c{number:04}"), log=3)
    desk.receive(responded(4, "c2400"), log=4)
    desk.engine.changes()
    snapshot = desk.engine.snapshot()

    gone: list[Contact] = []
    again = Engine.restore(
        snapshot, desk.engine.book, grace=GRACE * SECOND, max_tracked=100, forgotten=gone.append
    )

    assert ids(gone) == ["c2400", *(f"c{number:04}" for number in range(2399))]
    assert again.gauges().tracked == 100
    assert again.changes().removed == set(ids(gone))
    ledger = again.gauges().ledger
    assert (ledger["received"], ledger["answered"], ledger["evicted"]) == (2500, 1, 2399)
    counted = again.take_increments().counts
    assert counted["firstreply_state_evicted_total", ("waiting",)] == 2399


def test_cutting_back_gives_others_their_turn() -> None:
    desk = Desk(CHAT, RELAXED)
    for number in range(3000):
        desk.receive(opened(0, f"c{number}"), log=3)
    engine = Engine.resume(
        desk.engine.standing(),
        desk.engine.store,
        desk.engine.book,
        grace=GRACE * SECOND,
        max_tracked=1,
    )

    tracked = [engine.gauges().tracked for _ in engine.take_places()]

    assert tracked[0] == 3000
    assert tracked[-1] == 1
    assert max(before - after for before, after in pairwise(tracked)) <= 1000


def test_a_state_older_than_the_bound_has_evicted_nobody() -> None:
    desk = Desk(CHAT, RELAXED)
    desk.receive(opened(0), log=0)
    snapshot = desk.engine.snapshot()
    older = {kind: n for kind, n in snapshot.standing.ledger.items() if kind != "evicted"}
    standing = msgspec.structs.replace(snapshot.standing, ledger=older)

    again = Engine.restore(
        msgspec.structs.replace(snapshot, standing=standing),
        desk.engine.book,
        grace=GRACE * SECOND,
        max_tracked=1,
    )
    again.receive(opened(1, "b"), at(1))

    assert again.gauges().ledger["evicted"] == 1
    assert tuple(again.gauges().ledger) == KINDS
