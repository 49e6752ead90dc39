"""Promises in doubt: exported only by whom the next owner was told of."""

import logging
from typing import Final

import pytest

from firstreply.domain.increments import Increments
from firstreply.fold import PartitionFold
from firstreply.keeping.doubts import Doubts
from firstreply.keeping.keeper import StateKeeper
from firstreply.keeping.reading import note_of, pointer_of, told_by
from firstreply.state.writer import Pointer, Promise
from tests.unit.fakes import opened
from tests.unit.test_keeping import (
    FakeInput,
    FakeLog,
    appended,
    checkpoint,
    folded,
    keeper_of,
    next_process,
)

P: Final = 0
OURS: Final = Promise(exported=7, incarnation=1, generation=3)
BEFORE: Final = Promise(exported=4, incarnation=1, generation=3)


def counted(amount: int = 2) -> Increments:
    return Increments({("contact_received_total", ("chat", "none")): amount})


def in_doubt() -> Doubts:
    doubts = Doubts()
    doubts.promise(P, OURS, counted())
    return doubts


def successor(*told: Promise) -> Pointer:
    return Pointer(begin=0, exported=9, incarnation=1, generation=4, told=told)


# -- what is decided


def test_what_the_next_owner_was_told_of_is_exported_once() -> None:
    doubts = in_doubt()

    doubts.judge(P, successor(OURS))
    doubts.judge(P, successor(OURS))

    assert doubts.take_owed() == [(P, counted())]
    assert doubts.take_owed() == []


def test_what_the_group_still_says_in_a_later_generation_is_told_to_whoever_comes_next() -> None:
    doubts = in_doubt()

    doubts.judge(P, Pointer(0, OURS.exported, OURS.incarnation, OURS.generation))

    assert doubts.take_owed() == [(P, counted())]


def test_what_the_next_owner_was_told_several_owners_ago_is_exported() -> None:
    doubts = in_doubt()

    doubts.judge(P, successor(OURS, Promise(8, 1, 4), Promise(9, 1, 5)))

    assert doubts.take_owed() == [(P, counted())]


@pytest.mark.parametrize(
    "pointer",
    [
        successor(BEFORE),  # it inherited what we counted
        Pointer(0, BEFORE.exported, BEFORE.incarnation, BEFORE.generation),
        successor(Promise(7, 1, 4)),  # another one's
        successor(Promise(7, 2, 3)),  # of a group that was made anew
        successor(),
        None,
    ],
)
def test_else_nothing_is(pointer: Pointer | None) -> None:
    doubts = in_doubt()

    doubts.judge(P, pointer)

    assert doubts.take_owed() == []
    assert not doubts.open


def test_what_nobody_can_tell_of_is_logged_with_what_may_lack(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)  # another test may have set it lower
    in_doubt().judge(P, successor(BEFORE))
    assert not caplog.records

    in_doubt().judge(P, successor())

    (said,) = caplog.records
    assert (said.levelno, said.getMessage()) == (logging.WARNING, "promise_forgotten")
    assert said.__dict__["counted"] == 2


def test_a_promise_without_anything_counted_leaves_no_doubt() -> None:
    doubts = in_doubt()

    doubts.promise(P, OURS, Increments())

    assert not doubts.open


# -- what travels with the commits


@pytest.mark.parametrize("told", [(), (OURS,), (BEFORE, OURS, Promise(-1, 0, 1))])
def test_a_note_tells_what_owners_went_by(told: tuple[Promise, ...]) -> None:
    pointer = Pointer(5, 7, 1, 3, told)

    assert pointer_of(note_of(pointer)) == pointer


def test_a_note_of_before_tells_of_nobody() -> None:
    assert pointer_of("v1:5:7:1:3") == Pointer(5, 7, 1, 3, ())


@pytest.mark.parametrize("note", ["", "v1:5:7:1", "v2:5:7:1:3", "v2:5:7:1:3:8.1", "v3:5:7:1:3:"])
def test_a_note_of_another_form_is_none(note: str) -> None:
    assert pointer_of(note) is None


def test_only_the_last_owners_are_told_of_and_a_note_stays_short() -> None:
    pointer = None
    for generation in range(50):
        pointer = Pointer(10**12, 10**12, 9, 10**6 + generation, told_by(pointer))

    assert pointer is not None
    assert [one.generation - 10**6 for one in pointer.told] == list(range(41, 49))
    assert len(note_of(pointer)) < 400


