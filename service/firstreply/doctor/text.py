"""Findings as text for a terminal of 80 columns.

The result stands first in a word; colour only repeats it. A command is broken with backslashes, so
that it can be copied as it stands.
"""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from firstreply.doctor.finding import Finding, Result
from firstreply.settings import Settings

WIDTH: Final = 80
_RESULT: Final = 8
_CHECK: Final = 13
_INDENT: Final = _RESULT + _CHECK
_COMMAND_INDENT: Final = 4
_GOES_ON: Final = " \\"
_PARTS: Final = re.compile(r" (?=--|\| )")
_COLOURS: Final = {
    Result.OK: "32",
    Result.WARNING: "33",
    Result.FAILURE: "1;31",
    Result.SKIPPED: "2",
}


def joined(findings: Sequence[Finding]) -> Finding:
    """Return one finding for several that were skipped for the same reason."""
    first = findings[0]
    if len(findings) == 1:
        return first
    names = ", ".join(finding.check for finding in findings)
    text = f"{first.text}: {names}"
    return Finding(f"{len(findings)} checks", first.result, text)


def finding_text(finding: Finding, *, colour: bool = False) -> str:
    """Return the lines of one finding."""
    lines = textwrap.wrap(finding.text, WIDTH - _INDENT, break_on_hyphens=False) or [""]
    word = finding.result.value.ljust(_RESULT)
    if colour:
        word = f"\x1b[{_COLOURS[finding.result]}m{word}\x1b[0m"
    first = f"{word}{finding.check.ljust(_CHECK)}{lines[0]}"
    rest = [" " * _INDENT + line for line in lines[1:]]
    for paragraph in filter(None, finding.remedy.split("\n")):
        rest += textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent=" " * _INDENT + "-> ",
            subsequent_indent=" " * (_INDENT + 3),
            break_on_hyphens=False,
        )
    return "\n".join([first, *rest, *_command(finding.command)])


def _command(command: str) -> Iterator[str]:
    """Break a command before its options, so that each stays with its value."""
    line, indent = "", " " * _COMMAND_INDENT
    for part in _PARTS.split(command):
        longer = f"{line} {part}" if line else part
        if line and len(indent) + len(longer) + len(_GOES_ON) > WIDTH:
            yield f"{indent}{line}{_GOES_ON}"
            indent = " " * (_COMMAND_INDENT + 2)
            longer = part
        line = longer
    if line:
        yield f"{indent}{line}"


def heading(settings: Settings, file: object) -> str:
    """Return the first line: what is looked at."""
    kafka = settings.kafka
    text = (
        f"{file or 'the built-in configuration'}: topic {kafka.topic} at "
        f"{kafka.bootstrap_servers}, group {kafka.group}"
    )
    return "\n".join(textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False))


def summary(findings: Iterable[Finding]) -> str:
    """Return the last line: how many of what."""
    counts = Counter(finding.result for finding in findings)
    words = {
        Result.FAILURE: "failures",
        Result.WARNING: "warnings",
        Result.OK: "ok",
        Result.SKIPPED: "skipped",
    }
    said = []
    for result, word in words.items():
        count = counts[result]
        if count or result is Result.FAILURE:
            said.append(f"{count} {word.removesuffix('s') if count == 1 else word}")
    return ", ".join(said)
