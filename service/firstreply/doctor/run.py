"""Runs the checkup, prints each finding when it is known, tells whether nothing failed."""

import json
import os
import sys
from collections import Counter
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Final, TextIO

import msgspec

from firstreply.doctor.checkup import Checkup
from firstreply.doctor.finding import Finding, Result
from firstreply.doctor.text import finding_text, heading, joined, summary
from firstreply.settings import Settings

_CLEAR: Final = "\r\x1b[2K"


async def run_doctor(
    settings: Settings, limit: timedelta, output: str, *, file: Path | None
) -> bool:
    """Print what is found; False if anything failed.

    Args:
        settings: the configuration.
        limit: the longest wait for each answer.
        output: text or json.
        file: where the configuration stands; None: built in.
    """
    is_text = output == "text"
    progress = Progress(sys.stderr)
    account = Account(progress)
    if is_text:
        _print(f"{heading(settings, file)}\n")
    found: list[Finding] = []
    async with aclosing(Checkup(settings, limit, progress.show).run()) as findings:
        async for finding in findings:
            found.append(finding)
            if is_text:
                account.add(finding)
    account.end()
    is_well = all(finding.result is not Result.FAILURE for finding in found)
    if not is_text:
        _print(json_text(settings, found))
        return is_well
    _print(f"\n{summary(found)}")
    if is_well:
        option = "" if file is None else f" --config {file}"
        _print(f"Nothing keeps the service from running: firstreply run{option}")
    return is_well


def json_text(settings: Settings, found: list[Finding]) -> str:
    """Return the findings for a program."""
    kafka = settings.kafka
    counts = Counter(finding.result for finding in found)
    document = {
        "ok": counts[Result.FAILURE] == 0,
        "bootstrap_servers": kafka.bootstrap_servers,
        "topic": kafka.topic,
        "group": kafka.group,
        "counts": {result.value: counts[result] for result in Result},
        "findings": msgspec.to_builtins(found),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def wants_colour(stream: TextIO) -> bool:
    """Say whether a stream is a terminal whose owner did not decline colour (NO_COLOR)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Account:
    """Prints findings as they come; those skipped in a row for one reason are told together."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._held: list[Finding] = []

    def add(self, finding: Finding) -> None:
        """Print a finding, now or with those that follow."""
        if self._held and (finding.result, finding.text) != (Result.SKIPPED, self._held[0].text):
            self.end()
        self._held.append(finding)
        if finding.result is not Result.SKIPPED:
            self.end()

    def end(self) -> None:
        """Print what is held back, and take the progress away."""
        self._progress.clear()
        if self._held:
            _print(finding_text(joined(self._held), colour=wants_colour(sys.stdout)))
            self._held = []


class Progress:
    """One line on a terminal that says what is looked at; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty() and os.environ.get("TERM") != "dumb"

    def show(self, text: str) -> None:
        """Replace the line."""
        self._write(f"{_CLEAR}... {text}"[: len(_CLEAR) + 79])

    def clear(self) -> None:
        """Take the line away."""
        self._write(_CLEAR)

    def _write(self, text: str) -> None:
        if self._shows:
            self._stream.write(text)
            self._stream.flush()


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
