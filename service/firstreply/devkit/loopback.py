"""Free ports of 127.0.0.1 for servers that are started and stopped again.

They are taken from below the range that the system gives to outgoing connections. A port from
that range could be handed to a client while its server restarts; worse, a client on this machine
that keeps trying a closed port of that range can connect to itself and so keep the server out.
"""

import secrets
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"

_PORTS: Final = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return different ports that nobody listens on just now.

    Raises:
        OSError: No such ports are left.
    """
    found: list[int] = []
    for port in secrets.SystemRandom().sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            return found
        if is_free(port):
            found.append(port)
    msg = f"fewer than {count} ports of {LOOPBACK} are free from {_PORTS.start} to {_PORTS.stop}"
    raise OSError(msg)


def is_free(port: int) -> bool:
    """Say whether a server could listen on this port just now."""
    with socket.socket() as probe:
        # As servers do, so that a port whose last connections linger counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
