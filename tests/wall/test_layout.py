"""The wall fits its screen: nothing scrolls, nothing is cut, whatever there is to show."""

from pathlib import Path
from typing import cast

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import fake_service
from tests.wall.messages import Scene, channel, playing, waiting
from tests.wall.scenes import busy_morning, busy_urgent, many_channels, twelve_channels
from tests.wall.shots import SHOTS, Shot, take
from tests.wall.viewer import FULL_HD, PATIENCE_MS, PHONE, ULTRA_HD, Viewer

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWELVE = playing(twelve_channels(), **busy_urgent())
SIX = playing(busy_morning(), **busy_urgent())
MANY = playing(many_channels(), **busy_urgent())

CUT_OFF = """() => {
    const cut = [];
    const parts = ".row > *, .badge, .word, .figure, .below, .bands, .tally, .trust, .clock, .when";
    for (const node of document.querySelectorAll(parts)) {
        const box = node.getBoundingClientRect();
        if (box.width === 0 || node.closest(".columns")) continue;
        const row = (node.closest(".row") || document.documentElement).getBoundingClientRect();
        const isOutside = box.left < row.left - 1 || box.right > row.right + 1
            || box.top < row.top - 1 || box.bottom > row.bottom + 1;
        const isTooWide = node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0
            && !node.matches(".of-oldest, .of-next");
        if (isOutside || isTooWide) cut.push(`${node.className}: ${node.textContent}`);
    }
    return cut;
}"""
"""Parts that stick out of their row, and text that is wider than its place."""

OVERLAPS = """() => {
    const clashes = [];
    for (const row of document.querySelectorAll("#rows > .row")) {
        const walker = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
        const texts = [];
        while (walker.nextNode()) {
            const node = walker.currentNode;
            if (!node.parentElement.closest(".figure, .below") || !node.data.trim()) continue;
            if (node.parentElement.closest(".unseen")) continue;
            const range = document.createRange();
            range.selectNodeContents(node);
            const cell = node.parentElement.closest("td");
            texts.push([node.data, range.getBoundingClientRect(), cell]);
        }
        texts.forEach(([a, p, n], i) => texts.slice(i + 1).forEach(([b, q, m]) => {
            const x = Math.min(p.right, q.right) - Math.max(p.left, q.left);
            const y = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
            if (n !== m && x > 0 && y > 0) clashes.push(`${a} | ${b}`);
        }));
    }
    return clashes;
}"""
"""Texts of one row that lie over each other."""


async def expect_whole(viewer: Viewer) -> None:
    assert await viewer.is_scrolling() == {"across": False, "down": False}
    assert await viewer.ask(CUT_OFF) == []
    assert await viewer.ask(OVERLAPS) == []


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("size", [FULL_HD, ULTRA_HD, (1366, 768)], ids=str)
async def test_twelve_channels_fit_a_wall_without_scrolling(
    visit: Visit, lang: str, size: tuple[int, int]
) -> None:
    async with fake_service(TWELVE) as service:
        viewer = await visit(service.url, lang=lang, size=size)
        await expect(viewer.page.locator("#rows > .row").first).to_be_visible(timeout=PATIENCE_MS)

        await expect_whole(viewer)
        if size != (1366, 768):  # there the least urgent is counted below the board
            assert await viewer.page.locator("#rows > .row").count() == 12
            await expect(viewer.page.locator("#more")).to_be_hidden()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("size", [FULL_HD, (1366, 768)], ids=str)
async def test_six_channels_fill_a_wall_without_touching_each_other(
    visit: Visit, lang: str, size: tuple[int, int]
) -> None:
    async with fake_service(SIX) as service:
        viewer = await visit(service.url, lang=lang, size=size)
        await expect(viewer.page.locator("#rows > .row").first).to_be_visible(timeout=PATIENCE_MS)

        await expect_whole(viewer)
        assert await viewer.page.locator("#rows > .row").count() == 6


async def test_twice_the_pixels_show_the_same_picture_twice_as_large(visit: Visit) -> None:
    async with fake_service(TWELVE) as service:
        sizes = []
        for size in (FULL_HD, ULTRA_HD):
            viewer = await visit(service.url, size=size)
            await viewer.expect_trust("LIVE")
            box = await viewer.figure("Phone", "oldest").bounding_box()
            assert box is not None
            sizes.append(box["height"])

    assert sizes[1] == pytest.approx(2 * sizes[0], rel=0.02)


