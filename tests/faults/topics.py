"""Topics as the test itself sees them: made, filled, and read back whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.errors import KafkaError
from aiokafka.protocol.admin import DeleteGroupsRequest

from firstreply.state.chunk import DamagedChunkError, decode, order
from tests.faults.checks import Checkpoint
from tests.faults.truth import Place
from tests.faults.workload import Sent

T = TypeVar("T")

_PATIENCE_SECONDS: Final = 60.0


@asynccontextmanager
async def administering(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """Open an administration client, however long the cluster needs to answer."""
    admin = AIOKafkaAdminClient(bootstrap_servers=servers, request_timeout_ms=10_000)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            try:
                await admin.start()
                break
            except (KafkaError, OSError):
                await asyncio.sleep(0.5)
    try:
        yield admin
    finally:
        await admin.close()


async def ask(servers: str, question: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
    """Ask until somebody answers: the client asks any broker, also one that is away."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            with suppress(KafkaError):
                async with administering(servers) as admin:
                    return await question(admin)
            await asyncio.sleep(0.5)


async def _described(servers: str, topic: str) -> list[dict[str, Any]]:
    """Return the partitions of a topic; none of one that is absent."""
    (told,) = await ask(servers, lambda admin: admin.describe_topics([topic]))
    partitions: list[dict[str, Any]] = told["partitions"]
    return partitions


async def create_topic(
    servers: str, name: str, partitions: int, *, replicas: int = 3, **settings: str
) -> None:
    """Create a topic; settings are Kafka's, with ``_`` for ``.``."""
    configs = {key.replace("_", "."): value for key, value in settings.items()}
    async with administering(servers) as admin:
        topic = NewTopic(name, partitions, replication_factor=replicas, topic_configs=configs)
        answer = await admin.create_topics([topic])
    assert [error[1] for error in answer.topic_errors] == [0], answer


async def delete_topics(servers: str, *names: str) -> None:
    """Delete topics, those that exist."""
    async with administering(servers) as admin:
        known = set(await admin.list_topics())
        await admin.delete_topics([name for name in names if name in known])


async def leaders(servers: str, topic: str) -> dict[int, int]:
    """Return partition to the broker that leads it, by its index in the cluster."""
    return {part["partition"]: part["leader"] - 1 for part in await _described(servers, topic)}


async def coordinator(servers: str, group: str) -> int:
    """Return the broker that coordinates a group, by its index in the cluster."""
    node: int = await ask(servers, lambda admin: admin.find_coordinator(group))
    return node - 1


async def replicas(servers: str, topic: str) -> tuple[int, ...]:
    """Return the brokers of partition 0, by their index in the cluster; its leader first."""
    (part,) = (one for one in await _described(servers, topic) if one["partition"] == 0)
    leader: int = part["leader"]
    return (leader - 1, *(node - 1 for node in part["replicas"] if node != leader))


async def led_by(servers: str, topic: str, node: int) -> None:
    """Wait until a broker leads partition 0."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while (await leaders(servers, topic)).get(0) != node:  # noqa: ASYNC110 - the cluster's news
            await asyncio.sleep(0.5)


async def add_partitions(servers: str, topic: str, partitions: int) -> None:
    """Let a topic have more partitions."""
    async with administering(servers) as admin:
        await admin.create_partitions({topic: NewPartitions(partitions)})


async def delete_records(servers: str, topic: str, share: float = 1.0) -> None:
    """Delete the oldest records of each partition, as retention would."""
    records = await read_topic(servers, topic)
    ends: dict[TopicPartition, int] = {}
    for record in records:
        ends[TopicPartition(topic, record.partition)] = record.offset + 1
    async with administering(servers) as admin:
        await admin.delete_records(
            {place: RecordsToDelete(int(end * share)) for place, end in ends.items()}
        )


async def delete_older_half(servers: str, topic: str, state_topic: str) -> None:  # noqa: ARG001 - one of several harms
    """Delete the older half of a state log."""
    await delete_records(servers, state_topic, 0.5)


async def commit_without_notes(servers: str, topic: str, state_topic: str) -> None:  # noqa: ARG001 - likewise
    """Commit what is committed, without what stood beside it."""
    at = await committed(servers, topic, topic)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, number) for number in at])
        await consumer.commit(
            {TopicPartition(topic, number): offset for number, offset in at.items()}
        )
    finally:
        await consumer.stop()


async def delete_group(servers: str, topic: str, state_topic: str) -> None:  # noqa: ARG001 - likewise
    """Delete the consumer group, as its expiry would; its commits go with it."""
    node = await coordinator(servers, topic)
    async with administering(servers) as admin:
        answer = await admin._send_request(DeleteGroupsRequest([topic]), node + 1)
    assert [code for _, code in answer.results] == [0], answer


async def send_raw(servers: str, topic: str, partition: int, value: bytes) -> None:
    """Append one record to a partition."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, value=value, partition=partition)
    finally:
        await producer.stop()


async def committed(servers: str, group: str, topic: str) -> dict[int, int]:
    """Return partition to the offset that the group has committed."""
    found = await ask(servers, lambda admin: admin.list_consumer_group_offsets(group))
    return {place.partition: at.offset for place, at in found.items() if place.topic == topic}


async def read_topic(servers: str, topic: str) -> list[ConsumerRecord]:
    """Return all records, in order within each partition; nothing for a topic that is absent."""
    partitions = await _described(servers, topic)
    places = [TopicPartition(topic, part["partition"]) for part in partitions]
    if not places:
        return []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        first = await consumer.beginning_offsets(places)
        left = {place for place in places if first[place] < ends[place]}
        records: list[ConsumerRecord] = []
        while left:
            for place, batch in (await consumer.getmany(*left, timeout_ms=500)).items():
                records += [record for record in batch if record.offset < ends[place]]
            left = {place for place in left if await consumer.position(place) < ends[place]}
    finally:
        await consumer.stop()
    return sorted(records, key=lambda record: (record.partition, record.offset))


async def checkpoints(servers: str, state_topic: str) -> list[Checkpoint]:
    """Return what the headers of a state log say."""
    found = []
    for record in await read_topic(servers, state_topic):
        try:
            header = decode(record.value).header
        except DamagedChunkError:
            continue
        found.append(
            Checkpoint(
                partition=record.partition,
                at=record.offset,
                parent=None if header.parent is None else header.parent.offset,
                order=order(header),
                offset=header.offset,
                ledger=header.ledger,
            )
        )
    return found


async def dead_letters(servers: str, topic: str) -> list[Place]:
    """Return where the dead letters of a topic came from."""
    places = []
    for record in await read_topic(servers, f"{topic}.dead-letters"):
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        partition = int(headers["__streams.errors.partition"])
        places.append(Place(partition, int(headers["__streams.errors.offset"])))
    return places


async def send(servers: str, topic: str, events: Iterable[Sent]) -> None:
    """Write events at once; return when all are acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all")
    await producer.start()
    try:
        written = [await producer.send(topic, key=one.key, value=one.value) for one in events]
        await asyncio.gather(*written)
    finally:
        await producer.stop()
