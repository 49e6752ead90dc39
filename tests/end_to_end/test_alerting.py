"""From an unanswered call to a message on a phone, through every real part.

Events go to a real broker as they happen, `firstreply run` reads them, a real Prometheus evaluates
the shipped rules, a real Alertmanager sends what the shipped configuration says, and the test is
Slack, the mail server, the webhook and the dead man's switch. One thing is not real: the world is a
hundred times faster (see ``faster``), so an hour takes 36 seconds and the phone's promise is 2 s.

The phones of a contact centre go dark while its chat goes on; after some minutes people answer
again; at last the service itself is killed.
"""

import asyncio
import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from tests.alertmanager.deployment import write_deployment
from tests.end_to_end.faster import write_prometheus
from tests.end_to_end.inbox import Inbox, open_inbox
from tests.end_to_end.service import Service, running
from tests.servers.fixtures import StartServer

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

TIMES: Final = 100
EVERY: Final = "250ms"
PROMISE_SECONDS: Final = 2.0
CONFIGURATION: Final = """\
kafka: {{bootstrap_servers: "{servers}", topic: {topic}, group: {topic}}}
http: {{port: 0}}
bands: {{2s: {{weight: 1}}}}
channels_only: true
channels:
  phone: {{promise: {{band: 2s, objective: 0.8}}, queues: [sales, support], voice: true}}
  chat: {{promise: {{band: 2s, objective: 0.8}}, queues: [sales]}}
# As much shorter as a test can afford; the defaults are in deploy/alertmanager/README.md.
grace: 500ms
proof_skew: 100ms
proof_interval: 200ms
checkpoint_interval: 200ms
"""
QUEUES: Final = (("phone", "sales"), ("phone", "support"), ("chat", "sales"))


class ContactCentre:
    """Customers who call twice a second, and people who answer within half a second, or do not."""

    def __init__(self, writer: KafkaWriter) -> None:
        self._writer = writer
        self._waiting: dict[str, list[str]] = {"phone": [], "chat": []}
        self.dark_since: float | None = None
        """When the first call came that nobody was to answer."""
        self._answering = {"phone", "chat"}

    def go_dark(self, channel: str) -> None:
        self._answering.remove(channel)

    def answer_again(self, channel: str) -> None:
        self._answering.add(channel)

    async def work(self) -> None:
        """Take and answer contacts until cancelled."""
        while True:
            began = time.monotonic()
            await self._writer.write(self._answers())
            await self._writer.write(self._openings())
            await asyncio.sleep(max(0.0, began + 0.5 - time.monotonic()))

    def _answers(self) -> list[Outgoing]:
        records = []
        for channel in self._answering:
            for contact in self._waiting[channel]:
                records.append(record("responded", contact, actor="agent"))
            self._waiting[channel].clear()
        return records

    def _openings(self) -> list[Outgoing]:
        records = []
        for channel, queue in QUEUES:
            contact = uuid.uuid4().hex
            if channel not in self._answering and self.dark_since is None:
                self.dark_since = time.time()
            records.append(record("opened", contact, channel=channel, queue=queue))
            self._waiting[channel].append(contact)
        return records


def record(kind: str, contact: str, **more: str) -> Outgoing:
    now = datetime.now(UTC).isoformat()
    fields = {"id": uuid.uuid4().hex, "type": f"contact.{kind}", "time": now}
    value = json.dumps({**fields, "contact_id": contact, **more}).encode()
    return Outgoing(key=contact.encode(), value=value)


