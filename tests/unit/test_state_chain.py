import msgspec
import pytest

from firstreply.domain.engine import Engine
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.store import SHARDS
from firstreply.state.assembly import Assembly, SpoiledChainError
from firstreply.state.body import FrameKind, policies_frame, rows_frame
from firstreply.state.chain import ChunkLog
from firstreply.state.chunk import NewerChunkError, decode, encode, framed
from tests.unit.domain.builders import GRACE, at, band, book, opened, policy, responded
from tests.unit.state_log import Hold, MemoryLog, assembled, engine_of

BOOK: PolicyBook = book(policy("chat", (band("10m"),)))


def engine_with(contacts: int) -> Engine:
    engine = Engine(BOOK, grace=GRACE * SECOND)
    for number in range(contacts):
        engine.receive(opened(number, f"contact {number}"), at(number))
    engine.offset = contacts
    return engine


def log_with(checkpoints: int, *, contacts: int = 12, limit: int = 100_000) -> Hold:
    """Write a log whose rotation is three checkpoints or more; each has an offset of its own."""
    hold = Hold(MemoryLog(), engine_with(contacts), limit=limit)
    hold.checkpoint()
    for number in range(1, checkpoints):
        fold_one(hold, number)
        hold.checkpoint(minimum=4)
    return hold


def fold_one(hold: Hold, number: int) -> None:
    hold.engine.receive(responded(100 + number, f"contact {number % 12}"))
    hold.engine.offset = 100 + number


def successor(hold: Hold, name: str, generation: int) -> Hold:
    restored = hold.log.restore()
    engine = engine_of(restored, BOOK)
    return Hold(hold.log, engine, name, restored=restored, generation=generation)


# Which one is chosen.


def test_a_log_without_records_has_no_chain_and_nothing_is_wrong() -> None:
    log = ChunkLog()

    assert log.empty
    assert log.choose().choice is None
    assert not log.choose().findings


def test_the_last_checkpoint_is_chosen_with_what_it_needs() -> None:
    hold = log_with(8)

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 107
    assert 2 <= len(verdict.choice.chunks) < 8
    assert verdict.choice.begin == 8 - len(verdict.choice.chunks)
    assert verdict.choice.end == 8
    assert verdict.choice.size > 0
    assert not verdict.findings


def test_a_new_owners_claim_beats_whatever_a_zombie_appends() -> None:
    zombie = log_with(3)
    successor(zombie, "b", 2).claim()
    zombie.engine.advance(at(3600))  # by a clock that is an hour ahead
    fold_one(zombie, 9)
    zombie.checkpoint()

    tip = zombie.log.restore().tip

    assert (tip.writer, tip.kind, tip.offset) == ("b", "claim", 102)


def test_a_greater_incarnation_beats_any_generation() -> None:
    old = log_with(3)
    old.enter(900)
    old.checkpoint()
    successor(old, "b", 1).claim()
    fold_one(old, 9)
    old.checkpoint()

    assert old.log.restore().tip.writer == "b"


def test_of_two_forks_of_one_generation_the_one_that_read_further_is_chosen() -> None:
    hold = log_with(3)
    fold_one(hold, 7)
    changes = hold.engine.changes()
    further = hold.draft(changes=changes)
    hold.engine.keep_changes(changes)
    hold.engine.offset = 105
    hold.log.append(*hold.draft().records, *further.records)

    assert hold.log.restore().tip.offset == 107


def test_of_equal_offsets_and_log_times_the_later_written_is_chosen() -> None:
    hold = log_with(3)
    earlier, later = hold.draft(), hold.draft()
    hold.log.append(*later.records, *earlier.records)

    assert hold.log.restore().tip.seq == later.header.seq


def test_duplicates_of_a_record_change_nothing() -> None:
    hold = log_with(4, limit=300)
    records = list(hold.log.records.values())
    doubled = MemoryLog()
    for offset, record in enumerate(records):
        doubled.append(record, *([record] if offset % 2 else []))
    last = decode(records[-1]).header

    verdict = doubled.judge()

    # The parents' offsets are those of the other log, so only the newest whole one can be found.
    assert verdict.greatest is not None
    assert verdict.greatest.seq == last.seq
    single = Hold(MemoryLog(), engine_with(3), limit=300)
    single.checkpoint()
    draft = single.draft(minimum=1000)
    single.writer.acknowledged(
        draft, single.log.append(*draft.records, *draft.records)[len(draft.records) :]
    )
    single.checkpoint()
    assert not single.log.judge().findings
    assert len(single.log.restore().store) == 3


# What is passed over, and whether that is a loss.


def test_a_checkpoint_whose_writer_died_is_passed_over_and_is_no_loss() -> None:
    hold = log_with(3, limit=200)
    fold_one(hold, 7)
    hold.log.append(*hold.draft().records[:-1])

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 102
    assert not verdict.serious
    assert "of its" in verdict.findings[0].text


def test_a_damaged_newest_checkpoint_falls_back_and_says_so() -> None:
    hold = log_with(8)
    hold.log.records[7] = b"frst" + bytes(100)

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 106
    assert verdict.serious
    assert "offset 7 is damaged: its checksum does not fit" in hold.log.texts()


def test_a_damaged_part_is_a_loss() -> None:
    hold = log_with(3, limit=200)
    hold.log.records[hold.log.end - 1] = b""

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 101
    assert verdict.serious


def test_a_part_that_is_gone_is_a_loss_where_a_checkpoint_follows() -> None:
    hold = log_with(3, limit=200)
    choice = hold.log.judge().choice
    assert choice is not None
    del hold.log.records[choice.chunks[-1].begin - 1]

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 12
    assert verdict.serious


