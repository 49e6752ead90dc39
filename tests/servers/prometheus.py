"""A real Prometheus on loopback, on a configuration of the test's own."""

from pathlib import Path

from firstreply.devkit.loopback import LOOPBACK, free_ports
from tests.servers.programs import find_program
from tests.servers.web_server import WebServer


def start_prometheus(config: Path, data: Path, *options: str) -> WebServer:
    """Start a server; the caller stops it.

    Args:
        config: What ``--config.file`` names; relative ``rule_files`` start at its folder.
        data: Samples go to ``tsdb`` below it (blocks may be there already), its output beside it.
        options: More of its command line.

    Raises:
        NotAvailableError: This machine has no Prometheus.
        FatalError: It did not come up.
    """
    program = find_program("prometheus", "prometheus")
    (port,) = free_ports(1)
    command = [
        str(program),
        f"--config.file={config}",
        f"--storage.tsdb.path={data / 'tsdb'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--web.enable-lifecycle",
        *options,
    ]
    return WebServer("Prometheus", command, port=port, log=data / "prometheus.log")
