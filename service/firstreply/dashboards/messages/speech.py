"""The one table of texts, joined from those of the boards, and read in one language.

A name that is not in the table is a mistake of the board that asks for it, and raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from firstreply.dashboards.messages import channel, pipeline, promises, shared, wall
from firstreply.dashboards.messages.alerts import ALERTS, MARKS
from firstreply.dashboards.messages.text import PanelText, Text
from firstreply.dashboards.model import Caption
from firstreply.words import STANDING_WORDS, Language, Standing

PANELS: Final[Mapping[str, PanelText]] = {
    **wall.PANELS,
    **channel.PANELS,
    **promises.PANELS,
    **pipeline.PANELS,
}
TEXTS: Final[Mapping[str, Text]] = {
    **shared.TEXTS,
    **wall.TEXTS,
    **channel.TEXTS,
    **promises.TEXTS,
    **pipeline.TEXTS,
}


@dataclass(frozen=True, slots=True)
class Speech:
    """The table in one language."""

    language: Language

    def panel(self, key: str) -> Caption:
        """Return the texts of a panel."""
        text = PANELS[key]
        return Caption(
            text.title.spoken(self.language),
            text.description.spoken(self.language),
            text.empty.spoken(self.language),
        )

    def text(self, key: str) -> str:
        """Return any other text."""
        return TEXTS[key].spoken(self.language)

    def standing(self, standing: Standing) -> str:
        """Return the word for a state."""
        return STANDING_WORDS[self.language][standing]

    def alert(self, name: str) -> str:
        """Return what an alert says, with the mark of its urgency."""
        severity, text = ALERTS[name]
        return f"{MARKS[severity]} {text.spoken(self.language)}"
