"""More processes than partitions on a real broker: who has none stands by, and takes over."""

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.ports import TimestampType
from tests.end_to_end.service import Samples, Service, running
from tests.end_to_end.test_run import opened, options_of, write_configuration

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

PARTITIONS = 2
CONTACTS = 20
OWNED = ("firstreply_partitions_assigned", ())


def received(samples: Samples) -> int:
    """Sum the ledger over the partitions that a process shows."""
    return int(
        sum(
            value
            for (name, labels), value in samples.items()
            if name == "firstreply_ledger_total" and dict(labels)["kind"] == "received"
        )
    )


async def open_contacts(broker: KafkaBroker, topic: str, first: int) -> None:
    """Let customers write, half of them to each partition."""
    async with KafkaWriter(options_of(broker, topic)) as writer:
        await writer.write(
            Outgoing(
                key=None,
                value=opened(f"c-{number}", datetime.now(UTC)),
                partition=number % PARTITIONS,
            )
            for number in range(first, first + CONTACTS)
        )


async def readiness(service: Service) -> tuple[int, Any]:
    status, text = await service.get("/readyz")
    return status, json.loads(text)


def owns(partitions: int) -> Callable[[Samples], bool]:
    return lambda samples: samples.get(OWNED) == partitions


async def test_a_spare_process_is_ready_and_takes_over_from_one_that_was_killed(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    topic = f"events-{uuid.uuid4().hex[:10]}"
    config = write_configuration(
        tmp_path,
        kafka,
        topic,
        "channels: {chat: {promise: {band: 10m, objective: 0.9}}}\n",
        session_timeout="6s",
        heartbeat_interval="1s",
    )
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(
            partitions=PARTITIONS, timestamp_type=TimestampType.LOG_APPEND_TIME
        )

    async with (
        running(config, tmp_path / "first.log", stops_itself=True) as first,
        running(config, tmp_path / "second.log") as second,
    ):
        for owner in (first, second):
            await owner.until(owns(1))
        async with running(config, tmp_path / "third.log") as spare:
            await spare.until_ready()
            status, told = await readiness(spare)
            assert (status, told) == (
                200,
                {"ready": True, "spare": True, "reasons": [], "warnings": [], "partitions": {}},
            )
            assert "kafka_spare_member" in spare.log

            await open_contacts(kafka, topic, 0)
            for owner in (first, second):
                await owner.until(lambda samples: received(samples) == CONTACTS // 2)
            shown = await spare.scrape()
            assert shown[OWNED] == 0
            assert not [name for name, _ in shown if name == "firstreply_ledger_total"]
            assert [
                labels for name, labels in shown if name == "contact_expectation_objective_ratio"
            ]

            first.kill()
            await spare.until(owns(1))
            await spare.until(lambda samples: received(samples) == CONTACTS // 2)
            await open_contacts(kafka, topic, CONTACTS)
            for owner in (second, spare):
                await owner.until(lambda samples: received(samples) == CONTACTS)
                assert (await readiness(owner))[1]["spare"] is False
