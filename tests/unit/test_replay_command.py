"""What a replay prints on a terminal, and how it reads ``--until``."""

import sys
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.progress import Progress

from firstreply import replay_command
from firstreply.adapters.files import read_records
from firstreply.adapters.records import FileRecord
from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import SECOND
from firstreply.policies import policy_book
from firstreply.replay import replay
from firstreply.replay_command import metrics, new_publisher, print_replay, progress, read_until
from firstreply.settings import Settings
from firstreply.wiring import bad_records, decoder
from tests.unit.domain.builders import at
from tests.unit.fakes import opened, responded

LINES = b"\n".join([opened(0), responded(30), opened(100, "d")])


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES)
    return path


@pytest.fixture
def defaults() -> Settings:
    return load_settings(None, {})


class Terminal(StringIO):
    """A terminal of 100 columns."""

    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> tuple[Terminal, Terminal]:
    """Let standard output and error be terminals."""
    out, err = Terminal(), Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    return out, err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-03-02T09:00:00Z", 0),
        ("2026-03-02T10:00:00+01:00", 0),
        ("2026-03-02T09:00:00.000001+00:00", 0.000001),
    ],
)
def test_until_is_a_time_with_an_offset_to_the_microsecond(text: str, seconds: float) -> None:
    assert read_until(text) == at(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "2026-03-02T09:00:00",
        "9999-99-99T00:00:00Z",
        "0001-01-01",
        "END",
        "2026-03-02T25:00Z",
    ],
)
def test_any_other_until_is_a_configuration_error_that_repeats_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="--until " + text):
        read_until(text)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_a_time_at_the_edge_of_what_there_is_can_be_read(text: str) -> None:
    assert isinstance(read_until(text), int)


def test_on_a_terminal_the_table_is_shown_and_the_progress_bar_leaves_nothing(
    events: Path, defaults: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = on_a_terminal(monkeypatch)

    print_replay(defaults, [str(events)], "table", "end")

    assert "chat" in out.getvalue()
    assert "replay" in err.getvalue()


def test_on_a_terminal_json_goes_to_standard_output_alone(
    events: Path, defaults: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, err = on_a_terminal(monkeypatch)

    print_replay(defaults, [str(events)], "json", "end")

    assert out.getvalue().startswith("{\n")
    assert out.getvalue().endswith("}\n")
    assert "{" not in err.getvalue()


def test_elsewhere_nothing_but_the_figures_is_written(
    events: Path, defaults: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    print_replay(defaults, [str(events)], "table", "end")

    out, err = capsys.readouterr()
    assert "chat" in out
    assert "\x1b" not in out
    assert err == ""


def test_progress_tells_bytes_and_events(events: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[dict[str, Any]] = []

    class Recorder(Progress):
        def update(self, *_: object, **fields: Any) -> None:  # noqa: ANN401 - rich's
            updates.append(fields)

    on_a_terminal(monkeypatch)
    monkeypatch.setattr(replay_command, "Progress", Recorder)
    with read_records([events]) as records, progress(records) as progressed:
        folded = len(list(records))
        progressed(folded)

    assert updates == [{"completed": len(LINES), "events": 3}]


def test_metrics_are_those_of_the_exporter_at_the_clock_of_the_log(defaults: Settings) -> None:
    book = policy_book(defaults)
    publisher = new_publisher(book)
    done = replay(
        [FileRecord(n, line) for n, line in enumerate(LINES.split(b"\n"))],
        decoder=decoder(defaults),
        bad_records=bad_records(defaults),
        book=book,
        grace=5 * SECOND,
        publish=partial(publisher.checkpointed, 0, 0),
    )

    text = metrics(done, publisher).decode()

    assert 'contact_waiting{channel="chat",queue="none",band_state="within"} 1\n' in text
    clock = (at(100) / SECOND) - 5
    assert f'firstreply_clock_timestamp_seconds{{topic="replay",partition="0"}} {clock}\n' in text
    assert 'contact_first_response_seconds_count{channel="chat",queue="none"} 1\n' in text


def test_a_console_that_is_no_terminal_is_what_tests_have() -> None:
    assert not Console(file=StringIO()).is_terminal
