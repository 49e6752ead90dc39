"""What can be broken in a rule, one place at a time.

A mutant is a shipped rule with one number, duration, operator, function, label, matcher, guard or
text changed or taken away. ``mutate.py`` sees whether a unit test notices; ``survivors.py`` says of
which mutants none can or need. The expressions are changed in their syntax tree and printed again,
so a mutant always parses; whether Prometheus loads it is for promtool to say.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import promql_parser as promql

from tests.alerts.rule_files import Rule, rules

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
            yield from _by(text)
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


def _by(text: str) -> Iterator[tuple[str, str]]:
    """Drop each label of the aggregation's own ``by``, not of one inside it."""
    own = re.match(r"\w+ by \([^)]*\)", text)
    if own is not None:
        for what, changed in _labels(own[0], "by"):
            yield what, changed + text[own.end() :]


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
