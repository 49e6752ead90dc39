"""Whether a service reloads over HTTP is what ``http.reload`` says."""

import asyncio
import signal
from typing import Final

import aiohttp
import pytest

from firstreply.adapters.simulator import SimulatedSource, Simulator
from firstreply.app import Running, run_simulated
from firstreply.config.load import load_settings
from firstreply.demo import START

PATIENCE_SECONDS: Final = 60.0


@pytest.mark.parametrize(("given", "status"), [("", 403), ("false", 403), ("true", 200)])
async def test_post_reload_is_off_unless_it_is_set(given: str, status: int) -> None:
    settings = load_settings(None, {"FIRSTREPLY_HTTP__PORT": "0", "FIRSTREPLY_HTTP__RELOAD": given})
    source = SimulatedSource(Simulator(1, START, 0.01, days=1), speed=1)
    answered: list[int] = []

    async def ask(running: Running) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{running.address}/-/reload") as answer,
        ):
            answered.append(answer.status)
        signal.raise_signal(signal.SIGTERM)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_simulated(settings, source, companions=(ask,))

    assert answered == [status]
