"""Colours that readers with any kind of colour vision tell apart, and that never stand alone.

Blue is fine, orange is soon, dark magenta is late, grey is closed, light grey is no data: lightness
differs as well as hue, and ``tests/dashboards`` measures both. The colour of a state always comes
with its word. Grafana writes on a tile in white up to a certain brightness and in black above it,
so each of these is well on one side.
"""

from typing import Final

from firstreply.words import Standing

STANDING: Final = {
    Standing.OK: "#1f60c4",
    Standing.SOON: "#ffb81c",
    Standing.LATE: "#a8004f",
    Standing.CLOSED: "#6b7280",
    Standing.NO_DATA: "#d5d9e0",
}
OK: Final = STANDING[Standing.OK]
SOON: Final = STANDING[Standing.SOON]
LATE: Final = STANDING[Standing.LATE]
GREY: Final = STANDING[Standing.CLOSED]
UNKNOWN: Final = STANDING[Standing.NO_DATA]
PLAIN: Final = "transparent"
"""On a tile: no colour, text as elsewhere."""

LINE_OK: Final = "#5794f2"
LINE_SOON: Final = "#ffb81c"
LINE_LATE: Final = "#d6408a"
LINE_WORST: Final = "#8f1d5e"
LINE_OTHER: Final = "#9aa1ad"
LINE_SECOND: Final = "#56c0b5"
"""Lines, which must show on a dark and on a light ground; the legend and their dashes name them."""
