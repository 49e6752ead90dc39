"""The JSON side of the wall: ``/api/v1``, and the page ``/wall``.

Every document comes ready encoded from the wall, which makes it once a second however many ask;
only the explanation of one contact is made for the request. Ids of contacts are personal: without
the setting ``http.contact_ids`` no path here tells or takes one.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec
from aiohttp import web

from firstreply.adapters.openapi import openapi_text
from firstreply.adapters.wall_page import choose, render_page
from firstreply.adapters.wall_stream import WallStream
from firstreply.explanation import Explanation
from firstreply.wall.bodies import Refusal
from firstreply.wall.live import Documents
from firstreply.words import Language

_IDS_ARE_OFF: Final = Refusal(
    "ids of contacts are personal and not shown; set http.contact_ids: true to show them"
)
_UNKNOWN: Final = Refusal(
    "this process knows no such contact: another process of the group may, or it was forgotten",
    see="/api/v1/contacts/urgent",
)


class Wall(Protocol):
    """Who makes the documents."""

    async def documents(self) -> Documents:
        """Return those of now."""


class WallRoutes:
    """Adds the paths of the wall to the HTTP server.

    Args:
        wall: makes the documents.
        stream: sends them to the pages.
        explain: tells what is known of a contact here; None: nothing.
        contact_ids: the setting ``http.contact_ids``.
        language: of the page, unless its address says otherwise.
    """

    def __init__(
        self,
        wall: Wall,
        stream: WallStream,
        explain: Callable[[str], Explanation | None],
        *,
        contact_ids: bool,
        language: Language,
    ) -> None:
        self._wall = wall
        self._stream = stream
        self._explain = explain
        self._contact_ids = contact_ids
        self._language = language
        self._openapi = openapi_text().encode()

    def add_to(self, app: web.Application) -> None:
        """Add the paths; the streams end when the server shuts down."""
        paths: dict[str, Callable[[web.Request], Awaitable[web.StreamResponse]]] = {
            "/wall": self.page,
            "/wall/events": self._stream.events,
            "/api/v1/channels": self.channels,
            "/api/v1/contacts/urgent": self.urgent,
            "/api/v1/openapi.json": self.openapi,
            # An id may hold anything, also a slash or a brace.
            "/api/v1/contacts/{contact_id:.+}": self.contact,
        }
        for path, handler in paths.items():
            app.router.add_get(path, handler)
        app.on_shutdown.append(self._close)

    async def page(self, request: web.Request) -> web.StreamResponse:
        """Answer the page, in the language and theme of its address."""
        query = request.query
        page = render_page(*choose(query.get("lang"), query.get("theme"), self._language))
        return web.Response(body=page.body, headers=page.headers)

    async def channels(self, _request: web.Request) -> web.StreamResponse:
        """Answer how each channel stands."""
        return _json((await self._wall.documents()).channels)

    async def urgent(self, _request: web.Request) -> web.StreamResponse:
        """Answer who is late, and who is next."""
        return _json((await self._wall.documents()).urgent)

    async def contact(self, request: web.Request) -> web.StreamResponse:
        """Answer why one contact counts as it does."""
        if not self._contact_ids:
            return _json(msgspec.json.encode(_IDS_ARE_OFF), 403)
        explanation = self._explain(request.match_info["contact_id"])
        if explanation is None:
            return _json(msgspec.json.encode(_UNKNOWN), 404)
        return _json(msgspec.json.encode(explanation))

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        """Answer the description of all this."""
        return _json(self._openapi)

    async def _close(self, _app: web.Application) -> None:
        self._stream.close()


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
