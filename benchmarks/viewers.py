"""What open walls cost the service: loop lag, processor and events, without and with viewers.

``python benchmarks/viewers.py`` runs the whole service in one process on a simulation that fills a
good part of a processor; opens 100 server-sent event streams on loopback from another process; and
measures in turns without and with them, six seconds each, three times. Lag is how much later than
asked for a sleeping task wakes; beside it stands how much of the processor the loop took meanwhile,
for on a busy machine lag says more about the other processes. The longest stretch is a full
collection of garbage, viewers or not. Bounded: a minute, at most 500 viewers. Loopback only.
"""

# ruff: noqa: INP001, S101, T201 - a script of no package; it asserts and prints what it measured

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.adapters.simulator import SimulatedSource, Simulator  # noqa: E402
from firstreply.app import Running, run_simulated  # noqa: E402
from firstreply.demo import demo_settings  # noqa: E402

TICK: Final = 0.001
ROUNDS: Final = 3
SECONDS: Final = 6.0
MOST_VIEWERS: Final = 500


_collections: Final[list[float]] = []
"""Milliseconds of the processor."""


def _time_collection(phase: str, _: dict[str, int]) -> None:
    now = time.thread_time() * 1000
    if phase == "start":
        _collections.append(-now)
    else:
        _collections[-1] += now


class Phase:
    """One measurement."""

    def __init__(self) -> None:
        self.events = 0
        self.seconds = 0.0
        self.processor_seconds = 0.0
        self.lags: list[float] = []
        """Milliseconds by the clock, and of the processor, from sleep to sleep."""
        self.works: list[float] = []

    async def measure(self, running: Running) -> "Phase":
        """Watch the service for a while."""
        began, worked, offset = time.monotonic(), time.thread_time(), _offset(running)
        now, work = began, worked
        while now < began + SECONDS:
            await asyncio.sleep(TICK)
            before, work_before, now, work = now, work, time.monotonic(), time.thread_time()
            self.lags.append(max(0.0, now - before - TICK) * 1000)
            self.works.append((work - work_before) * 1000)
        self.events = _offset(running) - offset
        self.seconds, self.processor_seconds = now - began, work - worked
        return self


def _offset(running: Running) -> int:
    return sum(fold.offset for fold in running.processor.folds.values())


@asynccontextmanager
async def viewers(address: str, count: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Open so many walls from another process, until all have got a message."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(__file__, "--watch", address, "--viewers", str(count)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    yield process
    process.stdin.close()
    print("   viewers:", (await process.stdout.read()).decode().strip())
    await process.wait()


async def watch(address: str, count: int) -> None:
    """Be so many viewers, until standard input ends; tell how many messages they got."""
    got = [0] * count
    size = 0

    async def view(number: int) -> None:
        nonlocal size
        async with client.get("/wall/events") as answer:
            assert answer.status == 200, await answer.text()
            while line := await answer.content.readuntil(b"\n\n"):
                got[number] += line.startswith(b"event:")
                size = max(size, len(line))

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        address, connector=connector, timeout=aiohttp.ClientTimeout(total=None), read_bufsize=2**20
    ) as client:
        tasks = [asyncio.create_task(view(number)) for number in range(count)]
        while not all(got):  # noqa: ASYNC110 - a hundred events for one look
            await asyncio.sleep(0.05)
        print("all are served", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(f"{count}, {min(got)} to {max(got)} messages each, of {size:,} bytes at most")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def compare(running: Running, count: int) -> None:
    """Measure in turns, and print; then end the service."""
    gc.callbacks.append(_time_collection)
    await asyncio.sleep(3)
    without, with_them = [], []
    for _ in range(ROUNDS):
        without.append(await Phase().measure(running))
        async with viewers(running.address, count):
            with_them.append(await Phase().measure(running))
        await asyncio.sleep(1)
    print(f"longest collection of garbage: {max(_collections, default=0):.1f} ms")
    alone, together = _print("no viewers", without), _print(f"{count} viewers", with_them)
    print(
        f"with viewers / without: events/s {together[0] / alone[0]:.3f}, "
        f"processor per event {together[1] / alone[1]:.3f}"
    )
    running.processor.stop()


def _print(name: str, phases: list[Phase]) -> tuple[float, float]:
    """Print what was measured; return events per second, and seconds of the processor per event."""
    events, seconds = sum(one.events for one in phases), sum(one.seconds for one in phases)
    processor = sum(one.processor_seconds for one in phases)
    print(f"{name}: {events / seconds:,.0f} events/s, {processor / seconds:.1%} of a processor")
    for what, values in (
        ("loop lag", sorted(lag for phase in phases for lag in phase.lags)),
        ("processor between looks", sorted(work for phase in phases for work in phase.works)),
    ):
        p50, p99 = (values[int(len(values) * share)] for share in (0.5, 0.99))
        print(f"   {what:<24} p50 {p50:5.2f} ms, p99 {p99:5.1f} ms, max {values[-1]:5.1f} ms")
    return events / seconds, processor / events


async def serve(count: int) -> None:
    """Run the service on a busy day, and measure beside it."""
    settings = demo_settings(None, {"FIRSTREPLY_HTTP__PORT": "0"})
    simulator = Simulator(1, datetime(2026, 3, 2, 9, tzinfo=UTC), 200.0, days=None)
    source = SimulatedSource(simulator, speed=40.0)

    async def companion(running: Running) -> None:
        await compare(running, count)

    await run_simulated(settings, source, companions=(companion,))


def main() -> None:
    """Measure, or be the viewers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if not 0 < wanted.viewers <= MOST_VIEWERS:
        parser.error(f"viewers: 1 to {MOST_VIEWERS}")
    asyncio.run(watch(wanted.watch, wanted.viewers) if wanted.watch else serve(wanted.viewers))


if __name__ == "__main__":
    main()
