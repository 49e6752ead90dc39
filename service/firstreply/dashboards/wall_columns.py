"""The columns of the wall: one for each figure, a tile in each for every channel.

What keeps a channel's tiles at one height is that every column asks for the same channels,
``SHOWN``, and fills in -1, shown as a dash, where one has no figure or the figures are not of now.
Only the state and the promise are shown then, too: the state says so, the promise does not age.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from firstreply.dashboards import links, looks, palette, promql
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import Field, Panel, rows
from firstreply.dashboards.panels import colour, named, words
from firstreply.dashboards.stats import Look, Order, tiles
from firstreply.words import Language

TIME: Final = 40
_NUMBER: Final = 44
_STATE: Final = {Language.EN: 40, Language.FR: 28}
"""Text sizes in pixels; the words for states are longer in French."""

SHOWN: Final = """0 * max by (channel) (
    last_over_time(channel_band:contact_promise_objective:ratio[1h])
    or max_over_time(channel:contact_received:increase1h[1d:1h]) > 0.5
    or sum by (channel) (contact_waiting) > 0
  )"""
"""0 for each channel with a promise, also for an hour after it was last heard of; for each that had
a customer within a day; and for each where somebody waits."""


def _cells(measured: str, label: str = "") -> str:
    """Return a figure for each channel of the wall, -1 where there is none or it is not of now."""
    nothing = f"{SHOWN} - 1"
    if label:
        nothing = f'label_replace({nothing}, "{label}", "none", "", "")'
    shown = f"{promql.when_steady(measured)}\n  or on (channel) {nothing}"
    return f"(\n  {shown}\n)\nand on (channel) {SHOWN}"


def _or_dash(field: Field) -> Field:
    """Return the look of a figure that is -1 where there is none."""
    return replace(field, mappings=(*field.mappings, words({"-1": ("—", palette.PLAIN)})))


def _column(speech: Speech, key: str, expr: str, field: Field, look: Look) -> Panel:
    return tiles(speech.panel(key), rows(expr), _or_dash(field), look, Order())


def columns(speech: Speech) -> Iterator[tuple[str, Panel, int]]:
    """Yield the key of each column, its tiles, and its width."""
    yield "state", _states(speech), 6
    yield "waiting", _waiting(speech), 2
    yield "late", _late(speech), 2
    yield "oldest", _oldest(speech), 3
    yield "next", _next(speech), 3
    yield "kept", _kept(speech), 3
    yield "promise", _promised(speech), 3
    yield "index", _index(speech), 2


def _states(speech: Speech) -> Panel:
    field = Field(
        steps=((None, palette.UNKNOWN),),
        mappings=(looks.states(speech),),
        links=(links.of_row(links.CHANNEL, speech.text("link.channel"), "channel"),),
    )
    look = Look(size=_STATE[speech.language], name_size=32)
    return tiles(speech.panel("wall.state"), rows(promql.standing(SHOWN)), field, look, Order())


def _waiting(speech: Speech) -> Panel:
    expr = _cells("sum by (channel) (contact_waiting)")
    return _column(speech, "wall.waiting", expr, looks.plain(looks.CONTACTS), Look(size=_NUMBER))


def _late(speech: Speech) -> Panel:
    expr = _cells(f"sum by (channel) (contact_waiting{{{promql.LATE}}})")
    field = Field(unit=looks.CONTACTS, steps=((None, palette.PLAIN), (1, palette.LATE)))
    return _column(speech, "wall.late", expr, field, Look(size=_NUMBER))


def _oldest(speech: Speech) -> Panel:
    expr = _cells(f"max by (channel) ({promql.OLDEST})")
    return _column(speech, "wall.oldest", expr, looks.plain(looks.DURATION), Look(size=TIME))


def _next(speech: Speech) -> Panel:
    expr = _cells(promql.countdown())
    return _column(speech, "wall.next", expr, looks.plain(looks.DURATION), Look(size=TIME))


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
    nothing = f'label_replace({SHOWN} - 1, "band", "none", "", "")'
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
