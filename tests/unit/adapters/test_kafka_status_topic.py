"""The status topic, without a broker: what is said when it cannot be had."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from firstreply.adapters.kafka import status_topic as module
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.kafka.status_topic import KafkaStatusTopic
from firstreply.wall.status import Membership
from tests.exchange_laws import until
from tests.unit.wall.statuses import status

OPTIONS = KafkaOptions(
    bootstrap_servers="b:1",
    topic="events",
    group="g",
    connect_timeout=timedelta(milliseconds=10),
)


@asynccontextmanager
async def running(exchange: KafkaStatusTopic) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(exchange.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def until_trouble(exchange: KafkaStatusTopic, times: int = 1) -> str:
    """Wait until something failed so often; return what is said."""

    def failures() -> int:
        found = re.search(r"failed (\d+) times", exchange.unread() or "")
        return int(found[1]) if found else 0

    await until(lambda: failures() >= times)
    return exchange.unread() or ""


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Return what each attempt to make the topic raises, the last one for ever."""
    errors: list[BaseException] = []

    async def nothing(*_: object) -> None:
        return None

    async def create(*_: object, **__: object) -> bool:
        raise errors.pop(0) if len(errors) > 1 else errors[0]

    @asynccontextmanager
    async def administering(_: KafkaOptions) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(module, "describe", nothing)
    monkeypatch.setattr(module, "create", create)
    monkeypatch.setattr(module, "administering", administering)
    monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.001)
    return errors


async def test_who_may_not_make_the_topic_is_told_how_to_and_how_to_do_without(
    attempts: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    attempts.append(TopicAuthorizationFailedError("g-status"))
    exchange = KafkaStatusTopic(OPTIONS, "g-status", group="g/events", process="p")
    exchange.offer(status())
    exchange.want()

    async with running(exchange) as task:
        said = await until_trouble(exchange)
        await until_trouble(exchange, 3)
        assert not task.done()

    assert said.startswith("status topic g-status: failed ")
    assert "kafka-topics.sh --bootstrap-server b:1 --create --topic g-status" in said
    assert "--config retention.ms=600000" in said
    assert "kafka.status_topic: null" in said
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.message for record in warnings] == ["status_topic_fails"]


@pytest.mark.parametrize(
    "error", [KafkaConnectionError("away"), asyncio.CancelledError(), ValueError("a parser's")]
)
async def test_whatever_fails_is_said_and_tried_again(
    error: BaseException, attempts: list[BaseException]
) -> None:
    attempts.append(error)
    exchange = KafkaStatusTopic(OPTIONS, "g-status", group="g/events", process="p")

    async with running(exchange) as task:
        said = await until_trouble(exchange)
        assert not task.done()

    assert (str(error) or "CancelledError") in said


def test_a_source_that_is_not_started_is_a_member_of_nothing() -> None:
    assert KafkaSource(OPTIONS).membership() == Membership(frozenset(), 0, -1)
