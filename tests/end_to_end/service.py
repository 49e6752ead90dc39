"""Runs ``firstreply run`` as a user would: a process of its own, a configuration file, a signal."""

import asyncio
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.shared import ROOT

PATIENCE_SECONDS = 60.0
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Service:
    """A running service."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self.address = ""

    @property
    def log(self) -> str:
        return self._log.read_text()

    async def listening(self) -> None:
        """Wait for the line that tells the address."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := re.search(r"metrics=(http://\S+)/metrics", self.log)):
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.1)
        self.address = found[1]

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.address + path) as answer:
            return answer.status, await answer.text()

    async def scrape(self) -> Samples:
        """Return every sample of /metrics by name and labels."""
        _, text = await self.get("/metrics")
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def until(self, is_so: Callable[[Samples], bool]) -> Samples:
        """Scrape until something is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so(samples := await self.scrape()):
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.2)
        return samples

    async def until_logged(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.log:
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.1)

    async def until_ready(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await self.get("/readyz"))[0] != 200:
                assert self._process.returncode is None, self.log
                await asyncio.sleep(0.2)

    async def until_read(self, records: int) -> Samples:
        """Wait until so many records were read, ready, and every counter shows what it counted."""
        await self.until(lambda samples: total(samples, "read") >= records)
        await self.until_ready()
        await self.scrape()
        await asyncio.sleep(1.5)  # a checkpoint later, every series was shown at 0 once
        await self.scrape()
        return await self.scrape()

    async def ended(self) -> int:
        """Wait for the process to end by itself."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self._process.wait()

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self._process.send_signal(signal.SIGHUP)

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def stop(self) -> int:
        """Send SIGTERM and wait."""
        self.terminate()
        return await self.ended()

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


@asynccontextmanager
async def running(config: Path, log: Path, *, stops_itself: bool = False) -> AsyncIterator[Service]:
    """Start the service; it listens when the block begins and is gone when it ends.

    Unless it ``stops_itself``, it must stop in order on SIGTERM.
    """
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "firstreply", "run", "--config", str(config)),
            env={**_environment(), "PYTHONPATH": str(ROOT / "service")},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
        service = Service(process, log)
        try:
            await service.listening()
            yield service
            if not stops_itself:
                assert await service.stop() == 0, service.log
        finally:
            service.kill()
            await process.wait()


def _environment() -> dict[str, str]:
    """Return ours without what the service would take for a setting."""
    return {name: text for name, text in os.environ.items() if not name.startswith("FIRSTREPLY_")}


def total(samples: Samples, what: str) -> float:
    """Sum a counter over its labels; ``read`` is every record, good or bad."""
    names = {
        "read": ("firstreply_events_total", "firstreply_events_rejected_total"),
    }.get(what, (what,))
    return sum(value for (name, _), value in samples.items() if name in names)


def net_outcomes(samples: Samples) -> Counter[tuple[str, str, str]]:
    """Net outcomes per channel and band: what is counted, corrections applied."""
    net: Counter[tuple[str, str, str]] = Counter()
    for (name, labels), value in samples.items():
        of: dict[str, Any] = dict(labels)
        if name == "contact_expectation_outcomes_total":
            net[of["channel"], of["band"], of["outcome"]] += int(value)
        elif name == "contact_expectation_corrections_total":
            net[of["channel"], of["band"], of["from"]] -= int(value)
            net[of["channel"], of["band"], of["to"]] += int(value)
    return Counter({key: amount for key, amount in net.items() if amount})
