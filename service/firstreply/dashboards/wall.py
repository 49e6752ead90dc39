"""The wall: one screen of 1920 x 1080, read from five metres by people who never touch it.

A strip at the top says whether the figures can be believed and how the floor stands. Below, a row
for each channel: columns of tiles that stay in line, because each asks for the same channels
(``_CHANNELS``), sorted by name, and puts a dash where a channel has no figure. Grafana's own titles
are too small to be read from afar, so large headings stand above the columns, and the titles say
what the headings leave out. At the bottom, how the day went, and what alerts.

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
    datasource_variable,
    now,
    rows,
)
from firstreply.dashboards.panels import colour, heading, named, timeline, words
from firstreply.dashboards.stats import Look, Order, stat, tiles
from firstreply.words import Language, Standing

HEADER: Final = 3
HEADINGS: Final = 2
CHANNELS: Final = 14
BOTTOM: Final = 7
"""Rows of the grid: 26 in all, 980 pixels, which leaves room for a line of links."""

_STATE_SIZE: Final = {Language.EN: 40, Language.FR: 28}
"""The words for states are longer in French."""
_HEADING: Final = 26
_NUMBER: Final = 44
_TIME: Final = 40

_CHANNELS: Final = """0 * max by (channel) (
    last_over_time(channel_band:contact_promise_objective:ratio[1h])
    or max_over_time(channel:contact_received:increase1h[1d:1h]) > 0.5
    or sum by (channel) (contact_waiting) > 0
  )"""
"""0 for each channel with a promise, also for an hour after it was last heard of; for each that had
a customer within a day; and for each where somebody waits."""


def _cells(measured: str, label: str = "") -> str:
    """Return a figure for each channel of the wall, -1 where there is none or it is not of now."""
    nothing = f"{_CHANNELS} - 1"
    if label:
        nothing = f'label_replace({nothing}, "{label}", "none", "", "")'
    shown = f"{promql.when_steady(measured)}\n  or on (channel) {nothing}"
    return f"(\n  {shown}\n)\nand on (channel) {_CHANNELS}"


def _or_dash(field: Field) -> Field:
    """Return the look of a figure that is -1 where there is none."""
    return replace(field, mappings=(*field.mappings, words({"-1": ("—", palette.PLAIN)})))


def _column(speech: Speech, key: str, expr: str, field: Field, look: Look) -> Panel:
    return tiles(speech.panel(key), rows(expr), _or_dash(field), look, Order())


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
    look = Look(size=_TIME)
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
    for key, panel, width in (
        ("state", _states(speech), 6),
        ("waiting", _waiting(speech), 2),
        ("late", _late(speech), 2),
        ("oldest", _oldest(speech), 3),
        ("next", _next(speech), 3),
        ("kept", _kept(speech), 3),
        ("promise", _promised(speech), 3),
        ("index", _index(speech), 2),
    ):
        text = heading(speech.text(f"wall.heading.{key}"), _HEADING)
        yield text, Place(x, HEADER, width, HEADINGS)
        yield panel, Place(x, HEADER + HEADINGS, width, CHANNELS)
        x += width


def _states(speech: Speech) -> Panel:
    field = Field(
        steps=((None, palette.UNKNOWN),),
        mappings=(looks.states(speech),),
        links=(links.of_row(links.CHANNEL, speech.text("link.channel"), "channel"),),
    )
    look = Look(size=_STATE_SIZE[speech.language], name_size=32)
    return tiles(speech.panel("wall.state"), rows(promql.standing(_CHANNELS)), field, look, Order())


def _waiting(speech: Speech) -> Panel:
    expr = _cells("sum by (channel) (contact_waiting)")
    return _column(speech, "wall.waiting", expr, looks.plain(looks.CONTACTS), Look(size=_NUMBER))


def _late(speech: Speech) -> Panel:
    expr = _cells(f"sum by (channel) (contact_waiting{{{promql.LATE}}})")
    field = Field(unit=looks.CONTACTS, steps=((None, palette.PLAIN), (1, palette.LATE)))
    return _column(speech, "wall.late", expr, field, Look(size=_NUMBER))


def _oldest(speech: Speech) -> Panel:
    expr = _cells(f"max by (channel) ({promql.OLDEST})")
    return _column(speech, "wall.oldest", expr, looks.plain(looks.DURATION), Look(size=_TIME))


def _next(speech: Speech) -> Panel:
    expr = _cells(promql.countdown())
    return _column(speech, "wall.next", expr, looks.plain(looks.DURATION), Look(size=_TIME))


def _kept(speech: Speech) -> Panel:
    """Return the share kept, with a word and a colour for whether that is as promised.

    A tile's colour can depend on the name of its row: the verdict is a label, and so a name.
    """
    share, promised = (
        f"max by (channel) ({series})" for series in (promql.KEPT_30M, promql.OBJECTIVE)
    )
    verdicts = " or ".join(
        f'label_replace({share} {sign} on (channel) {promised}, "verdict", "{verdict}", "", "")'
        for sign, verdict in ((">=", "kept"), ("<", "below"))
    )
    texts = {
        "kept": (speech.text("kept"), palette.OK),
        "below": (speech.text("below"), palette.SOON),
    }
    field = Field(
        unit=looks.SHARE,
        decimals=0,
        mappings=(words({**texts, "none": (speech.text("none_decided"), palette.PLAIN)}),),
    )
    panel = tiles(
        speech.panel("wall.kept"),
        rows(_cells(f"({verdicts})", "verdict")),
        _or_dash(field),
        Look(size=_NUMBER, name_size=20),
        Order(hidden=("channel",)),
    )
    coloured = (named(text, {"color": colour(shade)}) for text, shade in texts.values())
    return replace(panel, overrides=tuple(coloured))


def _promised(speech: Speech) -> Panel:
    """Return what is promised: configuration, which does not grow stale."""
    known = "last_over_time(channel_band:contact_promise_objective:ratio[1h])"
    promise = f"topk by (channel) (1, max by (channel, band) ({known}))"
    nothing = f'label_replace({_CHANNELS} - 1, "band", "none", "", "")'
    expr = f"{promise}\nor on (channel) {nothing}"
    field = Field(
        unit=looks.SHARE,  # as many decimals as it has: 99.5 % is not 100 %
        mappings=(words({"none": (speech.text("no_promise"), palette.PLAIN)}),),
    )
    return tiles(
        speech.panel("wall.promise"),
        rows(expr),
        _or_dash(field),
        Look(size=_NUMBER, name_size=28),
        Order(hidden=("channel",)),
    )


def _index(speech: Speech) -> Panel:
    expr = _cells(f"max by (channel) ({promql.INDEX_1D})")
    field = looks.plain(looks.SHARE, 0)
    return _column(speech, "wall.index", expr, field, Look(size=_NUMBER))


def _bottom(speech: Speech, runbooks: Runbooks) -> Iterator[tuple[Panel | Heading, Place]]:
    top = HEADER + HEADINGS + CHANNELS
    states = Field(
        steps=((None, palette.UNKNOWN),),
        mappings=(looks.states(speech),),
    )
    day = timeline(
        speech.panel("wall.timeline"),
        Query(promql.standing(_CHANNELS), "{{channel}}"),
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
