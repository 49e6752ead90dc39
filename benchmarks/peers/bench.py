"""firstreply beside its peers: what an event costs each, over a backlog in a real Kafka.

``make bench`` or ``python benchmarks/peers/bench.py`` starts a broker on the second core, fills
topics of four partitions, and lets one program after the other read on the first core, in turn and
several times. Faust reads a smaller topic, or a run would take half an hour. Printed: the
median over the rounds, with the least and the greatest; ratios are to the run of the same round.
Six to eight minutes, on a machine with nothing else to do.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
sys.path[:0] = [str(ROOT / "service"), str(HERE)]

import workload  # noqa: E402
from environments import CACHE, UnavailableError  # noqa: E402
from report import as_json, put_between_markers, table  # noqa: E402
from running import BROKER_PINNED, FailedError, Load, Run, run  # noqa: E402

from firstreply.adapters.kafka.options import KafkaOptions  # noqa: E402
from firstreply.adapters.kafka.producer import Outgoing  # noqa: E402
from firstreply.adapters.kafka.writer import KafkaWriter  # noqa: E402
from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars  # noqa: E402
from firstreply.ports import TimestampType  # noqa: E402

PARTITIONS: Final = 4
SHARES: Final = {
    "drain": 1,
    "firstreply": 1,
    "firstreply-pure": 1,
    "kafka-streams": 1,
    "quix": 1,
    "faust": 10,
}
"""The programs, and by how much fewer events the slower ones read; 10 s or more all the same."""


async def fill(servers: str, events: int) -> Load:
    """Make a topic of about so many events."""
    topic = f"contact-events-{events}"
    made = workload.contacts(int(events / 3.9), workload.began(datetime.now(UTC)))  # 1 in 20 has 2
    options = KafkaOptions(bootstrap_servers=servers, topic=topic, group="none")
    async with KafkaWriter(options) as writer:
        # As by default. The broker's own time would be hours after every deadline.
        await writer.create_topic(partitions=PARTITIONS, timestamp_type=TimestampType.CREATE_TIME)
        written = await writer.write(
            Outgoing(contact_id.encode(), value) for contact_id, value in workload.events(made)
        )
    print(f"{topic}: {written:,} events of {len(made):,} contacts", flush=True)
    return Load(servers, topic, written, workload.truth(made), workload.missed(made))


def one_round(
    number: int, names: list[str], loads: dict[str, Load], folder: Path
) -> dict[str, Run | str]:
    """Run each program once; a text says why one was not run."""
    done: dict[str, Run | str] = {}
    for name in names:
        try:
            measured = run(name, loads[name], f"{name}-{number}", folder)
        except (UnavailableError, FailedError) as error:
            done[name] = str(error).partition("; its log")[0]
            print(f"round {number} {name}: not run: {error}", flush=True)
            continue
        segments = (folder / "broker" / "log").glob(f"*{name}-{number}*/*.log")
        size = sum(segment.stat().st_size for segment in segments) / loads[name].events
        measured = done[name] = measured._replace(state_bytes=size)
        print(
            f"round {number} {name:13} {measured.cpu_us:8.1f} us CPU an event"
            f" {measured.rate:10,.0f} events/s   counts {measured.counts:5}"
            f" state {measured.state_bytes:4.0f} B an event",
            flush=True,
        )
    return done


def main() -> None:
    """Measure, print, and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--only", nargs="+", choices=SHARES, default=list(SHARES))
    parser.add_argument("--json", type=Path, default=CACHE / "peers.json")
    parser.add_argument("--page", type=Path, help="put the table between the markers of a page")
    given = parser.parse_args()
    logging.disable(logging.ERROR)  # of aiokafka, while the topics are new
    os.sched_setaffinity(0, {1})  # with the broker; the programs have the other core
    CACHE.mkdir(parents=True, exist_ok=True)
    began, began_load = time.monotonic(), os.getloadavg()[0]
    rounds = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        jars = find_kafka_jars(ROOT)
        with KafkaBroker(jars, folder / "broker", launcher=BROKER_PINNED) as broker:
            servers = broker.bootstrap_servers
            shares = sorted({SHARES[name] for name in given.only})
            topics = {share: asyncio.run(fill(servers, given.events // share)) for share in shares}
            loads = {name: topics[SHARES[name]] for name in given.only}
            for number in range(given.rounds):
                turn = number % len(given.only)
                names = given.only[turn:] + given.only[:turn]  # nobody always comes first
                rounds.append(one_round(number + 1, names, loads, folder))
    sizes = {name: load.events for name, load in loads.items()}
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": " ".join(["benchmarks/peers/bench.py", *sys.argv[1:]]),
        "minutes": round((time.monotonic() - began) / 60, 1),
        "load_average": [round(began_load, 1), round(os.getloadavg()[0], 1)],
    }
    text = table(rounds, sizes)
    print(text)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    given.json.write_text(as_json(rounds, sizes, about))
    if given.page:
        put_between_markers(given.page, text, about)


if __name__ == "__main__":
    main()
