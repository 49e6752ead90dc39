"""What Prometheus answers to the queries of the panels, asked as Grafana asks.

A *world* is a Prometheus that knows something, and the moment at which somebody looks. The time
range of a panel is its own or its board's, and ends at that moment. Where the world is faster (see
``tests.end_to_end.faster``), so are the queries: their durations, and the ranges.
"""

import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Final

from firstreply.durations import parse_duration
from tests.dashboards.panel_queries import PanelQuery, documents
from tests.end_to_end.faster import faster, faster_query

_POINTS: Final = 400
"""Of a range query; a panel on a wall has about as many."""

Labels = frozenset[tuple[str, str]]
Answer = dict[Labels, list[float]]
"""Series to its values in the order of time, without those that are no number."""


@dataclass(frozen=True)
class World:
    """A Prometheus, and who looks at it."""

    url: str
    now: float
    """When somebody looks, in Unix seconds."""
    channel: str
    """What is chosen on the boards."""
    scrape_interval: str = "15s"
    times: int = 1
    """How much faster than life it runs."""

    def answer(self, query: PanelQuery) -> Answer:
        """Return what a query returns that is a number."""
        begin, end = self._range(query)
        seconds = end - begin
        expr = self.promql(
            query.promql(
                channel=self.channel,
                range_=f"{seconds:.0f}s",
                rate_interval=f"{4 * parse_duration(self.scrape_interval).seconds}s",
            )
        )
        if query.instant:
            return self.ask(expr, end)
        lasts = seconds / self.times
        return _ask(
            self.url,
            "query_range",
            query=expr,
            start=_text(end - lasts),
            end=_text(end),
            step=_text(max(lasts / _POINTS, 0.25)),
        )

    def ask(self, expr: str, at: float | None = None) -> Answer:
        """Return the answer to a query of the test's own."""
        return _ask(self.url, "query", query=expr, time=_text(self.now if at is None else at))

    def promql(self, expr: str) -> str:
        """Return a query as it is asked in this world."""
        if self.times == 1:
            return expr
        backwards = re.sub(
            r"\boffset -(\w+)", lambda found: f"offset -{faster(found[1], self.times)}", expr
        )
        return faster_query(backwards, self.times)

    def _range(self, query: PanelQuery) -> tuple[float, float]:
        """Return the time range of a panel in Unix seconds, as long as in its board's life."""
        now = datetime.fromtimestamp(self.now, UTC)
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if query.shift == "1M/M":
            return (month - timedelta(days=1)).replace(day=1).timestamp(), month.timestamp()
        assert query.shift is None, query
        if query.since == "now/M":
            return month.timestamp(), self.now
        board = documents()[query.board]["time"]["from"].removeprefix("now-")
        return self.now - parse_duration(query.since or board).total_seconds(), self.now


def _ask(url: str, what: str, **parameters: str) -> Answer:
    """Ask Prometheus; an error is one of the test."""
    data = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(f"{url}/api/v1/{what}", data=data, timeout=60) as answer:
            found = json.load(answer)["data"]["result"]
    except urllib.request.HTTPError as error:
        msg = f"{parameters['query']}: {error.read().decode()}"
        raise AssertionError(msg) from error
    series = {
        frozenset(one["metric"].items()): [
            float(value)
            for _, value in one.get("values", [one.get("value")])
            if not isnan(float(value))
        ]
        for one in found
    }
    return {labels: values for labels, values in series.items() if values}


def without_answer(world: World, queries: Iterable[PanelQuery]) -> set[str]:
    """Return the names of the queries that show nothing."""
    return {query.name for query in queries if not world.answer(query)}


def _text(seconds: float) -> str:
    return f"{seconds:.3f}"
