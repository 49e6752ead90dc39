"""What one hold on a partition writes to the state log: claims and checkpoints.

A checkpoint carries the contacts that changed, the ids that are no longer kept, and the next shards
of the *base*, whole: as many as hold no fewer contacts than changed, in a ring. So a restore reads
about two states' worth of bytes, however long the log; a small state is whole in every checkpoint;
and each contact is written anew within one rotation, well before retention takes the old copy.
Every policy in use is within each rotation too.

What could not be appended, or may or may not have been, is simply drafted again: the next draft
names the same parent, and whichever is in the log will do.

A claim repeats the tip under our own generation: from then on it beats whatever an earlier owner,
who may not know yet that it is none, still appends. Nothing restored is shown before it is
acknowledged and a group commit was accepted.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.increments import Increments
from firstreply.domain.store import SHARDS, ContactStore
from firstreply.state.assembly import Restored
from firstreply.state.chunk import FOLD, Fingerprint, Header, Link, order, shards_of
from firstreply.state.draft import Draft, frames_of
from firstreply.state.window import Slice, Window

LIMIT: Final = 900_000
"""Bytes of a body in one record: below the 1 MB that brokers accept unless told otherwise."""


class Place(msgspec.Struct, frozen=True):
    """The partition whose state is written."""

    topic: str
    partition: int
    partitions: int
    """How many the topic has: a contact lies in another partition when that changes."""


class Promise(msgspec.Struct, frozen=True):
    """What an owner said in a commit of what is exported."""

    exported: int
    """Offset up to which all that the log has counted is exported; -1 for nothing."""
    incarnation: int
    generation: int


class Pointer(msgspec.Struct, frozen=True):
    """Where to begin to read the state log; may travel with the group commit."""

    begin: int
    """Offset of the first record that the tip's state needs."""
    exported: int
    """Offset up to which all that the log has counted is exported; -1 for nothing."""
    incarnation: int
    generation: int
    told: tuple[Promise, ...] = ()
    """The promises that owners went by when they took over, the last ones, in order: the owner
    whose pointer this is went by the last of them, and exports nothing that it covers."""

    @property
    def promise(self) -> Promise:
        """What this one says of what is exported."""
        return Promise(self.exported, self.incarnation, self.generation)


