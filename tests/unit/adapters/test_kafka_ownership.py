import asyncio
from collections.abc import Collection

import pytest
from aiokafka import TopicPartition

from firstreply.adapters.kafka.ownership import Ownership
from firstreply.domain.errors import FatalError
from firstreply.ports import Assignment

P0, P1 = TopicPartition("events", 0), TopicPartition("events", 1)


def ignore(_: Collection[TopicPartition]) -> None: ...


def nothing() -> None: ...


async def at_once() -> None: ...


def test_partitions_are_held_before_anybody_can_see_that_they_are_owned() -> None:
    seen: list[tuple[Collection[TopicPartition], Assignment]] = []
    ownership = Ownership(
        hold=lambda assigned: seen.append((assigned, ownership.current)),
        finish=at_once,
        released=nothing,
    )

    ownership.on_partitions_assigned({P0, P1})

    assert seen == [({P0, P1}, Assignment(epoch=0, partitions=frozenset(), settled=False))]
    assert ownership.current == Assignment(epoch=1, partitions=frozenset({0, 1}))


async def test_an_equal_set_after_a_rebalance_is_a_new_epoch_and_nothing_is_begun_in_it() -> None:
    ownership = Ownership(hold=ignore, finish=at_once, released=nothing)
    ownership.on_partitions_assigned({P0})
    ownership.read_up_to[0] = 17
    before = ownership.current

    await ownership.on_partitions_revoked({P0})
    between = ownership.current
    ownership.on_partitions_assigned({P0})

    assert between.partitions == frozenset()
    assert before.epoch < between.epoch < ownership.current.epoch
    assert ownership.current.partitions == before.partitions
    assert ownership.read_up_to == {}


async def test_a_commit_under_way_is_dropped_when_partitions_are_revoked() -> None:
    dropped: list[int] = []
    ownership = Ownership(
        hold=ignore, finish=at_once, released=lambda: dropped.append(ownership.current.epoch)
    )
    ownership.on_partitions_assigned({P0})

    await ownership.on_partitions_revoked({P0})

    assert dropped == [2]


def test_an_error_that_aiokafka_would_swallow_stops_the_service_at_the_next_look() -> None:
    def refuse(_: Collection[TopicPartition]) -> None:
        msg = "no such partition"
        raise ValueError(msg)

    ownership = Ownership(hold=refuse, finish=at_once, released=nothing)
    ownership.check()

    ownership.on_partitions_assigned({P0})

    with pytest.raises(FatalError, match="no such partition"):
        ownership.check()


async def test_what_fails_after_the_revocation_went_on_without_it_stops_the_service_too() -> None:
    ownership = Ownership(hold=ignore, finish=at_once, released=nothing)

    async def fail() -> None:
        msg = "may not commit"
        raise FatalError(msg)

    work = asyncio.ensure_future(fail())
    work.add_done_callback(ownership.finished_late)
    await asyncio.wait({work})

    with pytest.raises(FatalError, match="may not commit"):
        ownership.check()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("no such thing"), "could not be followed.*no such thing"),
        (FatalError("lost"), "lost"),
    ],
)
async def test_what_could_not_be_finished_stops_the_service_and_holds_nothing_up(
    error: Exception, told: str
) -> None:
    async def fail() -> None:
        raise error

    ownership = Ownership(hold=ignore, finish=fail, released=nothing)
    ownership.on_partitions_assigned({P0})

    await ownership.on_partitions_revoked({P0})

    assert ownership.current.partitions == frozenset()
    with pytest.raises(FatalError, match=told):
        ownership.check()
