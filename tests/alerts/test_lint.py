"""What promtool does not see: series, labels and texts that are not there, divisions by nothing."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import promql_parser as promql
import pytest

from firstreply.adapters.metrics import METRICS, Kind
from firstreply.config.tiers import TIERS
from tests.alerts.label_sets import (
    TARGET,
    Known,
    UnknownLabelError,
    UnknownSeriesError,
    labels_of,
)
from tests.alerts.rule_files import Rule, promql_of, rules

SEVERITIES: Final = {"critical", "warning", "ticket", "info", "none"}
ANNOTATIONS: Final = {
    "summary",
    "description",
    "summary_fr",
    "description_fr",
    "runbook_url",
    "dashboard_url",
}
DASHBOARDS: Final = {
    "firstreply-wall",
    "firstreply-channel",
    "firstreply-promises",
    "firstreply-pipeline",
}
FOR_DASHBOARDS: Final = {
    "channel_band:contact_promise_kept:ratio30m": "the service level of the trade, on the wall",
    "channel:contact_expectation_index:ratio1d": "the index, on the channel's page",
    "channel:contact_expectation_index:ratio28d": "the index of the month",
}
"""Recorded, but not used by any alert: the reason why it is recorded all the same."""
READS_THE_TIME: Final = {"firstreply:figures_steady:bool", "FirstreplyPipelineStale"}
"""Only beside the heartbeat, which is a wall clock; everything else holds at the service clock."""

ALL: Final = list(rules())
ALERTS: Final = [rule for rule in ALL if rule.is_alert]
RECORDS: Final = [rule for rule in ALL if not rule.is_alert]


def exported() -> dict[str, frozenset[str]]:
    """Return the series of the service, and those of Prometheus itself that the rules read."""
    series = {"up": TARGET, "ALERTS": frozenset({"alertname", "alertstate", "channel"})}
    for metric in METRICS:
        labels = frozenset(metric.labels) | TARGET
        if metric.kind is Kind.HISTOGRAM:
            series[f"{metric.name}_bucket"] = labels | {"le"}
            series[f"{metric.name}_count"] = series[f"{metric.name}_sum"] = labels
        else:
            series[metric.name] = labels
    return series


def with_recorded() -> Known:
    """Return the above and every recorded series with its labels."""
    known = exported()
    for rule in RECORDS:
        known[rule.name] = labels_of(promql.parse(rule.expr), known) | rule.labels.keys()
    return known


def selectors(expr: str) -> Iterator[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.VectorSelector):
            found.append(node)
        elif isinstance(node, promql.MatrixSelector) and node.vector_selector not in found:
            found.append(node.vector_selector)

    promql.walk(promql.parse(expr), pre_visit=visit)
    return iter(found)


def nodes(expr: str) -> list[promql.Expr]:
    found: list[promql.Expr] = []
    promql.walk(promql.parse(expr), pre_visit=found.append)
    return found


def expressions(rule: Rule) -> list[str]:
    """Return what it evaluates: the rule itself and the queries in its texts."""
    return [rule.expr, *promql_of(list(rule.annotations.values()))]


def named(rule: Rule) -> str:
    return f"{rule.name}{rule.labels.get('window', '')}"


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_every_series_and_label_exists(rule: Rule) -> None:
    known = with_recorded()

    for expr in expressions(rule):
        labels_of(promql.parse(expr), known)


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_every_matched_value_is_one_the_label_can_have(rule: Rule) -> None:
    closed = {
        (metric.name, label): set(metric.closed(label))
        for metric in METRICS
        for label in metric.labels
        if metric.closed(label)
    }

    for expr in expressions(rule):
        for selector in selectors(expr):
            for matcher in selector.matchers.matchers:
                values = closed.get((selector.name or "", matcher.name))
                if values is not None:
                    assert set(matcher.value.split("|")) <= values, str(selector)


@pytest.mark.parametrize("rule", RECORDS, ids=named)
def test_the_name_of_a_recorded_series_says_its_labels(rule: Rule) -> None:
    labels = with_recorded()[rule.name]

    level = rule.name.split(":")[0]

    assert level == "_".join(sorted(labels, key=_place)) or (level == "firstreply" and not labels)


def _place(label: str) -> int:
    return ("channel", "queue", "band", "outcome", "window").index(label)


@pytest.mark.parametrize("name", sorted({rule.name for rule in RECORDS}))
def test_every_recorded_series_is_used_or_is_for_a_dashboard(name: str) -> None:
    used = {
        selector.name
        for rule in ALL
        for expr in expressions(rule)
        if rule.name != name
        for selector in selectors(expr)
    }

    assert (name in used) is (name not in FOR_DASHBOARDS)


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_nothing_is_divided_by_what_may_be_zero(rule: Rule) -> None:
    for expr in expressions(rule):
        for node in nodes(expr):
            if isinstance(node, promql.BinaryExpr) and str(node.op) == "/":
                divisor = node.rhs
                while isinstance(divisor, promql.ParenExpr):
                    divisor = divisor.expr
                positive = isinstance(divisor, promql.BinaryExpr) and (
                    str(divisor.op) == ">" and str(divisor.rhs) == "0"
                )
                assert positive or isinstance(divisor, promql.NumberLiteral), str(node)


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_counters_are_read_as_increases_and_nothing_else_is(rule: Rule) -> None:
    kinds = {metric.name: metric.kind for metric in METRICS}
    absolute = {"firstreply_ledger_total"}  # restored with the state: its value is the count

    for expr in expressions(rule):
        increased = re.findall(r"\bincrease\((\w+)", str(promql.parse(expr)))
        for selector in selectors(expr):
            name = selector.name or ""
            counted = name.endswith("_count") or kinds.get(name) is Kind.COUNTER
            assert (name in increased) is (counted and name not in absolute), name


@pytest.mark.parametrize("rule", ALL, ids=named)
def test_ages_are_of_the_service_clock(rule: Rule) -> None:
    assert ("time()" in rule.expr) is (rule.name in READS_THE_TIME)
    assert "timestamp(" not in rule.expr


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_every_alert_has_its_labels_and_texts(rule: Rule) -> None:
    floor = rule.file == "floor.yml"
    labels, texts = rule.labels, rule.annotations

    assert labels["severity"] in SEVERITIES
    assert labels["team"] == ("floor" if floor else "platform")
    assert ("tier" in labels) is rule.name.startswith("ContactPromiseBurn")
    assert texts.keys() == ANNOTATIONS
    assert texts["runbook_url"] == f"https://firstreply.example/docs/runbooks/{rule.name}.md"
    dashboard = re.fullmatch(r"https://grafana\.example/d/([\w-]+)(\?.*)?", texts["dashboard_url"])
    assert dashboard is not None
    assert dashboard[1] in DASHBOARDS
    if floor:
        assert "channel" in labels_of(promql.parse(rule.expr), with_recorded())


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_texts_use_labels_that_the_alert_has(rule: Rule) -> None:
    labels = labels_of(promql.parse(rule.expr), with_recorded()) | rule.labels.keys()

    for text in rule.annotations.values():
        assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_both_languages_tell_the_same_figures(rule: Rule) -> None:
    texts = rule.annotations

    for key in ("summary", "description"):
        english, french = texts[key], texts[f"{key}_fr"]
        assert list(promql_of([english])) == list(promql_of([french]))
        assert english.count("$value") == french.count("$value")


@pytest.mark.parametrize("rule", [rule for rule in ALERTS if "absent(" in rule.expr], ids=named)
def test_an_absence_must_last(rule: Rule) -> None:
    assert "for" in rule.content


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_an_alert_of_the_floor_is_silent_while_closed_or_unsteady(rule: Rule) -> None:
    known = {selector.name for selector in selectors(rule.expr)}
    about_a_month = {"ContactBudgetExhausted"}
    within = {"channel_queue:contact_waiting_far_overdue:sum"}  # recorded only then

    if rule.file == "floor.yml" and rule.name not in about_a_month and not known & within:
        assert known >= {"channel:contact_channel_open:min", "firstreply:figures_steady:bool"}


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_a_window_of_steady_figures_is_asked_of_an_alert_that_starts(rule: Rule) -> None:
    fires = f'ALERTS{{alertname="{rule.name}",alertstate="firing"}}'
    window = "min_over_time(firstreply:figures_steady:bool"

    or_fires = [
        str(node.lhs)
        for node in nodes(rule.expr)
        if isinstance(node, promql.BinaryExpr) and (str(node.op), str(node.rhs)) == ("or", fires)
    ]

    assert rule.expr.count(window) == sum(start.count(window) for start in or_fires)
    assert rule.expr.count("ALERTS{") == len(or_fires)


def test_the_tiers_that_check_config_knows_are_those_of_the_rules() -> None:
    limits = [rule for rule in RECORDS if "window" in rule.labels]

    for tier, rule in zip(TIERS, limits, strict=True):
        numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", rule.expr)
        assert promql.parse_duration(rule.labels["window"]) == tier.window
        assert {float(number) for number in numbers} == {
            1,
            tier.factor,
            tier.kept,
            tier.longest_limit.total_seconds(),
        }
    for shorter, longer in pairwise(TIERS):
        assert shorter.window < longer.window


def test_the_lint_finds_what_it_is_there_for() -> None:
    known = with_recorded()

    with pytest.raises(UnknownSeriesError):
        labels_of(promql.parse("sum(contact_wating)"), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse("sum by (chanel) (contact_waiting)"), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse('contact_waiting{state="overdue"}'), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse("contact_waiting and on (band) contact_channel_open"), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse("sum by (channel) (contact_waiting) * contact_due"), known)
