"""What it costs to choose from a long state log: memory, time, and the longest stretch of the loop.

``python benchmarks/long_log.py`` reads 14 days of checkpoints at one a second, as a start without
the pointer of a commit does: their headers only, letting go of what no chain needs. Each is small
and whole, or a quarter of the base with ``--rotation 4``. No broker takes part. ``--keep-all`` is
how it was before.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.state import MEGABYTE, PLACE, Stretches, book, peak  # noqa: E402
from firstreply.domain.engine import Changes, Engine  # noqa: E402
from firstreply.domain.instants import SECOND  # noqa: E402
from firstreply.domain.store import SHARDS  # noqa: E402
from firstreply.keeping import reading  # noqa: E402
from firstreply.state.chain import KEEP, ChunkLog  # noqa: E402
from firstreply.state.chunk import Link, decode, encode  # noqa: E402
from firstreply.state.writer import Writer  # noqa: E402

_BATCH: Final = 500


class Record(msgspec.Struct):
    """One record of the log."""

    offset: int
    value: bytes


class Log:
    """A log that is written as it is read, so that it takes no memory itself."""

    topic = "state"

    def __init__(self, rotation: int) -> None:
        writer = Writer(PLACE, "f" * 32)
        engine = Engine(book(), grace=5 * SECOND)
        writer.enter(1, 0)
        draft = writer.checkpoint(engine, Changes(frozenset(), frozenset()), last=None, minimum=0)
        for _ in draft.pieces():
            pass
        self._header = decode(draft.records[0]).header
        self._rotation = rotation

    async def read(
        self,
        partition: int,  # noqa: ARG002
        first: int,
        end: int,
    ) -> AsyncGenerator[Sequence[Record], None]:
        """Yield batches."""
        for begin in range(first, end, _BATCH):
            offsets = range(begin, min(begin + _BATCH, end))
            batch = [Record(offset, self._record(offset)) for offset in offsets]
            await asyncio.sleep(0)  # to write them is not what is measured
            yield batch

    def _record(self, offset: int) -> bytes:
        each = SHARDS // self._rotation
        header = msgspec.structs.replace(
            self._header,
            seq=offset,
            offset=offset,
            read_to=None,
            parent=Link(offset - 1, self._header.writer, offset - 1) if offset else None,
            base_first=offset % self._rotation * each,
            base_count=each if offset else SHARDS,
        )
        (record,) = encode(header, [], 1000)
        return record


async def longest_pause(stretches: Stretches) -> None:
    """Note the CPU time of the longest turn of the loop, until cancelled."""
    while True:
        began = time.thread_time()
        await asyncio.sleep(0)
        stretches.longest = max(stretches.longest, time.thread_time() - began)


async def measure(checkpoints: int, rotation: int, *, keep_all: bool) -> None:
    """Read and choose."""
    log, stretches = Log(rotation), Stretches()
    chunks = ChunkLog(bodies=False, keep=None if keep_all else KEEP)
    watch = asyncio.create_task(longest_pause(stretches))
    before, began = peak(), time.process_time()
    await reading._read(log, 0, (0, checkpoints), lambda _: None, chunks)  # type: ignore[arg-type]  # noqa: SLF001
    verdict = await asyncio.to_thread(chunks.choose)
    took = time.process_time() - began
    watch.cancel()
    assert verdict.choice is not None  # noqa: S101 - a benchmark of something else, if not
    assert verdict.choice.tip.offset == checkpoints - 1  # noqa: S101
    print(f"{checkpoints:,} checkpoints, {rotation} to a rotation: {took:.1f} s of CPU")
    print(f"  {peak() - before:.0f} MB more, peak {peak():.0f} MB")
    print(f"  longest turn of the loop {stretches.longest * 1000:.0f} ms")
    print(f"  (a record has {len(log._record(1))} bytes; {MEGABYTE} bytes to a MB)")  # noqa: SLF001


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=14 * 86_400)
    parser.add_argument("--rotation", type=int, default=1)
    parser.add_argument("--keep-all", action="store_true")
    given = parser.parse_args()
    asyncio.run(measure(given.checkpoints, given.rotation, keep_all=given.keep_all))


if __name__ == "__main__":
    main()
