"""Big values: one for each series, or a column of them that stays beside its neighbours.

Grafana sizes text to its tile, differently for every number shown; what is read from afar has its
size given. Colour goes on the ground of a tile, where the text on it stays readable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from firstreply.dashboards.model import Caption, Field, Json, Panel, Query

_LATEST: Final[Json] = {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a big value is drawn."""

    size: int | None = None
    """Of the value, in pixels; None where nobody reads from afar."""
    name_size: int | None = None
    """Of the name beside it, in pixels; None: the value stands alone."""
    filled: bool = True
    """The colour goes on the tile; else on the text."""

    def options(self, reduce: Json) -> Json:
        """Return the options of a stat panel."""
        named = self.name_size is not None
        sizes: Json = {"valueSize": self.size, "titleSize": self.name_size}
        text: Json = {key: size for key, size in sizes.items() if size is not None}
        return {
            "reduceOptions": reduce,
            "orientation": "horizontal",
            "textMode": "value_and_name" if named else "value",
            "colorMode": "background_solid" if self.filled else "value",
            "graphMode": "none",
            "justifyMode": "auto" if named else "center",
            "text": text,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Which columns of a table make the tiles, and in which order."""

    by: str = "channel"
    descending: bool = False
    shown: str = "Value"
    """The column whose values are shown."""
    hidden: tuple[str, ...] = ()
    """Columns that are no part of the name beside the value."""


def stat(
    caption: Caption, queries: Sequence[Query], field: Field, look: Look | None = None
) -> Panel:
    """Return a big value for each series: the latest."""
    return Panel(
        kind="stat",
        caption=caption,
        queries=tuple(queries),
        field=field,
        options=(look or Look()).options(_LATEST),
    )


def tiles(caption: Caption, query: Query, field: Field, look: Look, order: Order) -> Panel:
    """Return a column of big values, one below the other: a tile for each row of a table.

    Prometheus returns the series of an instant in any order, so the rows are sorted here, and
    columns side by side show the same channel at the same height.
    """
    reduce: Json = {"calcs": ["lastNotNull"], "fields": f"/^{order.shown}$/", "values": True}
    sort: Json = {"fields": {}, "sort": [{"field": order.by, "desc": order.descending}]}
    organize: Json = {
        "excludeByName": dict.fromkeys(("Time", *order.hidden), True),
        "indexByName": {},
        "renameByName": {},
    }
    return Panel(
        kind="stat",
        caption=caption,
        queries=(query,),
        field=field,
        options=look.options(reduce),
        transformations=(
            {"id": "sortBy", "options": sort},
            {"id": "organize", "options": organize},
        ),
    )
