"""Grafana's classic dashboard model, as far as our boards use it: small records that become JSON.

In: what a board says (queries, texts, colours). Out: the JSON that Grafana 10 to 13 load alike.
Nothing here knows what firstreply measures; nothing else knows how Grafana spells things.

``SCHEMA_VERSION`` and ``PLUGIN_VERSION`` are those of Grafana 10.0: later ones migrate from there,
and 10.0 does not try to repair what is already in its own form. Only options that the published
types of both 10 and 13 know are written; ``tests/dashboards`` holds every board against both.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from firstreply.dashboards.layout import Place

JsonValue: TypeAlias = (
    "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
Json: TypeAlias = Mapping[str, JsonValue]

SCHEMA_VERSION: Final = 38
PLUGIN_VERSION: Final = "10.0.0"
DATASOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
"""The variable that every board has: no board names a data source."""


class Shape(StrEnum):
    """What Grafana makes of an answer: a frame a series, one table, or the rows of a heat map."""

    SERIES = "time_series"
    TABLE = "table"
    HEATMAP = "heatmap"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL expression of a panel."""

    expr: str
    legend: str = ""
    instant: bool = False
    """At the end of the time range only; else over all of it."""
    shape: Shape = Shape.SERIES

    def as_json(self, ref: str) -> Json:
        """Return it as the target ``ref`` of a panel."""
        return {
            "refId": ref,
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": self.expr,
            "format": self.shape.value,
            "instant": self.instant,
            "range": not self.instant,
            "legendFormat": self.legend,
        }


def now(expr: str, legend: str = "") -> Query:
    """Return a query of what is so at the end of the time range."""
    return Query(expr, legend, instant=True)


def rows(expr: str) -> Query:
    """Return a query of what is so at the end of the time range, a row for each series."""
    return Query(expr, instant=True, shape=Shape.TABLE)


@dataclass(frozen=True, slots=True)
class Caption:
    """The texts of a panel, in one language."""

    title: str
    description: str
    empty: str
    """What stands in the panel when there is nothing to show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """How values look."""

    unit: str = "none"
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    colour: Json = dataclasses.field(default_factory=lambda: {"mode": "thresholds"})
    steps: tuple[tuple[float | None, str], ...] = ((None, "transparent"),)
    """From which value on which colour; the first from the lowest on."""
    mappings: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    custom: Json = dataclasses.field(default_factory=dict)
    """What only this kind of panel knows."""

    def as_json(self, empty: str) -> Json:
        """Return it as the defaults of a panel."""
        optional: Json = {"decimals": self.decimals, "min": self.low, "max": self.high}
        return {
            "unit": self.unit,
            **{key: value for key, value in optional.items() if value is not None},
            "color": self.colour,
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": value, "color": colour} for value, colour in self.steps],
            },
            "mappings": self.mappings,
            "noValue": empty,
            "links": self.links,
            "custom": self.custom,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel, not yet placed."""

    kind: str
    """Grafana's name of the visualisation."""
    caption: Caption
    queries: tuple[Query, ...] = ()
    field: Field = dataclasses.field(default_factory=Field)
    overrides: tuple[Json, ...] = ()
    options: Json = dataclasses.field(default_factory=dict)
    transformations: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    interval: str | None = None
    """The least step of a range query."""
    points: int | None = None
    """The most points of a range query."""
    since: str | None = None
    """A time range of its own, up to now: ``28d``, ``now/M``."""
    shift: str | None = None
    """How far back that range lies: ``1M/M``."""
    transparent: bool = False

    def as_json(self, number: int, place: Place) -> Json:
        """Return it with its number, where it stands."""
        optional: Json = {
            "interval": self.interval,
            "maxDataPoints": self.points,
            "timeFrom": self.since,
            "timeShift": self.shift,
            "hideTimeOverride": True if self.since else None,
            "transparent": self.transparent or None,
        }
        return {
            "id": number,
            "type": self.kind,
            "title": self.caption.title,
            "description": self.caption.description,
            "gridPos": place.as_json(),
            "datasource": DATASOURCE,
            "pluginVersion": PLUGIN_VERSION,
            "targets": [
                query.as_json(chr(ord("A") + index)) for index, query in enumerate(self.queries)
            ],
            "fieldConfig": {
                "defaults": self.field.as_json(self.caption.empty),
                "overrides": self.overrides,
            },
            "options": self.options,
            "transformations": self.transformations,
            "links": self.links,
            **{key: value for key, value in optional.items() if value is not None},
        }


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that names what stands below it."""

    title: str

    def as_json(self, number: int, place: Place) -> Json:
        """Return it with its number, where it stands."""
        return {
            "id": number,
            "type": "row",
            "title": self.title,
            "collapsed": False,
            "gridPos": place.as_json(),
            "panels": [],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A whole dashboard."""

    uid: str
    title: str
    description: str
    variables: tuple[Json, ...]
    links: tuple[Json, ...]
    placed: Sequence[tuple[Panel | Heading, Place]]
    since: str
    """The time range at first: from then to now."""
    refresh: str
    clock_shown: bool = True
    """Whether the time range can be chosen."""

    def as_json(self) -> Json:
        """Return what Grafana imports or provisions."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["firstreply"],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "timezone": "browser",
            "weekStart": "monday",
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timepicker": {"hidden": not self.clock_shown},
            "annotations": {"list": []},
            "templating": {"list": self.variables},
            "links": self.links,
            "panels": [
                panel.as_json(number, place)
                for number, (panel, place) in enumerate(self.placed, start=1)
            ],
        }
