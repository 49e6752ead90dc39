"""A step is what runs between two polls, in CPU time; here of a clock that a test moves."""

import asyncio
import selectors

import pytest

from firstreply import event_loop
from firstreply.adapters.metrics import STEP_BOUNDS
from firstreply.event_loop import MeasuringSelector, Steps


class Cpu:
    """CPU time that passes when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def within(cells: list[int], limit: float) -> int:
    """Return how many steps took at most this long."""
    return sum(cells[: STEP_BOUNDS.index(limit) + 1])


@pytest.mark.parametrize(("seconds", "counted"), [(0.0, 1), (0.02, 1), (0.020001, 0)])
def test_twenty_milliseconds_are_within_their_bucket_and_more_is_not(
    seconds: float, counted: int
) -> None:
    steps = Steps()

    steps.took(seconds)

    cells, total = steps.take()
    assert within(cells, 0.02) == counted
    assert sum(cells) == 1
    assert total == seconds


def test_what_was_taken_is_not_taken_again() -> None:
    steps = Steps()
    steps.took(2.0)

    first = steps.take()
    steps.took(0.001)
    second = steps.take()

    assert (first[0][-1], first[1]) == (1, 2.0)
    assert (sum(second[0]), second[0][-1], second[1]) == (1, 0, 0.001)


def test_a_selector_counts_what_ran_between_its_polls_and_not_the_polls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu, steps = Cpu(), Steps()

    def polls(*_: object) -> list[object]:
        cpu.seconds += 10
        return []

    monkeypatch.setattr(selectors.DefaultSelector, "select", polls)
    with MeasuringSelector(steps, cpu) as selector:
        for _ in range(3):
            selector.select(0)
            cpu.seconds += 0.25

    cells, total = steps.take()

    assert sum(cells) == 2
    assert total == 0.5


def test_callbacks_that_run_one_after_the_other_without_a_poll_are_one_step() -> None:
    cpu, steps = Cpu(), Steps()

    async def uses(seconds: float) -> None:
        cpu.seconds += seconds

    async def work() -> None:
        await asyncio.gather(uses(0.012), uses(0.012))
        steps.take()
        await asyncio.gather(uses(0.25), uses(0.25))
        await asyncio.sleep(0)

    loop = asyncio.SelectorEventLoop(MeasuringSelector(steps, cpu))
    try:
        loop.run_until_complete(work())
    finally:
        loop.close()

    cells, total = steps.take()
    assert (within(cells, 0.3), within(cells, 0.5)) == (sum(cells) - 1, sum(cells))
    assert total == 0.5


class Figures:
    """Implements ``LoopFigures``: remembers, and says when there is something."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.steps = 0
        self.told = asyncio.Event()

    def event_loop_lag(self, seconds: float) -> None:
        self.lags.append(seconds)

    def event_loop_steps(self, cells: list[int], seconds: float) -> None:
        assert seconds >= 0
        self.steps += sum(cells)
        self.told.set()


def test_the_loop_of_the_service_tells_its_steps() -> None:
    told: list[Figures] = []

    async def work() -> None:
        figures = Figures()
        measuring = asyncio.create_task(event_loop.measure(figures))
        await figures.told.wait()
        measuring.cancel()
        await asyncio.wait({measuring})
        told.append(figures)

    event_loop.run(work())

    assert told[0].steps > 0
    assert min(told[0].lags) >= 0


def test_what_fails_in_the_loop_comes_out() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        event_loop.run(work())
