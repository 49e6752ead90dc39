import gc
import weakref
from collections.abc import Iterator

import pytest

from firstreply.collector import Collector, Looks, _spare_survivors, look_once


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    gc.callbacks[:] = [one for one in gc.callbacks if one is not _spare_survivors]
    gc.enable()
    gc.unfreeze()


def test_the_collector_rests_until_the_last_restore_has_ended() -> None:
    collector = Collector()
    first, second = collector.resting(), collector.resting()

    with first:
        with second:
            assert not gc.isenabled()
        assert not gc.isenabled()

    assert gc.isenabled()


def test_what_was_restored_is_never_looked_at() -> None:
    gc.unfreeze()

    with Collector().resting():
        restored = [[] for _ in range(1000)]  # type: ignore[var-annotated]

    assert gc.get_freeze_count() > len(restored)


def test_a_restore_that_fails_lets_it_go_on() -> None:
    with pytest.raises(RuntimeError), Collector().resting():
        raise RuntimeError

    assert gc.isenabled()


def test_what_was_there_before_it_was_set_up_is_never_looked_at() -> None:
    imported = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    gc.unfreeze()

    look_once()

    assert gc.get_freeze_count() > len(imported)


def test_what_a_full_collection_found_alive_is_not_looked_at_again() -> None:
    look_once()
    look_once()
    alive = [[] for _ in range(1000)]  # type: ignore[var-annotated]
    gc.unfreeze()

    gc.collect(0)
    before = gc.get_freeze_count()
    gc.collect()

    assert before == 0
    assert gc.get_freeze_count() > len(alive)
    assert gc.callbacks.count(_spare_survivors) == 1


def test_what_is_new_is_looked_at_unless_the_collector_rests() -> None:
    """Who was looked at and can be in no cycle is tracked no longer."""
    looks = Looks()
    with Collector().resting():
        before = [(number, "text") for number in range(100)]
        looks.after_slice()
        tracked = sum(map(gc.is_tracked, before))

    after = [(number, "text") for number in range(100)]
    looks.after_slice()

    assert tracked == 100
    assert sum(map(gc.is_tracked, after)) == 0


class _Cycle:
    """Part of a cycle with itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize(("outlived", "slices"), [(1, 50), (60, 1000)])
def test_a_dead_cycle_that_has_outlived_slices_is_gone_in_the_end(
    outlived: int, slices: int
) -> None:
    looks = Looks()
    cycle = _Cycle()
    seen = weakref.ref(cycle)
    for _ in range(outlived):
        looks.after_slice()
    del cycle

    for _ in range(slices):
        looks.after_slice()

    assert seen() is None
