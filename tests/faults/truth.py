"""What is true of an input topic: recomputed from its records by the rules, not by the service.

The records are read back from Kafka. Each contact is judged by ``tests.unit.domain.oracle``, once
for every event that came, because the ledger counts the *first* settlement: what the contact was
when it was first settled depends on what had come by then.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from firstreply.domain.bands import Policy
from firstreply.domain.events import Actor, ContactEvent, EventType
from tests.faults.workload import instant, is_bad
from tests.unit.domain.oracle import Answer, answer

_REMEMBERED: Final = 16
"""Ids of events that a contact remembers (rule 14)."""
_KIND: Final = {
    "answered": "answered",
    "abandoned": "abandoned",
    "excluded": "excluded",
    "closed": "closed_unanswered",
    "given_up": "given_up",
}


class Place(msgspec.Struct, frozen=True, order=True):
    """A record by where it lies."""

    partition: int
    offset: int


class InputRecord(msgspec.Struct, frozen=True):
    """A record of the input topic, as it was read back."""

    place: Place
    value: bytes


class Truth(msgspec.Struct):
    """What a perfect service would show in the end."""

    ledger: dict[int, Counter[str]]
    """By partition; kinds that are 0 are left out."""
    contacts: int = 0
    """Contacts that were ever received."""
    waiting: int = 0
    decided: Counter[str] = msgspec.field(default_factory=Counter)
    """Contacts by band, of those that have an outcome there."""
    net: Counter[tuple[str, str, str]] = msgspec.field(default_factory=Counter)
    """Channel, band and outcome."""
    good: int = 0
    """Records that are events."""
    bad: frozenset[Place] = frozenset()

    def total(self) -> Counter[str]:
        """Return the ledger over all partitions."""
        return sum(self.ledger.values(), Counter())


def truth_of(
    records: Iterable[InputRecord], policies: Mapping[str, Policy], *, until: int
) -> Truth:
    """Judge every contact.

    Args:
        records: all of the topic; in order within each partition.
        policies: by channel.
        until: all deadlines up to this instant (microseconds) have passed, and no later one.
    """
    events: defaultdict[tuple[int, str], list[ContactEvent]] = defaultdict(list)
    truth = Truth(defaultdict(Counter))
    bad = set()
    for record in records:
        if is_bad(record.value):
            bad.add(record.place)
            continue
        truth.good += 1
        event = _event(record.value)
        of_contact = events[record.place.partition, event.contact_id]
        if event.id not in {known.id for known in of_contact[-_REMEMBERED:]}:
            of_contact.append(event)
    truth.bad = frozenset(bad)
    for (partition, _), of_contact in events.items():
        _count(truth, truth.ledger[partition], of_contact, dict(policies), until)
    return truth


def _count(
    truth: Truth,
    ledger: Counter[str],
    events: list[ContactEvent],
    policies: dict[str, Policy],
    until: int,
) -> None:
    """Let the events of a contact come one after the other."""
    now: Answer | None = None
    settled: str | None = None
    for number in range(1, len(events) + 1):
        before, now = now, answer(events[:number], policies, until)
        if now is None:
            continue
        if before is None or before.channel != now.channel:
            ledger["moved"] += before is not None and settled is None
            ledger["received"] += 1
            settled = None
        if settled is None:
            if now.phase in _KIND:
                settled = now.phase
                ledger[_KIND[settled]] += 1
        elif settled != now.phase:
            ledger["resettled"] += 1
            settled = now.phase
    if now is not None:
        truth.contacts += 1
        truth.waiting += now.phase == "waiting"
        for band, outcome in now.outcomes.items():
            truth.decided[band] += 1
            truth.net[now.channel, band, outcome] += 1


def _event(value: bytes) -> ContactEvent:
    told = json.loads(value)
    actor = told.get("actor")
    return ContactEvent(
        told["contact_id"],
        EventType(told["type"]),
        instant(told["time"]),
        told["id"],
        told.get("channel"),
        told.get("queue"),
        None if actor is None else Actor(actor),
        None,
        told.get("reason"),
    )
