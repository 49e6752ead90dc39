"""How many partitions change hands when processes come and go: the assignors on a real broker.

``python benchmarks/assignors.py`` starts a broker, lets four consumers join a group of 12
partitions one after the other, restarts each of them in turn as a rolling update does, and lets two
leave. Counted are the partitions that left a member which is still there: what a restore, or at
least a look at the state log, is paid for without need. *least* is what an even share costs.
About a minute.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import asyncio
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from aiokafka import AIOKafkaConsumer  # noqa: E402
from aiokafka.coordinator.assignors.range import RangePartitionAssignor  # noqa: E402
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # noqa: E402

from firstreply.adapters.kafka.assignor import sticky_assignor  # noqa: E402
from firstreply.adapters.kafka.options import KafkaOptions  # noqa: E402
from firstreply.adapters.kafka.writer import KafkaWriter  # noqa: E402
from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars  # noqa: E402

PARTITIONS: Final = 12
MEMBERS: Final = 4
Shares = dict[AIOKafkaConsumer, frozenset[int]]
Make = Callable[[Callable[[], int]], type[Any]]

ASSIGNORS: Final[dict[str, Make]] = {
    "range": lambda _: RangePartitionAssignor,
    "roundrobin": lambda _: RoundRobinPartitionAssignor,
    "ours": sticky_assignor,
}


class Group:
    """The consumers of a group, and what moved between them so far."""

    def __init__(self, servers: str, name: str, make: Make) -> None:
        self._servers = servers
        self._name = name
        self._make = make
        self._members: list[AIOKafkaConsumer] = []
        self._shares: Shares = {}
        self.moved = 0
        self.least = 0

    async def join(self) -> None:
        """Add a consumer, and wait for the group to settle."""
        consumer = AIOKafkaConsumer(
            self._name,
            bootstrap_servers=self._servers,
            group_id=self._name,
            enable_auto_commit=False,
            heartbeat_interval_ms=200,
            partition_assignment_strategy=(
                self._make(lambda: int(consumer._coordinator.generation)),  # noqa: SLF001
            ),
        )
        await consumer.start()
        self._members.append(consumer)
        await self._settle()

    async def leave(self) -> None:
        """Let the oldest go."""
        await self._members.pop(0).stop()
        await self._settle()

    async def end(self) -> None:
        """Let all go."""
        for consumer in self._members:
            await consumer.stop()

    async def _settle(self) -> None:
        """Wait for a balanced, complete sharing out that lasts a second; count what moved."""
        lasting, last = 0, {}
        while lasting < 10:
            for each in self._members:
                await each.getmany(timeout_ms=0)
            await asyncio.sleep(0.1)
            shares = {
                each: frozenset(one.partition for one in each.assignment())
                for each in self._members
            }
            complete = sorted(n for share in shares.values() for n in share) == list(
                range(PARTITIONS)
            )
            lasting = lasting + 1 if complete and shares == last else 0
            last = shares
        had = sorted((len(self._shares.get(each, ())) for each in last), reverse=True)
        even = sorted((len(share) for share in last.values()), reverse=True)
        self.least += sum(max(0, size - most) for size, most in zip(had, even, strict=True))
        self.moved += sum(
            len(share - last[each]) for each, share in self._shares.items() if each in last
        )
        self._shares = last


async def measure(servers: str, name: str, make: Make) -> None:
    """Play the same comings and goings with one assignor, and print what moved."""
    topic = f"events-{name}"
    async with KafkaWriter(
        KafkaOptions(bootstrap_servers=servers, topic=topic, group=topic)
    ) as writer:
        await writer.create_topic(partitions=PARTITIONS)
    group = Group(servers, topic, make)
    told = []
    try:
        for change in (
            *("join",) * MEMBERS,
            *("leave", "join") * MEMBERS,
            *("leave",) * (MEMBERS // 2),
        ):
            await (group.join() if change == "join" else group.leave())
            told.append(group.moved)
        grown, restarted, shrunk = told[MEMBERS - 1], told[3 * MEMBERS - 1], told[-1]
        print(
            f"{name:10}  grow to {MEMBERS}: {grown:2}  rolling restart: {restarted - grown:2}"
            f"  shrink to {MEMBERS // 2}: {shrunk - restarted:2}  in all {shrunk:3}"
            f" (least {group.least})",
            flush=True,
        )
    finally:
        await group.end()


def main() -> None:
    """Start a broker, measure, print."""
    logging.disable(logging.ERROR)  # of aiokafka, while the topic is new
    with (
        tempfile.TemporaryDirectory() as folder,
        KafkaBroker(find_kafka_jars(ROOT), Path(folder)) as broker,
    ):
        for name, make in ASSIGNORS.items():
            asyncio.run(measure(broker.bootstrap_servers, name, make))


if __name__ == "__main__":
    main()
