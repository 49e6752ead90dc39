"""What the boards ask: every expression parses, and reads what is exported or recorded."""

import re
from functools import cache
from typing import Final

import promql_parser as promql
import pytest

from firstreply.adapters.metrics import METRICS, Kind, Source
from firstreply.words import Language
from tests.alerts.label_sets import Known, UnknownLabelError, UnknownSeriesError, labels_of
from tests.alerts.rule_files import rules
from tests.alerts.test_lint import FOR_DASHBOARDS, nodes, selectors, with_recorded
from tests.dashboards.panel_queries import PanelQuery, documents, every_query

ALL: Final = every_query()
_HEARTBEAT: Final = "firstreply_heartbeat_timestamp_seconds"
_GRAFANAS: Final = {"__range", "__rate_interval"}
_KINDS: Final = {metric.name: metric.kind for metric in METRICS}
_ABSOLUTE: Final = {"firstreply_ledger_total"}
"""Restored with the state: its value is the count."""
_CLOSED: Final = {
    (metric.name, label): set(metric.closed(label))
    for metric in METRICS
    for label in metric.labels
    if metric.closed(label)
}
_CONFIGURED: Final = {
    metric.name
    for metric in METRICS
    if metric.source is Source.CONFIG and metric.name.startswith("contact_")
}


@cache
def known_series() -> Known:
    """Return what is exported and recorded, and Prometheus's own series of firing alerts."""
    known = dict(with_recorded())
    own = {"alertname", "alertstate"}
    known["ALERTS"] = frozenset(own).union(
        *(
            labels_of(promql.parse(rule.expr), known) | rule.labels.keys()
            for rule in rules()
            if rule.is_alert
        )
    )
    return known


def named(query: PanelQuery) -> str:
    return query.name


@pytest.mark.parametrize("query", ALL, ids=named)
def test_every_series_and_label_exists(query: PanelQuery) -> None:
    labels_of(promql.parse(query.promql()), known_series())


def test_every_matched_value_is_one_the_label_can_have() -> None:
    for query in ALL:
        for selector in selectors(query.promql()):
            for matcher in selector.matchers.matchers:
                values = _CLOSED.get((selector.name or "", matcher.name))
                if values is not None:
                    assert set(matcher.value.split("|")) <= values, query.name


def test_every_variable_is_one_of_the_board() -> None:
    for query in ALL:
        own = {one["name"] for one in documents()[query.board]["templating"]["list"]}
        assert query.variables - _GRAFANAS <= own, query.name


def test_nothing_is_divided_by_what_may_be_zero() -> None:
    for query in ALL:
        for node in nodes(query.promql()):
            if isinstance(node, promql.BinaryExpr) and str(node.op) == "/":
                divisor = node.rhs
                while isinstance(divisor, promql.ParenExpr):
                    divisor = divisor.expr
                assert isinstance(divisor, promql.BinaryExpr), query.name
                assert (str(divisor.op), str(divisor.rhs)) == (">", "0"), query.name


def test_counters_are_read_as_rates_and_nothing_else_is() -> None:
    for query in ALL:
        text = str(promql.parse(query.promql()))
        read_as_rates = set(re.findall(r"\b(?:rate|increase)\((\w+)", text))
        for selector in selectors(query.promql()):
            name = selector.name or ""
            counted = name.endswith(("_count", "_bucket")) or _KINDS.get(name) is Kind.COUNTER
            assert (name in read_as_rates) is (counted and name not in _ABSOLUTE), query.name


def test_ages_are_of_the_service_clock() -> None:
    for query in ALL:
        read = {selector.name for selector in selectors(query.promql())}
        assert ("time()" in query.expr) <= (read == {_HEARTBEAT}), query.name
        assert "timestamp(" not in query.expr, query.name


def test_the_configuration_is_taken_once() -> None:
    """Every process exports it: summed or bare, it would be counted once a process."""
    for query in ALL:
        taken_once = {
            selector.name
            for node in nodes(query.promql())
            if isinstance(node, promql.AggregateExpr) and str(node.op) in {"max", "min"}
            for selector in selectors(str(node.expr))
        }
        for selector in selectors(query.promql()):
            assert selector.name not in _CONFIGURED - taken_once, query.name


def test_ranges_of_rates_follow_the_scrape_interval() -> None:
    fixed = {"1h", "1d:1h", "$__range", "$__range:1h", "5m"}

    for query in ALL:
        for window in re.findall(r"\[([^]]+)\]", query.expr):
            assert window in fixed | {"$__rate_interval"}, query.name
            rate = re.search(rf"\brate\([^][]*\[{re.escape(window)}\]", query.expr)
            assert rate is None or window == "$__rate_interval", query.name


def test_what_is_recorded_for_dashboards_is_on_one() -> None:
    read = {selector.name for query in ALL for selector in selectors(query.promql())}

    assert FOR_DASHBOARDS.keys() <= read


def test_both_languages_ask_the_same() -> None:
    french = every_query(Language.FR)

    assert [query.expr for query in french] == [query.expr for query in ALL]


def test_every_variable_lists_values_of_a_label_that_exists() -> None:
    known = known_series()

    for document in documents().values():
        for variable in document["templating"]["list"]:
            if variable["type"] == "query":
                text = variable["query"]["query"].replace("$channel", "phone")
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", text)
                assert found is not None, text
                assert found[2] in labels_of(promql.parse(found[1]), known)


def test_the_lint_finds_what_it_is_there_for() -> None:
    known = known_series()

    with pytest.raises(UnknownSeriesError):
        labels_of(promql.parse("sum(channel:contact_channel_opened:min)"), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse("max by (band) (channel:contact_channel_open:min)"), known)
    with pytest.raises(UnknownLabelError):
        labels_of(promql.parse('ALERTS{alertstate="firing", level="critical"}'), known)
