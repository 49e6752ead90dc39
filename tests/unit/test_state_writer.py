import msgspec
import pytest

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.store import SHARDS, shard_of
from firstreply.state.body import FrameKind, frames, read_rows
from firstreply.state.chunk import Fingerprint, Link, decode, is_void, shards_of
from firstreply.state.draft import Draft
from firstreply.state.writer import Pointer, Writer
from tests.unit.domain.builders import GRACE, at, band, book, opened, policy, responded
from tests.unit.state_log import PLACE, Hold, MemoryLog, encoded, engine_of

BOOK: PolicyBook = book(policy("chat", (band("10m"),), settle_for=100), policy("phone"))
NOTHING = Changes(frozenset(), frozenset())


def engine_with(contacts: int) -> Engine:
    engine = Engine(BOOK, grace=GRACE * SECOND)
    for number in range(contacts):
        engine.receive(opened(number, f"contact {number}"), at(number))
    engine.offset = contacts
    return engine


def hold_with(contacts: int, *, generation: int = 1) -> Hold:
    hold = Hold(MemoryLog(), engine_with(contacts), generation=generation)
    hold.checkpoint()
    return hold


def contacts_in(draft: Draft, kind: FrameKind) -> list[str]:
    """Return the ids that a checkpoint of one record carries in frames of a kind."""
    (record,) = draft.records
    return sorted(
        contact_id
        for frame in frames([decode(record).payload])
        if frame.kind is kind
        for contact_id, _ in read_rows(frame)
    )


# What a checkpoint carries.


def test_the_first_checkpoint_is_whole_and_has_no_parent() -> None:
    hold = Hold(MemoryLog(), engine_with(20))

    draft = hold.checkpoint()

    assert draft.header.parent is None
    assert draft.header.base_count == SHARDS
    assert len(contacts_in(draft, FrameKind.BASE)) == 20
    assert contacts_in(draft, FrameKind.CHANGED) == []
    assert hold.writer.pointer == Pointer(0, -1, 0, 1)
    assert hold.writer.pointer_exported == Pointer(0, 0, 0, 1)


def test_the_first_checkpoint_of_an_empty_partition_can_be_restored() -> None:
    hold = hold_with(0)

    restored = hold.log.restore()

    assert len(restored.store) == 0
    assert restored.tip.offset == 0


def test_a_checkpoint_says_all_that_the_engine_knows_beside_its_contacts() -> None:
    hold = hold_with(1)
    hold.engine.offset, hold.engine.proof = 4711, at(3)
    hold.last = Fingerprint(4710, 5, b"12345678")

    header = hold.checkpoint().header

    assert (header.topic, header.partition, header.partitions) == ("events", 0, 4)
    assert (header.offset, header.proof, header.last) == (4711, at(3), hold.last)
    assert header.log_time == hold.engine.log_time
    assert header.ledger == hold.engine.gauges().ledger
    assert header.tracked == 1


def test_a_contact_that_changed_is_in_the_base_or_else_beside_it() -> None:
    hold = hold_with(30)
    first = shard_of("contact 3")
    hold.writer._tip = hold.draft().header  # the cursor stands at its beginning
    for number in range(5):
        hold.engine.receive(responded(40, f"contact {number}"))

    draft = hold.draft()

    in_base = set(contacts_in(draft, FrameKind.BASE))
    beside = set(contacts_in(draft, FrameKind.CHANGED))
    assert {f"contact {number}" for number in range(5)} <= in_base | beside
    assert not in_base & beside
    assert {shard_of(one) for one in in_base} <= set(shards_of(draft.header))
    assert first in range(SHARDS)


def test_the_base_holds_no_fewer_contacts_than_changed() -> None:
    hold = hold_with(50)
    for number in range(12):
        hold.engine.receive(responded(60, f"contact {number}"))

    draft = hold.checkpoint()

    assert 12 <= len(contacts_in(draft, FrameKind.BASE)) < 20
    assert draft.header.base_first == 0


def test_the_base_holds_at_least_the_minimum_when_nothing_changes() -> None:
    hold = hold_with(50)

    assert 20 <= len(contacts_in(hold.checkpoint(minimum=20), FrameKind.BASE)) < 30


def test_the_base_goes_on_where_the_last_acknowledged_one_ended() -> None:
    hold = hold_with(50)
    first = hold.checkpoint(minimum=20).header
    hold.draft(minimum=20)  # never acknowledged

    again = hold.checkpoint(minimum=20).header

    assert again.base_first == first.base_first + first.base_count


