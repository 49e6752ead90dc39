"""Every query of every panel, as Grafana would send it.

``every_query()`` lists them from the generated boards; ``promql()`` fills in what Grafana fills in:
the variables of the board and its own, such as the range.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from firstreply.dashboards import boards
from firstreply.words import Language

_VARIABLE: Final = re.compile(r"\$(\w*[A-Za-z]\w*)")
"""``$1``, of label_replace, is none."""


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """One expression, and where it stands."""

    board: str
    """The uid."""
    panel: str
    """The title."""
    number: int
    """The id of the panel on its board."""
    kind: str
    ref: str
    expr: str
    """With variables: ``$channel``, ``$__range``."""
    instant: bool
    """Asked at the end of the time range only."""
    shape: str
    """``time_series``, ``table`` or ``heatmap``."""
    since: str | None
    """The panel's own time range, ``28d`` or ``now/M``; None: that of the board."""
    shift: str | None
    """How far that lies back: ``1M/M`` is the whole month before."""

    @property
    def name(self) -> str:
        """A name for test reports."""
        return f"{self.board.removeprefix('firstreply-')}-{self.number}{self.ref}"

    @property
    def variables(self) -> set[str]:
        """What Grafana fills in."""
        return set(_VARIABLE.findall(self.expr))

    def promql(
        self,
        *,
        channel: str = "phone",
        queue: str = ".*",
        instance: str = ".*",
        range_: str = "1h",
        rate_interval: str = "1m",
    ) -> str:
        """Return the expression as Prometheus gets it."""
        values = {
            "channel": channel,
            "queue": queue,
            "instance": instance,
            "__range": range_,
            "__rate_interval": rate_interval,
        }
        return _VARIABLE.sub(lambda found: values[found[1]], self.expr)


@cache
def documents(language: Language = Language.EN) -> dict[str, Any]:
    """Return the JSON of every board by its uid."""
    return {board.uid: board.as_json() for board in boards(language)}


def panels(language: Language = Language.EN) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the uid of the board and the JSON of each of its panels; no headings of rows."""
    for uid, document in documents(language).items():
        for panel in document["panels"]:
            if panel["type"] != "row":
                yield uid, panel


def data_panels(language: Language = Language.EN) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield those that show data."""
    return ((uid, panel) for uid, panel in panels(language) if panel["type"] != "text")


def every_query(language: Language = Language.EN) -> list[PanelQuery]:
    """Return every query of every panel of every board."""
    return [
        PanelQuery(
            board=uid,
            panel=panel["title"],
            number=panel["id"],
            kind=panel["type"],
            ref=target["refId"],
            expr=target["expr"],
            instant=target["instant"],
            shape=target["format"],
            since=panel.get("timeFrom"),
            shift=panel.get("timeShift"),
        )
        for uid, panel in panels(language)
        for target in panel["targets"]
    ]
