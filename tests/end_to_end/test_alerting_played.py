"""The chain of alerts on what is played fast: the simulator's day, and hours of a real chat.

Both go dark in the middle: the simulated phones have an outage before noon; in the recorded chat
people's answers are held back for half an hour. Who is told is asserted as in ``test_alerting``,
which tells the world's one difference; the figures of the chat are compared with arithmetic on
what was written.
"""

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.adapters.simulator import SimulatedSource, Simulator
from firstreply.app import Running, run_simulated
from firstreply.demo import demo_settings
from firstreply.devkit.kafka_broker import KafkaBroker
from tests.end_to_end.alert_chain import TIMES, StartChain, floor_messages
from tests.end_to_end.inbox import Inbox, Message
from tests.end_to_end.service import net_outcomes, running
from tests.shared import log_lines, log_path, needs_shared

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

NOBODY_ANSWERS: Final = "ContactNobodyAnswering"


def urgent(inbox: Inbox, status: str) -> Callable[[], list[Message]]:
    """Return what finds the webhook's messages in which nobody's answering has a status."""

    def found() -> list[Message]:
        return [
            message
            for message in inbox.got("webhook")
            for alert in message.alerts
            if alert["labels"]["alertname"] == NOBODY_ANSWERS and alert["status"] == status
        ]

    return found


# -- the simulator

BEFORE_THE_OUTAGE: Final = datetime(2026, 3, 2, 10, 40, tzinfo=timezone(timedelta(hours=1)))
"""The phones are dark from 11:50 to 12:30: after 42 s of this world, for 24 s."""


@asynccontextmanager
async def simulated_day() -> AsyncIterator[str]:
    """Run the service on the simulator; the address of its pages."""
    settings = demo_settings(None, {"FIRSTREPLY_HTTP__PORT": "0"})
    often = {
        name: timedelta(milliseconds=200) for name in ("proof_interval", "checkpoint_interval")
    }
    source = SimulatedSource(Simulator(1, BEFORE_THE_OUTAGE), speed=TIMES)
    listening: asyncio.Future[Running] = asyncio.get_running_loop().create_future()

    async def tell(running: Running) -> None:
        listening.set_result(running)

    service = asyncio.create_task(
        run_simulated(settings.model_copy(update=often), source, companions=(tell,))
    )
    try:
        started = await asyncio.wait_for(listening, 30)
        yield started.address
        started.processor.stop()
        await asyncio.wait_for(service, 30)
    finally:
        service.cancel()


async def test_the_outage_of_the_simulated_phones_reaches_the_team_lead_and_so_does_its_end(
    start_chain: StartChain, inbox: Inbox
) -> None:
    async with simulated_day() as address:
        servers = await start_chain(address)

        dark = await inbox.until(urgent(inbox, "firing"), "nobody answers the phones", 90)
        assert {one["labels"]["channel"] for one in dark.alerts} == {"phone"}
        said = await inbox.until(
            lambda: [
                one
                for one in inbox.got("slack", "#contact-centre", "Act now: phone")
                if "*phone: nobody answers, " in one.text
            ],
            "the urgent message",
            10,
        )
        assert re.search(r"since 1[12]:\d\d CET", said.text)
        assert {"ContactOverdue"} <= await servers.silenced()

        over = await inbox.until(urgent(inbox, "resolved"), "the phones are answered again", 60)

    assert over.at > dark.at
    named = {one["labels"]["channel"] for m in inbox.got("webhook") for one in m.alerts}
    assert named == {"phone"}, "only the phones were dark"
    assert inbox.got("slack", "#operations") == []


# -- a recorded chat

HOURS: Final = ("2008-02-07T19", "2006-06-01T12")
"""Busy hours of the log, played one after the other."""

DARK: Final = (timedelta(hours=1, minutes=15), timedelta(hours=1, minutes=45))
"""Answers of people in between are held back to its end."""

