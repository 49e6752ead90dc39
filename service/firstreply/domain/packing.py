"""A contact at rest: one row of bytes instead of an object and all that it points to.

The same row lies in memory and in the state log, so that neither a checkpoint nor a restore makes
objects of contacts that nobody asked for (decision 0012). A row does not say its contact's id,
which is the key that it is stored under.

A row is the fields of ``domain.row.Row`` in msgpack, as an array, without those at its end that are
None. Later versions must be able to read it: fields are only ever appended, None stands for what a
contact has by default, and no field changes its meaning. What most contacts have in common is said
shortly: most instants lie near the first message, and are differences to it; ids of events are
mostly uuids, of 16 bytes each; outcomes are mostly charged to the queue that the contact is in.

msgpack is UTF-8, which has no lone surrogates, but an id, a channel or a reason may carry one: JSON
can. A row with such a text has all its texts as bytes, behind a zero, which begins no other row.
"""

from struct import unpack as unpack_struct
from typing import Final

import msgspec

from firstreply.domain.contact import Contact, Counted, current_queue
from firstreply.domain.instants import BEFORE_ALL
from firstreply.domain.row import OUTCOMES, PHASES, Row

_PHASE_CODES: Final = {phase: code for code, phase in enumerate(PHASES)}
_OUTCOME_CODES: Final = {outcome: code for code, outcome in enumerate(OUTCOMES)}

_HOSTILE: Final = b"\0"
"""Begins a row whose texts are bytes."""

_IDS: Final = Row.__struct_fields__.index("recent_ids")

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Row)


def pack(contact: Contact) -> bytes:
    """Return the row of a contact."""
    inbound, named, start = contact.inbound, contact.named, contact.start
    queued, reply_since = contact.queued, contact.reply_since
    base = 0 if inbound is None else inbound[0]
    outcomes, charged = (None, None) if contact.outcomes is None else _outcome_codes(contact)
    row = [
        _PHASE_CODES[contact.phase],
        inbound,
        named if named is None or named != inbound else True,
        None if start is None else start - base,
        contact.policy,
        contact.received,
        contact.queues or None,
        _as_uuids(contact.recent_ids),
        contact.once,
        None if contact.known_at == BEFORE_ALL else contact.known_at - base,
        None if contact.touched == BEFORE_ALL else contact.touched - base,
        contact.timer,
        None if contact.waits_in is None else _short_seat(contact),
        None if queued is None else queued - base,
        outcomes,
        charged,
        None if contact.lapsed == BEFORE_ALL else contact.lapsed,
        contact.responses or None,
        None if contact.last_response == BEFORE_ALL else contact.last_response - base,
        contact.latency,
        None if contact.settled_as is None else _PHASE_CODES[contact.settled_as],
        contact.closes or None,
        None if contact.last_end == BEFORE_ALL else contact.last_end - base,
        None if reply_since is None else reply_since - base,
        contact.reply_waits_in,
        contact.automatic or None,
        contact.abandonments or None,
        contact.excluding or None,
        contact.excluded,
    ]
    while row[-1] is None:
        row.pop()
    packed = bytearray()
    try:
        _encoder.encode_into(row, packed)
    except UnicodeEncodeError:
        row[_IDS] = contact.recent_ids  # all bytes are texts where a text is hostile
        return _HOSTILE + _encoder.encode(_as_bytes(row))
    # What ``encode`` returns keeps all of its buffer: 130 bytes more for a row of 260.
    return bytes(packed)


def read(row: bytes) -> Row:
    """Return what a row says. Raises ``msgspec.MsgspecError`` or UnicodeError if it is none."""
    if not row.startswith(_HOSTILE):
        return _decoder.decode(row)
    try:
        return msgspec.convert(_as_text(msgspec.msgpack.decode(row[1:])), Row)
    except (TypeError, RecursionError) as error:  # an array as a key, arrays within arrays
        raise msgspec.ValidationError(str(error)) from error


def base_of(says: Row) -> int:
    """Return what the differences of a row are added to."""
    inbound = says.inbound
    return 0 if inbound is None else inbound[0]


def queue_of(says: Row) -> str | None:
    """Return the queue of the latest change, as the producer wrote it."""
    queues = says.queues
    return queues[-1][2] if queues else None


