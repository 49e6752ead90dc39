"""What becomes of aiokafka's connections when a leader is too slow, seen against sockets."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.domain.errors import RetryableError
from tests.unit.adapters.kafka_nodes import END, TOPIC, Api, KafkaNodes, aiokafka_tasks

LIMIT = timedelta(milliseconds=300)


@pytest.fixture
async def nodes() -> AsyncIterator[KafkaNodes]:
    async with KafkaNodes() as nodes:
        yield nodes


def leaders_of(nodes: KafkaNodes, *, by: int = 0) -> LeaderOffsets:
    """Return a client that knows the nodes by one of them."""
    return LeaderOffsets(
        KafkaOptions(
            bootstrap_servers=nodes.at(by),
            topic=TOPIC,
            group="g",
            offsets_timeout=LIMIT,
            stop_timeout=timedelta(seconds=5),
        )
    )


async def test_a_broker_that_is_slow_to_tell_its_topics_costs_no_connection(
    nodes: KafkaNodes,
) -> None:
    """Aiokafka loses the connection on which it waits for them, if it is cut off there."""
    nodes.hold(0, Api.METADATA)
    offsets = leaders_of(nodes)

    with pytest.raises(RetryableError):
        await offsets.ends([0])
    gc.collect()  # a lost connection is told when it is collected
    nodes.release()
    later: dict[int, int] = {}
    while not later:  # whichever of its attempts gets through
        with suppress(RetryableError):
            later.update(await offsets.ends([0]))
    await offsets.stop()
    await nodes.disconnected()

    assert later == {0: END}


@pytest.mark.parametrize("kind", [Api.VERSIONS, Api.OFFSETS])
@pytest.mark.parametrize("dead", [0, 1])
async def test_a_dead_leader_does_not_keep_another_silent_whichever_partitions_are_its_own(
    nodes: KafkaNodes, dead: int, kind: Api
) -> None:
    nodes.hold(dead, kind)
    offsets = leaders_of(nodes, by=1 - dead)

    ends: dict[int, int] = {}
    for seconds in (0.2, 0.2, 0.8, 0.8, 3.2, 3.2):  # the first two suffice on idle cores
        patience = timedelta(seconds=seconds)
        offsets._options = replace(offsets._options, offsets_timeout=patience)
        with suppress(RetryableError):
            ends = dict(await offsets.ends([0, 1, 2, 3]))
        if len(ends) == 2:
            break
    await offsets.stop()
    nodes.release()
    await nodes.disconnected()

    assert ends == {1 - dead: END, 3 - dead: END}
    assert aiokafka_tasks() == []


async def test_stopping_ends_what_is_asked_and_what_is_opened_and_leaves_no_connection(
    nodes: KafkaNodes,
) -> None:
    nodes.hold(1)
    offsets, opening = leaders_of(nodes), leaders_of(nodes, by=1)
    with pytest.raises(RetryableError):
        await offsets.ends([1])
    asking = asyncio.create_task(offsets.ends([1]))
    with pytest.raises(RetryableError):
        await opening.ends([0])
    await nodes.asked_for(Api.VERSIONS)

    await asyncio.gather(offsets.stop(), opening.stop())
    await asyncio.gather(offsets.stop(), opening.stop())
    names = [task.get_name() for task in asyncio.all_tasks()]
    with pytest.raises(RetryableError):
        await asking
    nodes.release()
    await nodes.disconnected()

    assert aiokafka_tasks() == []
    assert [name for name in names if name.startswith("kafka-")] == []
