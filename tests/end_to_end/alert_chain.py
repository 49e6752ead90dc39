"""Prometheus and Alertmanager on the shipped configurations, and the people they write to.

The world is a hundred times faster (see ``faster``): an hour takes 36 seconds. ``start_chain``
points real servers at a running service; ``inbox`` is Slack, the mail server, the webhook and the
dead man's switch. Import both fixtures where a test needs them.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest

from tests.alertmanager.deployment import write_deployment
from tests.alertmanager.rules import WATCHDOG
from tests.end_to_end.faster import faster, write_prometheus, write_rules
from tests.end_to_end.inbox import Inbox, Message, open_inbox
from tests.servers.fixtures import StartServer

TIMES: Final = 100
EVERY: Final = "500ms"
NOT_ON_THE_FLOOR: Final = {
    "#operations",
    "on-call@contact-centre.example",
    "service-quality@contact-centre.example",
}


class Servers:
    """Prometheus and Alertmanager, and what a test asks of them."""

    def __init__(self, prometheus: str, alertmanager: str) -> None:
        self._prometheus = prometheus
        self._alertmanager = alertmanager

    async def silenced(self) -> set[str]:
        """Return the names of the alerts that others silence now."""
        alerts = await ask(f"{self._alertmanager}/api/v2/alerts")
        return {one["labels"]["alertname"] for one in alerts if one["status"]["inhibitedBy"]}

    async def has_scraped(self) -> bool:
        """Return whether Prometheus knows whom to ask and whom to tell."""
        up = await ask(f"{self._prometheus}/api/v1/query?query=up")
        told = await ask(f"{self._prometheus}/api/v1/alertmanagers")
        return bool(up["data"]["result"] and told["data"]["activeAlertmanagers"])

    async def firing(self) -> set[str]:
        """Return the names of the alerts that fire now, without the Watchdog."""
        alerts = (await ask(f"{self._prometheus}/api/v1/alerts"))["data"]["alerts"]
        names = {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}
        return names - {WATCHDOG}

    async def until(self, is_so: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until something is so."""
        for _ in range(120):
            if await is_so():
                return
            await asyncio.sleep(0.5)
        msg = f"not within 60 s: {what}; firing: {await self.firing()}"
        raise AssertionError(msg)

    async def first(self, selector: str, since: float) -> float:
        """Return the moment at which a sample of a series was first above 0."""
        seconds = int(time.time() - since) + 1
        query = quote(f"{selector}[{seconds}s]")
        answer = await ask(f"{self._prometheus}/api/v1/query?query={query}")
        return min(
            float(at)
            for series in answer["data"]["result"]
            for at, value in series["values"]
            if float(value) > 0
        )

    async def value(self, query: str) -> float:
        """Return the value of a query that has one result."""
        answer = await ask(f"{self._prometheus}/api/v1/query?query={quote(query)}")
        (series,) = answer["data"]["result"]
        return float(series["value"][1])


async def ask(url: str) -> Any:  # noqa: ANN401 - the JSON of other people's servers
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


def floor_messages(inbox: Inbox, since: float = 0.0) -> list[Message]:
    """Return what reached the team leads: not operations, planning or the dead man's switch."""
    return [
        one
        for one in inbox.messages
        if one.at >= since and one.by != "dead-man-switch" and one.to not in NOT_ON_THE_FLOOR
    ]


StartChain = Callable[[str], Awaitable[Servers]]
"""Point both servers at a service, by its address."""


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Everybody who is told something."""
    async with open_inbox() as opened:
        yield opened


@pytest.fixture
def start_chain(
    inbox: Inbox,
    prometheus_server: StartServer,
    alertmanager_server: StartServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> StartChain:
    """Both on the shipped configurations: Slack in English, e-mail in French."""

    async def start(address: str) -> Servers:
        monkeypatch.setenv("TZ", "Europe/Paris")  # clock times in messages are those of the servers
        folder = tmp_path / "alertmanager-configuration"
        folder.mkdir()
        deployment = write_deployment(folder, http=inbox.http, smtp=inbox.smtp)
        deployment.write_text(in_french(deployment.read_text(), ("Subject", "text", "html")))
        alertmanager = await asyncio.to_thread(alertmanager_server, deployment)
        config = write_prometheus(
            tmp_path,
            service=address.removeprefix("http://"),
            alertmanager=alertmanager.url.removeprefix("http://"),
            every=EVERY,
        )
        prometheus = await asyncio.to_thread(
            prometheus_server,
            config,
            f"--query.lookback-delta={faster('5m', TIMES)}",  # the defaults, faster too
            f"--rules.alert.resend-delay={faster('1m', TIMES)}",
        )
        started = Servers(prometheus.url, alertmanager.url)
        await started.until(started.has_scraped, "a first scrape, and an Alertmanager found")
        write_rules(tmp_path, TIMES)
        async with aiohttp.ClientSession() as session:
            await session.post(f"{prometheus.url}/-/reload", raise_for_status=True)
        return started

    return start


def in_french(text: str, keys: Iterable[str]) -> str:
    """Name the French templates in an e-mail, as README.md says for one receiver."""
    start, end = text.index("    email_configs:"), text.index("    # Microsoft Teams")
    mail = text[start:end]
    for key in keys:
        mail, found = re.subn(rf'({key}: .*"firstreply)\.', r"\1.fr.", mail)
        assert found == 1, key
    return text[:start] + mail + text[end:]
