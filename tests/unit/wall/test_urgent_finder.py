"""The most urgent contacts with their ids: of all partitions, in order, and never wrong."""

import msgspec

from firstreply.domain.engine import Engine
from firstreply.wall.status import MOST_URGENT
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
    found = await finder.find()
    return [one.contact_id for one in found.late], [one.contact_id for one in found.coming]


async def test_the_late_and_the_next_of_all_partitions_are_told_in_order_with_their_ids() -> None:
    first = desk_of(0, 500, 30, now=900, prefix="a")
    second = desk_of(20, 400, 10, now=900, prefix="b")
    finder = UrgentFinder(lambda: folds_of(first, second), ids_shown=True)

    assert await ids(finder) == (["a0", "b2", "b0", "a2"], ["b1", "a1"])


async def test_without_ids_to_show_a_contact_is_told_without_its_id() -> None:
    finder = UrgentFinder(lambda: folds_of(desk_of(0, 500, now=900)), ids_shown=False)

    assert await ids(finder) == ([None], [None])


async def test_several_contacts_of_one_instant_are_each_told() -> None:
    finder = UrgentFinder(lambda: folds_of(desk_of(7, 7, 7, now=900)), ids_shown=True)

    assert await ids(finder) == (["c0", "c1", "c2"], [])


async def test_no_more_are_told_than_are_shown() -> None:
    desk = desk_of(*range(300, 400), now=900)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)

    for number in range(40):
        desk.receive(responded(900, f"c{number}"))
        following = range(number + 1, number + 1 + MOST_URGENT)
        assert await ids(finder) == ([], [f"c{other}" for other in following])


async def test_a_contact_that_takes_the_place_of_another_is_told_by_its_own_id() -> None:
    desk = desk_of(0, now=900)
    finder = UrgentFinder(lambda: folds_of(desk), ids_shown=True)
    before = await ids(finder)

    desk.receive(responded(901, "c0"), opened(0, "new", channel="chat"))

    assert before == (["c0"], [])
    assert await ids(finder) == (["new"], [])


async def test_an_id_as_long_as_no_help_desk_has_is_not_shown() -> None:
    desk = Desk(CHAT)
    desk.receive(opened(0, "x" * (LONGEST_ID + 1), channel="chat"))
    desk.receive(opened(1, "y" * LONGEST_ID, channel="chat"))
    desk.advance(905)

    late, _ = await ids(UrgentFinder(lambda: folds_of(desk), ids_shown=True))

    assert late == [None, "y" * LONGEST_ID]


async def test_a_partition_that_is_lost_is_told_no_more() -> None:
    folds = folds_of(desk_of(0, now=900))
    finder = UrgentFinder(lambda: folds, ids_shown=True)
    before = await ids(finder)

    folds.clear()

    assert before == (["c0"], [])
    assert await ids(finder) == ([], [])
