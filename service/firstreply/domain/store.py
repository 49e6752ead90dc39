"""The keyed store of one partition: contacts by id, in 1,024 shards.

Sharded because one growing dict stalls the event loop: CPython resizes it in one step, 162 ms at
2.8 million keys. The shard is a checksum of the id, not ``hash()``, whose seed differs from process
to process: the order of the shards is equal everywhere, and a shard is also the unit in which the
state log writes what has not changed (``firstreply.state``).
"""

from collections.abc import Iterator
from typing import Final
from zlib import crc32

from firstreply.domain.contact import Contact

SHARDS: Final = 1024
"""Part of the state log's format: each of its records says how many there are."""


def shard_of(contact_id: str) -> int:
    """Return the number of the shard that an id belongs to, in every process."""
    # "surrogatepass": JSON may carry a lone surrogate, which strict UTF-8 refuses.
    return crc32(contact_id.encode("utf-8", "surrogatepass")) % SHARDS


class ContactStore:
    """A mapping of contact id to contact."""

    def __init__(self) -> None:
        self._shards: tuple[dict[str, Contact], ...] = tuple({} for _ in range(SHARDS))
        self._count = 0
        """Kept, because adding up the shards takes longer than folding an event."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Contact]:
        for shard in self._shards:
            yield from shard.values()

    def shards(self) -> Iterator[list[Contact]]:
        """Yield the contacts of each shard."""
        for shard in self._shards:
            yield list(shard.values())

    def shard(self, number: int) -> list[Contact]:
        """Return the contacts of one shard."""
        return list(self._shards[number].values())

    def size(self, number: int) -> int:
        """Return how many contacts a shard holds."""
        return len(self._shards[number])

    def clear(self, number: int) -> None:
        """Empty a shard."""
        self._count -= len(self._shards[number])
        self._shards[number].clear()

    def __getitem__(self, contact_id: str) -> Contact:
        """Return a contact that is there."""
        return self._shard(contact_id)[contact_id]

    def get(self, contact_id: str) -> Contact | None:
        """Return a contact, or None."""
        return self._shard(contact_id).get(contact_id)

    def add(self, contact: Contact) -> None:
        """Put a contact in place; one of the same id gives way."""
        shard = self._shard(contact.contact_id)
        self._count += contact.contact_id not in shard
        shard[contact.contact_id] = contact

    def discard(self, contact_id: str) -> None:
        """Remove a contact if it is there."""
        if self._shard(contact_id).pop(contact_id, None) is not None:
            self._count -= 1

    def remove(self, contact_id: str) -> None:
        """Remove a contact that is there."""
        del self._shard(contact_id)[contact_id]
        self._count -= 1

    def _shard(self, contact_id: str) -> dict[str, Contact]:
        return self._shards[shard_of(contact_id)]
