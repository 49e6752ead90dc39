"""The Kafka edge on a real broker. Each test has topics and a group of its own.

Run as a program, this file is a second member of a group, in a process of its own.
"""

import asyncio
import contextlib
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.options import KafkaOptions, Start
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.kafka.transactions import LOOKS
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from firstreply.ports import Committed, DeadLetter, Record, TimestampType
from tests.unit.adapters.kafka_nodes import aiokafka_tasks

pytestmark = pytest.mark.servers

TEN_MEGABYTES = 10 * 1_000_000
OVERSIZE_TOPIC = {"max.message.bytes": "12582912"}
PATIENCE_SECONDS = 60
"""A second member is there within two seconds; on busy cores it took more than twenty."""


@pytest.fixture
def options(kafka: KafkaBroker) -> KafkaOptions:
    name = f"events-{uuid.uuid4().hex[:12]}"
    return KafkaOptions(
        bootstrap_servers=kafka.bootstrap_servers,
        topic=name,
        group=f"watchers-{name}",
        session_timeout=timedelta(seconds=6),
        heartbeat_interval=timedelta(milliseconds=500),
        connect_timeout=timedelta(seconds=10),
        offsets_timeout=timedelta(seconds=3),
        commit_timeout=timedelta(seconds=3),
        stop_timeout=timedelta(seconds=3),
    )


@contextlib.asynccontextmanager
async def writing(
    options: KafkaOptions,
    *,
    partitions: int = 1,
    timestamp_type: TimestampType = TimestampType.LOG_APPEND_TIME,
    configuration: dict[str, str] | None = None,
    compression: str | None = None,
) -> AsyncIterator[KafkaWriter]:
    """Make the topic of ``options`` and open a writer to it."""
    async with KafkaWriter(options, compression=compression) as writer:
        await writer.create_topic(
            partitions=partitions, timestamp_type=timestamp_type, configuration=configuration
        )
        yield writer


@contextlib.asynccontextmanager
async def reading(options: KafkaOptions) -> AsyncIterator[KafkaSource]:
    """Start a source and wait for partitions."""
    source = KafkaSource(options)
    try:
        await source.start()
        await until(source, lambda: bool(source.assignment().partitions))
        yield source
    finally:
        await source.stop()


