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
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
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
from tests.alertmanager.rules import WATCHDOG
from tests.end_to_end.faster import faster, write_prometheus, write_rules
from tests.end_to_end.inbox import Inbox, Message, open_inbox
from tests.end_to_end.service import Service, running
from tests.servers.fixtures import StartServer

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

TIMES: Final = 100
EVERY: Final = "500ms"
QUIET_SECONDS: Final = 20.0
"""NobodyAnswering wants half an hour of trustworthy figures behind it: 18 s here."""

PROMISE_SECONDS: Final = 2.0
CONFIGURATION: Final = """\
kafka: {{bootstrap_servers: "{servers}", topic: {topic}, group: {topic}}}
http: {{port: 0}}
bands: {{2s: {{weight: 1}}}}
channels_only: true
channels:
  phone: {{promise: {{band: 2s, objective: 0.8}}, queues: [sales, support], voice: true}}
  chat: {{promise: {{band: 2s, objective: 0.8}}, queues: [sales]}}
# As short as the rest of this world; the defaults add up to 8 s.
grace: 500ms
proof_skew: 100ms
proof_interval: 200ms
checkpoint_interval: 200ms
"""
QUEUES: Final = (("phone", "sales"), ("phone", "support"), ("chat", "sales"))
URGENT: Final = {"ContactNobodyAnswering", "ContactFarOverdue"}
NOT_ON_THE_FLOOR: Final = {
    "#operations",
    "on-call@contact-centre.example",
    "service-quality@contact-centre.example",
}
SILENCED: Final = {"ContactOverdue", "ContactAtRiskBacklog", "ContactPromiseBurnSlow"}


class ContactCentre:
    """Customers who come twice a second to each queue, and again where nobody answers; people."""

    def __init__(self, writer: KafkaWriter) -> None:
        self._writer = writer
        self._waiting: dict[str, dict[str, float]] = {"phone": {}, "chat": {}}
        self._answering = {"phone", "chat"}

    def go_dark(self, channel: str) -> None:
        """Answer nobody on it any more."""
        self._answering.remove(channel)

    def longest_waiting_since(self, channel: str) -> float:
        """Return when the contact came that waits longest."""
        return min(self._waiting[channel].values())

    def answer_again(self, channel: str) -> None:
        """Answer everybody, those who wait first."""
        self._answering.add(channel)

    async def work(self) -> None:
        """Take and answer contacts until cancelled."""
        while True:
            began = time.monotonic()
            await self._writer.write([*self._answers(), *self._openings()])
            await asyncio.sleep(max(0.0, began + 0.5 - time.monotonic()))

    def _answers(self) -> list[Outgoing]:
        records = []
        for channel in self._answering:
            records += [event("responded", one, actor="agent") for one in self._waiting[channel]]
            self._waiting[channel].clear()
        return records

    def _openings(self) -> list[Outgoing]:
        records = []
        again = [(channel, queue) for channel, queue in QUEUES if channel not in self._answering]
        for channel, queue in (*QUEUES, *again):
            contact = uuid.uuid4().hex
            self._waiting[channel][contact] = time.time()
            records.append(event("opened", contact, channel=channel, queue=queue))
        return records


def event(kind: str, contact: str, **more: str) -> Outgoing:
    now = datetime.now(UTC).isoformat()
    fields = {"id": uuid.uuid4().hex, "type": f"contact.{kind}", "time": now}
    value = json.dumps({**fields, "contact_id": contact, **more}).encode()
    return Outgoing(key=contact.encode(), value=value)


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


async def ask(url: str) -> Any:  # noqa: ANN401 - the JSON of other people's servers
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    async with open_inbox() as opened:
        yield opened


@pytest.fixture
async def writer(kafka: KafkaBroker) -> AsyncIterator[KafkaWriter]:
    topic = f"events-{uuid.uuid4().hex[:10]}"
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)
    async with KafkaWriter(options) as opened:
        await opened.create_topic(partitions=2)
        yield opened


@pytest.fixture
async def service(
    kafka: KafkaBroker, writer: KafkaWriter, tmp_path: Path
) -> AsyncIterator[Service]:
    config = tmp_path / "firstreply.yaml"
    topic = writer._options.topic
    config.write_text(CONFIGURATION.format(servers=kafka.bootstrap_servers, topic=topic))
    async with running(config, tmp_path / "service.log", stops_itself=True) as started:
        await started.until_ready()
        yield started


