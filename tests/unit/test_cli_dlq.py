"""What people type after ``firstreply dlq``: help, exit codes, and that nothing goes unasked."""

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest

from firstreply.adapters.kafka.letter import Letter
from firstreply.config.load import load_settings
from firstreply.dlq_commands import run
from firstreply.dlq_commands.replaying import Wish
from tests.unit.commands import invoke
from tests.unit.fakes import NO_JSON, opened
from tests.unit.letters import NOON, FakeBox, letter

Holding = Callable[..., FakeBox]


class OpenedBox(FakeBox):
    async def start(self, *, to_send: bool = False) -> None:
        """Be there."""

    async def stop(self) -> None:
        """Be gone."""


@pytest.fixture
def holding(monkeypatch: pytest.MonkeyPatch) -> Holding:
    """Put letters into the box that every command opens."""

    def hold(*values: bytes) -> FakeBox:
        box = OpenedBox(*(letter(number, value=value) for number, value in enumerate(values)))
        monkeypatch.setattr(run, "KafkaLetterBox", lambda *_: box)
        monkeypatch.setattr(run, "_milliseconds", lambda: NOON)
        return box

    return hold


@pytest.mark.parametrize("command", ["list", "show", "replay"])
def test_every_command_has_a_help_with_an_example_of_itself(command: str) -> None:
    result = invoke("dlq", command, "--help", COLUMNS="80", TERMINAL_WIDTH="80")

    assert result.exit_code == 0
    assert f"firstreply dlq {command}" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_list_is_a_table_or_json(holding: Holding) -> None:
    holding(NO_JSON, opened())

    table, found = invoke("dlq", "list"), invoke("dlq", "list", "--format", "json")

    assert (table.exit_code, found.exit_code) == (0, 0)
    assert "not_json  2" in table.stdout
    assert [one["letter"] for one in json.loads(found.stdout)["newest"]] == ["0:0", "0:1"]


def test_filters_reach_the_list(holding: Holding) -> None:
    holding(NO_JSON)

    result = invoke("dlq", "list", "--reason", "no_time", "--reason", "oversize")

    assert "0 letters" in result.stdout


def test_an_unknown_reason_is_wrong_use_and_the_reasons_are_told(holding: Holding) -> None:
    holding()

    result = invoke("dlq", "list", "--reason", "nonsense")

    assert result.exit_code == 2
    assert "wrong_schema" in result.stderr


def test_a_time_without_offset_is_wrong_use(holding: Holding) -> None:
    holding()

    result = invoke("dlq", "replay", "--since", "2026-03-02T12:00:00")

    assert result.exit_code == 2
    assert "append Z" in result.stderr


def test_raw_is_the_value_byte_for_byte_and_nothing_else(holding: Holding) -> None:
    holding(NO_JSON)

    result = invoke("dlq", "show", "0:0", "--raw")

    assert (result.exit_code, result.stdout_bytes) == (0, NO_JSON)


