"""One process of the protocol model, with the real engine, chunks, chain and writer.

``live`` is a generator: at every ``yield`` the others may have their turn, the group may rebalance,
or the process may die. So whatever can come between two steps does. The switches of ``Rules`` leave
out one of the rules at a time; a model that does not fail then would prove nothing.
"""

from collections.abc import Generator
from typing import Final

import msgspec

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.keeping.doubts import Doubts
from firstreply.keeping.reading import told_by
from firstreply.state.assembly import Assembly
from firstreply.state.chain import ChunkLog, Ranking
from firstreply.state.chunk import Fingerprint, decode, encode, fingerprint, is_void, order
from firstreply.state.draft import Draft
from firstreply.state.writer import Place, Pointer, Promise, Writer
from tests.model.world import Ack, Brokers, Coordinator
from tests.unit.domain.builders import GRACE

PLACE: Final = Place("events", 0, 1)
SKEW: Final = SECOND
P: Final = PLACE.partition
RECEIVED: Final = "contact_received_total"


class Rules(msgspec.Struct, frozen=True):
    """The rules of the protocol; each can be left out."""

    fence: bool = True
    """Nothing is shown before the group has accepted a commit."""
    silent: bool = True
    """What was restored is not shown before a claim is acknowledged and a commit accepted."""
    asks: bool = True
    """Nothing is claimed before the group has accepted a commit sent after the log was read."""
    told: bool = True
    """The first owner in a new group begins an incarnation; its commits tell the next owners."""
    carries: bool = True
    """What nobody has exported travels with the state; the next owner exports it."""
    takes_back: bool = True
    """After a commit that went unanswered another says that nothing of it was exported."""
    pays: bool = True
    """Whose promise the next owner went by, unheard, exports what it promised, when it is back."""
    hears: bool = True
    """But nothing that the next owner was told nothing of: that one inherits it."""
    lease: bool = True
    """Nothing is shown by whom the group may have given up, and nothing while owning nothing."""
    alone: bool = True
    """Memory is kept only if nobody else has written since; else whoever wrote last keeps it."""
    rank: Ranking = order


class Term(msgspec.Struct, frozen=True):
    """One assignment. The generation is the one it was made in, whatever came since."""

    epoch: int
    member: str
    generation: int


class Hold:
    """A partition in memory."""

    def __init__(self, engine: Engine, writer: Writer) -> None:
        self.engine = engine
        self.writer = writer
        self.pending = Increments()
        """Durable or not, but not published yet."""
        self.begin = engine.offset or 0
        """Where in the input what is pending begins."""
        self.doubtful = False
        """Whether the last commit of a checkpoint was not accepted, as far as it knows."""


