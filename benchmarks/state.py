"""What the state log costs: a restore of a million open contacts, a checkpoint of many changes.

``python benchmarks/state.py`` builds a partition with a million waiting contacts (ids and event ids
as long as uuids), writes its state, and restores it in a process of its own, so that the peak of
memory is the restore's; then it changes 100,000 contacts and encodes one checkpoint. A *stretch* is
the time between two pauses for whoever shares the event loop: the service allows 20 ms. Times are
of this thread's CPU. Everything is in memory but the file that carries the state to the other
process; no broker takes part.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import gc
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.domain.bands import Band, Clock, Policy, Promise  # noqa: E402
from firstreply.domain.calendar import Calendar  # noqa: E402
from firstreply.domain.engine import Engine  # noqa: E402
from firstreply.domain.events import Actor, ContactEvent, EventType  # noqa: E402
from firstreply.domain.instants import HOUR, MINUTE, SECOND  # noqa: E402
from firstreply.domain.policy_book import PolicyBook  # noqa: E402
from firstreply.state.assembly import Assembly  # noqa: E402
from firstreply.state.chain import ChunkLog  # noqa: E402
from firstreply.state.draft import Draft  # noqa: E402
from firstreply.state.writer import Place, Writer  # noqa: E402

BEGIN: Final = 1_772_442_000 * SECOND
MEGABYTE: Final = 1_000_000
PLACE: Final = Place("events", 0, 1)


def book() -> PolicyBook:
    """Return four channels with four bands each, one of them on a calendar."""
    office = Calendar.from_weekly(
        timezone="Europe/Paris",
        weekly={day: [("09:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri")},
        annual_holidays=["12-25"],
    )
    bands = (Band("10m", 10 * MINUTE), Band("1h", HOUR), Band("24h", 24 * HOUR))
    business = Band("8h", 8 * HOUR, Clock.BUSINESS)
    promise = Promise("1h", 0.9)
    return PolicyBook(
        [
            Policy(name, (*bands[:2], business, bands[2]), calendar=office, promise=promise)
            for name in ("chat", "email", "social", "other")
        ],
        queues={"chat": ("billing", "support"), "email": ("billing", "support")},
    )


def engine_with(contacts: int, ids: list[str]) -> Engine:
    """Return an engine with as many waiting contacts, opened over eight hours."""
    engine = Engine(book(), grace=5 * SECOND)
    chance = random.Random(1)  # noqa: S311 - ids, not secrets
    for number in range(contacts):
        at = BEGIN + number * 8 * HOUR // contacts
        contact_id = str(uuid.UUID(int=chance.getrandbits(128)))
        ids.append(contact_id)
        engine.receive(
            ContactEvent(
                contact_id,
                EventType.OPENED,
                at,
                str(uuid.UUID(int=chance.getrandbits(128))),
                ("chat", "email", "social")[number % 3],
                ("billing", "support")[number % 2],
                Actor.CUSTOMER,
                None,
                None,
            )
        )
    engine.offset = contacts
    engine.take_increments()
    return engine


class Stretches:
    """Runs something to its end, and notes the time between its pauses."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.total = 0.0
        self.count = 0

    def run(self, steps: Iterable[object]) -> None:
        """Run to the end."""
        began = last = time.thread_time()
        for _ in steps:
            now = time.thread_time()
            self.longest = max(self.longest, now - last)
            self.count += 1
            last = time.thread_time()
        self.total += time.thread_time() - began

    def __str__(self) -> str:
        return f"{self.total:.2f} s in {self.count} steps, longest {self.longest * 1000:.1f} ms"


def peak() -> float:
    """Return the highest resident memory of this process so far, in megabytes.

    Not from ``getrusage``: a process inherits that figure from the one it was started by.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / MEGABYTE


def written(writer: Writer, draft: Draft, records: list[bytes]) -> Stretches:
    """Encode a draft, and acknowledge it as if a broker had."""
    stretches = Stretches()
    stretches.run(draft.pieces())
    offsets = range(len(records), len(records) + len(draft.records))
    records += draft.records
    writer.acknowledged(draft, list(offsets))
    return stretches


def restore(path: Path) -> None:
    """Restore from a file of records, and print what it took."""
    before = peak()
    gc.disable()  # a full collection would look at every contact; nothing here makes cycles
    log = ChunkLog()
    size = 0
    began = time.thread_time()
    for offset, record in enumerate(msgspec.msgpack.decode(path.read_bytes(), type=list[bytes])):
        size += len(record)
        log.add(offset, record)
    verdict = log.choose()
    read = time.thread_time() - began
    if verdict.choice is None:
        sys.exit("no complete chain")
    assembly, assembling = Assembly(verdict.choice), Stretches()
    assembling.run(assembly)
    restored, placing = assembly.restored, Stretches()
    engine = Engine.resume(restored.standing, restored.store, book(), grace=5 * SECOND)
    placing.run(engine.take_places())
    tracked = len(engine.store)
    print(f"  read {size / MEGABYTE:.1f} MB, choose: {read:.2f} s")
    print(f"  assemble: {assembling}")
    print(f"  take places: {placing}")
    print(f"  in all {read + assembling.total + placing.total:.1f} s for {tracked:,} contacts")
    print(f"  peak memory {peak():.0f} MB, of which {before:.0f} MB before")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=100_000)
    parser.add_argument("--restore", type=Path, help="only restore from this file")
    given = parser.parse_args()
    if given.restore:
        restore(given.restore)
        return
    ids: list[str] = []
    records: list[bytes] = []
    began = time.thread_time()
    engine = engine_with(given.contacts, ids)
    print(f"fold {given.contacts:,} openings: {time.thread_time() - began:.1f} s, {peak():.0f} MB")
    gc.collect()
    gc.freeze()
    writer = Writer(PLACE, uuid.uuid4().hex)
    writer.enter(1, 0)
    draft = writer.checkpoint(engine, engine.changes(), last=None, minimum=0)
    print(f"write the whole state: {written(writer, draft, records)}")
    size = draft.size
    print(f"  {size / MEGABYTE:.1f} MB, {size / given.contacts:.0f} bytes a contact")
    at = BEGIN + 8 * HOUR
    for number in range(given.changed):
        contact_id = ids[number * len(ids) // given.changed]
        said = ContactEvent(
            contact_id, EventType.RESPONDED, at, "r", None, None, Actor.AGENT, None, None
        )
        engine.receive(said)
    began = time.thread_time()
    changes = engine.changes()
    draft = writer.checkpoint(engine, changes, last=None, minimum=1000)
    cut = time.thread_time() - began
    print(f"one checkpoint, {given.changed:,} contacts changed: {written(writer, draft, records)}")
    parts = len(draft.records)
    print(f"  the cut {cut * 1000:.1f} ms; {draft.size / MEGABYTE:.1f} MB in {parts} records")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        path.write_bytes(msgspec.msgpack.encode(records))
        print("restore, in a process of its own:", flush=True)
        command = [sys.executable, __file__, "--restore", str(path)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
