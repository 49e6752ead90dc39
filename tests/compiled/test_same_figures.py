"""Compiled and uncompiled, hostile input comes to the same results, exceptions and figures."""

from pathlib import Path
from typing import Final

import pytest

from tests.compiled.building import TREE, python_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIGURES: Final = Path(__file__).with_name("figures.py")


@pytest.mark.parametrize(
    ("part", "seeds"),
    [
        ("codec", 10),
        ("engine", 60),
        ("rows", 15),
        ("checkpoints", 8),
        ("indexes", 8),
        ("fold", 8),
    ],
)
def test_hostile_input_comes_to_the_same(part: str, seeds: int, installed: Path) -> None:
    command = (str(FIGURES), part, str(seeds))

    compiled, pure = (python_with(package, *command) for package in (installed, TREE))

    lines = pure.splitlines()
    assert len(set(lines)) == seeds
    # Where they differ, figures.py --tell says what came of each step of a seed.
    assert compiled.splitlines() == lines
