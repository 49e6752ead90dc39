import asyncio
import gc
import logging
from collections.abc import Sequence
from datetime import timedelta

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    TopicAuthorizationFailedError,
)

from firstreply.adapters.kafka.asking import AskedClient
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
    """A connection. Without an answer it is silent until it gives up, as aiokafka itself does."""

    def __init__(self, answer: int | Exception | None) -> None:
        self.answer = answer
        self.under_way = 0
        self.asked = asyncio.Event()
        self.gives_up = asyncio.Event()
        self.stopped = asyncio.Event()

    async def end_offsets(self, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        match self.answer:
            case None:
                await self.stay_silent()
            case Exception() as error:
                raise error
        assert isinstance(self.answer, int)
        return dict.fromkeys(wanted, self.answer)

    async def stay_silent(self) -> None:
        self.under_way += 1
        self.asked.set()
        try:
            await self.gives_up.wait()
        finally:
            self.under_way -= 1
        raise KafkaTimeoutError

    async def stop(self) -> None:
        assert self.under_way == 0, "closed under a question"
        self.stopped.set()


class SlowBeginnings(FakeClient):
    """Whose leaders tell no end, and where the log begins only after a while."""

    def __init__(self) -> None:
        super().__init__(KafkaConnectionError("reset"))
        self.tells = asyncio.Event()
        self.breaks = False

    async def beginning_offsets(
        self, wanted: Sequence[TopicPartition]
    ) -> dict[TopicPartition, int]:
        self.under_way += 1
        self.asked.set()
        await self.tells.wait()
        self.under_way -= 1
        if self.breaks:
            raise KafkaConnectionError
        return dict.fromkeys(wanted, 7)


class FakeCluster(FakeClient):
    """Answers for all partitions or, as aiokafka does, for none while one has no leader."""

    def __init__(self, *leaderless: int) -> None:
        super().__init__(12)
        self.leaderless = set(leaderless)
        self.questions: list[list[int]] = []

    async def end_offsets(self, wanted: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        numbers = [name.partition for name in wanted]
        self.questions.append(numbers)
        if self.leaderless & set(numbers):
            await self.stay_silent()
        return await super().end_offsets(wanted)


class FakeLeaders(LeaderOffsets):
    """Opens the given connections, one after the other."""

    def __init__(self, *clients: FakeClient) -> None:
        super().__init__(OPTIONS)
        self._clients = list(clients)

    async def _open(self) -> AIOKafkaConsumer:
        return self._clients.pop(0)


class SlowLeaders(FakeLeaders):
    """Opens a connection when told to."""

    def __init__(self, *clients: FakeClient) -> None:
        super().__init__(*clients)
        self.openings = 0
        self.is_opening = asyncio.Event()
        self.opens = asyncio.Event()
        self.fails = False

    async def _open(self) -> AIOKafkaConsumer:
        self.openings += 1
        self.is_opening.set()
        await self.opens.wait()
        if self.fails:
            raise RetryableError("no broker")  # noqa: TRY003  # a fake
        return await super()._open()


@pytest.mark.parametrize("failure", [None, KafkaConnectionError("reset")])
async def test_a_connection_that_failed_once_is_not_asked_again(failure: Exception | None) -> None:
    broken, whole = FakeClient(failure), FakeClient(12)
    offsets = FakeLeaders(broken, whole)

    with pytest.raises(RetryableError, match="events, partitions 0, 3, brokers b:1"):
        await offsets.ends([0, 3])
    ends = await offsets.ends([0, 3])
    broken.gives_up.set()
    await broken.stopped.wait()

    assert ends == {0: 12, 3: 12}
    assert not whole.stopped.is_set()


async def test_what_is_not_answered_in_time_goes_on_and_its_connection_is_closed_after_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    slow = FakeClient(None)
    offsets = FakeLeaders(slow, FakeClient(12))

    with pytest.raises(RetryableError):
        await offsets.ends([0])
    later = await offsets.ends([0])
    together_and_alone, closed = slow.under_way, slow.stopped.is_set()
    slow.gives_up.set()
    await slow.stopped.wait()
    gc.collect()  # an outcome that nobody looked at is told when it is collected

    assert later == {0: 12}
    assert (together_and_alone, closed) == (2, False)
    assert caplog.messages == []


async def test_a_connection_that_one_task_gives_up_still_answers_another() -> None:
    shared = SlowBeginnings()
    offsets = FakeLeaders(shared)
    beginnings = asyncio.create_task(offsets.beginnings([1]))
    await shared.asked.wait()

    with pytest.raises(RetryableError):
        await offsets.ends([0])
    shared.tells.set()

    assert await beginnings == {1: 7}
    await shared.stopped.wait()


async def test_nothing_more_is_asked_over_a_connection_that_is_being_closed() -> None:
    closed = FakeClient(KafkaConnectionError("reset"))
    offsets = FakeLeaders(closed)
    client = await offsets._current.opened()
    with pytest.raises(RetryableError):
        await offsets.ends([0])
    await closed.stopped.wait()

    with pytest.raises(KafkaConnectionError, match="given up"):
        await client.ask(lambda it: it.end_offsets([]), asyncio.get_running_loop().time() + 10)


async def test_nothing_more_is_asked_over_a_connection_that_was_abandoned() -> None:
    client = AskedClient(FakeClient(12), timedelta(seconds=1))

    await client.abandon()

    with pytest.raises(KafkaConnectionError, match="given up"):
        await client.ask(lambda it: it.end_offsets([]), asyncio.get_running_loop().time() + 10)


async def test_a_connection_found_broken_by_two_tasks_is_replaced_once() -> None:
    shared, whole = SlowBeginnings(), FakeClient(12)
    offsets = FakeLeaders(shared, whole)
    beginnings = asyncio.create_task(offsets.beginnings([1]))
    await shared.asked.wait()
    with pytest.raises(RetryableError):
        await offsets.ends([0])
    ends = await offsets.ends([0])

    shared.breaks = True
    shared.tells.set()
    with pytest.raises(RetryableError):
        await beginnings

    assert ends == await offsets.ends([0]) == {0: 12}
    await offsets.stop()
    assert whole.stopped.is_set()


async def test_a_connection_that_could_not_tell_the_beginning_is_asked_nothing_else() -> None:
    broken, whole = SlowBeginnings(), FakeClient(12)
    broken.breaks = True
    broken.tells.set()
    offsets = FakeLeaders(broken, whole)

    with pytest.raises(RetryableError, match="events, partitions 1, brokers b:1"):
        await offsets.beginnings([1])

    assert await offsets.ends([0]) == {0: 12}


async def test_who_waits_for_a_connection_while_all_is_stopped_gets_an_error() -> None:
    offsets = SlowLeaders(FakeClient(12))
    ends = asyncio.create_task(offsets.ends([0]))
    await offsets.is_opening.wait()

    await offsets.stop()

    with pytest.raises(RetryableError, match="TimeoutError"):
        await ends


async def test_opening_that_takes_longer_than_a_question_may_is_not_cut_off_but_waited_for() -> (
    None
):
    offsets = SlowLeaders(FakeClient(12))

    for _ in range(2):
        with pytest.raises(RetryableError, match="events, partitions 0, brokers b:1"):
            await offsets.ends([0])
    offsets.opens.set()

    assert await offsets.ends([0]) == {0: 12}
    assert offsets.openings == 1


async def test_after_an_opening_that_failed_the_next_question_opens_anew() -> None:
    offsets = SlowLeaders(FakeClient(12))
    offsets.fails = True
    offsets.opens.set()

    with pytest.raises(RetryableError, match="no broker"):
        await offsets.ends([0])
    offsets.fails = False

    assert await offsets.ends([0]) == {0: 12}


async def test_stopping_ends_what_is_asked_before_its_connection_is_closed() -> None:
    slow, slower = FakeClient(None), FakeClient(None)
    offsets = FakeLeaders(slow, slower)
    with pytest.raises(RetryableError):
        await offsets.ends([0])
    ends = asyncio.create_task(offsets.ends([0]))
    await slower.asked.wait()

    await offsets.stop()
    await offsets.stop()

    assert slow.stopped.is_set()
    assert slower.stopped.is_set()
    with pytest.raises(RetryableError):
        await ends


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

    assert cluster.questions == [[0, 1, 2]]


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

    assert [sorted(numbers) for numbers in again.questions] == [[0, 2], [1]]
    assert [sorted(numbers) for numbers in answering.questions[:2]] == [[0, 2], [1]]
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
