"""A contact at rest: one row of bytes instead of an object and all that it points to.

A row has the fields of a contact in their order, without their names and without the id, which is
the key that the row is stored under. It never leaves the process: the state log has a form of its
own (``domain.snapshot``), which later versions can read.
"""

import msgspec
from msgspec.structs import astuple

from firstreply.domain.contact import Contact
from firstreply.domain.instants import BEFORE_ALL


class _Row(Contact, array_like=True, gc=False):
    """A contact in the form of an array."""


_NEVER = tuple(
    place for place, default in enumerate(Contact.__struct_defaults__, 1) if default is BEFORE_ALL
)
"""Places of the instants that stand for never until there is one."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Row)


def pack(contact: Contact) -> bytes | None:
    """Return a row; None for the few contacts with texts that UTF-8 cannot express."""
    try:
        return _encoder.encode(("", *astuple(contact)[1:]))
    except UnicodeEncodeError:
        return None


def unpack(contact_id: str, row: bytes) -> Contact:
    """Return a contact equal to the one that was packed under this id."""
    fields = [contact_id, *astuple(_decoder.decode(row))[1:]]
    for place in _NEVER:
        if fields[place] == BEFORE_ALL:
            fields[place] = BEFORE_ALL  # the very one: the state log leaves out what is a default
    return Contact(*fields)
