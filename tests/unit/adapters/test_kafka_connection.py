import asyncio
import contextlib
from datetime import timedelta

import pytest

from firstreply.adapters.kafka.connection import bounded
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.domain.errors import RetryableError


def at(port: int) -> KafkaOptions:
    return KafkaOptions(
        bootstrap_servers=f"127.0.0.1:{port}",
        topic="events",
        group="g",
        connect_timeout=timedelta(milliseconds=300),
        stop_timeout=timedelta(milliseconds=300),
    )


async def closed_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_brokers_that_are_down_are_named_and_not_waited_for_without_end() -> None:
    port = await closed_port()
    source = KafkaSource(at(port))

    with pytest.raises(RetryableError) as raised:
        await asyncio.wait_for(source.start(), timeout=5)
    await source.stop()

    assert f"127.0.0.1:{port}: Connect call failed" in str(raised.value)
    assert "within 0.3 s" in str(raised.value)
    assert "kafka.bootstrap_servers" in str(raised.value)


async def test_a_server_that_takes_connections_and_never_answers_is_told_apart() -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    source = KafkaSource(at(port))

    async with server:
        with pytest.raises(RetryableError) as raised:
            await asyncio.wait_for(source.start(), timeout=5)
        await source.stop()

    assert f"127.0.0.1:{port}: no answer in 3 s" in str(raised.value)
    assert "kafka.security_protocol than PLAINTEXT" in str(raised.value)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_closing_is_given_up_at_its_limit() -> None:
    closed = await bounded(forever(), timedelta(milliseconds=10))

    assert closed is False


async def test_a_close_that_ends_as_cancelled_has_not_cancelled_who_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def cancelled() -> None:
        raise asyncio.CancelledError

    closed = await bounded(cancelled(), timedelta(seconds=10))

    assert closed is False
    (told,) = caplog.records
    assert told.__dict__["error"] == "CancelledError()"


async def test_a_close_that_waits_for_something_else_when_it_is_given_up_is_ended_too() -> None:
    ended = asyncio.Event()

    async def stubborn() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
        ended.set()

    await bounded(stubborn(), timedelta(milliseconds=10))

    assert ended.is_set()


async def test_an_error_of_a_close_that_is_not_kafkas_is_not_hidden() -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bounded(broken(), timedelta(seconds=10))


async def test_who_is_cancelled_while_something_closes_is_cancelled_and_that_with_him() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def close() -> None:
        begun.set()
        try:
            await forever()
        finally:
            ended.set()

    closing = asyncio.create_task(bounded(close(), timedelta(seconds=10)))
    await begun.wait()
    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing
    await ended.wait()
