"""The whole service on a real broker: records in a topic, figures on ``/metrics``."""

import asyncio
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from firstreply import wiring
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.config.load import load_settings
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.domain.instants import to_instant
from firstreply.policies import policy_book
from firstreply.ports import TimestampType
from firstreply.replay import replay
from tests.end_to_end.service import Samples, Service, net_outcomes, running, total
from tests.shared import (
    LOGS,
    ROOT,
    log_lines,
    log_path,
    needs_shared,
    records_of,
    truth_configuration,
    truth_of,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

BAD_RECORDS = (
    b"not json",
    b'{"type":"contact.opened","contact_id":"x","channel":"chat"}',
    b'{"type":"contact.opened","contact_id":"x","channel":"chat","time":"2026-01-01T00:00:00"}',
    b'{"type":"contact.opened","contact_id":"","channel":"chat","time":"2026-01-01T00:00:00Z"}',
    b'{"type":"contact.responded","contact_id":"x","time":"2026-01-01T00:00:00Z"}',
    b"\xff\xfe\x00binary",
    None,
)


def options_of(broker: KafkaBroker, topic: str) -> KafkaOptions:
    return KafkaOptions(bootstrap_servers=broker.bootstrap_servers, topic=topic, group=topic)


def write_configuration(
    folder: Path, broker: KafkaBroker, topic: str, rest: str = "", **kafka: str
) -> Path:
    more = "".join(f", {key}: {value}" for key, value in kafka.items())
    path = folder / f"{topic}.yaml"
    path.write_text(
        f'kafka: {{bootstrap_servers: "{broker.bootstrap_servers}", topic: {topic}, '
        f"group: {topic}{more}}}\nhttp: {{port: 0}}\n{rest}"
    )
    return path


def outgoing(lines: Iterable[bytes | None], *, event_time: bool) -> list[Outgoing]:
    """Key events by contact; stamp them with their own time where they are to have one."""
    records = []
    for line in lines:
        event: dict[str, Any] = {}
        if line is not None and line.startswith(b'{"id"'):
            event = json.loads(line)
        stamp = None
        if event_time and event:
            stamp = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
        key = event.get("contact_id", "bad").encode()
        records.append(Outgoing(key=key, value=line, timestamp=stamp))
    return records


@pytest.fixture
def topic() -> str:
    return f"events-{uuid.uuid4().hex[:10]}"


@needs_shared
@pytest.mark.parametrize("kind", list(TimestampType), ids=lambda kind: kind.name.lower())
@pytest.mark.parametrize("name", LOGS)
async def test_net_figures_of_a_topic_equal_those_of_a_replay(
    name: str, kind: TimestampType, kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    lines = log_lines(log_path(name))
    config = write_configuration(
        tmp_path, kafka, topic, truth_configuration(truth_of(name)["channels"])
    )
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=4, timestamp_type=kind)
        await writer.write(
            outgoing([*lines, *BAD_RECORDS], event_time=kind is TimestampType.CREATE_TIME)
        )

    async with running(config, tmp_path / "service.log") as service:
        samples = await service.until_read(len(lines) + len(BAD_RECORDS))
        await settled(service, samples)
        samples = await service.scrape()

    settings = load_settings(config, {})
    replayed = replay(
        records_of(lines),
        decoder=wiring.decoder(settings),
        bad_records=wiring.bad_records(settings),
        book=policy_book(settings),
        grace=wiring.grace(settings),
        until=to_instant(datetime.now(UTC)),
    )
    assert net_outcomes(samples) == expected_outcomes(replayed.report)
    assert total(samples, "contact_received_total") == replayed.report["all"]["received"]  # type: ignore[index, call-overload]
    assert (
        total(samples, "contact_first_response_seconds_count")
        == (
            replayed.report["all"]["answered"]  # type: ignore[index, call-overload]
        )
    )
    assert total(samples, "firstreply_events_rejected_total") == len(BAD_RECORDS)
    assert await dead_letters(kafka, topic) == Counter(BAD_RECORDS)


async def settled(service: Service, samples: Samples) -> None:
    """Wait until no outcome has moved for two checkpoints."""
    for _ in range(20):
        await asyncio.sleep(2)
        later = await service.scrape()
        if net_outcomes(later) == net_outcomes(samples):
            return
        samples = later


def expected_outcomes(report: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    return Counter(
        {
            (channel, band, outcome): amount
            for channel, figures in report["channels"].items()
            for outcome, member in (("met", "within"), ("missed", "missed"))
            for band, amount in figures[member].items()
            if amount
        }
    )


async def dead_letters(broker: KafkaBroker, topic: str) -> Counter[bytes | None]:
    """Read the dead letter topic from its beginning to its present end."""
    name = f"{topic}.dead-letters"
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(name) or await _partitions(consumer, name)
        places = [TopicPartition(name, number) for number in numbers]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        letters: Counter[bytes | None] = Counter()
        while letters.total() < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                letters.update(record.value for record in records)
        return letters
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, name: str) -> set[int]:
    await consumer._client.force_metadata_update()
    consumer.assign([TopicPartition(name, 0)])
    await consumer._client.set_topics([name])
    return set(consumer.partitions_for_topic(name) or {0})


SHORT = """\
bands: {2s: {weight: 1}, 1h: {weight: 1}}
channels_only: true
channels: {chat: {promise: {band: 2s, objective: 0.9}}}
grace: 1s
"""


def event(kind: str, contact: str, at: datetime, **more: str) -> bytes:
    fields = {"id": uuid.uuid4().hex, "type": f"contact.{kind}", "time": at.isoformat()}
    return json.dumps({**fields, "contact_id": contact, **more}).encode()


def opened(contact: str, at: datetime) -> bytes:
    return event("opened", contact, at, channel="chat")


def responded(contact: str, at: datetime) -> bytes:
    return event("responded", contact, at, actor="agent")


def outcomes(samples: Samples, band: str, outcome: str) -> int:
    return net_outcomes(samples)["chat", band, outcome]


@pytest.mark.parametrize("kind", list(TimestampType), ids=lambda kind: kind.name.lower())
async def test_a_silent_contact_is_missed_after_its_deadline_without_any_further_event(
    kind: TimestampType, kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = write_configuration(tmp_path, kafka, topic, SHORT)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=1, timestamp_type=kind)
        async with running(config, tmp_path / "service.log") as service:
            await service.until_ready()
            await service.scrape()

            start = datetime.now(UTC)
            await writer.write([Outgoing(key=b"c1", value=opened("c1", start), timestamp=None)])
            samples = await service.until(lambda samples: outcomes(samples, "2s", "missed") == 1)
            took = time.time() - start.timestamp()

    # band 2 s + grace 1 s at least; skew, proof and checkpoint add 1 s each at most. The rest of
    # the bound is for a busy machine.
    assert 3.0 <= took <= 2 + 1 + 1 + 1 + 1 + 5, took
    assert outcomes(samples, "1h", "missed") == 0
    assert total(samples, "contact_expectation_corrections_total") == 0


@pytest.mark.parametrize("kind", list(TimestampType), ids=lambda kind: kind.name.lower())
async def test_a_backlog_with_a_timely_response_raises_no_miss_long_after_the_deadline(
    kind: TimestampType, kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = write_configuration(tmp_path, kafka, topic, SHORT)
    start = datetime.now(UTC) - timedelta(hours=5)
    events = []
    for number in range(500):
        at = start + timedelta(seconds=number)
        events.append(opened(f"c{number}", at))
        events.append(responded(f"c{number}", at + timedelta(seconds=2)))
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=4, timestamp_type=kind)
        await writer.write(outgoing_plain(events, event_time=kind is TimestampType.CREATE_TIME))

    async with running(config, tmp_path / "service.log") as service:
        samples = await service.until_read(1000)

    assert outcomes(samples, "2s", "met") == 500
    assert outcomes(samples, "2s", "missed") == 0
    assert total(samples, "contact_expectation_corrections_total") == 0


def outgoing_plain(events: Iterable[bytes], *, event_time: bool) -> list[Outgoing]:
    records = []
    for value in events:
        fields = json.loads(value)
        at = datetime.fromisoformat(fields["time"])
        stamp = int(at.timestamp() * 1000) if event_time else None
        records.append(Outgoing(key=fields["contact_id"].encode(), value=value, timestamp=stamp))
    return records


async def restarted(
    kafka: KafkaBroker, topic: str, tmp_path: Path, **settings: str
) -> tuple[Samples, Samples, str]:
    """Let two contacts wait, restart, answer one; return both figures and the second log."""
    config = write_configuration(tmp_path, kafka, topic, SHORT, **settings)
    now = datetime.now(UTC)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=2)
        await writer.write(outgoing_plain([opened("a", now), opened("b", now)], event_time=False))
        async with running(config, tmp_path / "first.log") as service:
            first = await service.until_read(2)
        await writer.write(
            outgoing_plain([responded("a", now), opened("c", now)], event_time=False)
        )

        async with running(config, tmp_path / "second.log") as service:
            second = await service.until_read(2)
            said = service.log
    assert total(first, "contact_received_total") == 2
    assert total(second, "contact_received_total") == 1
    assert total(second, "read") == 2
    return first, second, said


