"""What a contact costs in memory: bytes per open and per settled contact.

``python benchmarks/memory.py`` builds processes of two sizes, one after the other, and divides the
growth of resident memory by the growth in contacts: what the program itself takes cancels out. By
default one partition of 50,000 and of 150,000 contacts; ``--contacts 1000000 5000000 --partitions
8`` for the slope between one and five million, which takes half an hour. All but the last 20,000
contacts of a partition rest (decision 11), so let both sizes have more. Ids are as long as uuids,
which is what most help desks and event buses use. *Open* is a contact that waits: opened, put into
a queue and transferred. *Settled* is one that was answered and closed: opened, two messages of the
customer, two answers, one close; ``settle_for`` keeps it. *To wake* is what asking for a contact at
rest takes, another one's going to rest included.

The bound ``limits.max_tracked`` is derived from the table that this prints (decision 9).
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import gc
import random
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply import collector  # noqa: E402
from firstreply.domain.bands import Band, Clock, Policy, Promise  # noqa: E402
from firstreply.domain.calendar import Calendar  # noqa: E402
from firstreply.domain.engine import Engine  # noqa: E402
from firstreply.domain.events import Actor, ContactEvent, EventType  # noqa: E402
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND  # noqa: E402
from firstreply.domain.policy_book import PolicyBook  # noqa: E402

BEGIN: Final = 1_772_442_000 * SECOND
STATES: Final = ("open", "settled")
SIZES: Final = (50_000, 150_000)

Step = tuple[EventType, int, Actor | None, str | None]
"""Type, seconds after the opening, actor, queue."""

STORIES: Final[dict[str, tuple[Step, ...]]] = {
    "open": (
        (EventType.OPENED, 0, Actor.CUSTOMER, None),
        (EventType.QUEUED, 2, None, "billing"),
        (EventType.TRANSFERRED, 60, Actor.AGENT, "support"),
    ),
    "settled": (
        (EventType.OPENED, 0, Actor.CUSTOMER, "billing"),
        (EventType.MESSAGE, 30, Actor.CUSTOMER, None),
        (EventType.RESPONDED, 300, Actor.AGENT, None),
        (EventType.MESSAGE, 900, Actor.CUSTOMER, None),
        (EventType.RESPONDED, 1200, Actor.AGENT, None),
        (EventType.CLOSED, 1500, Actor.AGENT, None),
    ),
}


def book() -> PolicyBook:
    """Return three channels with four bands each, on a calendar, as the built-in ones are."""
    office = Calendar.from_weekly(
        timezone="Europe/Paris",
        weekly={day: [("09:00", "17:00")] for day in ("mon", "tue", "wed", "thu", "fri")},
    )
    bands = (
        Band("10m", 10 * MINUTE),
        Band("1h", HOUR),
        Band("8h", 8 * HOUR, Clock.BUSINESS),
        Band("24h", DAY),
    )
    rules = {"promise": Promise("1h", 0.9), "give_up_after": 30 * DAY, "settle_for": 3 * DAY}
    names = ("chat", "email", "other")
    return PolicyBook(
        [Policy(name, bands, calendar=office, **rules) for name in names],  # type: ignore[arg-type]
        queues=dict.fromkeys(names, ("billing", "support")),
    )


def events(state: str, contacts: int) -> Iterator[ContactEvent]:
    """Yield the events of so many contacts, opened over eight hours, one contact at a time."""
    chance = random.Random(1)  # noqa: S311 - ids, not secrets
    for number in range(contacts):
        opened = BEGIN + number * 8 * HOUR // contacts
        contact_id = _uuid(chance)
        channel = ("chat", "email")[number % 2]
        for kind, after, actor, queue in STORIES[state]:
            yield ContactEvent(
                contact_id,
                kind,
                opened + after * SECOND,
                _uuid(chance),
                channel if kind is EventType.OPENED else None,
                queue,
                actor,
                None,
                None,
            )


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128)))


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def build(state: str, contacts: int, partitions: int) -> None:
    """Build partitions in this process; print its resident memory in bytes, and what waking takes.

    A contact lies in the partition that a checksum of its id names, so that each holds its share.
    """
    collector.look_once()  # as the service does
    policies = book()
    engines = [
        Engine(policies, grace=5 * SECOND, max_tracked=10 * contacts) for _ in range(partitions)
    ]
    for number, event in enumerate(events(state, contacts)):
        engines[crc32(event.contact_id.encode()) % partitions].receive(event, event.time)
        if number % 10_000 == 0:  # as each checkpoint does
            forget_news(engines)
    forget_news(engines)
    gc.collect()
    kept = sum(len(engine.store) for engine in engines)
    assert kept == contacts, "a contact was forgotten"  # noqa: S101
    print(resident(), seconds_to_wake(engines[0]))


def forget_news(engines: list[Engine]) -> None:
    """Take what was counted and changed, and drop it."""
    for engine in engines:
        engine.take_increments()
        engine.changes()


def seconds_to_wake(engine: Engine) -> float:
    """Return the median of what it takes to ask for a contact at rest."""
    ids = [contact.contact_id for contact, _ in zip(engine.store, range(10_000), strict=False)]
    taken = []
    for contact_id in ids:
        began = time.perf_counter()
        engine.store.get(contact_id)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def measured(state: str, contacts: int, partitions: int) -> tuple[int, float]:
    """Build in a process of its own; return the bytes it takes, and the seconds to wake one."""
    command = [sys.executable, __file__, "--build", state, str(contacts), str(partitions)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    taken, seconds = printed.split()
    return int(taken), float(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", nargs=2, type=int, default=SIZES, metavar=("SMALL", "LARGE"))
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--build", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.build:
        state, contacts, partitions = given.build
        build(state, int(contacts), int(partitions))
        return
    fewer, more = given.contacts
    print(f"{'':8} {'events':>6} {'bytes a contact':>16} {'contacts a GiB':>15} {'to wake':>10}")
    for state in STATES:
        small, _ = measured(state, fewer, given.partitions)
        large, seconds = measured(state, more, given.partitions)
        each = (large - small) / (more - fewer)
        print(
            f"{state:8} {len(STORIES[state]):6} {each:16.0f} {2**30 / each:15,.0f} "
            f"{seconds * 1e6:7.1f} us",
            flush=True,
        )


if __name__ == "__main__":
    main()
