"""Writing events to a topic: the simulator's feed in the demo, and the tests' hand.

The service itself never writes events. Records keep their order per partition; ``write`` returns
when all are acknowledged.
"""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import islice
from types import TracebackType
from typing import Final, Self

from aiokafka.errors import KafkaError

from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.topics import create
from firstreply.domain.errors import ConfigurationError, RetryableError
from firstreply.ports import TimestampType

_BATCH: Final = 1000
"""Records in flight at a time: enough to fill batches, few enough to bound memory."""

_TIMESTAMP_TYPES: Final = {
    TimestampType.CREATE_TIME: "CreateTime",
    TimestampType.LOG_APPEND_TIME: "LogAppendTime",
}


class KafkaWriter:
    """Writes to ``options.topic``; an async context manager."""

    def __init__(self, options: KafkaOptions, *, compression: str | None = None) -> None:
        """Prepare a writer.

        Args:
            options: where, and how patient.
            compression: gzip, lz4, snappy, zstd or none at all.
        """
        self._options = options
        self._producer = Producer(options, compression=compression)

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:  # CancelledError too: there will be no __aexit__
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Connect. Raises RetryableError when no broker is reached."""
        await self._producer.start()

    async def stop(self) -> None:
        """Flush and disconnect, within ``stop_timeout``. Idempotent."""
        await self._producer.stop()

    async def create_topic(
        self,
        *,
        partitions: int = 4,
        timestamp_type: TimestampType = TimestampType.LOG_APPEND_TIME,
        configuration: Mapping[str, str] | None = None,
    ) -> bool:
        """Make the topic; False if it exists already, as whatever it is.

        Args:
            partitions: how many.
            timestamp_type: whose clock stamps its records.
            configuration: further topic settings; they win. ``retention.ms`` is -1 by default, or
                events of last year would be deleted at once.

        Raises:
            ConfigurationError: the broker refused.
        """
        settings = {
            "retention.ms": "-1",
            "message.timestamp.type": _TIMESTAMP_TYPES[timestamp_type],
            **(configuration or {}),
        }
        try:
            async with administering(self._options) as admin:
                return await create(
                    admin, self._options.topic, partitions=partitions, configuration=settings
                )
        except KafkaError as error:
            msg = (
                f"kafka.topic: {self._options.topic} cannot be made at "
                f"{self._options.bootstrap_servers} with {settings}: {error!r}"
            )
            raise ConfigurationError(msg) from error

    async def write(self, records: Iterable[Outgoing]) -> int:
        """Write records, keyed by contact id; return how many, when all are acknowledged.

        Raises:
            RetryableError: a batch was not acknowledged within ``request_timeout``; part of the
                records may have been written.
        """
        remaining = iter(records)
        written = 0
        while batch := list(islice(remaining, _BATCH)):
            try:
                async with asyncio.timeout(self._options.request_timeout.total_seconds()):
                    await asyncio.gather(
                        *[await self._producer.enqueue(self._options.topic, it) for it in batch]
                    )
            except (KafkaError, TimeoutError) as error:
                msg = (
                    f"topic {self._options.topic} at {self._options.bootstrap_servers} took "
                    f"{written} records, then: {error!r}"
                )
                raise RetryableError(msg) from error
            written += len(batch)
        return written
