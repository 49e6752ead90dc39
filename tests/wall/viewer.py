"""A person before the wall: one tab of Chromium, what it shows, and what it must never do."""

from typing import Any, Final, cast

from playwright.async_api import Browser, BrowserContext, Locator, Page, Request, expect

FULL_HD: Final = (1920, 1080)
ULTRA_HD: Final = (3840, 2160)
PHONE: Final = (390, 844)

PATIENCE_MS: Final = 30_000
"""For what happens within a second or two on an idle machine."""

_CONNECTION_LOST: Final = "Failed to load resource"
"""The console's words when a server is gone: the tests stop some on purpose."""


class Viewer:
    """A tab that notes its requests and every error."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._note_request)
        page.on("console", lambda message: self._note_error(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(f"dialog: {dialog.message}"))

    def _note_request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _note_error(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"} and _CONNECTION_LOST not in text:
            self.errors.append(text)

    def row(self, channel: str) -> Locator:
        """Return a channel's row by the name it is shown under."""
        name = self.page.locator(".channel-name").get_by_text(channel, exact=True)
        return self.page.locator("#rows > .row").filter(has=name)

    def badge(self, channel: str) -> Locator:
        return self.row(channel).locator(".badge")

    def figure(self, channel: str, column: str) -> Locator:
        """Return a figure; column is waiting, oldest, next, kept or index."""
        return self.row(channel).locator(f".of-{column} .figure")

    async def expect_trust(self, word: str, *, timeout_ms: float = PATIENCE_MS) -> None:
        """Wait until the head says so."""
        await expect(self.page.locator("#trust-word")).to_have_text(word, timeout=timeout_ms)

    async def expect_state(self, channel: str, word: str) -> None:
        """Wait until the channel's row says so."""
        await expect(self.badge(channel)).to_have_text(word, timeout=PATIENCE_MS)

    async def ask(self, script: str, argument: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return what a script says, as JSON."""
        return await self.page.evaluate(script, argument)

    async def colour(self, locator: Locator, name: str = "backgroundColor") -> str:
        """Return a colour as it is computed."""
        return cast("str", await locator.evaluate(f"node => getComputedStyle(node).{name}"))

    async def is_scrolling(self) -> dict[str, bool]:
        """Say in which directions the page is larger than the window."""
        script = """() => ({
            across: document.documentElement.scrollWidth > innerWidth,
            down: document.documentElement.scrollHeight > innerHeight,
        })"""
        return cast("dict[str, bool]", await self.page.evaluate(script))


async def open_tab(
    browser: Browser,
    *,
    size: tuple[int, int] = FULL_HD,
    scale: float = 1,
    reduced_motion: bool = False,
    light: bool = False,
    before: str = "",
) -> Viewer:
    """Open an empty tab in a profile of its own; ``before`` is a script that runs first in it."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=scale,
        reduced_motion="reduce" if reduced_motion else "no-preference",
        color_scheme="light" if light else "dark",
    )
    await context.add_init_script(before)
    return Viewer(context, await context.new_page())
