"""The table of the peer benchmark, in 80 columns, and the same as JSON."""

# ruff: noqa: INP001 - a folder of scripts is no package

import json
import statistics
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from running import Run

TITLES: Final = {
    "drain": "aiokafka, only reading",
    "firstreply": "firstreply run",
    "firstreply-pure": "the same, uncompiled",
    "kafka-streams": "Kafka Streams (Java)",
    "quix": "Quix Streams",
    "faust": "Faust",
}
BEGIN: Final = '<!-- peers: written by make bench ARGS="--page docs/performance.md" -->'
END: Final = "<!-- /peers -->"
WIDTH: Final = 80

Rounds = Sequence[Mapping[str, Run | str]]


def table(rounds: Rounds, sizes: Mapping[str, int]) -> str:
    """Return the rows, and the ratios that the goals are about."""
    lines = [f"{'':23}{'events':>8}{'CPU us/event':>21}{'x drain':>9}{'events/s':>10}  counts"]
    lines += [_row(name, rounds, sizes[name]) for name in TITLES if name in sizes]
    lines += ["", "least and greatest of the rounds in brackets; x drain of the same round"]
    lines += _goals(rounds)
    for number, one in enumerate(rounds, 1):
        for name, why in one.items():
            if isinstance(why, str):
                lines += textwrap.wrap(f"{TITLES[name]}, round {number}, not run: {why}", WIDTH)
    return "\n".join(lines)


def _row(name: str, rounds: Rounds, events: int) -> str:
    runs = _runs(name, rounds)
    if not runs:
        return f"{TITLES[name]:23}not run, see below"
    times = _ratios(rounds, name, "drain", "cpu_us")
    ratio = f"{statistics.median(times):.2f}" if times else "-"
    rate = statistics.median(run.rate for run in runs)
    verdicts = {run.counts for run in runs}
    counts = "wrong" if "wrong" in verdicts else verdicts.pop()
    cpu = _spread((run.cpu_us for run in runs), 1)
    return f"{TITLES[name]:23}{events:8,}{cpu:>21}{ratio:>9}{rate:10,.0f}  {counts}"


def _goals(rounds: Rounds) -> list[str]:
    """Return the ratios that have goals, and what they are by CPU, which a busy machine spares."""
    wanted = (
        ("CPU per event, firstreply / drain", "firstreply", "drain", "cpu_us", "at most 3"),
        ("events/s, firstreply / Faust", "firstreply", "faust", "rate", "at least 20"),
        ("events/s, firstreply / Quix", "firstreply", "quix", "rate", "at least 4"),
        ("events/s, firstreply / Kafka Streams", "firstreply", "kafka-streams", "rate", "above 1"),
        ("CPU per event, Faust / firstreply", "faust", "firstreply", "cpu_us", ""),
        ("CPU per event, Quix / firstreply", "quix", "firstreply", "cpu_us", ""),
        ("CPU per event, KStreams / firstreply", "kafka-streams", "firstreply", "cpu_us", ""),
    )
    lines = []
    for title, name, other, figure, goal in wanted:
        ratios = _ratios(rounds, name, other, figure)
        if ratios:
            lines.append(
                f"{title:36}{_spread(ratios, 2):>22}   {goal and f'goal: {goal}'}".rstrip()
            )
    return lines


def _ratios(rounds: Rounds, name: str, other: str, figure: str) -> list[float]:
    """Return, for each round that has both, one's figure over the other's."""
    pairs = [(one.get(name), one.get(other)) for one in rounds]
    return [
        getattr(mine, figure) / getattr(theirs, figure)
        for mine, theirs in pairs
        if isinstance(mine, Run) and isinstance(theirs, Run)
    ]


def _spread(figures: Iterable[float], places: int) -> str:
    known = list(figures)
    low, high, middle = min(known), max(known), statistics.median(known)
    return f"{middle:.{places}f} ({low:.{places}f}-{high:.{places}f})"


def _runs(name: str, rounds: Rounds) -> list[Run]:
    return [run for one in rounds if isinstance(run := one[name], Run)]


def as_json(rounds: Rounds, sizes: Mapping[str, int], about: Mapping[str, object]) -> str:
    """Return every figure of every round."""
    told = [
        {name: run._asdict() if isinstance(run, Run) else run for name, run in one.items()}
        for one in rounds
    ]
    return json.dumps({**about, "events": dict(sizes), "rounds": told}, indent=2) + "\n"


def put_between_markers(page: Path, text: str, about: Mapping[str, object]) -> None:
    """Write the table into a page, in place of the one that is there.

    Raises:
        ValueError: the page lacks the markers.
    """
    before, _, rest = page.read_text().partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        msg = f"{page}: put the lines {BEGIN} and {END} where the table is to stand"
        raise ValueError(msg)
    first, last = about["load_average"]  # type: ignore[misc]
    told = f"{about['date']}, load average {first} before and {last} after, {about['minutes']} min:"
    page.write_text(f"{before}{BEGIN}\n\n{told}\n\n```text\n{text}\n```\n\n{END}{after}")
