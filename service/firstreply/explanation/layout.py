"""Numbered paragraphs and aligned rows in 80 columns.

Whatever came from a producer goes through ``plain`` first: nothing that is not printable reaches a
terminal, and a name as long as the contract allows cannot push a row out of the page.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from firstreply.explanation.moments import NBSP

WIDTH: Final = 80
INDENT: Final = 4
_LONGEST_NAME: Final = 64
_FRENCH_SIGNS: Final = re.compile(r" (?=[:;%](?:\s|$))")
"""The space before a sign that must not begin a line."""


def plain(text: str) -> str:
    """Make a name harmless: control characters and the like are written as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def name(text: str) -> str:
    """Make a name fit for a sentence: harmless, not too long, in quotes if it has gaps."""
    shown = plain(text)
    if len(shown) > _LONGEST_NAME:
        shown = f"{shown[: _LONGEST_NAME - 3]}..."
    return f'"{shown}"' if " " in shown else shown


def paragraph(text: str, *, first: str = "", indent: int = 0) -> list[str]:
    """Break a text into lines; ``first`` stands before it."""
    lines = textwrap.wrap(
        _FRENCH_SIGNS.sub(NBSP, text),
        WIDTH,
        initial_indent=first,
        subsequent_indent=" " * indent,
        break_on_hyphens=False,
    )
    return [line.rstrip().replace(NBSP, " ") for line in lines]


def rows(cells: Iterable[Sequence[str]]) -> list[str]:
    """Align the columns of rows below a numbered paragraph; the last column is wrapped."""
    lines = [list(row) for row in cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)][:-1]
    result = []
    for *fixed, last in lines:
        before = " " * (INDENT + 2) + "".join(
            f"{text.ljust(width)}  " for text, width in zip(fixed, widths, strict=True)
        )
        result += paragraph(last, first=before, indent=len(before)) or [before.rstrip()]
    return result
