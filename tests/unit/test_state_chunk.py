from datetime import date
from typing import Final
from zlib import crc32

import msgspec
import pytest

from firstreply.domain.bands import Band, Clock, Policy
from firstreply.domain.calendar import Calendar
from firstreply.domain.increments import Increments
from firstreply.domain.store import SHARDS
from firstreply.state import chunk as chunks
from firstreply.state.body import (
    FrameKind,
    frames,
    policies_frame,
    read_policies,
    read_removed,
    read_rows,
    read_uncounted,
    removed_frame,
    rows_frame,
    uncounted_frames,
)
from firstreply.state.chunk import (
    FOLD,
    FORMAT,
    Chunk,
    DamagedChunkError,
    Fingerprint,
    Header,
    Link,
    NewerChunkError,
    decode,
    encode,
    fingerprint,
    framed,
    order,
    shards_of,
)
from tests.unit.domain.builders import MINUTE, at
from tests.unit.domain.streams import POLICIES

HEADER: Final = Header(
    fold=FOLD,
    topic="événements",
    partition=3,
    partitions=12,
    writer="0123456789abcdef0123456789abcdef",
    seq=4,
    part=0,
    parts=1,
    parent=Link(17, "fedcba9876543210fedcba9876543210", 9),
    kind="checkpoint",
    incarnation=1,
    generation=7,
    offset=4711,
    last=Fingerprint(4710, 1_772_442_000_000, b"12345678"),
    log_time=at(10),
    proof=at(9),
    ledger={"received": 3, "answered": 2},
    tracked=1,
    shards=SHARDS,
    base_first=1000,
    base_count=30,
)


def encoded(header: Header = HEADER, body: bytes = b"body", limit: int = 1000) -> list[bytes]:
    return list(encode(header, [body[:3], b"", body[3:]], limit))


def test_a_record_comes_back_as_it_was_written() -> None:
    (record,) = encoded()

    chunk = decode(record)

    assert chunk.header == HEADER
    assert bytes(chunk.payload) == b"body"


def test_a_body_at_the_limit_is_one_record_and_a_byte_more_is_two() -> None:
    assert len(encoded(body=b"x" * 10, limit=10)) == 1

    parts = [decode(record) for record in encoded(body=b"x" * 10 + b"y", limit=10)]

    assert [bytes(part.payload) for part in parts] == [b"x" * 10, b"y"]
    assert [(part.header.part, part.header.parts) for part in parts] == [(0, 2), (1, 2)]


def test_a_claim_has_no_body_and_is_one_record() -> None:
    (record,) = encoded(body=b"")

    assert not decode(record).payload


@pytest.mark.parametrize("place", range(len(encoded()[0])))
def test_a_bit_turned_anywhere_is_damage(place: int) -> None:
    record = bytearray(encoded()[0])
    record[place] ^= 1

    with pytest.raises(DamagedChunkError):
        decode(bytes(record))


@pytest.mark.parametrize("length", [0, 3, 4, 8, 9, 12, 13, 50, len(encoded()[0]) - 1])
def test_a_record_cut_off_is_damage(length: int) -> None:
    with pytest.raises(DamagedChunkError):
        decode(encoded()[0][:length])


def test_a_record_without_a_value_is_damage() -> None:
    with pytest.raises(DamagedChunkError):
        decode(None)


def test_a_header_that_is_none_is_damage_although_its_checksum_fits() -> None:
    with pytest.raises(DamagedChunkError, match="header cannot be read"):
        decode(framed(FORMAT, (1).to_bytes(4) + b"\xc1"))


def test_other_shards_are_damage() -> None:
    (record,) = encoded(msgspec.structs.replace(HEADER, shards=64))

    with pytest.raises(DamagedChunkError, match="64 shards and not over 1024"):
        decode(record)


def test_an_unknown_format_is_refused_as_newer_and_names_the_remedy() -> None:
    with pytest.raises(
        NewerChunkError, match=r"newer firstreply \(format 3, .* up to 2\).*rebuild"
    ):
        decode(framed(FORMAT + 1, b"anything"))


def test_newer_rules_are_refused() -> None:
    (record,) = encoded(msgspec.structs.replace(HEADER, fold=FOLD + 1))

    with pytest.raises(NewerChunkError, match=r"rules 2, and this one knows up to 1"):
        decode(record)


def test_older_rules_are_read() -> None:
    (record,) = encoded(msgspec.structs.replace(HEADER, fold=FOLD - 1))

    assert decode(record).header.fold == FOLD - 1


def test_what_was_written_before_the_first_release_is_no_state() -> None:
    with pytest.raises(DamagedChunkError, match=r"before the first release wrote it \(format 1\)"):
        decode(framed(1, b"anything"))


def test_an_older_format_is_read_by_its_own_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_0(covered: memoryview) -> Chunk:
        partition = int.from_bytes(covered[:2])
        return Chunk(msgspec.structs.replace(HEADER, partition=partition), covered[2:])

    monkeypatch.setitem(chunks.READERS, 0, read_0)

    chunk = decode(framed(0, b"\x00\x05old"))

    assert chunk.header.partition == 5
    assert bytes(chunk.payload) == b"old"


def test_the_first_nine_bytes_are_those_of_every_version() -> None:
    record = framed(9, b"rest")

    assert record == b"frst\x09" + crc32(b"\x09rest").to_bytes(4) + b"rest"


def test_the_order_is_incarnation_generation_offset_log_time_and_what_a_writer_did_later() -> None:
    def rank(**fields: int) -> tuple[int, ...]:
        return order(msgspec.structs.replace(HEADER, **fields))

    assert rank(incarnation=2, generation=0) > rank()
    assert rank(generation=8, offset=0) > rank()
    assert rank(offset=4712, log_time=0) > rank()
    assert rank(log_time=at(11), seq=0) > rank()
    assert rank(seq=5) > rank()


