"""Break each rule in one place at a time, and see whether a unit test notices.

``python -m tests.alerts.mutate`` does it for all of ``mutants.py`` that ``survivors.py`` does not
explain (a quarter of an hour) and lists the survivors; ``--sample 25`` for some, ``--explained`` to
see that those survive indeed.

Only what can notice is run: first the cases that name the rule, with the rules it is made of, then
those that name what is made of it. Such a part of a unit test need not hold by itself (other alerts
are missing), so what counts is that promtool says something else than it does of the rule as it is.
A rule that promtool cannot even load is no mutant: nobody would ship it.
"""

import argparse
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import yaml

from tests.alerts.mutants import Mutant, mutants
from tests.alerts.rule_files import NAMES, Rule, document, outcome, rules, run, unit_tests
from tests.alerts.survivors import explained
from tests.servers.programs import find_program

_NAME: Final = re.compile(r"[A-Za-z_:][\w:]*")
_KILLS: Final = Counter[tuple[str, str]]()
"""How many mutants of a rule a unit test has noticed so far."""


@dataclass(frozen=True)
class Trial:
    """A unit test, reduced to the cases that can notice a change of one rule."""

    name: str
    content: str
    with_rules: frozenset[str]
    """The names of the rules it is run with."""


def verdict(mutant: Mutant, promtool: Path, folder: Path, *, quick: bool = False) -> str:
    """Return ``killed by FILE``, ``survived`` or ``invalid``; ``folder`` is this mutant's own.

    ``quick`` leaves out the cases that do not name the rule.
    """
    for number, trial in enumerate(_deadliest_first(mutant.rule, quick=quick)):
        said = _attempt(trial, promtool, folder / str(number), mutant)
        if f"/alerts/{mutant.rule.file}: " in said:
            return "invalid"  # the name of the file comes before what cannot be loaded of it
        if said != _usual(trial, promtool):
            _KILLS[mutant.rule.name, trial.name] += 1
            return f"killed by {trial.name}"
    return "survived"


def _deadliest_first(rule: Rule, *, quick: bool) -> Iterator[Trial]:
    """Yield what can notice a change of the rule: what names it, then what is made of it."""

    def kills(trial: Trial) -> int:
        return _KILLS[rule.name, trial.name]

    yield from sorted(_trials(rule.name), key=kills, reverse=True)
    if not quick:
        yield from sorted(_further_trials(rule.name), key=kills, reverse=True)


@cache
def _trials(name: str) -> tuple[Trial, ...]:
    return tuple(_made({name}, _made_of({name}), lambda text: name in _names(text)))


@cache
def _further_trials(name: str) -> tuple[Trial, ...]:
    affected = _made_from(name)
    alerts = {rule.name for rule in _rules() if rule.is_alert}

    def notices(text: str) -> bool:
        names = _names(text)
        if name in names:
            return False  # tried already
        of_all_alerts = "ALERTS" in names and 'alertname="' not in text
        return bool(names & affected) or (of_all_alerts and bool(affected & alerts))

    return tuple(_made(affected, _made_of(affected), notices))


def _made(about: set[str], needed: set[str], notices: Callable[[str], bool]) -> Iterator[Trial]:
    """Yield each unit test that loads a rule of ``about``, with the cases that notice."""
    files = {rule.file for rule in _rules() if rule.name in about}
    for path in unit_tests():
        content = _reduced(path, needed, notices)
        loads = {Path(name).name for name in content["rule_files"]}
        if not content["tests"] or not loads & files:
            continue
        text = yaml.safe_dump(content, allow_unicode=True)
        yield Trial(path.name, text, frozenset(needed))