@pytest.mark.parametrize("size", [FULL_HD, ULTRA_HD], ids=str)
async def test_of_two_hundred_channels_the_urgent_are_shown_and_the_rest_is_counted(
    visit: Visit, size: tuple[int, int]
) -> None:
    async with fake_service(MANY) as service:
        viewer = await visit(service.url, size=size)
        await viewer.expect_trust("LIVE")

        await expect_whole(viewer)
        words = await viewer.page.locator("#rows .badge").all_text_contents()
        assert words == ["LATE"] * 3 + ["OK"] * 8
        await expect(viewer.page.locator("#more-text")).to_have_text("and 189 more: 189 OK")
        assert "brand-197" in await viewer.page.locator("#rows .channel-name").first.inner_text()


async def test_all_of_two_hundred_channels_can_be_scrolled_through_and_left_again(
    visit: Visit,
) -> None:
    async with fake_service(MANY) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")
        button = viewer.page.locator("#more-button")

        await button.click()

        await expect(viewer.page.locator("#rows > .row")).to_have_count(200, timeout=PATIENCE_MS)
        assert await viewer.is_scrolling() == {"across": False, "down": True}
        await expect(button).to_have_attribute("aria-expanded", "true")
        await button.click()
        await expect(viewer.page.locator("#rows > .row")).to_have_count(11, timeout=PATIENCE_MS)
        await expect_whole(viewer)


async def test_few_channels_keep_the_place_that_the_configuration_gives_them(visit: Visit) -> None:
    def scene(first: str, last: str) -> Scene:
        return playing([channel("sms", waiting(1), state=first), channel("app", state=last)])

    async with fake_service(scene("ok", "late")) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("App", "LATE")
        names = viewer.page.locator("#rows .channel-name")
        assert await names.all_text_contents() == ["SMS", "App"]


async def test_a_channel_that_is_no_longer_told_of_leaves_the_wall(visit: Visit) -> None:
    async with fake_service(playing([channel("sms"), channel("app")])) as service:
        viewer = await visit(service.url)
        await viewer.expect_state("App", "OK")

        service.play(playing([channel("app")]))

        await expect(viewer.page.locator("#rows > .row")).to_have_count(1, timeout=PATIENCE_MS)


async def test_before_the_first_contact_the_board_says_that_it_is_empty(visit: Visit) -> None:
    async with fake_service(playing([])) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        await expect(viewer.page.locator("#empty")).to_have_text("No channel has figures yet.")


async def test_more_late_contacts_than_fit_leave_room_for_those_who_come_next(visit: Visit) -> None:
    urgent = busy_urgent(ids=True)
    urgent["late"] = urgent["late"] * 4
    async with fake_service(playing(twelve_channels(), **urgent)) as service:
        viewer = await visit(service.url, size=(1366, 768))
        await viewer.expect_trust("LIVE")

        assert await viewer.page.locator("#next > .contact").count() >= 3
        foot = await viewer.page.locator(".foot").bounding_box()
        last = await viewer.page.locator("#next > .contact").last.bounding_box()
        assert foot is not None
        assert last is not None
        assert last["y"] + last["height"] <= foot["y"]


@pytest.mark.parametrize("lang", ["en", "fr"])
async def test_a_phone_shows_one_column_that_scrolls_down_only(visit: Visit, lang: str) -> None:
    async with fake_service(MANY) as service:
        viewer = await visit(service.url, size=PHONE, lang=lang)
        await viewer.expect_trust("LIVE" if lang == "en" else "EN DIRECT")

        assert await viewer.is_scrolling() == {"across": False, "down": True}
        rows = viewer.page.locator("#rows > .row")
        assert await rows.count() == 200
        boxes = [await rows.nth(i).bounding_box() for i in (0, 1)]
        first, second = (cast("dict[str, float]", box) for box in boxes)
        assert first["x"] == second["x"]
        assert first["y"] + first["height"] <= second["y"]


@pytest.mark.parametrize("shot", SHOTS, ids=lambda shot: shot.name)
async def test_the_wall_has_its_picture_taken(visit: Visit, shot: Shot, tmp_path: Path) -> None:
    """Look at the pictures after a change of the page: they are in the run's ``tmp_path``."""
    picture = await take(shot, visit, tmp_path)

    assert picture.stat().st_size > 20_000
