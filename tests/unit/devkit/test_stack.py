"""``make stack`` before anything runs: programs and ports that cannot be had."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from firstreply.devkit.loopback import LOOPBACK, free_ports
from firstreply.devkit.stack import Ports, Stack, find_program
from firstreply.domain.errors import ConfigurationError


def test_a_program_that_is_nowhere_is_said_with_the_command_that_gets_it() -> None:
    with pytest.raises(ConfigurationError, match=r"no-such-program or none on the PATH.*make serv"):
        find_program("no-such-program", "none")


def test_a_port_that_is_taken_is_named_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstreply.devkit.stack.find_program", lambda *_: "/bin/false")
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        stack = Stack(tmp_path, replace(Ports(*free_ports(5)), notifications=port))

        with pytest.raises(ConfigurationError, match=rf"port {port}; stop it, or"), stack:
            pass

    assert list(tmp_path.iterdir()) == []
