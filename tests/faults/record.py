"""What the faults did, one line for each, and the table of ``docs/reliability.md`` made from it.

Run as ``python -m tests.faults.record``: it prints the table of the last record as Markdown, or
writes it between the two marks of a page: ``python -m tests.faults.record docs/reliability.md``.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from tests.shared import ROOT

RECORD: Final = Path(os.environ.get("FAULTS_RECORD", ROOT / ".cache" / "faults.jsonl"))
BEGIN: Final = "<!-- faults: begin; written by make test-faults, do not edit -->"
END: Final = "<!-- faults: end -->"

_HEAD: Final = (
    "| fault | what | runs | injected | contacts | lost | counted twice | counters lack | "
    "worst recovery | worst gap |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One fault, or one round of a soak."""

    number: int
    """Of the catalogue."""
    fault: str
    kafka: str
    """Version of the brokers."""
    injected: int
    contacts: int
    lost: int
    """Contacts and settlements that the ledger lacks in the end."""
    twice: int
    """Those that it, or a business counter, has too many."""
    lacking: int
    """Contacts that the business counters lack: what hard crashes may cost."""
    recovery_seconds: float | None
    """From the end of the fault until everything was shown and read to its end."""
    gap_seconds: float
    """Longest time in which the figures of some partition were not shown."""


def append(entry: Entry) -> None:
    """Add a line."""
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    with RECORD.open("ab") as lines:
        lines.write(msgspec.json.encode(entry) + b"\n")


def read(path: Path) -> list[Entry]:
    """Read all lines."""
    return [msgspec.json.decode(line, type=Entry) for line in path.read_bytes().splitlines()]


def table(entries: Iterable[Entry]) -> str:
    """Return the table: a row for each fault, in the order of the catalogue, and the sum."""
    rows: defaultdict[tuple[int, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        rows[entry.number, entry.fault].append(entry)
    lines = [_row(str(number), fault, found) for (number, fault), found in sorted(rows.items())]
    every = [entry for found in rows.values() for entry in found]
    return _HEAD + "".join([*lines, _row("", "all", every)])


def _row(number: str, fault: str, entries: list[Entry]) -> str:
    recovery = max((one.recovery_seconds or 0.0 for one in entries), default=0.0)
    gap = max((one.gap_seconds for one in entries), default=0.0)
    cells = [
        number,
        fault,
        len(entries),
        *(sum(getattr(one, name) for one in entries) for name in ("injected", "contacts")),
        *(sum(getattr(one, name) for one in entries) for name in ("lost", "twice", "lacking")),
        f"{recovery:.1f} s",
        f"{gap:.1f} s",
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


def write_into(page: Path, text: str) -> None:
    """Replace what stands between the marks of a page."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    if not RECORD.exists():
        sys.exit(f"{RECORD} is absent: no fault has run; run 'make test-faults'")
    made = table(read(RECORD))
    if sys.argv[1:]:
        write_into(Path(sys.argv[1]), made)
    else:
        sys.stdout.write(made)
