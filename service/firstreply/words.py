"""The words that people on the floor read everywhere alike, in each language.

Wall page and dashboards say how things stand in these words, so that nobody has to tell states
apart by colour. A state is never shown without its word.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """A language of the floor; the setting ``language``."""

    EN = "en"
    FR = "fr"


class Standing(StrEnum):
    """How a channel or a queue stands; the first that is true, from the last to the first."""

    OK = "ok"
    """Nobody waits beyond four fifths of the limit."""
    SOON = "soon"
    """Somebody has used up four fifths of the limit: ``at_risk``."""
    LATE = "late"
    """Somebody waits beyond the limit: ``overdue`` or ``far_overdue``."""
    CLOSED = "closed"
    """Outside its opening hours."""
    NO_DATA = "no_data"
    """The figures are not those of now."""


STANDING_WORDS: Final[Mapping[Language, Mapping[Standing, str]]] = {
    Language.EN: {
        Standing.OK: "OK",
        Standing.SOON: "SOON",
        Standing.LATE: "LATE",
        Standing.CLOSED: "CLOSED",
        Standing.NO_DATA: "NO DATA",
    },
    Language.FR: {
        Standing.OK: "OK",
        Standing.SOON: "BIENTÔT",
        Standing.LATE: "EN RETARD",
        Standing.CLOSED: "FERMÉ",
        Standing.NO_DATA: "PAS DE DONNÉES",
    },
}
