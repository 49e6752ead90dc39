"""What ``firstreply doctor`` prints: for a terminal, a file and a program."""

import io
import json
from collections.abc import AsyncGenerator

import pytest

from firstreply.doctor import run
from firstreply.doctor.checkup import Checkup
from firstreply.doctor.finding import Finding, failure, ok, skipped, warning
from firstreply.doctor.text import WIDTH, finding_text, joined, summary
from tests.unit.commands import invoke

LONG = "word " * 40


class Terminal(io.StringIO):
    """A stream that a person looks at."""

    def isatty(self) -> bool:
        return True


def test_a_finding_has_its_result_its_check_and_its_text_in_columns() -> None:
    text = finding_text(warning("tls", "it ends soon", "Renew it.\nAnd see."))

    assert text.splitlines() == [
        "warning tls          it ends soon",
        "                     -> Renew it.",
        "                     -> And see.",
    ]


def test_no_line_is_wider_than_the_terminal_but_one_that_cannot_be_broken() -> None:
    command = "tool.sh --one 1 --two " + "x" * 90 + " --three 3 | other"

    lines = finding_text(failure("check", LONG, LONG, command)).splitlines()

    wide = [line for line in lines if len(line) > WIDTH]
    assert wide == ["      --two " + "x" * 90 + " \\"]
    assert lines[-1] == "      --three 3 | other"


def test_a_command_can_be_copied_as_it_stands() -> None:
    command = "tool.sh --topic a --partition 0 " * 4

    lines = finding_text(failure("check", "text", "", command.strip())).splitlines()[1:]

    assert all(line.endswith(" \\") for line in lines[:-1])
    assert " ".join(line.rstrip("\\").strip() for line in lines) == command.strip()
    assert not any(line.split()[-1] in {"--topic", "--partition"} for line in lines)


def test_colour_only_repeats_the_word() -> None:
    plain, coloured = (finding_text(ok("dns", "fine"), colour=on) for on in (False, True))

    assert coloured == plain.replace("ok      ", "\x1b[32mok      \x1b[0m")


def test_checks_skipped_in_a_row_for_one_reason_are_one_line() -> None:
    findings = [skipped(check, "needs it") for check in ("lag", "keys")]

    assert joined(findings[:1]) == findings[0]
    assert finding_text(joined(findings)) == "skipped 2 checks     needs it: lag, keys"


def test_the_account_holds_back_only_what_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    account = run.Account(run.Progress(io.StringIO()))
    for finding in (
        ok("a", "fine"),
        skipped("b", "needs x"),
        skipped("c", "needs x"),
        skipped("d", "needs y"),
        ok("e", "needs y"),
        ok("f", "fine"),
    ):
        account.add(finding)
    account.end()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1)[1].split("  ")[0] for line in lines] == [
        *("a", "2 checks", "d", "e", "f")
    ]


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([], "0 failures"),
        ([failure("a", "b", "c")], "1 failure"),
        (
            [failure("a", "b", "c")] * 2 + [warning("a", "b", "c"), ok("a", "b")],
            "2 failures, 1 warning, 1 ok",
        ),
        ([ok("a", "b")] * 3 + [skipped("a", "b")], "0 failures, 3 ok, 1 skipped"),
    ],
)
def test_the_summary_counts_what_is_there(findings: list[Finding], expected: str) -> None:
    assert summary(findings) == expected


def test_progress_is_one_line_of_a_terminal_and_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        progress = run.Progress(stream)
        progress.show("looking " * 20)
        progress.clear()

    assert terminal.getvalue().startswith("\r\x1b[2K... looking")
    assert terminal.getvalue().endswith("\r\x1b[2K")
    assert len(terminal.getvalue().split("\x1b[2K")[1].rstrip("\r")) < WIDTH
    assert file.getvalue() == ""


def test_colour_is_for_terminals_whose_owner_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert run.wants_colour(Terminal())
    assert not run.wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not run.wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not run.wants_colour(Terminal())


# The command


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """Return the list of what the checkup is to find."""
    findings: list[Finding] = []

    async def told(_: Checkup) -> AsyncGenerator[Finding, None]:
        for finding in findings:
            yield finding

    monkeypatch.setattr(Checkup, "run", told)
    return findings


@pytest.mark.parametrize(
    ("worst", "code"),
    [(ok("a", "b"), 0), (skipped("a", "b"), 0), (warning("a", "b", "c"), 0)],
)
def test_without_a_failure_the_command_exits_0_and_says_what_comes_next(
    found: list[Finding], worst: Finding, code: int
) -> None:
    found.append(worst)

    result = invoke("doctor")

    assert result.exit_code == code
    assert result.stdout.endswith("Nothing keeps the service from running: firstreply run\n")


def test_a_failure_exits_1(found: list[Finding]) -> None:
    found += [failure("a", "b", "c"), ok("d", "e")]

    text, document = invoke("doctor"), invoke("doctor", "--format", "json")

    assert (text.exit_code, document.exit_code) == (1, 1)
    assert "Nothing keeps" not in text.stdout
    told = json.loads(document.stdout)
    assert told["ok"] is False
    assert told["counts"] == {"ok": 1, "warning": 0, "failure": 1, "skipped": 0}
    assert told["findings"][0] == {
        "check": "a",
        "result": "failure",
        "text": "b",
        "remedy": "c",
        "command": "",
    }


def test_a_configuration_that_cannot_be_used_exits_2() -> None:
    result = invoke("doctor", "none.yaml")

    assert result.exit_code == 2
    assert "none.yaml: cannot read the configuration" in result.stderr


@pytest.mark.parametrize("timeout", ["0", "61"])
def test_a_timeout_without_sense_exits_2(timeout: str) -> None:
    assert invoke("doctor", "--timeout", timeout).exit_code == 2


def test_a_finding_is_printed_as_soon_as_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    account = run.Account(run.Progress(io.StringIO()))

    account.add(ok("dns", "fine"))

    assert capsys.readouterr().out == "ok      dns          fine\n"
