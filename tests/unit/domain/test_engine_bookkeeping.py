"""What the engine keeps for its caller: increments, changes, the ledger, snapshots."""

from zlib import crc32

from firstreply.domain.contact import Phase
from firstreply.domain.engine import Engine
from firstreply.domain.instants import SECOND
from firstreply.domain.ledger import KINDS
from firstreply.domain.store import SHARDS
from tests.unit.domain.builders import (
    GRACE,
    PHONE,
    Desk,
    abandoned,
    at,
    band,
    book,
    closed,
    excluded,
    message,
    opened,
    policy,
    queued,
    responded,
    transferred,
)

TEN = policy("chat", (band("10m"),))


def test_increments_are_handed_out_once() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))

    taken = desk.engine.take_increments()

    assert taken.counts["contact_received_total", ("chat", "none")] == 1
    assert not desk.engine.take_increments()


def test_events_are_counted_by_type() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0), responded(1), responded(2))

    assert desk.labelled("firstreply_events_total") == {
        ("contact.opened",): 1,
        ("contact.responded",): 2,
    }


def test_changes_name_what_changed_and_what_went_since_the_last_call() -> None:
    desk = Desk(policy("chat", (band("10m"),), settle_for=10))
    desk.receive(opened(0, "a"), responded(1, "a"), opened(0, "b"), log=1)
    first = desk.engine.changes()
    unchanged = desk.engine.changes()

    desk.advance(12)
    second = desk.engine.changes()
    desk.advance(700)

    assert first.dirty == {"a", "b"}
    assert first.removed == frozenset()
    assert unchanged.dirty | unchanged.removed == frozenset()
    assert second.dirty == frozenset()
    assert second.removed == {"a"}
    assert desk.engine.changes().dirty == {"b"}


def test_a_contact_that_changed_and_went_is_only_removed_and_one_that_came_back_only_dirty() -> (
    None
):
    desk = Desk(policy("chat", (band("10m"),), settle_for=10))
    desk.receive(opened(0, "a"), responded(1, "a"), opened(0, "b"), responded(1, "b"), log=1)

    desk.advance(100)
    desk.receive(opened(100, "b"))
    changes = desk.engine.changes()

    assert changes.dirty == {"b"}
    assert changes.removed == {"a"}


def test_a_duplicate_is_no_change() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))
    desk.engine.changes()

    desk.receive(opened(0))

    assert desk.engine.changes().dirty == frozenset()


def test_the_ledger_counts_first_settlements_and_later_changes_as_resettled() -> None:
    desk = Desk(policy("chat", (band("10m"),), give_up_after=2000))
    desk.receive(opened(0, "a"), responded(1, "a"))
    desk.receive(opened(0, "b"), abandoned(1, "b"), responded(2, "b"), excluded(3, "b"))
    desk.receive(opened(0, "c"), closed(1, "c"))
    desk.receive(opened(0, "d"), excluded(1, "d"))
    desk.receive(opened(0, "e"))

    desk.finish(2000)

    assert desk.gauges().ledger == {
        "received": 5,
        "answered": 1,
        "abandoned": 1,
        "excluded": 1,
        "closed_unanswered": 1,
        "given_up": 1,
        "moved": 0,
        "evicted": 0,
        "resettled": 2,
    }
    assert tuple(desk.gauges().ledger) == KINDS


def test_the_ledger_still_adds_up_when_a_settled_contact_moves_and_waits_again() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(100), abandoned(150), log=150)

    desk.receive(opened(0, channel="phone"), queued(300))

    ledger = desk.gauges().ledger
    settled = sum(ledger[kind] for kind in KINDS if kind not in {"received", "resettled"})
    assert desk.phase() is Phase.WAITING
    assert ledger["received"] == settled + 1


def test_the_ledger_still_adds_up_when_a_contact_turns_out_not_to_be_received() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(100), log=100)

    desk.receive(opened(0, channel="phone"))

    ledger = desk.gauges().ledger
    settled = sum(ledger[kind] for kind in KINDS if kind not in {"received", "resettled"})
    assert desk.phase() is Phase.UNSEEN
    assert ledger["received"] == settled


# Snapshots.


def test_a_restored_engine_goes_on_where_the_snapshot_was_taken() -> None:
    desk = Desk(policy("chat", (band("10m"),), promise="10m"))
    desk.receive(opened(0, "a", queue="billing"), responded(5, "a"), message(9, "a"), log=9)
    desk.receive(opened(9, "b"), transferred(10, "b", queue="support"), log=10)
    desk.engine.offset, desk.engine.proof = 7, at(10)

    again = Engine.restore(desk.engine.snapshot(), desk.engine.book, grace=GRACE * SECOND)

    assert (again.log_time, again.offset, again.proof) == (at(10), 7, at(10))
    assert again.gauges() == desk.gauges()
    assert again.next_deadline() == at(609 + GRACE)
    assert not again.take_increments()


def test_a_snapshot_is_not_touched_by_what_happens_afterwards() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0), log=0)
    snapshot = desk.engine.snapshot()

    desk.receive(responded(10))

    again = Engine.restore(snapshot, book(TEN), grace=GRACE * SECOND)
    assert again.gauges().ledger["answered"] == 0
    assert desk.gauges().ledger["answered"] == 1


def test_a_restored_engine_tells_its_own_listener() -> None:
    seen: list[str] = []
    desk = Desk(policy("chat", (band("10m"),), settle_for=10))
    desk.receive(opened(0), responded(1), log=1)

    again = Engine.restore(
        desk.engine.snapshot(),
        desk.engine.book,
        grace=GRACE * SECOND,
        forgotten=lambda contact: seen.append(contact.contact_id),
    )
    again.advance(at(100))

    assert seen == ["c"]


def test_contacts_come_in_one_order_in_every_process() -> None:
    desk = Desk(TEN)
    desk.receive(*(opened(0, f"contact {n}") for n in range(200)))

    ids = [contact.contact_id for contact in desk.engine.contacts()]

    assert len(set(ids)) == 200
    # By the shard of the checksum: one that depended on the seed of hash() would differ.
    assert ids == sorted(ids, key=lambda one: crc32(one.encode()) % SHARDS)


def test_a_contact_id_with_a_lone_surrogate_is_kept() -> None:
    desk = Desk(TEN)

    desk.receive(opened(0, "\ud800"))

    assert desk.phase("\ud800") is Phase.WAITING


def test_a_contact_that_goes_from_queue_to_queue_sets_no_further_timer() -> None:
    desk = Desk()
    desk.receive(opened(0))

    for number in range(20):
        desk.receive(transferred(1 + number, queue=("billing", "support")[number % 2]))

    assert len(desk.engine._deadlines) == 1
