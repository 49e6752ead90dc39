"""What stands before every page: who may ask, and what may be asked.

Passwords are asked for on every path, except that ``/healthz`` and ``/readyz`` answer anybody, the
latter with yes or no alone: a probe of Kubernetes has no password. A request with a body is refused
before any of it is read. Every answer carries the headers of a service that is read and never
scripted, and none tells what software it is.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web

from firstreply.adapters.loopback import is_address, is_loopback
from firstreply.adapters.passwords import BusyError
from firstreply.adapters.web_security import WebSecurity

ANONYMOUS: Final = web.RequestKey("anonymous", bool)
"""Set where somebody asks without a password that is asked for, on a path that allows it."""

OPEN_PATHS: Final = frozenset({"/healthz", "/-/healthy", "/readyz", "/-/ready"})

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""For every answer that does not say otherwise itself."""

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="firstreply", charset="UTF-8"'}

_ANOTHER_NAME: Final = (
    "here only localhost and addresses are names of this machine; ask by one of them, or set"
    " http.api: on behind a proxy (docs/security.md)"
)

_API_IS_OFF: Final = (
    "the wall and /api are not served here (http.api): beyond this machine give users in"
    " http.web_config_file, or set http.api: on (docs/security.md)"
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Stands before every page.

    Args:
        security: the web configuration.
        any_host: let any name stand for this machine.
    """

    def __init__(self, security: WebSecurity, *, any_host: bool = False) -> None:
        self._security = security
        self._any_host = any_host

    def add_to(self, app: web.Application) -> None:
        """Stand before the pages of an application; its first middleware."""

        @web.middleware
        async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self.admit(request, handler)

        app.middlewares.append(admitted)
        app.on_response_prepare.append(self.harden)

    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the request through to the page, or refuse it."""
        if request.body_exists:
            answer = refusal(413, "nothing here takes a body")
            answer.force_close()
            return answer
        if not self._names_us(request) and request.path not in OPEN_PATHS:
            return refusal(421, _ANOTHER_NAME)
        passwords = self._security.passwords()
        if passwords is not None:
            try:
                known = await passwords.fit(
                    *credentials(request.headers.getall("Authorization", [])),
                    request.remote or "",
                )
            except _NoneGivenError:
                known = False
            except BusyError:
                return refusal(503, "too many passwords are being checked", {"Retry-After": "1"})
            if not known:
                if request.path not in OPEN_PATHS:
                    return refusal(401, "give a user and password", _CHALLENGE)
                request[ANONYMOUS] = True
        return await handler(request)

    def _names_us(self, request: web.Request) -> bool:
        """Say whether the name that was asked can only be this machine.

        Where nobody says who he is, "only this machine" is what protects the figures; a page from
        elsewhere whose name suddenly leads to 127.0.0.1 would read them in a browser of ours (DNS
        rebinding). No such page can have an address or ``localhost`` for its name.
        """
        if self._any_host or self._security.knows_who_asks or not _is_local(request):
            return True
        name = host_of(request.host)
        return is_address(name) or name == "localhost" or name.endswith(".localhost")

    async def harden(self, _request: web.Request, response: web.StreamResponse) -> None:
        """Complete the headers of an answer."""
        for name, value in {**HEADERS, **self._security.headers()}.items():
            response.headers.setdefault(name, value)
        response.headers.pop("Server", None)


class ClosedWall:
    """Stands where the wall would be: says why there is none."""

    def add_to(self, app: web.Application) -> None:
        """Add the paths; as one pattern, so that the index does not list them."""
        app.router.add_get("/{closed:wall(?:/.*)?|api/.*}", self.refuse)

    async def refuse(self, _request: web.Request) -> web.StreamResponse:
        """Answer why."""
        return refusal(403, _API_IS_OFF)


def _is_local(request: web.Request) -> bool:
    """Say whether the connection came in on a loopback address."""
    own = None if request.transport is None else request.transport.get_extra_info("sockname")
    return isinstance(own, tuple) and is_loopback(str(own[0]))


def host_of(header: str) -> str:
    """Return the host of a ``Host`` header, without port and brackets, in lower case."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].rstrip(".").lower()


class _NoneGivenError(Exception):
    """Never leaves this module."""


def credentials(given: list[str]) -> tuple[str, str]:
    """Return user and password of ``Authorization`` headers (RFC 7617).

    Raises:
        _NoneGivenError: there is not exactly one that holds them.
    """
    scheme, _, encoded = (given[0] if len(given) == 1 else "").partition(" ")
    if scheme.lower() != "basic":
        raise _NoneGivenError
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _NoneGivenError from error
    user, colon, password = text.partition(":")
    if not colon:
        raise _NoneGivenError
    return user, password


def refusal(status: int, why: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an answer that says why not, as all errors here are: JSON."""
    body = msgspec.json.encode({"error": why, "see": "/"}) + b"\n"
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
