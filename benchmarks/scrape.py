"""What a scrape of ``/metrics`` costs with millions of open contacts, and a checkpoint's gauges.

``python benchmarks/scrape.py`` opens five million contacts (``--contacts``) on 12 channels and 20
queues in 8 partitions of one process, and serves ``/metrics``, which then has some 32,000 samples.
Another process asks for it twenty times over HTTP as Prometheus does, compressed. Before each
scrape 2,000 events are folded and a checkpoint is published, so that what changes with the events
must be rendered anew. Printed: p50 and the greatest of each, in milliseconds: of a scrape, the
CPU of the event loop's thread, that of all threads (compression has its own) and the wall time that
the asking process saw; of a checkpoint, the CPU of the gauges over all waiting contacts, and of the
publisher. Filling takes some 40 us a contact. Goal: a scrape below 100 ms.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import asyncio
import gzip
import http.client
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final, Self
from urllib.parse import urlsplit

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers"), str(HERE.parent)]

import partitions  # noqa: E402
import workload  # noqa: E402
from memory import resident  # noqa: E402

from firstreply import collector  # noqa: E402
from firstreply.adapters.http import Server  # noqa: E402
from firstreply.adapters.prometheus import Publisher  # noqa: E402
from firstreply.adapters.records import FileRecord  # noqa: E402
from firstreply.domain.instants import to_instant  # noqa: E402
from firstreply.fold import PartitionFold  # noqa: E402
from firstreply.health import Health  # noqa: E402

BEGAN: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
ARRIVALS: Final = timedelta(minutes=4)
"""No deadline of those who waited before falls into them."""
EVENTS: Final = 2_000
"""Folded before each scrape."""

Times = dict[str, list[float]]
"""What was measured to milliseconds, one for each round."""


class Asking:
    """The process that scrapes; an asynchronous context manager."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, __file__, "--ask", self._address),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        await self._process.wait()

    async def scrape(self) -> tuple[float, int, int]:
        """Scrape once; return the milliseconds, the samples and the bytes on the wire."""
        assert self._process.stdin is not None  # noqa: S101 - they are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(b"scrape\n")
        milliseconds, samples, size = (await self._process.stdout.readline()).split()
        return float(milliseconds), int(samples), int(size)


def ask(address: str) -> None:
    """Scrape once for each line of standard input, and tell."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    accepted = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}
    for _ in sys.stdin:
        began = time.perf_counter()
        connection.request("GET", "/metrics", headers=accepted)
        body = connection.getresponse().read()
        took = time.perf_counter() - began
        lines = gzip.decompress(body).splitlines()
        samples = sum(not line.startswith(b"#") for line in lines)
        print(took * 1000, samples, len(body), flush=True)


def checkpoint(folds: list[PartitionFold], publisher: Publisher, times: Times) -> None:
    """Do what a checkpoint does to the exported figures."""
    spans = [fold.take() for fold in folds]
    began = time.thread_time()
    gauges = [fold.engine.gauges() for fold in folds]
    read = time.thread_time()
    for fold, span, now in zip(folds, spans, gauges, strict=True):
        publisher.checkpointed(fold.partition, 0, span.increments)
        publisher.gauges(fold.partition, now)
    times["checkpoint: gauges of all partitions"].append((read - began) * 1000)
    times["checkpoint: publisher"].append((time.thread_time() - read) * 1000)


async def measure(
    folds: list[PartitionFold], news: Iterator[list[list[FileRecord]]], rounds: int
) -> None:
    """Serve, let the other process scrape, and print."""
    times: Times = {
        "scrape: event loop, CPU": [],
        "scrape: all threads, CPU": [],
        "scrape: wall, as seen by who asks": [],
        "checkpoint: gauges of all partitions": [],
        "checkpoint: publisher": [],
    }
    publisher = Publisher(folds[0].engine.book, "contact-events")
    server = Server(publisher, Health(60.0, time.monotonic()))
    await server.start("127.0.0.1", 0)
    async with Asking(server.address) as asking:
        for number in range(-1, rounds):
            for fold, records in zip(folds, next(news), strict=True):
                fold.fold(records)
            checkpoint(folds, publisher, times)
            began, thread_began = time.process_time(), time.thread_time()
            wall, samples, size = await asking.scrape()
            taken = time.thread_time() - thread_began, time.process_time() - began
            if number < 0:  # nothing was rendered before the first one, as after a start
                print(f"the first scrape: {taken[0] * 1000:.1f} ms CPU of the event loop")
                continue
            for kept, seconds in zip(times.values(), taken, strict=False):
                kept.append(seconds * 1000)
            times["scrape: wall, as seen by who asks"].append(wall)
    await server.stop()
    print(f"{samples:,} samples, {size:,} bytes compressed; milliseconds, p50 and greatest")
    for what, found in times.items():
        print(f"{what:38} {median(found):8.1f} {max(found):8.1f}")


def main() -> None:
    """Fill, serve and measure; or ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=5_000_000)
    parser.add_argument("--partitions", type=int, default=8)
    parser.add_argument("--scrapes", type=int, default=20)
    parser.add_argument("--ask", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ask:
        ask(given.ask)
        return
    collector.look_once()
    began = time.thread_time()
    folds = partitions.make(given.partitions, workload.configuration())
    for _ in partitions.open_contacts(folds, given.contacts, to_instant(BEGAN)):
        pass
    took, taken = time.thread_time() - began, resident() / 1e9
    print(f"{given.contacts:,} open contacts: {took:.0f} s CPU to fill, {taken:.1f} GB", flush=True)
    enough = EVENTS * (given.scrapes + 1) // 2  # two events each in their first seconds
    contacts = workload.contacts(enough, BEGAN, over=ARRIVALS)
    news = partitions.batches(folds, workload.events(contacts), EVENTS)
    asyncio.run(measure(folds, news, given.scrapes))


if __name__ == "__main__":
    main()
