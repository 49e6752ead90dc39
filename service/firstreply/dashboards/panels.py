"""The kinds of panels that the boards are made of, each with the options we always want.

A caller says what is particular: texts, queries, colours, sizes. Every option is written out that
Grafana would else choose by itself and differently from version to version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Final

from firstreply.dashboards.model import Caption, Field, Json, Panel, Query

_LEGEND: Final[Json] = {
    "showLegend": True,
    "displayMode": "list",
    "placement": "bottom",
    "calcs": [],
}
_TOOLTIP: Final[Json] = {"mode": "multi", "sort": "desc"}
_CELL: Final[Json] = {
    "align": "auto",
    "cellOptions": {"type": "auto"},
    "filterable": False,
    "inspect": False,
}


def heading(text: str, pixels: int) -> Panel:
    """Return large text without a frame: what Grafana's own titles are too small for."""
    content = f'<div style="font-size:{pixels}px;line-height:1.2;text-align:center">%s</div>'
    return Panel(
        kind="text",
        caption=Caption("", "", ""),
        options={"mode": "html", "content": content % escape(text)},
        transparent=True,
    )


def series(
    caption: Caption,
    queries: Sequence[Query],
    field: Field,
    *,
    style: Mapping[str, Json] | None = None,
    stacked: bool = False,
    interval: str | None = None,
) -> Panel:
    """Return lines over time; ``stacked`` fills them one upon the other.

    ``style`` overrides properties by the name in the legend, or by ``/a pattern/`` of names;
    ``interval`` is the least step.
    """
    custom: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1 if stacked else 2,
        "fillOpacity": 60 if stacked else 0,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        **field.custom,
    }
    return Panel(
        kind="timeseries",
        caption=caption,
        queries=tuple(queries),
        field=replace(field, custom=custom),
        overrides=tuple(named(name, looks) for name, looks in (style or {}).items()),
        options={"legend": _LEGEND, "tooltip": _TOOLTIP},
        interval=interval,
    )


def table(
    caption: Caption,
    queries: Sequence[Query],
    field: Field,
    *,
    transformations: tuple[Json, ...],
    overrides: tuple[Json, ...] = (),
) -> Panel:
    """Return a table; a cell without a value has a dash, an empty table its text."""
    return Panel(
        kind="table",
        caption=caption,
        queries=tuple(queries),
        field=replace(field, custom={**_CELL, **field.custom}),
        overrides=(named("/.*/", {"noValue": "—"}), *overrides),
        options={"showHeader": True, "cellHeight": "md"},
        transformations=transformations,
    )


def timeline(caption: Caption, query: Query, field: Field, interval: str) -> Panel:
    """Return bands of colour and words over time, one for each series."""
    return Panel(
        kind="state-timeline",
        caption=caption,
        queries=(query,),
        field=replace(field, custom={"lineWidth": 0, "fillOpacity": 100}),
        options={
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "center",
            "rowHeight": 0.9,
            "legend": {**_LEGEND, "showLegend": False},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        interval=interval,
    )


def bars(caption: Caption, query: Query, field: Field) -> Panel:
    """Return a bar for each series, lying, with its value."""
    return Panel(
        kind="bargauge",
        caption=caption,
        queries=(query,),
        field=field,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "text",
            "showUnfilled": True,
            "minVizWidth": 8,
            "minVizHeight": 16,
        },
    )


def heatmap(caption: Caption, query: Query, unit: str, interval: str) -> Panel:
    """Return the buckets of a histogram over time: the darker, the more."""
    return Panel(
        kind="heatmap",
        caption=caption,
        queries=(query,),
        field=Field(unit=unit),
        options={
            "calculate": False,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Blues",
                "scale": "exponential",
                "exponent": 0.5,
                "steps": 64,
                "reverse": False,
                "fill": "dark-blue",
            },
            "filterValues": {"le": 1e-9},
            "rowsFrame": {"layout": "auto"},
            "showValue": "never",
            "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": False},
            "legend": {"show": True},
        },
        interval=interval,
    )


def named(name: str, looks: Json) -> Json:
    """Return the override of one field by its name, or of several by ``/a pattern/``."""
    pattern = name.startswith("/")
    return {
        "matcher": {"id": "byRegexp" if pattern else "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in looks.items()],
    }


def colour(fixed: str) -> Json:
    """Return the property that gives a field one colour."""
    return {"mode": "fixed", "fixedColor": fixed}


def words(texts: Mapping[str, tuple[str, str]]) -> Json:
    """Return the mapping of values to words and their colours."""
    return {
        "type": "value",
        "options": {
            value: {"text": text, "color": shade, "index": index}
            for index, (value, (text, shade)) in enumerate(texts.items())
        },
    }
