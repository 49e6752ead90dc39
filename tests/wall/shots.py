"""Pictures of the wall, for a person to look at and for the documentation.

``python -m tests.wall.shots docs/images`` takes those that the README shows anew.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from playwright.async_api import async_playwright

from tests.servers.programs import CHROMIUM_NAMES, find_program
from tests.wall.fake_service import fake_service
from tests.wall.messages import Scene, playing
from tests.wall.scenes import (
    busy_morning,
    busy_urgent,
    calm_morning,
    many_channels,
    twelve_channels,
)
from tests.wall.viewer import FULL_HD, PHONE, ULTRA_HD, Viewer, open_tab


class Shot(NamedTuple):
    """One picture."""

    name: str
    scene: Scene
    lang: str
    theme: str
    size: tuple[int, int] = FULL_HD
    scale: float = 1
    is_stale: bool = False


_BUSY: Final = playing(busy_morning(), **busy_urgent())
_WITH_IDS: Final = playing(busy_morning(), **busy_urgent(ids=True))
_TWELVE: Final = playing(twelve_channels(), **busy_urgent())

SHOTS: Final = (
    Shot("wall-en-dark", _BUSY, "en", "dark"),
    Shot("wall-en-light", _BUSY, "en", "light"),
    Shot("wall-fr-dark", _BUSY, "fr", "dark"),
    Shot("wall-fr-light", _BUSY, "fr", "light"),
    Shot(
        "calm-en-dark",
        playing(calm_morning(), upcoming=busy_urgent()["upcoming"][6:]),
        "en",
        "dark",
    ),
    Shot("twelve-fr-dark", _TWELVE, "fr", "dark"),
    Shot("many-en-light", playing(many_channels(), **busy_urgent()), "en", "light"),
    Shot("stale-fr-dark", _BUSY, "fr", "dark", is_stale=True),
    Shot("stale-en-light", _BUSY, "en", "light", is_stale=True),
    Shot("4k-en-dark", _BUSY, "en", "dark", ULTRA_HD),
    Shot("4k-fr-light", _TWELVE, "fr", "light", ULTRA_HD),
    Shot("laptop-en-light", _WITH_IDS, "en", "light", (1366, 768)),
    Shot("tablet-fr-dark", _WITH_IDS, "fr", "dark", (1024, 768)),
    Shot("phone-en-dark", _BUSY, "en", "dark", PHONE, 2),
    Shot("phone-fr-light", _WITH_IDS, "fr", "light", PHONE, 2),
)
IN_THE_README: Final = ("wall-en-dark", "wall-fr-light")


class Open(Protocol):
    """Open the wall in a new tab, as the fixture ``visit`` does."""

    async def __call__(
        self,
        url: str,
        *,
        lang: str,
        theme: str,
        size: tuple[int, int],
        scale: float,
        reduced_motion: bool,
    ) -> Viewer:
        """Return once the document is loaded."""


async def take(shot: Shot, visit: Open, folder: Path) -> Path:
    """Take a picture; return where it is."""
    async with fake_service(shot.scene) as service:
        viewer = await visit(
            service.url,
            lang=shot.lang,
            theme=shot.theme,
            size=shot.size,
            scale=shot.scale,
            reduced_motion=True,
        )
        await viewer.expect_trust("LIVE" if shot.lang == "en" else "EN DIRECT")
        if shot.is_stale:
            service.silence()
            await viewer.expect_trust("STALE" if shot.lang == "en" else "PÉRIMÉ")
        path = folder / f"{shot.name}.png"
        await viewer.page.screenshot(path=path, full_page=shot.size[0] < 1200)
    return path


async def _take_for_readme(folder: Path) -> None:
    async with async_playwright() as playwright:
        program = find_program("chromium", *CHROMIUM_NAMES)
        browser = await playwright.chromium.launch(executable_path=program)

        async def visit(
            url: str,
            *,
            lang: str,
            theme: str,
            size: tuple[int, int],
            scale: float,
            reduced_motion: bool,
        ) -> Viewer:
            viewer = await open_tab(browser, size=size, scale=scale, reduced_motion=reduced_motion)
            await viewer.page.goto(f"{url}?lang={lang}&theme={theme}")
            return viewer

        for shot in SHOTS:
            if shot.name in IN_THE_README:
                print(await take(shot, visit, folder))  # noqa: T201 - a command
        await browser.close()


if __name__ == "__main__":
    asyncio.run(_take_for_readme(Path(sys.argv[1])))
