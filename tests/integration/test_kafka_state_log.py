"""The state topic on a real broker: what is made, what is refused, what comes back."""

from datetime import timedelta

import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.state_log import KafkaStateLog, StateRecord, StateTopic
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.domain.errors import ConfigurationError
from tests.servers.fixtures import CreateTopic

RETENTION = timedelta(days=14)


async def log_beside(kafka: KafkaBroker, topic: str, name: str | None = None) -> KafkaStateLog:
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)
    return KafkaStateLog(options, StateTopic(name or f"{topic}-state", RETENTION))


async def everything(log: KafkaStateLog, partition: int) -> list[StateRecord]:
    first, end = await log.bounds(partition)
    return [record async for batch in log.read(partition, first, end) for record in batch]


async def test_an_absent_state_topic_is_made_with_the_partitions_of_the_input(
    kafka: KafkaBroker, create_topic: CreateTopic
) -> None:
    topic = await create_topic(partitions=3)
    log = await log_beside(kafka, topic)

    await log.start()
    bounds = [await log.bounds(partition) for partition in range(3)]
    await log.stop()

    assert bounds == [(0, 0)] * 3
    again = await log_beside(kafka, topic)
    await again.start()  # accepts what it has made itself
    await again.stop()


async def test_what_is_appended_comes_back_from_its_own_partition_in_order(
    kafka: KafkaBroker, create_topic: CreateTopic
) -> None:
    log = await log_beside(kafka, await create_topic(partitions=2))
    await log.start()

    offsets = [await log.append(1, [b"one"]), await log.append(1, [b"two", b"three" * 1000])]
    found = [await everything(log, partition) for partition in (0, 1)]
    since = [record async for batch in log.read(1, 1, 3) for record in batch]
    await log.stop()

    assert offsets == [[0], [1, 2]]
    assert found[0] == []
    assert [record.value for record in found[1]] == [b"one", b"two", b"three" * 1000]
    assert since == found[1][1:]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"cleanup_policy": "compact"}, "cleanup.policy"),
        ({"retention_ms": "3600000"}, "retention.ms"),
        ({"retention_bytes": "1000000"}, "retention.bytes"),
        ({"message_timestamp_type": "CreateTime"}, "message.timestamp.type"),
        ({"max_message_bytes": "500000"}, "max.message.bytes"),
    ],
)
async def test_a_state_topic_that_would_lose_state_is_refused_with_the_command_that_mends_it(
    kafka: KafkaBroker, create_topic: CreateTopic, settings: dict[str, str], named: str
) -> None:
    fitting = {
        "cleanup_policy": "delete",
        "retention_ms": "-1",
        "retention_bytes": "-1",
        "message_timestamp_type": "LogAppendTime",
    }
    topic = await create_topic()
    name = await create_topic(1, **{**fitting, **settings})
    log = await log_beside(kafka, topic, name)

    with pytest.raises(ConfigurationError, match=rf"would lose state: {named}; .*{named}="):
        await log.start()
    await log.stop()


async def test_a_state_topic_with_other_partitions_than_the_input_is_refused(
    kafka: KafkaBroker, create_topic: CreateTopic
) -> None:
    topic, name = await create_topic(partitions=2), await create_topic(partitions=1)
    log = await log_beside(kafka, topic, name)

    with pytest.raises(ConfigurationError, match=r"has 1 partitions, .* has 2"):
        await log.start()
    await log.stop()
