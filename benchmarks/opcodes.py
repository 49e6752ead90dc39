"""How many bytecode instructions an event costs: the figure that the regression guard watches.

``python benchmarks/opcodes.py`` folds the events of 120 contacts (the workload of the peer
benchmark) in batches, takes what was counted after each batch as a checkpoint does, and counts
every bytecode instruction of the interpreter meanwhile. Time plays no part, so the figure is the
same on any machine, busy or not; it differs between versions of Python. Loops in C (msgspec,
``sorted``, ``heappush``) count as one instruction: this sees what Python does, not all that a core
does. ``--by-function`` says where.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
BENCHMARKS: Final = ROOT / "benchmarks"
sys.path[:0] = [str(ROOT), str(BENCHMARKS), str(BENCHMARKS / "peers")]

import partitions  # noqa: E402
import workload  # noqa: E402

from firstreply.adapters.records import FileRecord  # noqa: E402

CONTACTS: Final = 120
BATCH: Final = 100
BEGAN: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)


def counting(work: Callable[[], object]) -> Counter[CodeType]:
    """Run something; return the instructions of each function."""
    counted: Counter[CodeType] = Counter()

    def within(frame: FrameType, event: str, _: object) -> object:
        if event == "opcode":
            counted[frame.f_code] += 1
        return within

    def called(frame: FrameType, _: str, __: object) -> object:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return within

    sys.settrace(called)  # type: ignore[arg-type]
    try:
        work()
    finally:
        sys.settrace(None)
    return counted


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--by-function", action="store_true")
    given = parser.parse_args()
    events = workload.events(workload.contacts(CONTACTS, BEGAN))
    records = [FileRecord(offset, value) for offset, (_, value) in enumerate(events)]
    (fold,) = partitions.make(1, workload.configuration())

    def work() -> None:
        for first in range(0, len(records), BATCH):
            fold.fold(records[first : first + BATCH])
            fold.take()

    counted = counting(work)
    if given.by_function:
        for code, count in counted.most_common(40):
            print(f"{count / len(records):8.1f} {Path(code.co_filename).name}:{code.co_qualname}")
    print(f"{counted.total() / len(records):.1f}")


if __name__ == "__main__":
    main()
