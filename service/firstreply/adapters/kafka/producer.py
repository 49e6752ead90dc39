"""A producer whose waits are bounded, for dead letters and for events of the demo and the tests.

Acknowledged by all in-sync replicas, not idempotent: a record repeated after a lost answer is
harmless to both uses, and an idempotent producer of aiokafka never gives up a batch and dies on a
sequence error. Records are compressed, so what reached us compressed also fits on its way out.
"""

import asyncio
from typing import Final

import msgspec
from aiokafka import AIOKafkaProducer

from firstreply.adapters.kafka.closing import stop_producer
from firstreply.adapters.kafka.connection import connect, retrieved
from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments
from firstreply.domain.errors import FatalError
from firstreply.ports import Headers

_NO_LIMIT: Final = 2**31 - 1
"""The broker knows the limit of a record and says so; a client's guess would only differ."""


class Outgoing(msgspec.Struct, frozen=True):
    """A record to be written."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None
    """Milliseconds since the epoch; None: when it is written."""
    partition: int | None = None
    """None: chosen by the key, as Kafka's own clients do."""


class Producer:
    """One connection for writing. Start before use; stop when done."""

    def __init__(self, options: KafkaOptions, *, compression: str | None = "zstd") -> None:
        self._options = options
        self._compression = compression
        self._client: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises RetryableError when no broker is reached."""
        self._client = AIOKafkaProducer(
            **connection_arguments(self._options),
            acks="all",
            enable_idempotence=False,
            compression_type=self._compression,
            max_request_size=_NO_LIMIT,
        )
        await connect(self._client.start, self._options)

    async def stop(self) -> None:
        """Flush and disconnect, within ``stop_timeout``. Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await stop_producer(client, self._options.stop_timeout)

    async def partition_count(self, topic: str) -> int:
        """Return how many partitions a topic has. Raises KafkaError if it is absent."""
        return len(await self._running().partitions_for(topic))

    async def enqueue(self, topic: str, record: Outgoing) -> asyncio.Future[object]:
        """Hand over a record, in order; return a future of its acknowledgement."""
        client = self._running()
        headers = list(record.headers)
        future: asyncio.Future[object]
        if record.key is not None or record.value is not None:
            future = await client.send(
                topic,
                key=record.key,
                value=record.value,
                headers=headers,
                timestamp_ms=record.timestamp,
                partition=record.partition,
            )
        else:
            # send() refuses a record without key and value, which Kafka itself takes.
            batch = client.create_batch()
            batch.append(key=None, value=None, timestamp=record.timestamp, headers=headers)
            batch.close()
            future = await client.send_batch(batch, topic, partition=record.partition or 0)
        future.add_done_callback(retrieved)
        return future

    def _running(self) -> AIOKafkaProducer:
        if self._client is None:
            msg = f"the producer to {self._options.bootstrap_servers} is not started"
            raise FatalError(msg)
        return self._client
