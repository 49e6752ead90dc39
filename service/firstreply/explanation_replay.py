"""Explains one contact from recorded events: all are read, those of one contact are folded.

The same fold and engine as a replay, but every other contact only moves the log clock. Contacts
never touch each other, so the one that is left ends as it does in a whole replay (a test compares
the two), and memory holds one contact however long the log is. On the way its events are noted with
their place, and what each of them corrected. Reads no clock.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec.structs import replace

from firstreply.domain.contact import Contact
from firstreply.domain.events import ContactEvent
from firstreply.domain.increments import Increments
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL, to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.explanation import Explanation, Place, SeenEvent, explain
from firstreply.explanation.model import Correction
from firstreply.fold import BadRecords, PartitionFold
from firstreply.one_contact import OneContact
from firstreply.ports import Record, RecordDecoder
from firstreply.rejection import Rejected, Unknown

MOST_EVENTS: Final = 10_000
"""Of one contact: the first and the last half of them are kept."""

MOST_CONTACTS: Final = 200_000
"""Counted one by one; beyond that they are "more than"."""

_MOST_ALIKE: Final = 5
_MOST_EARLIER: Final = 10
"""Contacts of the same id that were forgotten: the latest ones are told."""

_EVERY: Final = 2_000
"""Records between two calls of ``progressed``."""


class Reading(msgspec.Struct):
    """What was read, for who asks in vain."""

    contact_id: str
    """The one asked for."""
    records: int = 0
    events: int = 0
    """Contact events, of all contacts."""
    rejected: int = 0
    rejected_with_id: int = 0
    """Rejected records that hold the id somewhere."""
    later: int = 0
    """Events of the contact later than ``until``, which are left out."""
    contacts: set[int] = msgspec.field(default_factory=set)
    """Hashes of the ids of other contacts; two ids share one hardly ever."""
    alike: dict[str, None] = msgspec.field(default_factory=dict)
    """Ids that differ only in case or white space, in the order they came."""

    def note(self, record: Record, decoded: ContactEvent | Rejected | Unknown | None) -> None:
        """Count one record."""
        self.records += 1
        if isinstance(decoded, ContactEvent):
            self.events += 1
            if decoded.contact_id != self.contact_id:
                self._note_other(decoded.contact_id)
        elif isinstance(decoded, Rejected):
            self.rejected += 1
            self.rejected_with_id += self.contact_id.encode() in (record.value or b"")

    def _note_other(self, contact_id: str) -> None:
        if len(self.contacts) <= MOST_CONTACTS:
            self.contacts.add(hash(contact_id))
        if len(self.alike) < _MOST_ALIKE and _folded(contact_id) == _folded(self.contact_id):
            self.alike[contact_id] = None


class Explained(msgspec.Struct, frozen=True):
    """What came of it."""

    explanation: Explanation | None
    """None if no event of the contact was read."""
    reading: Reading


def explain_records(  # noqa: PLR0913 - all keyword-only, as those of a replay
    records: Iterable[Record],
    contact_id: str,
    *,
    decoder: RecordDecoder,
    bad_records: BadRecords,
    book: PolicyBook,
    grace: int,
    until: int | None = None,
    place: Callable[[], tuple[str, int] | None] = lambda: None,
    progressed: Callable[[int], None] = lambda _: None,
) -> Explained:
    """Read records and explain one contact.

    Args:
        records: see ``replay``, as all that is not told here.
        contact_id: exactly as in the events.
        decoder: see ``PartitionFold``.
        bad_records: see ``PartitionFold``.
        book: the policies.
        grace: microseconds; decides which corrections there are to show.
        until: instant; None: the latest instant of the log.
        place: returns file and line of the record that was taken last, where it has any.
        progressed: called now and then with the number of records read so far.

    Raises:
        FatalError: too many of the last records were bad.
    """
    last = AFTER_ALL if until is None else until
    watched = _Watched(decoder)
    fold = PartitionFold(
        partition=0,
        offset=0,
        decoder=watched,
        bad_records=bad_records,
        book=book,
        grace=grace,
        until=last,
    )
    told = _Told(contact_id, book, grace)
    told.engine.offset = 0
    fold.engine = told.engine
    reading = Reading(contact_id)
    for record in records:
        fold.fold((record,))
        decoded = watched.decoded
        reading.note(record, decoded)
        if isinstance(decoded, ContactEvent) and decoded.contact_id == contact_id:
            if decoded.time <= last:
                told.note(decoded, fold.take().increments, _place(place(), record.offset))
            else:
                reading.later += 1
        if reading.records % _EVERY == 0:
            fold.take()  # or what was rejected piles up
            progressed(reading.records)
    return Explained(told.explanation(until), reading)


class _Told:
    """The engine of one contact, its events, and what it was before it was forgotten."""

    def __init__(self, contact_id: str, book: PolicyBook, grace: int) -> None:
        self.engine = OneContact(contact_id, book, grace, self._forget)
        self._contact_id = contact_id
        self._begin()
        self._earlier: deque[Explanation] = deque(maxlen=_MOST_EARLIER)
        self._forgotten = 0

    def _begin(self) -> None:
        self._first: list[SeenEvent] = []
        self._last: deque[SeenEvent] = deque(maxlen=MOST_EVENTS // 2)
        self._count = 0

    def note(self, event: ContactEvent, counted: Increments, place: Place | None) -> None:
        """Note an event that was folded, and what was counted since the one before it."""
        seen = SeenEvent(
            event,
            place,
            duplicate=("firstreply_events_duplicate_total", ()) in counted.counts,
            late=("firstreply_events_late_total", ()) in counted.counts,
            corrections=tuple(
                Correction(band=labels[2], before=labels[3], after=labels[4])
                for metric, labels in counted.counts
                if metric == "contact_expectation_corrections_total"
            ),
        )
        self._count += 1
        if len(self._first) < MOST_EVENTS // 2:
            self._first.append(seen)
        else:
            self._last.append(seen)

    def explanation(self, until: int | None) -> Explanation | None:
        """Decide what is due at the end, and explain."""
        engine = self.engine
        end = engine.log_time if until is None else until
        engine.finish(end)
        contact = engine.contact(self._contact_id)
        earlier = list(self._earlier)
        if contact is not None:
            story = self._explain(contact, None if end == BEFORE_ALL else end)
        elif earlier:
            story = earlier.pop()
        else:
            return None
        forgotten = self._forgotten - (contact is None)
        left_out = forgotten - len(earlier)
        return replace(story, earlier=tuple(earlier), earlier_left_out=left_out)

    def _explain(self, contact: Contact, at: int | None) -> Explanation:
        events = (*self._first, *self._last)
        story = explain(
            contact, policies=self.engine.policies, book=self.engine.book, at=at, events=events
        )
        left_out = story.events_left_out + self._count - len(events)
        return replace(story, events_left_out=left_out)

    def _forget(self, contact: Contact) -> None:
        at = self.engine.log_time
        story = self._explain(contact, at)
        self._earlier.append(replace(story, forgotten_at=to_datetime(at)))
        self._forgotten += 1
        self._begin()


class _Watched:
    """A decoder that remembers what it decoded last."""

    def __init__(self, decoder: RecordDecoder) -> None:
        self._decoder = decoder
        self.decoded: ContactEvent | Rejected | Unknown | None = None

    def decode(self, record: Record) -> ContactEvent | Rejected | Unknown:
        self.decoded = self._decoder.decode(record)
        return self.decoded

    def take_fallbacks(self) -> int:
        return self._decoder.take_fallbacks()


def _place(place: tuple[str, int] | None, offset: int) -> Place | None:
    return None if place is None else Place(*place, offset)


def _folded(contact_id: str) -> str:
    return "".join(contact_id.split()).casefold()