def test_a_small_state_is_whole_in_every_checkpoint() -> None:
    hold = hold_with(5)

    draft = hold.checkpoint(minimum=1000)

    assert draft.header.base_count == SHARDS
    assert hold.writer.pointer == Pointer(1, -1, 0, 1)
    hold.writer.exported()
    assert hold.writer.pointer == Pointer(1, 1, 0, 1)


def test_a_rotation_ends_even_when_nothing_changes_and_there_is_no_minimum() -> None:
    hold = hold_with(10)

    for _ in range(10):
        hold.checkpoint()

    pointer = hold.writer.pointer
    assert pointer is not None
    assert pointer.begin > 0


def test_every_policy_in_use_is_within_every_rotation() -> None:
    hold = hold_with(4)
    hold.engine.receive(opened(50, "by phone", channel="phone"))

    for _ in range(40):
        hold.checkpoint()
        pointer = hold.writer.pointer
        assert pointer is not None
        assert set(hold.log.restore(pointer.begin).standing.policies) == set(hold.engine.policies)


def test_policies_are_not_written_again_within_a_rotation() -> None:
    hold = hold_with(10)

    hold.checkpoint()
    draft = hold.checkpoint()

    assert draft.policies == frozenset()


def test_a_contact_that_is_forgotten_is_not_restored() -> None:
    hold = hold_with(10)
    hold.engine.receive(responded(20, "contact 3"), at(20))
    hold.checkpoint()
    hold.engine.advance(at(20 + 101))

    hold.checkpoint()

    restored = hold.log.restore()
    assert restored.store.get("contact 3") is None
    assert len(restored.store) == len(hold.engine.store)


def test_a_contact_that_is_forgotten_is_not_restored_where_its_shard_is_in_the_base() -> None:
    hold = hold_with(50)
    gone = min((f"contact {number}" for number in range(50)), key=shard_of)
    hold.engine.receive(responded(60, gone), at(60))
    hold.checkpoint()
    hold.writer._tip = msgspec.structs.replace(hold.checkpoint().header, base_count=0, base_first=0)
    hold.engine.advance(at(60 + 101))

    draft = hold.checkpoint(minimum=5)

    assert shard_of(gone) in shards_of(draft.header)
    assert len(draft.window.slices) > 0
    assert hold.log.restore().store.get(gone) is None


def test_a_checkpoint_larger_than_the_limit_is_several_records() -> None:
    hold = Hold(MemoryLog(), engine_with(2500), limit=10_000)

    draft = hold.checkpoint()

    assert len(draft.records) > 3
    assert max(map(len, draft.records)) < 10_000 + 1000
    assert draft.size == sum(map(len, draft.records))
    assert len(hold.log.restore().store) == 2500


def test_what_nobody_has_exported_travels_with_the_checkpoint_and_with_claims_on_it() -> None:
    hold = hold_with(3)
    counted = Increments()
    counted.count("contact_received_total", "chat", "none", amount=3)
    counted.observe("contact_first_response_seconds", "chat", "none", seconds=12.5)
    draft = hold.writer.checkpoint(hold.engine, NOTHING, last=None, minimum=0, uncounted=counted)
    hold.writer.acknowledged(draft, hold.log.append(*encoded(draft)))
    at_checkpoint = hold.log.restore()

    restored_hold(hold, "b", 2).claim()
    claimed = hold.log.restore()

    assert at_checkpoint.uncounted == claimed.uncounted == counted
    assert at_checkpoint.written == claimed.written == at_checkpoint.link
    assert claimed.link.writer == "b"


# Consistent cuts and lost acknowledgements.


def test_folding_while_a_checkpoint_is_encoded_is_refused() -> None:
    hold = hold_with(5)
    draft = hold.writer.checkpoint(hold.engine, hold.engine.changes(), last=None, minimum=1)
    pieces = draft.pieces()
    next(pieces)

    hold.engine.receive(responded(9, "contact 1"))

    with pytest.raises(RuntimeError, match="fold afterwards"):
        list(pieces)


def test_log_time_alone_may_move_while_a_checkpoint_is_encoded() -> None:
    hold = hold_with(5)
    draft = hold.writer.checkpoint(hold.engine, NOTHING, last=None, minimum=1)
    pieces = draft.pieces()
    next(pieces)

    hold.engine.advance(at(5000), at_most=0)

    list(pieces)
    assert decode(draft.records[0]).header.log_time == at(4)


