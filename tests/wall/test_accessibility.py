"""The wall for those who do not see it, do not use a mouse or want no movement."""

from importlib.resources import files
from typing import Any, Final

import pytest
from playwright.async_api import expect

from tests.wall.conftest import Visit
from tests.wall.fake_service import fake_service
from tests.wall.messages import playing
from tests.wall.scenes import busy_morning, busy_urgent, many_channels, twelve_channels
from tests.wall.viewer import FULL_HD, PATIENCE_MS, PHONE, Viewer

pytestmark = pytest.mark.asyncio(loop_scope="session")

BUSY = playing(twelve_channels(), **busy_urgent(ids=True))
AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}


async def violations(viewer: Viewer) -> list[str]:
    """Ask axe-core; return what it finds, of any severity."""
    await viewer.ask(AXE)
    found = (await viewer.ask("rules => axe.run(document, rules)", RULES))["violations"]
    return [f"{one['impact']} {one['id']}: {_places(one)}" for one in found]


def _places(violation: dict[str, Any]) -> str:
    return ", ".join(str(node["target"]) for node in violation["nodes"][:5])


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [FULL_HD, PHONE], ids=["wall", "phone"])
async def test_axe_finds_no_violation(
    visit: Visit, lang: str, theme: str, size: tuple[int, int]
) -> None:
    async with fake_service(BUSY) as service:
        viewer = await visit(service.url, lang=lang, theme=theme, size=size, reduced_motion=True)
        await viewer.expect_trust("LIVE" if lang == "en" else "EN DIRECT")

        assert await violations(viewer) == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("trust", ["partial", "stale", "starting", "silent"])
async def test_axe_finds_no_violation_when_the_figures_cannot_be_trusted(
    visit: Visit, theme: str, trust: str
) -> None:
    state = "ok" if trust == "silent" else trust
    scene = playing(busy_morning(), trust=state, reasons=["partition 2 lags"], **busy_urgent())
    async with fake_service(scene) as service:
        viewer = await visit(service.url, theme=theme, reduced_motion=True)
        await expect(viewer.page.locator("#rows .row").first).to_be_visible(timeout=PATIENCE_MS)
        if trust == "silent":
            service.silence()
            await viewer.expect_trust("STALE")

        assert await violations(viewer) == []


async def test_axe_finds_no_violation_among_many_channels(visit: Visit) -> None:
    async with fake_service(playing(many_channels(), **busy_urgent())) as service:
        viewer = await visit(service.url, reduced_motion=True)
        await viewer.expect_trust("LIVE")

        assert await violations(viewer) == []


FOCUS = """() => {
    const node = document.activeElement;
    const style = getComputedStyle(node);
    return [node.textContent, style.outlineStyle !== "none" && style.outlineWidth !== "0px"];
}"""


async def test_everything_that_can_be_pressed_is_reached_by_keyboard_and_shows_it(
    visit: Visit,
) -> None:
    scene = playing(many_channels(20), **busy_urgent(ids=True))
    async with fake_service(scene) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")
        expected = await viewer.page.locator("a:visible, button:visible").all_text_contents()

        reached = []
        for _ in expected:
            await viewer.page.keyboard.press("Tab")
            text, has_outline = await viewer.ask(FOCUS)
            reached.append(text)
            assert has_outline, text

        assert reached == expected
        assert {"Show all", "2026-041877", "Français", "Light"} <= set(reached)


async def test_a_focused_link_keeps_the_focus_while_times_and_figures_change(visit: Visit) -> None:
    urgent = busy_urgent(ids=True)
    async with fake_service(playing(busy_morning(), **urgent)) as service:
        viewer = await visit(service.url)
        link = viewer.page.get_by_role("link", name="2026-041820")
        await link.focus(timeout=PATIENCE_MS)

        urgent["upcoming"] = urgent["upcoming"][1:]
        service.play(playing(busy_morning(), **urgent))

        gone = viewer.page.get_by_role("link", name="2026-041913")
        await expect(gone).to_have_count(0, timeout=PATIENCE_MS)
        await expect(link).to_be_focused()


async def test_language_and_colours_are_changed_by_keyboard(visit: Visit) -> None:
    async with fake_service(BUSY) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")
        dark = await viewer.colour(viewer.page.locator("html"))

        await viewer.page.get_by_role("link", name="Light").press("Enter")
        await viewer.expect_trust("LIVE")
        assert await viewer.colour(viewer.page.locator("html")) != dark
        await viewer.page.get_by_role("link", name="Français").press("Enter")

        await viewer.expect_trust("EN DIRECT")
        current = viewer.page.locator("[aria-current=true]")
        assert await current.all_text_contents() == ["Français", "Clair"]


async def test_auto_follows_what_the_screen_prefers(visit: Visit) -> None:
    async with fake_service(BUSY) as service:
        grounds = []
        for light, theme in [(False, "auto"), (False, "dark"), (True, "auto"), (False, "light")]:
            viewer = await visit(service.url, theme=theme, light=light)
            grounds.append(await viewer.colour(viewer.page.locator("html")))

    assert grounds[0] == grounds[1]
    assert grounds[2] == grounds[3]
    assert grounds[0] != grounds[2]


@pytest.mark.parametrize("reduced", [True, False])
async def test_nothing_moves_for_those_who_want_no_movement(visit: Visit, *, reduced: bool) -> None:
    async with fake_service(BUSY) as service:
        viewer = await visit(service.url, reduced_motion=reduced)
        await viewer.expect_state("Phone", "LATE")

        moving = await viewer.ask("document.getAnimations().length")
        assert (moving == 0) is reduced


async def test_the_page_reads_as_landmarks_headings_and_a_table(visit: Visit) -> None:
    async with fake_service(playing(busy_morning(), **busy_urgent())) as service:
        viewer = await visit(service.url)
        await viewer.expect_trust("LIVE")

        page = viewer.page
        for role in ("banner", "main", "contentinfo"):
            assert await page.get_by_role(role).count() == 1
        assert await page.get_by_role("heading").all_text_contents() == [
            "Customers who wait for a first answer",
            "Late now 3",
            "Next to be late",
        ]
        table = page.get_by_role("table")
        assert await table.get_by_role("columnheader").count() == 8
        assert await table.get_by_role("rowheader").count() == 6
        first = table.get_by_role("row").nth(1)
        assert await first.get_by_role("cell").count() == 7


async def test_without_scripts_the_page_says_where_the_figures_are(visit: Visit) -> None:
    async with fake_service(BUSY) as service:
        viewer = await visit(service.url, lang="fr")
        await viewer.expect_trust("EN DIRECT")
        text = await viewer.ask("document.querySelector('noscript').textContent")

    assert "Cette page a besoin de JavaScript" in text
    assert "/api/v1/channels" in text
