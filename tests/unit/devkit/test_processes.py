"""A child process is ended by its owner, whatever happens to either."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import firstreply
from firstreply.devkit.processes import OwnedProcess
from firstreply.domain.errors import FatalError

PACKAGE_FOLDER = Path(firstreply.__file__).parents[1]
SLEEPER = [
    sys.executable,
    "-c",
    """from signal import *; pthread_sigmask(SIG_BLOCK, [SIGTERM]); print('up', flush=True)
sigwait([SIGTERM]); print('ended in order', flush=True)""",
]
STUBBORN = [
    sys.executable,
    "-c",
    "from signal import *; signal(SIGTERM, SIG_IGN); print('up', flush=True); sigwait([SIGUSR1])",
]
OWNER_THAT_DIES = """
import os, signal, sys
from pathlib import Path
from firstreply.devkit.processes import OwnedProcess
child = OwnedProcess("child", ["/bin/sleep", "60"], Path(sys.argv[1]))
print(child.pid, flush=True)
if sys.argv[2] == "paused":
    child.pause()
os.kill(os.getpid(), signal.SIGKILL)
"""


def says_up(log: Path) -> bool:
    return "up" in log.read_text()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "child.log"


@pytest.fixture
def sleeper(log: Path) -> Iterator[OwnedProcess]:
    with OwnedProcess("sleeper", SLEEPER, log) as process:
        process.wait_until(lambda: says_up(log), timeout_seconds=20)
        yield process


def group_is_gone(group: int) -> bool:
    """Whether no process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def has_ended(pid: int) -> bool:
    """Whether a process has ended, even if nobody collected it (a container without an init)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_stopped_process_and_its_guard_are_gone(sleeper: OwnedProcess) -> None:
    assert sleeper.is_running()

    sleeper.stop(grace_seconds=20)

    assert not sleeper.is_running()
    assert sleeper.log.read_text().endswith("ended in order\n")
    assert group_is_gone(sleeper.pid)


def test_how_it_ended_is_known_once_it_has(sleeper: OwnedProcess, log: Path) -> None:
    codes = [sleeper.exit_code]
    sleeper.stop()
    codes.append(sleeper.exit_code)
    assert codes == [None, 0]

    killed = OwnedProcess("killed", SLEEPER, log)
    killed.kill()
    assert killed.exit_code == -signal.SIGKILL


def test_stopping_twice_does_nothing_more(sleeper: OwnedProcess) -> None:
    sleeper.stop()
    sleeper.stop()

    assert not sleeper.is_running()


def test_a_paused_process_runs_and_can_be_stopped(sleeper: OwnedProcess) -> None:
    sleeper.pause()
    assert sleeper.is_running()

    sleeper.stop(grace_seconds=5)

    assert group_is_gone(sleeper.pid)
    assert sleeper.log.read_text().endswith("ended in order\n")


@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read in /proc")
def test_a_process_does_nothing_more_once_it_is_paused(log: Path) -> None:
    with OwnedProcess("busy", [sys.executable, "-c", "while True: pass"], log) as busy:
        states = []
        for _ in range(20):
            busy.pause()
            stat = Path(f"/proc/{busy.pid}/stat").read_text(encoding="ascii")
            states.append(stat.rpartition(") ")[2][0])
            busy.resume()

    assert states == ["T"] * 20


def test_a_process_deaf_to_sigterm_is_killed_when_the_grace_is_over(log: Path) -> None:
    process = OwnedProcess("stubborn", STUBBORN, log)
    process.wait_until(lambda: says_up(log), timeout_seconds=20)

    process.stop(grace_seconds=0.1)

    assert group_is_gone(process.pid)


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_process_dies_with_an_owner_that_was_killed(tmp_path: Path, state: str) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER_THAT_DIES, str(tmp_path / "log"), state],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PACKAGE_FOLDER,
    )
    said, _ = owner.communicate(timeout=20)

    with OwnedProcess("watcher", SLEEPER, tmp_path / "watcher.log") as watcher:
        watcher.wait_until(lambda: has_ended(int(said)), timeout_seconds=10)

    assert owner.returncode == -signal.SIGKILL


def test_a_process_that_ends_before_it_is_ready_is_reported_with_its_last_words(log: Path) -> None:
    words = [sys.executable, "-c", "print('no such volcano'); raise SystemExit(7)"]
    process = OwnedProcess("crasher", words, log)

    with pytest.raises(FatalError) as raised:
        process.wait_until(lambda: False, timeout_seconds=20)

    assert "crasher ended with exit code 7 before it was ready" in str(raised.value)
    assert str(raised.value).endswith("no such volcano")
    assert str(log) in str(raised.value)


def test_a_process_that_is_not_ready_in_time_is_ended(log: Path) -> None:
    process = OwnedProcess("dawdler", SLEEPER, log)

    with pytest.raises(FatalError, match=r"dawdler was not ready within 0\.1 s"):
        process.wait_until(lambda: False, timeout_seconds=0.1)

    assert group_is_gone(process.pid)


def test_ctrl_c_in_the_terminal_does_not_reach_it(sleeper: OwnedProcess) -> None:
    """A terminal signals its foreground group: the child must not be in ours."""
    assert os.getpgid(sleeper.pid) != os.getpgrp()
