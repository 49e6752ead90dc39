"""The real service on the simulator, shortly before the phones go dark: run as a program.

Prints where it listens. Simulated phones are answered by nobody from 11:50 to 12:30; the play
begins four minutes before that, at thirty times the speed of life.
"""

import asyncio
import sys
from datetime import datetime, timedelta, timezone

from firstreply.adapters.simulator import SimulatedSource, Simulator
from firstreply.app import Running, run_simulated
from firstreply.demo import demo_settings

BEGIN = datetime(2026, 3, 2, 11, 46, tzinfo=timezone(timedelta(hours=1)))
SPEED = 30.0


async def tell(running: Running) -> None:
    sys.stdout.write(f"{running.address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    settings = demo_settings(None, {"FIRSTREPLY_HTTP__PORT": "0"})
    source = SimulatedSource(Simulator(1, BEGIN), speed=SPEED)
    asyncio.run(run_simulated(settings, source, companions=(tell,)))
