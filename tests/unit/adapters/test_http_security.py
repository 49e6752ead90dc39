"""TLS, passwords and what is refused, over loopback."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import bcrypt
import pytest

from firstreply.adapters import http_connection
from firstreply.adapters.http import Server
from firstreply.adapters.http_guard import ClosedWall
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.web_security import WebSecurity
from firstreply.domain.bands import Band, Policy
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.instants import DAY
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Health
from tests.unit.certificates import make_authority, sign

BOOK = PolicyBook([Policy("other", (Band("24h", DAY),))])
ANN = aiohttp.encode_basic_auth("ann", "Ann's")
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key"


def users(*names: str) -> str:
    hashes = {
        name: bcrypt.hashpw(f"{name.title()}'s".encode(), bcrypt.gensalt(4)) for name in names
    }
    return "basic_auth_users:\n" + "".join(f"  {n}: {h.decode()}\n" for n, h in hashes.items())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca, server, client, and a client that another authority signed."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = make_authority(folder)
    sign(authority, "server")
    sign(authority, "client")
    sign(make_authority(folder, "stranger"), "strange")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    for file in made.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


class Clock:
    """Turns by itself: each look at the file is due."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


Serve = Callable[[str], Awaitable[Server]]


@pytest.fixture
async def serve(folder: Path) -> AsyncIterator[Serve]:
    """Serve with a web file of this text."""
    async with AsyncExitStack() as stack:

        async def started(text: str) -> Server:
            path = folder / "web.yml"
            path.write_text(text)
            security = WebSecurity(path, Clock())
            server = Server(Publisher(BOOK, "e"), Health(60, 0), ClosedWall(), security=security)
            stack.push_async_callback(server.stop)
            await server.start("127.0.0.1", 0)
            return server

        yield started


def rewrite(path: Path, text: str) -> None:
    """Write a file so that its time differs, however coarse the clock of the disk."""
    path.write_text(text)
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 10**9))


