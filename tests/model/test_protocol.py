"""The whole protocol of the state log, many times at random, and what breaks without its rules.

``FIRSTREPLY_LONG`` sets the number of further runs with all rules on, in each world. A run that
fails is known by its seed: ``Run(seed, Rules(), clock_jumps=...).play()``. Rules that chance seldom
tests are in ``test_scenes``.
"""

import os
from typing import Final

import pytest

from tests.model.process import Rules
from tests.model.run import Run, Violation

SHORT: Final = 20
LONG: Final = int(os.environ.get("FIRSTREPLY_LONG", "100"))
ENOUGH: Final = 300
"""Runs within which a missing rule must have shown."""


def runs_until_it_fails(rules: Rules) -> int:
    """Return how many runs it took, or fail."""
    for seed in range(ENOUGH):
        try:
            Run(seed, rules, clock_jumps=False).play()
        except Violation:
            return seed + 1
    pytest.fail(f"{ENOUGH} runs without {rules}, and all figures were right")


@pytest.mark.parametrize(
    "clock_jumps", [False, True], ids=["clocks right", "a zombie's clock ahead"]
)
def test_figures_are_exact_whatever_crashes_and_whoever_comes_back(*, clock_jumps: bool) -> None:
    for seed in range(SHORT):
        Run(seed, Rules(), clock_jumps=clock_jumps).play()


def test_without_the_fence_figures_are_wrong() -> None:
    assert runs_until_it_fails(Rules(fence=False))


def test_without_the_lease_figures_are_wrong() -> None:
    assert runs_until_it_fails(Rules(lease=False))


def test_with_memory_kept_by_whoever_wrote_last_figures_are_wrong() -> None:
    assert runs_until_it_fails(Rules(alone=False))


def test_without_increments_in_the_state_figures_are_wrong() -> None:
    assert runs_until_it_fails(Rules(carries=False))


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize(
    "clock_jumps", [False, True], ids=["clocks right", "a zombie's clock ahead"]
)
def test_figures_are_exact_for_long(*, clock_jumps: bool) -> None:
    for seed in range(SHORT, SHORT + LONG):
        Run(seed, Rules(), clock_jumps=clock_jumps).play()
