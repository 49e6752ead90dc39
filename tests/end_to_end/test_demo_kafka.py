"""``make demo-kafka``: simulator, topic and service, as a user sees it."""

import asyncio
import os
import re
import sys

import pytest

from firstreply.devkit.kafka_broker import KafkaBroker
from tests.shared import ROOT


@pytest.mark.timeout(180)
async def test_a_day_through_kafka_ends_with_the_figures_of_the_day_without_it(
    kafka: KafkaBroker,
) -> None:
    assert kafka.bootstrap_servers  # where one broker can run, the demo's can

    direct, through_kafka = [await last_totals(*more) for more in ((), ("--kafka",))]

    assert direct == through_kafka
    assert int(direct["Received"]) > 1000


async def last_totals(*arguments: str) -> dict[str, str]:
    """Play a day and return the last line of totals."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "firstreply", "demo", "--speed", "8000", "--scale", "0.3", *arguments),
        env={**os.environ, "PYTHONPATH": str(ROOT / "service"), "FIRSTREPLY_HTTP__PORT": "0"},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complaints = await asyncio.wait_for(process.communicate(), timeout=120)
    assert process.returncode == 0, complaints.decode()
    lines = re.findall(r"^Received .*$", printed.decode(), re.MULTILINE)
    return dict(re.findall(r"(Received|answered|gave up) (\d+)", lines[-1]))
