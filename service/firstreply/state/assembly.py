"""The state of a chain: applies its checkpoints, the oldest first, piece by piece.

A base replaces all that its shards hold; what changed is put over, what was removed is taken away.
Contacts stay the rows that they are, but each row is read once, to see that it can be. At the end
every contact's policy must be there, and as many contacts as the tip says: whatever the writer or
the log did wrong is found here, before an engine goes on with it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from firstreply.domain.increments import Increments
from firstreply.domain.packing import read
from firstreply.domain.snapshot import Standing
from firstreply.domain.store import ContactStore
from firstreply.state.body import (
    Frame,
    FrameKind,
    frames,
    read_policies,
    read_removed,
    read_rows,
    read_uncounted,
)
from firstreply.state.chunk import DamagedChunkError, Header, Link, shards_of
from firstreply.state.stored import Choice, Stored
from firstreply.state.window import Slice, Window

if TYPE_CHECKING:
    from firstreply.domain.bands import Policy


class Restored(msgspec.Struct, frozen=True):
    """A state to go on from."""

    tip: Header
    link: Link
    """Of the tip: what the next checkpoint names as its parent."""
    standing: Standing
    store: ContactStore
    window: Window
    """The checkpoints the state was made of."""
    uncounted: Increments
    """What nobody had exported when the last checkpoint was written."""
    written: Link
    """That checkpoint: the tip, or what the tip claims."""


class SpoiledChainError(DamagedChunkError):
    """A checkpoint cannot be read after all: ``ChunkLog.spoil`` it and choose again."""

    def __init__(self, link: Link, why: str) -> None:
        super().__init__(why)
        self.link = link


class Assembly:
    """Iterate it to the end, with a pause for others at each step; then take ``restored``.

    Each step yields the bytes done so far, out of ``choice.size``. Raises SpoiledChainError.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._store = ContactStore()
        self._policies: dict[str, Policy] = {}
        self._named: set[str] = set()
        """Digests of the policies that contacts name, also what they were before they changed."""
        self._slices: list[Slice] = []
        self._uncounted = Increments()
        self._written = choice.chunks[-1].link
        self._restored: Restored | None = None

    @property
    def restored(self) -> Restored:
        """The state. Only after the iteration has come to its end."""
        if self._restored is None:
            msg = "the state is not assembled yet"
            raise RuntimeError(msg)
        return self._restored

    def __iter__(self) -> Iterator[int]:
        """Apply the checkpoints."""
        done = 0
        chunk = self._choice.chunks[-1]
        try:
            for chunk in self._choice.chunks:
                for size in self._apply(chunk):
                    done += size
                    yield done
            chunk = self._choice.chunks[-1]
            self._finish()
        except DamagedChunkError as error:
            raise SpoiledChainError(chunk.link, str(error)) from error

    def _apply(self, chunk: Stored) -> Iterator[int]:
        shards = frozenset(shards_of(chunk.header))
        for number in shards:
            if self._store.size(number):
                self._store.clear(number)
                yield 0  # to free 100,000 contacts takes 70 ms
        parts = [chunk.payloads[part] for part in range(chunk.header.parts)]
        policies: set[str] = set()
        if chunk.header.kind == "checkpoint":
            self._uncounted, self._written = Increments(), chunk.link
        for frame in frames(parts):
            if frame.kind is FrameKind.POLICIES:
                told = read_policies(frame)
                policies.update(told)
                self._policies.update(told)
            elif frame.kind is FrameKind.UNCOUNTED:
                self._uncounted.merge(read_uncounted(frame))
            else:
                self._put(frame)
            yield len(frame.packed)
        self._slices.append(Slice(chunk.begin, shards, frozenset(policies)))

    def _put(self, frame: Frame) -> None:
        if frame.kind is FrameKind.REMOVED:
            for contact_id in read_removed(frame):
                self._store.discard(contact_id)
        else:
            for contact_id, row in read_rows(frame):
                try:
                    self._named.add(read(row).policy)
                except (msgspec.MsgspecError, UnicodeError) as error:
                    msg = f"its contact {contact_id!r} cannot be read: {error}"
                    raise DamagedChunkError(msg) from error
                self._store.load(contact_id, row)

    def _finish(self) -> None:
        tip = self._choice.tip
        if self._named - self._policies.keys() - {""}:  # "": not started, so nothing is pinned
            # Seldom: contacts that have changed or gone since may have named what is not kept.
            self._named = {contact.policy for contact in self._store}
        unknown = self._named - self._policies.keys() - {""}
        if unknown:
            msg = f"contacts name policies that the chain does not have: {', '.join(unknown)}"
            raise DamagedChunkError(msg)
        if len(self._store) != tip.tracked:
            msg = f"the chain gives {len(self._store)} contacts, and {tip.tracked} were written"
            raise DamagedChunkError(msg)
        policies = {digest: self._policies[digest] for digest in sorted(self._named - {""})}
        standing = Standing(tip.log_time, tip.offset, tip.proof, tip.ledger, policies)
        link = self._choice.chunks[-1].link
        self._restored = Restored(
            tip=tip,
            link=link,
            standing=standing,
            store=self._store,
            window=Window(self._slices),
            uncounted=self._uncounted,
            written=self._written,
        )
