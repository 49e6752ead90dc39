"""The times on the wall: they tick, agree with the service clock, and are never nonsense."""

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import fake_service
from tests.wall.messages import channel, contact, playing, waiting
from tests.wall.scenes import CHAT, PHONE
from tests.wall.viewer import PATIENCE_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE_WAITS = channel("chat", waiting(1), oldest=75, deadline=525, promised=CHAT)

WATCH = """count => new Promise(resolve => {
    const text = selector => document.querySelector(selector).textContent;
    const seen = [];
    new MutationObserver((_, observer) => {
        const now = [text("#clock"), text(".of-oldest .figure"), text(".of-next .figure")];
        if (seen.length === 0 || seen[seen.length - 1][0] !== now[0]) seen.push(now);
        if (seen.length === count) { observer.disconnect(); resolve(seen); }
    }).observe(document.body, { subtree: true, characterData: true, childList: true });
})"""
"""Resolve with clock, longest wait and countdown as they stood at each change of the clock."""


def seconds(text: str) -> int:
    """Read 2:14 or 1:02:33."""
    total = 0
    for part in text.split(":"):
        total = 60 * total + int(part)
    return total


async def test_wait_and_countdown_move_with_the_clock_second_by_second(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")

        seen = [[seconds(text) for text in texts] for texts in await viewer.ask(WATCH, 6)]

    begin = seconds("11:04:33")
    clocks = [clock for clock, _, _ in seen]
    assert clocks == sorted(set(clocks))
    assert [wait for _, wait, _ in seen] == [75 + clock - begin for clock in clocks]
    assert [left for _, _, left in seen] == [525 - (clock - begin) for clock in clocks]


async def test_times_go_on_between_messages(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")
        service.silence()

        seen = await viewer.ask(WATCH, 3)

    assert seconds(seen[0][2]) > seconds(seen[2][2])


async def test_a_simulation_runs_at_its_own_speed_between_messages(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS], rate=60)) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")
        service.silence()

        seen = await viewer.ask(WATCH, 3)

    assert seconds(seen[2][0]) - seconds(seen[1][0]) >= 55


async def test_a_computer_whose_own_clock_is_wrong_shows_the_same_times(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS])) as service:
        viewer = await visit(service.url, before="Date.now = () => 86400000")

        await expect(viewer.page.locator("#clock")).to_contain_text("11:0", timeout=PATIENCE_MS)
        await expect(viewer.page.locator("#day")).to_contain_text("Mon 23 Nov")
        await expect(viewer.figure("Chat", "oldest")).to_contain_text("1:")


async def test_a_deadline_that_has_passed_reads_as_late_never_as_less_than_nothing(
    visit: Visit,
) -> None:
    scene = playing(
        [channel("phone", waiting(1), oldest=18, deadline=2, promised=PHONE)],
        upcoming=[contact("phone", "none", 2)],
    )
    async with fake_service(scene) as service:
        viewer = await visit(service.url)

        urgent = viewer.page.locator("#next .when")
        await expect(urgent).to_contain_text("late by 0:0", timeout=PATIENCE_MS)
        below = viewer.row("Phone").locator(".of-next .below")
        await expect(below).to_have_text("past due", timeout=PATIENCE_MS)
        assert "-" not in await viewer.figure("Phone", "next").inner_text()


async def test_a_wait_is_written_in_the_fewest_parts(visit: Visit) -> None:
    written = {59: "0:59", 3_599: "59:59", 3_600: "1:00:00", 86_399: "23:59:59", 90_000: "1 d 01 h"}
    desks = [channel(f"desk-{wait}", waiting(1), oldest=wait) for wait in written]
    still = playing(desks, trust="stale")  # so that times stand as they are told
    async with fake_service(lambda _: still(0)) as service:
        viewer = await visit(service.url)

        figures = viewer.page.locator(".of-oldest .figure")
        await expect(figures).to_have_text(list(written.values()), timeout=PATIENCE_MS)


async def test_a_clock_that_steps_far_is_followed_at_once(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("Chat", "OK")

        service.play(lambda elapsed: playing([ONE_WAITS])(elapsed + 300))

        await expect(viewer.page.locator("#clock")).to_contain_text("11:09:", timeout=PATIENCE_MS)


async def test_a_zone_that_the_browser_does_not_know_is_shown_in_utc(visit: Visit) -> None:
    async with fake_service(playing([ONE_WAITS], timezone="Mars/Olympus")) as service:
        viewer = await visit(service.url)

        await expect(viewer.page.locator("#clock")).to_contain_text("10:04:", timeout=PATIENCE_MS)
