"""A sorted index of instants, each with the id of a contact: who comes first, how many until when.

Two lists of chunks run side by side, one of instants and one of ids, so that an entry costs 16
bytes and bisecting compares integers. Entries of one instant stand in the order of their ids: the
order never depends on the order of insertion, and a restored index equals the one that was left.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import Final

_CHUNK: Final = 512
"""Instants in a chunk before it is split: short enough that an insertion moves little memory."""

_RUN: Final = 4096
"""Entries that are sorted in one go: some milliseconds."""


class InstantIndex:
    """A sorted multiset of instants, in chunks. Insertion and removal are O(sqrt n) at worst."""

    def __init__(self) -> None:
        self._chunks: list[array[int]] = []
        self._ids: list[list[str]] = []
        self._lasts: list[tuple[int, str]] = []
        """The last entry of each chunk."""

    def __len__(self) -> int:
        return sum(map(len, self._chunks))

    def add(self, instant: int, contact_id: str) -> None:
        """Insert an entry that is not there yet."""
        if not self._chunks:
            self._chunks.append(array("q", (instant,)))
            self._ids.append([contact_id])
            self._lasts.append((instant, contact_id))
            return
        entry = (instant, contact_id)
        if entry > self._lasts[-1]:  # as most do, since time moves on: half of what the rest takes
            place = len(self._chunks) - 1
            chunk, ids = self._chunks[place], self._ids[place]
            chunk.append(instant)
            ids.append(contact_id)
            self._lasts[place] = entry
        else:
            place = bisect_left(self._lasts, entry)
            position = self._position(place, instant, contact_id)
            chunk, ids = self._chunks[place], self._ids[place]
            chunk.insert(position, instant)
            ids.insert(position, contact_id)
        if len(chunk) > 2 * _CHUNK:
            self._split(place)

    def append(self, entries: Sequence[tuple[int, str]]) -> None:
        """Add entries that are in order and follow all that there are; 1 up to a chunk."""
        instants, ids = zip(*entries, strict=True)
        self._chunks.append(array("q", instants))
        self._ids.append(list(ids))
        self._lasts.append(entries[-1])

    def remove(self, instant: int, contact_id: str) -> None:
        """Remove an entry. Raises KeyError when there is none."""
        place = bisect_left(self._lasts, (instant, contact_id))
        if place < len(self._chunks):
            chunk, ids = self._chunks[place], self._ids[place]
            position = self._position(place, instant, contact_id)
            if chunk[position] == instant and ids[position] == contact_id:
                del chunk[position], ids[position]
                if chunk:
                    self._lasts[place] = (chunk[-1], ids[-1])
                else:
                    del self._chunks[place], self._ids[place], self._lasts[place]
                return
        raise KeyError(instant)

    def first(self) -> int | None:
        """Return the earliest instant."""
        return self._chunks[0][0] if self._chunks else None

    def head(self) -> tuple[int, str]:
        """Return the first entry. Raises IndexError when there is none."""
        return self._chunks[0][0], self._ids[0][0]

    def count_until(self, instant: int) -> int:
        """Return how many are not later than an instant."""
        place = self._first_chunk_after(instant)
        whole = sum(map(len, self._chunks[:place]))
        if place == len(self._chunks):
            return whole
        return whole + bisect_right(self._chunks[place], instant)

    def first_after(self, instant: int) -> int | None:
        """Return the earliest one later than an instant."""
        place = self._first_chunk_after(instant)
        if place == len(self._chunks):
            return None
        chunk = self._chunks[place]
        return chunk[bisect_right(chunk, instant)]

    def until(self, instant: int) -> Iterator[tuple[int, str]]:
        """Yield the entries not later than an instant, the earliest first."""
        for entry in self._from(0):
            if entry[0] > instant:
                return
            yield entry

    def after(self, instant: int) -> Iterator[tuple[int, str]]:
        """Yield the entries later than an instant, the earliest first."""
        place = self._first_chunk_after(instant)
        for entry in self._from(place):
            if entry[0] > instant:
                yield entry

    def _from(self, place: int) -> Iterator[tuple[int, str]]:
        """Yield the entries from a chunk on."""
        for chunk, ids in zip(self._chunks[place:], self._ids[place:], strict=True):
            yield from zip(chunk, ids, strict=True)

    def _first_chunk_after(self, instant: int) -> int:
        """Return the number of the first chunk that has a later instant."""
        return bisect_left(self._lasts, (instant + 1, ""))

    def _position(self, place: int, instant: int, contact_id: str) -> int:
        """Return where in a chunk an entry stands, or belongs."""
        chunk, ids = self._chunks[place], self._ids[place]
        first = bisect_left(chunk, instant)
        if first < len(ids) and ids[first] == contact_id:  # most instants are of one contact
            return first
        return bisect_left(ids, contact_id, first, bisect_right(chunk, instant, first))

    def _split(self, place: int) -> None:
        chunk, ids = self._chunks[place], self._ids[place]
        self._chunks[place : place + 1] = [chunk[:_CHUNK], chunk[_CHUNK:]]
        self._ids[place : place + 1] = [ids[:_CHUNK], ids[_CHUNK:]]
        self._lasts.insert(place, (chunk[_CHUNK - 1], ids[_CHUNK - 1]))


class Unsorted:
    """The entries of an index to be, in any order: put in order piece by piece."""

    def __init__(self) -> None:
        self._instants: array[int] = array("q")
        self._ids: list[str] = []

    def add(self, instant: int, contact_id: str) -> None:
        """Note an entry."""
        self._instants.append(instant)
        self._ids.append(contact_id)

    def fill(self, index: InstantIndex) -> Iterator[None]:
        """Put all into an empty index, with many pauses.

        Four times as fast as inserting one after the other.
        """
        runs = []
        for first in range(0, len(self._ids), _RUN):
            run = slice(first, first + _RUN)
            instants, ids = zip(
                *sorted(zip(self._instants[run], self._ids[run], strict=True)), strict=True
            )
            runs.append(zip(array("q", instants), ids, strict=True))
            yield
        entries = merge(*runs)
        while chunk := list(islice(entries, _CHUNK)):
            index.append(chunk)
            yield
