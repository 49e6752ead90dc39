"""Pytest fixtures that start the real servers, and the account of those that cannot be had.

A test that asks for one of them carries the marker ``servers`` by itself. Where a machine does not
have the server, the test is skipped and the reason stands at the end of the run; with
``REQUIRE_SERVERS=1`` in the environment it fails instead.
"""

import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, Protocol
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from firstreply.devkit.kafka_broker import KafkaBroker
from tests.servers.alertmanager import start_alertmanager
from tests.servers.programs import (
    CHROMIUM_NAMES,
    NotAvailableError,
    find_program,
    kafka_jars,
)
from tests.servers.prometheus import start_prometheus
from tests.servers.web_server import WebServer

SERVER_FIXTURES: Final = frozenset(
    {
        "kafka",
        "fresh_kafka",
        "prometheus_server",
        "alertmanager_server",
        "promtool",
        "amtool",
        "chromium",
        "cluster",
    }
)
"""A test that depends on one of these needs a real server, or the browser."""

_UNAVAILABLE: Final = pytest.StashKey[set[str]]()


class StartServer(Protocol):
    """Start a Prometheus or an Alertmanager; it is stopped when the test ends."""

    def __call__(self, config: Path, *options: str) -> WebServer:
        """Run it on a configuration file, with more of its command line."""


class CreateTopic(Protocol):
    """Create a topic on the session's broker; see ``create_topic_on``."""

    def __call__(self, partitions: int = 1, **settings: str) -> Awaitable[str]:
        """Return its name."""


def mark_server_tests(items: list[pytest.Item]) -> None:
    """Give the marker ``servers`` to every test that depends on a server."""
    for item in items:
        if SERVER_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


def report_unavailable(reporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List at the end of the run what the machine does not have, and why."""
    reasons = config.stash.get(_UNAVAILABLE, set())
    if reasons:
        reporter.section("servers that could not be had")
        for reason in sorted(reasons):
            reporter.line(reason)


def give_up(config: pytest.Config, error: NotAvailableError) -> NoReturn:
    """Skip the test for want of a server, or fail it where servers are required."""
    config.stash.setdefault(_UNAVAILABLE, set()).add(str(error))
    if os.environ.get("REQUIRE_SERVERS", "0") not in {"", "0"}:
        pytest.fail(f"REQUIRE_SERVERS is set, but {error}", pytrace=False)
    pytest.skip(str(error))


def _run_broker(request: pytest.FixtureRequest, data: Path) -> Iterator[KafkaBroker]:
    try:
        jars = kafka_jars()
    except NotAvailableError as error:
        give_up(request.config, error)
    try:
        with KafkaBroker(jars, data) as broker:
            yield broker
    finally:
        # Pytest keeps the folders of three runs: keep the broker's words, not its gigabytes.
        shutil.rmtree(data / "log", ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaBroker]:
    """One broker for the whole run. Use topics of your own; never stop or pause it."""
    yield from _run_broker(request, tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def fresh_kafka(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KafkaBroker]:
    """A broker for this test alone, to be paused, killed and started again (about 3 s)."""
    yield from _run_broker(request, tmp_path / "kafka")


async def create_topic_on(servers: str, partitions: int = 1, **settings: str) -> str:
    """Create a topic with a name of its own on the broker at ``servers``; return the name.

    Settings are Kafka's, with ``_`` for ``.``: ``retention_ms="-1"``.
    """
    name = f"test-{uuid4().hex[:12]}"
    configs = {key.replace("_", "."): value for key, value in settings.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        topic = NewTopic(name, partitions, replication_factor=1, topic_configs=configs)
        answer = await admin.create_topics([topic])
    finally:
        await admin.close()
    assert [error[1] for error in answer.topic_errors] == [0], answer
    return name


@pytest.fixture
def create_topic(kafka: KafkaBroker) -> CreateTopic:
    """Return ``create_topic_on`` for the session's broker."""
    return partial(create_topic_on, kafka.bootstrap_servers)


def _start_many(
    request: pytest.FixtureRequest, start: Callable[..., WebServer], folder: Path
) -> Iterator[StartServer]:
    running: list[WebServer] = []

    def one(config: Path, *options: str) -> WebServer:
        try:
            server = start(config, folder, *options)
        except NotAvailableError as error:
            give_up(request.config, error)
        running.append(server)
        return server

    yield one
    for server in running:
        server.stop()


@pytest.fixture
def prometheus_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartServer]:
    """Return a function that starts a Prometheus; samples go to ``tmp_path/prometheus/tsdb``."""
    yield from _start_many(request, start_prometheus, tmp_path / "prometheus")


@pytest.fixture
def alertmanager_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartServer]:
    """Return a function that starts an Alertmanager."""
    yield from _start_many(request, start_alertmanager, tmp_path / "alertmanager")


@pytest.fixture(scope="session")
def promtool(request: pytest.FixtureRequest) -> Path:
    """Return the path of Prometheus's own checker."""
    try:
        return find_program("prometheus", "promtool")
    except NotAvailableError as error:
        give_up(request.config, error)


@pytest.fixture(scope="session")
def amtool(request: pytest.FixtureRequest) -> Path:
    """Return the path of Alertmanager's own checker."""
    try:
        return find_program("alertmanager", "amtool")
    except NotAvailableError as error:
        give_up(request.config, error)


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Path:
    """Return the path of a Chromium or a Chrome."""
    try:
        return find_program("chromium", *CHROMIUM_NAMES)
    except NotAvailableError as error:
        give_up(request.config, error)
