"""``POST /-/reload``: has the configuration read again, as Prometheus does.

Off unless ``http.reload`` is set. What stands before every page stands before it too; a page in a
browser may not call it, not even one of ours: a browser names its ``Origin``, and no script of an
operator does.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from aiohttp import web

from firstreply.adapters.http_guard import refusal
from firstreply.domain.errors import ConfigurationError

PATH: Final = "/-/reload"

_OFF: Final = "reloading over HTTP is off; set http.reload: true and restart, or send SIGHUP"
_BROWSER: Final = "a page in a browser may not reload the configuration"

Reload = Callable[[], Awaitable[Sequence[object]]]
"""Puts the configuration in force and returns what changed; raises ConfigurationError."""


class ReloadRoute:
    """Adds the path.

    Args:
        reload: None: it is off, and says so.
    """

    def __init__(self, reload: Reload | None) -> None:
        self._reload = reload

    def add_to(self, app: web.Application) -> None:
        """Add it; other methods are answered 405."""
        app.router.add_post(PATH, self.reload)

    async def reload(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 and what changed, 422 and what is wrong, or 403."""
        if self._reload is None:
            return refusal(403, _OFF)
        if "Origin" in request.headers:
            return refusal(403, _BROWSER)
        try:
            changes = await self._reload()
        except ConfigurationError as error:
            return refusal(422, str(error))
        body = msgspec.json.encode({"changed": [str(change) for change in changes]}) + b"\n"
        return web.Response(body=body, content_type="application/json")
