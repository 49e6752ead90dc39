import asyncio
import gc
import logging
import traceback
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    CorruptRecordException,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.domain.errors import FatalError, RetryableError

OPTIONS = KafkaOptions(
    bootstrap_servers="b:1",
    topic="events",
    group="watchers",
    commit_timeout=timedelta(milliseconds=50),
    stop_timeout=timedelta(milliseconds=50),
)
P0, P1 = TopicPartition("events", 0), TopicPartition("events", 1)

Fetched = dict[TopicPartition, list[ConsumerRecord]]


def record(name: TopicPartition, offset: int) -> ConsumerRecord:
    return ConsumerRecord(name.topic, name.partition, offset, 0, 0, b"k", b"v", None, 1, 1, ())


class Member:
    """What aiokafka knows of its membership."""

    generation = 1

    async def close(self) -> None: ...


class FakeConsumer:
    """Answers as told; each kind of call can be made to hang or to raise."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Fetched | Exception] = asyncio.Queue()
        self.polls = 0
        self.cancelled_polls = 0
        self.paused: set[TopicPartition] = set()
        self.positions: dict[TopicPartition, int] = {}
        self.commits: list[Mapping[TopicPartition, tuple[int, str]]] = []
        self.commit_answer: Exception | asyncio.Event | None = None
        self.hangs_on_stop = False
        self.stable: int | None = None
        self.end: int | None = None
        self._coordinator = Member()
        self._fetcher = None

    async def getmany(self, *, timeout_ms: int, max_records: int) -> Fetched:
        assert (timeout_ms, max_records) == (200, OPTIONS.max_records)
        self.polls += 1
        try:
            answer = await self.answers.get()
        except asyncio.CancelledError:
            self.cancelled_polls += 1
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def commit(self, offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:
        self.commits.append(offsets)
        match self.commit_answer:
            case asyncio.Event() as never:
                await never.wait()
            case Exception() as error:
                raise error

    def pause(self, *names: TopicPartition) -> None:
        self.paused.update(names)

    def seek(self, name: TopicPartition, offset: int) -> None:
        assert name in self.paused
        self.positions[name] = offset

    async def position(self, name: TopicPartition) -> int:
        return self.positions[name]

    def last_stable_offset(self, name: TopicPartition) -> int | None:
        assert name == P0
        return self.stable

    def highwater(self, name: TopicPartition) -> int | None:
        assert name == P0
        return self.end

    async def stop(self) -> None:
        if self.hangs_on_stop:
            await asyncio.Event().wait()

    @property
    def _client(self) -> "FakeConsumer":
        return self

    async def close(self) -> None:
        self.hangs_on_stop = False


class FakeOffsets:
    """The leaders: what each partition holds."""

    def __init__(self, first: int, end: int) -> None:
        self.first, self.end = first, end

    async def beginnings(self, partitions: Collection[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self.first)

    async def ends(self, partitions: Collection[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, self.end)

    async def stop(self) -> None: ...


class SilentOffsets(FakeOffsets):
    """Leaders that do not tell the oldest offset the first time."""

    def __init__(self, first: int, end: int) -> None:
        super().__init__(first, end)
        self.silent = True

    async def beginnings(self, partitions: Collection[int]) -> dict[int, int]:
        if self.silent:
            self.silent = False
            raise RetryableError("no offset from the leaders")  # noqa: TRY003  # a fake
        return await super().beginnings(partitions)


def owning(
    *names: TopicPartition, options: KafkaOptions = OPTIONS
) -> tuple[KafkaSource, FakeConsumer]:
    """Return a source that was just given these partitions."""
    source, consumer = KafkaSource(options), FakeConsumer()
    source._consumer = consumer
    source._ownership.on_partitions_assigned(names)
    return source, consumer


async def test_assigned_partitions_are_paused_and_have_a_position_at_once() -> None:
    _, consumer = owning(P0, P1)

    assert consumer.paused == {P0, P1}
    assert consumer.positions == {P0: 0, P1: 0}


async def test_a_poll_held_up_by_a_rebalance_is_neither_waited_for_nor_cancelled() -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 5

    held_up = await source.fetch()
    consumer.answers.put_nowait({P0: [record(P0, 5)]})
    later = await source.fetch()

    assert held_up == {}
    assert [each.offset for each in later[0]] == [5]
    assert (consumer.polls, consumer.cancelled_polls) == (1, 0)


async def test_a_cancelled_fetch_leaves_its_poll_running_for_the_next() -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 5
    fetch = asyncio.create_task(source.fetch())
    await asyncio.sleep(0)

    fetch.cancel()
    await asyncio.wait({fetch})
    consumer.answers.put_nowait({P0: [record(P0, 5)]})

    assert len((await source.fetch())[0]) == 1
    assert (consumer.polls, consumer.cancelled_polls) == (1, 0)


async def test_records_of_a_partition_that_was_not_begun_are_dropped() -> None:
    source, consumer = owning(P0, P1)
    source._ownership.read_up_to[0] = 5
    consumer.answers.put_nowait({P0: [record(P0, 5)], P1: [record(P1, 9)]})

    fetched = await source.fetch()

    assert set(fetched) == {0}


async def test_records_drained_before_a_rebalance_are_dropped_after_it() -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 5
    assert await source.fetch() == {}
    consumer.answers.put_nowait({P0: [record(P0, 5)]})
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await source._ownership.on_partitions_revoked([P0])
    source._ownership.on_partitions_assigned([P0])
    source._ownership.read_up_to[0] = 2

    assert await source.fetch() == {}
    assert source._ownership.read_up_to == {0: 2}


async def test_records_drained_after_a_rebalance_by_a_poll_from_before_it_are_kept() -> None:
    source, consumer = owning(P0)
    assert await source.fetch() == {}

    await source._ownership.on_partitions_revoked([P0])
    source._ownership.on_partitions_assigned([P0])
    source._ownership.read_up_to[0] = 2
    consumer.answers.put_nowait({P0: [record(P0, 2)]})

    assert [each.offset for each in (await source.fetch())[0]] == [2]


@pytest.mark.parametrize(
    ("first", "end", "cause"),
    [
        (8, 20, "partition 0: group watchers stands at offset 5.*retention removed 3 unread"),
        (0, 3, "partition 0: group watchers stands at offset 5.*made anew"),
    ],
)
async def test_a_position_that_the_log_lost_is_fatal_and_says_why(
    first: int, end: int, cause: str
) -> None:
    source, consumer = owning(P0)
    source._offsets = FakeOffsets(first, end)  # type: ignore[assignment]
    consumer.answers.put_nowait(OffsetOutOfRangeError({P0: 5}))

    with pytest.raises(FatalError, match=cause) as raised:
        await source.fetch()

    assert "--topic events:0 --reset-offsets --to-earliest --execute" in str(raised.value)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (CorruptRecordException("Invalid CRC"), FatalError, "kafka-dump-log"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), FatalError, "kafka-dump-log"),
        (RecordTooLargeError("big"), FatalError, "max_partition_fetch_bytes"),
        (TopicAuthorizationFailedError("events"), FatalError, "grant READ"),
        (GroupAuthorizationFailedError("watchers"), FatalError, "grant READ"),
        (CommitFailedError("odd"), FatalError, "restart"),
    ],
)
async def test_each_failed_fetch_says_what_to_do_next(
    error: Exception, kind: type[Exception], text: str
) -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 41
    consumer.answers.put_nowait(error)

    with pytest.raises(kind, match=text) as raised:
        await source.fetch()

    assert "events" in str(raised.value)


async def test_no_error_quotes_the_record_that_could_not_be_decoded() -> None:
    source, consumer = owning(P0)
    consumer.answers.put_nowait(UnicodeDecodeError("utf-8", b"Zimmer 12\xff", 9, 10, "bad"))

    with pytest.raises(FatalError, match=r"\(UnicodeDecodeError\): a header name") as raised:
        await source.fetch()

    printed = "".join(traceback.format_exception(raised.value))
    assert "Zimmer" not in printed
    assert "0xff" not in printed
    assert "damaged batch" in printed


async def test_a_fetch_that_only_needs_time_is_empty_and_told_and_the_next_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 5
    consumer.answers.put_nowait(KafkaConnectionError("gone"))
    consumer.answers.put_nowait({P0: [record(P0, 5)]})

    failed = await source.fetch()
    later = await source.fetch()

    assert failed == {}
    assert [each.offset for each in later[0]] == [5]
    (told,) = [each for each in caplog.records if each.message == "kafka_fetch_failed"]
    assert "gone" in told.__dict__["error"]


async def test_a_lost_position_whose_cause_no_leader_tells_is_looked_up_at_the_next_fetch() -> None:
    source, consumer = owning(P0)
    source._offsets = SilentOffsets(8, 20)  # type: ignore[assignment]
    consumer.answers.put_nowait(OffsetOutOfRangeError({P0: 5}))
    consumer.answers.put_nowait(OffsetOutOfRangeError({P0: 5}))

    unknown = await source.fetch()

    assert unknown == {}
    with pytest.raises(FatalError, match="retention removed 3 unread"):
        await source.fetch()


async def test_a_poll_that_was_cancelled_from_outside_is_replaced_by_the_next_fetch() -> None:
    source, consumer = owning(P0)
    source._ownership.read_up_to[0] = 5
    assert await source.fetch() == {}
    assert source._poll is not None
    source._poll.cancel()

    cancelled = await source.fetch()
    consumer.answers.put_nowait({P0: [record(P0, 5)]})
    later = await source.fetch()

    assert cancelled == {}
    assert [each.offset for each in later[0]] == [5]


COMMITTED = replace(OPTIONS, isolation_level="read_committed")


@pytest.mark.parametrize(
    ("options", "stable", "looks", "told"),
    [
        (COMMITTED, 8, 9, 0),
        (COMMITTED, 8, 10, 1),
        (COMMITTED, 8, 30, 1),
        (COMMITTED, 10, 10, 0),  # all transactions have ended
        (COMMITTED, 9, 10, 0),  # there is something left to read before it
        (COMMITTED, None, 10, 0),  # nothing was fetched yet
        (OPTIONS, 8, 10, 0),
    ],
)
async def test_an_open_transaction_that_holds_back_ten_looks_running_is_told_once(
    caplog: pytest.LogCaptureFixture,
    options: KafkaOptions,
    stable: int | None,
    looks: int,
    told: int,
) -> None:
    source, consumer = owning(P0, options=options)
    source._offsets = FakeOffsets(0, 10)  # type: ignore[assignment]
    source._ownership.read_up_to[0] = consumer.positions[P0] = 8
    consumer.stable, consumer.end = stable, 10

    ends = [await source.end_offsets(frozenset({0})) for _ in range(looks)]

    assert ends[-1] == {0: 10}
    assert caplog.messages.count("open_transaction_holds_back_reading") == told


async def test_reading_that_goes_on_begins_the_looks_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    source, consumer = owning(P0, options=COMMITTED)
    source._offsets = FakeOffsets(0, 30)  # type: ignore[assignment]
    source._ownership.read_up_to[0] = 8

    for offset in range(8, 20):
        consumer.positions[P0] = consumer.stable = offset
        consumer.end = 30
        await source.end_offsets(frozenset({0}))

    assert caplog.messages == []


async def test_a_commit_is_accepted_only_in_its_own_epoch() -> None:
    source, consumer = owning(P0)
    epoch = source.assignment().epoch

    accepted = await source.commit({0: 7}, epoch, {0: "a note"})
    stale = await source.commit({0: 8}, epoch - 1)
    foreign = await source.commit({1: 8}, epoch)
    empty = await source.commit({}, epoch)

    assert (accepted, stale, foreign, empty) == (True, False, False, False)
    assert consumer.commits == [{P0: (7, "a note")}]


async def test_a_commit_that_is_not_answered_in_time_is_not_accepted() -> None:
    source, consumer = owning(P0)
    consumer.commit_answer = asyncio.Event()

    accepted = await source.commit({0: 7}, source.assignment().epoch)

    assert accepted is False


async def test_a_commit_accepted_by_the_broker_after_the_epoch_moved_is_not_accepted() -> None:
    source, consumer = owning(P0)
    answered = consumer.commit_answer = asyncio.Event()
    commit = asyncio.create_task(source.commit({0: 7}, source.assignment().epoch))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    answered.set()
    await asyncio.sleep(0)
    source._ownership.on_partitions_assigned([P0])

    assert await commit is False


async def test_a_commit_under_way_ends_when_partitions_are_revoked() -> None:
    source, consumer = owning(P0)
    consumer.commit_answer = asyncio.Event()
    source._commits._options = KafkaOptions(bootstrap_servers="b:1", topic="events", group="g")
    commit = asyncio.create_task(source.commit({0: 7}, source.assignment().epoch))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await source._ownership.on_partitions_revoked([P0])

    assert await asyncio.wait_for(commit, timeout=1) is False


async def test_an_attempt_that_fails_after_its_commit_was_given_up_is_not_complained_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, consumer = owning(P0)
    answered = asyncio.Event()

    async def _do_commit_offsets() -> None:
        await answered.wait()
        raise CommitFailedError

    async def commit(offsets: Mapping[TopicPartition, tuple[int, str]]) -> None:  # noqa: ARG001
        await asyncio.shield(_do_commit_offsets())  # as aiokafka does

    consumer.commit = commit  # type: ignore[method-assign]
    committing = asyncio.create_task(source.commit({0: 7}, source.assignment().epoch))
    for _ in range(3):
        await asyncio.sleep(0)

    await source._ownership.on_partitions_revoked([P0])
    assert await committing is False
    answered.set()
    for _ in range(3):
        await asyncio.sleep(0)
    gc.collect()

    assert "never retrieved" not in caplog.text


async def test_who_is_no_member_any_more_commits_nothing() -> None:
    """A group without members accepts a commit of anybody: one who stood still must not ask."""
    source, consumer = owning(P0)
    consumer._coordinator.generation = -1

    assert await source.commit({0: 7}, source.assignment().epoch) is False
    assert consumer.commits == []


async def test_a_commit_during_which_the_membership_ended_does_not_count() -> None:
    source, consumer = owning(P0)
    answered = consumer.commit_answer = asyncio.Event()
    commit = asyncio.create_task(source.commit({0: 7}, source.assignment().epoch))
    await asyncio.sleep(0)

    consumer._coordinator.generation = -1
    answered.set()

    assert await commit is False


async def test_what_was_folded_is_finished_before_partitions_are_given_up() -> None:
    source, _ = owning(P0)
    owned: list[frozenset[int]] = []

    async def finish() -> None:
        await asyncio.sleep(0)
        owned.append(source.assignment().partitions)

    source.before_release(finish)

    await source._ownership.on_partitions_revoked([P0])
    await source._ownership.on_partitions_revoked([])

    assert owned == [frozenset({0})], "and nothing is finished by who owns nothing"


async def test_what_takes_too_long_to_finish_does_not_hold_up_the_group(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source, _ = owning(P0)
    source._options = replace(source._options, rebalance_timeout=timedelta(milliseconds=20))
    never = asyncio.Event()

    async def wait() -> None:
        await never.wait()

    source.before_release(wait)

    await source._ownership.on_partitions_revoked([P0])

    assert source.assignment().partitions == frozenset()
    assert "kafka_release_unfinished" in caplog.messages
    never.set()


async def test_a_refused_commit_is_false_and_a_forbidden_one_is_fatal() -> None:
    source, consumer = owning(P0)
    epoch = source.assignment().epoch

    consumer.commit_answer = CommitFailedError("rebalanced")
    refused = await source.commit({0: 7}, epoch)
    consumer.commit_answer = GroupAuthorizationFailedError("watchers")

    assert refused is False
    with pytest.raises(FatalError, match="group watchers"):
        await source.commit({0: 7}, epoch)


@pytest.mark.parametrize(
    ("position", "answer"),
    [
        (10, 8),  # all up to the end was passed: offsets 8 and 9 hold no record
        (9, 10),  # not yet passed: there may be a record
    ],
)
async def test_offsets_without_a_record_at_the_end_do_not_count_once_passed(
    position: int, answer: int
) -> None:
    source, consumer = owning(P0)
    source._offsets = FakeOffsets(0, 10)  # type: ignore[assignment]
    source._ownership.read_up_to[0] = 8
    consumer.positions[P0] = position

    ends = await source.end_offsets(frozenset({0}))

    assert ends == {0: answer}


async def test_a_source_that_hangs_is_stopped_all_the_same() -> None:
    source, consumer = owning(P0)
    consumer.hangs_on_stop = True
    await source.fetch()

    await asyncio.wait_for(source.stop(), timeout=2)
    await source.stop()

    assert consumer.hangs_on_stop is False
    assert consumer.cancelled_polls == 1


async def test_a_source_that_was_not_started_says_so() -> None:
    source = KafkaSource(OPTIONS)

    with pytest.raises(FatalError, match="events is not started"):
        await source.fetch()

    assert source.topic == "events"


async def test_a_partition_of_an_earlier_epoch_cannot_be_begun() -> None:
    source, _ = owning(P0)

    with pytest.raises(RetryableError, match="partition 1 is not owned"):
        await source.begin(1)
