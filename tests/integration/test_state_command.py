"""``firstreply state`` on a real broker, beside the state that ``firstreply run`` has written.

The events are two hours old: deadlines have passed when they are read, so what is missed is counted
at once, and would be seen if it were counted twice.
"""

import asyncio
import json
import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from typer.testing import Result

from firstreply.adapters.kafka.connection import administering
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing, Producer
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.ports import TimestampType
from tests.end_to_end.service import Samples, Service, running, total
from tests.unit.commands import invoke

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

PARTITIONS: Final = 3
OPENED: Final = datetime.now(UTC) - timedelta(hours=2)
LONG_AGO: Final = (OPENED - timedelta(days=1)).isoformat()


class Site:
    """A topic of its own, and configurations of groups that read it."""

    def __init__(self, kafka: KafkaBroker, folder: Path) -> None:
        self.topic = f"events-{uuid.uuid4().hex[:10]}"
        self.servers = kafka.bootstrap_servers
        self._folder = folder

    def options(self, group: str = "") -> KafkaOptions:
        return KafkaOptions(
            bootstrap_servers=self.servers, topic=self.topic, group=group or self.topic
        )

    def config(self, group: str = "") -> Path:
        name = group or self.topic
        path = self._folder / f"{name}.yaml"
        path.write_text(
            f'kafka: {{bootstrap_servers: "{self.servers}", topic: {self.topic}, group: {name},'
            " session_timeout: 6s, heartbeat_interval: 1s}\n"
            "http: {port: 0}\ncheckpoint_interval: 200ms\ngrace: 0s\nproof_skew: 100ms\n"
        )
        return path

    async def make(self, stamped: TimestampType = TimestampType.LOG_APPEND_TIME) -> None:
        async with KafkaWriter(self.options()) as writer:
            await writer.create_topic(partitions=PARTITIONS, timestamp_type=stamped)

    async def write(self, events: Iterable[bytes]) -> None:
        async with KafkaWriter(self.options()) as writer:
            await writer.write(
                Outgoing(key=json.loads(event)["contact_id"].encode(), value=event)
                for event in events
            )

    async def live(self, group: str, events: int, *, name: str = "life") -> Samples:
        """Let a service read so many events in one life, and stop in order."""
        log = self._folder / f"{group}-{name}.log"
        async with running(self.config(group), log) as service:
            return await read(service, events)

    async def state(self, command: str, *options: str, group: str = "") -> Result:
        """Run a command of the group ``state``."""
        arguments = ("state", command, "--config", str(self.config(group)), *options)
        return await asyncio.to_thread(invoke, *arguments)

    async def empty(self, topic: str) -> None:
        """Delete all records of a topic."""
        async with administering(self.options()) as admin:
            places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
            await admin.delete_records({place: RecordsToDelete(-1) for place in places})

    async def delete(self) -> None:
        """Delete the input, and wait until it is gone."""
        async with administering(self.options()) as admin:
            await admin.delete_topics([self.topic])
            while self.topic in await admin.list_topics():  # noqa: ASYNC110 - no event comes
                await asyncio.sleep(0.1)


@pytest.fixture
def site(kafka: KafkaBroker, tmp_path: Path) -> Site:
    return Site(kafka, tmp_path)


async def read(service: Service, events: int) -> Samples:
    """Wait until so many were read, and log time has passed every deadline that is over by then."""
    await service.until(lambda samples: total(samples, "firstreply_events_total") >= events)
    await service.until_ready()
    now = datetime.now(UTC).timestamp()

    def passed(samples: Samples) -> bool:
        name = "firstreply_clock_timestamp_seconds"
        clocks = [value for (one, _), value in samples.items() if one == name]
        return len(clocks) == PARTITIONS and min(clocks) > now

    await service.until(passed)
    await service.scrape()  # by now every series was shown at 0 once
    return await service.scrape()


def story(first: int, contacts: int) -> list[bytes]:
    """Write contacts that end in every way, or wait on."""
    events = []
    for number in range(first, first + contacts):
        contact = f"contact-{number}"
        events.append(event("opened", 0, contact, channel="email", actor="customer"))
        match number % 6:
            case 0:
                events.append(event("responded", 300, contact, actor="agent"))
            case 1:
                events.append(event("responded", 4000, contact, actor="agent"))
            case 2:
                events.append(event("abandoned", 60, contact))
            case 3:
                events.append(event("closed", 90, contact, reason="resolved"))
            case 4:
                events.append(event("excluded", 30, contact, reason="spam"))
    return events


def event(kind: str, seconds: float, contact: str, **members: str) -> bytes:
    time = (OPENED + timedelta(seconds=seconds)).isoformat()
    said = {"type": f"contact.{kind}", "time": time, "contact_id": contact, **members}
    return json.dumps(said).encode()


def figures(samples: Samples) -> dict[Any, float]:
    """Return the ledger of each partition, and who waits."""
    return {
        name: value
        for name, value in samples.items()
        if name[0] in {"firstreply_ledger_total", "contact_waiting"} and value
    }


def outcomes(samples: Samples) -> Counter[str]:
    """Return what this process counted, by band and outcome, and how many it received."""
    counted: Counter[str] = Counter()
    for (name, labels), value in samples.items():
        if name == "contact_expectation_outcomes_total":
            of = dict(labels)
            counted[f"{of['band']} {of['outcome']}"] += int(value)
        elif name == "contact_received_total":
            counted["received"] += int(value)
    return counted


