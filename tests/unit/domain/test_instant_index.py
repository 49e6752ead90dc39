"""The sorted index of instants and ids: it does what a sorted list does."""

import random
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.instant_index import InstantIndex, Unsorted

ENTRIES: Final = st.tuples(st.integers(0, 20), st.sampled_from(["a", "b", "c", "\ud800", ""]))


def index_of(entries: list[tuple[int, str]]) -> InstantIndex:
    index = InstantIndex()
    for instant, contact_id in entries:
        index.add(instant, contact_id)
    return index


@given(st.lists(ENTRIES, unique=True, max_size=60), st.integers(-1, 21))
def test_an_index_counts_as_a_sorted_list_does(entries: list[tuple[int, str]], cut: int) -> None:
    instants = [instant for instant, _ in entries]

    index = index_of(entries)

    assert len(index) == len(instants)
    assert index.first() == min(instants, default=None)
    assert index.count_until(cut) == sum(instant <= cut for instant in instants)
    assert index.first_after(cut) == min((one for one in instants if one > cut), default=None)


@given(st.lists(ENTRIES, unique=True, max_size=60), st.randoms())
def test_entries_come_in_one_order_whatever_the_order_of_insertion(
    entries: list[tuple[int, str]], chance: random.Random
) -> None:
    index = index_of(chance.sample(entries, len(entries)))

    taken = []
    while index.first() is not None:
        taken.append(index.head())
        index.remove(*taken[-1])

    assert taken == sorted(entries)


def test_an_index_of_many_chunks_keeps_its_order_while_entries_come_and_go() -> None:
    chance = random.Random(7)
    index, entries = InstantIndex(), []
    for number in range(5000):
        entry = (chance.randrange(12), str(number))  # more than a chunk of each instant
        index.add(*entry)
        entries.append(entry)

    chance.shuffle(entries)
    for entry in entries[:3000]:
        index.remove(*entry)
    left = sorted(entries[3000:])

    assert list(index.until(99)) == left
    for edge in range(-1, 13):
        assert index.count_until(edge) == sum(instant <= edge for instant, _ in left)
    assert index.head() == left[0]


@pytest.mark.parametrize("absent", [(1, "a"), (2, "b"), (2, ""), (3, "a"), (4, "b"), (5, "a")])
def test_an_index_refuses_to_remove_what_is_not_there(absent: tuple[int, str]) -> None:
    index = index_of([(2, "a"), (4, "a")])

    with pytest.raises(KeyError):
        index.remove(*absent)


def test_an_empty_index_has_no_head() -> None:
    index = InstantIndex()

    assert index.first() is None
    with pytest.raises(IndexError):
        index.head()


@given(st.lists(ENTRIES, unique=True, max_size=60))
def test_an_index_filled_at_once_is_the_one_filled_entry_by_entry(
    entries: list[tuple[int, str]],
) -> None:
    unsorted, index = Unsorted(), InstantIndex()
    for entry in entries:
        unsorted.add(*entry)

    for _ in unsorted.fill(index):
        pass

    assert list(index.until(99)) == sorted(entries)
    assert index.first() == min((instant for instant, _ in entries), default=None)


def test_an_index_is_filled_in_small_steps_and_goes_on_like_any_other() -> None:
    chance = random.Random(7)
    entries = [(chance.randrange(-9, 99), str(number)) for number in range(5000)]
    unsorted, index = Unsorted(), InstantIndex()
    for entry in entries:
        unsorted.add(*entry)

    sizes = [len(index) for _ in unsorted.fill(index)]
    assert max(after - before for before, after in pairwise([0, *sizes])) <= 512
    for entry in entries[:4000]:
        index.remove(*entry)
    index.add(-10, "new")

    assert list(index.until(99)) == [(-10, "new"), *sorted(entries[4000:])]
