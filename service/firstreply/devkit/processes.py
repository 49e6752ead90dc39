"""A child process that never outlives its owner, whatever ends the owner.

``OwnedProcess`` runs one program in a process group of its own, with its output in a file. Its own
group means that Ctrl-C in the terminal reaches only the owner, who then stops the program in order.
Beside it runs a *guard*: a shell that waits on a pipe held by the owner. If the owner dies without
a word (SIGKILL, a closed terminal, the out-of-memory killer), the pipe closes and the guard kills
the group. The guard is a member of that group, so the group's number cannot be reused meanwhile.

Signals go to this program by its own process id, never by name. POSIX only.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from firstreply.domain.errors import FatalError

STOP_GRACE_SECONDS: Final = 10.0
"""How long a program may take to end after SIGTERM before it is killed."""

_POLL_SECONDS: Final = 0.05
_LOG_TAIL_LINES: Final = 25
_GUARD: Final = 'read -r _; kill -s KILL -- "-$1"'


class OwnedProcess:
    """One running program, its log file and its guard."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        """Start ``command`` without standard input; its output is appended to ``log``.

        Args:
            name: What messages call it.
            command: The program by full path, and its arguments.
            log: Created when absent. Kept: it is what a person reads after a failure.
        """
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # the devkit's own command line, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        self._guard = self._start_guard()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "guard", str(self.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=self.pid,
            )
        except BaseException:  # an interrupt too: without its guard the program would outlive us
            self._process.kill()
            self._process.wait()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, which is also the number of its group."""
        return self._process.pid

    def is_running(self) -> bool:
        """Whether it has not ended. A paused process runs."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return self._process.poll()

    def wait_until(self, is_ready: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Return once ``is_ready()``; it is asked about every 50 ms.

        Raises:
            FatalError: It ended, or was not ready in time; it is stopped, and the message ends
                with the last lines of its log.
        """
        limit = time.monotonic() + timeout_seconds
        while not is_ready():
            if not self.is_running():
                problem = f"ended with exit code {self._process.returncode} before it was ready"
            elif time.monotonic() > limit:
                problem = f"was not ready within {timeout_seconds:g} s"
            else:
                time.sleep(_POLL_SECONDS)
                continue
            self.kill()
            msg = f"{self.name} {problem}; {self.log_tail()}"
            raise FatalError(msg)

    def log_tail(self) -> str:
        """Return where the log is and its last lines, as the end of a message."""
        lines = self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "\n  ".join([f"its log, {self.log}, ends with:", *lines])

    def pause(self) -> None:
        """Stop it as a debugger or a frozen machine would (SIGSTOP); connections stay open."""
        os.kill(self.pid, signal.SIGSTOP)
        # One of its threads has to take the signal, and on busy cores waits for its turn: until
        # then the others go on. WNOWAIT: how it ended is for Popen to collect.
        if hasattr(os, "waitid"):  # macOS has it from Python 3.13 on
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self) -> None:
        """Let a paused process go on. No effect on one that is not paused."""
        os.kill(self.pid, signal.SIGCONT)

    def stop(self, *, grace_seconds: float = STOP_GRACE_SECONDS) -> None:
        """End it in order (SIGTERM), or by force once the grace is over. Idempotent."""
        try:
            if self.is_running():
                self._process.terminate()
                self.resume()  # a paused process would not see the signal
                self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            pass  # killed below
        finally:  # after Ctrl-C during the wait, too
            self.kill()

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL), and its guard. Idempotent."""
        self._process.kill()
        self._process.wait()
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin is not None:
            self._guard.stdin.close()
