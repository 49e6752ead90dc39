"""Whether the figures can be trusted is said in words, whatever happens to the service."""

import json

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import FakeService, fake_service
from tests.wall.holding_proxy import holding_proxy
from tests.wall.messages import playing, status
from tests.wall.scenes import busy_morning, busy_urgent
from tests.wall.viewer import PATIENCE_MS, Viewer

pytestmark = pytest.mark.asyncio(loop_scope="session")

MORNING = playing(busy_morning(), **busy_urgent())
STALE_WITHIN_MS = 10_000


async def expect_all_without_data(viewer: Viewer) -> None:
    await expect(viewer.page.locator("#rows .badge")).to_have_text(
        ["NO DATA"] * 6, timeout=PATIENCE_MS
    )


async def test_a_service_stopped_behind_a_proxy_that_holds_on_is_stale_within_ten_seconds(
    visit: Visit,
) -> None:
    async with fake_service(MORNING) as service, holding_proxy(service.port) as proxy:
        viewer = await visit(proxy.url)
        await viewer.expect_state("Phone", "LATE")

        await service.stop()

        await viewer.expect_trust("STALE", timeout_ms=STALE_WITHIN_MS)
        assert proxy.upstream_losses > 0
        assert proxy.clients > 0
        await expect_all_without_data(viewer)
        alarm = viewer.page.locator("#alarm")
        await expect(alarm).to_contain_text("No message from the service for 0:")


async def test_a_stale_wall_stands_still_at_the_time_it_names(visit: Visit) -> None:
    async with fake_service(MORNING) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")
        fresh = await viewer.colour(viewer.figure("E-mail", "waiting"), "color")

        service.silence()
        await viewer.expect_trust("STALE")

        time = await viewer.page.locator("#clock").inner_text()
        wait = await viewer.figure("Phone", "oldest").inner_text()
        alarm = viewer.page.locator("#alarm")
        await expect(alarm).to_contain_text(f"as it was at {time}")
        await expect(viewer.page.locator("#trust-since")).to_have_text(f"since {time}")
        said = await alarm.inner_text()
        await expect(alarm).not_to_have_text(said, timeout=PATIENCE_MS)  # a second later
        assert await viewer.figure("Phone", "oldest").inner_text() == wait
        assert await viewer.page.locator("#clock").inner_text() == time
        assert await viewer.colour(viewer.figure("E-mail", "waiting"), "color") != fresh


@pytest.mark.parametrize("is_held", [True, False], ids=["behind a proxy", "directly"])
async def test_the_wall_comes_back_by_itself_with_the_service(
    visit: Visit, *, is_held: bool
) -> None:
    async with fake_service(MORNING) as service, holding_proxy(service.port) as proxy:
        viewer = await visit(proxy.url if is_held else service.url)
        await viewer.expect_trust("LIVE")
        await service.stop()
        await viewer.expect_trust("STALE")

        await service.start()

        await viewer.expect_trust("LIVE")
        await viewer.expect_state("Phone", "LATE")
        await expect(viewer.page.locator("#alarm")).to_be_hidden()


async def test_a_process_that_freezes_and_wakes_is_stale_meanwhile(visit: Visit) -> None:
    async with fake_service(MORNING) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        service.silence()
        await viewer.expect_trust("STALE")
        service.silence(is_silent=False)

        await viewer.expect_trust("LIVE")


async def test_a_viewer_that_was_turned_away_asks_again_by_itself(visit: Visit) -> None:
    async with fake_service(MORNING) as service:
        service.is_full = True
        viewer = await visit(service.url)
        await viewer.expect_trust("NO DATA")
        assert service.turned_away > 0

        service.is_full = False

        await viewer.expect_trust("LIVE")


async def test_without_any_message_the_wall_says_that_it_has_no_data(visit: Visit) -> None:
    async with fake_service(MORNING) as service:
        service.silence()
        viewer = await visit(service.url)

        await viewer.expect_trust("CONNECTING")
        await viewer.expect_trust("NO DATA")
        alarm = viewer.page.locator("#alarm")
        await expect(alarm).to_have_text("The service does not answer. This page keeps trying.")


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("starting", "STARTING"),
        ("catching_up", "CATCHING UP"),
        ("stale", "STALE"),
        ("partial", "PARTIAL"),
        ("unheard_of", "STALE"),
    ],
)
async def test_what_the_service_says_of_itself_is_shown_with_its_reasons(
    visit: Visit, state: str, word: str
) -> None:
    reason = "partition 2: nobody reads it"
    scene = playing(busy_morning(), trust=state, reasons=[reason], covered=3)
    async with fake_service(scene) as service:
        viewer = await visit(service.url)

        await viewer.expect_trust(word)
        if state != "unheard_of":
            await expect(viewer.page.locator("#alarm-reasons")).to_have_text(reason)
        await expect(viewer.page.locator("#tallies")).to_be_hidden()


async def test_a_message_that_cannot_be_read_counts_as_silence(visit: Visit) -> None:
    async with fake_service(MORNING) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        service.say("this is not JSON")

        await viewer.expect_trust("STALE")


async def test_a_new_version_of_the_page_is_loaded_once(visit: Visit) -> None:
    def upgraded(service: FakeService) -> None:
        service.say(json.dumps(status(busy_morning()) | {"page": "another"}))

    async with fake_service(MORNING) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")
        await viewer.ask("window.isOld = true")

        upgraded(service)
        await viewer.page.wait_for_function("window.isOld === undefined", timeout=PATIENCE_MS)

        await viewer.expect_trust("LIVE")
        await viewer.ask("window.isOld = true")
        clock = await viewer.page.locator("#clock").inner_text()
        await expect(viewer.page.locator("#clock")).not_to_have_text(clock, timeout=PATIENCE_MS)
        assert await viewer.ask("window.isOld")
