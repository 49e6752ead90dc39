"""Which labels a PromQL expression has, from those of the metrics it reads.

Follows Prometheus's rules for aggregation and vector matching, and raises where an expression names
a label that is not there: a ``by`` or ``on`` of a label that does not exist is no error to
Prometheus, it just matches everything or nothing.
"""

from collections.abc import Mapping
from typing import Final

import promql_parser as promql

TARGET: Final = frozenset({"job", "instance"})
"""What Prometheus adds to everything it scrapes."""
_SET_OPERATORS: Final = frozenset({"and", "or", "unless"})

Known = Mapping[str, frozenset[str]]
"""Series to its labels."""


class UnknownSeriesError(Exception):
    """An expression reads what nobody exports or records."""


class UnknownLabelError(Exception):
    """An expression names a label that is not there."""

    def __init__(self, missing: frozenset[str] | set[str], where: promql.Expr) -> None:
        super().__init__(f"{sorted(missing)} in {where}")


def labels_of(node: promql.Expr, known: Known) -> frozenset[str]:
    """Return the labels of the result; a number has none.

    Raises:
        UnknownSeriesError: see there.
        UnknownLabelError: see there.
    """
    labels: frozenset[str] = frozenset()
    match node:
        case promql.VectorSelector():
            labels = _selected(node, known)
        case promql.MatrixSelector():
            labels = _selected(node.vector_selector, known)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            labels = labels_of(node.expr, known)
        case promql.AggregateExpr():
            labels = _aggregated(node, known)
        case promql.BinaryExpr():
            labels = _combined(node, known)
        case promql.Call():
            labels = _called(node, known)
    return labels


def _selected(node: promql.VectorSelector, known: Known) -> frozenset[str]:
    if node.name is None or node.name not in known:
        raise UnknownSeriesError(node.name)
    labels = known[node.name]
    _require({matcher.name for matcher in node.matchers.matchers}, labels, node)
    return labels


def _aggregated(node: promql.AggregateExpr, known: Known) -> frozenset[str]:
    inner = labels_of(node.expr, known)
    modifier = node.modifier
    named = frozenset(() if modifier is None else modifier.labels)
    _require(named, inner, node)
    if str(node.op) in {"topk", "bottomk"}:
        return inner
    if modifier is not None and modifier.type == promql.AggModifierType.Without:
        return inner - named
    return named


def _combined(node: promql.BinaryExpr, known: Known) -> frozenset[str]:
    left, right = labels_of(node.lhs, known), labels_of(node.rhs, known)
    if isinstance(node.lhs, promql.NumberLiteral):
        return right
    modifier = node.modifier
    matching = None if modifier is None else modifier.matching
    if modifier is None or matching is None:
        scalar = isinstance(node.rhs, promql.NumberLiteral) or str(node.rhs) == "time()"
        joins_all = str(node.op) == "or"
        if not scalar and not joins_all and str(node.lhs) != "time()" and left != right:
            raise UnknownLabelError(left ^ right, node)  # say on which labels they match
        return left | right
    named = frozenset(matching.labels)
    _require(named, left, node)
    _require(named, right, node)
    if str(node.op) in _SET_OPERATORS:
        return left
    groups = frozenset(modifier.group_labels or ())
    match modifier.card:
        case promql.VectorMatchCardinality.ManyToOne:
            _require(groups, right, node)
            return left | groups
        case promql.VectorMatchCardinality.OneToMany:
            _require(groups, left, node)
            return right | groups
        case _:
            return named


def _called(node: promql.Call, known: Known) -> frozenset[str]:
    if node.func.name in {"absent", "vector", "time"}:
        for argument in node.args:
            labels_of(argument, known)
        return frozenset()
    inner = frozenset().union(*(labels_of(argument, known) for argument in node.args))
    if node.func.name == "label_replace":
        return inner | {str(node.args[1]).strip('"')}
    return inner


def _require(named: frozenset[str] | set[str], present: frozenset[str], where: promql.Expr) -> None:
    if named - present:
        raise UnknownLabelError(named - present, where)
