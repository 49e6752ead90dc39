"""A dead letter read back is the record that was rejected, whatever headers it came with."""

from typing import Final

import pytest

from firstreply.adapters.kafka.letter import Source, read_letter, replayed_headers
from firstreply.adapters.records import FileRecord
from firstreply.ports import DeadLetter, Headers
from tests.unit.letters import letter, written

FOREIGN: Final = [("trace", b"\x80\x81"), ("trace", None), ("ce_type", b"x")]
AS_OURS: Final = [
    ("__streams.errors.topic", b"older"),
    ("firstreply.dlq.reason", b"older"),
    ("firstreply.dlq.version", b"1"),
]


def dead(headers: Headers, timestamp: int | None = 1_234) -> DeadLetter:
    return DeadLetter(3, 42, "no_time", "time is missing", b"\x00key", b"\xff{", headers, timestamp)


@pytest.mark.parametrize("headers", [[], FOREIGN, AS_OURS, [*AS_OURS, *FOREIGN]])
def test_what_the_sink_wrote_is_read_back_with_exactly_the_headers_it_came_with(
    headers: Headers,
) -> None:
    read = read_letter(written(dead(headers), 7))

    assert (read.partition, read.offset, read.source) == (0, 7, Source("events", 3, 42))
    assert (read.reason, read.detail) == ("no_time", "time is missing")
    assert (read.key, read.value, read.timestamp) == (b"\x00key", b"\xff{", 1_234)
    assert list(read.headers) == headers


@pytest.mark.parametrize("timestamp", [None, -1])
def test_a_record_without_a_timestamp_has_none_though_kafka_stamped_the_letter(
    timestamp: int | None,
) -> None:
    record = written(dead([], timestamp), 7)
    stamped = FileRecord(7, record.value, 99, 0, record.key, record.headers)

    assert read_letter(stamped).timestamp is None


@pytest.mark.parametrize(
    "change",
    [
        ("__streams.errors.offset", b"-1"),
        ("__streams.errors.offset", "²".encode()),
        ("__streams.errors.partition", b"9" * 5000),
        ("__streams.errors.partition", None),
        ("firstreply.dlq.version", b"2"),
        ("of another tool", b"behind ours"),
    ],
)
def test_what_is_not_ours_has_no_source_and_keeps_all_its_headers(
    change: tuple[str, bytes | None],
) -> None:
    whole = written(dead(FOREIGN), 7)
    names = [name for name, _ in whole.headers]
    headers = [change if header[0] == change[0] else header for header in whole.headers]
    headers += [] if change[0] in names else [change]

    read = read_letter(FileRecord(7, whole.value, 99, 0, whole.key, headers))

    assert (read.source, read.reason, read.timestamp) == (None, "", 99)
    assert list(read.headers) == headers


def test_a_replayed_record_is_marked_and_the_next_replay_replaces_the_marks() -> None:
    first = letter(17, headers=FOREIGN)

    once = replayed_headers(first, "events.dead-letters")
    again = letter(21, headers=once)
    twice = replayed_headers(again, "events.dead-letters")

    assert (first.replays, again.replays) == (0, 1)
    assert list(again.headers) == FOREIGN
    assert list(once) == [
        *FOREIGN,
        ("firstreply.dlq.replayed.from", b"events.dead-letters/0/17"),
        ("firstreply.dlq.replayed.count", b"1"),
    ]
    assert list(twice)[len(FOREIGN) :] == [
        ("firstreply.dlq.replayed.from", b"events.dead-letters/0/21"),
        ("firstreply.dlq.replayed.count", b"2"),
    ]
