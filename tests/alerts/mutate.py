"""Break each rule in one place at a time, and see whether a unit test notices.

``python -m tests.alerts.mutate`` does it for all places (an hour; ``--quick``: minutes) and lists
the survivors that ``SURVIVORS`` does not explain; ``--sample 25 --seed 1`` for some. A mutant is a
rule with one number, duration, operator, function, label, matcher or guard changed or taken away.

A rule that promtool cannot even load is no mutant: nobody would ship it.
"""

import argparse
import copy
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
import yaml

from tests.alerts.rule_files import (
    NAMES,
    Rule,
    document,
    rules,
    run,
    unit_tests,
)
from tests.servers.programs import find_program

SURVIVORS: Final = (
    (r"#\d+ 0\.5 to (0\.25|1)$|#\d+ 2\.5 to 1\.25$", "contacts are whole numbers"),
    (r"(Overdue|NobodyAnswering|NoContacts\w+|Evicted|ClockSkew): #\d+ (> to >=|< to <=)$",
     "half a contact does not exist"),
    (r"ContactOverdue: #21 sum to max$|NobodyAnswering: #20 sum to max$",
     "whether any is above 0, or all are 0, is the same of the sum and of the greatest"),
    (r"NobodyAnswering: #\d+ (\+ to -|\* to /)$", "0 times the limit only carries its labels"),
    (r"FarOverdue: #10 1 to 0\.5$", "contacts are whole numbers, but for the quartile between"),
    (r"contact_promise_\w+:(ratio|seconds|ratio \w+): .*max to min$",
     "all processes have one configuration"),
    (r"decided_net:increase5m: #5 max to min$", "all processes have one configuration"),
    (r"broken_limit:ratio \w+: #0 on without", "one promise a channel; a band's name is its limit"),
    (r"broken_limit:ratio \w+: #3 < to <=$", "where factor and cap are equal, either is right"),
    (r"figures_steady:bool: #\d+ bool taken away$", "nothing or 0, it is 0 in the end"),
)  # fmt: skip
"""Mutants, as patterns, and why nothing can or need tell them from the rule."""

_SLOW: Final = ("lookalikes.test.yml", "restarts.test.yml", "volume.test.yml")
"""Tried last."""

