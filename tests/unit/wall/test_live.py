"""The wall turns once a second: it tells the others always, and shows what somebody looks at."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Self
from zoneinfo import ZoneInfo

import pytest

from firstreply.board import Board
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import HOUR
from firstreply.health import Health
from firstreply.wall.exchange import Exchange, NoExchange
from firstreply.wall.live import LOOK_SECONDS, Documents, Identity, Wall
from firstreply.wall.status import Membership, ProcessStatus
from firstreply.wall.urgent import Folded, UrgentFinder
from tests.unit.domain.builders import T0, Desk, at, book, opened, policy
from tests.unit.fakes import FakePublisher
from tests.unit.wall.statuses import channel, queue, status
from tests.unit.wall.test_urgent_finder import folds_of

CHAT = policy("chat", promise="10m")


class FakeExchange(NoExchange):
    """Remembers what is offered; others tell what they are told to."""

    has_others = True

    def __init__(self) -> None:
        self.offered: list[ProcessStatus] = []
        self.told: list[ProcessStatus] = []
        self.wanted = 0
        self.is_read = asyncio.Event()

    def offer(self, status: ProcessStatus) -> None:
        self.offered.append(status)

    def want(self) -> None:
        self.wanted += 1

    def others(self) -> Sequence[ProcessStatus]:
        return self.told

    def unread(self) -> str | None:
        return None if self.is_read.is_set() else "not read yet"

    async def first_read(self) -> None:
        await self.is_read.wait()


class Scene:
    """A wall whose surroundings stand still unless moved."""

    def __init__(
        self, exchange: Exchange | None = None, *, ids: bool = False, process: str = "me"
    ) -> None:
        self.policies = book(CHAT)
        self.board = Board(self.policies, FakePublisher([]), ZoneInfo("Europe/Paris"))
        self.health = Health(60, 0)
        self.now = 1000.0
        self.rate = 1.0
        self.member = Membership(frozenset({0}), 1, 5)
        self.desk = Desk(CHAT)
        self.folds: dict[int, Folded] = folds_of(self.desk)
        self.finder = UrgentFinder(lambda: self.folds, ids_shown=ids)
        self.wall = Wall(
            identity=Identity("g/t", process, "Europe/Paris", ids, None),
            book=self.policies,
            figures=self.board,
            health=self.health,
            membership=lambda: self.member,
            urgent=self.finder,
            exchange=exchange or NoExchange(),
            rate=lambda: self.rate,
            monotonic=lambda: self.now,
        )

    def well(self) -> Self:
        """Be caught up."""
        self.health.looked(assigned=frozenset({0}), offsets={0: 1}, ends={0: 1}, now=1)
        return self

    def gauges(self, partition: int = 0, *, at: int = T0, waiting: int = 1) -> None:
        queues = {("chat", "none"): QueueGauges({BandState.WITHIN: waiting}, at)}
        self.board.gauges(partition, PartitionGauges(at, queues, 0, {}))

    def met(self, amount: int) -> None:
        increments = Increments()
        labels = ("chat", "none", "10m", "met")
        increments.count("contact_expectation_outcomes_total", *labels, amount=amount)
        self.board.checkpointed(0, 1, increments)


def chat(documents: Documents | None) -> dict[str, Any]:
    assert documents is not None
    found: dict[str, Any] = next(
        one for one in json.loads(documents.channels)["channels"] if one["channel"] == "chat"
    )
    return found


def trust(documents: Documents | None) -> dict[str, Any]:
    assert documents is not None
    found: dict[str, Any] = json.loads(documents.channels)["trust"]
    return found


async def test_without_anybody_who_looks_or_listens_nothing_is_made() -> None:
    scene = Scene().well()

    assert await scene.wall.turn() is None


async def test_the_others_are_told_each_second_though_nobody_looks_here() -> None:
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.gauges()

    first, second = await scene.wall.turn(), await scene.wall.turn()

    assert (first, second) == (None, None)
    assert [one.number for one in exchange.offered] == [1, 2]
    told = exchange.offered[0]
    assert (told.process, told.group, told.generation) == ("me", "g/t", 5)
    assert (told.partitions, told.partitions_total) == ({0: T0}, 1)
    assert exchange.wanted == 0


async def test_a_look_keeps_the_documents_coming_for_a_while() -> None:
    scene = Scene().well()
    scene.gauges()

    scene.wall.looked()
    at_once = await scene.wall.turn()
    scene.now += LOOK_SECONDS
    still = await scene.wall.turn()
    scene.now += 0.001
    no_more = await scene.wall.turn()

    assert (at_once is not None, still is not None, no_more) == (True, True, None)
    assert trust(at_once)["state"] == "ok"
    assert chat(at_once)["waiting"]["total"] == 1


async def test_before_the_group_has_assigned_anything_it_is_starting_and_says_why() -> None:
    scene = Scene()
    scene.member = Membership(frozenset(), 0, -1)

    documents = await scene.wall.documents()

    assert trust(documents) == {
        "state": "starting",
        "reasons": ["starting: the group has assigned nothing yet"],
        "processes": 1,
        "partitions_covered": 0,
        "partitions_total": 0,
    }
    assert chat(documents)["state"] == "no_data"


async def test_a_partition_that_was_just_revoked_is_not_told_though_its_gauges_stand_there() -> (
    None
):
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.gauges(0, waiting=1)
    scene.gauges(1, waiting=10)

    await scene.wall.turn()

    told = exchange.offered[0]
    assert told.partitions == {0: T0}
    assert [one.waiting[0] for one in told.queues] == [1]


async def test_the_figures_of_the_others_are_on_the_wall() -> None:
    exchange = FakeExchange()
    exchange.is_read.set()
    scene = Scene(exchange).well()
    scene.member = Membership(frozenset({0}), 2, 5)
    scene.gauges()
    scene.met(1)
    scene.gauges()

    alone = await scene.wall.documents()
    exchange.told = [
        status(
            "other",
            generation=5,
            partitions={1: T0},
            partitions_total=2,
            queues=[queue(waiting=(4, 0, 0, 0))],
            channels=[channel(kept=(1, 2), bands={"10m": (1, 2)})],
        )
    ]
    scene.now += 2
    together = await scene.wall.documents()

    assert trust(alone)["state"] == "partial"
    assert trust(together) == {
        "state": "ok",
        "reasons": [],
        "processes": 2,
        "partitions_covered": 2,
        "partitions_total": 2,
    }
    assert chat(together)["waiting"]["total"] == 5
    assert chat(together)["kept_30m"] == {"met": 2, "decided": 3, "share": 2 / 3}
    assert chat(together)["today"]["decided"] == 3


async def test_the_first_look_waits_for_what_the_others_tell() -> None:
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.member = Membership(frozenset({0}), 2, 5)
    scene.gauges()
    other = status("other", generation=5, partitions={1: T0}, partitions_total=2)

    looking = asyncio.create_task(scene.wall.documents())
    await asyncio.sleep(0)
    assert not looking.done()
    exchange.told = [other]
    exchange.is_read.set()

    assert trust(await looking)["state"] == "ok"


async def test_when_the_others_cannot_be_read_the_wall_shows_what_it_has_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("firstreply.wall.live.PATIENCE_SECONDS", 0.01)
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.member = Membership(frozenset({0}), 2, 5)
    scene.gauges()

    documents = await scene.wall.documents()

    assert trust(documents)["state"] == "partial"
    assert trust(documents)["reasons"] == [
        "no process tells the figures of partitions 1",
        "not read yet",
    ]
    assert chat(documents)["waiting"]["total"] == 1


async def test_documents_asked_for_in_between_are_those_of_the_last_turn() -> None:
    scene = Scene().well()
    scene.gauges()
    scene.wall.looked()
    made = await scene.wall.turn()

    scene.gauges(waiting=9)
    scene.now += 1
    in_between = await scene.wall.documents()
    scene.now += 1
    later = await scene.wall.documents()

    assert in_between is made
    assert chat(later)["waiting"]["total"] == 9


async def test_many_who_ask_at_once_are_answered_by_one_turn() -> None:
    exchange = FakeExchange()
    exchange.is_read.set()
    scene = Scene(exchange).well()
    scene.gauges()

    answers = await asyncio.gather(*(scene.wall.documents() for _ in range(50)))

    assert len(set(map(id, answers))) == 1
    assert len(exchange.offered) == 1


async def test_without_partitions_the_clock_of_todays_counts_goes_on_by_itself() -> None:
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.gauges()
    scene.met(3)
    scene.gauges()
    await scene.wall.turn()

    scene.board.drop(0)
    scene.member = Membership(frozenset(), 1, 6)
    scene.now += 20 * 60
    await scene.wall.turn()
    scene.now += 10 * 60
    await scene.wall.turn()
    scene.rate = 1000.0
    scene.now += 20 * 60
    await scene.wall.turn()

    kept = [
        next(one for one in told.channels if one.channel == "chat").kept
        for told in exchange.offered
    ]
    today = [
        next(one for one in told.channels if one.channel == "chat").bands["10m"]
        for told in exchange.offered
    ]
    assert kept == [(3, 3), (3, 3), (0, 0), (0, 0)]
    assert today == [(3, 3), (3, 3), (3, 3), (0, 0)]
    assert exchange.offered[1].partitions == {}


async def test_today_begins_at_the_midnight_of_the_calendar_or_when_counting_began() -> None:
    scene = Scene().well()
    scene.gauges(at=T0)
    first = chat(await scene.wall.documents())["today"]["since"]
    scene.gauges(at=T0 + 24 * HOUR)
    scene.now += 2
    next_day = chat(await scene.wall.documents())["today"]["since"]

    assert first == "2026-03-02T09:00:00.000Z"
    assert next_day == "2026-03-02T23:00:00.000Z"


async def test_another_zone_and_another_configuration_are_shown_from_the_next_turn_on() -> None:
    scene = Scene().well()
    scene.gauges()
    await scene.wall.documents()

    scene.wall.use_timezone("America/Montreal")
    scene.policies.replace(book(policy("telex", promise="10m")).keeping(scene.policies))
    scene.now += 2
    shown = json.loads((await scene.wall.documents()).channels)

    assert shown["clock"]["timezone"] == "America/Montreal"
    assert {one["channel"] for one in shown["channels"]} == {"chat", "telex"}


async def test_ids_are_shown_where_they_may_be() -> None:
    scene = Scene(ids=True).well()
    scene.desk.receive(opened(0, "first", channel="chat"), opened(500, "second", channel="chat"))
    scene.desk.advance(700)
    scene.gauges(at=at(700))

    shown = json.loads((await scene.wall.documents()).urgent)

    assert [one["contact_id"] for one in shown["late"]] == ["first"]
    assert [one["contact_id"] for one in shown["next"]] == ["second"]
    assert shown["ids_shown"] is True


async def test_ids_are_not_told_to_others_where_they_are_not_shown() -> None:
    exchange = FakeExchange()
    scene = Scene(exchange).well()
    scene.desk.receive(opened(0, "secret", channel="chat"))
    scene.desk.advance(700)
    scene.gauges(at=at(700))

    await scene.wall.turn()

    assert [one.contact_id for told in exchange.offered for one in told.late] == [None]