def test_the_base_goes_round_the_ring_of_shards() -> None:
    shards = shards_of(HEADER)

    assert shards == [*range(1000, 1024), *range(6)]


def test_a_fingerprint_tells_key_from_value_and_absent_from_empty() -> None:
    contents = [
        (b"ab", b"c"),
        (b"a", b"bc"),
        (b"", b"abc"),
        (None, b"abc"),
        (b"abc", None),
        (b"1:", b"a"),
    ]

    prints = {fingerprint(7, 5, key, value) for key, value in contents}

    assert len({one.digest for one in prints}) == len(contents)
    assert all(len(one.digest) == 8 for one in prints)
    assert fingerprint(7, 5, b"k", b"v") == fingerprint(7, 5, b"k", b"v")


# The body.


def test_a_body_is_read_frame_by_frame() -> None:
    rows = [("a", b"row of a"), ("\ud800", b"\xff\0")]
    body = rows_frame(FrameKind.CHANGED, rows) + removed_frame(["b", "\udfff"])

    changed, removed = frames([memoryview(body)])

    assert changed.kind is FrameKind.CHANGED
    assert read_rows(changed) == rows
    assert read_removed(removed) == ["b", "\udfff"]


def test_a_frame_may_go_over_any_number_of_parts() -> None:
    body = removed_frame(["a"]) + rows_frame(FrameKind.CHANGED, [("b", b"row")])

    removed, changed = frames(memoryview(body)[at : at + 1] for at in range(len(body)))

    assert read_removed(removed) == ["a"]
    assert read_rows(changed) == [("b", b"row")]


@pytest.mark.parametrize("length", range(1, len(removed_frame(["a"]))))
def test_a_body_cut_off_is_damage(length: int) -> None:
    body = removed_frame(["a"])[:length]

    with pytest.raises(DamagedChunkError):
        list(frames([memoryview(body)]))


def test_a_frame_of_an_unknown_kind_is_a_newer_firstreplys() -> None:
    """Its checksum was right: to pass over it would be to go back in time."""
    with pytest.raises(NewerChunkError, match=r"newer firstreply \(frame 9, and this one knows up"):
        list(frames([memoryview(b"\x09\0\0\0\0")]))


@pytest.mark.parametrize("read", [read_rows, read_removed, read_policies, read_uncounted])
def test_a_frame_of_something_else_is_damage(read: object) -> None:
    assert callable(read)
    (frame,) = frames([memoryview(rows_frame(FrameKind.BASE, []))])
    other = msgspec.structs.replace(frame, packed=memoryview(b"no zstd"))
    wrong = removed_frame(["a"]) if read is not read_removed else policies_frame({})
    (mistaken,) = frames([memoryview(wrong)])

    with pytest.raises(DamagedChunkError):
        read(other)
    with pytest.raises(DamagedChunkError):
        read(mistaken)


def test_increments_come_back_as_they_went() -> None:
    counted = Increments()
    counted.count("contact_received_total", "chat", "none", amount=3)
    counted.count("firstreply_events_duplicate_total")
    counted.observe("contact_first_response_seconds", "chat", "été", seconds=0.25)

    for number in range(2500):
        counted.observe("contact_reply_seconds", "chat", "none", seconds=number)

    read = Increments()
    pieces = list(frames([memoryview(b"".join(uncounted_frames(counted)))]))
    for frame in pieces:
        assert frame.kind is FrameKind.UNCOUNTED
        read.merge(read_uncounted(frame))

    assert len(pieces) == 6
    assert read == counted


EVERYTHING: Final = Policy(
    "chat",
    (Band("10m", 10 * MINUTE, Clock.BUSINESS, 0.166), Band("1h", 60 * MINUTE)),
    calendar=Calendar.from_weekly(
        timezone="Europe/Paris",
        weekly={"mon": [("09:00", "12:00"), ("22:00", "06:00")]},
        holidays=[date(2026, 5, 1)],
        annual_holidays=["12-25"],
        exceptions={date(2026, 12, 25): [("10:00", "24:00")], date(2026, 5, 2): []},
    ),
    excluded_reasons=frozenset({"spam", "essai"}),
)


def test_policies_come_back_with_their_opening_hours_and_digests() -> None:
    policies = {one.digest(): one for one in (*POLICIES, EVERYTHING)}
    (frame,) = frames([memoryview(policies_frame(policies))])

    back = read_policies(frame)

    assert back == policies
    calendar = back[EVERYTHING.digest()].calendar
    assert calendar is not None
    assert EVERYTHING.calendar is not None
    assert calendar.hours == EVERYTHING.calendar.hours


def test_a_policy_under_another_digest_is_refused() -> None:
    (frame,) = frames([memoryview(policies_frame({"0" * 16: EVERYTHING}))])

    with pytest.raises(DamagedChunkError, match=r"stored as 0{16} \(channel chat\) reads as"):
        read_policies(frame)


def test_a_time_zone_that_this_machine_does_not_know_is_named() -> None:
    assert EVERYTHING.calendar is not None
    hours = msgspec.structs.replace(EVERYTHING.calendar.hours, timezone="Europe/Atlantis")
    policy = msgspec.structs.replace(EVERYTHING, calendar=None)
    encoded_policy = msgspec.to_builtins(policy) | {"calendar": hours}
    (frame,) = frames([memoryview(policies_frame({"0": encoded_policy}))])

    with pytest.raises(DamagedChunkError, match="Europe/Atlantis"):
        read_policies(frame)