def test_what_was_not_acknowledged_is_written_again_to_the_same_parent() -> None:
    hold = hold_with(30)
    hold.engine.receive(responded(40, "contact 7"))
    changes = hold.engine.changes()
    lost = hold.draft(changes=changes)
    hold.log.append(*lost.records)

    hold.engine.keep_changes(changes)
    again = hold.checkpoint()

    assert again.header.parent == lost.header.parent == Link(0, "a", 0)
    assert again.header.seq == lost.header.seq + 1
    restored = engine_of(hold.log.restore(), BOOK)
    contact = restored.contact("contact 7")
    assert contact is not None
    assert contact.latency == 33 * SECOND


def test_only_what_follows_the_tip_can_be_acknowledged() -> None:
    hold = hold_with(5)
    lost = hold.draft()
    hold.checkpoint()

    with pytest.raises(RuntimeError, match="does not follow the tip"):
        hold.writer.acknowledged(lost, [1])
    with pytest.raises(RuntimeError, match="not whole"):
        hold.writer.acknowledged(hold.draft(), [1, 2])


def test_the_pieces_of_a_checkpoint_are_of_five_hundred_contacts_at_most() -> None:
    hold = Hold(MemoryLog(), engine_with(2500))
    draft = hold.writer.checkpoint(hold.engine, hold.engine.changes(), last=None, minimum=0)

    encoded(draft)

    sizes = [
        len(read_rows(frame))
        for frame in frames([decode(draft.records[0]).payload])
        if frame.kind is FrameKind.BASE
    ]
    assert sizes == [500] * 5


# Claims and incarnations.


def restored_hold(hold: Hold, name: str, generation: int) -> Hold:
    restored = hold.log.restore()
    engine = engine_of(restored, BOOK)
    return Hold(hold.log, engine, name, restored=restored, generation=generation)


def test_a_claim_repeats_the_tip_under_its_own_generation() -> None:
    old = hold_with(5)
    new = restored_hold(old, "b", 2)

    header = new.claim().header

    tip = old.writer.tip
    assert tip is not None
    assert (header.kind, header.writer, header.generation, header.incarnation) == (
        "claim",
        "b",
        2,
        0,
    )
    assert (header.offset, header.log_time, header.ledger, header.tracked) == (
        tip.offset,
        tip.log_time,
        tip.ledger,
        tip.tracked,
    )
    assert header.parent == Link(0, "a", 0)
    assert header.base_count == 0
    assert new.log.judge().choice is not None
    assert new.log.restore().tip.writer == "b"


def test_a_claim_does_not_speak_of_what_was_folded_since_the_tip() -> None:
    hold = hold_with(5)
    hold.engine.receive(opened(9, "later"), at(9))
    hold.engine.offset = 6
    hold.enter(2)

    header = hold.claim().header

    assert header.offset == 5
    assert header.tracked == 5
    assert hold.checkpoint().header.tracked == 6
    assert len(hold.log.restore().store) == 6


def test_there_is_nothing_to_claim_before_the_first_checkpoint() -> None:
    writer = Writer(PLACE, "a")

    assert writer.pointer is None
    assert writer.pointer_exported is None
    writer.exported()
    with pytest.raises(RuntimeError, match="nothing to claim"):
        writer.claim()


@pytest.mark.parametrize(("generation", "incarnation"), [(8, 0), (7, 1), (1, 1)])
def test_the_incarnation_rises_when_our_generation_is_not_above_the_parents(
    generation: int, incarnation: int
) -> None:
    new = restored_hold(hold_with(1, generation=7), "b", generation)

    assert new.claim().header.incarnation == incarnation
    assert new.checkpoint().header.incarnation == incarnation


def test_the_incarnation_stays_while_the_hold_and_its_generation_do() -> None:
    hold = hold_with(1, generation=7)

    assert hold.checkpoint().header.incarnation == 0


def test_the_incarnation_rises_when_generations_begin_anew_under_the_same_hold() -> None:
    hold = hold_with(1, generation=7)
    hold.enter(2)

    assert hold.claim().header.incarnation == 1
    assert hold.checkpoint().header.incarnation == 1


