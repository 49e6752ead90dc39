"""Where links of the boards lead: to each other, and to the runbooks.

Boards are found by their uid, whatever folder they are in. Runbooks lie under one base address, the
same that the alerts name; the operator puts his own there. A data link is followed from a value and
takes labels of its row along; board links stand at the top, panel links at a panel's title.
"""

from dataclasses import dataclass
from typing import Final

from firstreply.dashboards.model import Json
from firstreply.words import Language

WALL: Final = "firstreply-wall"
CHANNEL: Final = "firstreply-channel"
PROMISES: Final = "firstreply-promises"
PIPELINE: Final = "firstreply-pipeline"

RUNBOOKS: Final = "https://firstreply.example"
"""The base address that the shipped alerts have, too."""
_SAME: Final = "${datasource:queryparam}&${__url_time_range}"
_ROW: Final = "${__data.fields.%s}"


@dataclass(frozen=True, slots=True)
class Runbooks:
    """The pages that say what to do, one for each alert."""

    base: str
    language: Language

    def page(self, alert: str) -> str:
        """Return the address of an alert's page.

        In French where there is one: the pages of the floor, whose alerts begin with Contact.
        """
        french = self.language is Language.FR and alert.startswith("Contact")
        return f"{self.base}/docs/runbooks/{'fr/' if french else ''}{alert}.md"

    def at_panel(self, *alerts: str) -> tuple[Json, ...]:
        """Return the links of a panel to the pages that fit it."""
        return tuple(_link(alert, self.page(alert), "doc", new_tab=True) for alert in alerts)

    def of_row(self, title: str) -> Json:
        """Return the link of a row that has the label alertname to its page."""
        pages = f"{self.base}/docs/runbooks/{_ROW % 'alertname'}.md"
        return {"title": title, "url": pages, "targetBlank": True}


def at_top(uid: str, title: str) -> Json:
    """Return the link of a board to another one: same data source, same time."""
    return _link(title, f"/d/{uid}", "dashboard", keep=True)


def of_row(uid: str, title: str, *labels: str) -> Json:
    """Return the link of a row to a board, with labels of the row as its variables."""
    chosen = "".join(f"&var-{label}={_ROW % label}" for label in labels)
    return {"title": title, "url": f"/d/{uid}?{_SAME}{chosen}", "targetBlank": False}


def _link(title: str, url: str, icon: str, *, new_tab: bool = False, keep: bool = False) -> Json:
    return {
        "type": "link",
        "title": title,
        "url": url,
        "icon": icon,
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": new_tab,
        "includeVars": keep,
        "keepTime": keep,
    }
