"""How the same things look on every board: states, alerts, shares, durations.

In: the language, which decides the words. Out: mappings and fields for panels.
"""

from typing import Final

from firstreply.dashboards import links, palette, promql
from firstreply.dashboards.links import Runbooks
from firstreply.dashboards.messages import ALERTS, Severity, Speech
from firstreply.dashboards.model import Caption, Field, Json, Panel, rows
from firstreply.dashboards.panels import colour, named, table, words
from firstreply.dashboards.variables import Variable
from firstreply.words import Standing

DURATION: Final = "dthms"
"""Hours, minutes and seconds: 01:04:12."""
SHARE: Final = "percentunit"
CONTACTS: Final = "none"
PER_HOUR: Final = "suffix:/h"

_SEVERITY_COLOURS: Final[dict[Severity, str]] = {
    "critical": palette.LATE,
    "warning": palette.SOON,
    "ticket": palette.GREY,
    "info": palette.GREY,
}


def plain(unit: str, decimals: int | None = None) -> Field:
    """Return the look of a number without a colour of its own."""
    return Field(unit=unit, decimals=decimals)


def lines(unit: str, *, decimals: int | None = None, share: bool = False) -> Field:
    """Return the look of lines: a colour each. A share runs from 0 to 1."""
    return Field(
        unit=unit,
        decimals=decimals,
        low=0,
        high=1 if share else None,
        colour={"mode": "palette-classic"},
    )


def states(speech: Speech) -> Json:
    """Return the words for the numbers of ``promql.standing``."""
    return words(
        {
            str(number): (speech.standing(standing), palette.STANDING[standing])
            for number, standing in enumerate(Standing)
        }
    )


def alert_words(speech: Speech) -> Json:
    """Return the words for the names of alerts."""
    return words(
        {
            name: (speech.alert(name), _SEVERITY_COLOURS[severity])
            for name, (severity, _text) in ALERTS.items()
        }
    )


def yes_no(yes: tuple[str, str], no: tuple[str, str]) -> Field:
    """Return the look of a boolean: a word and a colour for 1, and for 0."""
    return Field(
        steps=((None, palette.UNKNOWN),),
        mappings=(words({"1": yes, "0": no}),),
    )


def fresh(speech: Speech) -> Field:
    """Return the look of ``promql.STEADY``."""
    return yes_no(
        (speech.text("fresh"), palette.OK),
        (speech.text("stale"), palette.LATE),
    )


def alert_table(caption: Caption, speech: Speech, runbooks: Runbooks, selector: str) -> Panel:
    """Return the firing alerts as a table: the most urgent first, each a link to its runbook.

    Never Grafana's own list of alerts, which knows only the alerts of Grafana.
    """
    order: Json = {"fields": {}, "sort": [{"field": "Value", "desc": True}]}
    columns = {
        "alertname": speech.text("alert"),
        "severity": speech.text("severity"),
        "channel": speech.text("channel"),
        "queue": speech.text("queue"),
    }
    organize: Json = {
        "excludeByName": {"Time": True, "Value": True},
        "indexByName": {name: index for index, name in enumerate(columns)},
        "renameByName": columns,
    }
    return table(
        caption,
        (rows(promql.firing(selector)),),
        plain("none"),
        transformations=(
            {"id": "sortBy", "options": order},
            {"id": "organize", "options": organize},
        ),
        overrides=(
            named(
                "alertname",
                {
                    "mappings": [alert_words(speech)],
                    "custom.cellOptions": {"type": "color-background", "mode": "basic"},
                    "custom.width": 300,
                    "links": [runbooks.of_row(speech.text("link.runbook"))],
                },
            ),
        ),
    )


def state_colours(speech: Speech) -> dict[str, Json]:
    """Return the colours of the states of waiting contacts, by their names."""
    return {
        speech.text(state): {"color": colour(shade)}
        for state, shade in (
            ("within", palette.LINE_OK),
            ("at_risk", palette.LINE_SOON),
            ("overdue", palette.LINE_LATE),
            ("far_overdue", palette.LINE_WORST),
        )
    }


def dashed(shade: str) -> Json:
    """Return the look of a line that is a limit, not a measurement."""
    return {
        "color": colour(shade),
        "custom.lineStyle": {"fill": "dash", "dash": [10, 10]},
        "custom.lineWidth": 1,
    }


def channel_variable(speech: Speech) -> Json:
    """Return the choice of one channel among the configured ones."""
    known = "label_values(contact_expectation_threshold_seconds, channel)"
    return Variable(name="channel", label=speech.text("channel"), query=known).as_json()


def top_links(speech: Speech, own: str) -> tuple[Json, ...]:
    """Return the links of a board to the others."""
    return tuple(
        links.at_top(uid, speech.text(f"link.{uid.removeprefix('firstreply-')}"))
        for uid in (links.WALL, links.CHANNEL, links.PROMISES, links.PIPELINE)
        if uid != own
    )
