"""The wall: one screen of 1920 x 1080, read from five metres by people who never touch it.

A strip at the top says whether the figures can be believed and how the floor stands. Below, a row
for each channel: columns of tiles that stay in line (``wall_columns``). Grafana's own titles are
too small to be read from afar, so large headings stand above the columns, and the titles say what
the headings leave out. At the bottom, how the day went, and what alerts.

Nothing here keeps its last good value: when the figures are not those of now, every channel says NO
DATA and its numbers become dashes.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from firstreply.dashboards import links, looks, palette, promql
from firstreply.dashboards.layout import Place
from firstreply.dashboards.links import Runbooks
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import (
    Board,
    Field,
    Heading,
    Panel,
    Query,
    now,
    rows,
)
from firstreply.dashboards.panels import heading, timeline
from firstreply.dashboards.stats import Look, Order, stat, tiles
from firstreply.dashboards.variables import datasource_variable
from firstreply.dashboards.wall_columns import SHOWN, TIME, columns
from firstreply.words import Standing

HEADER: Final = 3
HEADINGS: Final = 2
CHANNELS: Final = 14
BOTTOM: Final = 7
"""Rows of the grid: 26 in all, 980 pixels, which leaves room for a line of links."""

_HEADING: Final = 26


def board(speech: Speech, runbooks: Runbooks) -> Board:
    """Return the wall in one language."""
    return Board(
        uid=links.WALL,
        title=speech.text("wall.title"),
        description=speech.text("wall.about"),
        variables=(datasource_variable(speech.text("datasource"), shown=False),),
        links=looks.top_links(speech, links.WALL),
        placed=[*_header(speech, runbooks), *_columns(speech), *_bottom(speech, runbooks)],
        since="now-8h",
        refresh="10s",
        clock_shown=False,
    )


def _header(speech: Speech, runbooks: Runbooks) -> Iterator[tuple[Panel | Heading, Place]]:
    look = Look(size=TIME)
    late = f"sum(contact_waiting{{{promql.LATE}}})"
    count = f"count({promql.FIRING}) or vector(0)"
    clock = Field(unit="time:HH:mm:ss")
    worrying = Field(unit=looks.CONTACTS, steps=((None, palette.PLAIN), (1, palette.LATE)))
    opened = looks.yes_no(
        (speech.text("open"), palette.OK),
        (speech.standing(Standing.CLOSED), palette.GREY),
    )
    counted = f"{promql.OPEN} and on (channel) {promql.OBJECTIVE}"
    x = 0
    for key, query, field, width in (
        ("data", now(promql.STEADY), looks.fresh(speech), 5),
        ("open", now(promql.when_steady(f"max({counted})")), opened, 4),
        ("clock", now(f"1000 * {promql.CLOCK}"), clock, 5),
        (
            "waiting_all",
            now(promql.when_steady("sum(contact_waiting)")),
            looks.plain(looks.CONTACTS),
            4,
        ),
        ("late_all", now(promql.when_steady(late)), worrying, 3),
        ("alerts_all", now(count), worrying, 3),
    ):
        panel = stat(speech.panel(f"wall.{key}"), (query,), field, look)
        if key == "data":
            panel = replace(panel, links=runbooks.at_panel("FirstreplyNotReady"))
        yield panel, Place(x, 0, width, HEADER)
        x += width


def _columns(speech: Speech) -> Iterator[tuple[Panel | Heading, Place]]:
    x = 0
    for key, panel, width in columns(speech):
        text = heading(speech.text(f"wall.heading.{key}"), _HEADING)
        yield text, Place(x, HEADER, width, HEADINGS)
        yield panel, Place(x, HEADER + HEADINGS, width, CHANNELS)
        x += width


def _bottom(speech: Speech, runbooks: Runbooks) -> Iterator[tuple[Panel | Heading, Place]]:
    top = HEADER + HEADINGS + CHANNELS
    states = Field(
        steps=((None, palette.UNKNOWN),),
        mappings=(looks.states(speech),),
    )
    day = timeline(
        speech.panel("wall.timeline"),
        Query(promql.standing(SHOWN), "{{channel}}"),
        states,
        interval="2m",
    )
    yield day, Place(0, top, 14, BOTTOM)
    yield _alerts(speech, runbooks), Place(14, top, 10, BOTTOM)


def _alerts(speech: Speech, runbooks: Runbooks) -> Panel:
    """Return the most urgent alerts, large: text in Grafana's tables is too small for a wall."""
    named = f'label_replace({promql.firing()}, "channel", "firstreply", "channel", "")'
    named = f'label_replace({named}, "queue", "", "queue", "none")'
    most_urgent = f'topk(4, label_join({named}, "where", " ", "channel", "queue"))'
    field = Field(
        mappings=(looks.alert_words(speech),),
        links=(runbooks.of_row(speech.text("link.runbook")),),
    )
    return tiles(
        speech.panel("wall.alerts"),
        rows(most_urgent),
        field,
        Look(size=26, name_size=24),
        Order(
            by="Value",
            descending=True,
            shown="alertname",
            hidden=("Value", "severity", "channel", "queue"),
        ),
    )
