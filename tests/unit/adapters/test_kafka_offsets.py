import asyncio
import logging
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


class FakeCluster(FakeClient):
    """Answers for all partitions or, as aiokafka does, for none while one has no leader."""

    def __init__(self, *leaderless: int) -> None:
        super().__init__(12)
        self.leaderless = set(leaderless)
        self.asked: list[list[int]] = []

    async def end_offsets(self, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        numbers = [name.partition for name in wanted]
        self.asked.append(numbers)
        if self.leaderless & set(numbers):
            await asyncio.Event().wait()
        return await super().end_offsets(wanted)


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


async def test_a_partition_without_a_leader_does_not_stop_the_answers_of_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    offsets = FakeLeaders(FakeCluster(1), FakeCluster())

    ends = await offsets.ends([0, 1, 2])

    assert ends == {0: 12, 2: 12}
    (told,) = [each for each in caplog.records if each.message == "end_offset_unknown"]
    assert (told.__dict__["topic"], told.__dict__["partition"]) == ("events", 1)


async def test_all_are_asked_with_one_question_while_all_answer() -> None:
    cluster = FakeCluster()

    await FakeLeaders(cluster).ends([0, 1, 2])

    assert cluster.asked == [[0, 1, 2]]


async def test_a_silent_partition_is_told_once_per_outage_and_asked_for_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    again, answering, later = FakeCluster(1), FakeCluster(), FakeCluster()
    offsets = FakeLeaders(FakeCluster(1), again, answering, later)

    for _ in range(3):
        await offsets.ends([0, 1, 2])
    answering.leaderless = {1}
    await offsets.ends([0, 1, 2])

    assert again.asked == [[0, 2], [1]]
    assert answering.asked[:2] == [[0, 2], [1]]
    told = [each for each in caplog.messages if each.startswith("end_offset")]
    assert told == ["end_offset_unknown", "end_offset_known_again", "end_offset_unknown"]


async def test_when_no_leader_answers_it_is_one_error_and_nothing_is_told_beside_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    offsets = FakeLeaders(FakeCluster(0, 1))

    with pytest.raises(RetryableError, match="events, partitions 0, 1, brokers b:1"):
        await offsets.ends([0, 1])

    assert caplog.messages == []


async def test_leaders_together_are_waited_for_no_longer_than_the_limit() -> None:
    offsets = FakeLeaders(FakeCluster(0, 1))
    loop = asyncio.get_running_loop()
    begin = loop.time()

    with pytest.raises(RetryableError):
        await offsets.ends([0, 1])

    assert loop.time() - begin < 0.5
