"""The replay command: opens the files, shows progress, prints the report."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from firstreply import wiring
from firstreply.adapters.files import RecordFiles, read_records
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.terminal import render_report, render_to_text
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.increments import Increments
from firstreply.domain.instants import to_instant
from firstreply.domain.policy_book import PolicyBook
from firstreply.policies import policy_book
from firstreply.replay import Replay, count_events, drop, replay
from firstreply.settings import Settings

LABEL: Final = "replay"
"""Topic label of replayed figures."""


def print_replay(settings: Settings, names: Sequence[str], output: str, until: str) -> None:
    """Replay files and print the figures to standard output.

    Raises:
        FatalError: there was no contact event; the figures were printed even so.
    """
    book = policy_book(settings)
    instant = read_until(until)
    publisher = new_publisher(book)
    with read_records(read_paths(names)) as records, progress(records) as progressed:
        done = replay(
            records,
            decoder=wiring.decoder(settings),
            bad_records=wiring.bad_records(settings),
            book=book,
            grace=wiring.grace(settings),
            until=instant,
            progressed=progressed,
            publish=partial(publisher.checkpointed, 0, 0) if output == "metrics" else drop,
        )
    if output == "json":
        sys.stdout.write(json.dumps(done.report, indent=2) + "\n")
    elif output == "metrics":
        sys.stdout.buffer.write(metrics(done, publisher))
    else:
        _print_table(done, settings)
    require_contact_events(done.increments, until)


def require_contact_events(increments: Increments, until: str) -> None:
    """Raise FatalError unless a contact event was counted."""
    events = count_events(increments, ())
    rejected = sum(events.rejected.values())
    unknown = increments.counts.get(("firstreply_events_total", ("unknown",)), 0)
    if not events.read:
        msg = "no events" if until == "end" else f"no events up to {until}"
        raise FatalError(msg)
    if rejected + unknown == events.read:
        msg = (
            f"no contact events: {rejected} rejected, {unknown} of an unknown type; "
            "pipe one into firstreply check-event to see why"
        )
        raise FatalError(msg)


def new_publisher(book: PolicyBook) -> Publisher:
    """Return the publisher of a replay; it is to be given all that is counted."""
    return Publisher(book, LABEL, zero_first="none")


def metrics(done: Replay, publisher: Publisher) -> bytes:
    """Return the figures as ``/metrics`` would show them after reading the same events.

    Args:
        done: the replay.
        publisher: that was given all it counted.
    """
    publisher.gauges(0, done.fold.engine.gauges())
    return publisher.render()


def _print_table(done: Replay, settings: Settings) -> None:
    table = render_report(done.report, language=settings.language)
    console = Console()
    if console.is_terminal:
        console.print(table)
    else:
        sys.stdout.write(render_to_text(table) + "\n")


def read_paths(names: Sequence[str]) -> list[Path | Literal["-"]]:
    """Return what was named on the command line."""
    return ["-" if name == "-" else Path(name) for name in names]


def read_until(text: str) -> int | None:
    """Return the instant of ``--until``; None for ``end``."""
    return None if text == "end" else read_instant(text, "--until", "end")


def read_instant(text: str, option: str, other: str) -> int:
    """Return the instant that an option names; ``other`` is the word it may have instead.

    Raises:
        ConfigurationError: it is no RFC 3339 time.
    """
    try:
        return to_instant(datetime.fromisoformat(text))
    except ValueError as error:
        if _lacks_offset(text):
            msg = f"{option} {text}: has no offset; append Z, as in {text}Z"
            raise ConfigurationError(msg) from error
        msg = f"{option} {text}: give a time with offset, such as 2026-03-02T18:00:00Z, or {other}"
        raise ConfigurationError(msg) from error


def _lacks_offset(text: str) -> bool:
    """Say whether a Z at its end would make it a time; at the end of a date it would not."""
    try:
        return datetime.fromisoformat(f"{text}Z").tzinfo is not None
    except ValueError:
        return False


@contextmanager
def progress(records: RecordFiles) -> Iterator["_Progressed"]:
    """Show a bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Progressed(None, records)
        return
    columns = (
        TextColumn("replay"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        yield _Progressed(bars, records)


class _Progressed:
    """Called with the number of events folded so far."""

    def __init__(self, progress: Progress | None, records: RecordFiles) -> None:
        self._progress = progress
        self._records = records
        if progress is not None:
            self._task = progress.add_task("replay", total=records.total_bytes, events=0)

    def __call__(self, folded: int) -> None:
        if self._progress is not None:
            self._progress.update(self._task, completed=self._records.bytes_read, events=folded)
