"""What events cost when they come through a real broker: one process, then two of one group.

``python benchmarks/scaling.py`` starts a broker, writes contacts of four events each (opened,
queued, answered, closed) to a topic of eight partitions, and lets one ``firstreply run`` read it
from the beginning, then a group of two. Per run: events a second from the first to the last, and of
each process the CPU per event, the peak of memory, and the CPU of the idle process afterwards; what
the state log took on the broker's disk. The broker runs on the same machine: with two cores, two
processes and a broker share what one process and a broker had. A minute or two; on a busy machine
longer, and only the CPU per event is of use then.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import asyncio
import json
import logging
import os
import random
import re
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from firstreply.adapters.kafka.options import KafkaOptions  # noqa: E402
from firstreply.adapters.kafka.producer import Outgoing  # noqa: E402
from firstreply.adapters.kafka.writer import KafkaWriter  # noqa: E402
from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars  # noqa: E402
from firstreply.devkit.processes import OwnedProcess  # noqa: E402

TOPIC: Final = "contact-events"
PARTITIONS: Final = 8
EVENTS_EACH: Final = 4
IDLE_SECONDS: Final = 10
TICK: Final = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS: Final = 240


def contact(number: int, opened: datetime) -> Iterator[dict[str, str]]:
    """Yield the events of a contact, without ids."""
    channel = ("chat", "email", "phone", "social")[number % 4]
    queue = ("billing", "support")[number % 2]
    yield {"type": "contact.opened", "time": stamp(opened), "channel": channel, "actor": "customer"}
    yield {"type": "contact.queued", "time": stamp(opened, 2), "queue": queue}
    answered = 20 + number % 700
    yield {"type": "contact.responded", "time": stamp(opened, answered), "actor": "agent"}
    yield {"type": "contact.closed", "time": stamp(opened, answered + 60), "actor": "agent"}


def stamp(opened: datetime, seconds: int = 0) -> str:
    """Return an instant as it stands in an event."""
    return (opened + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def stream(contacts: int) -> Iterator[Outgoing]:
    """Yield the events of many contacts, interleaved as they would come."""
    chance = random.Random(1)  # noqa: S311 - the same events each time
    began = datetime.now(UTC) - timedelta(hours=2)
    at_once = 5000  # contacts that are open at a time
    for first in range(0, contacts, at_once):
        stories = []
        for number in range(first, min(first + at_once, contacts)):
            contact_id = str(uuid.UUID(int=chance.getrandbits(128)))
            opened = began + timedelta(seconds=3600 * number / contacts)
            stories.append((contact_id, list(contact(number, opened))))
        for step in range(EVENTS_EACH):
            for contact_id, events in stories:
                fields = {
                    "id": str(uuid.UUID(int=chance.getrandbits(128))),
                    "contact_id": contact_id,
                    **events[step],
                }
                yield Outgoing(contact_id.encode(), json.dumps(fields).encode())


class Usage(NamedTuple):
    """What a process had used at an instant."""

    events: int
    cpu_seconds: float


class Process:
    """One ``firstreply run``, in a process of its own; port and all else come from variables."""

    def __init__(self, servers: str, group: str, log: Path) -> None:
        os.environ.update(
            FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS=servers,
            FIRSTREPLY_KAFKA__TOPIC=TOPIC,
            FIRSTREPLY_KAFKA__GROUP=group,
            FIRSTREPLY_HTTP__PORT="0",
        )
        command = [sys.executable, "-m", "firstreply", "run"]
        self.owned = OwnedProcess("firstreply", command, log)
        self._log = log
        self._address = ""

    def usage(self) -> Usage:
        """Return the events it has counted and the CPU it has used so far."""
        text = self._get("/metrics")
        events = re.findall(r"^firstreply_events_total\S* (\S+)$", text, re.MULTILINE)
        return Usage(int(sum(map(float, events))), self.cpu_seconds())

    def read(self) -> int:
        """Return the events below its offsets, and a little less where it is not ready."""
        told = json.loads(self._get("/readyz") or '{"ready": false, "partitions": {}}')
        return sum(one["offset"] for one in told["partitions"].values()) - (not told["ready"])

    def _get(self, path: str) -> str:
        """Return a page; empty until it listens."""
        found = re.search(r"metrics=(\S+)/metrics", self._log.read_text())
        if found is None:
            return ""
        request = urllib.request.Request(found[1] + path)  # noqa: S310 - on loopback
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - likewise
                text: bytes = answer.read()
        except urllib.error.HTTPError as error:  # 503: not ready
            text = error.read()
        return text.decode()

    def cpu_seconds(self) -> float:
        """Return the CPU it has used so far."""
        fields = Path(f"/proc/{self.owned.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def peak_megabytes(self) -> float:
        """Return the highest resident memory so far."""
        status = Path(f"/proc/{self.owned.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def measure(broker: KafkaBroker, count: int, events: int, folder: Path) -> None:
    """Let a group of so many processes read everything; print what it took."""
    group = f"of-{count}"
    with ExitStack() as stack:
        processes = [
            Process(broker.bootstrap_servers, group, folder / f"{group}-{number}.log")
            for number in range(count)
        ]
        for process in processes:
            stack.enter_context(process.owned)
        began, first = time.monotonic(), [process.usage() for process in processes]
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            now = [process.usage() for process in processes]
            if not all(one.events for one in first):
                began, first = time.monotonic(), now  # not all of them read yet
            if sum(process.read() for process in processes) >= events:
                break
            if time.monotonic() > until:
                sys.exit(f"{group}: not read in {PATIENCE_SECONDS} s; see {folder}")
            time.sleep(0.1)
        took = time.monotonic() - began
        read = sum(one.events for one in now) - sum(one.events for one in first)
        print(f"{count} process{'es' * (count > 1)}: {read / took:,.0f} events/s", flush=True)
        before = [process.cpu_seconds() for process in processes]
        time.sleep(IDLE_SECONDS)
        for number, process in enumerate(processes):
            own = now[number].events - first[number].events
            cpu = (now[number].cpu_seconds - first[number].cpu_seconds) / max(own, 1)
            idle = (process.cpu_seconds() - before[number]) / IDLE_SECONDS
            print(
                f"  process {number + 1}: {own:,} events, {cpu * 1e6:.1f} us CPU each;"
                f" peak {process.peak_megabytes():.0f} MB; idle {idle:.1%} of a core"
            )
    segments = (folder / "broker" / "log").glob(f"{group}-state-*/*.log")
    size = sum(segment.stat().st_size for segment in segments)
    print(f"  state log: {size / 1e6:.1f} MB, {size / events:.1f} bytes an event", flush=True)


async def load(servers: str, contacts: int) -> None:
    """Write the events."""
    options = KafkaOptions(bootstrap_servers=servers, topic=TOPIC, group="none")
    began = time.monotonic()
    async with KafkaWriter(options, compression="lz4") as writer:
        await writer.create_topic(partitions=PARTITIONS)
        written = await writer.write(stream(contacts))
    print(f"{written:,} events written in {time.monotonic() - began:.0f} s", flush=True)


def main() -> None:
    """Start a broker, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=50_000)
    given = parser.parse_args()
    logging.disable(logging.ERROR)  # of aiokafka, while the topic is new
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with KafkaBroker(find_kafka_jars(ROOT), folder / "broker") as broker:
            asyncio.run(load(broker.bootstrap_servers, given.contacts))
            for count in (1, 2):
                measure(broker, count, given.contacts * EVENTS_EACH, folder)


if __name__ == "__main__":
    main()
