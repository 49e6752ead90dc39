"""A real Alertmanager on loopback, without a cluster, on a configuration of the test's own."""

from pathlib import Path

from firstreply.devkit.loopback import LOOPBACK, free_ports
from tests.servers.programs import find_program
from tests.servers.web_server import WebServer


def start_alertmanager(config: Path, data: Path, *options: str) -> WebServer:
    """Start a server; the caller stops it.

    Args:
        config: What ``--config.file`` names.
        data: Silences and the notification log go below it, and its output.
        options: More of its command line.

    Raises:
        NotAvailableError: This machine has no Alertmanager.
        FatalError: It did not come up.
    """
    program = find_program("alertmanager", "alertmanager", "prometheus-alertmanager")
    (port,) = free_ports(1)
    command = [
        str(program),
        f"--config.file={config}",
        f"--storage.path={data / 'alertmanager'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--cluster.listen-address=",  # no peers
        *options,
    ]
    return WebServer("Alertmanager", command, port=port, log=data / "alertmanager.log")
