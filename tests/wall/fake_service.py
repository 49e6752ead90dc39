"""A service that says what a test wants: the page, and a stream of scripted messages.

It keeps to the contract of ``/wall/events``: a message at once for who connects, then one a second.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from firstreply.adapters.wall_page import choose, render_page
from firstreply.words import Language
from tests.wall.messages import Scene

LOOPBACK: Final = "127.0.0.1"
_PERIOD_SECONDS: Final = 1.0


class FakeService:
    """Serves one scene to all viewers; ``play`` changes it, ``silence`` keeps it to itself."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._began = asyncio.get_running_loop().time()
        self._changed = asyncio.Event()
        self._is_silent = False
        self._data: str | None = None
        self._port = 0
        self._runner: web.AppRunner | None = None
        self.is_full = False
        self.viewers = 0
        self.messages = 0
        self.turned_away = 0

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self._port}/wall"

    def play(self, scene: Scene) -> None:
        """Go on with another scene, told to all viewers at once; its time starts anew."""
        self._scene = scene
        self._began = asyncio.get_running_loop().time()
        self._wake()

    def say(self, data: str) -> None:
        """From now on say this, whatever it is, instead of a scene."""
        self._data = data
        self._wake()

    def silence(self, *, is_silent: bool = True) -> None:
        """Keep the connections and say nothing, as a frozen process does."""
        self._is_silent = is_silent
        self._wake()

    async def start(self) -> None:
        """Listen; a second start takes the port of the first."""
        app = web.Application()
        app.router.add_get("/wall", self._page)
        app.router.add_get("/wall/events", self._events)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """End it with all its connections. Idempotent."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _event(self) -> bytes:
        elapsed = asyncio.get_running_loop().time() - self._began
        data = json.dumps(self._scene(elapsed)) if self._data is None else self._data
        return f"event: status\ndata: {data}\n\n".encode()

    async def _page(self, request: web.Request) -> web.Response:
        lang, theme = request.query.get("lang"), request.query.get("theme")
        page = render_page(*choose(lang, theme, Language.EN))
        return web.Response(body=page.body, headers=page.headers)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self.is_full:
            self.turned_away += 1
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        self.viewers += 1
        try:
            while True:
                if not self._is_silent:
                    await response.write(self._event())
                    self.messages += 1
                try:
                    await asyncio.wait_for(self._changed.wait(), _PERIOD_SECONDS)
                except TimeoutError:
                    continue
        except ConnectionError:
            return response
        finally:
            self.viewers -= 1


@asynccontextmanager
async def fake_service(scene: Scene) -> AsyncIterator[FakeService]:
    """Run one."""
    service = FakeService(scene)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
