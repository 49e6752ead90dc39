import asyncio
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

    assert f"127.0.0.1:{port} (Connect call failed" in str(raised.value)
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

    assert f"127.0.0.1:{port} (accepts connections)" in str(raised.value)
    assert "kafka.security_protocol PLAINTEXT" in str(raised.value)


async def test_closing_is_given_up_at_its_limit() -> None:
    async def forever() -> None:
        await asyncio.Event().wait()

    closed = await bounded(forever(), timedelta(milliseconds=10))

    assert closed is False