_OPERATORS: Final = {
    ">": (">=", "<"),
    ">=": (">", "<"),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    "==": ("!=",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/",),
    "/": ("*",),
    "and": ("unless", "or"),
    "or": ("and",),
    "unless": ("and",),
}
_FUNCTIONS: Final = {
    "sum": "max",
    "min": "max",
    "max": "min",
    "avg": "sum",
    "topk": "bottomk",
    "increase": "delta",
    "clamp_min": "clamp_max",
    "min_over_time": "max_over_time",
    "max_over_time": "min_over_time",
    "sum_over_time": "avg_over_time",
    "count_over_time": "sum_over_time",
    "round": "floor",
    "abs": "",
}


@dataclass(frozen=True)
class Mutant:
    """A rule with one change."""

    rule: Rule
    what: str
    """The change, in words; with the rule it identifies the mutant."""
    content: dict[str, Any]

    @property
    def id(self) -> str:
        """Name it, in one line."""
        window = self.rule.labels.get("window")
        name = self.rule.name if window is None else f"{self.rule.name} {window}"
        return f"{self.rule.file} {name}: {self.what}"


def explained(mutant: Mutant) -> bool:
    """Whether it may survive."""
    return any(re.search(pattern, mutant.id) for pattern, _ in SURVIVORS)


def mutants() -> Iterator[Mutant]:
    """Yield every mutant, always in the same order."""
    for rule in rules():
        for what, expr in _expressions(rule.expr):
            yield Mutant(rule, what, {**rule.content, "expr": expr})
        for what, content in _settings(rule.content):
            yield Mutant(rule, what, content)


def _settings(content: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Change what stands beside the expression."""
    for key in ("for", "keep_firing_for"):
        if key in content:
            seconds = promql.parse_duration(content[key]).total_seconds()
            yield f"{key} doubled", {**content, key: f"{2 * seconds:.0f}s"}
            yield f"{key} taken away", {k: v for k, v in content.items() if k != key}
    for label, value in content.get("labels", {}).items():
        labels = content["labels"]
        yield f"label {label} renamed", {**content, "labels": {**labels, label: f"{value}x"}}
        rest = {k: v for k, v in labels.items() if k != label}
        yield f"label {label} taken away", {**content, "labels": rest}
    for key, text in content.get("annotations", {}).items():
        changed = {**content["annotations"], key: f"{text}x"}
        yield f"annotation {key} changed", {**content, "annotations": changed}


def _expressions(expr: str) -> Iterator[tuple[str, str]]:
    """Yield (what was changed, expression with one node of the tree replaced)."""
    tree = promql.parse(expr)
    nodes = _nodes(tree)
    for number, node in enumerate(nodes):
        for what, text in _changes(node):
            yield f"#{number} {what}", _replaced(tree, number, text)


def _nodes(tree: promql.Expr) -> list[promql.Expr]:
    found: list[promql.Expr] = []

    def visit(node: promql.Expr) -> None:
        found.append(node)

    promql.walk(tree, pre_visit=visit)
    return found


def _replaced(tree: promql.Expr, number: int, text: str) -> str:
    seen = -1
    done = False

    def visit(node: promql.Expr) -> promql.Expr | None:
        nonlocal seen, done
        seen += 1
        if seen != number or done:
            return None
        done = True
        binds = isinstance(node, promql.BinaryExpr | promql.UnaryExpr)
        return promql.parse(f"({text})" if binds else text)

    return str(promql.transform(tree, pre_visit=visit))


def _changes(node: promql.Expr) -> Iterator[tuple[str, str]]:
    text = str(node)
    match node:
        case promql.BinaryExpr():
            yield from _binary(node, text)
        case promql.AggregateExpr():
            yield from _function(str(node.op), text)
            yield from _labels(text, "by")
        case promql.Call():
            yield from _function(node.func.name, text)
        case promql.NumberLiteral():
            for value in {node.val * 2, node.val / 2} if node.val else {1.0}:
                yield f"{node.val:g} to {value:g}", f"{value:g}"
        case promql.MatrixSelector() | promql.SubqueryExpr():
            yield from _range(text)
        case promql.VectorSelector():
            yield from _selector(text)
        case promql.UnaryExpr():
            yield "minus taken away", text.removeprefix("-")


def _binary(node: promql.BinaryExpr, text: str) -> Iterator[tuple[str, str]]:
    left, right = str(node.lhs), str(node.rhs)
    middle = text[len(left) : len(text) - len(right)]
    operator = middle.split()[0]
    for other in _OPERATORS.get(operator, ()):
        swapped = middle.replace(operator, other, 1)
        if other == "or" and "on ()" in swapped:
            continue  # joins everything to everything: loads, but never evaluates
        yield f"{operator} to {other}", f"{left}{swapped}{right}"
    if operator in {"and", "or", "unless"}:
        yield f"right of {operator} taken away", left
    if operator == "or":
        yield "left of or taken away", right
    if " bool " in middle:
        yield "bool taken away", f"{left}{middle.replace(' bool ', ' ')}{right}"
    for what, changed in _labels(middle, "on"):
        yield what, f"{left}{changed}{right}"


def _labels(text: str, clause: str) -> Iterator[tuple[str, str]]:
    """Drop each label of a ``by`` or ``on`` clause."""
    found = re.search(rf"\b{clause} \(([\w, ]+)\)", text)
    if found is None:
        return
    labels = found[1].split(", ")
    for label in labels:
        rest = ", ".join(other for other in labels if other != label)
        start, end = found.span(1)
        yield f"{clause} without {label}", text[:start] + rest + text[end:]


def _function(name: str, text: str) -> Iterator[tuple[str, str]]:
    if name in _FUNCTIONS:
        yield f"{name} to {_FUNCTIONS[name] or 'nothing'}", _FUNCTIONS[name] + text[len(name) :]


def _range(text: str) -> Iterator[tuple[str, str]]:
    found = re.search(r"\[(\w+)(:\w+)?\](?: offset \w+)?$", text)
    assert found is not None, text
    seconds = promql.parse_duration(found[1]).total_seconds()
    start, end = found.span(1)
    for factor in (0.5, 2):
        changed = f"{factor * seconds:.0f}s"
        yield f"[{found[1]}] to {changed}", text[:start] + changed + text[end:]


def _selector(text: str) -> Iterator[tuple[str, str]]:
    for operator, other in (("=~", "!~"), ("!~", "=~"), ("!=", "="), ("=", "!=")):
        for found in re.finditer(rf'(\w+)({operator})"([^"]*)"', text):
            start, end = found.span(2)
            yield f"{found[0]} to {other}", text[:start] + other + text[end:]
            changed = text[: found.start()] + text[found.end() :]
            yield f"{found[0]} taken away", changed.replace("{,", "{").replace(",}", "}")
    offset = re.search(r" offset (\w+)$", text)
    if offset is not None:
        yield f"offset {offset[1]} taken away", text[: offset.start()]


def verdict(mutant: Mutant, promtool: Path, folder: Path, *, quick: bool = False) -> str:
    """Return ``killed by FILE``, ``survived`` or ``invalid``; ``folder`` is this mutant's own.

    First the cases that name the rule, with only the rules it is made of: a hundredth of the time.
    ``quick`` leaves out the slow unit tests and those that do not name the rule.
    """
    everything = {name: document(name) for name in NAMES}
    changed = everything[mutant.rule.file]["groups"][mutant.rule.group]["rules"]
    changed[mutant.rule.index] = mutant.content
    target = _write(everything, folder) / mutant.rule.file
    if run(promtool, "check", "rules", target).returncode:
        return "invalid"
    if _holds_alone(mutant.rule, promtool):
        pruned = _only(everything, mutant.rule)
        for path in _write_cases(mutant.rule, pruned, folder / "alone"):
            if run(promtool, "test", "rules", path).returncode:
                return f"killed by {path.name}"
    for path in _relevant(mutant.rule):
        if quick and (path.name in _SLOW or mutant.rule.name not in path.read_text("utf-8")):
            continue
        if run(promtool, "test", "rules", _copy(path, folder)).returncode:
            return f"killed by {path.name}"
    return "survived"


@cache
def _holds_alone(rule: Rule, promtool: Path) -> bool:
    """Whether the cases that name the rule hold with only the rules it is made of."""
    pruned = _only({name: document(name) for name in NAMES}, rule)
    with tempfile.TemporaryDirectory() as folder:
        paths = _write_cases(rule, pruned, Path(folder))
        return not any(run(promtool, "test", "rules", path).returncode for path in paths)


def _only(everything: dict[str, Any], rule: Rule) -> dict[str, Any]:
    """Return the rules without those that the one does not need."""
    by_name: dict[str, list[Rule]] = {}
    for one in rules():
        by_name.setdefault(one.name, []).append(one)
    needed, open_ends = set[str](), [rule]
    while open_ends:
        one = open_ends.pop()
        needed.add(one.name)
        read = " ".join([one.expr, *one.annotations.values()])
        open_ends += [
            other
            for name, others in by_name.items()
            if name in read and name not in needed
            for other in others
        ]
    pruned = copy.deepcopy(everything)
    for content in pruned.values():
        for group in content["groups"]:
            group["rules"] = [
                one for one in group["rules"] if (one.get("alert") or one["record"]) in needed
            ]
    return pruned


def _write(contents: dict[str, Any], folder: Path) -> Path:
    alerts = folder / "alerts"
    alerts.mkdir(parents=True)
    for name, content in contents.items():
        text = yaml.safe_dump(content, allow_unicode=True)
        (alerts / name).write_text(text, encoding="utf-8")
    return alerts


def _write_cases(rule: Rule, contents: dict[str, Any], folder: Path) -> list[Path]:
    """Write the rules, and the unit tests with only those cases that name the one."""
    _write(contents, folder)
    written = []
    for path in _relevant(rule):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for test in content["tests"]:
            for kind, key in (("alert_rule_test", "alertname"), ("promql_expr_test", "expr")):
                cases = test.get(kind, ())
                test[kind] = [case for case in cases if _names(case[key], rule)]
        content["tests"] = [
            test for test in content["tests"] if test["alert_rule_test"] or test["promql_expr_test"]
        ]
        if content["tests"]:
            target = _copy(path, folder)
            target.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
            written.append(target)
    return written


def _names(text: str, rule: Rule) -> bool:
    """Whether the expression or name of a case is about this rule."""
    if rule.is_alert:
        return text == rule.name or f'alertname="{rule.name}"' in text
    return re.search(rf"(?<![\w:]){re.escape(rule.name)}(?![\w:])", text) is not None


def _copy(path: Path, folder: Path) -> Path:
    tests = folder / "tests" / "alerts"
    tests.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(path, tests))


def _relevant(rule: Rule) -> list[Path]:
    """Return the unit tests that load the rule, those that speak of it first."""

    def rank(path: Path) -> tuple[bool, int]:
        return path.name in _SLOW, -path.read_text(encoding="utf-8").count(rule.name)

    loading = [path for path in unit_tests() if rule.file in path.read_text(encoding="utf-8")]
    return sorted(loading, key=rank)


def judge(
    chosen: list[Mutant],
    promtool: Path,
    tell: Callable[[str], None] = lambda _: None,
    *,
    quick: bool = False,
) -> list[Mutant]:
    """Return the survivors that ``SURVIVORS`` does not explain. Two at a time."""
    survivors = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        places = (Path(folder) / str(number) for number in range(len(chosen)))
        verdicts = pool.map(partial(verdict, quick=quick), chosen, repeat(promtool), places)
        for mutant, found in zip(chosen, verdicts, strict=True):
            tell(f"{found}: {mutant.id}")
            if found == "survived" and not explained(mutant):
                survivors.append(mutant)
    return survivors


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="only so many, drawn by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only those whose name contains this")
    parser.add_argument("--quick", action="store_true", help="without the slow unit tests")
    options = parser.parse_args()
    chosen = [one for one in mutants() if options.only in one.id]
    if options.sample:
        chosen = random.Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    survivors = judge(chosen, find_program("prometheus", "promtool"), _tell, quick=options.quick)
    _tell(f"\n{len(chosen)} mutants, {len(survivors)} survivors that nothing explains")
    for mutant in survivors:
        _tell(f"  {mutant.id}")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
