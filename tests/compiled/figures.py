"""Print a digest of what comes of hostile input, one line a seed: python figures.py PART SEEDS.

Every result, every exception with its text and every figure goes into the digest, so that two
builds of firstreply that print the same lines do the same. With ``--tell`` all of that is printed.
"""

import hashlib
import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

if __package__ in {None, ""}:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from firstreply.adapters.codec import Decoder, instant_of_number
from firstreply.adapters.records import FileRecord
from firstreply.domain import packing, store
from firstreply.domain.engine import Engine
from firstreply.domain.errors import FatalError
from firstreply.domain.instant_index import InstantIndex, Unsorted
from firstreply.domain.instants import SECOND
from firstreply.domain.places import Places
from firstreply.domain.store import SHARDS, ContactStore
from firstreply.domain.timers import TimerQueue
from firstreply.fold import BadRecords, PartitionFold
from firstreply.ports import TimestampType
from firstreply.state.assembly import Assembly
from firstreply.state.chunk import DamagedChunkError
from tests.compiled.hostile import (
    BEYOND,
    EDGES,
    IDS,
    NUMBERS,
    a_book,
    an_engine,
    an_event,
    damage,
    damaged,
    rows_of,
)
from tests.fuzz import fuzz_codec
from tests.unit.domain import streams
from tests.unit.domain.builders import GRACE, at
from tests.unit.state_log import Hold, MemoryLog

RAISED: Final = (ValueError, LookupError, OverflowError, FatalError, DamagedChunkError)
"""msgspec's and Unicode's errors are ValueErrors. A TypeError is never right."""


