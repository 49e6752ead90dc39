"""The flags in the Compose file, asked of the programs themselves."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.files import DEPLOY, document
from tests.servers.fixtures import give_up
from tests.servers.programs import NotAvailableError, find_program

pytestmark = pytest.mark.servers

SERVICES: Final = document(DEPLOY / "compose" / "compose.yaml")["services"]


def flags(service: str) -> set[str]:
    """Return the names of the flags of its command."""
    return {word.split("=")[0] for word in SERVICES[service]["command"] if word.startswith("--")}


def known_to(command: list[str | Path]) -> set[str]:
    """Return the flags that a program's help tells of."""
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(re.findall(r"--[a-z][a-z.-]+", said.stdout + said.stderr))


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_a_server_knows_every_flag(name: str, request: pytest.FixtureRequest) -> None:
    try:
        program = find_program(name, name, f"prometheus-{name}")
    except NotAvailableError as error:
        give_up(request.config, error)

    assert flags(name)
    assert flags(name) <= known_to([program, "--help"])
