"""Ending aiokafka's clients within a bounded time, and so that nothing of them goes on.

A client's ``stop`` ends its tasks and closes its connections one after the other, and waits for
brokers in between. Given up half way it leaves the rest running: a fetcher or sender then finds its
connection closed and makes a new one, which nobody closes. So what ``stop`` did not reach is ended
here, tasks first, connections last. Nothing else is known of aiokafka's insides than that its parts
hold their tasks as attributes.
"""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from firstreply.adapters.kafka.connection import bounded, give_up


async def stop_consumer(consumer: AIOKafkaConsumer, limit: timedelta) -> None:
    """Leave the group and disconnect, each within the limit. Idempotent."""
    if await bounded(consumer.stop(), limit):
        return
    # Its own parts under their only names; there is no other way.
    await give_up(_tasks(consumer._coordinator, consumer._fetcher))  # noqa: SLF001
    await bounded(consumer._client.close(), limit)  # noqa: SLF001


async def stop_producer(producer: AIOKafkaProducer, limit: timedelta) -> None:
    """Flush and disconnect, each within the limit; what is not acknowledged by then fails."""
    if await bounded(producer.stop(), limit):
        return
    # Or its own task, that waits for these acknowledgements, would wait for ever.
    lost = KafkaConnectionError("stopped before it was acknowledged")
    producer._message_accumulator.fail_all(lost)  # noqa: SLF001
    await give_up(_tasks(producer._sender))  # noqa: SLF001
    await bounded(producer.client.close(), limit)


def _tasks(*parts: object) -> Iterator[asyncio.Task[Any]]:
    """Yield the tasks that parts of a client hold, alone or in a set."""
    for part in parts:
        if part is None:  # it was never started
            continue
        for value in vars(part).values():
            held = list(value) if isinstance(value, set) else [value]
            yield from (each for each in held if isinstance(each, asyncio.Task))
