"""Namespaces: pairs are cut and healed, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.network import Network, why_no_network
from tests.shared import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(why_no_network() is not None, reason=str(why_no_network())),
]

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], 8000), timeout=0.5)"
OWNER = """
import sys
from tests.faults.network import Network
with Network(1) as network:
    print(network.launcher(0)[-1], flush=True)
    sys.stdin.read()
"""


def reaches(network: Network, one: int, other: int) -> bool:
    command = [*network.launcher(one), sys.executable, "-c", CONNECT, network.address(other)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def namespaces() -> str:
    return subprocess.run(
        ["ip", "netns", "list"], capture_output=True, text=True, check=True
    ).stdout


def test_a_pair_is_cut_and_healed_and_the_third_still_reached() -> None:
    with Network(3) as network:
        listen = "import socket; s = socket.create_server(('', 8000)); print(flush=True); input()"
        command = [*network.launcher(1), sys.executable, "-c", listen]
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()
            assert reaches(network, 0, 1)
            network.cut(0, 1)
            assert not reaches(network, 0, 1)
            assert reaches(network, 2, 1)
            network.isolate(1)
            assert not reaches(network, 2, 1)
            network.heal()
            assert reaches(network, 0, 1)
            assert reaches(network, 2, 1)
            server.communicate(b"\n")
        name = network.launcher(0)[-1]
    assert name not in namespaces()


def test_nothing_is_left_when_the_owner_is_killed() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'service'}{os.pathsep}{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as owner:
        assert owner.stdout is not None
        name = owner.stdout.readline().strip()
        assert name in namespaces()
        owner.send_signal(signal.SIGKILL)
    until = time.monotonic() + 10
    while name in namespaces():
        assert time.monotonic() < until, f"{name} is still there"
        time.sleep(0.05)
