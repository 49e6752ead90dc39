"""Asking the partition leaders where the log begins and ends, now.

The proof of log time needs a fresh answer, so this is a client of its own, member of no group, that
never fetches: ``highwater()`` of the consumer is a remembered value and is older than the clock it
would be compared with. It asks with ``read_uncommitted``, because ``read_committed`` hides the
records of open transactions. After a leader that did not answer in time the next question goes over
a new connection: aiokafka would wait on the dead one until TCP gives up. The old one is closed in
the background, when all asked over it has ended (``asking``).

aiokafka answers for all partitions or for none. So ends are asked for together, one request per
leader, and one by one only where that found no answer: a partition without a leader must not stop
the clocks of the others. A partition known to be silent is asked for apart until it answers. And
aiokafka connects to one broker at a time: a dead one makes those wait that come after it. So after
a silence another partition comes first, until the living are connected before the dead.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from firstreply.adapters.kafka import errors as kafka_errors
from firstreply.adapters.kafka.asking import AskedClient, CurrentClient
from firstreply.adapters.kafka.closing import stop_consumer
from firstreply.adapters.kafka.connection import connect
from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments, milliseconds
from firstreply.adapters.kafka.topics import NOT_AUTHORISED
from firstreply.domain.errors import FatalError, RetryableError

_log = logging.getLogger(__name__)

_TOGETHER: Final = 0.25
"""The part of ``offsets_timeout`` in which all leaders must answer, or each is asked apart."""


class LeaderOffsets:
    """Beginning, end and time lookup of the partitions of one topic. Safe to share by tasks."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._current = CurrentClient(self._open, options.stop_timeout)
        self._silent: set[int] = set()
        """Partitions whose leader did not answer the last time, while another's did."""
        self._first = 0
        """Which of the partitions is asked for first; see the module's docstring."""

    async def start(self) -> None:
        """Connect. Raises RetryableError when no broker is reached."""
        await self._current.opened()

    async def stop(self) -> None:
        """Disconnect, within ``stop_timeout``. Idempotent."""
        await self._current.stop()

    async def ends(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Return the offset after the last record of each partition, as its leader knows it.

        Partitions whose leader did not answer within ``offsets_timeout`` are left out.

        Raises:
            RetryableError: no leader answered within ``offsets_timeout``.
        """
        wanted = self._named(partitions)
        if not wanted:
            return {}
        until = self._until()
        try:
            client = await self._current.opened(until)
        except (KafkaError, TimeoutError) as error:
            raise self._unanswered(wanted, error) from error
        # First, and not beside the silent ones: a connection to a dead broker would keep the
        # others waiting.
        answers = await self._ends_together(client, wanted)
        silent: dict[TopicPartition, Exception] = {}
        rest = [name for name in wanted if name not in answers]
        asked = (self._end_alone(client, name, until) for name in rest)
        for name, outcome in zip(rest, await asyncio.gather(*asked), strict=True):
            if isinstance(outcome, Exception):
                silent[name] = outcome
            else:
                answers[name] = outcome
        if silent:
            self._first += 1
            self._current.drop(client)  # not reused: see the module's docstring
            self._require_some(answers, silent)
        self._remember(answers, silent)
        return {name.partition: offset for name, offset in answers.items()}

    async def beginnings(self, partitions: Iterable[int]) -> Mapping[int, int]:
        """Return the offset of the oldest record that retention has left in each partition.

        Raises:
            RetryableError: a leader did not answer within ``offsets_timeout``.
        """
        wanted = self._named(partitions)
        return await self._ask(wanted, lambda client: client.beginning_offsets(wanted))

    async def at_time(self, partition: int, timestamp: int) -> int | None:
        """Return the offset of the first record stamped at or after an instant, if there is one.

        Args:
            partition: its number.
            timestamp: milliseconds since the epoch, not negative.

        Raises:
            RetryableError: the leader did not answer within ``offsets_timeout``.
        """
        name = TopicPartition(self._options.topic, partition)

        async def ask(client: AIOKafkaConsumer) -> Mapping[TopicPartition, int]:
            found = (await client.offsets_for_times({name: timestamp}))[name]
            return {} if found is None else {name: found.offset}

        return (await self._ask([name], ask)).get(partition)

    async def _ends_together(
        self, client: AskedClient, wanted: list[TopicPartition]
    ) -> dict[TopicPartition, int]:
        """Return the ends of those not known to be silent; of none if one of them is silent."""
        names = [name for name in wanted if name.partition not in self._silent]
        if not names:
            return {}
        try:
            ends = await client.ask(lambda it: it.end_offsets(names), self._until(_TOGETHER))
            return dict(ends)
        except (KafkaError, TimeoutError):
            return {}  # the same question, asked one by one, tells whose error it is

    @staticmethod
    async def _end_alone(
        client: AskedClient, name: TopicPartition, until: float
    ) -> int | KafkaError | TimeoutError:
        try:
            end: int = (await client.ask(lambda it: it.end_offsets([name]), until))[name]
        except (KafkaError, TimeoutError) as error:
            return error
        return end

    def _require_some(
        self, answers: Mapping[TopicPartition, int], silent: Mapping[TopicPartition, Exception]
    ) -> None:
        for error in silent.values():
            if isinstance(error, NOT_AUTHORISED):
                raise kafka_errors.not_authorised(self._options, error) from error
        if not answers:
            error = next(iter(silent.values()))
            raise self._unanswered(list(silent), error) from error

    def _remember(
        self, answers: Mapping[TopicPartition, int], silent: Mapping[TopicPartition, Exception]
    ) -> None:
        for name in answers:
            if name.partition in self._silent:
                self._silent.discard(name.partition)
                _log.info(
                    "end_offset_known_again",
                    extra={"topic": name.topic, "partition": name.partition},
                )
        for name, error in silent.items():
            if name.partition not in self._silent:
                self._silent.add(name.partition)
                _log.warning(
                    "end_offset_unknown",
                    extra={
                        "topic": name.topic,
                        "partition": name.partition,
                        "error": type(error).__name__,
                    },
                )

    def _named(self, partitions: Iterable[int]) -> list[TopicPartition]:
        names = [TopicPartition(self._options.topic, partition) for partition in partitions]
        first = self._first % max(1, len(names))
        return names[first:] + names[:first]

    def _until(self, part: float = 1) -> float:
        patience = self._options.offsets_timeout.total_seconds() * part
        return asyncio.get_running_loop().time() + patience

    async def _ask(
        self,
        wanted: list[TopicPartition],
        question: Callable[[AIOKafkaConsumer], Coroutine[Any, Any, Mapping[TopicPartition, int]]],
    ) -> Mapping[int, int]:
        if not wanted:
            return {}
        until = self._until()
        client: AskedClient | None = None
        try:
            client = await self._current.opened(until)
            answers = await client.ask(question, until)
        except (KafkaError, TimeoutError) as error:
            if client is not None:
                self._current.drop(client)  # not reused: see the module's docstring
            raise self._unanswered(wanted, error) from error
        return {name.partition: offset for name, offset in answers.items()}

    async def _open(self) -> AIOKafkaConsumer:
        arguments = connection_arguments(self._options)
        patience = min(self._options.request_timeout, self._options.offsets_timeout)
        arguments["request_timeout_ms"] = milliseconds(patience)
        client = AIOKafkaConsumer(**arguments, isolation_level="read_uncommitted")
        try:
            await connect(client.start, self._options)
        except BaseException:  # CancelledError too: nobody else knows the client yet
            await stop_consumer(client, self._options.stop_timeout)
            raise
        return client

    def _unanswered(
        self, wanted: list[TopicPartition], error: BaseException
    ) -> RetryableError | FatalError:
        numbers = ", ".join(str(number) for number in sorted(name.partition for name in wanted))
        where = (
            f"topic {self._options.topic}, partitions {numbers}, brokers "
            f"{self._options.bootstrap_servers}"
        )
        if isinstance(error, NOT_AUTHORISED):
            return kafka_errors.not_authorised(self._options, error)
        limit = f"{self._options.offsets_timeout.total_seconds():g} s"
        return RetryableError(f"no offset from the leaders within {limit}: {where}: {error!r}")
