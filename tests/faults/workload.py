"""Contacts that are made up: what their events say, and in which order they are sent.

A *life* is the story of one contact: steps, each with the second at which it happens after the
opening, and perhaps a delay after which it is sent. Lives are short, so that a fault of half a
minute sees thousands of settlements. Everything is drawn from a seed.
"""

import heapq
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

BAND_SECONDS: Final = 5
"""The short band of the rig's configuration; lives answer before and after it."""

_MOMENT: Final = timedelta(microseconds=1)


class Step(msgspec.Struct, frozen=True):
    """One event of a life."""

    at: float
    """Seconds after the opening, by its own time."""
    says: dict[str, Any]
    late: float = 0.0
    """Seconds from then until it is sent."""


class Sent(msgspec.Struct, frozen=True, order=True):
    """An event on its way."""

    at: float
    """Seconds since the epoch at which it is sent."""
    number: int
    key: bytes
    value: bytes
    tells: float = 0.0
    """When it happened by its own time, in seconds since the epoch."""


class Mixture(msgspec.Struct, frozen=True):
    """How a workload departs from the orderly."""

    duplicates: float = 0.05
    """Share of events that are sent again."""
    out_of_order: float = 0.05
    """Share of events that are sent later than they happened, up to ``lateness``."""
    lateness: float = 4.0
    """Seconds."""
    bad: float = 0.0
    """Bad records for each good one."""


def _opened(channel: str = "chat", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"type": "contact.opened", "channel": channel, "actor": "customer", **more}


def _says(kind: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return {"type": f"contact.{kind}", **more}


_ANSWER: Final = _says("responded", actor="agent")


def _lives(chance: random.Random) -> list[Step]:
    """Draw one of the stories."""
    early, late = chance.uniform(0.1, BAND_SECONDS - 1), chance.uniform(BAND_SECONDS + 1, 9.0)
    channel = chance.choice(["chat", "email"])
    start = Step(0.0, _opened(channel))
    stories: list[list[Step]] = [
        [start, Step(early, _ANSWER)],
        [start, Step(early, _ANSWER)],
        [start, Step(late, _ANSWER)],
        [start, Step(0.1, _says("responded", actor="bot")), Step(early, _ANSWER)],
        [start],
        [start, Step(early, _says("abandoned"))],
        [start, Step(early, _says("abandoned")), Step(late, _ANSWER)],
        [start, Step(early, _says("closed"))],
        [start, Step(early, _says("closed", reason="spam"))],
        [start, Step(early, _says("closed")), Step(late, _opened(channel))],  # the id again
        [start, Step(early, _ANSWER), Step(late, _says("excluded", reason="test"))],
        [start, Step(early, _ANSWER), Step(late, _says("message")), Step(late + 1, _ANSWER)],
        # The answer is known before the opening; then an answer that is older than the abandonment.
        [Step(0.0, _opened(channel), late=early + 1), Step(early, _ANSWER)],
        [start, Step(early / 2, _ANSWER, late=late), Step(early, _says("abandoned"))],
        # An earlier opening on another channel comes late.
        [Step(0.5, _opened("chat")), Step(0.0, _opened("email"), late=2.0), Step(late, _ANSWER)],
    ]
    return chance.choice(stories)


_BAD: Final = (
    b"not json",
    b"",
    b'{"type": "contact.opened", "time": "2026-03-02T09:15:00Z", "channel": "chat"}',
    b'{"type": "contact.opened", "contact_id": "x", "channel": "chat"}',
    b'{"type": "contact.opened", "contact_id": "x", "channel": "chat", "time": "yesterday"}',
    b'{"type": "contact.opened", "contact_id": "x", "channel": "chat", "time": 99999999999}',
    b'{"type": "contact.responded", "contact_id": "x", "time": "2026-03-02T09:15:00Z"}',
    b"[" * 200,
)
"""Records that no service can take: one for most of the reasons of the contract."""


class Workload:
    """Events of contacts that begin one after the other.

    Args:
        name: what their ids begin with; the same one makes the same contacts.
        rate: contacts that begin in a second.
        mixture: see there.
        begin: when the first contact begins, in seconds since the epoch; by default at once.
    """

    def __init__(
        self, name: str, *, rate: float, mixture: Mixture, begin: float | None = None
    ) -> None:
        self._chance = random.Random(name)
        self._name = name
        self._rate = rate
        self._mixture = mixture
        self._due: list[Sent] = []
        self._next_at = begin
        self.contacts = 0
        self._number = 0

    def until(self, now: float) -> Iterator[Sent]:
        """Yield what is to be sent up to an instant, in order; begins contacts on its way."""
        if self._next_at is None:
            self._next_at = now
        while self._next_at <= now:
            self._begin(self._next_at)
            self._next_at += 1 / self._rate
        while self._due and self._due[0].at <= now:
            yield heapq.heappop(self._due)

    def rest(self) -> Iterator[Sent]:
        """Yield what has begun and was not sent yet, so that each story has its end."""
        while self._due:
            yield heapq.heappop(self._due)

    def _begin(self, now: float) -> None:
        chance, mixture = self._chance, self._mixture
        name = f"{self._name}-{self.contacts}"
        self.contacts += 1
        for number, step in enumerate(_lives(chance)):
            delay = step.late
            if chance.random() < mixture.out_of_order:
                delay += chance.uniform(0.0, mixture.lateness)
            value = _value(name, f"{name}-{number}", now + step.at, step.says)
            self._send(now + step.at + delay, name, value, now + step.at)
            if chance.random() < mixture.duplicates:
                again = now + step.at + delay + chance.uniform(0.0, 3.0)
                self._send(again, name, value, now + step.at)
            if chance.random() < mixture.bad:
                self._send(now + step.at, f"bad-{self._number}", chance.choice(_BAD))

    def _send(self, at: float, key: str, value: bytes, tells: float = 0.0) -> None:
        heapq.heappush(self._due, Sent(at, self._number, key.encode(), value, tells))
        self._number += 1


def event(contact: str, kind: str, at: float, **more: str) -> Sent:
    """Return one event by itself, to be sent at once."""
    value = _value(contact, f"{contact}-{kind}", at, _says(kind, **more))
    return Sent(at, 0, contact.encode(), value, at)


def _value(contact: str, name: str, at: float, says: dict[str, Any]) -> bytes:
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    return json.dumps({"contact_id": contact, "id": name, "time": time, **says}).encode()


def is_bad(value: bytes | None) -> bool:
    """Return whether a record of a workload is one of the bad ones."""
    return value in _BAD


def instant(text: str) -> int:
    """Return the microseconds since the epoch of a time as the workload writes it."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // _MOMENT
