"""Wire to domain: the bytes of one record become one ``ContactEvent``, or the reason why not.

In goes a ``ports.Record``, out comes a ``ContactEvent``, a ``Rejected`` (bad input is data, never
an exception) or ``UNKNOWN`` (another system's event type: counted and ignored). The result depends
on the record and the settings alone, so a replay decides the same. Nothing a producer sends makes
``decode`` raise.

Three shapes are read: the flat form (``adapters.wire``), CloudEvents 1.0 structured and binary
(``adapters.cloudevents``). Each is taken apart into the same ``Parts``, and the contract's rules
are applied to those once, in ``Decoder._event``. A *mapping* of another system's topic slots in as
a fourth way to make ``Parts``: paths and value tables instead of a struct, chosen by configuration
in ``_take_apart``; everything after it stays.

When several things are wrong, the reason is the first of: no value; oversize; not_json; a type that
is absent or not text (an unknown type is ignored, whatever else is wrong); a member of the wrong
type or length; a CloudEvent without specversion, source or id; no_contact_id; no_time, bad_time,
absurd_time; what the type of the event requires. Headers are judged before the value.
"""

from datetime import datetime
from typing import Final

import msgspec

from firstreply.adapters.cloudevents import Shape, binary, is_cloud_event, recognise, structured
from firstreply.adapters.wire import FLAT, Flat, Parts, blank, flat_kind, given, unreadable
from firstreply.domain.events import Actor, ContactEvent, EventType, derived_id
from firstreply.domain.instants import DAY, SECOND, to_instant
from firstreply.ports import Headers, Record
from firstreply.rejection import (
    NAIVE,
    NO_CHANNEL,
    NO_CONTACT_ID,
    NO_REASON,
    NO_TIME,
    NO_TYPE,
    NO_VALUE,
    NOT_CUSTOMER,
    NOT_HUMAN_OR_BOT,
    TOO_EARLY,
    TOO_LATE,
    UNIT,
    UNKNOWN,
    Reason,
    Rejected,
    Unknown,
    oversize,
)

__all__ = [
    "LATEST",
    "UNKNOWN",
    "Decoder",
    "Limits",
    "Reason",
    "Rejected",
    "Unknown",
    "instant_of_number",
    "stripped",
]

LATEST: Final = 4_102_444_800 * SECOND
"""2100-01-01T00:00:00Z."""

_SECONDS_BELOW: Final = 10**11
_MILLISECONDS_BELOW: Final = 10**14
_OPENED, _MESSAGE, _RESPONDED, _EXCLUDED = (
    EventType.OPENED,
    EventType.MESSAGE,
    EventType.RESPONDED,
    EventType.EXCLUDED,
)
_CUSTOMER: Final = Actor.CUSTOMER


class Limits(msgspec.Struct, frozen=True):
    """The settings that decide whether a record is accepted."""

    max_event_bytes: int = 1_048_576
    """Inclusive, on the value alone."""
    timestamp_fallback: bool = False
    """Whether an event without time takes the record's own timestamp."""
    latest: int = LATEST
    """Instant, inclusive, whatever the record's timestamp: a producer may set that at will."""
    max_future: int = DAY
    """Microseconds after the record's own timestamp, inclusive."""

    def last_instant(self, timestamp: int | None) -> int:
        """Return the last instant accepted beside a record timestamp in milliseconds."""
        if timestamp is None or timestamp < 0:  # Kafka writes "no timestamp" as -1
            return self.latest
        return min(timestamp * 1000 + self.max_future, self.latest)

    def fallback_instant(self, timestamp: int | None) -> int | None:
        """Return the instant of an event without time; None if it must have one."""
        if not self.timestamp_fallback or timestamp is None or timestamp < 0:
            return None
        return timestamp * 1000


