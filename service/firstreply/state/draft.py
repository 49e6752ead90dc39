"""One checkpoint in the making: the contacts of a consistent cut, encoded piece by piece.

The cut is taken when the draft is made: from then until ``pieces`` has come to its end nothing of
the partition may be folded and no timer fired (checked). After that the records are plain bytes,
and folding may go on while they are appended.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from firstreply.domain.bands import Policy
from firstreply.domain.engine import Changes, Engine
from firstreply.domain.increments import Increments
from firstreply.domain.store import ContactStore, shard_of
from firstreply.state.body import (
    PIECE,
    FrameKind,
    policies_frame,
    removed_frame,
    rows_frame,
    uncounted_frames,
)
from firstreply.state.chunk import Header, encode, shards_of
from firstreply.state.window import Window

_Item = TypeVar("_Item")


class Draft:
    """Iterate ``pieces`` to its end, append ``records`` in order, tell the writer their offsets."""

    def __init__(
        self,
        header: Header,
        frames: Iterable[bytes],
        *,
        limit: int,
        window: Window,
        policies: frozenset[str],
    ) -> None:
        self.header = header
        self.window = window
        """The checkpoints this one's state needs beside it."""
        self.policies = policies
        """Digests of those it carries."""
        self.records: list[bytes] = []
        """Complete once ``pieces`` has come to its end."""
        self._frames = frames
        self._limit = limit

    def pieces(self) -> Iterator[None]:
        """Encode; whoever shares the event loop may have a turn at each step."""
        frames = []
        for frame in self._frames:
            frames.append(frame)
            yield
        for record in encode(self.header, frames, self._limit):
            self.records.append(record)
            yield

    @property
    def size(self) -> int:
        """Bytes of all records."""
        return sum(map(len, self.records))


def frames_of(
    engine: Engine,
    changes: Changes,
    header: Header,
    policies: dict[str, Policy],
    uncounted: Increments,
) -> Iterator[bytes]:
    """Encode what a checkpoint carries. A frame may be empty: a pause and no more."""
    if policies:
        yield policies_frame(policies)
    if uncounted:
        yield from uncounted_frames(uncounted)
    base = frozenset(shards_of(header))
    for frame in _frames(engine.store, changes, base):
        yield frame
        if not engine.unchanged:
            msg = "a contact changed while its checkpoint was encoded: fold afterwards"
            raise RuntimeError(msg)


def _frames(store: ContactStore, changes: Changes, base: frozenset[int]) -> Iterator[bytes]:
    for ids in _batches(changes.dirty):
        changed = store.rows_of(ids, outside=base)
        yield rows_frame(FrameKind.CHANGED, changed) if changed else b""
    for ids in _batches(changes.removed):
        removed = [one for one in ids if shard_of(one) not in base]
        yield removed_frame(removed) if removed else b""
    for rows in _batches(row for number in base for row in store.rows(number)):
        yield rows_frame(FrameKind.BASE, rows)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    left = iter(items)
    while batch := list(islice(left, PIECE)):
        yield batch
