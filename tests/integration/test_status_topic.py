"""The status topic on a real broker: the laws of an exchange, and what becomes of its failures."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.status_topic import KafkaStatusTopic
from firstreply.adapters.kafka.topics import describe
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from tests.exchange_laws import GROUP, Bench, ExchangeLaws, seen, told, until
from tests.unit.wall.statuses import queue, status

pytestmark = pytest.mark.servers


def options_for(broker: KafkaBroker, topic: str) -> KafkaOptions:
    return KafkaOptions(
        bootstrap_servers=broker.bootstrap_servers,
        topic=topic,
        group=topic,
        connect_timeout=timedelta(seconds=10),
        offsets_timeout=timedelta(seconds=3),
        stop_timeout=timedelta(seconds=3),
    )


class KafkaBench:
    """Implements ``Bench`` on a topic of its own."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.topic = f"status-{uuid.uuid4().hex[:10]}"
        self.options = options_for(broker, f"events-of-{self.topic}")
        self._skew = 0.0
        self._running: list[asyncio.Task[None]] = []

    async def member(self, process: str, group: str = GROUP) -> KafkaStatusTopic:
        exchange = KafkaStatusTopic(
            self.options,
            self.topic,
            group=group,
            process=process,
            monotonic=lambda: time.monotonic() + self._skew,
        )
        self._running.append(asyncio.create_task(exchange.run()))
        return exchange

    async def write(self, raw: bytes) -> None:
        options = options_for_topic(self.options, self.topic)
        async with KafkaWriter(options) as writer:
            await writer.write([Outgoing(key=None, value=raw, partition=0)])

    def pass_time(self, seconds: float) -> None:
        self._skew += seconds

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.wait(self._running)


def options_for_topic(options: KafkaOptions, topic: str) -> KafkaOptions:
    return KafkaOptions(bootstrap_servers=options.bootstrap_servers, topic=topic, group=topic)


@pytest.fixture
async def bench(kafka: KafkaBroker) -> AsyncIterator[Bench]:
    bench = KafkaBench(kafka)
    yield bench
    await bench.stop()


class TestKafkaStatusTopic(ExchangeLaws):
    """See ``ExchangeLaws``."""


async def test_the_topic_is_made_small_and_stamped_by_the_broker(kafka: KafkaBroker) -> None:
    bench = KafkaBench(kafka)
    one, two = await bench.member("one"), await bench.member("two")
    two.want()
    one.offer(told("one"))
    await until(lambda: seen(two) == {"one": 1})

    async with administering(bench.options) as admin:
        topic = await describe(admin, bench.topic)
    await bench.stop()

    assert topic is not None
    assert topic.configuration is not None
    assert topic.partitions == 1
    assert {
        name: topic.configuration[name]
        for name in ("cleanup.policy", "retention.ms", "segment.ms", "message.timestamp.type")
    } == {
        "cleanup.policy": "delete",
        "retention.ms": "600000",
        "segment.ms": "600000",
        "message.timestamp.type": "LogAppendTime",
    }


async def test_a_topic_that_somebody_made_otherwise_is_used_as_it_is(kafka: KafkaBroker) -> None:
    bench = KafkaBench(kafka)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    configs = {"cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
    await admin.create_topics(
        [NewTopic(bench.topic, num_partitions=3, replication_factor=1, topic_configs=configs)]
    )
    await admin.close()
    one, two = await bench.member("one"), await bench.member("two")
    two.want()

    one.offer(told("one"))
    await until(lambda: seen(two) == {"one": 1})
    await bench.stop()


async def test_only_the_end_of_a_long_topic_is_read(kafka: KafkaBroker) -> None:
    bench = KafkaBench(kafka)
    one, two = await bench.member("one"), await bench.member("two")
    two.want()
    one.offer(told("one"))
    await until(lambda: seen(two) == {"one": 1})
    async with KafkaWriter(options_for_topic(bench.options, bench.topic)) as writer:
        await writer.write(Outgoing(key=None, value=b"x" * 200, partition=0) for _ in range(5000))
    one.offer(told("one", 2))
    await until(lambda: seen(two) == {"one": 2})

    late = await bench.member("late")
    taken = 0
    take = late._fresh.take

    def count(raw: bytes | None, at_broker: int | None) -> None:
        nonlocal taken
        taken += 1
        take(raw, at_broker)

    late._fresh.take = count  # type: ignore[method-assign]
    late.want()
    await late.first_read()
    await bench.stop()

    assert seen(late) == {"one": 2}
    assert 0 < taken <= 500


async def test_a_status_that_is_too_large_is_not_told_and_that_is_said(
    kafka: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    bench = KafkaBench(kafka)
    one = await bench.member("one")
    one.want()

    large = status(queues=[queue("c" * 64, str(n)) for n in range(20_000)])
    one.offer(large)
    await until(lambda: "more than" in (one.unread() or ""))
    await bench.stop()

    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.message for record in warnings] == ["status_topic_fails"]


@pytest.mark.timeout(240)
async def test_a_broker_that_is_away_is_told_and_its_return_is_too(
    fresh_kafka: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "firstreply.adapters.kafka.status_topic")
    bench = KafkaBench(fresh_kafka)
    one, two = await bench.member("one"), await bench.member("two")
    number = 0

    def tell() -> None:
        nonlocal number
        number += 1
        for exchange, process in ((one, "one"), (two, "two")):
            exchange.want()
            exchange.offer(told(process, number))

    await until(lambda: bool(seen(one)) and bool(seen(two)), meanwhile=tell)

    fresh_kafka.pause()
    await until(
        lambda: all("failed" in (exchange.unread() or "") for exchange in (one, two)),
        meanwhile=tell,
    )
    assert seen(one) == {}
    fresh_kafka.resume()
    # Each of both: what one wrote in vain before the pause may be read before it writes again.
    await until(
        lambda: all(exchange.unread() is None and seen(exchange) for exchange in (one, two)),
        meanwhile=tell,
    )
    await bench.stop()

    told_of = [
        record.message
        for record in caplog.records
        if record.message in {"status_topic_fails", "status_topic_works"}
        and record.__dict__["direction"] == "write"
    ]
    assert sorted(told_of) == ["status_topic_fails"] * 2 + ["status_topic_works"] * 2
