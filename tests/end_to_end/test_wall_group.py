"""The wall of two processes in one group, on a real broker: either shows the whole, once."""

import asyncio
import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.ports import TimestampType
from tests.end_to_end.service import Service, running
from tests.end_to_end.test_run import options_of, topic, write_configuration

__all__ = ["topic"]

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

REST = """\
channels:
  chat: {promise: {band: 10m, objective: 0.9}, queues: [billing]}
calendars:
  office: {timezone: Europe/Paris, weekly: {daily: ["00:00-24:00"]}}
"""
CONTACTS = 40


def configuration(folder: Path, broker: KafkaBroker, name: str, *, ids: bool = False) -> Path:
    path = write_configuration(
        folder, broker, name, REST, session_timeout="6s", heartbeat_interval="1s"
    )
    if ids:
        path.write_text(path.read_text().replace("{port: 0}", "{port: 0, contact_ids: true}"))
    return path


async def open_contacts(broker: KafkaBroker, name: str, count: int = CONTACTS) -> None:
    """Let customers write, each three seconds before the last, and half of them long ago."""
    now = datetime.now(UTC)
    async with KafkaWriter(options_of(broker, name)) as writer:
        await writer.write(
            Outgoing(
                key=f"contact-{number}".encode(),
                value=json.dumps(
                    {
                        "type": "contact.opened",
                        "time": (
                            now - timedelta(minutes=1 + number % 2 * 15, seconds=3 * number)
                        ).isoformat(),
                        "contact_id": f"contact-{number}",
                        "channel": "chat",
                        "actor": "customer",
                    }
                ).encode(),
            )
            for number in range(count)
        )


async def channels(service: Service) -> dict[str, Any]:
    status, text = await service.get("/api/v1/channels")
    assert status == 200
    told: dict[str, Any] = json.loads(text)
    return told


async def urgent(service: Service) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((await service.get("/api/v1/contacts/urgent"))[1])
    return told


def waiting(told: dict[str, Any]) -> int:
    total: int = sum(one["waiting"]["total"] for one in told["channels"])
    return total


async def until(
    service: Service, is_so: Callable[[dict[str, Any]], bool], seen: list[Any] | None = None
) -> dict[str, Any]:
    """Look each half second until something is so; keep what was seen."""
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(60):
            while not is_so(told := await channels(service)):
                if seen is not None:
                    seen.append(told)
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(told) from None
    return told


def begun(service: Service) -> int:
    return service.log.count("kafka_partition_begun")


async def until_shared(one: Service, two: Service) -> None:
    """Wait until the second process has begun half of the partitions, and the first the others.

    Counts of today stay with the process that counted them when a partition moves.
    """
    async with asyncio.timeout(60):
        while not (begun(one) >= 4 + 2 and begun(two) >= 2):  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.2)


def whole(processes: int) -> Callable[[dict[str, Any]], bool]:
    """Say when so many processes tell all partitions."""

    def is_so(told: dict[str, Any]) -> bool:
        trust = told["trust"]
        covered = (trust["partitions_covered"], trust["partitions_total"])
        return (trust["state"], trust["processes"], covered) == ("ok", processes, (4, 4))

    return is_so


async def test_each_of_two_processes_shows_the_whole_group(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = configuration(tmp_path, kafka, topic, ids=True)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=4, timestamp_type=TimestampType.LOG_APPEND_TIME)

    async with running(config, tmp_path / "a.log") as one:
        await until(one, whole(1))
        async with running(config, tmp_path / "b.log") as two:
            await until_shared(one, two)
            for service in (one, two):
                await until(service, whole(2))

            await open_contacts(kafka, topic)

            def is_counted(told: dict[str, Any]) -> bool:
                decided: int = told["channels"][0]["kept_30m"]["decided"]
                return waiting(told) == CONTACTS and decided == CONTACTS // 2

            for service in (one, two):
                told = await until(service, is_counted)
                chat = told["channels"][0]
                assert (chat["state"], chat["waiting"]["overdue"]) == ("late", CONTACTS // 2)
                assert chat["today"]["received"] == CONTACTS
                assert chat["kept_30m"]["share"] == 0.0
                assert told["clock"]["timezone"] == "Europe/Paris"
            lists = [await urgent(service) for service in (one, two)]
            assert lists[0]["late"] == lists[1]["late"]
            for told in lists:
                assert [len(told[name]) for name in ("late", "next")] == [10, 10]
                ids = [contact["contact_id"] for contact in (*told["late"], *told["next"])]
                assert len(set(ids)) == 20
                assert None not in ids
            kept = [
                [(await service.get(f"/api/v1/contacts/{name}"))[0] for name in sorted(ids)]
                for service in (one, two)
            ]
            assert all(sorted(pair) == [200, 404] for pair in zip(*kept, strict=True))

        await until(one, whole(1))


async def test_a_process_that_stands_still_is_missed_and_its_return_counts_nobody_twice(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = configuration(tmp_path, kafka, topic)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=4, timestamp_type=TimestampType.LOG_APPEND_TIME)

    async with (
        running(config, tmp_path / "a.log") as one,
        running(config, tmp_path / "b.log") as two,
    ):
        for service in (one, two):
            await until(service, whole(2))
        await open_contacts(kafka, topic)
        await until(one, lambda told: waiting(told) == CONTACTS)

        two._process.send_signal(signal.SIGSTOP)
        seen: list[dict[str, Any]] = []
        await until(one, whole(1), seen)
        states = [told["trust"]["state"] for told in seen]
        assert set(states) - {"ok"}, "nobody noticed"
        two._process.send_signal(signal.SIGCONT)
        for service in (one, two):
            await until(service, whole(2), seen)

        assert max(waiting(told) for told in seen) <= CONTACTS


async def test_a_stopped_service_ends_its_streams_at_once_and_leaves_in_order(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = configuration(tmp_path, kafka, topic)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=4)

    async with running(config, tmp_path / "a.log") as service:
        await service.until_ready()
        async with (
            aiohttp.ClientSession(service.address) as client,
            client.get("/wall/events") as answer,
        ):
            stream = answer.content
            assert await stream.readuntil(b"\n\n") == b"retry: 1000\n\n"
            assert (await stream.readuntil(b"\n\n")).startswith(b"event: status\ndata: {")
            service.terminate()
            async with asyncio.timeout(5):
                while await stream.readline():
                    pass
        assert await service.ended() == 0

    assert "wall_failed" not in service.log
    assert "status_topic_fails" not in service.log
