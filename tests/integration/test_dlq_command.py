"""``firstreply dlq`` on a real broker: what a service rejected comes back once it is configured.

A limit that was too low makes dead letters of good events; it is raised, and they are replayed.
"""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import Result

from firstreply.adapters.kafka.group import KafkaGroup
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.ports import Record, TimestampType
from tests.end_to_end.service import running, total
from tests.unit.commands import invoke

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(240)]

PARTITIONS: Final = 3
OPENED: Final = datetime.now(UTC) - timedelta(minutes=2)
FOREIGN: Final = [("trace", b"\x80\x81"), ("trace", None), ("firstreply.dlq.reason", b"older")]


class Site:
    """A topic of its own, and a service that takes events of so many bytes."""

    def __init__(self, kafka: KafkaBroker, folder: Path) -> None:
        self.topic = f"events-{uuid.uuid4().hex[:10]}"
        self.options = KafkaOptions(
            bootstrap_servers=kafka.bootstrap_servers, topic=self.topic, group=self.topic
        )
        self._folder = folder

    def config(self, most: int) -> Path:
        path = self._folder / f"{most}.yaml"
        path.write_text(
            f'kafka: {{bootstrap_servers: "{self.options.bootstrap_servers}",'
            f" topic: {self.topic}, group: {self.topic}, max_event_bytes: {most},"
            " session_timeout: 6s, heartbeat_interval: 1s}\n"
            "http: {port: 0}\ncheckpoint_interval: 200ms\n"
        )
        return path

    async def make(self, stamped: TimestampType) -> None:
        async with KafkaWriter(self.options) as writer:
            await writer.create_topic(partitions=PARTITIONS, timestamp_type=stamped)

    async def write(self, *records: Outgoing) -> None:
        async with KafkaWriter(self.options) as writer:
            await writer.write(records)

    async def dlq(self, most: int, command: str, *options: str) -> Result:
        arguments = ("dlq", command, *options, "--config", str(self.config(most)))
        return await asyncio.to_thread(invoke, *arguments)

    async def input(self) -> list[Record]:
        """Return all records of the input."""
        group = KafkaGroup(self.options)
        await group.start()
        try:
            found: list[Record] = []
            for partition in range(PARTITIONS):
                async for batch in group.read(partition, *await group.bounds(partition)):
                    found += batch
            return found
        finally:
            await group.stop()


@pytest.fixture
def site(kafka: KafkaBroker, tmp_path: Path) -> Site:
    return Site(kafka, tmp_path)


def event(contact: str, **members: str) -> bytes:
    said = {"type": "contact.opened", "time": OPENED.isoformat(), "contact_id": contact}
    return json.dumps({**said, "channel": "email", **members}).encode()


def large(contact: str) -> Outgoing:
    """Make a record that is stamped, keyed and adorned as its producer likes it."""
    stamp = int(OPENED.timestamp() * 1000)
    return Outgoing(contact.encode(), event(contact, text="x" * 900), FOREIGN, stamp)


def replayed(records: list[Record]) -> list[Record]:
    marked = [one for one in records if one.headers and one.headers[-1][0].startswith(MARK)]
    return sorted(marked, key=lambda record: record.key or b"")


MARK: Final = "firstreply.dlq.replayed."
SMALL, ENOUGH = 500, 2000


@pytest.mark.parametrize("stamped", TimestampType)
async def test_what_was_rejected_comes_back_as_it_was_and_is_counted_once(
    site: Site, tmp_path: Path, stamped: TimestampType
) -> None:
    contacts = [f"T-{number}" for number in range(6)]
    await site.make(stamped)
    await site.write(
        *map(large, contacts), Outgoing(b"bad", b"\x1b[2J no json"), Outgoing(None, None)
    )
    await site.write(Outgoing(b"T-good", event("T-good")))
    async with running(site.config(SMALL), tmp_path / "first.log") as service:
        first = await service.until_read(9)

    listed = json.loads((await site.dlq(SMALL, "list", "--format", "json")).stdout)
    still = await site.dlq(SMALL, "replay", "--yes", "--format", "json")
    dry = await site.dlq(ENOUGH, "replay", "--dry-run")
    untouched = replayed(await site.input())
    done = await site.dlq(ENOUGH, "replay", "--yes", "--format", "json")
    again = await site.dlq(ENOUGH, "replay", "--yes", "--reason", "oversize")
    after = json.loads((await site.dlq(ENOUGH, "list", "--format", "json")).stdout)
    records = await site.input()
    async with running(site.config(ENOUGH), tmp_path / "second.log") as service:
        second = await service.until_read(12)

    assert listed["reasons"] == after["reasons"] == {"oversize": 6, "not_json": 2}
    assert (still.exit_code, json.loads(still.stdout)["sent"]) == (1, 0)
    assert (dry.exit_code, untouched) == (1, [])
    assert "6 letters of" in dry.stdout
    assert (done.exit_code, json.loads(done.stdout)["sent"]) == (1, 6)
    assert again.exit_code == 0, again.output
    assert_as_they_were(records, contacts, stamped)
    assert total(first, "contact_received_total") == 1
    # Replayed twice, received once each.
    assert total(second, "contact_received_total") == 6
    assert total(second, "firstreply_events_rejected_total") == 0


