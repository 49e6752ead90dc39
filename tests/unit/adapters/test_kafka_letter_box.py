"""Letters go back as the records they were; what is refused is told with place and remedy."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from firstreply.adapters.kafka import letter_box
from firstreply.adapters.kafka.letter_box import KafkaLetterBox
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.topics import Topic
from firstreply.domain.errors import ConfigurationError, FatalError, RetryableError
from tests.unit.letters import NOON, letter

OPTIONS = KafkaOptions(
    bootstrap_servers="b:1",
    topic="events",
    group="g",
    request_timeout=timedelta(milliseconds=200),
    rebalance_timeout=timedelta(seconds=-10),  # no group here: lets the other be this short
)


class FakeProducer:
    """Takes records, or answers the first with an error; ``silent`` ones are never answered."""

    def __init__(self, error: KafkaError | None = None, *, silent: bool = False) -> None:
        self.error = error
        self.silent = silent
        self.written: list[tuple[str, Outgoing]] = []

    async def enqueue(self, topic: str, record: Outgoing) -> asyncio.Future[object]:
        self.written.append((topic, record))
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        if self.error is not None:
            future.set_exception(self.error)
        elif not self.silent:
            future.set_result(None)
        return future


def a_box(producer: FakeProducer, *, to: str | None = None, partitions: int = 4) -> KafkaLetterBox:
    box = KafkaLetterBox(OPTIONS, to)
    box._producer = producer  # type: ignore[assignment]
    box._target = Topic(box.target, partitions, 1, {"message.timestamp.type": "CreateTime"})
    return box


async def test_the_record_goes_back_to_its_partition_byte_for_byte_with_a_mark() -> None:
    producer = FakeProducer()
    one = letter(7, value=b"\xff", headers=[("trace", b"\x80"), ("trace", None)], source=3)

    await a_box(producer).send([one])

    ((topic, record),) = producer.written
    assert (topic, record.partition) == ("events", 3)
    assert (record.key, record.value, record.timestamp) == (b"c", b"\xff", NOON)
    assert list(record.headers) == [
        ("trace", b"\x80"),
        ("trace", None),
        ("firstreply.dlq.replayed.from", b"events.dead-letters/0/7"),
        ("firstreply.dlq.replayed.count", b"1"),
    ]


@pytest.mark.parametrize(("to", "partitions"), [("others", 4), (None, 3)])
async def test_in_another_topic_or_where_its_partition_is_gone_the_key_decides(
    to: str | None, partitions: int
) -> None:
    producer = FakeProducer()

    await a_box(producer, to=to, partitions=partitions).send([letter(source=3)])

    ((topic, record),) = producer.written
    assert (topic, record.partition) == (to or "events", None)


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (TopicAuthorizationFailedError(), FatalError, "grant WRITE and DESCRIBE on the topic"),
        (MessageSizeTooLargeError(), FatalError, "raise its max.message.bytes"),
        (InvalidTimestampError(), FatalError, "raise its message.timestamp.before.max.ms"),
        (PolicyViolationError(), FatalError, "correct the topic"),
        (NotEnoughReplicasError(), RetryableError, "give the command again"),
    ],
)
async def test_a_refusal_names_the_topic_the_letters_and_the_remedy(
    error: KafkaError, kind: type[Exception], remedy: str
) -> None:
    with pytest.raises(kind) as raised:
        await a_box(FakeProducer(error)).send([letter(7), letter(9)])

    assert str(raised.value).startswith(
        "topic events at b:1 did not take all letters from 0:7 to 0:9"
    )
    assert remedy in str(raised.value)


async def test_a_topic_that_does_not_answer_in_time_is_no_reason_to_wait_for_ever() -> None:
    with pytest.raises(RetryableError, match="did not take all letters"):
        await a_box(FakeProducer(silent=True)).send([letter()])


async def test_letters_that_would_go_to_themselves_are_refused_before_anything_is_asked() -> None:
    box = KafkaLetterBox(OPTIONS, "events.dead-letters")

    with pytest.raises(ConfigurationError, match="dead letter topic itself; name an input topic"):
        await box.start(to_send=True)


@pytest.mark.parametrize(
    ("configuration", "keeps"),
    [
        ({"message.timestamp.type": "CreateTime"}, True),
        ({"message.timestamp.type": "LogAppendTime"}, False),
        (None, False),
    ],
)
def test_a_topic_whose_settings_are_hidden_is_not_trusted_to_keep_timestamps(
    configuration: dict[str, str] | None,
    keeps: bool,  # noqa: FBT001
) -> None:
    box = KafkaLetterBox(OPTIONS)
    box._target = Topic("events", 1, 1, configuration)

    assert box.keeps_timestamps is keeps


async def test_who_may_not_read_the_letters_is_told_which_right_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(*_: object) -> AsyncGenerator[Sequence[Any], None]:
        yield []
        msg = "cannot be read"
        raise RetryableError(msg) from TopicAuthorizationFailedError()

    monkeypatch.setattr(letter_box, "read_stretch", refused)

    with pytest.raises(FatalError, match=r"grant READ on topic events\.dead-letters at b:1"):
        _ = [letters async for letters in KafkaLetterBox(OPTIONS).read(0, 0, 1)]
