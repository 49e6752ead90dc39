"""Where the programs of the real servers are, or why a machine does not have them.

``deploy/dev/servers.sh`` gets them: it unpacks Debian's packages into ``.cache/debian`` and leaves
the reason for what it could not get in ``.cache/missing``. A program on the PATH comes first.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from firstreply.devkit.kafka_broker import find_java, find_kafka_jars
from firstreply.domain.errors import ConfigurationError

ROOT: Final = Path(__file__).resolve().parents[2]
CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""What ``deploy/dev/servers.sh`` takes for a browser."""

_UNPACKED: Final = ROOT / ".cache" / "debian" / "usr" / "bin"
_MISSING: Final = ROOT / ".cache" / "missing"


class NotAvailableError(Exception):
    """A server cannot be had on this machine; the message says why."""

    def __init__(self, server: str, problem: str) -> None:
        """Prefer the reason that the set-up noted to the ``problem`` seen here.

        Args:
            server: What ``make servers`` gets, such as ``kafka`` or ``chromium``.
            problem: What was looked for.
        """
        noted = _MISSING / server
        reason = noted.read_text().strip() if noted.exists() else f"{problem}; run 'make servers'"
        super().__init__(f"{server}: {reason}")


def find_program(server: str, *names: str) -> Path:
    """Return the first of ``names`` that this machine has.

    Raises:
        NotAvailableError: It has none.
    """
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
        if found is not None:
            return Path(found)
    raise NotAvailableError(server, f"there is no {' or '.join(names)} on the PATH")


def kafka_jars() -> Path:
    """Return the folder of Kafka's jars, on a machine that can run them.

    The newest there are, or those of ``KAFKA_VERSION`` in the environment.

    Raises:
        NotAvailableError: The jars are absent, or Java is.
    """
    try:
        find_java()
        newest = find_kafka_jars(ROOT)
    except ConfigurationError as error:
        raise NotAvailableError("kafka", str(error)) from error
    wanted = newest.with_name(f"kafka-{os.environ.get('KAFKA_VERSION', '')}")
    if wanted.name == "kafka-":
        return newest
    if not wanted.is_dir():
        problem = f"KAFKA_VERSION is set, but {wanted} is absent"
        raise NotAvailableError("kafka", problem)
    return wanted
