"""What the wall costs the screen that shows it all day: one stream, and no growth."""

import asyncio

import pytest
from playwright.async_api import CDPSession, expect

from firstreply.adapters.wall_page import PAGE_VERSION
from tests.wall.conftest import Visit
from tests.wall.fake_service import FakeService, fake_service
from tests.wall.messages import Scene, playing
from tests.wall.scenes import busy_urgent, many_channels
from tests.wall.viewer import PATIENCE_MS, Viewer

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROUNDS = 80
COLLECTIONS = 50
"""Rounds of garbage collection until what is held is taken for a leak."""


def scene(number: int) -> Scene:
    """Return channels of which states, names and urgent contacts differ with ``number``."""
    channels = many_channels(20, late=number % 7)
    channels[0]["channel"] = f"comes-and-goes-{number}"
    urgent = busy_urgent(ids=True)
    for one in (*urgent["late"], *urgent["upcoming"]):
        one["contact_id"] = f"{one['contact_id']}-{number}"
    return playing(channels, **urgent)


async def play_rounds(service: FakeService, viewer: Viewer, first: int, count: int) -> None:
    """Let the page take ``count`` different messages, each of them seen."""
    for number in range(first, first + count):
        service.play(scene(number))
        shown = viewer.page.locator("#late .id").first
        await expect(shown).to_have_text(f"2026-041877-{number}", timeout=PATIENCE_MS)


async def measure(session: CDPSession) -> dict[str, float]:
    await session.send("HeapProfiler.collectGarbage")
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    return {one["name"]: one["value"] for one in metrics}


async def no_more_than(session: CDPSession, bounds: dict[str, float]) -> bool:
    """Return whether all fell to their bounds; the browser may let go of a node some rounds late.

    What leaks is never let go of.
    """
    for _ in range(COLLECTIONS):
        found = await measure(session)
        if all(found[name] <= bound for name, bound in bounds.items()):
            return True
        await asyncio.sleep(0.2)
    return False


async def test_nodes_and_memory_stay_the_same_over_many_messages(visit: Visit) -> None:
    async with fake_service(scene(0)) as service:
        viewer = await visit(service.url, reduced_motion=True)
        await viewer.expect_trust("LIVE")
        session = await viewer.context.new_cdp_session(viewer.page)
        await session.send("Performance.enable")
        await viewer.page.locator("#more-button").click()  # all rows
        await play_rounds(service, viewer, 1, 10)
        before = await measure(session)

        await play_rounds(service, viewer, 11, ROUNDS)

        assert await no_more_than(
            session,
            {
                "Nodes": before["Nodes"] * 1.02,
                "JSEventListeners": before["JSEventListeners"] + 5,
                "JSHeapUsedSize": before["JSHeapUsedSize"] + 1_000_000,
            },
        )


async def test_a_message_makes_the_browser_lay_the_page_out_once_or_twice(visit: Visit) -> None:
    async with fake_service(playing(many_channels())) as service:
        viewer = await visit(service.url, reduced_motion=True)
        await viewer.expect_trust("LIVE")
        await viewer.page.locator("#more-button").click()
        await expect(viewer.page.locator("#rows > .row")).to_have_count(200, timeout=PATIENCE_MS)
        session = await viewer.context.new_cdp_session(viewer.page)
        await session.send("Performance.enable")
        before, messages = await measure(session), service.messages
        clock = await viewer.page.locator("#clock").inner_text()
        while service.messages < messages + 4:
            await expect(viewer.page.locator("#clock")).not_to_have_text(clock)
            clock = await viewer.page.locator("#clock").inner_text()
        after = await measure(session)

    told = service.messages - messages
    assert after["LayoutCount"] - before["LayoutCount"] <= 3 * (told + 2)


WRITTEN = """() => new Promise(resolve => {
    const written = new Set();
    const seconds = new Set();
    new MutationObserver((records, observer) => {
        for (const { target, type } of records) {
            const node = type === "characterData" ? target.parentElement : target;
            written.add(node.id || node.className);
        }
        seconds.add(document.querySelector("#clock").textContent);
        if (seconds.size === 4) { observer.disconnect(); resolve([...written].sort()); }
    }).observe(document.documentElement, {
        subtree: true, characterData: true, childList: true, attributes: true,
    });
})"""
"""Resolve with what was written while the clock showed four different seconds."""


async def test_only_what_has_changed_is_written(visit: Visit) -> None:
    channels = many_channels(8, late=2, queues=2)
    for one in channels:
        one.update(oldest_waiting_at=None, next_deadline_at=None)  # nothing ticks
    async with fake_service(playing(channels)) as service:
        viewer = await visit(service.url, reduced_motion=True)
        await viewer.expect_trust("LIVE")

        assert await viewer.ask(WRITTEN) == ["clock"]


async def test_the_page_asks_for_itself_and_its_stream_alone(visit: Visit) -> None:
    async with fake_service(scene(0)) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        assert [url.removeprefix(service.url) for url in viewer.requests] == [
            "?lang=en&theme=dark",
            "/events",
        ]


async def test_the_browser_refuses_any_script_and_address_that_is_not_the_pages_own(
    visit: Visit,
) -> None:
    async with fake_service(scene(0)) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        refused = await viewer.ask(
            """() => new Promise(resolve => {
                const seen = [];
                document.addEventListener("securitypolicyviolation", event => {
                    seen.push(event.effectiveDirective);
                    if (seen.length === 4) resolve(seen.sort());
                });
                const script = document.createElement("script");
                script.textContent = "window.intruder = true";
                document.body.append(script);
                const style = document.createElement("style");
                style.textContent = "body { display: none }";
                document.body.append(style);
                new Image().src = "https://elsewhere.example/pixel.png";
                fetch("https://elsewhere.example/").catch(() => null);
            })"""
        )

        assert refused == ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
        assert await viewer.ask("window.intruder === undefined")
        viewer.errors.clear()  # the console reports the refusals, and Chromium counts what it did
        viewer.requests.clear()  # not let out as requests


async def test_the_page_that_is_shown_carries_its_version(visit: Visit) -> None:
    async with fake_service(scene(0)) as service:
        viewer = await visit(service.url)

        assert await viewer.page.locator("html").get_attribute("data-version") == PAGE_VERSION