class Decoder:
    """Decodes records; one per process is enough, as it keeps nothing but a count.

    Args:
        max_event_bytes: largest value accepted, inclusive.
        timestamp_fallback: let an event without time take its record's timestamp; counted.
        latest: last instant (microseconds) of any event, inclusive.
        max_future: microseconds by which an event may be later than its record's timestamp, where
            the record has one; inclusive.
    """

    def __init__(
        self,
        *,
        max_event_bytes: int = 1_048_576,
        timestamp_fallback: bool = False,
        latest: int = LATEST,
        max_future: int = DAY,
    ) -> None:
        self.limits = Limits(max_event_bytes, timestamp_fallback, latest, max_future)
        self.fallbacks = 0
        """Accepted events whose time is their record's timestamp, since last taken."""
        self._max_bytes = max_event_bytes
        self._oversize = oversize(max_event_bytes)

    def take_fallbacks(self) -> int:
        """Return ``fallbacks`` and start again from 0."""
        taken, self.fallbacks = self.fallbacks, 0
        return taken

    def decode(self, record: Record) -> ContactEvent | Rejected | Unknown:
        """Decode one record. Never raises on what a producer sent."""
        value = record.value
        if value is None:
            return NO_VALUE
        if len(value) > self._max_bytes:
            return self._oversize
        parts = _take_apart(value, record.headers)
        return self._event(parts, record.timestamp) if isinstance(parts, Parts) else parts

    def _event(self, parts: Parts, timestamp: int | None) -> ContactEvent | Rejected:
        kind, contact_id, time, ident, data = parts
        if contact_id is None or blank(contact_id):
            return NO_CONTACT_ID
        instant = self._instant(time, timestamp)
        if isinstance(instant, Rejected):
            return instant
        event = ContactEvent(
            contact_id,
            kind,
            instant,
            derived_id(kind, instant, data.actor) if ident is None or blank(ident) else ident,
            stripped(data.channel),
            stripped(data.queue),
            data.actor,
            data.direction,
            stripped(data.reason),
        )
        unmet = _unmet(event)
        if unmet is not None:
            return unmet
        if time is None:
            self.fallbacks += 1
        return event

    def _instant(self, time: datetime | float | None, timestamp: int | None) -> int | Rejected:
        if isinstance(time, datetime):
            if time.tzinfo is None:
                return NAIVE
            instant: int = to_instant(time)
        elif time is not None:
            number = instant_of_number(time)
            if number is None:
                return UNIT
            instant = number
        else:
            fallback = self.limits.fallback_instant(timestamp)
            if fallback is None:
                return NO_TIME
            instant = fallback
        if instant < 0:
            return TOO_EARLY
        return TOO_LATE if instant > self.limits.last_instant(timestamp) else instant


def _take_apart(value: bytes, headers: Headers) -> Parts | Rejected | Unknown:
    if headers:
        shape, found = recognise(headers)
        if shape is Shape.BINARY:
            return binary(found, value)
    else:
        shape = Shape.FLAT
    broken = unreadable(value)
    if broken is not None:
        return broken
    return structured(value) if shape is Shape.STRUCTURED else _by_value(value)


def _by_value(value: bytes) -> Parts | Rejected | Unknown:
    flat = FLAT.read(value)
    if not isinstance(flat, Flat):
        return structured(value) if is_cloud_event(value) else flat
    if given(flat.specversion):
        return structured(value)
    if flat.type is None:
        return NO_TYPE
    kind = flat_kind(flat.type)
    return UNKNOWN if kind is None else Parts(kind, flat.contact_id, flat.time, flat.id, flat)


def _unmet(event: ContactEvent) -> Rejected | None:
    """Return what the type of the event requires and the event does not have."""
    kind = event.type
    if kind is _RESPONDED:
        return NOT_HUMAN_OR_BOT if event.actor is None or event.actor is _CUSTOMER else None
    if kind is _OPENED:
        return NO_CHANNEL if event.channel is None else None
    if kind is _MESSAGE:
        return None if event.actor is None or event.actor is _CUSTOMER else NOT_CUSTOMER
    if kind is _EXCLUDED:
        return NO_REASON if event.reason is None else None
    return None


def instant_of_number(number: float) -> int | None:
    """Convert seconds (below 1e11) or milliseconds (below 1e14) to microseconds.

    Rounds to the nearest whole microsecond. Any negative number gives -1, before 1970; None from
    1e14 on, where only micro- or nanoseconds are meant and a guess could be wrong.
    """
    if number < 0:
        return -1
    if number < _SECONDS_BELOW:
        return round(number * SECOND)
    if number < _MILLISECONDS_BELOW:
        return round(number * 1000)
    return None


def stripped(text: str | None) -> str | None:
    """Strip a name of white space; a blank one is absent. Ids are opaque and never stripped."""
    return None if text is None else text.strip() or None
