"""A record that aiokafka cannot decode: what lies before it is read, and its place is told."""

import asyncio
import struct
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.reader import read_stretch
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.domain.errors import FatalError
from tests.unit.commands import invoke

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

_NAME = b"ABCD"
_NO_UTF8 = b"\xff\xfeCD"
_CRC_AT = 17
_CHECKED_FROM = 21


@pytest.fixture
def options(kafka: KafkaBroker) -> KafkaOptions:
    topic = f"events-{uuid.uuid4().hex[:10]}"
    return KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)


@asynccontextmanager
async def producing(options: KafkaOptions) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=options.bootstrap_servers)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def spoil(options: KafkaOptions) -> None:
    """Append a record with a header whose name is no text."""
    async with producing(options) as producer:
        batch = producer.create_batch()
        batch.append(key=None, value=b"{}", timestamp=None, headers=[(_NAME.decode(), b"secret")])
        batch.close()
        written = bytearray(batch._build())
        at = written.index(_NAME)
        written[at : at + len(_NAME)] = _NO_UTF8
        struct.pack_into(">I", written, _CRC_AT, calc_crc32c(bytes(written[_CHECKED_FROM:])))
        batch._buffer = written
        await (await producer.send_batch(batch, options.topic, partition=0))


async def written(options: KafkaOptions, good: int) -> None:
    """Write records, one that is spoiled, and one more."""
    async with KafkaWriter(options) as writer:
        await writer.create_topic(partitions=1)
        await writer.write([Outgoing(None, b"%d" % number) for number in range(good)])
        await spoil(options)
        await writer.write([Outgoing(None, b"after")])


async def offsets(options: KafkaOptions, end: int, into: list[int]) -> None:
    async with aclosing(read_stretch(options, options.topic, 0, 0, end)) as batches:
        async for records in batches:
            into += [record.offset for record in records]


async def test_what_lies_before_it_is_read_and_then_its_place_is_told(
    options: KafkaOptions,
) -> None:
    await written(options, 3)
    before: list[int] = []
    all_: list[int] = []

    await offsets(options, 3, before)
    with pytest.raises(FatalError, match=r"partition 0: the record at offset 3 cannot") as raised:
        await offsets(options, 5, all_)

    assert before == all_ == [0, 1, 2]
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_a_command_tells_it_in_one_line_that_quotes_nothing(
    options: KafkaOptions, tmp_path: Path
) -> None:
    await written(options, 1)
    config = tmp_path / "firstreply.yaml"
    config.write_text(
        f'kafka: {{bootstrap_servers: "{options.bootstrap_servers}", topic: other,'
        f" group: {options.group}, dead_letter_topic: {options.topic}}}\n"
    )

    result = await asyncio.to_thread(invoke, "dlq", "list", "--config", str(config))
    shown = await asyncio.to_thread(invoke, "dlq", "show", "0:0", "--config", str(config))

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
    assert "(UnicodeDecodeError)" in result.stderr
    assert "secret" not in result.output
    assert shown.exit_code == 0, shown.output
