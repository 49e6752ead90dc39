"""The limit: an aiokafka loop that fetches the records and looks at none.

``python drain.py SERVERS TOPIC GROUP TOTAL FOLDER``, until it is ended.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import asyncio
import sys

from aiokafka import AIOKafkaConsumer
from tally import Tally


async def drain(servers: str, topic: str, group: str, total: int) -> None:
    """Fetch for ever."""
    tally = Tally(total)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=group, auto_offset_reset="earliest"
    )
    async with consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                tally.passed(len(records))


if __name__ == "__main__":
    asyncio.run(drain(*sys.argv[1:4], total=int(sys.argv[4])))
