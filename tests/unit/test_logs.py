"""Log lines: one an event, plain or JSON, and nothing in a field can forge another."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from firstreply import logs
from firstreply.logs import JsonFormatter, PlainFormatter

NOON = 1_772_452_800.999


def a_record(
    event: str = "partition_begun", level: int = logging.INFO, **fields: object
) -> logging.LogRecord:
    record = logging.makeLogRecord(
        {
            "name": "firstreply.processor",
            "levelno": level,
            "levelname": logging.getLevelName(level),
            "msg": event,
            "created": NOON,
        }
    )
    record.__dict__.update(fields)
    return record


def a_failure() -> logging.LogRecord:
    record = a_record("checkpoint_failed", logging.ERROR)
    try:
        int("no leader")
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


@pytest.fixture
def restored() -> Iterator[None]:
    """Put the root logger back as it was."""
    root, aiokafka = logging.getLogger(), logging.getLogger("aiokafka")
    handlers, level, own = root.handlers[:], root.level, aiokafka.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    aiokafka.setLevel(own)


def test_a_plain_line_is_time_level_event_and_fields_in_order() -> None:
    line = PlainFormatter().format(a_record(partition=0, offset=12))

    assert line == "2026-03-02T12:00:00Z INFO partition_begun partition=0 offset=12"


def test_a_json_line_is_an_object_of_time_level_logger_event_and_fields() -> None:
    line = JsonFormatter().format(a_record(level=logging.WARNING, partition=0, error="é"))

    assert line == (
        '{"time": "2026-03-02T12:00:00Z", "level": "warning", "logger": "firstreply.processor", '
        '"event": "partition_begun", "partition": 0, "error": "é"}'
    )


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_field_of_a_plain_line_can_begin_another_line(end: str) -> None:
    forged = f"down{end}2026-03-02T12:00:00Z ERROR stopped"

    line = PlainFormatter().format(a_record(error=forged))

    assert len(line.splitlines()) == 1


def test_no_message_of_another_library_can_begin_another_line() -> None:
    record = a_record("lost %s")
    record.args = ("x\n2026-03-02T12:00:00Z ERROR stopped",)

    line = PlainFormatter().format(record)

    assert len(line.splitlines()) == 1


def test_no_field_of_a_plain_line_can_forge_another_field() -> None:
    forged = PlainFormatter().format(a_record(error="x partition=7"))
    honest = PlainFormatter().format(a_record(error="x", partition="7"))

    assert forged != honest


@pytest.mark.parametrize("end", ["\n", "\r", "\x00"])
def test_a_json_line_is_one_line_whatever_is_in_it(end: str) -> None:
    told = f"down{end}up"

    line = JsonFormatter().format(a_record(error=told))

    assert len(line.split("\n")) == 1
    assert json.loads(line)["error"] == told


def test_a_field_that_json_does_not_know_is_written_as_text() -> None:
    line = JsonFormatter().format(a_record(partitions=frozenset({3})))

    assert json.loads(line)["partitions"] == "frozenset({3})"


def test_an_exception_follows_a_plain_line_and_is_within_a_json_line() -> None:
    plain = PlainFormatter().format(a_failure())
    data = json.loads(JsonFormatter().format(a_failure()))

    first, *rest = plain.split("\n")
    assert first == "2026-03-02T12:00:00Z ERROR checkpoint_failed"
    assert rest[0] == "Traceback (most recent call last):"
    assert rest[-1].startswith("ValueError: ")
    assert data["exception"] == "\n".join(rest)


@pytest.mark.usefixtures("restored")
def test_lines_go_to_standard_error_from_the_level_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("plain", "warning")

    logging.getLogger("firstreply.x").info("left_out")
    logging.getLogger("firstreply.x").warning("written", extra={"offset": 3})

    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith(" WARNING written offset=3\n")
    assert "left_out" not in err


@pytest.mark.usefixtures("restored")
def test_json_is_written_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("json", "info")

    logging.getLogger("firstreply.x").info("written")

    assert json.loads(capsys.readouterr().err)["event"] == "written"


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_kafka_client_is_heard_from_warnings_on_and_never_below_the_level(
    level: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up("plain", level)

    client = logging.getLogger("aiokafka.consumer")
    client.info("info_line")
    client.warning("warning_line")
    client.error("error_line")

    err = capsys.readouterr().err
    assert "info_line" not in err
    assert ("warning_line" in err) is (level != "error")
    assert "error_line" in err


@pytest.mark.usefixtures("restored")
def test_setting_up_twice_writes_each_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("plain", "info")
    logs.set_up("plain", "info")

    logging.getLogger("firstreply.x").info("written")

    assert capsys.readouterr().err.count("written") == 1