LIMIT: Final = timedelta(minutes=10)
CONFIGURATION: Final = """\
kafka: {{bootstrap_servers: "{servers}", topic: {topic}, group: {topic}}}
http: {{port: 0}}
bands: {{6s: {{weight: 1}}}}  # ten minutes, a hundred times faster
channels_only: true
channels:
  chat: {{promise: {{band: 6s, objective: 0.8}}}}
grace: 500ms
proof_skew: 100ms
proof_interval: 200ms
checkpoint_interval: 200ms
"""


class Said(msgspec.Struct, frozen=True):
    """An event of the log, and when it is written: time since the beginning."""

    after: timedelta
    content: dict[str, Any]


def recorded_hours() -> list[Said]:
    """Return the events of the hours in the order in which they are written."""
    events = [json.loads(line) for line in log_lines(log_path("irc_ubuntu"))]
    said: list[Said] = []
    for place, hour in enumerate(HOURS):
        began = datetime.fromisoformat(f"{hour}:00:00+00:00")
        opened = {
            one["contact_id"]
            for one in events
            if one["type"] == "contact.opened" and one["time"].startswith(hour)
        }
        for one in events:
            within = datetime.fromisoformat(one["time"]) - began
            if one["contact_id"] in opened and within < timedelta(hours=1):
                after = within + timedelta(hours=place)
                if DARK[0] <= after < DARK[1] and one["actor"] == "agent":
                    after = DARK[1]
                said.append(Said(after, one))
    return sorted(said, key=lambda one: one.after)


def kept_in_time(said: list[Said]) -> tuple[int, int]:
    """Return how many contacts were answered by a person within the limit, and how many not."""
    opened = {one.content["contact_id"]: one.after for one in said if "opened" in str(one.content)}
    met = {
        contact
        for one in said
        for contact in [one.content["contact_id"]]
        if one.content["actor"] == "agent" and one.after - opened[contact] <= LIMIT
    }
    return len(met), len(opened) - len(met)


async def play(said: list[Said], writer: KafkaWriter) -> None:
    """Write each event when it is due, with its time in this world."""
    began, clock = datetime.now(UTC), time.monotonic()
    for one in said:
        after = one.after / TIMES
        await asyncio.sleep(max(0.0, clock + after.total_seconds() - time.monotonic()))
        value = json.dumps({**one.content, "time": (began + after).isoformat()}).encode()
        await writer.write([Outgoing(key=one.content["contact_id"].encode(), value=value)])


@needs_shared
async def test_half_an_hour_without_answers_in_a_recorded_chat_reaches_the_team_lead(
    kafka: KafkaBroker, start_chain: StartChain, inbox: Inbox, tmp_path: Path
) -> None:
    topic = f"events-{uuid.uuid4().hex[:10]}"
    options = KafkaOptions(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)
    config = tmp_path / "firstreply.yaml"
    config.write_text(CONFIGURATION.format(servers=kafka.bootstrap_servers, topic=topic))
    said = recorded_hours()
    met, missed = kept_in_time(said)

    async with KafkaWriter(options) as writer:
        await writer.create_topic(partitions=2)
        async with running(config, tmp_path / "service.log") as service:
            await service.until_ready()
            await start_chain(service.address)
            began = time.time()
            await play(said, writer)
            await inbox.until(urgent(inbox, "resolved"), "they answer again", 40)
            samples = await service.until(
                lambda now: sum(net_outcomes(now).values()) == met + missed
            )

    assert net_outcomes(samples) == {("chat", "6s", "met"): met, ("chat", "6s", "missed"): missed}
    dark = urgent(inbox, "firing")()[0]
    seconds = [part.total_seconds() / TIMES for part in DARK]
    assert began + seconds[0] < dark.at < began + seconds[1] + 10
    assert any("*chat: nobody answers, " in one.text for one in inbox.got("slack"))
    late = next(one for one in floor_messages(inbox) if one.by == "slack")
    assert re.match(r"Warning: chat: \d+ newly late, .*promise 6s", late.title)
    assert inbox.got("slack", "#operations") == []
