import asyncio
from datetime import timedelta

import pytest
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
)

from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.ports import DeadLetter

OPTIONS = KafkaOptions(
    bootstrap_servers="b:1",
    topic="events",
    group="g",
    request_timeout=timedelta(milliseconds=200),
    rebalance_timeout=timedelta(seconds=-10),  # no group here: lets the other be this short
)


class FakeProducer:
    """Acknowledges, refuses or stays silent, in the order told; then it acknowledges."""

    def __init__(self, *answers: KafkaError | str) -> None:
        self.answers = list(answers)
        self.written: list[Outgoing] = []
        self.unacknowledged = 0
        self.most_bytes_in_flight = 0

    async def partition_count(self, topic: str) -> int:
        assert topic == "events.dead-letters"
        return 2

    async def enqueue(self, topic: str, record: Outgoing) -> asyncio.Future[object]:
        assert topic == "events.dead-letters"
        self.written.append(record)
        size = len(record.value or b"")
        self.unacknowledged += size
        self.most_bytes_in_flight = max(self.most_bytes_in_flight, self.unacknowledged)
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        asyncio.get_running_loop().call_soon(self._answer, future, size)
        return future

    def _answer(self, future: asyncio.Future[object], size: int) -> None:
        self.unacknowledged -= size
        answer = self.answers.pop(0) if self.answers else "acknowledged"
        if isinstance(answer, KafkaError):
            future.set_exception(answer)
        elif answer == "acknowledged":
            future.set_result(None)


def a_sink(*answers: KafkaError | str) -> tuple[KafkaDeadLetters, FakeProducer]:
    sink, producer = KafkaDeadLetters(OPTIONS), FakeProducer(*answers)
    sink._producer = producer  # type: ignore[assignment]
    return sink, producer


def letter(
    *, partition: int = 5, value: bytes | None = b"\xff{", timestamp: int | None = 1_234
) -> DeadLetter:
    return DeadLetter(
        partition=partition,
        offset=42,
        reason="not_json",
        detail="byte 0: é is not JSON",
        key=b"\x00key",
        value=value,
        headers=[("trace", b"\x80\x81"), ("trace", None), ("firstreply.dlq.reason", b"older")],
        timestamp=timestamp,
    )


async def test_the_record_is_unchanged_and_its_own_headers_come_first() -> None:
    sink, producer = a_sink()

    await sink.send([letter()])

    (written,) = producer.written
    assert (written.key, written.value, written.timestamp) == (b"\x00key", b"\xff{", 1_234)
    assert list(written.headers) == [
        ("trace", b"\x80\x81"),
        ("trace", None),
        ("firstreply.dlq.reason", b"older"),
        ("__streams.errors.topic", b"events"),
        ("__streams.errors.partition", b"5"),
        ("__streams.errors.offset", b"42"),
        ("__streams.errors.exception", b"firstreply.Rejected.NotJson"),
        ("__streams.errors.message", "byte 0: é is not JSON".encode()),
        ("firstreply.dlq.reason", b"not_json"),
        ("firstreply.dlq.version", b"1"),
        ("firstreply.dlq.timestamp", b"1234"),
    ]


async def test_the_letter_topic_may_have_fewer_partitions_than_the_input() -> None:
    sink, producer = a_sink()

    await sink.send([letter(partition=5), letter(partition=4)])

    assert [written.partition for written in producer.written] == [1, 0]


async def test_no_timestamp_in_kafka_s_spelling_is_not_sent_as_one() -> None:
    sink, producer = a_sink()

    await sink.send([letter(timestamp=-1)])

    assert producer.written[0].timestamp is None


async def test_a_timestamp_that_the_topic_refuses_is_kept_in_a_header_only() -> None:
    sink, producer = a_sink(InvalidTimestampError())

    await sink.send([letter(timestamp=99)])

    assert [written.timestamp for written in producer.written] == [99, None]
    assert ("firstreply.dlq.timestamp", b"99") in producer.written[1].headers


async def test_large_letters_go_one_at_a_time() -> None:
    sink, producer = a_sink()
    size = 5 * 1_048_576

    await sink.send([letter(value=bytes(size)) for _ in range(3)])

    assert len(producer.written) == 3
    assert producer.most_bytes_in_flight == size


async def test_nothing_to_send_is_done_at_once() -> None:
    sink, producer = a_sink()

    await sink.send([])

    assert producer.written == []


async def test_a_letter_refused_for_its_size_is_fatal_and_tells_the_command() -> None:
    sink, _ = a_sink(MessageSizeTooLargeError())

    with pytest.raises(FatalError) as raised:
        await sink.send([letter()])

    text = str(raised.value)
    assert "partition 5, offset 42" in text
    assert "--entity-name events.dead-letters --add-config max.message.bytes=" in text


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("silence", RetryableError),
        (KafkaTimeoutError(), RetryableError),
        (NotEnoughReplicasError(), RetryableError),
        (TopicAuthorizationFailedError("events.dead-letters"), FatalError),
        (PolicyViolationError(), FatalError),
    ],
)
async def test_what_is_not_acknowledged_is_an_error_that_names_the_topic(
    answer: KafkaError | str, kind: type[Exception]
) -> None:
    sink, _ = a_sink("acknowledged", answer)

    with pytest.raises(kind, match=r"events\.dead-letters at b:1"):
        await sink.send([letter(), letter()])