class Tale:
    """What came of the input of one seed."""

    def __init__(self, seed: int, *, tell: bool) -> None:
        self.chance = random.Random(seed)
        self._digest = hashlib.sha256()
        self._tell = tell
        self.said = 0
        self.raised = 0

    def say(self, *what: object) -> None:
        """Note results."""
        text = f"{what!r}\n".encode("utf-8", "backslashreplace")
        if self._tell:
            sys.stdout.buffer.write(text)
        self._digest.update(text)
        self.said += 1

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the exception that ends a block."""
        try:
            yield
        except RAISED as error:
            self.raised += 1
            self.say(type(error).__name__, str(error))

    def line(self) -> str:
        """Return what is printed."""
        return f"{self.said} said, {self.raised} raised, {self._digest.hexdigest()}"


def tell_engine(tale: Tale, engine: Engine) -> None:
    """Note all that an engine shows."""
    tale.say(engine.next_deadline(), engine.log_time, len(engine.store), engine.timers_looked_at)
    tale.say(engine.gauges(), engine.urgent(tale.chance.choice((0, 1, 100))))
    tale.say(engine.take_increments())


# The parts


def codec(tale: Tale) -> None:
    """Decode records of all shapes, mutated; and numbers that are hardly instants."""
    chance, seeds = tale.chance, fuzz_codec._seeds()
    decoders = [
        Decoder(max_event_bytes=4096),
        Decoder(max_event_bytes=4096, timestamp_fallback=True),
        Decoder(latest=2**62, max_future=2**62),
    ]
    for _ in range(500):
        record = fuzz_codec._mutated(chance, chance.choice(seeds))
        if chance.random() < 0.2:
            timestamp = chance.choice((*EDGES, True))
            record = msgspec.structs.replace(record, timestamp=timestamp)
        if chance.random() < 0.2:
            number = json.dumps(chance.choice(NUMBERS))
            text = f'{{"type":"contact.queued","contact_id":"c","time":{number}}}'
            record = msgspec.structs.replace(record, value=text.encode())
        tale.say(chance.choice(decoders).decode(record))
    tale.say([decoder.take_fallbacks() for decoder in decoders])
    tale.say([instant_of_number(number) for number in NUMBERS])


def engine(tale: Tale) -> None:
    """Fold, and do all that is done between: advance, reload, cut, restore, leave half restored."""
    chance = tale.chance
    store.AWAKE = chance.choice((1, 5, 20_000))
    book, gone = a_book(chance), list[str]()
    grace, most = chance.choice((0, GRACE * SECOND)), chance.choice((None, 1, 3, 20))

    def forgotten(contact: object) -> None:
        gone.append(repr(contact))

    one = Engine(book, grace=grace, max_tracked=most, forgotten=forgotten)
    for _ in range(chance.choice((10, 100))):
        what = chance.random()
        if what < 0.8:
            log_time = chance.choice((None, None, at(chance.choice(streams.GRID))))
            one.receive(an_event(chance), log_time)
        elif what < 0.86:
            log_time = at(chance.choice(streams.GRID)) + chance.choice((0, 1, 10**12))
            tale.say(one.advance(log_time, chance.choice((None, 0, 1))))
        elif what < 0.9:
            book.replace(a_book(chance))
        elif what < 0.94:
            changes = one.changes()
            tale.say(sorted(changes.dirty), sorted(changes.removed))
            one.keep_changes(changes)
        else:
            cut = one.snapshot()
            tale.say(cut, one.take_increments())
            next(one.take_places())  # and no further
            one = Engine.restore(cut, book, grace=grace, max_tracked=most, forgotten=forgotten)
        tell_engine(tale, one)
    one.finish(at(10**6))
    tale.say([*one.contacts()], one.take_increments(), one.snapshot(), gone)


def rows(tale: Tale) -> None:
    """Read damaged rows, and let engines go on with them."""
    chance = tale.chance
    book = a_book(chance)
    whole = an_engine(chance, book, 60)
    good = rows_of(whole)
    broken = [(contact_id, damaged(chance, row)) for contact_id, row in good * 4]
    for contact_id, row in broken:
        with tale.noting():
            contact = packing.unpack(contact_id, row)
            tale.say(contact, packing.pack(contact))
        with tale.noting():
            tale.say(Places(book, lambda _, touched: touched + 5).take(contact_id, row))
    for _ in range(10):
        kept = ContactStore()
        for contact_id, row in (*good[:5], *chance.sample(broken, 2)):
            kept.load(contact_id, row)
        with tale.noting():
            one = Engine.resume(whole.standing(), kept, book, grace=0, max_tracked=4)
            tale.say([*one.take_places()])
            one.receive(an_event(chance))
            one.advance(at(10**6))
            one.finish(at(10**6))
            tell_engine(tale, one)
            tale.say(one.snapshot())


def checkpoints(tale: Tale) -> None:
    """Restore from a state log whose checkpoints are damaged, or hold damaged rows."""
    chance = tale.chance
    hold = Hold(
        MemoryLog(), an_engine(chance, a_book(chance), 40), limit=chance.choice((300, 10**5))
    )
    for _ in range(3):
        hold.checkpoint(minimum=4)
        hold.engine.receive(an_event(chance))
    good = rows_of(hold.engine)
    for _ in range(8):
        choice = hold.log.judge().choice
        assert choice is not None
        damage(chance, choice, good)
        with tale.noting():
            assembly = Assembly(choice)
            tale.say([*assembly])
            restored = assembly.restored
            tale.say(restored.standing.log_time, restored.uncounted, len(restored.store))
            tale.say([restored.store.rows(number) for number in range(SHARDS)])


def indexes(tale: Tale) -> None:
    """Fill and empty what is in the order of instants, at the edges of what an integer can be."""
    chance = tale.chance
    index, timers, unsorted = InstantIndex(), TimerQueue(), Unsorted()
    entries: dict[tuple[int, str], None] = {}
    for _ in range(300):
        near, far = chance.randrange(-20, 20), chance.randrange(10**16)
        instant = chance.choice((near, near, far, far, chance.choice(EDGES)))
        if chance.random() < 0.02:
            instant = chance.choice(BEYOND)
        entry = (instant, chance.choice(IDS))
        with tale.noting():
            timers.add(*entry)
            if entry not in entries:
                index.add(*entry)
                unsorted.add(*entry)
                entries[entry] = None
        with tale.noting():
            index.remove(*chance.choice((entry, *entries)))
        with tale.noting():
            tale.say(timers.pop() if chance.random() < 0.6 else None, timers.first, len(timers))
            tale.say(index.first(), index.head(), index.count_until(near), index.first_after(near))
            tale.say([*index.until(near)], next(index.after(near), None))
    filled = InstantIndex()
    for _ in unsorted.fill(filled):
        pass
    tale.say([*filled.until(2**63)])


def fold(tale: Tale) -> None:
    """Fold records with timestamps of all kinds, proofs, and spans that are put back."""
    chance, seeds = tale.chance, fuzz_codec._seeds()
    kind = chance.choice((None, 0, *TimestampType))
    one = PartitionFold(
        partition=0,
        offset=chance.choice((0, 10)),
        decoder=Decoder(timestamp_fallback=True),
        bad_records=BadRecords(chance.choice((1, 0.58)), chance.choice((5, 100))),
        book=a_book(chance),
        grace=GRACE * SECOND,
        max_tracked=chance.choice((None, 2)),
        until=chance.choice((2**62, at(600))),
    )
    offset = 0
    for _ in range(30):
        records = []
        for _ in range(chance.randrange(5)):
            offset += chance.choice((0, 1, 1, 2))
            now = at(chance.choice(streams.GRID)) // 1000
            timestamp = chance.choice((-1, now, now, now, 2**53, 2**63 - 1)) if kind != 1 else now
            record = fuzz_codec._mutated(chance, chance.choice(seeds))
            told = None if kind is None else timestamp
            records.append(
                FileRecord(offset, record.value, told, kind, b"k", headers=record.headers)
            )
        with tale.noting():
            one.prove(at(chance.choice(streams.GRID)), offset)
            tale.say(one.fold(records, chance.choice((None, 0, 3))), one.offset, one.letter_bytes)
            span = one.take()
            tale.say(span.increments, span.letters, sorted(span.changes.dirty))
            if chance.random() < 0.5:
                one.put_back(span)
        tell_engine(tale, one.engine)


PARTS: Final[dict[str, Callable[[Tale], None]]] = {
    part.__name__: part for part in (codec, engine, rows, checkpoints, indexes, fold)
}


def main() -> None:
    """Run from the command line."""
    part, seeds, *options = sys.argv[1:]
    for seed in range(int(seeds)):
        tale = Tale(seed, tell="--tell" in options)
        PARTS[part](tale)
        print(part, seed, tale.line())  # noqa: T201


if __name__ == "__main__":
    main()