class World:
    """Everything that runs, and what a test asks of it."""

    def __init__(self, centre: ContactCentre, inbox: Inbox) -> None:
        self.centre = centre
        self.inbox = inbox
        self.prometheus = ""
        self.alertmanager = ""

    async def ask(self, path: str) -> Any:  # noqa: ANN401 - JSON of other people's servers
        async with aiohttp.ClientSession() as session, session.get(path) as answer:
            return await answer.json()

    async def inhibited(self) -> set[str]:
        """Return the names of the alerts that others silence now."""
        alerts = await self.ask(f"{self.alertmanager}/api/v2/alerts")
        return {one["labels"]["alertname"] for one in alerts if one["status"]["inhibitedBy"]}

    async def firing(self, since: float) -> set[str]:
        """Return the names of the alerts that fired in Prometheus after some moment."""
        found = await self.samples('ALERTS{alertstate="firing"}', since)
        return {series["metric"]["alertname"] for series in found}

    async def first(self, query: str, since: float) -> float:
        """Return when a series was first above 0 after some moment."""
        found = await self.samples(query, since)
        return min(
            float(at) for series in found for at, value in series["values"] if float(value) > 0
        )

    async def samples(self, selector: str, since: float) -> list[dict[str, Any]]:
        """Return the raw samples since some moment."""
        seconds = int(time.time() - since) + 1
        path = f"/api/v1/query?query={quote(f'{selector}[{seconds}s]')}"
        found: list[dict[str, Any]] = (await self.ask(self.prometheus + path))["data"]["result"]
        for series in found:
            series["values"] = [one for one in series["values"] if float(one[0]) >= since]
        return [series for series in found if series["values"]]


async def test_a_dark_phone_queue_reaches_the_team_lead_and_its_end_does_too(
    kafka: KafkaBroker,
    prometheus_server: StartServer,
    alertmanager_server: StartServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")  # of both servers: clock times are theirs
    topic = f"events-{uuid.uuid4().hex[:10]}"
    config = tmp_path / "firstreply.yaml"
    config.write_text(CONFIGURATION.format(servers=kafka.bootstrap_servers, topic=topic))
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)
    async with (
        open_inbox() as inbox,
        KafkaWriter(options) as writer,
    ):
        await writer.create_topic(partitions=2)
        async with running(config, tmp_path / "service.log", stops_itself=True) as service:
            world = World(ContactCentre(writer), inbox)
            async with asyncio.TaskGroup() as tasks:
                working = tasks.create_task(world.centre.work())
                await service.until_ready()
                await start_servers(
                    world, service, prometheus_server, alertmanager_server, tmp_path
                )
                await story(world, service)
                working.cancel()


async def start_servers(
    world: World,
    service: Service,
    prometheus: StartServer,
    alertmanager: StartServer,
    folder: Path,
) -> None:
    (folder / "deployment").mkdir()
    deployment = write_deployment(
        folder / "deployment", http=world.inbox.http, smtp=world.inbox.smtp
    )
    french = deployment.read_text().replace(
        "headers: {Subject: '{{ template \"firstreply.",
        "headers: {Subject: '{{ template \"firstreply.fr.",
    )
    french = french.replace(
        "text: '{{ template \"firstreply.text", "text: '{{ template \"firstreply.fr.text"
    )
    deployment.write_text(french)
    world.alertmanager = (await asyncio.to_thread(alertmanager, deployment)).url
    config = write_prometheus(
        folder,
        service=service.address.removeprefix("http://"),
        alertmanager=world.alertmanager.removeprefix("http://"),
        times=TIMES,
        every=EVERY,
    )
    lookback = f"--query.lookback-delta={300_000 // TIMES}ms"
    world.prometheus = (await asyncio.to_thread(prometheus, config, lookback)).url


async def story(world: World, service: Service) -> None:
    inbox, centre = world.inbox, world.centre
    await asyncio.sleep(20)
    print("quiet", [m.title for m in inbox.messages if m.by != "dead-man-switch"])
    t0 = time.time()
    centre.go_dark("phone")
    await asyncio.sleep(48)
    print("inhibited", await world.inhibited(), "firing", await world.firing(t0))
    t1 = time.time()
    centre.answer_again("phone")
    for _ in range(30):
        await asyncio.sleep(1)
        print(
            round(time.time() - t1),
            [
                a["metric"]["alertname"]
                for a in await world.samples('ALERTS{alertstate="firing"}', time.time() - 0.6)
            ],
        )
    t2 = time.time()
    service.kill()
    await asyncio.sleep(10)
    for m in inbox.messages:
        if m.by != "dead-man-switch" or m.at > t2:
            print(round(m.at - t0, 1), m.by, m.to, m.title, m.names, "\n", m.text)
    print("t1", t1 - t0, "t2", t2 - t0)
    raise SystemExit
