"""A server with an HTTP port on loopback, such as Prometheus and Alertmanager."""

import http.client
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from firstreply.devkit.loopback import LOOPBACK
from firstreply.devkit.processes import OwnedProcess

_START_TIMEOUT_SECONDS: Final = 60.0


class WebServer:
    """One running server; it answers ``/-/ready`` when the constructor returns."""

    def __init__(self, name: str, command: Sequence[str], *, port: int, log: Path) -> None:
        """Start it.

        Raises:
            FatalError: It did not come up, for instance for a wrong configuration.
        """
        self._port = port
        self._process = OwnedProcess(name, command, log)
        try:
            self._process.wait_until(self.is_ready, timeout_seconds=_START_TIMEOUT_SECONDS)
        except BaseException:  # an interrupt too: nobody else knows the process yet
            self._process.kill()
            raise

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    def is_ready(self) -> bool:
        """Whether it answers ``/-/ready`` with 200; a refused connection is a no."""
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=5)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """End it. Idempotent."""
        self._process.stop()
