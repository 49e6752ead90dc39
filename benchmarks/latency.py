"""How long it takes until an event is seen, and how long the event loop's steps are.

``python benchmarks/latency.py`` starts a broker, one ``firstreply run`` and a producer that writes
at a steady rate: nothing at first, then 1,000 and 10,000 events a second, a minute each after a
warm-up. Printed for each rate:

- *shown*: from a record's append to the publication of its effect, after the durable checkpoint;
  from the service's histogram (``firstreply_publication_delay_seconds``)
- *canary*: one contact each second, from its append until ``/metrics`` shows it, which is asked for
  once a second
- *deadline*: from the deadline of a contact that stays silent until its miss is shown: at most, as
  the service knows it (``firstreply_deadline_delay_seconds``), and as seen in ``/metrics``
- *steps*: the CPU time of what the event loop runs between two polls

beside the goals. Where the service reads more slowly than the producer writes, the records that
wait grow, and the delays say how long the run was and nothing else: the output says so. It also
says how long the service waited for a core, for then the delays are of those who had it.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import asyncio
import json
import logging
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain, repeat
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "peers"))

from aiokafka import AIOKafkaProducer  # noqa: E402
from latency_service import (  # noqa: E402
    SILENT_LIMIT_SECONDS,
    TOPIC,
    Buckets,
    Look,
    Service,
    greatest,
    quantile,
)

from firstreply.adapters.kafka.options import KafkaOptions  # noqa: E402
from firstreply.adapters.kafka.writer import KafkaWriter  # noqa: E402
from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars  # noqa: E402
from firstreply.devkit.processes import OwnedProcess  # noqa: E402

PARTITIONS: Final = 4
WARM_UP_SECONDS: Final = 10
SILENT_EVERY: Final = 2
"""A silent contact for every second canary."""
LAG_SECONDS: Final = 2
"""Records of so many seconds that wait are a service that does not keep up."""
BUSY_SHARE: Final = 0.2
"""Who waits longer than that for a core is measured together with what else runs."""

CHECKPOINT, HALF, SCRAPE = 1.0, 0.5, 1.0
SHOWN_GOAL: Final = CHECKPOINT + HALF
DEADLINE_GOAL: Final = 5.0 + 1.0 + 1.0 + SHOWN_GOAL
"""Grace, skew, proof interval, and then as above."""
STEP_GOAL: Final = 0.02

SHOWN: Final = "firstreply_publication_delay_seconds"
DEADLINE: Final = "firstreply_deadline_delay_seconds"
STEP: Final = "firstreply_event_loop_step_seconds"


class Seen(NamedTuple):
    """What the service did in a window."""

    first: Look
    last: Look
    canaries: list[float]
    silent: list[float]
    told: str
    """The producer's last word."""
    waiting: float
    """Records that nobody has read at the end of the window."""

    def buckets(self, name: str) -> Buckets:
        """Return the buckets of a histogram, of the window alone."""
        before = self.first.buckets(name)
        return {limit: n - before[limit] for limit, n in self.last.buckets(name).items()}


class Probes:
    """Canaries and silent contacts: written once a second, looked for once a second."""

    def __init__(self, service: Service, producer: AIOKafkaProducer) -> None:
        self._service = service
        self._producer = producer
        self._chance = random.Random(1)  # noqa: S311 - the same instants in a second each time
        self._number = 0
        self.written: list[float] = []
        """When each canary was appended, in Unix seconds."""
        self.deadlines: list[float] = []
        self.seen: list[float] = []
        self.missed: list[float] = []
        self.last: Look | None = None

    async def write(self) -> None:
        """Write one each second, at any instant of it."""
        while True:
            offset = self._chance.random()
            await asyncio.sleep(offset)
            sent = await self._open("canary", 1)
            self.written.append(sent.timestamp / 1000)
            if self._number % SILENT_EVERY == 0:
                opened = time.time()
                await self._open("silent", 0, opened)
                self.deadlines.append(opened + SILENT_LIMIT_SECONDS)
            self._number += 1
            await asyncio.sleep(1 - offset)

    async def _open(self, channel: str, partition: int, at: float | None = None):  # noqa: ANN202 - aiokafka has no types
        instant = datetime.fromtimestamp(time.time() if at is None else at, UTC)
        event = {
            "type": "contact.opened",
            "contact_id": f"{channel}-{self._number}",
            "time": instant.isoformat(),
            "channel": channel,
            "actor": "customer",
        }
        value = json.dumps(event).encode()
        return await self._producer.send_and_wait(TOPIC, value, partition=partition)

    async def watch(self) -> None:
        """Ask for the metrics once a second; note when the n-th of each was there."""
        at = time.monotonic()
        while True:
            look = await asyncio.to_thread(self._service.look)
            now = time.time()
            if look is not None:
                self.last = look
                seen = look.total("contact_received_total", 'channel="canary"')
                self.seen += [now] * (int(seen) - len(self.seen))
                band = f'band="{SILENT_LIMIT_SECONDS}s"'
                missed = look.total(
                    "contact_expectation_outcomes_total",
                    *('channel="silent"', band, 'outcome="missed"'),
                )
                self.missed += [now] * (int(missed) - len(self.missed))
            at += SCRAPE
            await asyncio.sleep(max(0.0, at - time.monotonic()))

    def between(self, began: float, ended: float) -> tuple[list[float], list[float]]:
        """Return the delays of canaries and of deadlines in a window; infinite: not seen yet."""

        def delays(instants: list[float], seen: list[float]) -> list[float]:
            pairs = zip(instants, chain(seen, repeat(inf)), strict=False)
            return sorted(shown - at for at, shown in pairs if began <= at < ended)

        return delays(self.written, self.seen), delays(self.deadlines, self.missed)


