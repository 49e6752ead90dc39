"""Writes ``docs/reference/dashboards.md``: what every panel shows, from the boards themselves.

Run ``python -m firstreply.dashboards.reference docs/reference/dashboards.md``; a test fails while
the page differs from what this writes.
"""

import re
import sys
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Final

from firstreply.dashboards import Board, boards
from firstreply.dashboards.model import Heading, Panel
from firstreply.words import Language

_INTRODUCTION: Final = """\
# Dashboards

<!-- Generated from service/firstreply/dashboards by
`python -m firstreply.dashboards.reference docs/reference/dashboards.md`; do not edit. -->

What every panel shows. How to install them: [deploy/grafana](../../deploy/grafana). Words are those
of [definitions.md](../definitions.md); ages and countdowns count from the service clock.
"""


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION, *(_section(board) for board in boards(Language.EN))]
    return "\n".join(parts)


def _section(board: Board) -> str:
    lines = [
        f"## {board.title}",
        "",
        f"`{board.uid}`. {board.description}",
        "",
        "| panel | what it shows | when there is nothing |",
        "|---|---|---|",
        *_rows(board),
    ]
    return "\n".join(lines) + "\n"


def _rows(board: Board) -> Iterator[str]:
    above = ""
    for item, _place in board.placed:
        match item:
            case Heading(title):
                yield f"| **{_cell(title)}** | | |"
            case Panel(kind="text", options=options):
                above = unescape(re.sub("<[^>]*>", "", str(options["content"]))) + ": "
            case Panel(caption=caption):
                cells = (above + caption.title, caption.description, caption.empty)
                yield f"| {' | '.join(map(_cell, cells))} |"
                above = ""


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("$channel", "the channel")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
