"""The wall beside the service: it goes on after a mistake, and ends its streams when it ends."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
import pytest

from firstreply import showing as module
from firstreply.adapters.http import Server
from firstreply.adapters.prometheus import Publisher
from firstreply.board import Board
from firstreply.domain.gauges import PartitionGauges
from firstreply.showing import Group, Showing
from firstreply.wall.exchange import NoExchange
from firstreply.wall.live import Identity
from firstreply.wall.status import Membership
from firstreply.words import Language
from tests.unit.domain.builders import book, policy
from tests.unit.fakes import opened
from tests.unit.shell import Shell

POLICIES = book(policy("chat", promise="10m"))


class FailingBoard(Board):
    """Fails as often as it is told to."""

    fails = 0

    @property
    def now(self) -> Mapping[int, PartitionGauges]:
        if self.fails:
            self.fails -= 1
            msg = "a bug in the wall"
            raise ZeroDivisionError(msg)
        return super().now


class Scene:
    """A processor among fakes, with a wall that is served."""

    def __init__(self, shell: Shell, *, ids: bool) -> None:
        self.board = FailingBoard(POLICIES, shell.publisher)
        shell.processor._publisher = shell.processor._checkpointer._publisher = self.board
        self.rate = 1.0
        group = Group(
            Identity("g/t", "me", contact_ids=ids),
            lambda: Membership(shell.source.assignment().partitions),
            NoExchange(),
            lambda: self.rate,
        )
        self.showing = Showing(group, shell.processor, self.board, POLICIES, Language.EN)
        self.server = Server(
            Publisher(POLICIES, "events"), shell.processor.health, self.showing.routes
        )


@asynccontextmanager
async def serving(shell: Shell, *, ids: bool = False) -> AsyncIterator[Scene]:
    scene = Scene(shell, ids=ids)
    await scene.server.start("127.0.0.1", 0)
    try:
        yield scene
    finally:
        await scene.server.stop()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TURN_SECONDS", 0.01)


async def event(stream: aiohttp.StreamReader) -> dict[str, object]:
    while not (line := await stream.readline()).startswith(b"data: "):
        assert line, "the stream has ended"
    told: dict[str, object] = json.loads(line.removeprefix(b"data: "))
    return told


async def test_what_the_processor_folded_is_on_the_wall_and_in_the_stream() -> None:
    async with Shell(policies=POLICIES) as shell, serving(shell) as scene:
        shell.broker.append(opened(0), appended=1)
        await shell.own(0)
        await shell.pass_time(20)
        task = asyncio.create_task(scene.showing.show())
        async with aiohttp.ClientSession(scene.server.address) as client:
            told = await (await client.get("/api/v1/channels")).json()
            async with client.get("/wall/events") as answer:
                streamed = await event(answer.content)
                again = await event(answer.content)

        task.cancel()
        assert told["trust"]["state"] == "ok"
        assert told["channels"][0]["waiting"]["total"] == 1
        assert streamed["channels"] == again["channels"] == told


async def test_a_mistake_in_the_wall_is_logged_and_the_next_turn_is_right(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Shell(policies=POLICIES) as shell, serving(shell) as scene:
        await shell.own(0)
        await shell.pass_time(2)
        scene.board.fails = 2
        task = asyncio.create_task(scene.showing.show())
        async with (
            aiohttp.ClientSession(scene.server.address) as client,
            client.get("/wall/events") as answer,
        ):
            told = await event(answer.content)

        task.cancel()
        assert "channels" in told
        failures = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert [record.message for record in failures] == ["wall_failed"] * 2
        assert failures[0].exc_info is not None


async def test_when_the_wall_ends_its_streams_end_and_none_begins() -> None:
    async with Shell(policies=POLICIES) as shell, serving(shell) as scene:
        await shell.own(0)
        await shell.pass_time(2)
        task = asyncio.create_task(scene.showing.show())
        async with aiohttp.ClientSession(scene.server.address) as client:
            async with client.get("/wall/events") as answer:
                await event(answer.content)
                task.cancel()
                while await answer.content.readline():
                    pass

            assert (await client.get("/wall/events")).status == 503
            assert (await client.get("/api/v1/channels")).status == 200


async def test_a_contact_of_any_partition_is_explained() -> None:
    async with Shell(policies=POLICIES) as shell, serving(shell, ids=True) as scene:
        shell.broker.append(opened(0, "a"), 0, appended=1)
        shell.broker.append(opened(0, "b"), 1, appended=1)
        await shell.own(0, 1)
        async with aiohttp.ClientSession(scene.server.address) as client:
            told = [await client.get(f"/api/v1/contacts/{name}") for name in ("a", "b", "c")]

            assert [answer.status for answer in told] == [200, 200, 404]
            assert [(await answer.json())["contact_id"] for answer in told[:2]] == ["a", "b"]
