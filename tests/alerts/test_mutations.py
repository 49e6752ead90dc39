"""A rule broken in one place makes a unit test fail; for a sample, drawn by a fixed seed."""

import random
import re
from pathlib import Path

import pytest

from tests.alerts.mutate import SURVIVORS, explained, judge, mutants

SAMPLE = 8
SEED = 20260302


@pytest.mark.slow
def test_a_sample_of_broken_rules_is_noticed(promtool: Path) -> None:
    sample = [one for one in mutants() if not explained(one)]
    chosen = random.Random(SEED).sample(sample, SAMPLE)

    survivors = judge(chosen, promtool, quick=True)

    assert [mutant.id for mutant in survivors] == []


@pytest.mark.parametrize(("pattern", "reason"), SURVIVORS)
def test_every_explanation_is_about_some_mutant(pattern: str, reason: str) -> None:
    assert any(re.search(pattern, mutant.id) for mutant in mutants()), reason


def test_no_two_mutants_have_one_name() -> None:
    names = [mutant.id for mutant in mutants()]

    assert len(names) == len(set(names)) > 1000
