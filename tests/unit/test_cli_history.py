"""``replay --format openmetrics`` as people type it: options, exit codes, files and pipes."""

import gzip
import io
import re
from pathlib import Path

import pytest

from firstreply import history_command
from firstreply.config.load import load_settings
from firstreply.history_command import Steps, print_history
from tests.history_text import HistoryText
from tests.unit.commands import invoke
from tests.unit.domain.builders import T0
from tests.unit.fakes import NO_JSON, OF_ANOTHER, opened, responded

BEGIN = T0 / 1e6


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    values = (opened(0), responded(30), opened(100, "d"), OF_ANOTHER, opened(400, "e"))
    path.write_bytes(b"\n".join(values) + b"\n")
    return path


def written(*arguments: str, stdin: bytes = b"") -> str:
    result = invoke("replay", "--format", "openmetrics", *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_a_sample_every_15_s_for_every_series_from_before_the_first_event_to_the_last(
    events: Path,
) -> None:
    told = HistoryText(written(str(events)))

    received = told.of("contact_received_total", channel="chat", queue="none")

    assert [at - BEGIN for at in told.instants] == [*range(-15, 391, 15), 400]
    assert {at - BEGIN: received[at] for at in list(received)[:3]} == {-15: 0, 0: 1, 15: 1}
    assert list(received.values())[-2:] == [2, 3]


def test_every_tells_the_time_between_samples(events: Path) -> None:
    told = HistoryText(written("--every", "1m", str(events)))

    assert [at - BEGIN for at in told.instants] == [-60, 0, 60, 120, 180, 240, 300, 360, 400]


def test_since_and_until_take_a_part(events: Path) -> None:
    part = (
        "--every",
        "1m",
        "--since",
        "2026-03-02T09:02:00Z",
        "--until",
        "2026-03-02T10:04:30+01:00",
    )
    told = HistoryText(written(*part, str(events)))

    assert [at - BEGIN for at in told.instants] == [120, 180, 240]


def test_what_prometheus_would_have_put_on_a_series_is_there_and_can_be_chosen(
    events: Path,
) -> None:
    chosen = ("--label", "instance=centre:9464", "--label", "environment=production")
    plain, told = HistoryText(written(str(events))), HistoryText(written(*chosen, str(events)))
    without = HistoryText(written("--label", "job=", "--label", "instance=", str(events)))

    def labels(text: HistoryText) -> dict[str, str]:
        return next(dict(its) for name, its in text.series if name == "firstreply_ready")

    assert labels(plain) == {"job": "firstreply", "instance": "replay"}
    assert labels(told) == {
        "job": "firstreply",
        "instance": "centre:9464",
        "environment": "production",
    }
    assert labels(without) == {}


def test_files_gzip_and_standard_input_give_the_same_text(events: Path) -> None:
    packed = events.with_suffix(".gz")
    packed.write_bytes(gzip.compress(events.read_bytes()))

    plain = written(str(events))

    assert written(str(packed)) == written("-", stdin=events.read_bytes()) == plain


def test_the_same_configuration_is_the_same_hash_as_that_of_a_service(events: Path) -> None:
    assert 'firstreply_config_info{job="firstreply",instance="replay",hash="unset"}' not in (
        written(str(events))
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--every", "2m"), "--every 2m: give whole seconds from 1s to 1m"),
        (("--every", "1500ms"), "--every 1500ms: give whole seconds"),
        (("--every", "0s"), "--every 0s: give whole seconds"),
        (("--every", "15"), '--every: "15" is not a duration; it has no unit: did you mean "15s"'),
        (("--since", "yesterday"), "--since yesterday: give a time with offset, such as 2026"),
        (("--since", "2026-03-02T09:00"), "--since 2026-03-02T09:00: has no offset; append Z"),
        (("--until", "tomorrow"), "--until tomorrow: give a time with offset"),
        (("--label", "job"), "--label job: give a label that Prometheus would add"),
        (("--label", "channel=chat"), "--label channel=chat: give a label"),
        (("--label", "le=5"), "--label le=5: give a label"),
        (("--label", "__name__=x"), "--label __name__=x: give a label"),
        (("--label", 'job="x"'), '--label job="x": give a label'),
    ],
)
def test_an_option_that_cannot_be_used_exits_2_and_says_what_can(
    arguments: tuple[str, ...], said: str, events: Path
) -> None:
    result = invoke("replay", "--format", "openmetrics", *arguments, str(events))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"firstreply: {said}")


@pytest.mark.parametrize("option", [("--every", "30s"), ("--since", "x"), ("--label", "a=b")])
@pytest.mark.parametrize("form", ["table", "json", "metrics"])
def test_options_of_a_history_are_refused_with_other_formats(
    form: str, option: tuple[str, str], events: Path
) -> None:
    result = invoke("replay", "--format", form, *option, str(events))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--format openmetrics" in result.stderr


@pytest.mark.parametrize("lines", [b"", NO_JSON, OF_ANOTHER])
def test_without_a_contact_event_it_exits_1_and_what_it_wrote_is_whole(lines: bytes) -> None:
    result = invoke("replay", "--format", "openmetrics", "-", stdin=lines)

    assert result.exit_code == 1
    assert "events" in result.stderr
    assert result.stdout.endswith("# EOF\n")


def test_nothing_to_show_in_the_wanted_time_exits_1_and_names_it(events: Path) -> None:
    result = invoke(
        "replay", "--format", "openmetrics", "--since", "2027-01-01T00:00:00Z", str(events)
    )

    assert result.exit_code == 1
    assert result.stderr == "firstreply: nothing to show between 2027-01-01T00:00:00Z and end\n"


def test_too_much_is_refused_before_anything_is_written(
    events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_command, "MOST_SAMPLES", 1_000)

    result = invoke("replay", "--format", "openmetrics", str(events))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "--since and --until" in result.stderr


def test_help_shows_an_example() -> None:
    text = " ".join(invoke("replay", "--help").stdout.split())

    assert "firstreply replay --format openmetrics january.jsonl.gz > january.om" in text
    assert "--every" in text


class Terminal(io.StringIO):
    """A terminal of 100 columns."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_reading_and_writing_show_how_far_they_are_and_the_text_is_the_same(
    events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = written(str(events))
    out, err = io.TextIOWrapper(io.BytesIO()), Terminal()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)

    print_history(load_settings(None, {}), [str(events)], Steps())

    assert out.buffer.getvalue().decode() == plain
    assert "replay" in err.getvalue()
    assert re.search(r"write .* [\d,]+ samples", err.getvalue())
