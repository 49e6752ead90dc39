"""One Chromium for all tests of the wall, and tabs that must end without an error."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.wall.viewer import Viewer, open_tab


class Visit(Protocol):
    """Open the wall in a new tab."""

    async def __call__(
        self,
        url: str,
        *,
        lang: str = "en",
        theme: str = "dark",
        **options: Any,  # noqa: ANN401 - those of ``open_tab``
    ) -> Viewer:
        """Return once the document is loaded, which is before the first message."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    """Return a real browser without a window."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium)
        try:
            yield running
        finally:
            await running.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Return the function; every tab is then checked for errors and for requests elsewhere."""
    viewers: list[tuple[str, Viewer]] = []

    async def open_wall(
        url: str,
        *,
        lang: str = "en",
        theme: str = "dark",
        **options: Any,  # noqa: ANN401 - see the protocol
    ) -> Viewer:
        viewer = await open_tab(browser, **options)
        viewers.append((url, viewer))
        await viewer.page.goto(f"{url}?lang={lang}&theme={theme}")
        return viewer

    yield open_wall
    for url, viewer in viewers:
        await viewer.context.close()
        assert viewer.errors == []
        assert {urlsplit(request)[:2] for request in viewer.requests} <= {urlsplit(url)[:2]}
