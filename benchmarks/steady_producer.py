"""Writes contact events at a steady rate for a while: the producer of ``benchmarks/latency.py``.

``python benchmarks/steady_producer.py SERVERS TOPIC RATE SECONDS`` makes the events first (those of
``peers/workload.py``, in their order), says ``began``, and then writes RATE of them a second, each
with the time at which it is written. A contact stays in one partition. In the end it says how many
it wrote in how long: a busy machine may not let it keep the rate.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zlib import crc32

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks" / "peers"))

import workload  # noqa: E402
from aiokafka import AIOKafkaProducer  # noqa: E402

TICK_SECONDS: Final = 0.01
EVENTS_A_CONTACT: Final = 3.9
"""One in twenty has two, the others four."""
BEFORE_TIME: Final = b'"time": "'


def events(count: int) -> list[tuple[bytes, bytes, bytes]]:
    """Return contact id, and what stands before and after the time, of so many events."""
    made = workload.contacts(int(count / EVENTS_A_CONTACT) + 1, datetime.now(UTC))
    told = []
    for contact_id, value in workload.events(made):
        begin = value.index(BEFORE_TIME) + len(BEFORE_TIME)
        told.append((contact_id.encode(), value[:begin], value[value.index(b'"', begin) :]))
    return told[:count]


async def produce(servers: str, topic: str, rate: int, seconds: int) -> None:
    """Write for so many seconds."""
    told = events(rate * seconds)
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, linger_ms=5, max_batch_size=256 * 1024, acks=1
    )
    async with producer:
        partitions = len(await producer.partitions_for(topic))
        print("began", flush=True)
        began, written = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(passed * rate)
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
            for key, before, after in told[written:due]:
                value = before + stamp + after
                await producer.send(topic, value, key, crc32(key) % partitions)
            written = due
            await asyncio.sleep(TICK_SECONDS)
        await producer.flush()
    print(f"wrote {written} in {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    servers, topic, rate, seconds = sys.argv[1:]
    asyncio.run(produce(servers, topic, int(rate), int(seconds)))
