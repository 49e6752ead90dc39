"""The most urgent contacts with their ids: found in slices, remembered, never wrong."""

import asyncio

import msgspec
import pytest

from firstreply.domain.engine import Engine
from firstreply.wall import urgent as module
from firstreply.wall.urgent import LONGEST_ID, Folded, UrgentFinder
from tests.unit.domain.builders import Desk, opened, policy, responded

CHAT = policy("chat", promise="10m")


class Fold(msgspec.Struct):
    engine: Engine


def folds_of(*desks: Desk) -> dict[int, Folded]:
    return {number: Fold(desk.engine) for number, desk in enumerate(desks)}


def desk_of(*starts: float, now: float, prefix: str = "c") -> Desk:
    desk = Desk(CHAT)
    for number, start in enumerate(starts):
        desk.receive(opened(start, f"{prefix}{number}", channel="chat"))
    desk.advance(now + 5)
    return desk


async def ids(finder: UrgentFinder) -> tuple[list[str | None], list[str | None]]:
    await finder.find()
    await finder.walk()
    found = await finder.find()
    return [one.contact_id for one in found.late], [one.contact_id for one in found.coming]


async def test_the_late_and_the_next_of_all_partitions_are_told_in_order_with_their_ids() -> None:
    first = desk_of(0, 500, 30, now=900, prefix="a")
    second = desk_of(20, 400, 10, now=900, prefix="b")
    finder = UrgentFinder(lambda: folds_of(first, second), ids_shown=True)

    assert await ids(finder) == (["a0", "b2", "b0", "a2"], ["b1", "a1"])


async def test_until_an_id_was_looked_for_the_contact_is_told_without_it() -> None:
    finder = UrgentFinder(lambda: folds_of(desk_of(0, now=900)), ids_shown=True)

    found = await finder.find()

    assert [one.contact_id for one in found.late] == [None]
    assert finder.lacks_ids


async def test_without_ids_to_show_none_is_looked_for() -> None:
    finder = UrgentFinder(lambda: folds_of(desk_of(0, now=900)), ids_shown=False)

    assert await ids(finder) == ([None], [])
    assert finder.walks == 0


async def test_several_contacts_in_one_place_are_each_told() -> None:
    finder = UrgentFinder(lambda: folds_of(desk_of(7, 7, 7, now=900)), ids_shown=True)

    late, _ = await ids(finder)

    assert sorted(map(str, late)) == ["c0", "c1", "c2"]
    assert not finder.lacks_ids


async def test_more_in_one_place_than_are_urgent_do_not_end_a_walk_before_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AHEAD", "MOST_URGENT"):
        monkeypatch.setattr(module, name, 2)
    finder = UrgentFinder(lambda: folds_of(desk_of(*[7] * 50, 500, 501, now=900)), ids_shown=True)

    _, coming = await ids(finder)

    assert coming == ["c50", "c51"]


async def test_one_walk_finds_the_ids_of_those_who_are_next_after_those_shown() -> None:
    desk = desk_of(*range(300, 400), now=900)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)
    await ids(finder)

    for number in range(40):
        desk.receive(responded(900, f"c{number}"))
        found = await finder.find()
        assert [one.contact_id for one in found.coming] == [
            f"c{other}" for other in range(number + 1, number + 11)
        ]

    assert finder.walks == 1
    assert not finder.lacks_ids


async def test_an_answered_contact_is_not_told_though_its_id_is_known() -> None:
    desk = desk_of(0, 1, now=900)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)
    await ids(finder)

    desk.receive(responded(901, "c0"))
    found = await finder.find()

    assert [one.contact_id for one in found.late] == ["c1"]


async def test_a_contact_that_takes_the_place_of_another_is_not_told_by_its_id() -> None:
    desk = desk_of(0, now=900)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)
    await ids(finder)

    desk.receive(responded(901, "c0"), opened(0, "new", channel="chat"))
    found = await finder.find()

    assert [one.contact_id for one in found.late] == [None]
    assert finder.lacks_ids


async def test_an_id_as_long_as_no_help_desk_has_is_not_shown() -> None:
    desk = Desk(CHAT)
    desk.receive(opened(0, "x" * (LONGEST_ID + 1), channel="chat"))
    desk.receive(opened(1, "y" * LONGEST_ID, channel="chat"))
    desk.advance(905)

    late, _ = await ids(UrgentFinder(lambda: folds_of(desk), ids_shown=True))

    assert late == [None, "y" * LONGEST_ID]


async def test_a_partition_that_is_lost_in_the_middle_is_told_no_more() -> None:
    desk = desk_of(0, now=900)
    folds = folds_of(desk)
    finder = UrgentFinder(lambda: folds, ids_shown=True)
    await ids(finder)

    folds.clear()

    assert await ids(finder) == ([], [])


async def test_a_walk_lets_other_tasks_run_and_survives_what_they_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SLICE_SECONDS", 0.0)
    desk = desk_of(*range(2000), now=5000)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)
    await finder.find()
    walking = asyncio.create_task(finder.walk())
    turns = 0

    while not walking.done():
        desk.receive(opened(4000 + turns, f"new{turns}", channel="chat"))
        turns += 1
        await asyncio.sleep(0)

    assert turns > 10
    assert [one.contact_id for one in (await finder.find()).late] == [f"c{n}" for n in range(10)]
