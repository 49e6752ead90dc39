"""The heat map of the week: a table of weekdays and hours, coloured by the share kept.

PromQL knows the hours of UTC only, so Prometheus returns one number an hour, and Grafana sorts them
into weekdays and hours in the time zone of the reader. Counts are summed before they are divided:
an average of shares would make a quiet hour weigh as much as a busy one. Every step is one of
Grafana's own transformations, with options that 10.0 and 13 understand alike.
"""

from dataclasses import replace
from typing import Final

from firstreply.dashboards import looks, palette, promql
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import Field, Json, Panel, Query
from firstreply.dashboards.panels import named, table, words

_DECIDED: Final = "decided"
_MET: Final = "met"
_WEEKDAY: Final = "Time"
_HOUR: Final = "Hour"
_SHARE: Final = "kept"
_NAME_OF_ROWS: Final = f"{_WEEKDAY}\\{_HOUR}"
"""Grafana's name for the first column of a matrix."""


def by_weekday_and_hour(speech: Speech) -> Panel:
    """Return the share kept of 28 days, by weekday and hour."""
    decided = _each_hour("channel_band:contact_expectation_decided_net:increase1h")
    broken = _each_hour("channel_band:contact_expectation_broken_net:increase1h")
    weekdays = {str(day): (speech.text(f"weekday.{day}"), palette.PLAIN) for day in range(1, 8)}
    nothing: Json = {"match": "null+nan", "result": {"text": "—", "color": palette.PLAIN}}
    field = Field(
        unit=looks.SHARE,
        decimals=0,
        low=0.5,  # below that all is equally pale
        high=1,
        colour={"mode": "continuous-blues"},
        mappings=({"type": "special", "options": nothing},),
        custom={"cellOptions": {"type": "color-background", "mode": "basic"}, "minWidth": 50},
    )
    renamed: Json = {
        "excludeByName": {},
        "indexByName": {},
        "renameByName": {_NAME_OF_ROWS: speech.text("weekday")},
    }
    panel = table(
        speech.panel("promises.heat"),
        [Query(decided, _DECIDED), Query(f"{decided} - {broken}", _MET)],
        field,
        transformations=(*_steps(), _step("organize", renamed)),
        overrides=(
            named(
                _NAME_OF_ROWS,
                {
                    "mappings": [words(weekdays)],
                    "custom.cellOptions": {"type": "auto"},
                    "custom.width": 70,
                },
            ),
        ),
    )
    return replace(panel, since="28d", interval="1h", points=1000)


def _each_hour(name: str) -> str:
    """Return what fell into the hour that begins at a step, in every band of a promise."""
    following = f"{name}{{{promql.CHANNEL}}} offset -1h"
    return f"sum({promql.of_promise(following)})"


def _steps() -> tuple[Json, ...]:
    """Return the transformations; each leaves one table behind.

    Rows are sorted by weekday, then by hour, so that both come in order: sorting is stable.
    """
    grouped: Json = {"operation": "groupby", "aggregations": []}
    summed: Json = {"operation": "aggregate", "aggregations": ["sum"]}
    return (
        # Time, decided, met: an hour a row
        _step("joinByField", {"byField": _WEEKDAY, "mode": "outer"}),
        # the time once more, as a number
        _step(
            "calculateField",
            {
                "mode": "reduceRow",
                "reduce": {"reducer": "max", "include": [_WEEKDAY]},
                "alias": _HOUR,
            },
        ),
        # both to text, in the reader's time zone: 1 (Monday) to 7, and 00 to 23
        _step(
            "convertFieldType",
            {
                "fields": {},
                "conversions": [
                    {"targetField": _HOUR, "destinationType": "time"},
                    {"targetField": _HOUR, "destinationType": "string", "dateFormat": "HH"},
                    {"targetField": _WEEKDAY, "destinationType": "string", "dateFormat": "E"},
                ],
            },
        ),
        _step("sortBy", {"fields": {}, "sort": [{"field": _WEEKDAY, "desc": False}]}),
        _step("sortBy", {"fields": {}, "sort": [{"field": _HOUR, "desc": False}]}),
        # an hour of the week a row
        _step(
            "groupBy",
            {"fields": {_WEEKDAY: grouped, _HOUR: grouped, _DECIDED: summed, _MET: summed}},
        ),
        _step(
            "calculateField",
            {
                "mode": "binary",
                "binary": {"left": f"{_MET} (sum)", "operator": "/", "right": f"{_DECIDED} (sum)"},
                "alias": _SHARE,
            },
        ),
        # a weekday a row, an hour a column
        _step(
            "groupingToMatrix",
            {
                "columnField": _HOUR,
                "rowField": _WEEKDAY,
                "valueField": _SHARE,
                "emptyValue": "null",
            },
        ),
    )


def _step(name: str, options: Json) -> Json:
    return {"id": name, "options": options}
