"""What the wall costs the event loop where it is largest: many waiting contacts, many queues.

``python benchmarks/wall.py`` fills an engine with a million contacts that wait, and measures in one
process, without any network: finding the most urgent, looking for their ids (how long, and the
longest stretch without another task running), a turn of the wall over 12 channels x 20 queues in 16
partitions, and what the board adds to a checkpoint of 100,000 contacts. Times are of the processor,
so that a busy machine does not show; collections of garbage are left out, for they would come
anyway. Half a minute, 1.5 GB.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package; it prints what it measured

import argparse
import asyncio
import gc
import statistics
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic, thread_time
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.board import Board  # noqa: E402
from firstreply.domain.bands import Band, Clock, Policy, Promise  # noqa: E402
from firstreply.domain.calendar import Calendar  # noqa: E402
from firstreply.domain.engine import Engine  # noqa: E402
from firstreply.domain.events import Actor, ContactEvent, EventType  # noqa: E402
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges  # noqa: E402
from firstreply.domain.increments import Increments  # noqa: E402
from firstreply.domain.instants import HOUR, MINUTE, SECOND  # noqa: E402
from firstreply.domain.policy_book import PolicyBook  # noqa: E402
from firstreply.health import Health  # noqa: E402
from firstreply.wall.exchange import NoExchange  # noqa: E402
from firstreply.wall.live import Identity, Wall  # noqa: E402
from firstreply.wall.status import Membership  # noqa: E402
from firstreply.wall.urgent import UrgentFinder  # noqa: E402

START: Final = 1_800_000_000 * SECOND
OFFICE: Final = Calendar.from_weekly(
    timezone="Europe/Paris",
    weekly={day: [("09:00", "18:00")] for day in ("mon", "tue", "wed", "thu", "fri")},
)


class Null:
    """A publisher that does nothing: what is measured is the board's own share."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_: None


class Fold:
    """A partition as the finder sees it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine


def book(channels: int, queues: int) -> PolicyBook:
    """Make policies of the usual bands, on elapsed and business hours in turn."""
    names = [f"channel{number}" for number in range(channels)]
    policies = [
        Policy(
            channel=name,
            bands=tuple(
                Band(band, limit * MINUTE, Clock.BUSINESS if number % 2 else Clock.ELAPSED, 0.25)
                for band, limit in (("10m", 10), ("1h", 60), ("8h", 480), ("24h", 1440))
            ),
            calendar=OFFICE if number % 2 else None,
            promise=Promise("1h", 0.9),
        )
        for number, name in enumerate([*names, "other"])
    ]
    listed = dict.fromkeys(names, tuple(f"queue{number}" for number in range(queues)))
    return PolicyBook(policies, queues=listed)


def filled(policies: PolicyBook, contacts: int) -> Engine:
    """Let so many customers write, in the course of two hours, to all queues in turn."""
    engine = Engine(policies, grace=5 * SECOND)
    channels = list(policies.policies)
    for number in range(contacts):
        at = START + number * 2 * HOUR // contacts
        channel = channels[number % len(channels)]
        engine.receive(
            ContactEvent(
                f"contact-{number}",
                EventType.OPENED,
                at,
                "1",
                channel,
                f"queue{number % 20}",
                Actor.CUSTOMER,
                None,
                None,
            )
        )
    engine.advance(START + 2 * HOUR)
    engine.take_increments()
    return engine


async def stretches(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Do something; return its milliseconds, and the longest in which no other task ran."""
    longest = 0.0
    last = thread_time()

    async def watch() -> None:
        nonlocal longest, last
        while True:
            now = thread_time()
            longest, last = max(longest, now - last), now
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    longest, began = 0.0, thread_time()
    await work()
    took = thread_time() - began
    await asyncio.sleep(0)
    watching.cancel()
    return took * 1000, longest * 1000


async def measure_urgent(contacts: int) -> None:
    """Find the most urgent."""
    policies = book(12, 20)
    began = thread_time()
    folds = {0: Fold(filled(policies, contacts))}
    print(f"{contacts:,} contacts wait in 240 queues (filled in {thread_time() - began:.0f} s)")
    finder = UrgentFinder(lambda: folds, ids_shown=True)
    took, longest = await stretches(finder.find)
    print(f"  find {took:7.1f} ms, longest stretch {longest:5.1f} ms")


async def measure_turn(partitions: int) -> None:
    """Turn a wall that somebody looks at."""
    policies = book(12, 20)
    board = Board(policies, Null())
    queues = {
        (channel, f"queue{queue}"): QueueGauges(
            dict.fromkeys(BandState, 3), START, START + HOUR, {"5m": 1, "15m": 2, "60m": 3}
        )
        for channel in policies.policies
        for queue in range(20)
    }
    for partition in range(partitions):
        board.gauges(partition, PartitionGauges(START, queues, 0, {}))
        board.checkpointed(partition, 1, checkpoint(policies, 1000))
        board.gauges(partition, PartitionGauges(START, queues, 0, {}))
    health = Health(60, 0)
    numbers = frozenset(range(partitions))
    same = dict.fromkeys(numbers, 1)
    health.looked(assigned=numbers, offsets=same, ends=same, now=1)
    wall = Wall(
        identity=Identity("g", "p"),
        book=policies,
        figures=board,
        health=health,
        membership=lambda: Membership(numbers, partitions),
        urgent=UrgentFinder(dict, ids_shown=False),
        exchange=NoExchange(),
        rate=lambda: 1.0,
        monotonic=monotonic,
    )
    wall.looked()
    times = [await stretches(wall.turn) for _ in range(20)]
    documents = await wall.documents()
    print(
        f"a turn over {partitions} partitions x {len(queues)} queues: "
        f"{statistics.median(took for took, _ in times):.1f} ms, longest stretch "
        f"{max(longest for _, longest in times):.1f} ms, {len(documents.channels):,} bytes"
    )


def checkpoint(policies: PolicyBook, contacts: int) -> Increments:
    """Make the increments of so many contacts answered."""
    increments = Increments()
    channels = list(policies.policies)
    for number in range(contacts):
        channel, queue = channels[number % len(channels)], f"queue{number % 20}"
        increments.count("contact_received_total", channel, queue)
        for band in ("10m", "1h", "8h", "24h"):
            increments.count("contact_expectation_outcomes_total", channel, queue, band, "met")
        increments.observe("contact_first_response_seconds", channel, queue, seconds=30.0)
    return increments


def measure_checkpoint(contacts: int) -> None:
    """Publish one large checkpoint through the board to nobody."""
    policies = book(12, 20)
    increments = checkpoint(policies, contacts)
    board = Board(policies, Null())
    times = []
    for _ in range(10):
        began = thread_time()
        board.checkpointed(0, 1, increments)
        times.append((thread_time() - began) * 1000)
    print(
        f"a checkpoint of {contacts:,} contacts ({len(increments.counts):,} series, "
        f"{len(increments.observations):,} observations): the board adds "
        f"{statistics.median(times):.1f} ms"
    )


def main() -> None:
    """Run all of it."""
    gc.disable()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=1_000_000, choices=range(1, 5_000_001))
    wanted = parser.parse_args()
    measure_checkpoint(1_000)
    measure_checkpoint(100_000)
    asyncio.run(measure_turn(1))
    asyncio.run(measure_turn(16))
    asyncio.run(measure_urgent(wanted.contacts))


if __name__ == "__main__":
    main()
