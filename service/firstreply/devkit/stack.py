"""``make stack``: the whole of ``deploy/compose`` on this machine, without containers.

Apache Kafka, the simulated contact centre as producer, the service, Prometheus, Alertmanager and a
receiver of notifications, each a process of its own on loopback, at its customary port, with the
shipped configuration (``devkit.stack_files``). Data lies in a temporary folder. Ctrl-C, SIGTERM or
the end of any of them ends them all; only Grafana is missing, which no package registry has.

    python -m firstreply.devkit.stack [--free-ports]
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Self

from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars
from firstreply.devkit.loopback import LOOPBACK, free_ports, is_free
from firstreply.devkit.processes import OwnedProcess
from firstreply.devkit.stack_files import ROOT, Places, write_files
from firstreply.domain.errors import ConfigurationError, FatalError, FirstreplyError

_START_SECONDS: Final = 90.0
_STOP_SECONDS: Final = 40.0
"""A last checkpoint, and up to 20 s for the last scrape."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens; by default where its users expect it."""

    kafka: int = 9092
    firstreply: int = 9464
    prometheus: int = 9090
    alertmanager: int = 9093
    notifications: int = 9099

    def all(self) -> tuple[int, ...]:
        """Return them."""
        return (
            self.kafka,
            self.firstreply,
            self.prometheus,
            self.alertmanager,
            self.notifications,
        )


class Stack:
    """The processes; a context manager that starts them in order and stops them in reverse.

    Raises, at entry:
        ConfigurationError: a program or a port cannot be had.
        FatalError: one did not come up; the message ends with its log.
    """

    def __init__(self, folder: Path, ports: Ports) -> None:
        """Describe it; nothing runs yet.

        Args:
            folder: for data and logs; empty.
            ports: where everything listens.
        """
        self._folder = folder
        self._ports = ports
        self._exit = ExitStack()
        self._processes: list[OwnedProcess] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:  # an interrupt too: what runs already must end
            self._exit.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    def addresses(self) -> str:
        """Return what to open, as lines."""
        at = self._at
        service = f"http://{at(self._ports.firstreply)}"
        rows = (
            ("The wall", f"{service}/wall"),
            ("Metrics", f"{service}/metrics"),
            ("Prometheus", f"http://{at(self._ports.prometheus)}"),
            ("Alertmanager", f"http://{at(self._ports.alertmanager)}"),
            ("Kafka", f"{at(self._ports.kafka)}, topic contact-events"),
            ("Logs", str(self._folder)),
        )
        return "\n".join(f"  {name:14}{address}" for name, address in rows)

    def look(self) -> None:
        """Raise FatalError if a process has ended."""
        for process in self._processes:
            if not process.is_running():
                msg = f"{process.name} ended with {process.exit_code}; {process.log_tail()}"
                raise FatalError(msg)

    def told(self, since: int) -> bytes:
        """Return the notifications printed from that byte on."""
        return self._notifications.read_bytes()[since:]

    @property
    def _notifications(self) -> Path:
        return self._folder / "notifications.log"

    def _start(self) -> None:
        prometheus, alertmanager = (
            find_program("prometheus"),
            find_program("alertmanager", "prometheus-alertmanager"),
        )
        _check_free(self._ports)
        self._write_configuration()
        self._start_notifications()
        self._start_alertmanager(alertmanager)
        self._start_prometheus(prometheus)
        self._exit.enter_context(
            KafkaBroker(
                find_kafka_jars(), self._folder / "kafka", address=(LOOPBACK, self._ports.kafka)
            )
        )
        self._start_service()

    def _write_configuration(self) -> None:
        at = self._at
        places = Places(
            firstreply=at(self._ports.firstreply),
            prometheus=at(self._ports.prometheus),
            alertmanager=at(self._ports.alertmanager),
            notifications=at(self._ports.notifications),
            rules=str(ROOT / "alerts" / "*.yml"),
            templates=str(ROOT / "deploy" / "alertmanager" / "templates"),
        )
        write_files(self._folder, places)

    def _start_notifications(self) -> None:
        address = self._at(self._ports.notifications)
        command = [sys.executable, "-m", "firstreply.devkit.notifications", address]
        self._run("notifications", command, ready=f"http://{address}/")

    def _start_alertmanager(self, program: str) -> None:
        address = self._at(self._ports.alertmanager)
        command = [
            program,
            f"--config.file={self._folder / 'alertmanager.yml'}",
            f"--storage.path={self._folder / 'alertmanager'}",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]
        self._run("alertmanager", command, ready=f"http://{address}/-/ready")

    def _start_prometheus(self, program: str) -> None:
        address = self._at(self._ports.prometheus)
        command = [
            program,
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'prometheus'}",
            "--storage.tsdb.retention.time=35d",
            f"--web.listen-address={address}",
        ]
        self._run("prometheus", command, ready=f"http://{address}/-/ready")

    def _start_service(self) -> None:
        """Start producer and service; the producer first, because it makes the topic."""
        configuration = self._exit.enter_context(as_file(files("firstreply") / "demo.yaml"))
        command = [
            "/usr/bin/env",
            f"FIRSTREPLY_CONFIG={configuration}",
            f"FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS={self._at(self._ports.kafka)}",
            f"FIRSTREPLY_HTTP__PORT={self._ports.firstreply}",
            *(sys.executable, "-m", "firstreply"),
        ]
        producer = self._run("producer", [*command, "simulate"])
        producer.wait_until(
            lambda: b"events go to" in producer.log.read_bytes(), timeout_seconds=_START_SECONDS
        )
        address = self._at(self._ports.firstreply)
        self._run("firstreply", [*command, "run"], ready=f"http://{address}/healthz")

    def _run(self, name: str, command: Sequence[str], *, ready: str = "") -> OwnedProcess:
        """Start a process; return once ``ready`` answers, where it is given."""
        process = OwnedProcess(name, command, self._folder / f"{name}.log")
        self._processes.append(process)
        self._exit.callback(process.stop, grace_seconds=_STOP_SECONDS)
        if ready:
            process.wait_until(lambda: answers(ready), timeout_seconds=_START_SECONDS)
        return process

    def _at(self, port: int) -> str:
        return f"{LOOPBACK}:{port}"