def unpack(contact_id: str, row: bytes) -> Contact:
    """Return a contact equal to the one that was packed."""
    says = read(row)
    inbound, base = says.inbound, base_of(says)
    start, queued, reply_since = says.start, says.queued, says.reply_since
    ids = says.recent_ids
    contact = Contact(
        contact_id,
        inbound,
        inbound if says.named is True else says.named or None,
        None if queued is None else queued + base,
        says.responses or (),
        says.automatic or (),
        says.abandonments or (),
        says.closes or (),
        says.excluding or (),
        says.excluded,
        says.queues or (),
        BEFORE_ALL if says.last_response is None else says.last_response + base,
        BEFORE_ALL if says.last_end is None else says.last_end + base,
        PHASES[says.phase],
        None if start is None else start + base,
        says.policy,
        BEFORE_ALL if says.known_at is None else says.known_at + base,
        BEFORE_ALL if says.lapsed is None else says.lapsed,
        BEFORE_ALL if says.touched is None else says.touched + base,
        _from_uuids(ids) if isinstance(ids, bytes) else ids,
        says.received,
        None if says.outcomes is None else _outcomes(says),
        says.latency,
        None if says.settled_as is None else PHASES[says.settled_as],
        says.once,
        None if reply_since is None else reply_since + base,
        None,
        says.reply_waits_in,
        says.timer,
    )
    seat = says.waits_in
    if isinstance(seat, tuple):
        contact.waits_in = seat
    elif seat is not None:
        contact.waits_in = _seat(contact, seat if isinstance(seat, str) else queue_of(says))
    return contact


_Seat = tuple[tuple[str, str], str, int]


def _short_seat(contact: Contact) -> str | bool | _Seat | None:
    seat = contact.waits_in
    if seat is None or seat != _seat(contact, seat[0][1]):
        return seat
    queue = seat[0][1]
    return True if queue == current_queue(contact) else queue


def _seat(contact: Contact, queue: str | None) -> _Seat | None:
    if contact.received is None or contact.start is None or queue is None:
        return None
    return (contact.received[0], queue), contact.policy, contact.start


def _outcome_codes(contact: Contact) -> tuple[dict[str, int], dict[str, str] | None]:
    outcomes, usual = contact.outcomes or {}, current_queue(contact)
    codes = {band: _OUTCOME_CODES[counted.outcome] for band, counted in outcomes.items()}
    charged = {band: one.queue for band, one in outcomes.items() if one.queue != usual}
    return codes, charged or None


def _outcomes(says: Row) -> dict[str, Counted]:
    usual, charged = queue_of(says) or "", says.charged or {}
    return {
        band: Counted(OUTCOMES[code], charged.get(band, usual))
        for band, code in (says.outcomes or {}).items()
    }


def _as_uuids(ids: tuple[str, ...]) -> bytes | tuple[str, ...]:
    """Return ids as 16 bytes each, where all are uuids in their usual form."""
    for one in ids:
        if len(one) != 36 or one[8:24:5] != "----":
            return ids
    digits = "".join(ids).replace("-", "")
    if len(digits) != 32 * len(ids):
        return ids
    try:
        raw = bytes.fromhex(digits)
    except ValueError:
        return ids
    return raw if raw.hex() == digits else ids


def _from_uuids(raw: bytes) -> tuple[str, ...]:
    # In one go for all: half of what slicing one after the other takes.
    count = len(raw) // 16
    if not count:
        return ()
    parts = unpack_struct("8s4s4s4s12s" * count, raw[: 16 * count].hex().encode())
    return tuple((b"%b-%b-%b-%b-%b\n" * count % parts).decode().split())


def _as_bytes(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case dict():
            return {_as_bytes(key): _as_bytes(one) for key, one in value.items()}
        case list() | tuple():
            return [_as_bytes(one) for one in value]
        case _:
            return value


def _as_text(value: object) -> object:
    match value:
        case bytes():
            return value.decode("utf-8", "surrogatepass")
        case dict():
            return {_as_text(key): _as_text(one) for key, one in value.items()}
        case list() | tuple():
            return [_as_text(one) for one in value]
        case _:
            return value
