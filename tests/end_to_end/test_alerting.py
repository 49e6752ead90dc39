"""From an unanswered call to a message on a phone, through every real part.

Events go to a real broker as they happen, `firstreply run` reads them, a real Prometheus evaluates
the shipped rules, a real Alertmanager sends what the shipped configuration says, and the test is
Slack, the mail server, the webhook and the dead man's switch. One thing is not real: the world is a
hundred times faster (see ``alert_chain``), so an hour takes 36 seconds and the phone's promise is
2 s.

The phones of a contact centre go dark while its chat goes on; after some minutes people answer
again; the phones go dark once more, and the service itself is killed in the middle of it.
"""

import asyncio
import json
import re
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from tests.end_to_end.alert_chain import TIMES, Servers, StartChain, floor_messages
from tests.end_to_end.inbox import Inbox, Message
from tests.end_to_end.service import Service, running

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

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


async def test_a_dark_phone_queue_reaches_the_team_lead_and_so_does_its_end_if_anybody_knows_it(
    start_chain: StartChain,
    service: Service,
    inbox: Inbox,
    writer: KafkaWriter,
    capsys: pytest.CaptureFixture[str],
) -> None:
    servers = await start_chain(service.address)
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

        centre.go_dark("phone")
        await the_team_lead_is_told_again(inbox, since=time.time())
        service.kill()
        await operations_are_told_and_the_floor_is_not(servers, inbox)
    finally:
        working.cancel()

    assert not [one for one in inbox.messages if "chat" in one.title]
    beats = [one.at for one in inbox.got("dead-man-switch")]
    assert max(later - earlier for earlier, later in pairwise(beats)) < 6.0


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


async def the_team_lead_is_told_again(inbox: Inbox, since: float) -> None:
    await inbox.until(
        lambda: [one for one in inbox.got("webhook", since=since) if one.names >= URGENT],
        "both urgent, once more",
        40,
    )


async def operations_are_told_and_the_floor_is_not(servers: Servers, inbox: Inbox) -> None:
    """Nobody knows how the phones are, so nobody says that it is over."""
    killed = time.time()
    down = await inbox.until(
        lambda: inbox.got("slack", "#operations", since=killed), "the service is down", 20
    )
    assert re.match(r"Act now: firstreply on \S+ cannot be scraped", down.title)

    async def no_alert_of_the_floor_is_left() -> bool:
        return not {name for name in await servers.firing() if name.startswith("Contact")}

    await servers.until(no_alert_of_the_floor_is_left, "Prometheus knows nothing of the floor")
    await asyncio.sleep(3)  # longer than a group waits before it tells a change
    told = floor_messages(inbox, since=killed + 2.5)  # what was on its way may still arrive
    assert told == []
    assert [one.title for one in floor_messages(inbox, since=killed) if is_an_end(one)] == []


def is_an_end(message: Message) -> bool:
    return message.title.startswith(("Over", "Terminé", "resolved"))


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