def _reduced(path: Path, needed: set[str], notices: Callable[[str], bool]) -> dict[str, Any]:
    """Return the unit test with only the cases that notice, and the series that those need."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    read = _names(" ".join(_read_by(rule) for rule in _rules() if rule.name in needed))
    for test in content["tests"]:
        test["alert_rule_test"] = [
            case for case in test.get("alert_rule_test", ()) if notices(case["alertname"])
        ]
        test["promql_expr_test"] = [
            case for case in test.get("promql_expr_test", ()) if notices(case["expr"])
        ]
        asked = read.union(*(_names(case["expr"]) for case in test["promql_expr_test"]))
        test["input_series"] = [
            one for one in test["input_series"] if one["series"].partition("{")[0] in asked
        ]
    content["tests"] = [
        test for test in content["tests"] if test["alert_rule_test"] or test["promql_expr_test"]
    ]
    return content


def _names(text: str) -> set[str]:
    """Return every word of it that can be a rule's or a series' name."""
    return set(_NAME.findall(text))


def _read_by(rule: Rule) -> str:
    return " ".join([rule.expr, *rule.annotations.values()])


def _made_of(names: Iterable[str]) -> set[str]:
    """Return the names, and those of all rules that their rules read."""
    found, added = set[str](), set(names)
    recorded = {rule.name for rule in _rules()}
    while added:
        found |= added
        read = " ".join(_read_by(rule) for rule in _rules() if rule.name in added)
        added = (_names(read) & recorded) - found
    return found


def _made_from(name: str) -> set[str]:
    """Return the name, and those of all rules that read it, or read what does."""
    found, added = set[str](), {name}
    while added:
        found |= added
        added = {rule.name for rule in _rules() if _names(_read_by(rule)) & added} - found
    return found


@cache
def _usual(trial: Trial, promtool: Path) -> str:
    """Return what promtool says of it while the rules are as they are."""
    with tempfile.TemporaryDirectory() as folder:
        return _attempt(trial, promtool, Path(folder))


def _attempt(trial: Trial, promtool: Path, folder: Path, mutant: Mutant | None = None) -> str:
    """Run it and return all that promtool said, without the folder."""
    _write_rules(trial.with_rules, folder, mutant)
    path = folder / "tests" / "alerts" / trial.name
    path.parent.mkdir(parents=True)
    path.write_text(trial.content, encoding="utf-8")
    return outcome(run(promtool, "test", "rules", path)).replace(str(folder), "")


def _write_rules(names: Iterable[str], folder: Path, mutant: Mutant | None) -> None:
    """Write the rules of these names, one of them changed."""
    alerts = folder / "alerts"
    alerts.mkdir(parents=True)
    for file in NAMES:
        groups = []
        for number, group in enumerate(_shipped(file)["groups"]):
            content = list(group["rules"])
            if mutant is not None and (file, number) == (mutant.rule.file, mutant.rule.group):
                content[mutant.rule.index] = mutant.content
            content = [one for one in content if (one.get("alert") or one["record"]) in names]
            groups.append({**group, "rules": content})
        text = yaml.safe_dump({"groups": groups}, allow_unicode=True)
        (alerts / file).write_text(text, encoding="utf-8")


_shipped = cache(document)


@cache
def _rules() -> tuple[Rule, ...]:
    return tuple(rules())


def judge(
    chosen: list[Mutant],
    promtool: Path,
    tell: Callable[[Mutant, str], None] = lambda *_: None,
    *,
    quick: bool = False,
    jobs: int = 2,
) -> list[Mutant]:
    """Return those that survive, trying ``jobs`` at a time."""
    survivors = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
        places = (Path(folder) / str(number) for number in range(len(chosen)))
        verdicts = pool.map(partial(verdict, quick=quick), chosen, repeat(promtool), places)
        for mutant, found in zip(chosen, verdicts, strict=True):
            tell(mutant, found)
            if found == "survived":
                survivors.append(mutant)
    return survivors


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="only so many, drawn by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only those whose id matches this pattern")
    parser.add_argument("--quick", action="store_true", help="only the cases that name the rule")
    parser.add_argument("--explained", action="store_true", help="only the explained ones")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    options = parser.parse_args()
    about = [one for one in mutants() if re.search(options.only, one.id)]
    chosen = [one for one in about if explained(one) is options.explained]
    left_out = len(about) - len(chosen)
    if options.sample:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    found = Counter[str]()

    def tell(mutant: Mutant, verdict: str) -> None:
        found[verdict.split(maxsplit=1)[0]] += 1
        _print(f"{verdict}: {mutant.id}")

    promtool = find_program("prometheus", "promtool")
    survivors = judge(chosen, promtool, tell, quick=options.quick, jobs=options.jobs)
    other = "not explained" if options.explained else "explained"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(found.items()))
    _print(f"\n{len(chosen)} mutants: {counts}; {left_out} more are {other}")
    for mutant in survivors:
        _print(f"  {mutant.id}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
