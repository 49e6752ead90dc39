"""What people type: help with an example, exit codes 0, 1 and 2, and never a traceback."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from typer.testing import Result

from firstreply import __version__
from firstreply.build_info import is_compiled
from firstreply.domain.errors import FatalError
from firstreply.settings import Settings
from tests.shared import ROOT
from tests.unit.commands import CONFIGS, invoke
from tests.unit.fakes import NO_JSON, OF_ANOTHER, event, opened

COMMANDS: Final = (
    *("run", "demo", "replay", "explain", "check-config", "check-event"),
    *("healthcheck", "simulate", "dashboards", "init", "doctor"),
)
GROUPS: Final = ("dlq", "state")
INVALID: Final = sorted(path.name for path in CONFIGS.glob("invalid_*.yaml"))


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "firstreply", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "service")},
        cwd=CONFIGS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(autouse=True)
def _logging_is_put_back() -> Iterator[None]:
    """``run`` and ``demo`` set up logging before they find that they cannot go on."""
    loggers = (logging.getLogger(), logging.getLogger("aiokafka"))
    before = [(logger, logger.handlers[:], logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_with_an_example_of_itself(command: str) -> None:
    result = invoke(command, "--help")

    assert result.exit_code == 0
    assert f"Example: firstreply {command}" in result.stdout


def test_the_help_lists_exactly_the_commands_there_are() -> None:
    result = invoke("--help")

    listed = {line.split()[0] for line in result.stdout.split("Commands:")[1].splitlines() if line}
    assert result.exit_code == 0
    assert listed == {*COMMANDS, *GROUPS}


def test_at_80_columns_no_line_of_the_help_is_cut() -> None:
    result = invoke("--help", COLUMNS="80", TERMINAL_WIDTH="80")

    assert "Commands:" in result.stdout
    assert "..." not in result.stdout.split("Commands:")[1]
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_the_help_of_check_event_says_what_an_unknown_type_exits_with() -> None:
    result = invoke("check-event", "--help")

    assert "1 for a rejected one and for one of an unknown type" in " ".join(result.stdout.split())


def test_the_version_is_told() -> None:
    result = invoke("--version")

    build = "compiled" if is_compiled() else "pure Python"
    assert (result.exit_code, result.stdout) == (0, f"firstreply {__version__} ({build})\n")


@pytest.mark.parametrize(
    "wrong", [("nonsense",), ("run", "--nonsense"), ("replay",), ("check-config", "--format", "x")]
)
def test_wrong_use_exits_2_and_says_what_is_wrong(wrong: tuple[str, ...]) -> None:
    result = invoke(*wrong)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage" in result.stderr


# check-config


@pytest.mark.parametrize("name", ["valid_example.yaml", "valid_nothing.yaml"])
def test_a_valid_configuration_exits_0_and_says_so(name: str) -> None:
    result = invoke("check-config", str(CONFIGS / name))

    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"{CONFIGS / name} is valid"
    assert result.stderr == ""


def test_a_valid_configuration_is_told_as_json() -> None:
    result = invoke("check-config", str(CONFIGS / "valid_example.yaml"), "--format", "json")

    told = json.loads(result.stdout)
    assert result.exit_code == 0
    assert told["valid"] is True
    assert told["configuration"]["channels"]["phone"]["short_abandon"] == "5s"
    assert isinstance(told["warnings"], list)


def test_without_a_file_the_built_in_configuration_is_checked() -> None:
    result = invoke("check-config")

    assert result.exit_code == 0
    assert "built-in configuration is valid" in result.stdout


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_configuration_exits_1_with_its_mistakes_on_standard_error(name: str) -> None:
    result = invoke("check-config", str(CONFIGS / name))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert f"{CONFIGS / name}:" in result.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [("invalid_syntax.yaml", "firstreply: "), ("invalid_sasl_incomplete.yaml", "")],
)
def test_of_several_mistakes_each_line_begins_with_its_place(name: str, prefix: str) -> None:
    result = invoke("check-config", str(CONFIGS / name))

    lines = result.stderr.splitlines()
    assert (len(lines) > 1) is (prefix == "")
    assert all(line.startswith(f"{prefix}{CONFIGS / name}:") for line in lines)


@pytest.mark.parametrize("name", ["invalid_several.yaml", "invalid_syntax.yaml"])
def test_an_invalid_configuration_is_told_as_json_too(name: str) -> None:
    result = invoke("check-config", str(CONFIGS / name), "--format", "json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["valid"] is False
    assert all(f"{name}:" in mistake for mistake in told["errors"])
    assert len(told["errors"]) >= 1


def test_a_warning_is_shown_and_exits_0(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("calendars: {unused: {timezone: UTC, weekly: {mon: ['09:00-10:00']}}}")

    result = invoke("check-config", str(path))

    assert result.exit_code == 0
    assert result.stdout.startswith("warning: ")


def compared(folder: Path, before: str, after: str, *options: str) -> Result:
    (folder / "old.yaml").write_text(before)
    (folder / "new.yaml").write_text(after)
    old, new = str(folder / "old.yaml"), str(folder / "new.yaml")
    return invoke("check-config", new, "--against", old, *options)


def test_a_change_that_a_reload_puts_in_force_exits_0_and_is_listed(tmp_path: Path) -> None:
    result = compared(tmp_path, "", "settle_for: 48h")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == [
        "settle_for: 72h -> 48h",
        "a reload puts it in force",
    ]


def test_a_change_that_needs_a_restart_exits_1_and_is_named(tmp_path: Path) -> None:
    result = compared(tmp_path, "", "settle_for: 48h\ngrace: 1s")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[1:] == [
        "settle_for: 72h -> 48h",
        "grace: 5s -> 1s",
        "a reload would be refused:",
        "  grace: 5s -> 1s; restart to apply it",
    ]


def test_a_calendar_that_needs_another_bucket_is_named_as_a_reload_would(tmp_path: Path) -> None:
    rest = "bands: {77m: {clock: business}}\ncalendars: {o: {timezone: UTC, weekly: {mon: ["
    rest += "'09:00-17:00']}}}\n"

    result = compared(tmp_path, rest, rest + "channels: {chat: {calendar: o}}")

    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("  channels.chat.calendar: puts the band 77m")


def test_no_change_is_told_as_such(tmp_path: Path) -> None:
    result = compared(tmp_path, "grace: 5s", "")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == ["nothing changes"]


def test_the_changes_are_told_as_json_too(tmp_path: Path) -> None:
    result = compared(tmp_path, "", "grace: 1s", "--format", "json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["changes"] == [
        {"key": "grace", "before": "5s", "after": "1s", "applies": "restart"}
    ]
    assert told["needs_restart"] == ["grace: 5s -> 1s; restart to apply it"]


def test_a_mistake_in_the_file_in_force_is_told_as_one(tmp_path: Path) -> None:
    result = compared(tmp_path, "graze: 1s", "")

    assert result.exit_code == 1
    assert "old.yaml:1:1: graze" in result.stderr


# check-event


def test_an_accepted_event_exits_0() -> None:
    result = invoke("check-event", stdin=opened(0, "c-1"))

    assert result.exit_code == 0
    assert result.stdout.startswith("accepted (flat)\n")
    assert "c-1" in result.stdout


def test_a_rejected_event_exits_1_with_its_reason() -> None:
    result = invoke("check-event", stdin=NO_JSON)

    assert result.exit_code == 1
    assert result.stdout.startswith("rejected (flat): not_json\n")


@pytest.mark.parametrize("nothing", [b"", b"\n", b" \r\n\n"])
def test_nothing_on_standard_input_is_wrong_use(nothing: bytes) -> None:
    result = invoke("check-event", stdin=nothing)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "firstreply: standard input is empty; pipe one event in\n"


@pytest.mark.parametrize("second", [opened(1), b"{cut"])
def test_two_lines_on_standard_input_are_wrong_use(second: bytes) -> None:
    result = invoke("check-event", stdin=opened(0) + b"\n" + second + b"\n\n")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "firstreply: one event at a time: standard input holds 2 lines\n"


def test_one_event_may_be_written_over_several_lines() -> None:
    spread = json.dumps(json.loads(opened(0)), indent=2).encode()

    result = invoke("check-event", stdin=spread)

    assert spread.count(b"\n") > 3
    assert result.exit_code == 0
    assert result.stdout.startswith("accepted")


def test_a_close_for_a_configured_reason_is_said_to_exclude(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("excluded_reasons: [prank]")
    closed = event("closed", 0, reason="Prank")

    told, other = (invoke("check-event", *more, stdin=closed) for more in (("-c", str(path)), ()))

    sentence = "note: this close excludes the contact unless a human answered it"
    assert sentence in told.stdout
    assert sentence not in other.stdout


def test_an_event_of_an_unknown_type_is_ignored_and_exits_1() -> None:
    result = invoke("check-event", stdin=OF_ANOTHER)

    assert result.exit_code == 1
    assert result.stdout.startswith("ignored (flat)\n")


@pytest.mark.parametrize(
    ("value", "verdict", "code"),
    [(opened(0), "accepted", 0), (NO_JSON, "rejected", 1), (OF_ANOTHER, "ignored", 1)],
)
def test_the_verdict_on_an_event_is_told_as_json(value: bytes, verdict: str, code: int) -> None:
    result = invoke("check-event", "--format", "json", stdin=value)

    assert result.exit_code == code
    assert json.loads(result.stdout)["verdict"] == verdict


def test_an_event_is_checked_by_the_names_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("channels: {email: {aliases: [brieftaube]}}")

    told = invoke(
        "check-event", "--config", str(path), "--format", "json", stdin=opened(0, "c", "brieftaube")
    )

    assert json.loads(told.stdout)["resolved"]["channel"] == "email"


@pytest.mark.parametrize(
    ("kafka", "value", "verdict"),
    [
        ("{max_event_bytes: 60}", opened(0), "rejected"),
        ("{max_event_bytes: 2MiB}", event("closed", pad="x" * 1_500_000), "accepted"),
    ],
)
def test_an_event_is_checked_by_the_limits_of_the_configuration(
    kafka: str, value: bytes, verdict: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"kafka: {kafka}")

    result = invoke("check-event", "--config", str(path), "--format", "json", stdin=value)

    assert json.loads(result.stdout)["verdict"] == verdict


def test_an_event_cannot_be_checked_by_a_broken_configuration() -> None:
    result = invoke("check-event", "--config", str(CONFIGS / "invalid_several.yaml"), stdin=b"{}")

    assert result.exit_code == 2


# What cannot be run


@pytest.mark.parametrize("command", ["run", "demo"])
@pytest.mark.parametrize("name", ["invalid_several.yaml", "invalid_syntax.yaml", "missing.yaml"])
def test_a_broken_configuration_exits_2(command: str, name: str) -> None:
    result = invoke(command, "--config", str(CONFIGS / name))

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.removeprefix("firstreply: ").startswith(f"{CONFIGS / name}:")


def test_a_process_with_a_broken_configuration_exits_2_without_a_traceback() -> None:
    ended = in_a_process("run", "--config", "invalid_several.yaml")

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("invalid_several.yaml:")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("option", "value"), [("--scale", "0"), ("--speed", "-1"), ("--days", "0")]
)
def test_a_demo_that_cannot_be_played_exits_2(option: str, value: str) -> None:
    result = invoke("demo", option, value)

    assert result.exit_code == 2
    assert result.stdout == ""


async def refused(
    _: object, *, accept_loss: bool, companions: tuple[object, ...], **_others: object
) -> None:
    assert not accept_loss
    assert all(map(callable, companions))
    msg = "the broker said\n no"
    raise FatalError(msg)


@pytest.fixture
def _no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstreply.app.run_kafka", refused)


@pytest.fixture
def in_memory(tmp_path: Path) -> str:
    """A configuration that keeps no state."""
    path = tmp_path / "in-memory.yaml"
    path.write_text("kafka: {state_topic: null}")
    return str(path)


@pytest.mark.usefixtures("_no_kafka")
def test_with_a_json_log_everything_a_run_says_is_a_json_line(in_memory: str) -> None:
    result = invoke("run", "--config", in_memory, FIRSTREPLY_LOG__FORMAT="json")

    state, stopped = (json.loads(line) for line in result.stderr.splitlines())
    assert result.exit_code == 1
    assert (state["event"], state["level"]) == ("state_kept_in_memory", "warning")
    assert state["meaning"].startswith("State is kept in memory: after a restart")
    assert (stopped["event"], stopped["level"]) == ("stopped", "error")
    assert stopped["error"] == "the broker said\n no"


@pytest.mark.usefixtures("_no_kafka")
def test_with_a_plain_log_the_last_error_of_a_run_is_plain_text(in_memory: str) -> None:
    result = invoke("run", "--config", in_memory, FIRSTREPLY_LOG__FORMAT="plain")

    state, *error = result.stderr.splitlines()
    assert result.exit_code == 1
    assert ' WARNING state_kept_in_memory meaning="State is kept in memory: ' in state
    assert error == ["the broker said", " no"]


@pytest.mark.usefixtures("_no_kafka")
def test_a_run_that_keeps_its_state_in_kafka_has_nothing_to_warn_of() -> None:
    result = invoke("run", FIRSTREPLY_LOG__FORMAT="plain")

    assert result.stderr.splitlines() == ["the broker said", " no"]


def test_a_run_reads_its_file_and_its_environment_again_when_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "firstreply.yaml"
    path.write_text("grace: 1s")
    again: list[Settings] = []

    async def run_kafka(settings: Settings, *, read: Callable[[], Settings], **_: object) -> None:
        again.append(settings)
        path.write_text("grace: 2s")
        again.append(read())

    monkeypatch.setattr("firstreply.app.run_kafka", run_kafka)

    invoke("run", "--config", str(path), FIRSTREPLY_LANGUAGE="fr")

    assert [one.grace.total_seconds() for one in again] == [1, 2]
    assert [one.language for one in again] == ["fr", "fr"]


def test_a_loss_is_accepted_only_when_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    accepted: list[tuple[bool, int]] = []

    async def run_kafka(
        _: object, *, accept_loss: bool, companions: tuple[object, ...], **_others: object
    ) -> None:
        accepted.append((accept_loss, len(companions)))

    monkeypatch.setattr("firstreply.app.run_kafka", run_kafka)

    invoke("run")
    invoke("run", "--accept-loss")

    assert accepted == [(False, 1), (True, 1)], "and the bar of a restore goes with it"


def test_help_answers_without_loading_the_service() -> None:
    program = (
        "import sys; from firstreply.cli import app\n"
        "heavy = {'aiokafka', 'aiohttp', 'holidays', 'pydantic', 'msgspec'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "service")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