class Writer:
    """One hold on a partition, from its assignment to its end.

    Args:
        place: the partition.
        name: of this hold, unlike any other's; hex of a uuid.
        restored: the state it goes on from; None begins a new chain, whose first checkpoint is
            whole and does a claim's work.
        greatest: of the log (``chain.Verdict``): what is written here must beat it, also where the
            state that it belongs to is lost and a new chain begins.
        end: of the log, up to where it was read before; see ``ours_until``. None: nobody else can
            write.
        exported: offset in the log up to which all that was counted is exported.
        told: promises that owners went by, ours the last; see ``Pointer``.
        limit: bytes of a body in one record.
    """

    def __init__(  # noqa: PLR0913 - all but two keyword-only
        self,
        place: Place,
        name: str,
        *,
        restored: Restored | None = None,
        greatest: Header | None = None,
        end: int | None = None,
        exported: int = -1,
        told: tuple[Promise, ...] = (),
        limit: int = LIMIT,
    ) -> None:
        self._place = place
        self._name = name
        self._limit = limit
        self._seq = 0
        self._greatest = greatest
        self._tip = None if restored is None else restored.tip
        self._link = None if restored is None else restored.link
        self._window = Window() if restored is None else restored.window
        self._ours_until = end
        self._exported = exported
        self._told = told
        self._generation = 0
        self._incarnation = 0

    @property
    def name(self) -> str:
        """Of this hold."""
        return self._name

    @property
    def incarnation(self) -> int:
        """What all that is written in this term carries, and the note of each commit too."""
        return self._incarnation

    @property
    def tip(self) -> Header | None:
        """The last checkpoint acknowledged, or restored."""
        return self._tip

    @property
    def link(self) -> Link | None:
        """Where the tip lies."""
        return self._link

    @property
    def ours_until(self) -> int | None:
        """The end of the log up to which nobody else wrote since it was read.

        If whatever follows is our own too when the partition comes back, our memory is its state.
        That our tip is the last record is not enough: a zombie's own append hides what a new owner
        wrote before it.
        """
        return self._ours_until

    @property
    def pointer(self) -> Pointer | None:
        """Where to begin to read for the tip's state; None before anything was acknowledged."""
        begin = self._window.begin
        if self._tip is None or self._link is None or begin is None:
            return None
        return Pointer(begin, self._exported, self._incarnation, self._generation, self._told)

    @property
    def pointer_exported(self) -> Pointer | None:
        """The same for a commit with which all up to the tip counts as exported."""
        pointer = self.pointer
        if pointer is None or self._link is None:
            return None
        return msgspec.structs.replace(pointer, exported=self._link.offset)

    def exported(self) -> None:
        """Note that such a commit was accepted."""
        if self._link is not None:
            self._exported = self._link.offset

    def enter(self, generation: int, told: int | None) -> None:
        """Begin a term: an assignment, in one generation of the group.

        Generations rise from owner to owner, but begin anew with a group that was deleted or has
        expired; and an owner of before may still append under a high one. So a group without a
        commit of ours is a new one, and writes in an incarnation above all of the log; its commits
        tell the next owner, even where the claim itself was never written.

        Args:
            generation: of the group, in the epoch that the commits will be made in.
            told: incarnation in the note of the group's commit; None if it has none.
        """
        known = [one for one in (self._tip, self._greatest) if one is not None]
        latest = max(known, key=lambda one: (one.incarnation, one.generation), default=None)
        self._generation = generation
        if latest is None:
            self._incarnation = told or 0
        elif told is None or (told <= latest.incarnation and generation <= latest.generation):
            self._incarnation = latest.incarnation + 1
        else:
            self._incarnation = max(told, latest.incarnation)

    def found_own(self, headers: Sequence[Header], end: int) -> None:
        """Note what of ours lies in the log up to ``end`` beside what was acknowledged."""
        known = [*headers, *filter(None, (self._greatest,))]
        self._greatest = max(known, key=order, default=None)
        self._ours_until = end

    def claim(self) -> Draft:
        """Draft a claim on the tip: nothing changes but whose it is.

        After a restore, and whenever the partition came back in a new generation and nobody else
        wrote meanwhile: what was folded since the tip stays for the next checkpoint.

        Only after the group has accepted a commit of ours, in this generation, sent after the log
        was read: nothing else tells a group begun anew, whose generations are low again, from an
        owner who is none any more, and whose claim must not beat the true one's.

        Raises:
            RuntimeError: there is no tip; the first checkpoint is whole and does a claim's work.
        """
        tip = self._tip
        if tip is None:
            msg = "there is nothing to claim yet"
            raise RuntimeError(msg)
        header = msgspec.structs.replace(
            tip,
            fold=FOLD,
            writer=self._name,
            seq=self._next_seq(),
            parent=self._link,
            kind="claim",
            incarnation=self._incarnation,
            generation=self._generation,
            base_first=self._cursor(),
            base_count=0,
            read_to=None if self._incarnation == tip.incarnation else self._ours_until,
        )
        return Draft(header, (), limit=self._limit, window=self._window, policies=frozenset())

    def checkpoint(
        self,
        engine: Engine,
        changes: Changes,
        *,
        last: Fingerprint | None,
        minimum: int,
        uncounted: Increments | None = None,
    ) -> Draft:
        """Draft a checkpoint of the engine as it is now; nothing may fold until it is encoded.

        Args:
            engine: of the partition; its offset is N.
            changes: all since the last acknowledged checkpoint.
            last: what the record N - 1 was; None when none was folded yet.
            minimum: contacts of the base to write at least, so that a rotation ends in time even
                when nothing changes.
            uncounted: what nobody has exported yet; only read.
        """
        standing = engine.standing()
        first = self._cursor()
        count = self._base_count(engine.store, first, max(len(changes.dirty), minimum))
        header = Header(
            fold=FOLD,
            topic=self._place.topic,
            partition=self._place.partition,
            partitions=self._place.partitions,
            writer=self._name,
            seq=self._next_seq(),
            part=0,
            parts=1,
            parent=self._link,
            kind="checkpoint",
            incarnation=self._incarnation,
            generation=self._generation,
            offset=standing.offset or 0,
            last=last,
            log_time=standing.log_time,
            proof=standing.proof,
            ledger=standing.ledger,
            tracked=len(engine.store),
            shards=SHARDS,
            base_first=first,
            base_count=count,
            read_to=self._ours_until if self._tip is None else None,
        )
        window = self._window.needed_with(shards_of(header))
        policies = {
            digest: policy
            for digest, policy in standing.policies.items()
            if digest not in window.policies
        }
        return Draft(
            header,
            frames_of(engine, changes, header, policies, uncounted or Increments()),
            limit=self._limit,
            window=window,
            policies=frozenset(policies),
        )

    def acknowledged(self, draft: Draft, offsets: Sequence[int]) -> None:
        """Note that all records of a draft are durable: it is the tip now.

        Args:
            draft: the last one made; of earlier ones that may have been appended nothing is needed.
            offsets: of its records, in order.
        """
        if draft.header.parent != self._link or len(offsets) != len(draft.records):
            msg = f"checkpoint {draft.header.seq} does not follow the tip, or is not whole"
            raise RuntimeError(msg)
        shards = frozenset(shards_of(draft.header))
        self._window = draft.window.followed_by(Slice(min(offsets), shards, draft.policies))
        undisturbed = list(offsets) == list(range(offsets[0], offsets[0] + len(offsets)))
        if undisturbed and offsets[0] == self._ours_until:
            self._ours_until = offsets[-1] + 1
        self._link = Link(offsets[-1], self._name, draft.header.seq)
        self._tip = draft.header

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq - 1

    def _cursor(self) -> int:
        tip = self._tip
        return 0 if tip is None else (tip.base_first + tip.base_count) % SHARDS

    def _base_count(self, store: ContactStore, first: int, wanted: int) -> int:
        """Return how many shards from ``first`` on hold as many contacts as wanted, at least one.

        Empty shards that follow cost nothing and bring the end of the rotation nearer.
        """
        if self._tip is None:
            return SHARDS
        held = 0
        for count in range(SHARDS):
            size = store.size((first + count) % SHARDS)
            if size and held >= max(wanted, 1):
                return count
            held += size
        return SHARDS