@pytest.fixture
async def servers(
    service: Service,
    inbox: Inbox,
    prometheus_server: StartServer,
    alertmanager_server: StartServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Servers:
    """Both on the shipped configurations: Slack in English, e-mail in French."""
    monkeypatch.setenv("TZ", "Europe/Paris")  # clock times in messages are those of the servers
    folder = tmp_path / "alertmanager-configuration"
    folder.mkdir()
    deployment = write_deployment(folder, http=inbox.http, smtp=inbox.smtp)
    deployment.write_text(in_french(deployment.read_text(), ("Subject", "text", "html")))
    alertmanager = await asyncio.to_thread(alertmanager_server, deployment)
    config = write_prometheus(
        tmp_path,
        service=service.address.removeprefix("http://"),
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


def in_french(text: str, keys: Iterable[str]) -> str:
    """Name the French templates in an e-mail, as README.md says for one receiver."""
    start, end = text.index("    email_configs:"), text.index("    # Microsoft Teams")
    mail = text[start:end]
    for key in keys:
        mail, found = re.subn(rf'({key}: .*"firstreply)\.', r"\1.fr.", mail)
        assert found == 1, key
    return text[:start] + mail + text[end:]


async def test_a_dark_phone_queue_reaches_the_team_lead_and_so_does_its_end(
    servers: Servers,
    service: Service,
    inbox: Inbox,
    writer: KafkaWriter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    centre = ContactCentre(writer)
    working = asyncio.create_task(centre.work())
    try:
        await asyncio.sleep(QUIET_SECONDS)
        assert [one for one in inbox.messages if one.by != "dead-man-switch"] == []

        centre.go_dark("phone")
        await the_team_lead_is_told(servers, inbox)
        deadline = centre.longest_waiting_since("phone") + PROMISE_SECONDS
        with capsys.disabled():
            sys.stdout.write(await parts_of_the_way(servers, inbox, deadline))

        centre.answer_again("phone")
        await the_team_lead_is_told_that_it_is_over(servers, inbox)

        service.kill()
        await operations_are_told_and_the_floor_is_not(inbox)
    finally:
        working.cancel()

    assert not [one for one in inbox.messages if "chat" in one.title]
    beats = [one.at for one in inbox.got("dead-man-switch")]
    assert max(later - earlier for earlier, later in pairwise(beats)) < 6.0


def floor_messages(inbox: Inbox, since: float = 0.0) -> list[Message]:
    """Return what reached the team leads: not operations, planning or the dead man's switch."""
    return [
        one
        for one in inbox.messages
        if one.at >= since and one.by != "dead-man-switch" and one.to not in NOT_ON_THE_FLOOR
    ]


async def the_team_lead_is_told(servers: Servers, inbox: Inbox) -> None:
    """First the warning, then one urgent message for the channel, in two languages."""
    warning = await inbox.until(lambda: inbox.got("slack", "#contact-centre"), "a warning", 40)
    assert re.match(r"Warning: phone/sales: \d+ newly late, .*promise 2s", warning.title)
    assert "phone/support" in warning.text
    assert "Answer the oldest first" in warning.text

    hook = await inbox.until(
        lambda: [one for one in inbox.got("webhook") if one.names >= URGENT], "both urgent", 40
    )
    assert {one["labels"]["channel"] for one in hook.alerts} == {"phone"}
    urgent = await inbox.until(
        lambda: [
            one
            for one in inbox.got("slack", "#contact-centre", "Act now: phone")
            if "*phone: nobody answers, " in one.text
        ],
        "the urgent message",
        10,
    )
    assert "/docs/runbooks/ContactNobodyAnswering.md|What to do>" in urgent.text
    assert "/d/firstreply-channel?var-channel=phone|Dashboard>" in urgent.text
    mail = await inbox.until(
        lambda: [
            one
            for one in inbox.got("email", title="Agir maintenant\u00a0: phone")
            if "phone : plus personne ne répond, " in one.text
        ],
        "le message urgent",
        10,
    )
    assert mail.to == "team-leads@contact-centre.example"
    assert "/docs/runbooks/fr/ContactNobodyAnswering.md" in mail.text
    assert re.search(r"depuis \d\d:\d\d CES?T", mail.text)

    async def all_fire() -> bool:
        return await servers.firing() >= URGENT | SILENCED | {"ContactPromiseBurnFast"}

    await servers.until(all_fire, "every alert of the incident fires")
    assert await servers.silenced() == SILENCED
    await inbox.until(
        lambda: [one for one in inbox.got("webhook") if "ContactPromiseBurnFast" in one.names],
        "the fast burn",
        seconds=20,
    )
    assert inbox.got("slack", title="Warning", since=urgent.at) == []


async def the_team_lead_is_told_that_it_is_over(servers: Servers, inbox: Inbox) -> None:
    began = time.time()
    over = await inbox.until(
        lambda: inbox.got("slack", "#contact-centre", "Over: phone", since=began), "the end", 40
    )
    assert "Was: phone: " in over.text
    await inbox.until(
        lambda: inbox.got("email", title="Terminé\u00a0: phone", since=began), "la fin", 10
    )
    hook = await inbox.until(
        lambda: inbox.got("webhook", title="resolved", since=began), "the end by webhook", 10
    )
    assert all(one["status"] == "resolved" for one in hook.alerts)

    async def only_the_ticket_fires() -> bool:
        return await servers.firing() <= {"ContactPromiseBurnTicket"}  # it looks back for days

    await servers.until(only_the_ticket_fires, "nothing else fires any more")


async def operations_are_told_and_the_floor_is_not(inbox: Inbox) -> None:
    await asyncio.sleep(3)  # the last word about the floor, a group interval later
    killed = time.time()
    down = await inbox.until(
        lambda: inbox.got("slack", "#operations", since=killed), "the service is down", 20
    )
    assert re.match(r"Act now: firstreply on \S+ cannot be scraped", down.title)
    assert floor_messages(inbox, since=killed) == []


async def parts_of_the_way(servers: Servers, inbox: Inbox, deadline: float) -> str:
    """Return how long each part took from the first missed deadline to the first message."""
    missed = 'contact_expectation_outcomes_total{channel="phone",outcome="missed"}'
    alert = 'ALERTS{alertname="ContactOverdue",alertstate="%s"}'
    moments = [
        ("deadline missed", deadline),
        ("counted, and scraped", await servers.first(missed, deadline - 1)),
        ("seen by the rule", await servers.first(alert % "pending", deadline - 1)),
        ("rule fires (for: 1m)", await servers.first(alert % "firing", deadline - 1)),
        ("message (group_wait 1s)", inbox.got("slack", "#contact-centre")[0].at),
    ]
    lines = [
        f"  {what:<24} {at - deadline:6.2f} s   +{at - before:.2f} s"
        for (_, before), (what, at) in pairwise(moments)
    ]
    assert moments[-1][1] - deadline < 15
    return "\n".join(["", f"from the first missed deadline, 1m being {60 / TIMES} s:", *lines, ""])
