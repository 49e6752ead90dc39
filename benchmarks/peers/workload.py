"""The workload of the peer benchmark: contact events, and what they must come to.

Contacts arrive over six hours of the day before yesterday and answer for themselves: opened, a
bot's greeting, an agent's first answer, closed. One in twenty is never answered and stays open.
Waits are log-normal around five minutes, so that each of the four bands is missed by some. Every
band of every contact is over by now: who is not met is missed. The same contacts each time.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import json
import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import Final, NamedTuple

BANDS: Final = {"10m": 600_000, "1h": 3_600_000, "8h": 28_800_000, "24h": 86_400_000}
"""Limits in milliseconds, inclusive: those built into firstreply."""
CHANNELS: Final = (
    *("phone", "email", "chat", "social", "messaging", "sms"),
    *("app", "web_form", "video", "post", "in_person", "other"),
)
QUEUES: Final = tuple(f"team-{number:02}" for number in range(1, 21))
ARRIVALS: Final = timedelta(hours=6)
STILL_OPEN: Final = 0.05
MEDIAN_WAIT_SECONDS: Final = 300
WAIT_SIGMA: Final = 1.5
LONGEST_WAIT_SECONDS: Final = 40 * 3600

Outcomes = dict[str, dict[str, int]]
"""By channel: the contacts ``answered``, and by band those answered within it."""


class Contact(NamedTuple):
    """One contact, before it is told in events. Instants in milliseconds since the epoch."""

    contact_id: str
    channel: str
    queue: str
    opened: int
    answered: int | None
    closed: int


def configuration(channels: Sequence[str] = CHANNELS, queues: Sequence[str] = QUEUES) -> str:
    """Return the configuration of ``firstreply``: the channels, each with all the queues."""
    by_name = {channel: {"queues": list(queues)} for channel in channels}
    return json.dumps({"channels_only": True, "channels": by_name})


def began(now: datetime) -> datetime:
    """Return when the first contact is to arrive, for all of them to be decided at ``now``.

    Earlier than the longest wait and the widest band, later than ``settle_for`` (72 h) forgets.
    """
    return now.astimezone(UTC) - timedelta(hours=48)


def contacts(
    count: int,
    began_at: datetime,
    *,
    channels: Sequence[str] = CHANNELS,
    queues: Sequence[str] = QUEUES,
    over: timedelta = ARRIVALS,
    seed: int = 1,
) -> list[Contact]:
    """Return so many contacts, in the order in which they arrive."""
    chance = random.Random(seed)  # noqa: S311 - the same contacts each time
    start = int(began_at.timestamp() * 1000)
    apart = over / timedelta(milliseconds=1) / count
    made = []
    for number in range(count):
        opened = start + int(number * apart)
        wait = min(chance.lognormvariate(0, WAIT_SIGMA) * MEDIAN_WAIT_SECONDS, LONGEST_WAIT_SECONDS)
        answered = opened + 5_000 + int(wait * 1000)  # after the bot
        made.append(
            Contact(
                str(uuid.UUID(int=chance.getrandbits(128))),
                chance.choice(channels),
                chance.choice(queues),
                opened,
                None if chance.random() < STILL_OPEN else answered,
                answered + int(chance.expovariate(1 / 600_000)),
            )
        )
    return made


def events(made: Iterable[Contact]) -> Iterator[tuple[str, bytes]]:
    """Yield (contact id, JSON) of every event, in the order of their instants.

    Args:
        made: in the order in which they arrive; no more are held than are under way.
    """
    chance = random.Random(2)  # noqa: S311 - the same ids each time
    for at, step, one in _in_order(made):
        told = {
            "id": str(uuid.UUID(int=chance.getrandbits(128))),
            "contact_id": one.contact_id,
            "time": _stamp(at),
            "channel": one.channel,
            "queue": one.queue,
            **_SAYS[step],
        }
        yield one.contact_id, json.dumps(told).encode()


_SAYS: Final = (
    {"type": "contact.opened", "actor": "customer"},
    {"type": "contact.responded", "actor": "bot"},
    {"type": "contact.responded", "actor": "agent"},
    {"type": "contact.closed", "actor": "agent"},
)


def _in_order(made: Iterable[Contact]) -> Iterator[tuple[int, int, Contact]]:
    """Yield (instant, index in ``_SAYS``, contact) of all events, by instant, then by arrival."""
    ahead: list[tuple[int, int, int, Contact]] = []
    for number, arriving in enumerate(made):
        while ahead and ahead[0][0] < arriving.opened:
            at, _, step, one = heappop(ahead)
            yield at, step, one
        for step, at in _steps(arriving):
            heappush(ahead, (at, number, step, arriving))
    for at, _, step, one in sorted(ahead):
        yield at, step, one


def _steps(one: Contact) -> Iterator[tuple[int, int]]:
    """Yield (index in ``_SAYS``, instant) of a contact's events."""
    yield 0, one.opened
    yield 1, one.opened + 2_000
    if one.answered is not None:
        yield 2, one.answered
        yield 3, one.closed


def _stamp(at: int) -> str:
    seconds, milliseconds = divmod(at, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def truth(made: list[Contact]) -> Outcomes:
    """Return what each system must count."""
    counted = {channel: dict.fromkeys(("answered", *BANDS), 0) for channel in CHANNELS}
    for one in made:
        if one.answered is None:
            continue
        counts = counted[one.channel]
        counts["answered"] += 1
        for band, limit in BANDS.items():
            counts[band] += one.answered - one.opened <= limit
    return counted


def missed(made: list[Contact]) -> Outcomes:
    """Return, by channel and band, who was not answered in time or not at all."""
    counted = {channel: dict.fromkeys(BANDS, 0) for channel in CHANNELS}
    for one in made:
        for band, limit in BANDS.items():
            late = one.answered is None or one.answered - one.opened > limit
            counted[one.channel][band] += late
    return counted
