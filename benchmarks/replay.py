"""What a replay from a pipe costs: CPU of an event, the time it takes, and the memory at its peak.

``python benchmarks/replay.py`` replays one day (``--days 30`` for a month) of 100,000 contacts
(``--contacts``): a process writes their events, those of the peer benchmark, as JSON lines to the
standard input of ``firstreply replay -``. Printed: events, CPU of the replaying process per event
(its start included), wall time from its start to its end, its highest resident memory. The writing
process takes a core of its own. A day takes about half a minute. ``--profile`` lists the functions
that took the longest instead, which makes it two to three times as slow.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import cProfile
import io
import json
import pstats
import subprocess
import sys
import time
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent)]

import workload  # noqa: E402
from state import peak  # noqa: E402

FIRST_DAY: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
LISTED: Final = 60
"""Functions of a profile."""


def write(days: int, contacts: int) -> None:
    """Write the events of so many days to standard output."""
    of_days = (
        workload.contacts(contacts, FIRST_DAY + timedelta(days=day), seed=day)
        for day in range(days)
    )
    for _, line in workload.events(chain.from_iterable(of_days)):
        sys.stdout.buffer.write(line + b"\n")


def replay() -> int:
    """Run ``firstreply replay -`` in this process; return the number of events."""
    from firstreply.cli import main as firstreply  # noqa: PLC0415 - the start is measured too

    report = io.StringIO()
    sys.argv = ["firstreply", "replay", "--format", "json", "-"]
    with redirect_stdout(report):
        try:
            firstreply()
        except SystemExit as end:
            if end.code:
                raise
    events: int = json.loads(report.getvalue())["events"]["read"]
    return events


def measure() -> None:
    """Replay standard input, and print what it took."""
    began = time.monotonic()
    events = replay()
    took, cpu = time.monotonic() - began, time.process_time()
    print(
        f"{events:,} events: {cpu / events * 1e6:.1f} us CPU each,"
        f" {cpu:.0f} s in all; {took:.0f} s wall; peak {peak():.0f} MB"
    )


def profile() -> None:
    """Replay standard input; print what took the longest, without and with what it calls."""
    profiler = cProfile.Profile(time.process_time)  # not the time that the pipe was empty
    profiler.runcall(replay)
    for order in ("tottime", "cumtime"):
        pstats.Stats(profiler).strip_dirs().sort_stats(order).print_stats(LISTED)


def main() -> None:
    """Join the two processes by a pipe; or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--contacts", type=int, default=100_000, help="of a day")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--be", choices=("writer", "replay"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.be == "writer":
        write(given.days, given.contacts)
        return
    if given.be == "replay":
        (profile if given.profile else measure)()
        return
    same = [sys.executable, __file__, *sys.argv[1:], "--be"]
    with subprocess.Popen([*same, "writer"], stdout=subprocess.PIPE) as writer:
        done = subprocess.run([*same, "replay"], stdin=writer.stdout, check=False)
    sys.exit(done.returncode or writer.returncode)


if __name__ == "__main__":
    main()
