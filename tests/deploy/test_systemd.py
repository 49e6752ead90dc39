"""The unit of systemd: what it starts, it also reloads."""

from typing import Final

from tests.shared import ROOT

UNIT: Final = ROOT / "deploy" / "systemd" / "firstreply@.service"


def lines(key: str) -> list[list[str]]:
    """Return the words of each line of a key."""
    text = UNIT.read_text()
    return [
        line.removeprefix(f"{key}=").split()
        for line in text.splitlines()
        if line.startswith(f"{key}=")
    ]


def test_a_reload_checks_the_file_that_was_started_with_and_then_signals() -> None:
    (started,) = lines("ExecStart")
    checked, signalled = lines("ExecReload")

    program, *run = started
    assert run[:2] == ["run", "--config"]
    assert checked == [program, "check-config", run[2]]
    assert signalled == ["/bin/kill", "-HUP", "$MAINPID"]
