"""The board of promises and budgets: what was promised, what was kept, what may still be missed.

At the top every promise in one table; a click on a channel shows it below: 28 days, the calendar
month, how fast the budget burns, and when in the week promises break. Counts come from the recorded
series, which are net; a month is counted in full hours.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from firstreply.dashboards import links, looks, palette, promql
from firstreply.dashboards.heat import by_weekday_and_hour
from firstreply.dashboards.layout import flow
from firstreply.dashboards.links import Runbooks
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import (
    Board,
    Field,
    Heading,
    Json,
    Panel,
    Query,
    now,
    rows,
)
from firstreply.dashboards.panels import bars, colour, named, series, table
from firstreply.dashboards.stats import Look, stat
from firstreply.dashboards.variables import datasource_variable

Sized = tuple[Panel | Heading, int, int]

_NAMED: Final = Look(name_size=18, filled=False)
_WINDOWS: Final = ("1h", "6h", "1d", "3d")
_BUDGET_STEPS: Final = ((None, palette.LATE), (0, palette.SOON), (0.25, palette.OK))
"""Overdrawn, nearly spent, enough; the number itself says it, too."""
_BURN_STEPS: Final = ((None, palette.PLAIN), (1, palette.SOON), (3, palette.LATE))
_MISSING: Final = "channel_band:contact_expectation_broken_net:increase1h"
_COUNTED: Final = "channel_band:contact_expectation_decided_net:increase1h"


def board(speech: Speech, runbooks: Runbooks) -> Board:
    """Return the board in one language."""
    sized: list[Sized] = [
        (_table(speech), 24, 8),
        *_of_channel(speech, runbooks),
        *_trends(speech, runbooks),
        (Heading(speech.text("promises.heading.when")), 24, 1),
        (by_weekday_and_hour(speech), 24, 10),
        *_expected(speech),
        (_alerts(speech, runbooks), 24, 7),
    ]
    return Board(
        uid=links.PROMISES,
        title=speech.text("promises.title"),
        description=speech.text("promises.about"),
        variables=(
            datasource_variable(speech.text("datasource"), shown=True),
            looks.channel_variable(speech),
        ),
        links=looks.top_links(speech, links.PROMISES),
        placed=list(flow(sized)),
        since="now-7d",
        refresh="5m",
    )


def _table(speech: Speech) -> Panel:
    """Return a row for each promise; the columns are joined by channel and band."""
    index = f"{promql.INDEX_28D} * on (channel) group_right () (0 * {promql.OBJECTIVE} + 1)"
    columns = {
        "objective": promql.OBJECTIVE,
        "kept": promql.of_promise(promql.KEPT_28D),
        "budget": promql.budget_left(promql.BROKEN_28D, promql.DECIDED_28D),
        "decided": promql.of_promise(promql.DECIDED_28D),
        **{f"burn{window}": promql.burn(window) for window in _WINDOWS},
        "index": index,
    }
    titles = {
        f"Value #{chr(ord('A') + number)}": speech.text(f"column.{key}")
        for number, key in enumerate(columns)
    }
    first = {"channel": speech.text("channel"), "band": speech.text("column.band")}
    names = {**first, **titles}
    organize: Json = {
        "excludeByName": {"Time": True},
        "indexByName": {name: number for number, name in enumerate(names)},
        "renameByName": names,
    }
    order: Json = {"fields": {}, "sort": [{"field": "channel", "desc": False}]}
    return table(
        speech.panel("promises.table"),
        [rows(expr) for expr in columns.values()],
        Field(unit=looks.SHARE, decimals=1),
        transformations=(
            {"id": "merge", "options": {}},
            {"id": "sortBy", "options": order},
            {"id": "organize", "options": organize},
        ),
        overrides=_column_looks(speech),
    )


def _column_looks(speech: Speech) -> tuple[Json, ...]:
    open_below = links.of_row(links.PROMISES, speech.text("link.promises"), "channel")
    open_channel = links.of_row(links.CHANNEL, speech.text("link.channel"), "channel")
    filled: Json = {"type": "color-background", "mode": "basic"}
    burns = (
        named(
            speech.text(f"column.burn{window}"),
            {
                "unit": "none",
                "decimals": 1,
                "custom.cellOptions": filled,
                "thresholds": _steps(_BURN_STEPS),
            },
        )
        for window in _WINDOWS
    )
    return (
        named(speech.text("channel"), {"links": [open_below, open_channel]}),
        named(speech.text("column.decided"), {"unit": looks.CONTACTS, "decimals": 0}),
        named(
            speech.text("column.budget"),
            {"custom.cellOptions": filled, "thresholds": _steps(_BUDGET_STEPS)},
        ),
        *burns,
    )


def _steps(steps: tuple[tuple[float | None, str], ...]) -> Json:
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": shade} for value, shade in steps],
    }


def _of_channel(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("promises.heading.channel")), 24, 1
    share = looks.plain(looks.SHARE, 1)
    budget = Field(unit=looks.SHARE, decimals=0, steps=_BUDGET_STEPS)
    kept = now(
        promql.of_promise(f"{promql.KEPT_28D}{{{promql.CHANNEL}}}"), speech.text("kept_share")
    )
    promised = now(
        f"{promql.OBJECTIVE}{{{promql.CHANNEL}}}", f"{speech.text('objective')} ({{{{band}}}})"
    )
    yield stat(speech.panel("promises.kept"), [kept, promised], share, _NAMED), 4, 5
    left = now(promql.budget_left(_of(promql.BROKEN_28D), promql.DECIDED_28D))
    panel = stat(speech.panel("promises.budget"), [left], budget)
    yield replace(panel, links=runbooks.at_panel("ContactBudgetExhausted")), 4, 5
    for key, expr, field, shift in (
        ("month", promql.of_promise(_kept_in_range()), share, None),
        (
            "month_budget",
            promql.budget_left(_in_range(_MISSING), _in_range(_COUNTED)),
            budget,
            None,
        ),
        ("last_month", promql.of_promise(_kept_in_range()), share, "1M/M"),
    ):
        panel = stat(speech.panel(f"promises.{key}"), [now(expr)], field)
        yield replace(panel, since="now/M", shift=shift), 4, 5
    index = now(f"{promql.INDEX_28D}{{{promql.CHANNEL}}}")
    yield stat(speech.panel("promises.index"), [index], share), 4, 5


def _of(name: str) -> str:
    return f"{name}{{{promql.CHANNEL}}}"


def _in_range(hourly: str) -> str:
    return f"clamp_min(sum_over_time({_of(hourly)}[$__range:1h]), 0)"


def _kept_in_range() -> str:
    decided = f"({_in_range(_COUNTED)} > 0)"
    return f"1 - {_in_range(_MISSING)} / on (channel, band) {decided}"


def _trends(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    objective = Query(_of(promql.OBJECTIVE), speech.text("objective"))
    dashed = {speech.text("objective"): looks.dashed(palette.LINE_OTHER)}
    kept = Query(promql.of_promise(_of(promql.KEPT_28D)), speech.text("kept_share"))
    caption = speech.panel("promises.kept_trend")
    share = Field(unit=looks.SHARE, decimals=1, high=1, colour={"mode": "palette-classic"})
    yield series(caption, [kept, objective], share, style=dashed, interval="5m"), 12, 8
    left = promql.budget_left(_of(promql.BROKEN_28D), promql.DECIDED_28D)
    budget = Query(left, speech.text("budget_left"))
    caption = speech.panel("promises.budget_trend")
    yield series(caption, [budget], share, interval="5m"), 12, 8
    burns = [
        Query(promql.burn(window, promql.CHANNEL), speech.text(f"window.{window}"))
        for window in _WINDOWS
    ]
    panel = series(speech.panel("promises.burn"), burns, looks.lines("none", decimals=1))
    pages = runbooks.at_panel(
        "ContactPromiseBurnFast", "ContactPromiseBurnSlow", "ContactPromiseBurnTicket"
    )
    yield replace(panel, links=pages), 12, 8
    volume = [
        Query(f"clamp_min({promql.of_promise(_of(name))}, 0)", speech.text(key))
        for name, key in ((_COUNTED, "decided"), (_MISSING, "broken"))
    ]
    caption = speech.panel("promises.volume")
    style: dict[str, Json] = {speech.text("broken"): {"color": colour(palette.LINE_LATE)}}
    yield series(caption, volume, looks.lines(looks.CONTACTS, decimals=0), style=style), 12, 8


def _expected(speech: Speech) -> Iterator[Sized]:
    yield Heading(speech.text("promises.heading.expected")), 24, 1
    index = [
        Query(_of(name), speech.text(f"window.{window}"))
        for name, window in ((promql.INDEX_1D, "1d"), (promql.INDEX_28D, "28d"))
    ]
    field = looks.lines(looks.SHARE, decimals=0, share=True)
    yield series(speech.panel("promises.index_trend"), index, field, interval="5m"), 12, 8
    share = Field(unit=looks.SHARE, decimals=0, low=0, high=1, steps=((None, palette.LINE_OK),))
    kept = now(_of(promql.KEPT_28D), "{{band}}")
    yield bars(speech.panel("promises.bands"), kept, share), 12, 8


def _alerts(speech: Speech, runbooks: Runbooks) -> Panel:
    return looks.alert_table(speech.panel("promises.alerts"), speech, runbooks, promql.CHANNEL)
