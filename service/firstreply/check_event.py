"""What an event becomes, or why it is rejected: the answer of ``check-event``, as text and dict.

It decodes with the service's own decoder, then adds what a person wants to know: how the event was
recognised, which channel and queue its names resolve to, and, for a rejected one, everything that
is wrong with it instead of the first thing only. Reads no clock, file or configuration itself.
"""

from typing import Literal, assert_never

import msgspec

from firstreply.adapters.cloudevents import Shape, shape_of
from firstreply.adapters.codec import Decoder, Reason, Rejected, Unknown
from firstreply.adapters.contract import explain
from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.events import ContactEvent, EventType, derived_id
from firstreply.domain.instants import to_datetime
from firstreply.domain.policy_book import PolicyBook
from firstreply.ports import Headers

Verdict = Literal["accepted", "ignored", "rejected"]


class Names(msgspec.Struct, frozen=True):
    """What the names in an accepted event resolve to; None where the event does not say."""

    channel: str | None = None
    how: Literal["listed", "alias", "unlisted"] | None = None
    """How the channel was found; an unlisted one becomes ``other``."""
    queue: str | None = None
    """The queue label. Known only beside a channel: queues are listed per channel."""


class Outcome(msgspec.Struct, frozen=True):
    """The verdict on one event."""

    verdict: Verdict
    """``ignored``: of a type that is not ours; counted, never rejected."""
    shape: Shape | None
    """How the event is written; None if it has no value."""
    event: ContactEvent | None = None
    names: Names = Names()
    excludes: bool = False
    """Whether it is a close that excludes its contact, unless a human response came before."""
    time_from_record: bool = False
    """Whether the record's own timestamp stands in for an absent time."""
    reason: Reason | None = None
    explanations: tuple[str, ...] = ()
    """Place and remedy of everything that is wrong; the first is the one that decided."""

    @property
    def accepted(self) -> bool:
        """Whether the service would count this event as a contact event."""
        return self.verdict == "accepted"

    def as_dict(self) -> dict[str, object]:
        """Return the outcome for a program; keys are always the same for one verdict."""
        common: dict[str, object] = {"verdict": self.verdict, "shape": self.shape}
        if self.event is not None:
            common["event"] = _event(self.event)
            common["time_from_record"] = self.time_from_record
            common["excludes"] = self.excludes
            common["resolved"] = msgspec.structs.asdict(self.names)
        if self.reason is not None:
            common["reason"] = self.reason.value
            common["explanations"] = list(self.explanations)
        return common

    def as_text(self) -> str:
        """Return the outcome for a person: some lines, without a line end at the last."""
        lines = [f"{self.verdict} ({self.shape or 'no value'})"]
        if self.reason is not None:
            lines[0] += f": {self.reason}"
            lines += [f"  - {explanation}" for explanation in self.explanations]
        if self.verdict == "ignored":
            lines.append("  the type is none of the contract's: counted, then ignored")
        if self.event is not None:
            lines += [
                f"  {name:<11}{content}"
                for name, content in _event(self.event).items()
                if content is not None
            ]
            lines += self._remarks(self.event)
        return "\n".join(lines)

    def _remarks(self, event: ContactEvent) -> list[str]:
        remarks = []
        names = self.names
        if names.how == "alias":
            remarks.append(f"{event.channel} is an alias of channel {names.channel}")
        if names.how == "unlisted":
            remarks.append(f"channel {event.channel} is not configured; it counts as other")
        if names.queue is not None:
            remarks.append(f"the queue label is {names.queue}")
        if self.excludes:
            remarks.append("this close excludes the contact unless a human answered it")
        if event.id == derived_id(event.type, event.time, event.actor):
            remarks.append("the event has no id; this one is made of type, time and actor")
        if self.time_from_record:
            remarks.append("the event has no time; the record's own timestamp is taken")
        return [f"  note: {remark}" for remark in remarks]


def only_event(sample: bytes) -> bytes:
    """Return the one event of a sample, as it is; it may be written over several lines.

    Raises:
        ConfigurationError: wrong use: the sample is empty, or holds several events, one a line.
    """
    lines = [line for line in sample.splitlines() if line.strip()]
    if not lines:
        msg = "standard input is empty; pipe one event in"
        raise ConfigurationError(msg)
    # An event over several lines never has an object whole on its first.
    if len(lines) > 1 and _is_object(lines[0]):
        msg = f"one event at a time: standard input holds {len(lines)} lines"
        raise ConfigurationError(msg)
    return sample


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def check(
    value: bytes | None,
    *,
    headers: Headers = (),
    book: PolicyBook | None = None,
    timestamp: int | None = None,
    decoder: Decoder | None = None,
) -> Outcome:
    """Say what an event becomes, or why it is rejected. Never raises on what is in it.

    Args:
        value: the record's value, byte for byte.
        headers: the record's headers.
        book: resolves names of channels and queues; without it they are left as they are.
        timestamp: the record's own, milliseconds since the epoch; None where it has none.
        decoder: the service's, where its limits are not the default.
    """
    decoder = decoder or Decoder()
    before = decoder.fallbacks
    verdict = decoder.decode(FileRecord(0, value, timestamp=timestamp, headers=headers))
    shape = None if value is None else shape_of(value, headers)
    match verdict:
        case ContactEvent():
            fell_back = decoder.fallbacks > before
            return Outcome(
                "accepted",
                shape,
                verdict,
                _names(verdict, book),
                excludes=_excludes(verdict, book),
                time_from_record=fell_back,
            )
        case Unknown():
            return Outcome("ignored", shape)
        case Rejected(reason=reason, detail=detail):
            others = explain(value, headers=headers, timestamp=timestamp, limits=decoder.limits)
            explanations = (detail, *(other for other in others if other != detail))
            return Outcome("rejected", shape, reason=reason, explanations=explanations)
        case _:
            assert_never(verdict)


def _names(event: ContactEvent, book: PolicyBook | None) -> Names:
    if book is None or event.channel is None:
        return Names()
    channel, is_listed = book.channel(event.channel)
    how: Literal["listed", "alias", "unlisted"] = "unlisted"
    if is_listed:
        how = "listed" if event.channel.casefold() == channel.casefold() else "alias"
    # Only these take a contact to a queue (rule 10); elsewhere the name decides nothing.
    moves = event.type in {EventType.OPENED, EventType.QUEUED, EventType.TRANSFERRED}
    return Names(channel, how, book.queue(channel, event.queue) if moves else None)


def _excludes(event: ContactEvent, book: PolicyBook | None) -> bool:
    if book is None or event.type is not EventType.CLOSED or event.reason is None:
        return False
    # The reasons are the same for every channel, and a close need not name its own.
    reason = event.reason.casefold()
    return any(reason in policy.excluded_reasons for policy in book.policies.values())


def _event(event: ContactEvent) -> dict[str, str | None]:
    """Return the event with its time as RFC 3339; the keys are the contract's."""
    return {
        "type": event.type.value,
        "time": to_datetime(event.time).isoformat().replace("+00:00", "Z"),
        "contact_id": event.contact_id,
        "id": event.id,
        "channel": event.channel,
        "queue": event.queue,
        "actor": event.actor,
        "direction": event.direction,
        "reason": event.reason,
    }
