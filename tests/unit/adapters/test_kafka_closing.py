"""Whatever state a client is in, nothing of it goes on after it was stopped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from firstreply.adapters.kafka.closing import stop_consumer, stop_producer
from tests.unit.adapters.kafka_nodes import TOPIC, Api, KafkaNodes, aiokafka_tasks

LIMIT = timedelta(milliseconds=100)
P0 = TopicPartition(TOPIC, 0)


@pytest.fixture
async def nodes() -> AsyncIterator[KafkaNodes]:
    async with KafkaNodes(nodes=1) as nodes:
        yield nodes


async def reading(nodes: KafkaNodes) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(bootstrap_servers=nodes.at(0))
    await consumer.start()
    consumer.assign([P0])
    consumer.seek(P0, 0)
    await nodes.asked_for(Api.FETCH)
    return consumer


async def test_a_consumer_whose_broker_died_is_stopped_without_cancelling_who_stops_it(
    nodes: KafkaNodes,
) -> None:
    """Aiokafka waits for a fetch that it cancelled in its pause between two attempts."""
    consumer = await reading(nodes)
    await nodes.die()
    retrying = consumer._client.force_metadata_update()
    await asyncio.wait({retrying})

    await stop_consumer(consumer, LIMIT)

    assert aiokafka_tasks() == []


async def test_a_consumer_that_could_not_leave_its_group_in_time_does_not_connect_anew(
    nodes: KafkaNodes,
) -> None:
    consumer = await reading(nodes)

    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    consumer._coordinator.close = wait_for_ever
    nodes.hold(0)

    await stop_consumer(consumer, LIMIT)
    left = aiokafka_tasks()
    await nodes.die()

    assert left == []


async def test_a_producer_without_its_acknowledgement_in_time_ends_and_fails_the_record(
    nodes: KafkaNodes,
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=nodes.at(0), enable_idempotence=False)
    await producer.start()
    acknowledged = await producer.send(TOPIC, b"v", partition=0)
    await nodes.asked_for(Api.PRODUCE)

    await stop_producer(producer, LIMIT)

    assert aiokafka_tasks() == []
    with pytest.raises(KafkaConnectionError, match="stopped before it was acknowledged"):
        await acknowledged
    await nodes.disconnected()


async def test_clients_that_never_reached_a_broker_can_be_stopped(nodes: KafkaNodes) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=nodes.at(0))
    producer = AIOKafkaProducer(bootstrap_servers=nodes.at(0), enable_idempotence=False)

    await stop_consumer(consumer, LIMIT)
    await stop_producer(producer, LIMIT)

    assert aiokafka_tasks() == []