async def until(source: KafkaSource, is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await source.fetch()


async def fetch_count(source: KafkaSource, count: int) -> list[Record]:
    """Fetch until there are at least so many records."""
    records: list[Record] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(records) < count:
            for batch in (await source.fetch()).values():
                records.extend(batch)
    return records


async def read_raw(options: KafkaOptions, topic: str, count: int) -> list[ConsumerRecord]:
    """Read a topic with a plain client, as another tool would."""
    client = AIOKafkaConsumer(
        topic,
        bootstrap_servers=options.bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await client.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [await client.getone() for _ in range(count)]
    finally:
        await client.stop()


def numbered(numbers: Iterable[int], *, timestamp_step: int | None = None) -> list[Outgoing]:
    return [
        Outgoing(
            key=b"contact",
            value=str(number).encode(),
            timestamp=None if timestamp_step is None else number * timestamp_step,
        )
        for number in numbers
    ]


def values(records: Iterable[Record]) -> list[int]:
    return [int(record.value or b"-1") for record in records]


async def test_a_restart_resumes_at_the_committed_offset(options: KafkaOptions) -> None:
    async with writing(options) as writer:
        await writer.write(numbered(range(10)))
    async with reading(options) as first:
        begun_first = await first.begin(0)
        seen_first = await fetch_count(first, 10)
        accepted = await first.commit({0: 4}, first.assignment().epoch)

    async with reading(options) as second:
        begun_second = await second.begin(0)
        seen_second = await fetch_count(second, 6)

    assert (begun_first, accepted, begun_second) == (0, True, 4)
    assert values(seen_first) == list(range(10))
    assert values(seen_second) == list(range(4, 10))


async def test_a_committed_offset_of_zero_is_a_committed_offset(options: KafkaOptions) -> None:
    options = replace(options, start="latest")
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
    async with reading(options) as first:
        assert await first.begin(0) == 3
        assert await first.commit({0: 0}, first.assignment().epoch)

    async with reading(options) as second:
        assert await second.begin(0) == 0


def at_millisecond(number: int) -> datetime:
    return datetime.fromtimestamp(number / 1000, tz=UTC)


@pytest.mark.parametrize(
    ("start", "offset"),
    [
        ("earliest", 0),
        ("latest", 5),
        (at_millisecond(0), 0),
        (at_millisecond(2_000), 2),
        (at_millisecond(2_001), 3),
        (at_millisecond(4_001), 5),
    ],
)
async def test_without_a_commit_the_start_setting_decides(
    options: KafkaOptions, start: Start, offset: int
) -> None:
    options = replace(options, start=start)
    async with writing(options, timestamp_type=TimestampType.CREATE_TIME) as writer:
        await writer.write(numbered(range(5), timestamp_step=1_000))

    async with reading(options) as source:
        assert await source.begin(0) == offset


async def test_a_partition_delivers_nothing_before_it_is_begun(options: KafkaOptions) -> None:
    async with writing(options, partitions=2) as writer:
        await writer.write(Outgoing(None, b"0", partition=0) for _ in range(5))
        await writer.write(Outgoing(None, b"1", partition=1) for _ in range(5))

    async with reading(options) as source:
        unbegun = [await source.fetch() for _ in range(3)]
        await source.begin(1)
        begun = await fetch_count(source, 5)
        more = await source.fetch()

    assert unbegun == [{}, {}, {}]
    assert {record.partition for record in begun} == {1}
    assert more == {}


async def test_the_leader_tells_the_end_before_anything_was_fetched(options: KafkaOptions) -> None:
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
        async with reading(options) as source:
            before = await source.end_offsets(frozenset({0}))
            await writer.write(numbered(range(4)))
            after = await source.end_offsets(frozenset({0}))

    assert (before, after) == ({0: 3}, {0: 7})


async def test_transaction_markers_at_the_end_do_not_keep_a_reader_from_the_end(
    options: KafkaOptions,
) -> None:
    async with writing(options):
        producer = AIOKafkaProducer(
            bootstrap_servers=options.bootstrap_servers, transactional_id=options.group
        )
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(options.topic, b"0")
        await producer.stop()

    async with reading(options) as source:
        unread = await source.end_offsets(frozenset({0}))
        await source.begin(0)
        records = await fetch_count(source, 1)
        await source.fetch()
        read = await source.end_offsets(frozenset({0}))

    assert unread == {0: 2}
    assert [record.offset for record in records] == [0]
    assert read == {0: 1}


async def test_an_open_transaction_that_holds_back_a_reader_of_committed_records_is_told(
    options: KafkaOptions, caplog: pytest.LogCaptureFixture
) -> None:
    async with writing(options) as writer:
        await writer.write(numbered([0]))
        producer = AIOKafkaProducer(
            bootstrap_servers=options.bootstrap_servers, transactional_id=options.group
        )
        await producer.start()
        async with reading(replace(options, isolation_level="read_committed")) as source:
            await source.begin(0)
            async with producer.transaction():
                await producer.send_and_wait(options.topic, b"1")
                before = await fetch_count(source, 1)
                for _ in range(LOOKS):
                    await source.fetch()
                    ends = await source.end_offsets(frozenset({0}))
            after = await fetch_count(source, 1)
        await producer.stop()

    assert (values(before), ends, values(after)) == ([0], {0: 2}, [1])
    assert caplog.messages.count("open_transaction_holds_back_reading") == 1


@pytest.mark.parametrize("compression", ["gzip", "lz4", "snappy", "zstd"])
async def test_compressed_records_arrive(options: KafkaOptions, compression: str) -> None:
    async with writing(options, compression=compression) as writer:
        await writer.write(numbered(range(200)))

    async with reading(options) as source:
        await source.begin(0)
        records = await fetch_count(source, 200)

    assert values(records) == list(range(200))


@pytest.mark.parametrize("timestamp_type", list(TimestampType))
async def test_a_record_says_whose_clock_stamped_it(
    options: KafkaOptions, timestamp_type: TimestampType
) -> None:
    async with writing(options, timestamp_type=timestamp_type) as writer:
        await writer.write([Outgoing(b"k", b"1", timestamp=86_400_000)])

    async with reading(options) as source:
        await source.begin(0)
        (record,) = await fetch_count(source, 1)

    assert record.timestamp_type == timestamp_type
    assert (record.timestamp == 86_400_000) is (timestamp_type is TimestampType.CREATE_TIME)


@pytest.mark.parametrize("policy", ["compact", "compact,delete"])
async def test_a_compacted_topic_is_refused(options: KafkaOptions, policy: str) -> None:
    async with writing(options, configuration={"cleanup.policy": policy}):
        source = KafkaSource(options)

        with pytest.raises(ConfigurationError, match="is compacted") as raised:
            await source.start()
        await source.stop()

    assert options.topic in str(raised.value)
    assert "cleanup.policy=delete" in str(raised.value)


async def test_an_absent_topic_is_refused(options: KafkaOptions) -> None:
    source = KafkaSource(options)

    with pytest.raises(ConfigurationError, match="does not exist") as raised:
        await source.start()
    await source.stop()

    assert options.topic in str(raised.value)
    assert options.bootstrap_servers in str(raised.value)
    assert "kafka-topics.sh" in str(raised.value)


async def test_a_commit_beyond_the_end_is_a_topic_made_anew(options: KafkaOptions) -> None:
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
    async with reading(options) as first:
        await first.begin(0)
        assert await first.commit({0: 4}, first.assignment().epoch)

    async with reading(options) as second:
        with pytest.raises(FatalError, match=r"stands at offset 4.*offsets 0 to 3.*made anew"):
            await second.begin(0)


async def delete_before(options: KafkaOptions, offset: int) -> None:
    """Remove records as retention would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=options.bootstrap_servers)
    await admin.start()
    name = TopicPartition(options.topic, 0)
    await admin.delete_records({name: RecordsToDelete(before_offset=offset)})
    await admin.close()


async def test_records_removed_while_the_service_was_down_are_not_skipped(
    options: KafkaOptions,
) -> None:
    async with writing(options) as writer:
        await writer.write(numbered(range(10)))
    async with reading(options) as first:
        await first.begin(0)
        assert await first.commit({0: 4}, first.assignment().epoch)

    await delete_before(options, 4)
    async with reading(options) as second:
        assert await second.begin(0) == 4
    await delete_before(options, 5)
    async with reading(options) as third:
        with pytest.raises(FatalError, match="retention removed 1 unread"):
            await third.begin(0)


async def test_records_removed_under_a_running_service_are_not_skipped(
    options: KafkaOptions,
) -> None:
    options = replace(options, max_partition_fetch_bytes=1_000, max_records=1)
    async with writing(options) as writer:
        await writer.write(Outgoing(b"k", bytes(20_000)) for _ in range(50))
    async with reading(options) as source:
        await source.begin(0)
        await fetch_count(source, 1)

        await delete_before(options, 40)

        with pytest.raises(FatalError, match=r"retention removed .* unread"):
            await fetch_count(source, 50)


async def test_a_second_member_makes_new_epochs_and_an_old_one_cannot_commit(
    options: KafkaOptions,
) -> None:
    async with writing(options, partitions=4) as writer:
        await writer.write(Outgoing(None, b"1", partition=number) for number in range(4))
    async with reading(options) as source:
        alone = source.assignment()
        for partition in alone.partitions:
            await source.begin(partition)
        assert await source.commit({0: 1}, alone.epoch)

        member = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            *(options.bootstrap_servers, options.topic, options.group),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        try:
            await until(source, lambda: len(source.assignment().partitions) == 2)
            shared = source.assignment()
            kept = min(shared.partitions)
            stale = await source.commit({kept: 1}, alone.epoch)
            begun = await source.begin(kept)
            fresh = await source.commit({kept: 1}, shared.epoch)
        finally:
            member.terminate()
            await member.wait()
        await until(source, lambda: len(source.assignment().partitions) == 4)
        again = source.assignment()

    assert len(alone.partitions) == 4
    assert alone.epoch < shared.epoch < again.epoch
    assert (stale, fresh) == (False, True)
    assert begun == (1 if kept == 0 else 0)


async def test_commits_are_told_to_members_of_the_generation_that_the_broker_knows(
    options: KafkaOptions,
) -> None:
    """A coordinator cut off from its peers knows older generations alone, and older commits."""
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
    async with reading(options) as source:
        await source.begin(0)
        epoch = source.assignment().epoch
        before = await source.committed(0)
        assert await source.commit({0: 2}, epoch, {0: "a note"})

        known = await source.committed(0)
        source._consumer._coordinator.generation += 1  # type: ignore[union-attr]  # not known there
        with pytest.raises(RetryableError, match="does not know generation 2"):
            await source.committed(0)

    assert before is None
    assert known == Committed(2, "a note")


async def test_a_member_that_was_put_out_of_the_group_cannot_commit(options: KafkaOptions) -> None:
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
    async with reading(options) as source:
        await source.begin(0)
        epoch = source.assignment().epoch
        source._consumer._coordinator.generation += 7  # type: ignore[union-attr]  # a zombie's

        accepted = await source.commit({0: 1}, epoch)

    assert accepted is False


async def test_a_letter_is_kept_byte_for_byte(options: KafkaOptions) -> None:
    async with writing(options, partitions=3):
        pass
    letters = [
        DeadLetter(
            partition=2,
            offset=17,
            reason="not_json",
            detail="line 1: unexpected byte",
            key=b"\x00\xff",
            value=b"\xff\xfe{not json",
            headers=(("trace", b"\x80\x81\x00"), ("empty", b""), ("null", None), ("trace", b"2")),
            timestamp=1_700_000_000_123,
        ),
        # Far ahead: a Kafka 4 topic with default settings would refuse it.
        DeadLetter(0, 18, "null_value", "no value", b"k", None, (), 4_000_000_000_000),
        DeadLetter(1, 19, "null_value", "neither key nor value", None, None, (("a", b"b"),), 5),
    ]
    sink = KafkaDeadLetters(options)
    await sink.start()
    await sink.send(letters)
    await sink.stop()

    kept = await read_raw(options, f"{options.topic}.dead-letters", 3)

    for letter, record in zip(letters, kept, strict=True):
        assert (record.key, record.value) == (letter.key, letter.value)
        assert record.timestamp == letter.timestamp
        count = len(letter.headers)
        assert record.headers[:count] == tuple(letter.headers)
        ours = dict(record.headers[count:])
        assert ours["__streams.errors.topic"] == options.topic.encode()
        assert ours["__streams.errors.partition"] == str(letter.partition).encode()
        assert ours["__streams.errors.offset"] == str(letter.offset).encode()
        assert ours["firstreply.dlq.reason"] == letter.reason.encode()


async def test_an_oversize_event_arrives_and_fits_its_dead_letter(options: KafkaOptions) -> None:
    event = os.urandom(TEN_MEGABYTES)
    async with writing(options, configuration=OVERSIZE_TOPIC) as writer:
        await writer.write([*numbered([0]), Outgoing(b"contact", event), *numbered([2])])
    async with reading(options) as source:
        await source.begin(0)
        before, oversize, after = await fetch_count(source, 3)
    sink = KafkaDeadLetters(options)
    await sink.start()

    await sink.send([DeadLetter(0, 1, "oversize", "10 MB", oversize.key, oversize.value, (), None)])
    await sink.stop()

    (kept,) = await read_raw(options, sink.topic, 1)
    assert values([before, after]) == [0, 2]
    assert oversize.value == event
    assert kept.value == event


async def test_a_letter_as_large_as_the_input_allows_still_fits(options: KafkaOptions) -> None:
    async with writing(options, configuration={"max.message.bytes": "100000"}) as writer:
        event = os.urandom(100_000 - 100)
        await writer.write([Outgoing(b"k", event)])
        with pytest.raises(RetryableError, match="took 0 records"):
            await writer.write([Outgoing(b"k", os.urandom(100_000))])
    sink = KafkaDeadLetters(options)
    await sink.start()

    await sink.send([DeadLetter(0, 0, "oversize", "x" * 500, b"k", event, (), None)])
    await sink.stop()

    (kept,) = await read_raw(options, sink.topic, 1)
    assert kept.value == event


async def test_a_letter_that_the_topic_refuses_for_its_size_ends_with_the_remedy(
    options: KafkaOptions,
) -> None:
    letters_topic = replace(options, topic=options.dead_letters)
    async with writing(letters_topic, configuration={"max.message.bytes": "1000"}):
        pass
    sink = KafkaDeadLetters(options)
    await sink.start()

    with pytest.raises(FatalError, match=r"max\.message\.bytes=") as raised:
        await sink.send([DeadLetter(3, 9, "oversize", "", b"k", os.urandom(5_000), (), None)])
    await sink.stop()

    assert "partition 3, offset 9" in str(raised.value)


async def test_a_compacted_letter_topic_is_refused(options: KafkaOptions) -> None:
    letters_topic = replace(options, topic=options.dead_letters)
    async with writing(letters_topic, configuration={"cleanup.policy": "compact"}):
        sink = KafkaDeadLetters(options)

        with pytest.raises(ConfigurationError, match=r"kafka\.dead_letter_topic"):
            await sink.start()
        await sink.stop()


async def timed(call: Awaitable[object]) -> float:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    with contextlib.suppress(RetryableError):
        await call
    return loop.time() - begin


async def test_a_frozen_broker_is_waited_for_only_so_long_and_found_again(
    options: KafkaOptions, kafka: KafkaBroker
) -> None:
    limit = timedelta(seconds=1)
    options = replace(options, offsets_timeout=limit, commit_timeout=limit, stop_timeout=limit)
    async with writing(options) as writer:
        await writer.write(numbered(range(3)))
    async with reading(options) as source:
        await source.begin(0)
        await fetch_count(source, 3)
        epoch = source.assignment().epoch

        kafka.pause()
        try:
            with pytest.raises(RetryableError, match=f"{options.topic}, partitions 0"):
                await source.end_offsets(frozenset({0}))
            unanswered = await timed(source.end_offsets(frozenset({0})))
            accepted = await source.commit({0: 3}, epoch)
            fetched = await timed(source.fetch())
        finally:
            kafka.resume()
        ends = await source.end_offsets(frozenset({0}))

    assert unanswered < 2.5
    assert accepted is False
    assert fetched < 1
    assert ends == {0: 3}


async def test_a_frozen_broker_cannot_keep_the_source_from_stopping_and_nothing_of_it_goes_on(
    options: KafkaOptions, kafka: KafkaBroker
) -> None:
    limit = timedelta(seconds=1)
    options = replace(options, stop_timeout=limit)
    async with writing(options):
        pass
    async with reading(options) as source:
        await source.begin(0)
        await source.fetch()
        kafka.pause()
        try:
            taken = await timed(source.stop())
            left = aiokafka_tasks()
        finally:
            kafka.resume()

    assert taken < 4
    assert left == []


async def be_a_member(servers: str, topic: str, group: str) -> None:
    """Join a group and own partitions until ended from outside."""
    options = KafkaOptions(bootstrap_servers=servers, topic=topic, group=group)
    source = KafkaSource(replace(options, session_timeout=timedelta(seconds=6)))
    await source.start()
    while True:
        await source.fetch()


if __name__ == "__main__":
    asyncio.run(be_a_member(*sys.argv[1:]))