def trusting(folder: Path, client: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    if client is not None:
        context.load_cert_chain(folder / f"{client}.pem", folder / f"{client}.key")
    return context


async def get(
    server: Server,
    path: str = "/metrics",
    *,
    auth: str | None = None,
    context: ssl.SSLContext | None = None,
) -> tuple[int, dict[str, str], str]:
    """Ask over a connection of its own."""
    async with aiohttp.ClientSession() as session:
        headers = {} if auth is None else {"Authorization": auth}
        url = server.address + path
        got = await session.get(url, headers=headers, ssl=context or True)
        return got.status, dict(got.headers), await got.text()


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def certificate_of(server: Server, context: ssl.SSLContext) -> bytes:
    """Return what the server shows in a handshake."""
    port = int(server.address.rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    await closed(writer)
    return shown


async def raw(server: Server, sent: bytes) -> bytes:
    """Send bytes; return everything that comes until the end."""
    port = int(server.address.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    try:
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        await closed(writer)


async def test_metrics_are_served_over_tls_and_not_without(serve: Serve, folder: Path) -> None:
    server = await serve(TLS + "}")

    status, headers, _ = await get(server, context=trusting(folder))
    plain = await raw(server, b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")

    assert server.address.startswith("https://")
    assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff")
    assert b"HTTP" not in plain


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_least_version_of_tls_is_kept(
    serve: Serve, folder: Path, version: ssl.TLSVersion
) -> None:
    server = await serve(TLS + ", min_version: TLS13}")
    context = trusting(folder)
    context.maximum_version = version

    if version == ssl.TLSVersion.TLSv1_2:
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(server, context=context)
    else:
        assert (await get(server, context=context))[0] == 200


async def test_only_a_certificate_of_our_authority_comes_in(serve: Serve, folder: Path) -> None:
    clients = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem}"
    server = await serve(TLS + clients)

    known = await get(server, context=trusting(folder, "client"))
    for client in (None, "strange"):
        with pytest.raises((aiohttp.ClientError, ssl.SSLError, OSError)):
            await get(server, context=trusting(folder, client))

    assert known[0] == 200


async def test_peers_that_never_finish_the_handshake_do_not_block_a_scrape(
    serve: Serve, folder: Path
) -> None:
    server = await serve(TLS + "}")
    port = int(server.address.rpartition(":")[2])
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    for number, (_, writer) in enumerate(idle):
        writer.write(b"\x16\x03\x01\x02\x00"[: number % 6])  # part of a ClientHello, or nothing

    status, _, _ = await get(server, context=trusting(folder))

    assert status == 200
    assert not any(reader.at_eof() for reader, _ in idle)
    await server.stop()  # ends them, too
    for reader, writer in idle:
        with suppress(ConnectionError):
            assert await reader.read() == b""
        await closed(writer)


async def test_a_handshake_has_a_limit_of_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "HEAD_SECONDS", 0.05)
    server = await serve(TLS + "}")

    assert await raw(server, b"\x16\x03\x01") == b""


async def test_a_new_certificate_is_shown_at_the_next_handshake(serve: Serve, folder: Path) -> None:
    server = await serve(TLS + "}")
    before = await certificate_of(server, trusting(folder))
    sign(folder / "ca.pem", "server")

    after = await certificate_of(server, trusting(folder))

    assert before != after
    assert (await get(server, context=trusting(folder)))[0] == 200


async def test_with_a_broken_new_certificate_the_old_one_stays_and_readyz_says_so(
    serve: Serve, folder: Path
) -> None:
    server = await serve(TLS + "}")
    context = trusting(folder)
    before = await certificate_of(server, context)
    right = (folder / "server.pem").read_text()
    rewrite(folder / "server.pem", "broken")

    after = await certificate_of(server, context)
    _, _, broken = await get(server, "/readyz", context=context)
    rewrite(folder / "server.pem", right)
    _, _, repaired = await get(server, "/readyz", context=context)

    assert before == after
    assert "the web configuration in force is an older one" in broken
    assert str(folder / "server.pem") in broken
    assert "web configuration" not in repaired


async def test_a_password_is_asked_for(serve: Serve) -> None:
    server = await serve(users("ann"))

    right = await get(server, auth=ANN)
    none = await get(server)
    wrong = await get(server, auth=aiohttp.encode_basic_auth("ann", "wrong"))

    assert [status for status, _, _ in (right, none, wrong)] == [200, 401, 401]
    assert none[1]["WWW-Authenticate"] == 'Basic realm="firstreply", charset="UTF-8"'
    assert none[2] == wrong[2] == '{"error":"give a user and password","see":"/"}\n'


@pytest.mark.parametrize(
    "given",
    [
        "Basic",
        "Basic !!!",
        "Basic YW5u",  # ann, without a colon
        "Basic /w==",  # no UTF-8
        "Bearer YW5uOkFubidz",
        "Basic YW5uOkFubidz\r\nAuthorization: Basic YW5uOkFubidz",  # twice
    ],
)
async def test_what_holds_no_password_is_refused(serve: Serve, given: str) -> None:
    server = await serve(users("ann"))
    head = f"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {given}"

    assert (await raw(server, f"{head}\r\n\r\n".encode())).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", ["/wall", "/api/v1/channels", "/", "/nowhere", "/healthz/x"])
async def test_every_other_path_asks_for_the_password_too(serve: Serve, path: str) -> None:
    server = await serve(users("ann"))

    assert (await get(server, path))[0] == 401


async def test_probes_need_no_password_and_learn_yes_or_no_alone(serve: Serve) -> None:
    server = await serve(users("ann"))

    alive = await get(server, "/healthz")
    anonymous = await get(server, "/readyz")
    known = await get(server, "/readyz", auth=ANN)

    assert (alive[0], alive[2]) == (200, "alive\n")
    assert (anonymous[0], anonymous[2]) == (503, '{"ready":false}\n')
    assert "reasons" in known[2]


async def test_users_change_without_a_restart(serve: Serve, folder: Path) -> None:
    server = await serve(users("ann"))
    assert (await get(server, auth=ANN))[0] == 200
    rewrite(folder / "web.yml", users("bob"))

    bob = await get(server, auth=aiohttp.encode_basic_auth("bob", "Bob's"))
    ann = await get(server, auth=ANN)

    assert (bob[0], ann[0]) == (200, 401)


@pytest.mark.parametrize("text", ["", "basic_auth_users: {ann: nohash}", TLS + "}"])
async def test_a_file_that_lets_everybody_in_or_is_broken_is_not_taken(
    serve: Serve, folder: Path, text: str
) -> None:
    server = await serve(users("ann"))
    rewrite(folder / "web.yml", text)

    nobody = await get(server)
    _, _, said = await get(server, "/readyz", auth=ANN)

    assert nobody[0] == 401
    assert "the web configuration in force is an older one" in said
    assert "nohash" not in said


async def test_a_file_that_is_gone_changes_nothing(serve: Serve, folder: Path) -> None:
    server = await serve(users("ann"))
    (folder / "web.yml").unlink()

    assert (await get(server))[0] == 401
    assert (await get(server, auth=ANN))[0] == 200


async def test_headers_are_set_and_none_tells_the_software(serve: Serve) -> None:
    server = await serve("http_server_config: {headers: {X-Frame-Options: deny}}")

    for path in ("/metrics", "/nowhere"):
        _, headers, _ = await get(server, path)
        assert headers["X-Frame-Options"] == "deny"
        assert "Server" not in headers
    unreadable = await raw(server, b"nonsense\r\n\r\n")
    assert unreadable.startswith(b"HTTP/1.0 400 ")
    assert b"Server: \r\n" in unreadable
    assert unreadable.endswith(b"the request cannot be read\n")


async def test_the_closed_wall_says_how_to_open_it(serve: Serve) -> None:
    server = await serve("")

    for path in ("/wall", "/wall/events", "/api/v1/channels"):
        status, _, said = await get(server, path)
        assert status == 403
        assert "http.api: on" in said
    assert "/wall" not in (await get(server, "/"))[2]


def test_a_wrong_file_refuses_the_start(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text("users: {}")

    with pytest.raises(ConfigurationError, match=r"web\.yml:1:1: users: unknown key"):
        WebSecurity(path)


def test_without_a_file_there_is_neither_tls_nor_password() -> None:
    security = WebSecurity()

    assert security.context() is None
    assert security.passwords() is None
    assert not security.knows_who_asks


def test_the_disk_is_looked_at_once_a_second_at_most(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_text(users("ann"))
    now = [0.0]
    security = WebSecurity(path, lambda: now[0])
    before = security.passwords()
    rewrite(path, users("bob"))

    at_once, now[0] = security.passwords(), 1.0
    later = security.passwords()

    assert before is at_once is not later
    security.close()


def ask(path: str, host: str = "127.0.0.1", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "path",
    [
        "//metrics",
        "/metrics/",
        "/metrics?/healthz",
        "/metrics#/healthz",
        "/metrics;/healthz",
        "/healthz/../metrics",
        "/healthz/%2e%2e/metrics",
        "/healthz%2f..%2fmetrics",
        "/./metrics",
        "/%6detrics",
        "http://a/metrics",
        "/healthz/",
        "/HEALTHZ",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "TRACE", "PROPFIND"])
async def test_no_spelling_of_a_path_goes_round_the_password(
    path: str, method: str, serve: Serve
) -> None:
    server = await serve(users("ann"))

    answer = await raw(server, ask(path, method=method))

    assert status(answer) in {400, 401, 404}
    assert b"firstreply_build_info" not in answer


async def test_a_request_behind_one_that_was_let_in_is_asked_again(serve: Serve) -> None:
    server = await serve(users("ann"))
    given = f"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: {ANN}\r\n\r\n".encode()

    answers = await raw(server, given + ask("/metrics"))

    assert answers.count(b"HTTP/1.1 200") == 1
    assert answers.count(b"HTTP/1.1 401") == 1


@pytest.mark.parametrize(
    ("host", "let_in"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:9464", True),
        ("localhost:9464", True),
        ("LOCALHOST.", True),
        ("wall.localhost", True),
        ("[::1]:9464", True),
        ("192.0.2.7", True),
        ("evil.example", False),
        ("evil.example:9464", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
async def test_a_page_whose_name_was_turned_to_this_machine_reads_nothing(
    host: str, serve: Serve, *, let_in: bool
) -> None:
    """DNS rebinding: without passwords, loopback is all that keeps others out."""
    server = await serve("")

    figures = await raw(server, ask("/metrics", host))
    health = await raw(server, ask("/healthz", host))

    assert status(figures) == (200 if let_in else 421)
    assert (b"firstreply_build_info" in figures) is let_in
    assert status(health) == 200


async def test_behind_passwords_or_a_proxy_any_name_will_do(serve: Serve) -> None:
    asking = await serve(users("ann"))
    proxied = Server(Publisher(BOOK, "e"), Health(60, 0), ClosedWall(), any_host=True)
    await proxied.start("127.0.0.1", 0)

    answers = [await raw(one, ask("/metrics", "wall.example")) for one in (asking, proxied)]
    await proxied.stop()

    assert [status(answer) for answer in answers] == [401, 200]