class Process:
    """One process of the group.

    Args:
        name: unlike any other's.
        book: its configuration.
        brokers: see ``world``.
        group: see ``world``.
        rules: which rules it follows.
    """

    def __init__(
        self, name: str, book: PolicyBook, brokers: Brokers, group: Coordinator, rules: Rules
    ) -> None:
        self.name = name
        self.book = book
        self.brokers = brokers
        self.group = group
        self.rules = rules
        self.chance = brokers.chance
        self.ahead = 0
        """How far its clock is ahead."""
        self.paused = False
        """Whether it stands still: does nothing, answers nobody, and knows nothing of it."""
        self.reliable = False
        """Whether everything it sends is acknowledged, from now on."""
        self.deaf = False
        """Whether it hears no answer of the group."""
        self.epoch = 0
        self.member = name
        """Its id in the group; another one whenever it joins as one who is not known."""
        self.generation = 0
        self.owns = False
        self.hold: Hold | None = None
        self.ledger: dict[str, int] | None = None
        """The ledger it would export."""
        self.leased = False
        """Whether its last accepted commit is so recent that the group cannot have given it up."""
        self.business = 0
        """``contact_received_total`` as it exports it."""
        self.published: list[tuple[int, int]] = []
        """Spans of the input whose increments it has published."""
        self.doubts = Doubts()
        self.promised = 0
        """How many the group believes exported that are not, or not yet."""
        self.promised_as = Promise(-1, 0, 0)
        """In these words."""
        self.promised_span = (0, 0)
        """Of the input, what the last checkpoint would publish."""
        self.lost = 0
        """What the group believes exported, and was not: the process died, or the group did."""
        self.activity: Generator[None, None, None] = self.live()

    @property
    def shown(self) -> dict[str, int] | None:
        """The ledger as a scraper finds it."""
        return self.ledger if self.leased or not self.rules.lease else None

    # -- what it is told

    def joins_anew(self) -> None:
        """Get another member id."""
        self.member += "'"

    def revoked(self) -> None:
        """Own nothing until the next word of the coordinator."""
        self.epoch += 1
        self.owns = self.leased = False
        self.ledger = self.ledger if not self.rules.lease else None

    def assigned(self, generation: int) -> None:
        """Own the partition in a generation."""
        self.epoch += 1
        self.owns = True
        self.generation = generation

    # -- what it does

    def live(self) -> Generator[None, None, None]:
        """Do one thing after the other."""
        while True:
            yield
            if not self.owns:
                self.pay()
                continue
            term = Term(self.epoch, self.member, self.generation)
            if not (yield from self._take_over(term)):
                continue
            while self.epoch == term.epoch:
                yield
                yield from self.chance.choice((self._fold, self._prove, self._checkpoint))(term)

    def dies(self) -> None:
        """Take with it what it has not exported."""
        self.activity.close()
        self.lost += self.promised

    def pay(self) -> None:
        """As a member that does not own the partition: export what an unheard commit promised."""
        if self.member in self.group.members and self.group.owner != self.member:
            self.hold = None
            self._judge()

    def _judge(self) -> None:
        """Decide by what the group says now; memory holds it no longer."""
        note = self.group.note
        if not self.doubts.open:
            return
        if note is None or note.incarnation != self.promised_as.incarnation:
            self.lost += self.promised  # a new group: nobody knows what the old one was promised
            self.promised = 0
        if not self.rules.hears:
            ours = self.promised_as
            note = Pointer(0, ours.exported, ours.incarnation, ours.generation)
        self.doubts.judge(P, note)
        for _, counted in self.doubts.take_owed():
            if self.rules.pays:
                self.business += received(counted)
                self.published.append(self.promised_span)
                self.promised = 0

    def _take_over(self, term: Term) -> Generator[None, None, bool]:
        hold = self.hold
        if hold is None or hold.writer.link is None or not self._nobody_else_wrote(hold):
            hold = yield from self._restored()
        if not self.rules.silent and hold.writer.tip is not None:
            self._show(hold.writer.tip.ledger)
            self.leased = True
        while self.epoch == term.epoch:
            self.hold = hold
            yield
            hold.doubtful = False
            hold.writer.enter(term.generation, self._incarnation_told(hold))
            first = hold.writer.tip is None
            yield
            # Sent after the log was read: only an accepted commit tells a new group, whose
            # generations begin anew, from an owner who is none any more.
            if self.rules.asks and not first and not self._commits(term, hold):
                continue
            yield
            draft = self._drafted(hold) if first else hold.writer.claim()
            self._encode(draft)
            appended = yield from self._append(hold, draft)
            yield
            if not appended:
                if not self._nobody_else_wrote(hold):
                    hold = yield from self._restored()
                continue
            if not self._commits(term, hold):
                continue
            yield
            if self.epoch == term.epoch:
                self.doubts.settle(P)
                self._show(draft.header.ledger)
                return True
        return False

    def _incarnation_told(self, hold: Hold) -> int | None:
        if self.rules.told:
            return None if self.group.note is None else self.group.note.incarnation
        tip = hold.writer.tip
        return 0 if tip is None else tip.incarnation

    def _nobody_else_wrote(self, hold: Hold) -> bool:
        end = self.brokers.state.end
        if hold.writer.tip is None:
            return False
        since = hold.writer.ours_until
        assert since is not None
        tail = [
            decode(record).header
            for offset, record in self.brokers.state.records.items()
            if since <= offset < end
        ]
        theirs = tail[-1:] if not self.rules.alone else tail
        if any(header.writer != hold.writer.name for header in theirs):
            return False
        hold.writer.found_own(tail, end)
        return True

    def _restored(self) -> Generator[None, None, Hold]:
        self.hold = None
        end = self.brokers.state.end
        yield
        log = ChunkLog(rank=self.rules.rank)
        for offset, record in self.brokers.state.records.items():
            if offset < end:
                log.add(offset, record)
        verdict = log.choose()
        yield
        self._judge()
        name = f"{self.name}.{self.epoch}"
        if verdict.choice is None:
            engine = Engine(self.book, grace=GRACE * SECOND)
            engine.offset = 0
            writer = Writer(PLACE, name, greatest=verdict.greatest, end=end)
            return Hold(engine, writer)
        assembly = Assembly(verdict.choice)
        for _ in assembly:
            pass
        restored, told = assembly.restored, self.group.note
        engine = Engine.resume(restored.standing, restored.store, self.book, grace=GRACE * SECOND)
        for _ in engine.take_places():
            pass
        assert restored.tip.last == self._last(restored.tip.offset)
        inherits = told is not None and told.exported < restored.written.offset
        writer = Writer(
            PLACE,
            name,
            restored=restored,
            greatest=verdict.greatest,
            end=end,
            exported=told.exported if inherits and told is not None else end - 1,
            told=told_by(told),
        )
        hold = Hold(engine, writer)
        if told is None:  # a new group: nobody knows whether the old one exported it
            self.lost += received(restored.uncounted)
        if inherits and self.rules.carries:
            hold.pending.merge(restored.uncounted)
            hold.begin = self.brokers.pending_since[restored.written.writer, restored.written.seq]
        return hold

    def _fold(self, term: Term) -> Generator[None, None, None]:  # noqa: ARG002 - one signature for all
        engine = self._held().engine
        first = engine.offset or 0
        for record in self.brokers.input[first : first + self.chance.randint(1, 12)]:
            engine.receive(record.event, record.timestamp)
            engine.offset = (engine.offset or 0) + 1
        yield

    def _prove(self, term: Term) -> Generator[None, None, None]:
        engine = self._held().engine
        clock = self.brokers.now + self.ahead - SKEW
        yield
        end = len(self.brokers.input)
        yield
        if self.epoch == term.epoch and (engine.offset or 0) >= end:
            engine.proof = clock if engine.proof is None else max(engine.proof, clock)
            engine.advance(clock)

    def _checkpoint(self, term: Term) -> Generator[None, None, None]:
        hold = self._held()
        if hold.doubtful and self.rules.takes_back:
            hold.doubtful = not self._commits(term, hold)
            if not hold.doubtful:
                self.doubts.settle(P)
            yield
            if hold.doubtful:
                return
        hold.pending.merge(hold.engine.take_increments())
        changes = hold.engine.changes()
        draft = self._drafted(hold, changes)
        self._encode(draft)
        counted, hold.pending = hold.pending, Increments()
        yield
        appended = yield from self._append(hold, draft)
        if not appended:
            hold.engine.keep_changes(changes)
        yield
        if self.rules.fence:
            if appended:
                self._promise(hold, counted, draft)
                appended = self._commits(term, hold, exports=received(counted))
                hold.doubtful = not appended
            yield
            appended = appended and self.epoch == term.epoch
        else:
            self.leased = True
        if appended:
            self._publish(hold, counted, draft)
        else:
            counted.merge(hold.pending)
            hold.pending = counted

    def _promise(self, hold: Hold, counted: Increments, draft: Draft) -> None:
        pointer, copy = hold.writer.pointer_exported, Increments()
        assert pointer is not None
        copy.merge(counted)
        self.doubts.promise(P, pointer.promise, copy)
        self.promised_span = (hold.begin, draft.header.offset)
        self.promised_as = pointer.promise

    def _publish(self, hold: Hold, counted: Increments, draft: Draft) -> None:
        self.business += received(counted)
        if draft.header.offset > hold.begin:
            self.published.append((hold.begin, draft.header.offset))
        hold.begin = draft.header.offset
        self.promised = 0
        self.doubts.settle(P)
        hold.writer.exported()
        self._show(draft.header.ledger)

    def _show(self, ledger: dict[str, int]) -> None:
        self.ledger = dict(ledger)

    def _drafted(self, hold: Hold, changes: Changes | None = None) -> Draft:
        draft = hold.writer.checkpoint(
            hold.engine,
            hold.engine.changes() if changes is None else changes,
            last=self._last(hold.engine.offset or 0),
            uncounted=hold.pending,
            minimum=self.chance.choice((0, 3, 1000)),
        )
        self.brokers.pending_since[draft.header.writer, draft.header.seq] = hold.begin
        return draft

    def _last(self, offset: int) -> Fingerprint | None:
        if not offset:
            return None
        record = self.brokers.input[offset - 1]
        value = f"{record.event.contact_id} {record.event.id}".encode()
        return fingerprint(offset - 1, record.timestamp // 1000, None, value)

    def _encode(self, draft: Draft) -> None:
        """Encode, into a drawn number of records: their size depends on the order of a set."""
        for _ in draft.pieces():
            pass
        (whole,) = draft.records
        payload = bytes(decode(whole).payload)
        parts = self.chance.choice((1, 1, 3))
        draft.records = list(encode(draft.header, [payload], max(1, -(-len(payload) // parts))))

    def _append(self, hold: Hold, draft: Draft) -> Generator[None, None, bool]:
        acks: tuple[Ack, ...] = ("acknowledged",) * 6 + ("lost", "unanswered", "late", "cut")
        ack: Ack = "acknowledged" if self.reliable else self.chance.choice(acks)
        offsets = self.brokers.append(draft.records, ack)
        yield
        if offsets is None:
            return False
        if any(is_void(draft.header, part, offset) for part, offset in enumerate(offsets)):
            return False
        hold.writer.acknowledged(draft, offsets)
        return True

    def _commits(self, term: Term, hold: Hold, exports: int | None = None) -> bool:
        """Commit the tip. The lease runs from when it was sent, however late it is answered.

        ``exports`` promises that what was counted up to the tip, so much, will be exported.
        """
        offset = 0 if hold.writer.tip is None else hold.writer.tip.offset
        note = hold.writer.pointer if exports is None else hold.writer.pointer_exported
        assert note is not None
        accepted = self.group.commit(term.member, term.generation, offset, note)
        if accepted:
            self.promised = exports or 0
        told = accepted and not self.deaf and (self.reliable or self.chance.random() < 0.9)
        self.leased = self.leased or told
        return told

    def _held(self) -> Hold:
        assert self.hold is not None
        return self.hold


def received(counted: Increments) -> int:
    """Return how many contacts were counted as received."""
    return sum(amount for (metric, _), amount in counted.counts.items() if metric == RECEIVED)