def test_raw_never_goes_to_a_terminal(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    holding(NO_JSON)
    monkeypatch.setattr("firstreply.cli_dlq._is_terminal", lambda _: True)

    result = invoke("dlq", "show", "0:0", "--raw")

    assert (result.exit_code, result.stdout) == (2, "")
    assert "send it to a file or a pipe" in result.stderr


def test_hexadecimal_and_json_show_the_same_letter(holding: Holding) -> None:
    holding(NO_JSON)

    as_hex = invoke("dlq", "show", "0:0", "--hex")
    found = invoke("dlq", "show", "0:0", "--format", "json")

    assert "00000000  00 20 6e 6f 20 6a 73 6f 6e 20 ff" in as_hex.stdout
    assert json.loads(found.stdout)["now"]["reason"] == "not_json"


@pytest.mark.parametrize(
    "options", [("--raw", "--hex"), ("--raw", "--format", "json"), ("--hex", "--format", "json")]
)
def test_two_ways_to_show_exclude_each_other(holding: Holding, options: tuple[str, ...]) -> None:
    holding(NO_JSON)

    result = invoke("dlq", "show", "0:0", *options)

    assert result.exit_code == 2
    assert "exclude each other" in result.stderr


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--format", "json")])
def test_nothing_is_sent_where_nobody_agreed(holding: Holding, options: tuple[str, ...]) -> None:
    box = holding(opened())

    result = invoke("dlq", "replay", *options)

    assert (result.exit_code, box.sent) == (0, [])


def test_without_a_terminal_the_missing_yes_is_told_on_standard_error(holding: Holding) -> None:
    holding(opened())

    result = invoke("dlq", "replay")

    assert "1 letter of events.dead-letters would be sent to events" in result.stdout
    assert result.stderr == "nothing was sent: give --yes to send\n"


def test_yes_sends_and_says_how_many(holding: Holding) -> None:
    box = holding(opened(), opened(1))

    result = invoke("dlq", "replay", "--yes", "--format", "json")

    assert (result.exit_code, len(box.sent)) == (0, 2)
    assert json.loads(result.stdout)["sent"] == 2


@pytest.mark.parametrize(("answer", "sent"), [(b"y\n", 1), (b"n\n", 0), (b"\n", 0)])
def test_on_a_terminal_the_answer_decides(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, answer: bytes, sent: int
) -> None:
    box = holding(opened())
    monkeypatch.setattr("firstreply.cli_dlq._is_terminal", lambda _: True)

    result = invoke("dlq", "replay", stdin=answer)

    assert (result.exit_code, len(box.sent)) == (0, sent)
    assert "Send them?" in result.stdout


def test_nobody_is_asked_where_there_is_nothing_to_send(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    holding(NO_JSON)
    monkeypatch.setattr("firstreply.cli_dlq._is_terminal", lambda _: True)

    result = invoke("dlq", "replay")

    assert result.exit_code == 1
    assert "Send them?" not in result.stdout


def test_letters_that_are_held_back_are_told_by_the_exit_code(holding: Holding) -> None:
    box = holding(opened(), NO_JSON)

    result = invoke("dlq", "replay", "--yes")

    assert (result.exit_code, len(box.sent)) == (1, 1)
    assert "held back, 1 letter (0:1): would be rejected again" in result.stdout


def test_dry_run_and_yes_exclude_each_other(holding: Holding) -> None:
    box = holding(opened())

    result = invoke("dlq", "replay", "--yes", "--dry-run")

    assert (result.exit_code, box.sent) == (2, [])


def test_an_event_older_than_settle_for_is_sent_only_when_that_is_said(holding: Holding) -> None:
    box = holding(opened(-70 * 3600))  # 73 h before it is noon

    held = invoke("dlq", "replay", "--yes")
    sent = invoke("dlq", "replay", "--yes", "--also-old")

    assert (held.exit_code, "older than settle_for" in held.stdout) == (1, True)
    assert (sent.exit_code, len(box.sent)) == (0, 1)


async def test_an_interrupt_tells_how_many_were_sent(
    holding: Holding, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    box = holding(*(opened(contact=f"c{number}") for number in range(5)))

    async def interrupted(letters: Sequence[Letter]) -> None:
        if box.sent:
            raise asyncio.CancelledError  # what asyncio makes of Ctrl-C
        box.sent += letters

    monkeypatch.setattr(box, "send", interrupted)
    settings = load_settings(None, {})
    plan = await run.plan_replay(settings, Wish(), None)

    with pytest.raises(asyncio.CancelledError):
        await run.send_replay(settings, Wish(), None, plan)

    assert "interrupted: at least 2 of 5 letters were sent" in capsys.readouterr().err


@pytest.mark.parametrize("topic", ["firstreply-state", "firstreply-status"])
def test_nothing_is_sent_to_where_firstreply_keeps_what_it_knows(
    holding: Holding, topic: str
) -> None:
    box = holding(opened())

    result = invoke("dlq", "replay", "--yes", "--to", topic)

    assert (result.exit_code, f"--to {topic}: firstreply keeps" in result.stderr) == (2, True)
    assert box.sent == []
