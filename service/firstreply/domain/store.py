"""The keyed store of one partition: contacts by id, in 1,024 shards.

Sharded because one growing dict stalls the event loop: CPython resizes it in one step, 162 ms at
2.8 million keys. The shard is a checksum of the id, not ``hash()``, whose seed differs from process
to process: the order of the shards is equal everywhere, and a shard is also the unit in which the
state log writes what has not changed (``firstreply.state``).

Most contacts are silent: they wait, or are kept for late events. Those that were last asked for are
*awake*, objects that their owner may change; the others rest as rows of bytes, at a fifth of the
memory (decision 0011). Asking for one wakes it, and lets the one that has been awake the longest go
to rest.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final
from zlib import crc32

from firstreply.domain.contact import Contact
from firstreply.domain.packing import pack, unpack

SHARDS: Final = 1024
"""Part of the state log's format: each of its records says how many there are."""

AWAKE = 20_000
"""Contacts of a partition that are kept as objects: about 40 MB.

Not ``Final``: what is final stands in the compiled code, and the tests let all but one rest."""


def shard_of(contact_id: str) -> int:
    """Return the number of the shard that an id belongs to, in every process."""
    # "surrogatepass": JSON may carry a lone surrogate, which strict UTF-8 refuses.
    return crc32(contact_id.encode("utf-8", "surrogatepass")) % SHARDS


class ContactStore:
    """A mapping of contact id to contact.

    What ``get`` and ``[]`` return may be changed until a row is asked for, or ``AWAKE`` others
    were; what is iterated over is only to be read.
    """

    def __init__(self) -> None:
        self._shards: tuple[dict[str, Contact | bytes], ...] = tuple({} for _ in range(SHARDS))
        self._count = 0
        """Kept, because adding up the shards takes longer than folding an event."""
        self._awake: OrderedDict[str, Contact] = OrderedDict()
        """In the order of waking."""
        self._packed: dict[str, bytes] = {}
        """Rows of some who are awake, and were not asked for since: they have not changed. A
        checkpoint packs who changed, and neither the next ones nor going to rest does so again."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Contact]:
        for shard in self._shards:
            yield from [_contact(contact_id, kept) for contact_id, kept in shard.items()]

    def rows(self, number: int) -> list[tuple[str, bytes]]:
        """Return the contacts of one shard: id and row."""
        return [(contact_id, self._row(kept)) for contact_id, kept in self._shards[number].items()]

    def size(self, number: int) -> int:
        """Return how many contacts a shard holds."""
        return len(self._shards[number])

    def clear(self, number: int) -> None:
        """Empty a shard."""
        for contact_id in [*self._shards[number]]:
            self.remove(contact_id)

    def __getitem__(self, contact_id: str) -> Contact:
        """Return a contact that is there."""
        contact = self.get(contact_id)
        if contact is None:
            raise KeyError(contact_id)
        return contact

    def get(self, contact_id: str) -> Contact | None:
        """Return a contact, or None."""
        awake = self._awake.get(contact_id)
        if awake is not None:
            self._packed.pop(contact_id, None)
            return awake
        shard = self._shard(contact_id)
        row = shard.get(contact_id)
        if not isinstance(row, bytes):  # whoever is no row is awake
            return row
        # Under the very text that the indexes will have, which is the contact's: one, not two.
        del shard[contact_id]
        contact = shard[contact_id] = unpack(contact_id, row)
        self._wake(contact)
        return contact

    def peek(self, contact_id: str) -> Contact | None:
        """Return a contact only to be read, or None; wakes nobody."""
        kept = self._shard(contact_id).get(contact_id)
        return None if kept is None else _contact(contact_id, kept)

    def rows_of(self, ids: Iterable[str], outside: frozenset[int]) -> list[tuple[str, bytes]]:
        """Return those of some contacts that are there, but in none of some shards: id and row."""
        rows = []
        for contact_id in ids:
            number = shard_of(contact_id)
            kept = None if number in outside else self._shards[number].get(contact_id)
            if kept is not None:
                rows.append((contact_id, self._row(kept)))
        return rows

    def add(self, contact: Contact) -> None:
        """Put a contact in place; one of the same id gives way."""
        shard = self._shard(contact.contact_id)
        self._count += contact.contact_id not in shard
        shard[contact.contact_id] = contact
        self._wake(contact)

    def load(self, contact_id: str, row: bytes) -> None:
        """Put a contact in place, at rest; one of the same id gives way."""
        shard = self._shard(contact_id)
        if contact_id in shard:
            self._forget(contact_id)
        else:
            self._count += 1
        shard[contact_id] = row

    def discard(self, contact_id: str) -> None:
        """Remove a contact if it is there."""
        if contact_id in self._shard(contact_id):
            self.remove(contact_id)

    def remove(self, contact_id: str) -> None:
        """Remove a contact that is there."""
        del self._shard(contact_id)[contact_id]
        self._forget(contact_id)
        self._count -= 1

    def _wake(self, contact: Contact) -> None:
        """Note that a contact is an object; who has been one for the longest goes to rest."""
        self._awake[contact.contact_id] = contact
        self._packed.pop(contact.contact_id, None)
        if len(self._awake) > AWAKE:
            contact_id, rests = self._awake.popitem(last=False)
            row = self._packed.pop(contact_id, None)
            self._shard(contact_id)[contact_id] = pack(rests) if row is None else row

    def _forget(self, contact_id: str) -> None:
        """Note that a contact is awake no longer."""
        self._awake.pop(contact_id, None)
        self._packed.pop(contact_id, None)

    def _row(self, kept: Contact | bytes) -> bytes:
        if isinstance(kept, bytes):
            return kept
        row = self._packed.get(kept.contact_id)
        if row is None:
            row = self._packed[kept.contact_id] = pack(kept)
        return row

    def _shard(self, contact_id: str) -> dict[str, Contact | bytes]:
        return self._shards[shard_of(contact_id)]


def _contact(contact_id: str, kept: Contact | bytes) -> Contact:
    return unpack(contact_id, kept) if isinstance(kept, bytes) else kept