# -- from owner to owner


async def committed_unheard(
    keeper: StateKeeper, source: FakeInput, fold: PartitionFold
) -> Increments:
    """Do what the processor does when the answer to its commit is lost; return what it holds."""
    span = await appended(keeper, fold)
    assert await source.commit({P: span.offset}, source.epoch, keeper.notes({P: span.increments}))
    fold.put_back(span)
    return span.increments


def lose(keeper: StateKeeper, source: FakeInput) -> None:
    """Be put out of the group, and find the partition with somebody else."""
    next_process(source)
    keeper.keep_only(frozenset())
    source.owned = frozenset()


async def taken(keeper: StateKeeper, source: FakeInput) -> PartitionFold:
    """Take over, in a process that shares the source with the one before."""
    source.owned = frozenset({P})
    fold = await keeper.take(P, source.epoch, None)
    source.owned = frozenset()
    return fold


async def test_a_promise_that_the_heir_went_by_is_owed_and_inherited_by_nobody() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    promised = await committed_unheard(keeper, source, await folded(keeper, source))
    lose(keeper, source)

    heir = await taken(keeper_of(source, log), source)

    assert promised
    assert not heir.take().increments
    assert await keeper.owed() == [(P, promised)]
    assert await keeper.owed() == []


async def test_a_promise_that_never_arrived_is_inherited_and_not_owed() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    span = await appended(keeper, await folded(keeper, source))
    keeper.notes({P: span.increments})  # its commit is lost
    lose(keeper, source)

    heir = await taken(keeper_of(source, log), source)

    assert heir.take().increments == span.increments
    assert await keeper.owed() == []


async def test_a_promise_is_owed_however_many_owners_came_before_we_could_ask() -> None:
    source, log = FakeInput(opened(0), opened(1, "d")), FakeLog()
    keeper = keeper_of(source, log)
    promised = await committed_unheard(keeper, source, await folded(keeper, source))
    lose(keeper, source)

    for _ in range(3):
        heir = keeper_of(source, log)
        await checkpoint(heir, source, await taken(heir, source))
        next_process(source)

    assert await keeper.owed() == [(P, promised)]


async def test_nothing_is_owed_while_memory_holds_it(caplog: pytest.LogCaptureFixture) -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    fold = await folded(keeper, source)
    promised = await committed_unheard(keeper, source, fold)
    next_process(source)  # and the partition stays with us

    assert await keeper.owed() == []
    assert await keeper.take(P, source.epoch, fold) is fold
    lose(keeper, source)

    assert fold.take().increments == promised
    assert await keeper.owed() == []  # the promise was taken back
    assert "promise_forgotten" not in caplog.messages  # and nothing is in doubt


async def test_who_restores_what_it_has_promised_itself_owes_it() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    promised = await committed_unheard(keeper, source, await folded(keeper, source))
    lose(keeper, source)

    again = await taken(keeper, source)

    assert not again.take().increments
    assert await keeper.owed() == [(P, promised)]


async def test_who_restores_what_it_has_not_promised_inherits_it() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    span = await appended(keeper, await folded(keeper, source))
    keeper.notes({P: span.increments})  # its commit is lost
    lose(keeper, source)

    again = await taken(keeper, source)

    assert again.take().increments == span.increments
    assert await keeper.owed() == []


async def test_while_the_group_does_not_answer_a_promise_stays_in_doubt() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    promised = await committed_unheard(keeper, source, await folded(keeper, source))
    lose(keeper, source)
    source.silent = True

    assert await keeper.owed() == []

    source.silent = False
    assert await keeper.owed() == [(P, promised)]


async def test_an_answer_from_before_another_assignment_decides_nothing() -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    promised = await committed_unheard(keeper, source, await folded(keeper, source))
    lose(keeper, source)
    source.during_question = lambda: next_process(source)

    assert await keeper.owed() == []

    source.during_question = lambda: None
    assert await keeper.owed() == [(P, promised)]


@pytest.mark.parametrize("told", ["exported", "taken_back"])
async def test_what_became_of_a_promise_is_not_asked_once_it_was_heard(told: str) -> None:
    source, log = FakeInput(opened(0)), FakeLog()
    keeper = keeper_of(source, log)
    await committed_unheard(keeper, source, await folded(keeper, source))
    getattr(keeper, told)([P])
    lose(keeper, source)

    await taken(keeper_of(source, log), source)

    assert await keeper.owed() == []
