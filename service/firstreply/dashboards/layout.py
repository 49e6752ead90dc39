"""Where panels stand: Grafana's grid of 24 columns, in rows of 30 pixels that lie 8 apart.

A board that scrolls is a list of panels with their sizes, put side by side until a line is full.
The wall does not scroll, so it places its panels itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

COLUMNS: Final = 24
ROW_PIXELS: Final = 30
GAP_PIXELS: Final = 8

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of the grid."""

    x: int
    y: int
    w: int
    h: int

    def as_json(self) -> dict[str, int]:
        """Return it as Grafana's ``gridPos``."""
        return {"x": self.x, "y": self.y, "w": self.w, "h": self.h}


def height_in_pixels(rows: int) -> int:
    """Return how high so many rows of the grid are."""
    return rows * (ROW_PIXELS + GAP_PIXELS) - GAP_PIXELS


def flow(sized: Iterable[tuple[Item, int, int]]) -> Iterator[tuple[Item, Place]]:
    """Put items of a width and a height side by side, from the left, in lines without holes.

    Raises:
        ValueError: a line is not full, or its items are not equally high.
    """
    x = y = line = 0
    for item, width, height in sized:
        if x and height != line:
            msg = f"{item}: beside items {line} high, {height} high"
            raise ValueError(msg)
        yield item, Place(x, y, width, height)
        x, line = x + width, height
        if x == COLUMNS:
            x, y = 0, y + line
        elif x > COLUMNS:
            msg = f"{item}: the line is {x} wide"
            raise ValueError(msg)
    if x:
        msg = f"the last line is only {x} wide"
        raise ValueError(msg)
