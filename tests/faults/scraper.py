"""Looks at ``/metrics`` of every member five times a second, and keeps every sample with its time.

All scrapes go to a file too, a line each, for whoever looks into a failure.
"""

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import aiohttp

from tests.faults.samples import Scrape, parse

EVERY_SECONDS: Final = 0.2
_PATIENCE: Final = aiohttp.ClientTimeout(total=1.0)


class Scraper:
    """Scrapes instances until it is stopped."""

    def __init__(self, file: Path) -> None:
        """Name the file; nothing is scraped yet."""
        self.scrapes: list[Scrape] = []
        """In the order in which the answers came."""
        self.latest: dict[str, Scrape] = {}
        """By instance."""
        self._file = file.open("w")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None

    def watch(self, instances: Iterable[str]) -> None:
        """Scrape more instances."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_PATIENCE)
        for instance in instances:
            if instance not in self._tasks:
                self._tasks[instance] = asyncio.create_task(self._watch(instance))

    async def stop(self) -> None:
        """End."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._file.close()

    async def _watch(self, instance: str) -> None:
        while True:
            began = time.monotonic()
            values = None
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                values = parse(await self._text(instance))
            self._keep(Scrape(time.time(), instance, values))
            await asyncio.sleep(max(0.0, began + EVERY_SECONDS - time.monotonic()))

    async def _text(self, instance: str) -> str:
        assert self._session is not None
        async with self._session.get(f"http://{instance}/metrics") as answer:
            return await answer.text()

    def _keep(self, scrape: Scrape) -> None:
        self.scrapes.append(scrape)
        self.latest[scrape.instance] = scrape
        told = None
        if scrape.values is not None:
            told = {
                f"{name}{dict(labels) or ''}": value
                for (name, labels), value in scrape.values.items()
                if value
            }
        self._file.write(json.dumps([scrape.at, scrape.instance, told]) + "\n")
