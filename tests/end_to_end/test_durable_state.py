"""A service that is killed again and again on a real log ends with the figures of the log.

What is compared is the ledger, which is restored from the state, and who waits: counted by other
code from the original tables (``tests.shared``). Each life is ended by SIGKILL somewhere in the
middle; the last one reads to the end.
"""

import asyncio
import random
import uuid
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.ports import TimestampType
from tests.end_to_end.service import Samples, running
from tests.shared import log_lines, log_path, needs_shared, truth_configuration, truth_of

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

LIVES: Final = 4
SEED: Final = 20261122


def ledger(samples: Samples) -> Counter[str]:
    """Sum the ledger over the partitions."""
    summed: Counter[str] = Counter()
    for (name, labels), value in samples.items():
        if name == "firstreply_ledger_total":
            summed[dict(labels)["kind"]] += int(value)
    return summed


def waiting(samples: Samples) -> int:
    return int(sum(value for (name, _), value in samples.items() if name == "contact_waiting"))


@needs_shared
@pytest.mark.parametrize("name", ["irc_ubuntu", "sf311"])
async def test_a_service_killed_in_the_middle_of_a_real_log_ends_with_its_truth(
    kafka: KafkaBroker, tmp_path: Path, name: str
) -> None:
    truth = truth_of(name)["channels"]
    topic = f"events-{uuid.uuid4().hex[:10]}"
    config = tmp_path / "firstreply.yaml"
    config.write_text(
        truth_configuration(truth)
        + f'kafka: {{bootstrap_servers: "{kafka.bootstrap_servers}", topic: {topic},'
        f" group: {topic},"
        " session_timeout: 6s, heartbeat_interval: 1s, max_records: 500}\n"
        "http: {port: 0}\ncheckpoint_interval: 200ms\n"
    )
    lines = log_lines(log_path(name))
    await write(kafka, topic, lines)
    chance = random.Random(f"{SEED}/{name}")

    for life in range(LIVES - 1):
        async with running(config, tmp_path / f"life-{life}.log", stops_itself=True) as service:
            await service.until(lambda samples: sum(ledger(samples).values()) > 0)
            await asyncio.sleep(chance.uniform(0.0, 1.0))
            service.kill()
    async with running(config, tmp_path / "last.log") as service:
        await service.until_ready()
        samples = await service.until(lambda one: ledger(one)["received"] >= contacts(truth))

    assert "state_restored" in (tmp_path / "last.log").read_text()
    summed = ledger(samples)
    assert summed["received"] == contacts(truth)
    assert summed["answered"] == sum(one["answered"] for one in truth.values())
    assert waiting(samples) == sum(one["never_answered"] for one in truth.values())


def contacts(truth: dict[str, dict[str, int]]) -> int:
    return sum(one["contacts"] for one in truth.values())


async def write(kafka: KafkaBroker, topic: str, lines: list[bytes]) -> None:
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)
    async with KafkaWriter(options, compression="lz4") as writer:
        await writer.create_topic(partitions=3, timestamp_type=TimestampType.CREATE_TIME)
        await writer.write(Outgoing(key=contact_of(line), value=line) for line in lines)


def contact_of(line: bytes) -> bytes:
    """Return the contact id of an event: the key that a producer would give."""
    return line.partition(b'"contact_id":')[2].split(b'"')[1]
