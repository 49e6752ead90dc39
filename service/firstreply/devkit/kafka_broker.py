"""One real Apache Kafka broker on loopback, in KRaft mode, started and ended by its owner.

``make demo-kafka`` and the tests run on it. The jars come from ``make kafka`` (Maven); the broker
is one Java process with 512 MiB of heap, both controller and broker, on two free ports of
127.0.0.1. Its settings are Kafka's own defaults but for four things: it is a single replica, it
creates no topic by itself, a group does not wait for more members, and it starts fast. What
matters to a consumer (time-stamp types, retention, message size) is as a real cluster has it.

Everything blocks; an event loop calls it through ``asyncio.to_thread``.
"""

import re
import shutil
import socket
import struct
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from firstreply.devkit.loopback import LOOPBACK, free_ports
from firstreply.devkit.processes import OwnedProcess
from firstreply.domain.errors import ConfigurationError, FatalError

START_TIMEOUT_SECONDS: Final = 90.0
"""A broker is up after 3 to 8 s; two busy cores may need far longer."""

MINIMUM_JAVA: Final = 17
"""Kafka 4 does not start on an older one."""

_NODE_ID: Final = 1
_JVM_OPTIONS: Final = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseSerialGC",  # the smallest footprint, and two cores gain nothing from another one
    "-XX:TieredStopAtLevel=1",  # a test's broker lives too short to be worth optimising
    "-Djava.awt.headless=true",
)
_LOG4J2: Final = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d] %p %m (%c)%n
logger.settings.name = org.apache.kafka.common.config
logger.settings.level = WARN
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
"""


def find_kafka_jars(*roots: Path) -> Path:
    """Return the folder of the newest Kafka below ``ROOT/.cache``.

    Args:
        roots: Folders to look in; by default the current one and the source tree's.

    Raises:
        ConfigurationError: There is none.
    """
    places = roots or (Path.cwd(), Path(__file__).resolve().parents[3])
    found = [
        folder
        for root in places
        for folder in root.glob(".cache/kafka-*")
        if any(folder.glob("kafka_2.13-*.jar"))
    ]
    if not found:
        msg = (
            f"Apache Kafka's jars are not in {places[0] / '.cache'}; "
            "run 'make kafka' in the source tree, which gets them by Maven"
        )
        raise ConfigurationError(msg)
    return max(found, key=_version).resolve()


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", folder.name))


def find_java() -> Path:
    """Return the Java to run Kafka on.

    Raises:
        ConfigurationError: There is none, or it is older than ``MINIMUM_JAVA``.
    """
    remedy = f"Kafka needs Java {MINIMUM_JAVA} or newer (Debian: openjdk-17-jre-headless)"
    java = shutil.which("java")
    if java is None:
        msg = f"there is no 'java' on the PATH; {remedy}"
        raise ConfigurationError(msg)
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'version "(\d+)', answer.stderr)
    if version is None or int(version[1]) < MINIMUM_JAVA:
        msg = f"{java} says {answer.stderr.strip()!r}; {remedy}"
        raise ConfigurationError(msg)
    return Path(java)


def cluster_id() -> str:
    """Return a new id for a cluster, as Kafka spells them."""
    spelt = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return f"A{spelt[1:]}"  # one that begins with a dash would be read as an option


class KafkaBroker:
    """A broker that can be started, paused, resumed, stopped, killed and started again.

    Ports, cluster and data survive a restart, so clients find the same topics at the same address.
    As a context manager it is started at entry and stopped at exit.
    """

    def __init__(
        self,
        jars: Path,
        data: Path,
        *,
        overrides: Mapping[str, str] | None = None,
        address: tuple[str, int] | None = None,
        launcher: Sequence[str] = (),
        cluster: str = "",
        scram_users: Sequence[str] = (),
    ) -> None:
        """Describe a broker; nothing runs before ``start()``.

        Args:
            jars: See ``find_kafka_jars``.
            data: A folder of its own. Log segments, settings and ``broker.log`` go there; the
                owner deletes it.
            overrides: Broker settings by their Kafka names; they win.
            address: Host and port to listen on; by default a free port of loopback.
            launcher: What the command line begins with, such as ``ip netns exec NAME``.
            cluster: Its id (see ``cluster_id``), which brokers of one cluster share; by default
                one of its own.
            scram_users: Users it is to know from the start, as the storage tool's ``--add-scram``
                takes them: ``SCRAM-SHA-256=[name=...,password=...]``.
        """
        self._jars = jars
        self._data = data
        self._overrides = dict(overrides or {})
        port, self._controller_port = free_ports(2)
        self._host, self._port = address or (LOOPBACK, port)
        self._launcher = tuple(launcher)
        self._cluster = cluster or cluster_id()
        self._scram_users = tuple(scram_users)
        self._process: OwnedProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def bootstrap_servers(self) -> str:
        """The address for clients, ``HOST:PORT``; the same for the life of this object."""
        return f"{self._host}:{self._port}"

    @property
    def log(self) -> Path:
        """What the broker printed."""
        return self._data / "broker.log"

    def start(self, *, timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Start it and return once it answers requests. No effect while it runs.

        Raises:
            ConfigurationError: Java is missing or too old.
            FatalError: It did not come up; the message holds the end of its log.
        """
        if self._process is not None and self._process.is_running():
            return
        java = find_java()
        self._write_settings()
        if not (self._data / "log" / "meta.properties").exists():
            self._format(java)
        settings = str(self._data / "server.properties")
        command = [*self._launcher, *self._java_command(java, "kafka.Kafka", settings)]
        self._process = OwnedProcess("the Kafka broker", command, self.log)
        try:
            self._process.wait_until(self._answers, timeout_seconds=timeout_seconds)
        except BaseException:  # KeyboardInterrupt too: nobody else knows the process yet
            self._process.kill()
            raise

    def stop(self) -> None:
        """End it in order, within about a second. Idempotent."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a power cut would. Idempotent; ``start()`` recovers the data."""
        if self._process is not None:
            self._process.kill()

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""
        self._running().pause()

    def resume(self) -> None:
        """Let it go on after ``pause()``."""
        self._running().resume()

    def _running(self) -> OwnedProcess:
        if self._process is None or not self._process.is_running():
            msg = "the Kafka broker does not run; call start() first"
            raise FatalError(msg)
        return self._process

    def _java_command(self, java: Path, main: str, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._data / 'log4j2.properties'}"
        return [str(java), *_JVM_OPTIONS, logging, "-cp", f"{self._jars}/*", main, *arguments]

    def _format(self, java: Path) -> None:
        settings = str(self._data / "server.properties")
        command = self._java_command(
            java,
            "kafka.tools.StorageTool",
            *("format", "-t", self._cluster, "-c", settings),
            *(word for user in self._scram_users for word in ("--add-scram", user)),
        )
        answer = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_SECONDS
        )
        if answer.returncode != 0:
            msg = f"Kafka's storage tool could not prepare {self._data}: {answer.stdout.strip()}"
            raise FatalError(msg)

    def _write_settings(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        (self._data / "log4j2.properties").write_text(_LOG4J2)
        lines = [f"{name}={value}\n" for name, value in self._settings().items()]
        (self._data / "server.properties").write_text("".join(lines))

    def _settings(self) -> dict[str, str]:
        broker, controller = self.bootstrap_servers, f"{self._host}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": str(_NODE_ID),
            "controller.quorum.voters": f"{_NODE_ID}@{controller}",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(self._data / "log"),
            "auto.create.topics.enable": "false",
            # A single replica of everything, and as few internal partitions as will do.
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            # The compactor's default buffer is a quarter of the heap.
            "log.cleaner.dedupe.buffer.size": "4194304",
            # How long a broker that was killed counts as alive and cannot register again.
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "500",
            **self._overrides,
        }

    def _answers(self) -> bool:
        """Ask for ApiVersions, the one request that needs no client: only a ready broker answers.

        The port opens seconds before that, so connecting alone proves nothing.
        """
        request = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation, no client id
        try:
            with socket.create_connection((self._host, self._port), timeout=1) as connection:
                connection.sendall(struct.pack(">i", len(request)) + request)
                return len(connection.recv(4)) > 0
        except OSError:
            return False
