"""The file source: what goes out is what the files hold, in order of time, every time."""

import gzip
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.adapters.files import RecordFiles, read_records
from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import ConfigurationError
from firstreply.ports import Record, TimestampType


def event(number: int, time: object = '"2026-03-02T09:00:00Z"', **more: int) -> bytes:
    rest = "".join(f',"{name}":{value}' for name, value in more.items())
    return f'{{"id":"{number}","time":{time}{rest}}}'.encode()


def at(number: int, second: int) -> bytes:
    return event(number, f'"2026-03-02T09:00:{second:02d}Z"')


def write(path: Path, lines: Sequence[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def values(*paths: Path) -> list[bytes | None]:
    with read_records(paths) as records:
        return [record.value for record in records]


def read_stdin(content: bytes) -> list[FileRecord]:
    with RecordFiles(["-"], stdin=io.BytesIO(content)) as records:
        return list(records)


def refusal(*paths: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        values(*paths)
    return str(raised.value)


def test_each_line_becomes_a_record_numbered_from_0_on_partition_0(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", [event(1), event(2)])

    with read_records([path]) as records:
        found: list[Record] = list(records)

    assert found == [FileRecord(0, event(1)), FileRecord(1, event(2))]
    assert [(record.partition, record.timestamp, record.key) for record in found] == [
        (0, None, None)
    ] * 2


def test_the_value_is_the_line_byte_for_byte_without_its_newline_only(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'  {"id" : "\xc3\xa9"}\t\r\n{"last":"has no newline"}')

    found = values(path)

    assert found == [b'  {"id" : "\xc3\xa9"}\t\r', b'{"last":"has no newline"}']


def test_blank_lines_are_skipped_and_take_no_offset(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n" + event(1) + b"\n\r\n  \t\n" + event(2) + b"\n\n")

    with read_records([path]) as records:
        found = [(record.offset, record.value) for record in records]

    assert found == [(0, event(1)), (1, event(2))]


def test_a_byte_order_mark_is_not_part_of_the_first_line_but_of_any_other(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    path = write(tmp_path / "a.jsonl", [mark + event(1), mark + event(2)])

    found = values(path)

    assert found == [event(1), mark + event(2)]


def test_lines_that_are_no_events_are_passed_on_for_the_decoder_to_reject(tmp_path: Path) -> None:
    bad = [
        b"{",
        b"\xff\x00",
        b"[1]",
        b"null",
        b'{"time":[]}',
        b'{"x":' * 100_000,
        b'{"time":"soon"}',
    ]
    path = write(tmp_path / "bad.jsonl", bad)
    other = write(tmp_path / "other.jsonl", [event(1)])

    found = values(path)
    merged = values(path, other)

    assert found == bad
    assert merged == [*bad, event(1)]


def test_a_line_of_8_mb_is_one_record(tmp_path: Path) -> None:
    long = event(1)[:-1] + b',"text":"' + b"x" * 8_000_000 + b'"}'
    paths = [write(tmp_path / "a", [long, event(2)]), write(tmp_path / "b", [])]

    assert values(*paths) == [long, event(2)]


def test_gzip_is_told_by_its_first_bytes_whatever_the_name(tmp_path: Path) -> None:
    packed = tmp_path / "packed.jsonl"
    packed.write_bytes(gzip.compress(event(1) + b"\n"))
    plain = write(tmp_path / "plain.jsonl.gz", [event(2)])

    assert values(packed) == [event(1)]
    assert values(plain) == [event(2)]


def test_gzip_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "rotated.gz"
    path.write_bytes(gzip.compress(event(1) + b"\n") + gzip.compress(event(2) + b"\n"))

    assert values(path) == [event(1), event(2)]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    path = write(tmp_path / "empty", [])

    assert values(path) == []


def test_files_in_order_are_merged_by_time_and_at_the_same_time_as_they_were_named(
    tmp_path: Path,
) -> None:
    first = write(tmp_path / "first", [at(1, 0), at(2, 30), at(3, 50)])
    second = write(tmp_path / "second", [at(4, 10), at(5, 30), at(6, 40)])

    forth = values(first, second)
    back = values(second, first)

    assert forth == [at(1, 0), at(4, 10), at(2, 30), at(5, 30), at(6, 40), at(3, 50)]
    assert back == [at(1, 0), at(4, 10), at(5, 30), at(2, 30), at(6, 40), at(3, 50)]


def test_in_a_file_out_of_order_a_line_counts_at_the_latest_time_before_it(tmp_path: Path) -> None:
    unsorted = write(tmp_path / "unsorted", [at(1, 30), at(2, 5), at(3, 31)])
    other = write(tmp_path / "other", [at(4, 10), at(5, 31)])

    found = values(unsorted, other)

    assert found == [at(4, 10), at(1, 30), at(2, 5), at(3, 31), at(5, 31)]


@pytest.mark.parametrize(
    "time",
    [
        "1772442010",
        "1772442010.0",
        "1772442010000",
        '"2026-03-02T10:00:10+01:00"',
        '"2026-03-02T09:00:10.000Z"',
    ],
)
def test_the_merge_reads_every_form_of_time_of_the_contract(tmp_path: Path, time: str) -> None:
    one = write(tmp_path / "one", [event(1, time)])
    other = write(tmp_path / "other", [at(2, 9), at(3, 10), at(4, 11)])

    found = values(other, one)

    assert found == [at(2, 9), at(3, 10), event(1, time), at(4, 11)]


@pytest.mark.parametrize(
    "time",
    ['"9999-01-01T00:00:00Z"', "99999999999999", "1e20", '"2026-03-02T09:00:59"', "true", "-1"],
)
def test_a_time_that_the_decoder_rejects_leaves_its_file_where_it_was(
    tmp_path: Path, time: str
) -> None:
    one = write(tmp_path / "one", [at(1, 5), event(2, time), at(3, 6)])
    other = write(tmp_path / "other", [at(4, 10)])

    found = values(one, other)

    assert found == [at(1, 5), event(2, time), at(3, 6), at(4, 10)]


def test_lines_before_the_first_readable_time_of_a_file_go_first(tmp_path: Path) -> None:
    epoch = write(tmp_path / "epoch", [event(1, "0")])
    other = write(tmp_path / "other", [event(2, "true"), event(3, "null"), event(4, "1")])

    found = values(epoch, other)

    assert found == [event(2, "true"), event(3, "null"), event(1, "0"), event(4, "1")]


def test_a_record_timestamp_moves_log_time_and_decides_the_merge(tmp_path: Path) -> None:
    recorded = event(1, '"2026-03-02T09:00:00Z"', record_timestamp=1_772_442_020_001)
    one = write(tmp_path / "one", [recorded])
    other = write(tmp_path / "other", [at(2, 20), at(3, 21)])

    with read_records([one, other]) as records:
        found = [(record.value, record.timestamp, record.timestamp_type) for record in records]

    assert found == [
        (at(2, 20), None, None),
        (recorded, 1_772_442_020_001, TimestampType.LOG_APPEND_TIME),
        (at(3, 21), None, None),
    ]


@pytest.mark.parametrize(
    ("written", "timestamp"),
    [
        ("0", 0),
        ("99999999999999", 99_999_999_999_999),
        ("100000000000000", None),
        ("-1", None),
        ("1.5", None),
        ("true", None),
        ('"2026-03-02T09:00:00Z"', None),
        ("null", None),
    ],
)
def test_a_record_timestamp_is_a_whole_number_from_0_up_to_1e14_or_it_is_ignored(
    tmp_path: Path, written: str, timestamp: int | None
) -> None:
    line = f'{{"time":1772442000,"record_timestamp":{written}}}'.encode()
    path = write(tmp_path / "one", [line])

    with read_records([path]) as records:
        (record,) = records

    assert (record.value, record.timestamp) == (line, timestamp)
    assert (record.timestamp_type is None) == (timestamp is None)


def test_standard_input_is_read_plain_or_gzip_and_left_open() -> None:
    content = event(1) + b"\n" + event(2) + b"\n"
    stdin = io.BytesIO(content)

    with RecordFiles(["-"], stdin=stdin) as records:
        plain = list(records)
    packed = read_stdin(gzip.compress(content))

    assert [record.value for record in plain] == [event(1), event(2)]
    assert packed == plain
    assert not stdin.closed


def test_a_pipe_that_gives_one_byte_at_a_time_is_read_all_the_same() -> None:
    class Dripping(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            pytest.fail("would wait for a full buffer while lines are there to be read")

        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(min(1, -1 if size is None else size))

    packed = gzip.compress(event(1) + b"\n" + event(2) + b"\n")

    with RecordFiles(["-"], stdin=Dripping(packed)) as records:
        found = [record.value for record in records]

    assert found == [event(1), event(2)]


def test_standard_input_is_merged_with_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [at(1, 1), at(3, 3)])

    with RecordFiles([path, "-"], stdin=io.BytesIO(at(2, 2) + b"\n")) as records:
        found = [record.value for record in records]

    assert found == [at(1, 1), at(2, 2), at(3, 3)]


def test_progress_counts_compressed_bytes_up_to_the_size_of_the_files(tmp_path: Path) -> None:
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(b"".join(at(n, n % 60) + b"\n" for n in range(50_000))))
    plain = write(tmp_path / "b", [event(1)])
    size = packed.stat().st_size + plain.stat().st_size

    with read_records([packed, plain]) as records:
        next(records)
        begun = records.bytes_read
        list(records)
        done = records.bytes_read

    assert (records.total_bytes, done) == (size, size)
    assert 0 < begun < size


def test_the_total_is_unknown_as_soon_as_one_input_is_a_pipe(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [event(1)])

    with RecordFiles([path, "-"], stdin=io.BytesIO(b"")) as records:
        total = records.total_bytes

    assert total is None


def test_a_missing_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    here, missing = write(tmp_path / "here", [event(1)]), tmp_path / "missing.jsonl"

    with pytest.raises(ConfigurationError, match=r"missing\.jsonl: cannot be opened: No such file"):
        read_records([here, missing])


def test_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    assert f"{tmp_path}: cannot be opened: Is a directory; check the path" in refusal(tmp_path)


def test_no_file_and_standard_input_twice_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="name at least one"):
        read_records([])
    with pytest.raises(ConfigurationError, match="named twice"):
        read_records(["-", "-"])


def test_a_gzip_file_that_is_cut_off_gives_its_whole_lines_then_names_where_it_ends(
    tmp_path: Path,
) -> None:
    lines = [event(n, str(1_700_000_000 + n * n % 7919)) for n in range(20_000)]
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"\n".join(lines))[:-5_000])
    found: list[bytes | None] = []

    with (
        read_records([path]) as records,
        pytest.raises(ConfigurationError) as raised,
    ):
        found.extend(record.value for record in records)

    assert found == lines[: len(found)]
    assert 0 < len(found) < len(lines)
    assert f"cut.gz: cannot be read past line {len(found)} " in str(raised.value)
    assert "gzip -dc FILE > PART" in str(raised.value)


@pytest.mark.parametrize("place", [-6, 40], ids=["checksum", "data"])
def test_a_gzip_file_with_a_changed_byte_is_refused_not_trusted(tmp_path: Path, place: int) -> None:
    packed = bytearray(gzip.compress(b"\n".join(event(n) for n in range(1_000))))
    packed[place] ^= 0xFF
    path = tmp_path / "changed.gz"
    path.write_bytes(packed)

    assert "the gzip data is damaged" in refusal(path)


def test_an_input_that_fails_while_it_is_read_is_named_with_the_line() -> None:
    class Failing(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            if self.tell() == len(self.getvalue()):
                raise OSError(5, "Input/output error")
            return super().read1(size)

    content = event(1) + b"\n" + event(2) + b"\n"
    records = RecordFiles(["-"], stdin=Failing(content))
    found = [next(records).value, next(records).value]

    with pytest.raises(ConfigurationError) as raised:
        next(records)

    assert found == [event(1), event(2)]
    assert f"standard input: cannot be read past line 2 (within the first {len(content)} " in str(
        raised.value
    )
    assert "Input/output error; check the disk" in str(raised.value)


def test_a_gzip_file_with_something_else_behind_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trailing.gz"
    path.write_bytes(gzip.compress(event(1) + b"\n") + b"trailing text")

    assert "trailing.gz: cannot be read past line " in refusal(path)


@pytest.mark.parametrize(
    ("head", "what"),
    [
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b"\xfe\xff\x00{", "UTF-16"),
    ],
)
def test_a_format_that_is_not_read_is_named_with_the_remedy(
    tmp_path: Path, head: bytes, what: str
) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(head + b"rest of the file")

    message = refusal(path)

    assert what in message
    assert "other.bin" in message
    assert "unpack or convert" in message


def test_closing_twice_does_nothing_more(tmp_path: Path) -> None:
    records = read_records([write(tmp_path / "a", [event(1)])])

    records.close()

    records.close()


def test_the_place_of_the_record_returned_last_is_file_and_line(tmp_path: Path) -> None:
    one = write(tmp_path / "one", [at(1, 1), b"", at(2, 30)])
    other = write(tmp_path / "other", [at(3, 2)])

    with read_records([one, other]) as records:
        before = records.place
        places = [(record.value, records.place) for record in records]

    assert before is None
    assert places == [
        (at(1, 1), (str(one), 1)),
        (at(3, 2), (str(other), 1)),
        (at(2, 30), (str(one), 3)),
    ]


@given(st.lists(st.lists(st.integers(0, 59), max_size=8), min_size=1, max_size=4))
def test_a_merge_loses_nothing_and_keeps_the_order_of_every_file(files: list[list[int]]) -> None:
    lines = [
        [at(10 * number + place, second) for place, second in enumerate(seconds)]
        for number, seconds in enumerate(files)
    ]

    merged = [_merge(lines) for _ in range(2)]

    assert merged[0] == merged[1]
    assert sorted(merged[0]) == sorted(line for file in lines for line in file)
    for file in lines:
        assert [line for line in merged[0] if line in file] == file
    if all(seconds == sorted(seconds) for seconds in files):
        seconds_of = [int(line.split(b"T09:00:")[1][:2]) for line in merged[0]]
        assert seconds_of == sorted(seconds_of)


def _merge(files: list[list[bytes]]) -> list[bytes]:
    # Not tmp_path: that is one folder for all of Hypothesis' examples.
    with tempfile.TemporaryDirectory() as folder:
        paths = [write(Path(folder) / str(number), lines) for number, lines in enumerate(files)]
        return [value for value in values(*paths) if value is not None]
