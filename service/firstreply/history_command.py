"""``replay --format openmetrics``: files in, what ``/metrics`` would have shown all along out.

Reads what a person typed, shows progress on a terminal, and writes the text to standard output when
every record was folded: too much is refused before a byte of it is written.
"""

import re
import sys
import tempfile
from collections.abc import Sequence
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from firstreply import wiring
from firstreply.adapters.files import read_records
from firstreply.adapters.metrics import METRICS
from firstreply.adapters.openmetrics import OpenMetricsHistory
from firstreply.adapters.prometheus import Publisher
from firstreply.config.describe import settings_hash
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.increments import Increments
from firstreply.domain.instants import BEFORE_ALL, SECOND
from firstreply.durations import duration_micros, parse_duration
from firstreply.history import Span, write_history
from firstreply.policies import policy_book
from firstreply.replay_command import (
    LABEL,
    progress,
    read_instant,
    read_paths,
    read_until,
    require_contact_events,
)
from firstreply.settings import Settings

USUAL_STEP: Final = "15s"
"""The interval of deploy/prometheus: with longer ones, rates over four of them have no data."""

LONGEST_STEP: Final = "1m"
"""The rules trust a heartbeat for less than a minute, and count over 5 minutes at least."""

MOST_SAMPLES: Final = 100_000_000
"""Some 12 GB: of 2,300 series a week at 15s, a month at 1m."""

_LABELS: Final = {"job": "firstreply", "instance": LABEL}
_LABEL: Final = re.compile(r'(?!__)([a-zA-Z_][a-zA-Z0-9_]*)=([^"\\\n]*)')


class Steps(msgspec.Struct, frozen=True):
    """What to print, as a person said it."""

    every: str = USUAL_STEP
    since: str = "start"
    until: str = "end"
    labels: tuple[str, ...] = ()
    """NAME=VALUE; without a value, the label is left out."""


def print_history(settings: Settings, names: Sequence[str], steps: Steps) -> None:
    """Print what ``/metrics`` would have shown at each step.

    Raises:
        ConfigurationError: an option cannot be read, or there would be too many samples.
        FatalError: there was no contact event, or no step; the metadata was printed even so.
    """
    span = Span(
        every=_every(steps.every),
        since=BEFORE_ALL if steps.since == "start" else _since(steps.since),
        until=read_until(steps.until),
        most_samples=MOST_SAMPLES,
    )
    labels = _labels(steps.labels)
    with tempfile.TemporaryFile() as spool:
        history = OpenMetricsHistory(spool, labels)
        counted = _collect(settings, names, history, span)
        _write(history)
    require_contact_events(counted, steps.until)
    if not history.steps:
        msg = f"nothing to show between {steps.since} and {steps.until}"
        raise FatalError(msg)


def _collect(
    settings: Settings, names: Sequence[str], history: OpenMetricsHistory, span: Span
) -> Increments:
    book = policy_book(settings)
    publisher = Publisher(book, LABEL, zero_first="none")
    publisher.config_hash(settings_hash(settings))
    with read_records(read_paths(names)) as records, progress(records) as progressed:
        return write_history(
            records,
            history,
            publisher=publisher,
            decoder=wiring.decoder(settings),
            bad_records=wiring.bad_records(settings),
            book=book,
            grace=wiring.grace(settings),
            span=span,
            progressed=progressed,
        )


def _write(history: OpenMetricsHistory) -> None:
    """Write the text to standard output; show a bar if standard error is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("write"),
        BarColumn(),
        TextColumn("{task.total:,} samples"),
        TimeRemainingColumn(),
    )
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bars:
        task = bars.add_task("write", total=history.samples)
        for part in history.text():
            sys.stdout.buffer.write(part.encode())
            bars.advance(task, part.count("\n"))


def _since(text: str) -> int:
    return read_instant(text, "--since", "start")


def _every(text: str) -> int:
    try:
        every = duration_micros(parse_duration(text))
    except ValueError as error:
        msg = f"--every: {error}"
        raise ConfigurationError(msg) from error
    if every % SECOND or not 0 < every <= duration_micros(parse_duration(LONGEST_STEP)):
        msg = (
            f"--every {text}: give whole seconds from 1s to {LONGEST_STEP}; with longer steps the "
            "rules see gaps and take the figures for stale"
        )
        raise ConfigurationError(msg)
    return every


def _labels(texts: Sequence[str]) -> dict[str, str]:
    ours = {"le", *(label for metric in METRICS for label in metric.labels)}
    labels = dict(_LABELS)
    for text in texts:
        found = _LABEL.fullmatch(text)
        if found is None or found[1] in ours:
            msg = (
                f"--label {text}: give a label that Prometheus would add, such as "
                "instance=contact-centre:9464; no name of ours, no quotes or backslashes in a value"
            )
            raise ConfigurationError(msg)
        labels[found[1]] = found[2]
    return {name: value for name, value in labels.items() if value}
