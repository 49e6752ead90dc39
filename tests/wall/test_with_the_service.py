"""The wall on the real service: the simulator's phones go dark, and then the service itself."""

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from firstreply.devkit.processes import OwnedProcess
from tests.shared import ROOT
from tests.wall.conftest import Visit
from tests.wall.holding_proxy import holding_proxy
from tests.wall.test_times import WATCH, seconds
from tests.wall.test_trust import STALE_WITHIN_MS
from tests.wall.viewer import Viewer

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

START_SECONDS = 60.0
DARKNESS_MS = 90_000
"""Until the phones have been dark for minutes of simulated time: 15 s on an idle machine."""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[OwnedProcess]:
    """Return the service, which writes its address as soon as it listens."""
    program = ROOT / "tests" / "wall" / "dark_phones.py"
    with OwnedProcess("the service", [sys.executable, str(program)], tmp_path / "log") as process:
        process.wait_until(lambda: "http://" in read(process), timeout_seconds=START_SECONDS)
        yield process


def read(process: OwnedProcess) -> str:
    return process.log.read_text()


def port(process: OwnedProcess) -> int:
    found = re.search(r"^http://\S+$", read(process), re.MULTILINE)
    assert found is not None
    listening = urlsplit(found[0]).port
    assert listening is not None
    return listening


async def look(viewer: Viewer, channel: str) -> tuple[str | None, str]:
    """Return the shape and the colour of a channel's state."""
    badge = viewer.badge(channel)
    shape = await badge.locator("use").get_attribute("href")
    return shape, await viewer.colour(badge)


async def test_dark_phones_turn_late_and_a_dead_service_turns_stale(
    visit: Visit, service: OwnedProcess
) -> None:
    async with holding_proxy(port(service)) as proxy:
        viewer = await visit(proxy.url, reduced_motion=True)
        await viewer.expect_trust("LIVE")
        await viewer.expect_state("Phone", "OK")
        fine = await look(viewer, "Phone")

        # Nobody picks up any more: within minutes of simulated time the longest wait shows it.
        oldest = viewer.figure("Phone", "oldest")
        await expect(oldest).to_have_text(re.compile(r"^([2-9]|\d\d):\d\d$"), timeout=DARKNESS_MS)
        await viewer.expect_state("Phone", "LATE")
        late = await look(viewer, "Phone")
        assert fine[0] != late[0]
        assert fine[1] != late[1]
        await expect(viewer.page.locator("#late .contact").first).to_contain_text("Phone")
        assert await viewer.page.locator("#late a").count() == 0  # ids are personal
        seen = await viewer.ask(WATCH, 3)
        assert seconds(seen[0][0]) < seconds(seen[1][0]) < seconds(seen[2][0])

        await asyncio.to_thread(service.kill)

        await viewer.expect_trust("STALE", timeout_ms=STALE_WITHIN_MS)
        await viewer.expect_state("Phone", "NO DATA")
        assert proxy.clients > 0