def assert_as_they_were(records: list[Record], contacts: list[str], stamped: TimestampType) -> None:
    originals = {one.key: one for one in records if one not in replayed(records)}
    back = replayed(records)
    assert [one.key for one in back] == [name.encode() for name in contacts for _ in range(2)]
    for one in back:
        original = originals[one.key]
        assert (one.value, one.partition) == (original.value, original.partition)
        assert list(one.headers[:-2]) == FOREIGN
        assert one.headers[-1] == ("firstreply.dlq.replayed.count", b"1")
        if stamped is TimestampType.CREATE_TIME:
            assert one.timestamp == original.timestamp


async def test_an_event_that_took_its_record_s_time_is_held_back_where_that_is_lost(
    site: Site, tmp_path: Path
) -> None:
    undated = json.dumps({"type": "contact.opened", "contact_id": "T-1", "channel": "email"})
    await site.make(TimestampType.LOG_APPEND_TIME)
    await site.write(Outgoing(b"T-1", undated.encode()))
    async with running(site.config(ENOUGH), tmp_path / "service.log") as service:
        await service.until_read(1)
    with site.config(ENOUGH).open() as file:
        lenient = file.read().replace("kafka: {", "kafka: {timestamp_fallback: true, ")
    (tmp_path / "lenient.yaml").write_text(lenient)

    plan = await asyncio.to_thread(
        invoke, "dlq", "replay", "-c", str(tmp_path / "lenient.yaml"), "--yes", "--format", "json"
    )

    found: dict[str, Any] = json.loads(plan.stdout)
    assert [(held["why"], held["letters"]) for held in found["held_back"]] == [("would_be_now", 1)]
    assert (plan.exit_code, found["sent"]) == (1, 0)


async def test_a_letter_is_shown_and_given_out_byte_for_byte(site: Site, tmp_path: Path) -> None:
    value = b"\x1b[2J no json \xff"
    await site.make(TimestampType.CREATE_TIME)
    await site.write(Outgoing(b"bad", value, FOREIGN))
    async with running(site.config(SMALL), tmp_path / "service.log") as service:
        await service.until_read(1)

    text = await site.dlq(SMALL, "show", "0:0")
    raw = await site.dlq(SMALL, "show", "0:0", "--raw")
    absent = await site.dlq(SMALL, "show", "0:1")

    assert "\\x1b[2J no json \\xff" in text.stdout
    assert "trace: \\x80\\x81" in text.stdout
    assert (raw.exit_code, raw.stdout_bytes) == (0, value)
    assert (absent.exit_code, "holds offsets 0 to 0" in absent.stderr) == (2, True)


async def test_topics_that_are_not_there_are_told_with_the_remedy(
    site: Site, tmp_path: Path
) -> None:
    none = await site.dlq(SMALL, "list")
    await site.make(TimestampType.CREATE_TIME)
    async with running(site.config(SMALL), tmp_path / "service.log") as service:
        await service.until_ready()
    empty = await site.dlq(SMALL, "list")
    nowhere = await site.dlq(SMALL, "replay", "--to", "nowhere")
    itself = await site.dlq(SMALL, "replay", "--to", f"{site.topic}.dead-letters")

    assert (none.exit_code, "does not exist at" in none.stderr) == (2, True)
    assert (empty.exit_code, ": 0 letters" in empty.stdout) == (0, True)
    assert (nowhere.exit_code, "--to nowhere does not exist" in nowhere.stderr) == (2, True)
    assert (itself.exit_code, "name an input topic" in itself.stderr) == (2, True)
