"""Does an event cost the same with ten times the partitions, channels, queues or open contacts?

``python benchmarks/growth.py`` folds one stream of events, without a broker, in a process with 4
partitions, 12 channels, 20 queues each and 20,000 open contacts (``--contacts``), then with ten
times of each, one at a time, each in a process of its own. The stream is that of the peer
benchmark; one event in five answers somebody who has waited for a day. After each 2,000 events
every partition makes a checkpoint, as the service does each second: state log, gauges, publisher.

Printed, and in brackets the ratio to the first line: CPU of folding an event and of a checkpoint of
all partitions (the least of ten in each of three rounds: what else the machine does only adds), and
the bytecode instructions of both, which nothing else disturbs. An event's cost should be flat; a
checkpoint looks at each queue of each partition.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent)]

import partitions  # noqa: E402
import workload  # noqa: E402
from opcodes import counting  # noqa: E402
from state import written  # noqa: E402

from firstreply import collector  # noqa: E402
from firstreply.adapters.prometheus import Publisher  # noqa: E402
from firstreply.adapters.records import FileRecord  # noqa: E402
from firstreply.domain.instants import to_instant  # noqa: E402
from firstreply.fold import PartitionFold, Span  # noqa: E402
from firstreply.state.writer import Place, Writer  # noqa: E402

BEGAN: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
WAITED: Final = timedelta(hours=25)
"""How long the open contacts have waited: every band is over, and counted."""
BATCH: Final = 2_000
TIMED: Final = 10
WARM_UP: Final = 2
ANSWERED_EVERY: Final = 5


class Size(NamedTuple):
    """What a process has to do with."""

    partitions: int = 4
    channels: int = 12
    queues: int = 20
    contacts: int = 20_000


class Cost(NamedTuple):
    """Microseconds and instructions: per event, and per checkpoint."""

    event_us: float
    checkpoint_us: float
    event_instructions: float
    checkpoint_instructions: float


class Process:
    """The partitions of a process, with all that a checkpoint needs but the broker."""

    def __init__(self, size: Size) -> None:
        self._channels = [f"channel-{number}" for number in range(size.channels)]
        self._queues = [f"queue-{number}" for number in range(size.queues)]
        configuration = workload.configuration(self._channels, self._queues)
        self.folds = partitions.make(size.partitions, configuration)
        self._publisher = Publisher(self.folds[0].engine.book, "contact-events")
        self._writers = [
            Writer(Place("contact-events", n, len(self.folds)), f"{n:032x}")
            for n in range(len(self.folds))
        ]
        self._records: list[list[bytes]] = [[] for _ in self.folds]
        began = to_instant(BEGAN)
        self._open = list(partitions.open_contacts(self.folds, size.contacts, began))
        for fold in self.folds:
            fold.engine.advance(to_instant(BEGAN + WAITED))
        for writer in self._writers:
            writer.enter(1, 0)
        self.checkpoint()

    def batches(self) -> Iterator[list[list[FileRecord]]]:
        """Yield the stream, by checkpoint and partition."""
        contacts = workload.contacts(
            BATCH * (WARM_UP + TIMED + 1),
            BEGAN + WAITED,
            channels=self._channels,
            queues=self._queues,
        )
        return partitions.batches(self.folds, self._with_answers(contacts), BATCH)

    def _with_answers(self, contacts: list[workload.Contact]) -> Iterator[tuple[str, bytes]]:
        waiting = iter(self._open)
        for number, (contact_id, value) in enumerate(workload.events(contacts)):
            yield contact_id, value
            if number % ANSWERED_EVERY == 0 and (answered := next(waiting, None)) is not None:
                told = {"id": f"{number:036}", "contact_id": answered, "actor": "agent"}
                told |= {"type": "contact.responded", "time": json.loads(value)["time"]}
                yield answered, json.dumps(told).encode()

    def fold(self, records: list[list[FileRecord]]) -> None:
        """Fold a batch."""
        for fold, of_partition in zip(self.folds, records, strict=True):
            fold.fold(of_partition)

    def checkpoint(self) -> None:
        """Draft the state of each partition, and publish."""
        for number, fold in enumerate(self.folds):
            span, gauges = fold.take(), fold.engine.gauges()
            self._draft(number, fold, span)
            self._publisher.checkpointed(number, 0, span.increments)
            self._publisher.gauges(number, gauges)

    def _draft(self, number: int, fold: PartitionFold, span: Span) -> None:
        writer, records = self._writers[number], self._records[number]
        draft = writer.checkpoint(
            fold.engine, span.changes, uncounted=span.increments, last=None, minimum=1
        )
        written(writer, draft, records)


def cost(size: Size) -> Cost:
    """Measure in this process."""
    process = Process(size)
    batches = process.batches()
    events, checkpoints = [], []
    for _ in range(WARM_UP + TIMED):
        records = next(batches)
        events.append(seconds(lambda now=records: process.fold(now)))
        checkpoints.append(seconds(process.checkpoint))
    last = next(batches)
    return Cost(
        min(events[WARM_UP:]) / BATCH * 1e6,
        min(checkpoints[WARM_UP:]) * 1e6,
        counting(lambda: process.fold(last)).total() / BATCH,
        counting(process.checkpoint).total(),
    )


def seconds(work: Callable[[], None]) -> float:
    """Return the CPU of this thread that something takes."""
    began = time.thread_time()
    work()
    return time.thread_time() - began


def measured(size: Size) -> Cost:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--size", *map(str, size)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Cost(*map(float, printed.split()))


def report(what: str, found: Cost, base: Cost) -> None:
    """Print a line of the table."""
    cells = (
        (found.event_us, base.event_us, "{:.1f} us"),
        (found.event_instructions, base.event_instructions, "{:,.0f}"),
        (found.checkpoint_us / 1000, base.checkpoint_us / 1000, "{:.1f} ms"),
        (found.checkpoint_instructions / 1000, base.checkpoint_instructions / 1000, "{:,.0f}k"),
    )
    texts = [f"{form.format(value)} ({value / of:.2f})" for value, of, form in cells]
    print(f"{what:20}" + "".join(f"{text:>19}" for text in texts), flush=True)


def main() -> None:
    """Measure one size after the other; or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=Size().contacts, help="open, at first")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=int, nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.size:
        collector.look_once()
        print(*cost(Size(*given.size)))
        return
    first = Size(contacts=given.contacts)
    sizes = {"at first": first}
    for name, value in first._asdict().items():
        sizes[f"{10 * value:,} {name}"] = first._replace(**{name: 10 * value})
    rounds = [{what: measured(size) for what, size in sizes.items()} for _ in range(given.rounds)]
    heads = ("an event", "instructions", "a checkpoint", "instructions")
    print(" " * 20 + "".join(f"{head:>19}" for head in heads))
    least = {
        what: Cost(*map(min, zip(*(one[what] for one in rounds), strict=True))) for what in sizes
    }
    for what, found in least.items():
        report(what, found, least["at first"])


if __name__ == "__main__":
    main()
