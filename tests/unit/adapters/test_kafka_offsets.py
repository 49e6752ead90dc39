import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError

from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.domain.errors import FatalError, RetryableError

OPTIONS = KafkaOptions(
    bootstrap_servers="b:1",
    topic="events",
    group="g",
    offsets_timeout=timedelta(milliseconds=50),
)


class FakeClient:
    def __init__(self, answer: int | Exception | None) -> None:
        self.answer = answer
        self.stopped = False

    async def end_offsets(self, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        match self.answer:
            case None:
                await asyncio.Event().wait()
            case Exception() as error:
                raise error
        assert isinstance(self.answer, int)
        return dict.fromkeys(wanted, self.answer)

    async def stop(self) -> None:
        self.stopped = True


class FakeLeaders(LeaderOffsets):
    """Opens the given connections, one after the other."""

    def __init__(self, *clients: FakeClient) -> None:
        super().__init__(OPTIONS)
        self._clients = list(clients)

    async def _open(self) -> AIOKafkaConsumer:
        return self._clients.pop(0)


@pytest.mark.parametrize("failure", [None, KafkaConnectionError("reset")])
async def test_a_connection_that_failed_once_is_not_asked_again(failure: Exception | None) -> None:
    broken, whole = FakeClient(failure), FakeClient(12)
    offsets = FakeLeaders(broken, whole)

    with pytest.raises(RetryableError, match="events, partitions 0, 3, brokers b:1"):
        await offsets.ends([0, 3])
    ends = await offsets.ends([0, 3])

    assert broken.stopped
    assert ends == {0: 12, 3: 12}
    assert not whole.stopped


async def test_a_connection_that_works_is_kept() -> None:
    offsets = FakeLeaders(FakeClient(12))

    assert await offsets.ends([0]) == await offsets.ends([0])


async def test_a_missing_permission_is_not_asked_for_again() -> None:
    offsets = FakeLeaders(FakeClient(TopicAuthorizationFailedError("events")))

    with pytest.raises(FatalError, match="grant READ and DESCRIBE on topic events"):
        await offsets.ends([0])


async def test_no_partition_needs_no_connection() -> None:
    offsets = FakeLeaders()

    assert await offsets.ends([]) == {}