def test_a_chain_begun_anew_beats_whatever_the_log_holds() -> None:
    old = hold_with(5, generation=7)
    greatest = old.log.judge().greatest
    new = Hold(old.log, engine_with(2), "b", generation=3)
    new.writer = Writer(PLACE, "b", greatest=greatest, end=old.log.end)
    new.enter(3)

    new.checkpoint()

    assert old.log.restore().tip.writer == "b"
    assert len(old.log.restore().store) == 2


def test_the_base_goes_on_where_the_restored_chain_ended() -> None:
    old = hold_with(50)
    last = old.checkpoint(minimum=20).header
    new = restored_hold(old, "b", 2)
    new.claim()

    assert new.checkpoint(minimum=20).header.base_first == last.base_count


# Whether anybody else has written.


def alone(generation: int = 1) -> Hold:
    hold = Hold(MemoryLog(), engine_with(3), generation=generation)
    hold.writer = Writer(PLACE, "a", end=0, limit=100)
    hold.enter(generation)
    hold.checkpoint()
    return hold


def test_a_hold_is_alone_while_its_records_follow_one_another() -> None:
    hold = alone()
    hold.checkpoint()

    hold.claim()

    assert hold.writer.ours_until == hold.log.end > 2


def test_what_another_writes_before_our_own_next_record_is_not_ours() -> None:
    hold = alone()
    since = hold.log.end
    hold.log.append(b"of another owner")

    hold.checkpoint()
    hold.checkpoint()

    assert hold.writer.ours_until == since


def test_what_another_writes_between_our_parts_is_not_ours() -> None:
    hold = alone()
    since = hold.log.end
    draft = hold.draft()
    assert len(draft.records) > 1
    first = hold.log.append(draft.records[0])
    hold.log.append(b"of another owner")

    hold.writer.acknowledged(draft, first + hold.log.append(*draft.records[1:]))

    assert hold.writer.ours_until == since


def test_what_of_ours_was_not_acknowledged_still_counts_for_the_next_incarnation() -> None:
    hold = hold_with(1, generation=7)
    hold.enter(8, told=3)
    claim = hold.writer.claim()
    hold.log.append(*encoded(claim))

    hold.writer.found_own([claim.header], hold.log.end)
    hold.enter(2, told=None)

    assert hold.claim().header.incarnation == 4
    assert hold.log.restore().tip.generation == 2


# What begins an incarnation.


@pytest.mark.parametrize(
    ("told", "generation", "incarnation"),
    [(None, 9, 1), (0, 8, 0), (0, 7, 1), (4, 1, 4), (None, 1, 1)],
    ids=[
        "a new group, whatever its generation",
        "the same group",
        "the same, told by its generation alone to be another",
        "a group whose first owner died before its claim",
        "a new group",
    ],
)
def test_a_group_without_a_commit_begins_an_incarnation_and_its_commits_tell_the_next(
    told: int | None, generation: int, incarnation: int
) -> None:
    hold = hold_with(1, generation=7)

    hold.enter(generation, told=told)

    assert hold.writer.incarnation == incarnation
    assert hold.claim().header.incarnation == incarnation
    pointer = hold.writer.pointer
    assert pointer is not None
    assert pointer.incarnation == incarnation


def test_what_begins_an_incarnation_is_void_if_anything_was_written_since_the_log_was_read() -> (
    None
):
    old = hold_with(3, generation=7)
    slow = restored_hold(old, "b", 2)
    claim = slow.writer.claim()
    old.checkpoint()

    offsets = old.log.append(*encoded(claim))

    assert is_void(claim.header, 0, offsets[0])
    assert not is_void(claim.header, 0, offsets[0] - 1)
    assert old.log.restore().tip.writer == "a"


def test_a_claim_within_an_incarnation_holds_wherever_it_lies() -> None:
    old = hold_with(3, generation=7)
    owner = restored_hold(old, "b", 8)
    claim = owner.writer.claim()
    old.checkpoint()

    owner.writer.acknowledged(claim, old.log.append(*encoded(claim)))

    assert old.log.restore().tip.writer == "b"


def test_the_first_state_of_all_is_void_if_another_came_first() -> None:
    first, second = Hold(MemoryLog(), engine_with(2)), engine_with(5)
    late = Hold(first.log, second, "b", generation=9).draft()
    first.checkpoint()

    first.log.append(*late.records)

    assert first.log.restore().tip.writer == "a"
