"""What a group has committed: an answer that is an error is none, as a whole and in parts."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    GroupLoadInProgressError,
    IllegalGenerationError,
    KafkaError,
    UnknownTopicOrPartitionError,
)

from firstreply.adapters.kafka.committed import Member, committed_offsets
from firstreply.ports import Committed

TOLD = [("contacts", [(0, 7, "note", 0), (1, -1, "", 0), (2, 5, None, 0)])]


class Coordinator:
    """Answers as it is told to."""

    def __init__(
        self, topics: Sequence[object] = TOLD, error: type[KafkaError] | None = None, beat: int = 0
    ) -> None:
        code = 0 if error is None else error.errno
        self.answers = [
            SimpleNamespace(topics=[] if code else topics, error_code=code),
            SimpleNamespace(error_code=beat),
        ]
        self.asked: list[tuple[str, int]] = []

    async def find_coordinator(self, group: str) -> int:
        return len(group)

    async def _send_request(self, request: object, node: int) -> Any:  # noqa: ANN401 - a response
        self.asked.append((type(request).__name__, node))
        return self.answers.pop(0)


async def test_offsets_and_notes_are_told_of_partitions_with_a_commit() -> None:
    coordinator = Coordinator()

    found = await committed_offsets(coordinator, "floor")

    assert found == {
        TopicPartition("contacts", 0): Committed(7, "note"),
        TopicPartition("contacts", 2): Committed(5, ""),
    }
    assert coordinator.asked == [("OffsetFetchRequest", 5)]


@pytest.mark.parametrize("error", [GroupLoadInProgressError, GroupAuthorizationFailedError])
async def test_an_error_is_not_a_group_without_commits(error: type[KafkaError]) -> None:
    with pytest.raises(error, match="the commits of group floor are not known"):
        await committed_offsets(Coordinator(error=error), "floor")


async def test_an_error_of_one_partition_is_not_a_partition_without_commit() -> None:
    code = UnknownTopicOrPartitionError.errno

    with pytest.raises(UnknownTopicOrPartitionError, match="commit of contacts, partition 3"):
        await committed_offsets(Coordinator([("contacts", [(3, -1, "", code)])]), "floor")


async def test_a_member_asks_its_own_coordinator_and_then_whether_that_knows_it() -> None:
    coordinator = Coordinator()

    found = await committed_offsets(coordinator, "floor", Member(3, 12, "me"))

    assert len(found) == 2
    assert coordinator.asked == [("OffsetFetchRequest", 3), ("HeartbeatRequest", 3)]


async def test_what_a_broker_says_that_does_not_know_our_generation_is_not_taken() -> None:
    coordinator = Coordinator(beat=IllegalGenerationError.errno)

    with pytest.raises(IllegalGenerationError, match="broker 3 does not know generation 12"):
        await committed_offsets(coordinator, "floor", Member(3, 12, "me"))
