"""A partition of the state log in memory, and one hold on it that writes and restores."""

from typing import Final

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.state.assembly import Assembly, Restored
from firstreply.state.chain import ChunkLog, Verdict
from firstreply.state.chunk import Fingerprint
from firstreply.state.draft import Draft
from firstreply.state.writer import LIMIT, Place, Writer
from tests.unit.domain.builders import GRACE

PLACE: Final = Place("events", 0, 4)


class MemoryLog:
    """Records by offset."""

    def __init__(self) -> None:
        self.records: dict[int, bytes | None] = {}
        self.end = 0

    def append(self, *records: bytes | None) -> list[int]:
        """Append; return the offsets."""
        offsets = []
        for record in records:
            self.records[self.end] = record
            offsets.append(self.end)
            self.end += 1
        return offsets

    def read(self, begin: int = 0, *, bodies: bool = True) -> ChunkLog:
        """Read all from an offset on."""
        log = ChunkLog(bodies=bodies)
        for offset, record in self.records.items():
            if offset >= begin:
                log.add(offset, record)
        return log

    def judge(self, begin: int = 0) -> Verdict:
        """Choose among all from an offset on."""
        return self.read(begin).choose()

    def restore(self, begin: int = 0) -> Restored:
        """Assemble the chosen chain."""
        verdict = self.judge(begin)
        assert verdict.choice is not None
        return assembled(verdict)

    def texts(self, begin: int = 0) -> list[str]:
        """Return what is found wrong."""
        return [finding.text for finding in self.judge(begin).findings]


def assembled(verdict: Verdict) -> Restored:
    assert verdict.choice is not None
    assembly = Assembly(verdict.choice)
    for _ in assembly:
        pass
    return assembly.restored


def encoded(draft: Draft) -> list[bytes]:
    """Encode a draft to its end."""
    for _ in draft.pieces():
        pass
    return draft.records


def engine_of(restored: Restored, book: PolicyBook, grace: int = GRACE * SECOND) -> Engine:
    """Build the engine of a restored state."""
    engine = Engine.resume(restored.standing, restored.store, book, grace=grace)
    for _ in engine.take_places():
        pass
    return engine


class Hold:
    """An engine and its writer on one log."""

    def __init__(
        self,
        log: MemoryLog,
        engine: Engine,
        name: str = "a",
        *,
        restored: Restored | None = None,
        generation: int = 1,
        limit: int = LIMIT,
        last: Fingerprint | None = None,
    ) -> None:
        self.log = log
        self.engine = engine
        self.writer = Writer(PLACE, name, restored=restored, end=log.end, limit=limit)
        self.last = last
        self.enter(generation)

    def enter(self, generation: int, *, told: int | None = 0) -> None:
        """Begin a term; the group's commit tells of an incarnation."""
        self.writer.enter(generation, told)

    def draft(self, *, minimum: int = 0, changes: Changes | None = None) -> Draft:
        """Encode a checkpoint of all that changed."""
        draft = self.writer.checkpoint(
            self.engine,
            self.engine.changes() if changes is None else changes,
            last=self.last,
            minimum=minimum,
        )
        encoded(draft)
        return draft

    def checkpoint(self, *, minimum: int = 0) -> Draft:
        """Write one, acknowledged."""
        draft = self.draft(minimum=minimum)
        self.writer.acknowledged(draft, self.log.append(*draft.records))
        return draft

    def claim(self) -> Draft:
        """Claim the tip, acknowledged."""
        draft = self.writer.claim()
        self.writer.acknowledged(draft, self.log.append(*encoded(draft)))
        return draft