@pytest.mark.parametrize("stamped", TimestampType)
async def test_a_state_that_was_lost_is_rebuilt_as_if_nothing_had_happened(
    site: Site, stamped: TimestampType
) -> None:
    await site.make(stamped)
    before, after = story(0, 60), story(60, 30)
    late = [event("responded", 5000, "contact-5", actor="agent")]  # waited when the state was lost
    await site.write(before)
    first = await site.live(site.topic, len(before), name="first")
    await site.empty(f"{site.topic}-state")
    await site.write([*after, *late])

    lost = await site.state("inspect")
    dry = await site.state("rebuild", "--from", LONG_AGO, "--dry-run", "--format", "json")
    still = await site.state("verify")
    done = await site.state("rebuild", "--from", LONG_AGO)
    sound = await site.state("verify")
    again = await site.state("rebuild", "--from", LONG_AGO, "--format", "json")
    second = await site.live(site.topic, len(after) + 1, name="second")
    whole = await site.live(f"{site.topic}-other", len(before) + len(after) + 1)

    assert (lost.exit_code, "lost: no state" in lost.stdout) == (1, True)
    assert (dry.exit_code, done.exit_code, sound.exit_code) == (0, 0, 0), done.output
    assert still.exit_code == 1  # the dry run wrote nothing
    planned = json.loads(dry.stdout)["partitions"]
    assert sum(one["events"] for one in planned) == len(before)
    assert sum(one["waiting"] for one in planned) == 10
    assert all(one["kept"] for one in json.loads(again.stdout)["partitions"])
    assert figures(second) == figures(whole)
    # What both lives have counted is what one would have, the answer to contact-5 apart, which
    # turned no outcome: nothing was missing, nothing came twice.
    assert outcomes(first) + outcomes(second) == outcomes(whole)


async def test_another_group_goes_on_where_the_adopted_one_stood(site: Site) -> None:
    before, after = story(0, 30), story(30, 12)
    await site.make()
    old, new = site.topic, f"{site.topic}-renamed"
    await site.write(before)
    await site.live(old, len(before))
    await site.write(after)

    dry = await site.state("adopt", "--from-group", old, "--dry-run", group=new)
    absent = await site.state("inspect", "--format", "json", group=new)
    done = await site.state("adopt", "--from-group", old, "--format", "json", group=new)
    again = await site.state("adopt", "--from-group", old, group=new)
    seen = await site.state("inspect", "--format", "json", group=new)
    renamed = await site.live(new, len(after))
    refused = await site.state("adopt", "--from-group", old, group=new)
    went_on = await site.live(old, len(after), name="again")

    assert (dry.exit_code, "would write" in dry.stdout) == (0, True), dry.output
    assert json.loads(absent.stdout)["state_topic_exists"] is False
    assert done.exit_code == 0, done.output
    assert (again.exit_code, again.stdout.count("already there")) == (0, PARTITIONS)
    for one in json.loads(seen.stdout)["partitions"]:
        assert one["commit"] == one["tip"]["offset"] == one["input"]["end"] - one["lag"]
    assert figures(renamed) == figures(went_on)
    assert refused.exit_code == 1
    assert "has a state of its own" in refused.stderr


async def test_nothing_is_written_while_a_service_of_the_group_runs(
    site: Site, tmp_path: Path
) -> None:
    await site.make()
    await site.write(story(0, 6))
    async with running(site.config(), tmp_path / "live.log") as service:
        await read(service, 11)
        live = await site.state("inspect", "--format", "json")
        sound = await site.state("verify")
        rebuild = await site.state("rebuild", "--from", LONG_AGO, "--all")
        adopt = await site.state("adopt", "--from-group", site.topic, group=f"{site.topic}-new")
        await service.until_ready()

    assert json.loads(live.stdout)["members"] == 1
    assert sound.exit_code == 0, sound.output
    for result in (rebuild, adopt):
        assert (result.exit_code, "1 live members" in result.stderr) == (1, True), result.output


async def test_damage_and_another_input_are_named(site: Site) -> None:
    await site.make()
    await site.write(story(0, 12))
    await site.live(site.topic, len(story(0, 12)))
    sound = await site.state("verify", "--format", "json")

    producer = Producer(site.options())
    await producer.start()
    damaged = Outgoing(key=None, value=b"frst but not really", partition=1)
    await (await producer.enqueue(f"{site.topic}-state", damaged))
    await producer.stop()
    damage = await site.state("verify")
    await site.empty(site.topic)
    removed = await site.state("verify", "--format", "json")
    await site.delete()
    await site.make()
    anew = await site.state("verify")

    assert sound.exit_code == 0, sound.output
    assert sum(one["waiting"] for one in json.loads(sound.stdout)["partitions"]) == 2
    assert damage.exit_code == 1
    assert "partition 1, wrong: state log: offset" in damage.stdout
    assert "is damaged: its checksum does not fit" in " ".join(damage.stdout.split())
    # All that the state needs of the input comes after its end.
    assert [bool(one["wrong"]) for one in json.loads(removed.stdout)["partitions"]] == [
        False,
        True,
        False,
    ]
    assert (anew.exit_code, "ends at offset 0" in " ".join(anew.stdout.split())) == (1, True)
