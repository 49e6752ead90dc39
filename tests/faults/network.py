"""A network of our own for the brokers: one namespace each, joined by a bridge.

Kafka's brokers talk to each other directly, so what goes wrong between two of them has to be done
to the network itself. Each broker gets a namespace with one interface; the bridge has an address
too, so that the proxies on this machine reach every broker. A *cut* sends the packets of a pair to
a hardware address that nobody has: they vanish without a word, as behind a broken switch.

Needs root and ``ip`` (iproute2). Names hold a random part, so that two runs never meet. A *guard*,
a shell that waits on a pipe, removes everything when the run ends, however it ends.
"""

import os
import secrets
import shutil
import subprocess
from types import TracebackType
from typing import Final, Self

_NOWHERE: Final = "02:00:00:00:00:01"
"""A hardware address that nobody has."""


class NetworkError(Exception):
    """A command of iproute2 failed; the text is what it said."""


def why_no_network() -> str | None:
    """Return why this machine cannot have namespaces, or None if it can."""
    if os.environ.get("FAULTS_WITHOUT_NAMESPACES", "0") not in {"", "0"}:
        return "FAULTS_WITHOUT_NAMESPACES is set"
    if shutil.which("ip") is None:
        return "there is no 'ip' (Debian: iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with Network(1):
            return None
    except NetworkError as error:
        return f"network namespaces are not permitted here: {error}"


class Network:
    """Namespaces 0 to ``size - 1`` on one bridge. A context manager; leaves nothing behind."""

    def __init__(self, size: int) -> None:
        """Choose names and addresses; nothing exists before the block begins."""
        self._run = f"fr{secrets.token_hex(3)}"
        # 198.18.0.0/15 is set aside for tests of networks (RFC 2544): nobody's real addresses.
        self._subnet = f"198.{18 + secrets.randbelow(2)}.{secrets.randbelow(256)}"
        self._size = size
        self._cuts: set[tuple[int, int]] = set()

    def __enter__(self) -> Self:
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", f"read -r _; {self._removal()}"],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C in the terminal is not for it
        )
        try:
            self._make()
        except BaseException:  # an interrupt too: nobody else knows what exists already
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def address(self, node: int) -> str:
        """Return the address of a node, reachable from this machine and from the other nodes."""
        return f"{self._subnet}.{11 + node}"

    def launcher(self, node: int) -> tuple[str, ...]:
        """Return what a command line must begin with to run on a node."""
        return ("ip", "netns", "exec", self._space(node))

    def cut(self, one: int, other: int) -> None:
        """Let nothing pass between two nodes, in silence. Idempotent."""
        for here, there in ((one, other), (other, one)):
            _ip(
                *("-n", self._space(here), "neigh", "replace", self.address(there)),
                *("lladdr", _NOWHERE, "nud", "permanent", "dev", "eth0"),
            )
            self._cuts.add((here, there))

    def isolate(self, node: int) -> None:
        """Cut a node off from all others; this machine still reaches it."""
        for other in range(self._size):
            if other != node:
                self.cut(node, other)

    def heal(self) -> None:
        """Undo every cut."""
        while self._cuts:
            here, there = self._cuts.pop()
            _ip("-n", self._space(here), "neigh", "del", self.address(there), "dev", "eth0")

    def _space(self, node: int) -> str:
        return f"{self._run}-{node}"

    def _make(self) -> None:
        bridge = f"{self._run}b"
        _ip("link", "add", bridge, "type", "bridge")
        _ip("addr", "add", f"{self._subnet}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for node in range(self._size):
            space, outside = self._space(node), f"{self._run}v{node}"
            _ip("netns", "add", space)
            _ip(
                *("link", "add", outside, "type", "veth"),
                *("peer", "name", "eth0", "netns", space),
            )
            _ip("link", "set", outside, "master", bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.address(node)}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def _removal(self) -> str:
        """Return the commands that remove everything; each goes on where another failed."""
        spaces = [self._space(node) for node in range(self._size)]
        links = [f"{self._run}v{node}" for node in range(self._size)]
        return "; ".join(
            [
                *(f"ip link del {link}" for link in [*links, f"{self._run}b"]),
                *(f"ip netns del {space}" for space in spaces),
            ]
        )

    def _remove(self) -> None:
        """Let the guard do its work: it does so too when this process dies without a word."""
        self._guard.communicate()


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        msg = f"ip {' '.join(arguments)}: {done.stderr.strip()}"
        raise NetworkError(msg)