def answers(url: str) -> bool:
    """Say whether an address of this machine answers 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:  # HTTPError is one
        return False


def find_program(*names: str) -> str:
    """Return the first program on the PATH, or among Debian's packages that were unpacked.

    Raises:
        ConfigurationError: there is none.
    """
    unpacked = str(ROOT / ".cache" / "debian" / "usr" / "bin")
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=unpacked)
        if found is not None:
            return found
    msg = f"there is no {' or '.join(names)} on the PATH; run 'make servers', which gets it"
    raise ConfigurationError(msg)


def _check_free(ports: Ports) -> None:
    taken = [str(port) for port in ports.all() if not is_free(port)]
    if taken:
        msg = (
            f"{LOOPBACK}: another program listens on port {', '.join(taken)}; stop it, or take free"
            " ports: make stack STACK_ARGS=--free-ports"
        )
        raise ConfigurationError(msg)


def main() -> None:
    """Run the stack until Ctrl-C, SIGTERM, or the end of a part; print what is notified."""
    parser = argparse.ArgumentParser(prog="make stack", description="The stack, natively.")
    parser.add_argument("--free-ports", action="store_true", help="not the customary ports")
    ports = Ports(*free_ports(5)) if parser.parse_args().free_ports else Ports()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="firstreply-stack-") as folder:
        try:
            _say("Starting Alertmanager, Prometheus, Apache Kafka, a producer and firstreply ...")
            with Stack(Path(folder), ports) as stack:
                _say(f"{stack.addresses()}\nNotifications follow; Ctrl-C stops everything.")
                _watch(stack)
        except KeyboardInterrupt:
            _say("stopped")
        except FirstreplyError as error:
            sys.exit(f"make stack: {error}")


def _watch(stack: Stack) -> None:
    """Print what is notified, until the interrupt, which is told at once."""
    seen = 0
    try:
        while True:
            stack.look()
            news = stack.told(seen)
            seen += len(news)
            _say(news.decode(errors="replace").rstrip("\n"))
            time.sleep(1)
    except KeyboardInterrupt:
        _say("Stopping: a last checkpoint, and a last scrape within 20 s ...")
        raise


def _say(text: str) -> None:
    if text:
        print(text, flush=True)  # noqa: T201 - its output


if __name__ == "__main__":
    main()
