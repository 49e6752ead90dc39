"""Wire to domain: the bytes of one record become one ``ContactEvent``, or the reason why not.

In goes a ``ports.Record``, out comes a ``ContactEvent``, a ``Rejected`` (bad input is data, never
an exception) or ``UNKNOWN`` (another system's event type: counted and ignored). The result depends
on the record and the settings alone, so a replay decides the same. Nothing a producer sends makes
``decode`` raise.

Three shapes are read: the flat form (``adapters.wire``), CloudEvents 1.0 structured and binary
(``adapters.cloudevents``). Each is taken apart into the same parts, and the contract's rules are
applied to those once, in ``Decoder._event``. A *mapping* of another system's topic slots in as a
fourth way to make ``Parts``: paths and value tables instead of a struct, chosen by configuration in
``decode``; everything after it stays.

When several things are wrong, the reason is the first of: no value; oversize; not_json; a type that
is absent or not text (an unknown type is ignored, whatever else is wrong); a member of the wrong
type or length; a CloudEvent without specversion, source or id; no_contact_id; no_time, bad_time,
absurd_time; what the type of the event requires. Headers are judged before the value.
"""

from datetime import datetime
from typing import Final, final

import msgspec

from firstreply.adapters.cloudevents import Shape, binary, is_cloud_event, recognise, structured
from firstreply.adapters.json_text import unreadable
from firstreply.adapters.wire import FLAT, Data, Flat, Parts, flat_kind, given
from firstreply.domain.events import Actor, ContactEvent, EventType, derived_id
from firstreply.domain.instants import DAY, SECOND, to_instant
from firstreply.ports import Record
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
_decode_flat: Final = FLAT.decode

_Number = int | float
"""Both are named, since compiled code makes a float of what is only that: 10**400 is none."""


@final
class Limits:
    """The settings that decide whether a record is accepted.

    Args:
        max_event_bytes: inclusive, on the value alone.
        timestamp_fallback: whether an event without time takes the record's own timestamp.
        latest: instant, inclusive, whatever the record's timestamp: producers set that at will.
        max_future: microseconds after the record's own timestamp, inclusive.
    """

    def __init__(
        self,
        *,
        max_event_bytes: int = 1_048_576,
        timestamp_fallback: bool = False,
        latest: int = LATEST,
        max_future: int = DAY,
    ) -> None:
        self.max_event_bytes = max_event_bytes
        self.timestamp_fallback = timestamp_fallback
        self.latest = latest
        self.max_future = max_future

    def last_instant(self, timestamp: int | None) -> int:
        """Return the last instant accepted beside a record timestamp in milliseconds."""
        if timestamp is None or timestamp < 0:  # Kafka writes "no timestamp" as -1
            return self.latest
        last = timestamp * 1000 + self.max_future
        return last if last < self.latest else self.latest  # noqa: FURB136 - 6 % of decoding

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
        self.limits = Limits(
            max_event_bytes=max_event_bytes,
            timestamp_fallback=timestamp_fallback,
            latest=latest,
            max_future=max_future,
        )
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
        if record.headers:
            shape, found = recognise(record.headers)
            if shape is Shape.BINARY:
                return self._cloud_event(binary(found, value), record.timestamp)
            if shape is Shape.STRUCTURED:
                broken = unreadable(value)
                return broken or self._structured(value, record.timestamp)
        return self._by_value(value, record.timestamp)

    def _by_value(self, value: bytes, timestamp: int | None) -> ContactEvent | Rejected | Unknown:
        broken = unreadable(value)
        if broken is not None:
            return broken
        try:
            flat = _decode_flat(value)
        except msgspec.DecodeError:
            read = FLAT.piecemeal(value)
            if not isinstance(read, Flat):
                return self._structured(value, timestamp) if is_cloud_event(value) else read
            flat = read
        if flat.specversion and given(flat.specversion):
            return self._structured(value, timestamp)
        kind = flat_kind(flat.type)
        if kind is None:
            return NO_TYPE if flat.type is None else UNKNOWN
        return self._event(kind, flat.contact_id, flat.time, flat.id, flat, timestamp)

    def _structured(self, value: bytes, timestamp: int | None) -> ContactEvent | Rejected | Unknown:
        return self._cloud_event(structured(value), timestamp)

    def _cloud_event(
        self, parts: Parts | Rejected | Unknown, timestamp: int | None
    ) -> ContactEvent | Rejected | Unknown:
        return self._event(*parts, timestamp) if isinstance(parts, Parts) else parts

    def _event(
        self,
        kind: EventType,
        contact_id: str | None,
        time: datetime | _Number | None,
        ident: str | None,
        data: Data,
        timestamp: int | None,
    ) -> ContactEvent | Rejected:
        # One straight line for a good event: what stands in calls elsewhere (``blank``,
        # ``stripped``) is written out, and no ``Parts`` is made of a flat one. Measured: a quarter
        # of the time of decoding.
        if not contact_id or contact_id.isspace():
            return NO_CONTACT_ID
        if isinstance(time, datetime) and time.tzinfo is not None:
            instant: int = to_instant(time)
        else:
            found = self._instant(time, timestamp)
            if isinstance(found, Rejected):
                return found
            instant = found
        if not 0 <= instant <= self.limits.last_instant(timestamp):
            return TOO_EARLY if instant < 0 else TOO_LATE
        channel, queue, actor, reason = data.channel, data.queue, data.actor, data.reason
        event = ContactEvent(
            contact_id,
            kind,
            instant,
            derived_id(kind, instant, actor) if not ident or ident.isspace() else ident,
            (channel and channel.strip()) or None,
            (queue and queue.strip()) or None,
            actor,
            data.direction,
            (reason and reason.strip()) or None,
        )
        unmet = _unmet(event)
        if unmet is not None:
            return unmet
        if time is None:
            self.fallbacks += 1
        return event

    def _instant(self, time: datetime | _Number | None, timestamp: int | None) -> int | Rejected:
        """Return the instant of an event whose time is no datetime with an offset."""
        if isinstance(time, datetime):
            return NAIVE
        if time is None:
            fallback = self.limits.fallback_instant(timestamp)
            return NO_TIME if fallback is None else fallback
        number = instant_of_number(time)
        return UNIT if number is None else number


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


def instant_of_number(number: _Number) -> int | None:
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