def test_a_gap_falls_back_to_the_checkpoint_before_it() -> None:
    hold = log_with(8)
    del hold.log.records[6]

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 105
    assert verdict.serious
    assert "offset 6, which is needed, is not the checkpoint that was there" in hold.log.texts()


def test_a_chain_is_complete_again_one_rotation_after_the_damage() -> None:
    hold = log_with(4)
    hold.log.records[2] = b"damaged"
    for number in range(4, 12):
        fold_one(hold, number)
        hold.checkpoint(minimum=4)

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 111
    assert not verdict.serious
    assert [finding.offset for finding in verdict.findings] == [2]


def test_another_record_where_the_parent_was_is_not_taken_for_it() -> None:
    hold = log_with(8)
    hold.log.records[6] = hold.log.records[5]

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.offset == 105
    assert verdict.serious


def test_without_any_complete_chain_there_is_none_and_it_is_a_loss() -> None:
    hold = log_with(2)
    hold.log.records[0] = hold.log.records[1] = b""

    verdict = hold.log.judge()

    assert verdict.choice is None
    assert verdict.serious
    assert not hold.log.read().empty


def test_reading_from_too_late_says_that_more_is_needed() -> None:
    hold = log_with(8)
    pointer = hold.writer.pointer
    assert pointer is not None

    enough, late = hold.log.judge(pointer.begin), hold.log.judge(pointer.begin + 1)

    assert enough.choice is not None
    assert not enough.findings
    assert late.choice is None
    assert late.serious
    assert "lies before the first one read" in late.findings[0].text


def test_what_cannot_be_read_still_has_to_be_beaten() -> None:
    hold = log_with(3)
    hold.enter(9)
    hold.checkpoint(minimum=4)
    del hold.log.records[2]

    verdict = hold.log.judge()

    assert verdict.choice is not None
    assert verdict.choice.tip.generation == 1
    assert verdict.greatest is not None
    assert verdict.greatest.generation == 9


def test_a_newer_record_is_refused_at_once() -> None:
    with pytest.raises(NewerChunkError):
        ChunkLog().add(0, framed(200, b""))


def test_headers_alone_choose_as_well() -> None:
    hold = log_with(8)

    light = hold.log.read(bodies=False).choose()
    assert light.choice is not None
    full = hold.log.judge(light.choice.begin)

    assert light.choice.size == 0
    assert assembled(full).tip.offset == 107


# The state that comes out.


def test_the_restored_state_goes_on_where_the_engine_stood() -> None:
    hold = log_with(8)

    restored = hold.log.restore()
    again = engine_of(restored, BOOK)

    assert again.gauges() == hold.engine.gauges()
    assert (again.log_time, again.offset) == (hold.engine.log_time, hold.engine.offset)
    assert again.next_deadline() is not None
    assert again.unchanged


def test_policies_that_no_contact_names_are_left_behind() -> None:
    hold = Hold(MemoryLog(), engine_with(1))
    hold.engine.policies["unused"] = policy("phone")
    hold.engine.policies[policy("phone").digest()] = hold.engine.policies.pop("unused")
    hold.checkpoint()

    assert set(hold.log.restore().standing.policies) == {BOOK.digests["chat"]}


def test_a_body_that_cannot_be_read_spoils_its_chain_and_another_is_chosen() -> None:
    hold = log_with(8)
    chunk = decode(hold.log.records[7])
    (hold.log.records[7],) = encode(chunk.header, [b"\x01\0\0\0\1x"], 1000)
    log = hold.log.read()
    verdict = log.choose()
    assert verdict.choice is not None

    with pytest.raises(SpoiledChainError, match="policies cannot be read") as spoiled:
        list(Assembly(verdict.choice))
    log.spoil(spoiled.value.link, str(spoiled.value))

    again = log.choose()
    assert assembled(again).tip.offset == 106
    assert again.serious


def test_fewer_contacts_than_were_written_spoil_a_chain() -> None:
    hold = log_with(1)
    header = msgspec.structs.replace(decode(hold.log.records[0]).header, tracked=13)
    (hold.log.records[0],) = encode(header, [bytes(decode(hold.log.records[0]).payload)], 10_000)

    with pytest.raises(SpoiledChainError, match="gives 12 contacts, and 13 were written"):
        hold.log.restore()


def test_a_policy_that_is_missing_spoils_a_chain() -> None:
    hold = log_with(1)
    header = decode(hold.log.records[0]).header
    rows = [row for number in range(SHARDS) for row in hold.engine.store.rows(number)]
    body = rows_frame(FrameKind.BASE, rows)
    (hold.log.records[0],) = encode(header, [policies_frame({}), body], 10_000)

    with pytest.raises(SpoiledChainError, match=BOOK.digests["chat"]):
        hold.log.restore()


def test_a_contact_that_cannot_be_read_spoils_the_checkpoint_that_has_it() -> None:
    hold = log_with(3)
    header = decode(hold.log.records[1]).header
    body = rows_frame(FrameKind.CHANGED, [("contact 3", b"no row")])
    (hold.log.records[1],) = encode(header, [body], 10_000)

    with pytest.raises(SpoiledChainError, match="contact 3") as caught:
        hold.log.restore()

    assert caught.value.link.offset == 1


def test_a_state_is_not_handed_out_before_it_is_assembled() -> None:
    choice = log_with(3).log.judge().choice
    assert choice is not None
    assembly = Assembly(choice)

    steps = list(assembly)

    assert steps == sorted(steps)
    assert 0 < steps[-1] <= choice.size
    with pytest.raises(RuntimeError, match="not assembled yet"):
        Assembly(choice).restored  # noqa: B018 - the look is the test
