"""The laws of an exchange hold of the one in memory that other tests rely on."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from firstreply.wall.exchange import Exchange, NoExchange
from firstreply.wall.status import Membership
from tests.exchange_laws import GROUP, Bench, ExchangeLaws, until
from tests.unit.domain.builders import T0
from tests.unit.wall.memory_topic import MemoryExchange, MemoryTopic
from tests.unit.wall.statuses import status
from tests.unit.wall.test_live import Scene


class MemoryBench:
    """Implements ``Bench``."""

    def __init__(self) -> None:
        self._skew = 0.0
        self._topic = MemoryTopic(lambda: time.monotonic() + self._skew)
        self._running: list[asyncio.Task[None]] = []

    async def member(self, process: str, group: str = GROUP) -> MemoryExchange:
        exchange = MemoryExchange(self._topic, group=group, process=process)
        self._running.append(asyncio.create_task(exchange.run()))
        return exchange

    async def write(self, raw: bytes) -> None:
        await self._topic.append(raw)

    def pass_time(self, seconds: float) -> None:
        self._skew += seconds

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.wait(self._running)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = MemoryBench()
    yield bench
    await bench.stop()


class TestMemoryExchange(ExchangeLaws):
    """See ``ExchangeLaws``."""


async def test_without_others_nobody_is_missing() -> None:
    alone: Exchange = NoExchange()

    await alone.run()
    alone.want()
    alone.offer(status())
    await alone.first_read()

    assert (alone.has_others, alone.others(), alone.unread()) == (False, (), None)


async def test_two_walls_of_a_group_show_the_same_whole(bench: Bench) -> None:
    scenes = []
    for number, process in enumerate(("one", "two")):
        exchange = await bench.member(process)
        scene = Scene(exchange, process=process).well()
        scene.member = Membership(frozenset({number}), 2, 5)
        scene.gauges(number, at=T0 + number, waiting=number + 1)
        scenes.append(scene)

    async def turn() -> list[dict[str, object]]:
        told = []
        for scene in scenes:
            scene.wall.looked()
            documents = await scene.wall.turn()
            assert documents is not None
            told.append(json.loads(documents.channels))
        return told

    shown: list[dict[str, object]] = []

    async def turning() -> None:
        while True:
            shown[:] = await turn()
            await asyncio.sleep(0.01)

    task = asyncio.create_task(turning())
    await until(
        lambda: [one["trust"]["state"] for one in shown] == ["ok", "ok"]  # type: ignore[index]
    )
    task.cancel()

    assert shown[0] == shown[1]
    assert shown[0]["trust"]["processes"] == 2  # type: ignore[index]
    assert shown[0]["channels"][0]["waiting"]["total"] == 3  # type: ignore[index]
