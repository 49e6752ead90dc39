"""A rule broken in one place makes a unit test fail; for a sample, drawn by a fixed seed."""

import random
import re
from pathlib import Path

import pytest

from tests.alerts.mutants import Mutant, mutants
from tests.alerts.mutate import judge
from tests.alerts.rule_files import Rule, rules
from tests.alerts.survivors import SURVIVORS, explained

SAMPLE = 20
SEED = 20260302
ALL = list(mutants())


def unbroken(name: str) -> list[Mutant]:
    return [Mutant(rule, "nothing", rule.content) for rule in rules() if rule.name == name]


def broken(name: str, expr: str) -> list[Mutant]:
    def content(rule: Rule) -> dict[str, object]:
        return {**rule.content, "expr": expr}

    return [Mutant(rule, expr, content(rule)) for rule in rules() if rule.name == name]


@pytest.mark.slow
def test_a_sample_of_broken_rules_is_noticed(promtool: Path) -> None:
    sample = [one for one in ALL if not explained(one)]
    chosen = random.Random(SEED).sample(sample, SAMPLE)

    survivors = judge(judge(chosen, promtool, quick=True), promtool)

    assert [mutant.id for mutant in survivors] == []


@pytest.mark.slow
def test_a_rule_as_it_is_survives(promtool: Path) -> None:
    chosen = unbroken("FirstreplyStateEvicted") + unbroken("channel:contact_channel_open:min")

    assert judge(chosen, promtool, quick=True) == chosen


@pytest.mark.slow
def test_what_prometheus_cannot_load_is_no_mutant(promtool: Path) -> None:
    verdicts = []

    judge(
        broken("FirstreplyStateEvicted", "sum by ("),
        promtool,
        lambda _, verdict: verdicts.append(verdict),
    )

    assert verdicts == ["invalid"]


@pytest.mark.parametrize(("pattern", "reason"), SURVIVORS)
def test_every_explanation_is_about_some_mutant(pattern: str, reason: str) -> None:
    assert any(re.search(pattern, mutant.id) for mutant in ALL), reason


def test_no_two_mutants_have_one_name() -> None:
    names = [mutant.id for mutant in ALL]

    assert len(names) == len(set(names)) > 1000