async def measure(
    service: Service, probes: Probes, servers: str, rate: int, seconds: int, folder: Path
) -> Seen:
    """Let a rate run for a while."""
    log = folder / f"producer-{rate}.log"
    command = [sys.executable, str(ROOT / "benchmarks" / "steady_producer.py")]
    arguments = (servers, TOPIC, str(rate), str(seconds + WARM_UP_SECONDS))
    with OwnedProcess("producer", [*command, *arguments], log) as producer:
        await asyncio.to_thread(_wait, producer, lambda: "began" in log.read_text())
        await asyncio.sleep(WARM_UP_SECONDS)
        first = await service.until(lambda _: True, "asked")
        await asyncio.sleep(seconds - 1)  # the producer ends after the last look, not before
        last = await service.until(lambda _: True, "asked")
        await asyncio.to_thread(_wait, producer, lambda: "wrote" in log.read_text())
        told = log.read_text().splitlines()[-1]
    await asyncio.sleep(DEADLINE_GOAL + SCRAPE)  # for the last of the window to be seen
    waiting = last.total("firstreply_consumer_lag_messages")
    return Seen(first, last, *probes.between(first.at, last.at), told, waiting)


def _wait(producer: OwnedProcess, holds: Callable[[], bool]) -> None:
    while not holds():
        if not producer.is_running() and not holds():
            sys.exit(producer.log_tail())
        time.sleep(0.1)


def report(rate: int, seen: Seen) -> None:
    """Print what a window has shown, and the goals."""
    events = seen.last.total("firstreply_events_total") - seen.first.total(
        "firstreply_events_total"
    )
    took = seen.last.at - seen.first.at
    cpu = seen.last.cpu_seconds - seen.first.cpu_seconds
    queued = seen.last.queued_seconds - seen.first.queued_seconds
    print(
        f"\n{rate:,} events/s ({seen.told}): {events / took:,.0f}/s shown; {cpu / took:.0%} of a"
        f" core, and waited for one {queued / took:.0%} of the time"
    )
    if queued > took * BUSY_SHARE:
        print("  THE MACHINE IS TOO BUSY: the delays here are of those who had the cores")
    if seen.waiting > rate * LAG_SECONDS:
        print(f"  DOES NOT KEEP UP: {seen.waiting:,.0f} records wait; delays here mean nothing")
    shares = (0.5, 0.99, 0.999)
    for name, metric, goal in (
        ("shown", SHOWN, SHOWN_GOAL),
        ("deadline, at most", DEADLINE, DEADLINE_GOAL),
    ):
        told = [_seconds(quantile(seen.buckets(metric), share)) for share in shares]
        print(f"  {name:19} p50 {told[0]}  p99 {told[1]}  p99.9 {told[2]}   goal p99 {goal:.1f} s")
    for name, delays, goal in (
        ("canary at 1 Hz", seen.canaries, SHOWN_GOAL + SCRAPE),
        ("deadline at 1 Hz", seen.silent, DEADLINE_GOAL + SCRAPE),
    ):
        middle, last = (_seconds(delays[at]) for at in (len(delays) // 2, -1))
        print(f"  {name:19} p50 {middle}  greatest {last} of {len(delays)}   bound {goal:.1f} s")
    steps = seen.buckets(STEP)
    number = max(steps.values())
    above = number - steps[STEP_GOAL]
    print(
        f"  {'steps':19} {number:,.0f}, greatest {greatest(steps)}, above 20 ms: {above:,.0f}"
        f" ({above / max(number, 1):.4%})   goal: none",
        flush=True,
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    return "not yet" if value == inf else f"{value:.2f} s"


async def run(servers: str, rates: list[int], seconds: int, folder: Path) -> None:
    """Measure each rate in turn, with one service."""
    options = KafkaOptions(bootstrap_servers=servers, topic=TOPIC, group="none")
    async with KafkaWriter(options) as writer:
        await writer.create_topic(partitions=PARTITIONS)
    service = Service(servers, folder)
    with service.owned:
        await service.until(lambda look: look.total("firstreply_ready") == 1, "ready")
        async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
            probes = Probes(service, producer)
            tasks = [asyncio.create_task(probes.watch()), asyncio.create_task(probes.write())]
            for rate in rates:
                report(rate, await measure(service, probes, servers, rate, seconds, folder))
                for task in tasks:
                    if task.done():
                        task.result()
            for task in tasks:
                task.cancel()
        service.owned.kill()  # in order, it would wait for a last scrape


def main() -> None:
    """Start a broker, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", default=[0, 1_000, 10_000])
    parser.add_argument("--seconds", type=int, default=60, help="measured at each rate; 20 or more")
    given = parser.parse_args()
    logging.disable(logging.ERROR)  # of aiokafka, while the topic is new
    began = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with KafkaBroker(find_kafka_jars(ROOT), folder / "broker") as broker:
            asyncio.run(run(broker.bootstrap_servers, given.rates, given.seconds, folder))
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}, load average {began:.1f} before and"
        f" {os.getloadavg()[0]:.1f} after, {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
