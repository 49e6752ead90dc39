"""One process of the service on a seat: started, killed, paused and stopped as faults demand."""

import os
import sys
from pathlib import Path
from typing import Final

from firstreply.devkit.loopback import LOOPBACK, free_ports
from firstreply.devkit.processes import OwnedProcess
from tests.faults.cluster import Cluster
from tests.shared import ROOT

STOP_SECONDS: Final = 40.0
"""An orderly stop: a last checkpoint, leaving the group, one more scrape."""

_PATH: Final = f"{ROOT / 'service'}{os.pathsep}{ROOT}"


class Member:
    """A place in the consumer group; its processes come and go, its address stays.

    Args:
        cluster: whose brokers it reads from.
        seat: whose lines it uses.
        folder: of its configuration and its log.
        configuration: YAML, with ``SERVERS`` and ``PORT`` where they belong.
        program: what runs, as arguments of Python.
    """

    def __init__(
        self,
        cluster: Cluster,
        seat: int,
        folder: Path,
        configuration: str,
        program: tuple[str, ...] = ("-m", "firstreply"),
    ) -> None:
        self.seat = seat
        self.lines = cluster.lines[seat]
        (port,) = free_ports(1)
        self.instance = f"{LOOPBACK}:{port}"
        self.log_path = folder / f"member-{seat}.log"
        self._config = folder / f"member-{seat}.yaml"
        text = configuration.replace("SERVERS", cluster.servers(seat)).replace("PORT", str(port))
        self._config.write_text(text)
        self._program = program
        self._process: OwnedProcess | None = None
        self.is_paused = False
        self.is_wanted = False
        """Whether it is to run; a supervisor starts it again where it ended by itself."""

    @property
    def log(self) -> str:
        """Everything its processes have said."""
        return self.log_path.read_text() if self.log_path.exists() else ""

    def start(self, *arguments: str) -> None:
        """Start a process; does not wait for it."""
        if self._process is not None:
            self._process.kill()  # it ended by itself: its guard has not
        command = [
            # FIRSTREPLY_SHARED is the tests' own; the service would take it for a setting.
            *(
                "/usr/bin/env",
                "-u",
                "FIRSTREPLY_SHARED",
                f"PYTHONPATH={ROOT / 'service'}{os.pathsep}{ROOT}",
            ),
            *(sys.executable, *self._program, "run", "--config", str(self._config), *arguments),
        ]
        self._process = OwnedProcess(f"the service on seat {self.seat}", command, self.log_path)
        self.is_wanted = True
        self.is_paused = False

    def is_running(self) -> bool:
        """Whether there is a process, be it paused."""
        return self._process is not None and self._process.is_running()

    @property
    def exit_code(self) -> int | None:
        """How the last process ended; None while it runs."""
        return None if self._process is None else self._process.exit_code

    def kill(self) -> None:
        """SIGKILL."""
        self.is_wanted = False
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """SIGSTOP."""
        self._running().pause()
        self.is_paused = True

    def resume(self) -> None:
        """SIGCONT."""
        self._running().resume()
        self.is_paused = False

    def stop(self) -> int | None:
        """SIGTERM; wait for the end and return how it was."""
        self.is_wanted = False
        self._running().stop(grace_seconds=STOP_SECONDS)
        return self.exit_code

    def _running(self) -> OwnedProcess:
        assert self._process is not None, "start() was not called"
        return self._process