async def test_a_restart_goes_on_with_those_who_were_waiting(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    _, second, said = await restarted(kafka, topic, tmp_path)

    assert total(second, "contact_first_response_seconds_count") == 1
    assert total(second, "contact_waiting") == 2
    assert said.count("state_restored") == 2
    assert "State is kept in memory" not in said


async def test_a_restart_without_a_state_topic_remembers_nobody_and_says_so(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    _, second, said = await restarted(kafka, topic, tmp_path, state_topic="null")

    assert total(second, "contact_first_response_seconds_count") == 0
    assert total(second, "contact_waiting") == 1
    assert "State is kept in memory" in said


async def test_the_configured_share_of_bad_records_stops_the_service_and_names_the_reason(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    limits = "limits: {bad_records: {share: 0.2, among: 20}}\n"
    config = write_configuration(tmp_path, kafka, topic, SHORT + limits)
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=1)
        async with running(config, tmp_path / "service.log", stops_itself=True) as service:
            await service.until_ready()
            await writer.write([Outgoing(key=b"k", value=b"rubbish") for _ in range(20)])
            code = await service.ended()

    assert code == 1
    assert "of the last 20 records are bad" in service.log
    assert "not_json" in service.log
    assert "rubbish" not in service.log


async def test_a_second_signal_ends_the_wait_for_the_last_scrape_and_nothing_sooner(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = write_configuration(tmp_path, kafka, topic, SHORT)
    opened = b'{"type":"contact.opened","contact_id":"c","channel":"chat","time":"%s"}'
    now = datetime.now(UTC).isoformat().encode()
    async with KafkaWriter(options_of(kafka, topic)) as writer:
        await writer.create_topic(partitions=1)
        async with running(config, tmp_path / "service.log") as service:
            await service.until_ready()
            for _ in range(4):  # from the third on somebody is taken to scrape
                await service.scrape()
            await writer.write([Outgoing(key=b"c", value=opened % now)])
            service.terminate()
            await service.until_logged("waiting_for_the_last_scrape")
            service.terminate()
            code = await service.ended()

    assert code == 0
    assert "last_figures_not_scraped hurried=True" in service.log


async def test_an_absent_topic_is_refused_with_its_name_and_the_remedy(
    kafka: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    config = write_configuration(tmp_path, kafka, topic, SHORT)

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "firstreply", "run", "--config", str(config)),
        env={**os.environ, "PYTHONPATH": str(ROOT / "service")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), timeout=60)

    assert process.returncode == 2
    assert topic in printed.decode()
    assert "Traceback" not in printed.decode()
