"""The HTTP edge: ``/metrics`` for Prometheus, ``/healthz`` and ``/readyz`` for who runs it.

What else is served, such as the wall, adds its own paths (``Routes``); errors are JSON everywhere.
Who may ask stands in ``http_guard``, how much and how slowly in ``http_connection``.

All answers are made from what the publisher and the health view say at that moment; a request
changes nothing, but that a delivered scrape is reported to the publisher (see its zero-first rule).
Compression runs in a thread, so that a large scrape does not hold up the event loop. There is no
access log: a scrape every few seconds is not news.
"""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final, Protocol

import msgspec
from aiohttp import web

from firstreply import __version__
from firstreply.adapters.http_connection import Connections, timed
from firstreply.adapters.http_guard import ANONYMOUS, Guard, Handler
from firstreply.adapters.process_metrics import ProcessMetrics
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.web_security import WebSecurity
from firstreply.domain.errors import ConfigurationError

TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_GZIP_LEVEL: Final = 1
"""A quarter of the time of the default level, for a sixth more bytes: the lines are so alike."""

_SHUTDOWN_SECONDS: Final = 2.0
"""How long a stop waits for answers under way."""

_PAGES: Final = {
    "/wall": "how each channel stands, second by second",
    "/api/v1/channels": "the same as JSON; described in /api/v1/openapi.json",
    "/metrics": "for Prometheus",
    "/readyz": "whether the figures can be trusted, and why not",
    "/healthz": "whether the process lives",
}
_INDEX: Final = """\
<!DOCTYPE html>
<html lang="en">
<title>firstreply</title>
<h1>firstreply {version}</h1>
<ul>
{links}
</ul>
</html>
"""

Detail = Mapping[str, int | None]
"""Such as offset and end."""


class HealthView(Protocol):
    """Whoever knows the state of the service; read at every request of ``/readyz``."""

    @property
    def ready(self) -> bool:
        """Whether the figures can be trusted."""

    @property
    def reasons(self) -> Sequence[str]:
        """Why not, for a person; empty when ready."""

    @property
    def warnings(self) -> Sequence[str]:
        """What a person must know although it is ready; empty if nothing."""

    @property
    def spare(self) -> bool:
        """Whether there is no partition for this process: it stands by."""

    def partitions(self) -> Mapping[int, Detail]:
        """Return what is known of each owned partition."""


class Routes(Protocol):
    """Further paths."""

    def add_to(self, app: web.Application) -> None:
        """Add them, before the server starts."""


def build_app(
    publisher: Publisher,
    health: HealthView,
    *more: Routes,
    security: WebSecurity,
    any_host: bool = False,
) -> web.Application:
    """Return the application that ``Server`` serves."""
    pages = _Pages(publisher, health, security)
    app = web.Application(middlewares=[timed])
    Guard(security, any_host=any_host).add_to(app)
    app.middlewares.append(_errors_as_json)
    app.router.add_get("/", pages.index)
    app.router.add_get("/metrics", pages.metrics)
    for path in ("/healthz", "/-/healthy"):
        app.router.add_get(path, pages.alive)
    for path in ("/readyz", "/-/ready"):
        app.router.add_get(path, pages.ready)
    for routes in more:
        routes.add_to(app)
    return app


