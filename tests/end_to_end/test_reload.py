"""A running service takes a new configuration, on a real broker; open contacts keep the old one."""

import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from tests.end_to_end.service import Samples, Service, net_outcomes, running, total

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

SUCCESSFUL: Final = ("firstreply_config_last_reload_successful", ())
ACCEPTED: Final = ("firstreply_config_last_reload_success_timestamp_seconds", ())

# On a Monday. With so long a grace an answer alone decides, however late it is written.
OPENED: Final = "2026-03-02T09:00:00Z"
ANSWERED: Final = "2026-03-02T11:00:00Z"
REST: Final = """\
http: {port: 0, reload: true}
bands: {1h: {clock: business, weight: 1}}
channels_only: true
grace: 1h
"""
NINE: Final = """\
channels: {chat: {calendar: office}}
calendars: {office: {timezone: UTC, weekly: {mon-fri: ["09:00-17:00"]}}}
"""
NOON: Final = """\
channels: {chat: {calendar: office}, telex: {}}
calendars: {office: {timezone: UTC, weekly: {mon-fri: ["12:00-17:00"]}}}
"""


class Topic:
    """A topic, who writes to it, and the configuration of who reads it."""

    def __init__(self, kafka: KafkaBroker, folder: Path) -> None:
        self.name = f"events-{uuid.uuid4().hex[:10]}"
        self.servers = kafka.bootstrap_servers
        self.options = KafkaOptions(
            bootstrap_servers=self.servers, topic=self.name, group=self.name
        )
        self.config = folder / "firstreply.yaml"

    def configure(self, text: str, **kafka: str) -> None:
        keys = {"topic": self.name, "group": self.name, **kafka}
        more = "".join(f", {key}: {value}" for key, value in keys.items())
        self.config.write_text(
            f'kafka: {{bootstrap_servers: "{self.servers}"{more}}}\n{REST}{text}'
        )


def event(kind: str, contact: str, time: str, **more: str) -> Outgoing:
    fields = {"type": f"contact.{kind}", "contact_id": contact, "time": time, **more}
    return Outgoing(key=contact.encode(), value=json.dumps(fields).encode())


def opened(*contacts: str) -> Iterable[Outgoing]:
    return [event("opened", contact, OPENED, channel="chat") for contact in contacts]


def answered(*contacts: str) -> Iterable[Outgoing]:
    return [event("responded", contact, ANSWERED, actor="agent") for contact in contacts]


def received(samples: Samples) -> float:
    return total(samples, "contact_received_total")


async def post(service: Service) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.address}/-/reload") as answer,
    ):
        return answer.status, await answer.json()


async def test_rule_12_a_reload_judges_new_contacts_and_an_open_one_keeps_its_policy(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    topic = Topic(kafka, tmp_path)
    topic.configure(NINE)
    async with KafkaWriter(topic.options) as writer:
        await writer.create_topic(partitions=1)
        async with running(topic.config, tmp_path / "first.log") as service:
            await service.until_ready()
            await writer.write(opened("before"))
            at_start = await service.until(lambda samples: received(samples) == 1)

            topic.configure(NOON)
            service.hang_up()
            await service.until_logged("configuration_reloaded")
            await writer.write(opened("after"))
            reloaded = await service.until(lambda samples: received(samples) == 2)

            topic.configure(NOON + "graze: 1h\n")
            service.hang_up()
            refused = await service.until(lambda samples: samples[SUCCESSFUL] == 0)
            mistake = await post(service)
            topic.configure(NOON, topic="other", group=topic.name)
            needs_restart = await post(service)
            topic.configure(NOON + "log: {level: error}\n")
            mended = await post(service)
            assert (await service.scrape())[SUCCESSFUL] == 1
            said = service.log

        assert service.log == said  # not even that it stopped
        topic.configure(NOON)
        async with running(topic.config, tmp_path / "second.log") as service:
            await service.until_ready()
            await writer.write(answered("before", "after"))
            samples = await service.until(lambda samples: net_outcomes(samples).total() == 2)

    # 9:00 to 11:00 is more than an hour of 9:00 to 17:00, and nothing of 12:00 to 17:00.
    assert net_outcomes(samples) == {("chat", "1h", "missed"): 1, ("chat", "1h", "met"): 1}
    telex = ("contact_received_total", (("channel", "telex"), ("queue", "none")))
    assert telex not in at_start
    assert reloaded[telex] == 0
    assert reloaded[ACCEPTED] > at_start[ACCEPTED]
    assert refused[ACCEPTED] == reloaded[ACCEPTED]
    assert mistake[0] == 422
    assert f"{topic.config}:8:1: graze" in mistake[1]["error"]
    assert needs_restart[0] == 422
    assert f"kafka.topic: {topic.name} -> other; restart to apply it" in needs_restart[1]["error"]
    assert mended == (200, {"changed": ["log.level: info -> error"]})
