"""README and quick start with a real broker: doctor, run, and what they say to do beside it.

The page's own commands, word for word; those that speak to Kafka are processes of their own. Where
the page's broker would be, the variables that it tells of lead to ours.
"""

import asyncio
import os
import re
import shlex
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CoordinatorNotAvailableError, NotCoordinatorForGroupError

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.devkit.processes import OwnedProcess
from tests.docs.bench import Bench
from tests.docs.pages import DOCS, Fence, commands, fences
from tests.servers.fixtures import CreateTopic
from tests.shared import ROOT

PATIENCE_SECONDS: Final = 60.0
PAGES: Final = (ROOT / "README.md", DOCS / "quick-start.md")
EVENT: Final = (
    b'{"type": "contact.opened", "time": "2026-03-02T09:15:00Z", "contact_id": "c-1",'
    b' "channel": "email", "actor": "customer"}'
)


@contextmanager
def lasting(fence: Fence, bench: Bench) -> Iterator[str]:
    """Start a command that lasts; yield its address once it is ready, and stop it in order."""
    with started(fence, bench) as process:

        def address() -> str:
            found = re.search(r"metrics=(http://\S+)/metrics", process.log.read_text())
            return found[1] if found else ""

        process.wait_until(lambda: bool(address()), timeout_seconds=PATIENCE_SECONDS)
        process.wait_until(lambda: is_ready(address()), timeout_seconds=PATIENCE_SECONDS)
        yield address()
        process.stop(grace_seconds=PATIENCE_SECONDS)
        assert process.exit_code == 0, process.log_tail()


@contextmanager
def feeding(fence: Fence, bench: Bench) -> Iterator[None]:
    """Start a command that writes events; go on once it has found its topic."""
    with started(fence, bench) as process:
        topic = bench.environment["FIRSTREPLY_KAFKA__TOPIC"]
        process.wait_until(
            lambda: topic in process.log.read_text(), timeout_seconds=PATIENCE_SECONDS
        )
        yield


@contextmanager
def started(fence: Fence, bench: Bench) -> Iterator[OwnedProcess]:
    """Start the one command of a fence, in the page's folder."""
    (command,) = commands(fence.body)
    script = f"cd {shlex.quote(str(bench.folder))} && exec {command}"
    log = bench.folder / f"log-{fence.line}"
    with (
        patch.dict(os.environ, bench.environment),
        OwnedProcess(command, ["/bin/sh", "-c", script], log) as process,
    ):
        yield process


def is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


async def until_groups_have_a_coordinator(kafka: KafkaBroker, group: str) -> None:
    """Wait for what a broker that has just started makes when it is asked for the first time."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    await admin.list_consumer_group_offsets(group)
                except (CoordinatorNotAvailableError, NotCoordinatorForGroupError):
                    await asyncio.sleep(0.1)
                else:
                    return
    finally:
        await admin.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
async def test_a_newcomer_gets_from_the_first_line_to_a_ready_service(
    page: Path, kafka: KafkaBroker, create_topic: CreateTopic, tmp_path: Path
) -> None:
    topic = await create_topic(retention_ms="2592000000")
    group = f"group-{uuid4().hex[:12]}"
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=group)
    async with KafkaWriter(options) as writer:
        await writer.write([Outgoing(b"c-1", EVENT)])
    await until_groups_have_a_coordinator(kafka, group)
    where = {
        "FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "FIRSTREPLY_KAFKA__TOPIC": topic,
        "FIRSTREPLY_KAFKA__GROUP": group,
        "FIRSTREPLY_HTTP__PORT": "0",
    }
    bench = Bench(tmp_path / "bench", where, quick=True)

    done = 0
    with ExitStack() as until_the_end:
        for fence in fences(page):
            if fence.words == ("kafka", "lasts"):
                address = until_the_end.enter_context(lasting(fence, bench))
                bench.environment["FIRSTREPLY_HTTP__PORT"] = address.rpartition(":")[2]
            elif fence.words == ("kafka", "feeds"):
                until_the_end.enter_context(feeding(fence, bench))
            elif fence.words[0] in {"kafka", "run"} or fence.value("file"):
                bench.do(fence)
            done += fence.words[0] == "kafka"

    assert done >= 3
