"""The replay command: files in, the same bytes out every time, exit codes 0, 1 and 2."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.commands import CONFIGS, invoke
from tests.unit.fakes import NO_JSON, OF_ANOTHER, opened, responded


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    lines = (opened(0), responded(30), opened(100, "d"), NO_JSON.replace(b"\n", b""), OF_ANOTHER)
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def replayed(*arguments: str, stdin: bytes = b"") -> Any:  # noqa: ANN401 - JSON
    result = invoke("replay", "--format", "json", *arguments, stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_replayed_figures_are_one_json_object(events: Path) -> None:
    told = replayed(str(events))

    assert set(told) == {"channels", "all", "events"}
    assert told["channels"]["chat"]["received"] == 2
    assert told["channels"]["chat"]["within"]["10m"] == 1
    assert told["events"]["rejected"] == {"not_json": 1}
    assert told["events"]["read"] == 5


@pytest.mark.parametrize("form", ["table", "json", "metrics"])
def test_a_replay_prints_the_same_bytes_every_time(form: str, events: Path) -> None:
    first, second = (invoke("replay", "--format", form, str(events)) for _ in range(2))

    assert first.exit_code == 0
    assert first.stdout_bytes == second.stdout_bytes
    assert len(first.stdout_bytes) > 100
    assert first.stderr == ""


def test_the_metrics_of_a_replay_show_what_was_counted_at_once(events: Path) -> None:
    text = invoke("replay", "--format", "metrics", str(events)).stdout

    assert 'contact_received_total{channel="chat",queue="none"} 2\n' in text
    assert 'firstreply_events_rejected_total{reason="not_json"} 1\n' in text
    met = 'contact_expectation_outcomes_total{channel="chat",queue="none",band="10m",outcome="met"}'
    assert f"{met} 1\n" in text


def test_the_table_is_the_default_and_names_the_channel(events: Path) -> None:
    default, table = (invoke("replay", *form, str(events)) for form in ((), ("--format", "table")))

    assert default.stdout == table.stdout
    assert "chat" in default.stdout


def test_a_file_gzip_and_standard_input_give_the_same_figures(events: Path) -> None:
    packed = events.with_suffix(".gz")
    packed.write_bytes(gzip.compress(events.read_bytes()))

    plain = replayed(str(events))

    assert replayed(str(packed)) == plain
    assert replayed("-", stdin=events.read_bytes()) == plain
    assert replayed("-", stdin=packed.read_bytes()) == plain


def test_several_files_are_one_replay(events: Path, tmp_path: Path) -> None:
    more = tmp_path / "more.jsonl"
    more.write_bytes(responded(130, "d"))

    told = replayed(str(more), str(events))

    assert told["channels"]["chat"]["answered"] == 2


@pytest.mark.parametrize(
    ("until", "missed"),
    [("2026-03-02T09:10:00Z", 0), ("2026-03-02T10:11:40+01:00", 1), ("end", 0)],
)
def test_until_decides_deadlines_up_to_an_instant(until: str, missed: int, events: Path) -> None:
    told = replayed("--until", until, str(events))

    assert told["channels"]["chat"]["missed"]["10m"] == missed


@pytest.mark.parametrize("until", ["tomorrow", "2026-03-02", "", "1e9"])
def test_a_time_that_cannot_be_read_exits_2_with_an_example(until: str, events: Path) -> None:
    result = invoke("replay", "--until", until, str(events))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"firstreply: --until {until}: ")
    assert "2026-03-02T18:00:00Z" in result.stderr


@pytest.mark.parametrize("until", ["2010-01-01T00:00:00", "2010-01-01T00:00"])
def test_a_time_without_offset_exits_2_and_says_so(until: str, events: Path) -> None:
    result = invoke("replay", "--until", until, str(events))

    assert (result.exit_code, result.stdout) == (2, "")
    wanted = f"firstreply: --until {until}: has no offset; append Z, as in {until}Z\n"
    assert result.stderr == wanted


@pytest.mark.parametrize("form", ["table", "json", "metrics"])
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "no events\n"),
        ([b"{"], "no contact events: 1 rejected, 0 of an unknown type; "),
        ([b"{", OF_ANOTHER, b"[]"], "no contact events: 2 rejected, 1 of an unknown type; "),
        ([OF_ANOTHER], "no contact events: 0 rejected, 1 of an unknown type; "),
    ],
)
def test_without_any_contact_event_the_figures_are_printed_and_it_exits_1(
    form: str, lines: list[bytes], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines))

    result = invoke("replay", "--format", form, str(path))

    assert result.exit_code == 1
    assert len(result.stdout) > 100
    assert result.stderr.startswith(f"firstreply: {said}")


def test_one_contact_event_among_rejected_records_exits_0(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"{\n" * 9 + opened(0))

    result = invoke("replay", str(path))

    assert (result.exit_code, result.stderr) == (0, "")


def test_no_events_up_to_a_time_exits_1_and_names_the_time(events: Path) -> None:
    packed = events.with_name("one.jsonl")
    packed.write_bytes(opened(0))

    result = invoke("replay", "--until", "2010-01-01T00:00:00Z", str(packed))

    assert result.exit_code == 1
    assert result.stderr == "firstreply: no events up to 2010-01-01T00:00:00Z\n"


def test_a_missing_file_exits_2_and_is_named(tmp_path: Path) -> None:
    result = invoke("replay", str(tmp_path / "missing.jsonl"))

    assert result.exit_code == 2
    assert "missing.jsonl" in result.stderr
    assert result.stdout == ""


def test_too_many_bad_records_exit_1_and_say_why(tmp_path: Path) -> None:
    config, bad = tmp_path / "c.yaml", tmp_path / "bad.jsonl"
    config.write_text("limits: {bad_records: {share: 0.5, among: 3}}")
    bad.write_bytes(b"{\n" * 3)

    result = invoke("replay", "--config", str(config), str(bad))

    assert result.exit_code == 1
    assert result.stderr.startswith("firstreply: 3 of the last 3 records are bad")


def test_the_language_of_the_configuration_is_that_of_the_table(
    events: Path, tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("language: fr")

    result = invoke("replay", "--config", str(config), str(events))

    assert "Canal" in result.stdout


@pytest.mark.parametrize("command", ["check-event", "replay"])
def test_the_environment_may_name_the_configuration(command: str, events: Path) -> None:
    arguments = [command, str(events)] if command == "replay" else [command]
    name = str(CONFIGS / "invalid_several.yaml")

    result = invoke(*arguments, stdin=opened(0), FIRSTREPLY_CONFIG=name)

    assert result.exit_code == 2
    assert "invalid_several.yaml" in result.stderr
