"""The real servers start, answer, survive what the tests do to them, and leave nothing behind."""

import asyncio
import json
import subprocess
import urllib.request
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import ConsumerRecord

from firstreply.devkit.kafka_broker import KafkaBroker
from tests.servers.fixtures import CreateTopic, StartServer, create_topic_on

LONG_AGO_MS = 1_336_000_000_000
CREATE_TIME, LOG_APPEND_TIME = 0, 1


async def produce_and_consume(servers: str, topic: str, compression: str) -> ConsumerRecord:
    """Send one record with a time stamp of 2012 and read it back."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, compression_type=compression)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    async with producer, consumer:
        sent = await producer.send_and_wait(topic, b"x" * 1_000, timestamp_ms=LONG_AGO_MS)
        consumer.assign([partition])
        consumer.seek(partition, sent.offset)
        async with asyncio.timeout(20):
            return await consumer.getone(partition)


@pytest.mark.parametrize("compression", ["lz4", "snappy", "zstd"])
async def test_a_create_time_topic_keeps_the_producers_time(
    kafka: KafkaBroker, create_topic: CreateTopic, compression: str
) -> None:
    topic = await create_topic(message_timestamp_type="CreateTime", retention_ms="-1")

    record = await produce_and_consume(kafka.bootstrap_servers, topic, compression)

    assert record.value == b"x" * 1_000
    assert (record.timestamp, record.timestamp_type) == (LONG_AGO_MS, CREATE_TIME)


async def test_a_log_append_time_topic_stamps_the_brokers_time(
    kafka: KafkaBroker, create_topic: CreateTopic
) -> None:
    topic = await create_topic(message_timestamp_type="LogAppendTime")

    record = await produce_and_consume(kafka.bootstrap_servers, topic, "lz4")

    assert record.timestamp_type == LOG_APPEND_TIME
    assert record.timestamp > LONG_AGO_MS


async def test_a_topic_has_the_partitions_asked_for(
    kafka: KafkaBroker, create_topic: CreateTopic
) -> None:
    topic = await create_topic(partitions=4)

    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        partitions = await producer.partitions_for(topic)

    assert partitions == {0, 1, 2, 3}


async def test_a_broker_that_was_paused_and_killed_has_kept_its_records(
    fresh_kafka: KafkaBroker,
) -> None:
    servers = fresh_kafka.bootstrap_servers
    topic = await create_topic_on(servers)

    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        await producer.send_and_wait(topic, b"before the pause")
        fresh_kafka.pause()
        sending = await producer.send(topic, b"during the pause")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(sending), timeout=0.5)
        fresh_kafka.resume()
        await sending
    fresh_kafka.kill()
    await asyncio.to_thread(fresh_kafka.start)

    assert fresh_kafka.bootstrap_servers == servers
    async with AIOKafkaConsumer(bootstrap_servers=servers) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, 0)])
    assert list(ends.values()) == [2]


def test_prometheus_answers_and_promtool_accepts_its_configuration(
    prometheus_server: StartServer, promtool: Path, tmp_path: Path
) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []\n")

    server = prometheus_server(config)
    with urllib.request.urlopen(f"{server.url}/api/v1/query?query=vector(42)") as answer:
        result = json.load(answer)["data"]["result"]
    check = subprocess.run([promtool, "check", "config", config], check=False)

    assert result[0]["value"][1] == "42"
    assert check.returncode == 0


def test_alertmanager_answers_and_amtool_accepts_its_configuration(
    alertmanager_server: StartServer, amtool: Path, tmp_path: Path
) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")

    server = alertmanager_server(config)
    with urllib.request.urlopen(f"{server.url}/api/v2/status") as answer:
        status = json.load(answer)
    check = subprocess.run([amtool, "check-config", config], check=False)

    assert "receiver: nobody" in status["config"]["original"]
    assert check.returncode == 0