class Server:
    """Serves the pages on one address, from ``start`` to ``stop``.

    Args:
        publisher: of the figures.
        health: for ``/readyz``.
        more: further paths.
        security: the web configuration; by default plain HTTP, and no password.
        any_host: answer on loopback whatever name was asked, as a proxy may pass on.
    """

    def __init__(
        self,
        publisher: Publisher,
        health: HealthView,
        *more: Routes,
        security: WebSecurity | None = None,
        any_host: bool = False,
    ) -> None:
        self._security = security or WebSecurity()
        self._runner = web.AppRunner(
            build_app(publisher, health, *more, security=self._security, any_host=any_host),
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )
        self._connections: Connections | None = None
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; port 0 takes any free one.

        Raises:
            ConfigurationError: the address cannot be listened on.
        """
        await self._runner.setup()
        assert self._runner.server is not None  # noqa: S101 - setup has made it
        self._connections = Connections(self._runner.server, self._security.context)
        try:
            self._listening = await asyncio.get_running_loop().create_server(
                self._connections.accept, host, port
            )
        except (OSError, OverflowError) as error:
            await self.stop()
            msg = (
                f"cannot listen on {host}:{port}: {error}; give an address of this machine and a"
                " port that no other program uses (0 takes any free one)"
            )
            raise ConfigurationError(msg) from error

    async def stop(self) -> None:
        """Stop listening, and finish the answers under way. Idempotent."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        if self._connections is not None:
            self._connections.abort_handshakes()
        await self._runner.cleanup()
        self._security.close()

    @property
    def address(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:9464``; empty unless it does."""
        if self._listening is None:
            return ""
        host, port = self._listening.sockets[0].getsockname()[:2]
        scheme = "https" if self._security.encrypted else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class _Pages:
    """The handlers."""

    def __init__(self, publisher: Publisher, health: HealthView, security: WebSecurity) -> None:
        self._publisher = publisher
        self._security = security
        self._health = health
        self._process = ProcessMetrics()

    async def index(self, request: web.Request) -> web.StreamResponse:
        served = {resource.canonical for resource in request.app.router.resources()}
        links = "\n".join(
            f'<li><a href="{path}">{path.strip("/")}</a>: {escape(text)}</li>'
            for path, text in _PAGES.items()
            if path in served
        )
        text = _INDEX.format(version=__version__, links=links)
        return web.Response(text=text, content_type="text/html")

    async def alive(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text="alive\n")

    async def ready(self, request: web.Request) -> web.StreamResponse:
        health = self._health
        ready = health.ready
        if request.get(ANONYMOUS, False):
            return _json({"ready": ready}, 200 if ready else 503)
        content = {
            "ready": ready,
            "spare": health.spare,
            "reasons": health.reasons,
            "warnings": [*health.warnings, *self._security.warnings],
            "partitions": health.partitions(),
        }
        return _json(content, 200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        openmetrics = prefers_openmetrics(", ".join(request.headers.getall("Accept", ())))
        scrape = await self._publisher.scrape(openmetrics=openmetrics)
        headers = {
            "Content-Type": OPENMETRICS if openmetrics else TEXT,
            "Vary": "Accept, Accept-Encoding",
        }
        body = self._process.render(openmetrics=openmetrics) + scrape.body
        if accepts_gzip(", ".join(request.headers.getall("Accept-Encoding", ()))):
            headers["Content-Encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
        response = web.Response(body=body, headers=headers)
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return response  # who asked is gone, and has seen nothing
        if request.method == "GET":
            self._publisher.shown(scrape)
        return response


def prefers_openmetrics(accept: str) -> bool:
    """Say whether an ``Accept`` header asks for OpenMetrics 1.0 at least as much as for text."""
    best = {"openmetrics": 0.0, "text": 0.0}
    for media, parameters, quality in _choices(accept):
        if media == "application/openmetrics-text":
            if parameters.get("version", "1.0.0") == "1.0.0":
                best["openmetrics"] = max(best["openmetrics"], quality)
        elif media in {"text/plain", "text/*", "*/*"}:
            best["text"] = max(best["text"], quality)
    return 0 < best["openmetrics"] >= best["text"]


def accepts_gzip(accept_encoding: str) -> bool:
    """Say whether an ``Accept-Encoding`` header allows gzip."""
    qualities = {coding: quality for coding, _, quality in _choices(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _choices(header: str) -> list[tuple[str, dict[str, str], float]]:
    """Split a header that lists choices into name, parameters and quality (RFC 9110, 12.4.2)."""
    choices = []
    for item in header.lower().split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        choices.append((name, parameters, _quality(parameters.pop("q", "1"))))
    return choices


def _quality(text: str) -> float:
    """Read a quality; what is none refuses the choice."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refused:
        allowed = sorted(refused.allowed_methods)
        answer = _json({"error": refused.reason, "allowed": allowed}, refused.status)
        answer.headers["Allow"] = ", ".join(allowed)
        return answer
    except web.HTTPError as refused:
        return _json({"error": refused.reason, "see": "/"}, refused.status)


def _json(content: object, status: int) -> web.Response:
    body = msgspec.json.encode(content) + b"\n"
    return web.Response(body=body, status=status, content_type="application/json")
