"""One connection to one broker, and what ``firstreply doctor`` asks over it.

aiokafka's own clients go where the brokers say they are; this one stays at the address it was
given, so it works where the advertised addresses do not. It only asks: nothing is written, made or
changed. Every answer is bounded by ``limit``.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

from aiokafka.admin.config_resource import ConfigResourceType
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.protocol.admin import (
    CreateTopicsRequest,
    DescribeConfigsRequest,
    SaslHandShakeRequest,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.coordination import FindCoordinatorRequest

from firstreply.adapters.kafka.options import KafkaOptions, connection_arguments, milliseconds
from firstreply.adapters.kafka.requests import Groups, Quorum, Topics
from firstreply.adapters.kafka.seen import (
    Broker,
    ClockSeen,
    ClusterSeen,
    GroupSeen,
    MemberSeen,
    TopicSeen,
)
from firstreply.adapters.kafka.topics import values_of
from firstreply.domain.errors import RetryableError

Answer = TypeVar("Answer")

_TOO_OLD: Final = "the broker does not know the question; the checks need Kafka 2.3 or newer"
_AGAIN_SECONDS: Final = 0.2
_NOT_TOLD: Final = -(2**31)
"""Of operations: the broker does not say."""
_BITS: Final = {"READ": 3, "WRITE": 4, "CREATE": 5, "DESCRIBE": 8, "DESCRIBE_CONFIGS": 10}


class LinkError(RetryableError):
    """A connection that failed, or an answer that did not come."""

    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text)
        self.kind = kind
        """The name of what aiokafka raised, such as ``SaslAuthenticationFailed``."""


@asynccontextmanager
async def linked(
    options: KafkaOptions, host: str, port: int, limit: timedelta, *, log_in: bool = True
) -> AsyncIterator["Link"]:
    """Connect, log in if that is configured, and stay connected for the length of a ``with`` block.

    Raises:
        ConfigurationError: a certificate, key or password file cannot be used.
        LinkError: no connection.
    """
    arguments = dict(connection_arguments(options))
    for of_clients in ("bootstrap_servers", "metadata_max_age_ms"):
        del arguments[of_clients]
    arguments["request_timeout_ms"] = milliseconds(limit)
    if not log_in:
        arguments["security_protocol"] = options.security_protocol.replace("SASL_", "")
    connection = AIOKafkaConnection(host, port, **arguments)
    link = Link(connection, limit)
    try:
        await link.bounded(connection.connect())
        yield link
    finally:
        closed = connection.close()
        if closed is not None:
            await asyncio.wait({closed}, timeout=limit.total_seconds())


class Link:
    """Questions over one connection.

    Args:
        connection: connected by ``linked``.
        limit: the longest wait for each answer.
    """

    def __init__(self, connection: AIOKafkaConnection, limit: timedelta) -> None:
        self._connection = connection
        self._limit = limit

    async def cluster(self, *topics: str) -> ClusterSeen:
        """Ask for the brokers, and topics by name. Raises LinkError."""
        answer = await self._ask(Topics(list(topics)))
        return ClusterSeen(
            answer.cluster_id or "",
            tuple(Broker(*broker[:3]) for broker in answer.brokers),
            tuple(_topic(*topic) for topic in answer.topics),
        )

    async def coordinator(self, group: str) -> int | str:
        """Return the number of the broker that coordinates a group, or Kafka's name of why not.

        Raises:
            LinkError: no answer.
        """
        found = await self._ready(FindCoordinatorRequest(group, 0), lambda it: it.error_code)
        error = for_code(found.error_code)
        if error is not NoError:
            return str(error.__name__)
        number: int = found.coordinator_id
        return number

    async def group(self, name: str) -> GroupSeen:
        """Ask the coordinator, which this broker must be, for a group. Raises LinkError."""
        found = await self._ready(Groups(name), lambda it: it.groups[0][0])
        code, _, state, _, _, members, bits = found.groups[0]
        error = for_code(code)
        return GroupSeen(
            None if error is NoError else error.__name__,
            state,
            tuple(MemberSeen(member[1], member[2].lstrip("/")) for member in members),
            _operations(bits),
        )

    async def mechanisms(self, wanted: str) -> list[str]:
        """Return the ways to log in that are offered to who has not. Raises LinkError."""
        offered = (await self._ask(SaslHandShakeRequest(wanted))).enabled_mechanisms
        return sorted(offered)

    async def committed(self, group: str, topic: str, partitions: int) -> dict[int, int]:
        """Ask the coordinator for the group's commits, by partition. Raises LinkError."""
        question = OffsetFetchRequest(group, [(topic, list(range(partitions)))])
        answer = await self._ready(question, lambda it: getattr(it, "error_code", 0))
        return {
            number: offset
            for _, found in answer.topics
            for number, offset, _, _ in found
            if offset >= 0
        }

    async def configuration(self, topic: str) -> dict[str, str] | None:
        """Return a topic's settings, None if we may not see them. Raises LinkError."""
        request = DescribeConfigsRequest([(ConfigResourceType.TOPIC, topic, None)], False)  # noqa: FBT003
        return values_of([await self._ask(request)])

    async def may_create(self, name: str, partitions: int, replicas: int) -> str | None:
        """Ask whether a topic could be made, without making it; None if it could."""
        request = CreateTopicsRequest(
            create_topic_requests=[(name, partitions, replicas, [], [])],
            timeout=milliseconds(self._limit),
            validate_only=True,
        )
        ((_, code, message),) = (await self._ask(request)).topic_errors
        error = for_code(code)
        return None if error is NoError else f"{error.__name__}: {message or 'no reason given'}"

    async def clock(self) -> ClockSeen | None:
        """Ask the controller for its clock; None where it does not tell us.

        The leader of the metadata log reports the present time as when it last caught up with
        itself (KIP-836). Needs DESCRIBE on the cluster, and a cluster without ZooKeeper.
        """
        before = time.time() * 1000
        try:
            answer = await self._ask(Quorum())
        except LinkError:
            return None
        after = time.time() * 1000
        for _, partitions, _ in answer.topics:
            for partition in partitions:
                leader, voters = partition[2], partition[5]
                for number, _, _, caught_up, _ in voters:
                    if number == leader and caught_up > 0:
                        return ClockSeen(before, caught_up, after)
        return None

    async def bounded(self, waiting: Awaitable[Answer]) -> Answer:
        """Wait within the limit.

        Raises:
            LinkError: it took longer, or the connection failed.
        """
        try:
            async with asyncio.timeout(self._limit.total_seconds()):
                return await waiting
        except TimeoutError as error:
            msg = f"no answer in {self._limit.total_seconds():g} s"
            raise LinkError(msg, "TimeoutError") from error
        except NotImplementedError as error:
            raise LinkError(_TOO_OLD, "UnsupportedVersionError") from error
        except (KafkaError, OSError, ValueError) as error:  # the last: of SCRAM
            kind = type(error).__name__
            raise LinkError(str(error.args[0]) if error.args else kind, kind) from error

    async def _ready(self, question: Any, code_of: Callable[[Any], int]) -> Any:  # noqa: ANN401
        """Ask again while a coordinator is only starting, up to the limit.

        A new cluster makes its offsets topic with the first question.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._limit.total_seconds()
        while True:
            answer = await self._ask(question)
            if not for_code(code_of(answer)).retriable or clock() > until:
                return answer
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _ask(self, question: Any) -> Any:  # noqa: ANN401 - aiokafka has no types
        return await self.bounded(self._answer(question))

    async def _answer(self, question: Any) -> Any:  # noqa: ANN401 - likewise
        # Some errors are raised before there is anything to wait for.
        return await self._connection.send(question)


def _topic(code: int, name: str, _: bool, partitions: list[Any], operations: int) -> TopicSeen:  # noqa: FBT001
    error = for_code(code)
    if error is not NoError:
        return TopicSeen(name, error.__name__, _operations(operations))
    return TopicSeen(
        name,
        operations=_operations(operations),
        partitions=len(partitions),
        replicas=min((len(each[4]) for each in partitions), default=1),
        without_leader=tuple(sorted(each[1] for each in partitions if each[2] < 0)),
        under_replicated=tuple(
            sorted(each[1] for each in partitions if len(each[5]) < len(each[4]))
        ),
    )


def _operations(bits: int) -> frozenset[str] | None:
    if bits == _NOT_TOLD:
        return None
    return frozenset(name for name, bit in _BITS.items() if bits & (1 << bit))
