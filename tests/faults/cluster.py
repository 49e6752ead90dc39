"""Three real brokers, in KRaft mode, and the lines that lead each client to each of them.

Every broker has one listener for each *seat*: a place for one client, with lines of its own, so
that one service can be cut off while the others are not. Seat 0 is the test's own. The brokers are
controllers too, as in a small installation; topics have three replicas, two of which must
acknowledge. Where the machine allows it, each broker has its own network namespace, so that they
can be cut off from each other.

Kafka's timeouts are short, so that what a test waits for comes within seconds; the order of things
is the same.
"""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from firstreply.devkit.kafka_broker import KafkaBroker, cluster_id
from firstreply.devkit.loopback import LOOPBACK, free_ports
from tests.faults.network import Network, why_no_network
from tests.faults.proxy import Address, Line, ProxyThread

BROKERS: Final = 3
SEATS: Final = 5
"""The test's own, and four for services."""

_PORTS_EACH: Final = SEATS + 2

_SETTINGS: Final = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "unclean.leader.election.enable": "false",
    # Shorter than Kafka's own, by which a broker is missed after 9 s and a replica after 30 s.
    "broker.session.timeout.ms": "3000",
    "replica.lag.time.max.ms": "4000",
    "replica.socket.timeout.ms": "4000",
    "controller.quorum.request.timeout.ms": "2000",
    "group.min.session.timeout.ms": "1000",
    # Three brokers share two cores with what is tested.
    "num.network.threads": "1",
    "num.io.threads": "3",
    "background.threads": "2",
    "log.segment.delete.delay.ms": "1000",
    "log.retention.check.interval.ms": "1000",
}


class Cluster:
    """The brokers, numbered from 0, and their lines: ``lines[seat][broker]``."""

    def __init__(self, jars: Path, data: Path, network: Network | None) -> None:
        """Describe it; ``running_cluster`` starts it."""
        self.network = network
        self.version = jars.name.removeprefix("kafka-")
        self.lines = _lines()
        hosts = [network.address(node) if network else LOOPBACK for node in range(BROKERS)]
        ports = [_ports(network is not None) for _ in range(BROKERS)]
        voters = ",".join(f"{node + 1}@{hosts[node]}:{ports[node][1]}" for node in range(BROKERS))
        shared = cluster_id()
        self._upstreams: list[list[Address]] = [
            [(hosts[node], port) for port in ports[node][2:]] for node in range(BROKERS)
        ]
        """By broker, then by seat."""
        self.brokers = [
            KafkaBroker(
                jars,
                data / f"broker-{node + 1}",
                overrides={
                    **_SETTINGS,
                    "node.id": str(node + 1),
                    "controller.quorum.voters": voters,
                    **self._listeners(node, hosts[node], ports[node]),
                },
                address=(hosts[node], ports[node][0]),
                launcher=network.launcher(node) if network else (),
                cluster=shared,
            )
            for node in range(BROKERS)
        ]

    def servers(self, seat: int) -> str:
        """Return the brokers' addresses as the client on a seat knows them."""
        return ",".join(f"{LOOPBACK}:{line.port}" for line in self.lines[seat])

    def open_lines(self, proxies: ProxyThread) -> None:
        """Let every line listen."""
        for seat, lines in enumerate(self.lines):
            for line, upstreams in zip(lines, self._upstreams, strict=True):
                proxies.open(line, upstreams[seat])

    def start(self) -> None:
        """Start the brokers that do not run; at once, because none is ready alone."""
        _at_once([broker.start for broker in self.brokers])

    def stop(self) -> None:
        """End all brokers in order."""
        _at_once([broker.stop for broker in self.brokers])

    def kill(self) -> None:
        """End all brokers as a power cut would."""
        _at_once([broker.kill for broker in self.brokers])

    def heal(self) -> None:
        """Be a whole cluster with good lines again."""
        if self.network is not None:
            self.network.heal()
        for lines in self.lines:
            for line in lines:
                line.heal()
        self.start()

    def _listeners(self, node: int, host: str, ports: list[int]) -> dict[str, str]:
        internal, controller, *seats = ports
        inside = f"INTERNAL://{host}:{internal}"
        listening = [inside, f"CONTROLLER://{host}:{controller}"]
        told = [inside]
        for seat, port in enumerate(seats):
            listening.append(f"SEAT{seat}://{host}:{port}")
            told.append(f"SEAT{seat}://{LOOPBACK}:{self.lines[seat][node].port}")
        names = ["INTERNAL", "CONTROLLER", *(f"SEAT{seat}" for seat in range(SEATS))]
        return {
            "listeners": ",".join(listening),
            "advertised.listeners": ",".join(told),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
            "inter.broker.listener.name": "INTERNAL",
        }


@contextmanager
def running_cluster(jars: Path, data: Path) -> Iterator[Cluster]:
    """Run a cluster for the length of a ``with`` block."""
    with ExitStack() as stack:
        network = None if why_no_network() else stack.enter_context(Network(BROKERS))
        cluster = Cluster(jars, data, network)
        stack.callback(_keep_logs_alone, data)
        stack.callback(cluster.stop)
        cluster.open_lines(stack.enter_context(ProxyThread()))
        cluster.start()
        yield cluster


def _lines() -> list[list[Line]]:
    ports = free_ports(SEATS * BROKERS)
    return [
        [Line(port) for port in ports[first : first + BROKERS]]
        for first in range(0, len(ports), BROKERS)
    ]


def _ports(own_network: bool) -> list[int]:  # noqa: FBT001 - the one question
    return list(range(9092, 9092 + _PORTS_EACH)) if own_network else free_ports(_PORTS_EACH)


def _at_once(steps: list[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(len(steps)) as pool:
        for done in [pool.submit(step) for step in steps]:
            done.result()


def _keep_logs_alone(data: Path) -> None:
    """Pytest keeps the folders of three runs: keep the brokers' words, not their gigabytes."""
    for folder in data.glob("broker-*/log"):
        shutil.rmtree(folder, ignore_errors=True)
