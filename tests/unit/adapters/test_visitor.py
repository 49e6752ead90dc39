"""A service over TLS that asks who we are: the certificate, the user, and what is never sent."""

import base64
import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from firstreply.adapters.explanation_client import fetch_explanation
from firstreply.adapters.health_client import ask_health
from firstreply.adapters.visitor import Visitor
from firstreply.domain.errors import ConfigurationError, RetryableError
from tests.unit.certificates import make_authority, sign
from tests.unit.commands import invoke

PASSWORD = "Ann's"  # noqa: S105


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    authority = make_authority(folder)
    sign(authority, "server")
    sign(authority, "client")
    (folder / "password").write_text(f"{PASSWORD}\n")
    return folder


class Service:
    """Answers whoever shows a certificate and knows the password."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.headers: dict[str, str] = {}
        self.given: list[str | None] = []
        """``Authorization`` of each request."""


@pytest.fixture
def service(files: Path) -> Iterator[Service]:
    found = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.given.append(self.headers["Authorization"])
            self.send_response(found.status)
            for name, value in found.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A handshake that fails is what a test wants."""

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files / "ca.pem"))
    context.load_cert_chain(files / "server.pem", files / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    with Quiet(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        found.url = f"https://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def visitor(files: Path) -> Visitor:
    return Visitor(
        files / "ca.pem", files / "client.pem", files / "client.key", "ann", files / "password"
    )


def test_a_service_that_asks_for_everything_is_asked(service: Service, files: Path) -> None:
    body = fetch_explanation(service.url, "T-1", visitor(files))

    (given,) = service.given
    assert body == b"{}"
    assert given is not None
    assert base64.b64decode(given.removeprefix("Basic ")) == b"ann:Ann's"


def test_the_command_passes_its_options_on(service: Service, files: Path) -> None:
    result = invoke(
        *("explain", "T-1", "--format", "json", "--url", service.url),
        *("--ca-file", str(files / "ca.pem"), "--user", "ann"),
        *("--cert", str(files / "client.pem"), "--key", str(files / "client.key")),
        *("--password-file", str(files / "password")),
    )

    assert (result.exit_code, json.loads(result.stdout)) == (0, {})


def test_an_authority_that_is_not_known_is_an_error_that_names_the_option(
    service: Service,
) -> None:
    with pytest.raises(ConfigurationError, match=r"not trusted: .* --ca-file"):
        fetch_explanation(service.url, "T-1", Visitor())


def test_a_certificate_that_is_wanted_and_not_given_is_an_error(
    service: Service, files: Path
) -> None:
    with pytest.raises((ConfigurationError, RetryableError)):  # told after the handshake or in it
        fetch_explanation(service.url, "T-1", Visitor(files / "ca.pem"))

    assert service.given == []


def test_a_refused_password_says_what_to_give_and_not_what_was_given(
    service: Service, files: Path
) -> None:
    service.status = 401

    with pytest.raises(ConfigurationError, match="--user and --password-file") as raised:
        fetch_explanation(service.url, "T-1", visitor(files))

    assert PASSWORD not in str(raised.value)


def test_a_redirect_is_not_followed_with_the_password(service: Service, files: Path) -> None:
    service.status, service.headers = 302, {"Location": f"{service.url}/elsewhere"}

    with pytest.raises(RetryableError, match="answers 302"):
        fetch_explanation(service.url, "T-1", visitor(files))

    assert len(service.given) == 1


def test_a_password_is_not_sent_in_the_clear_beyond_this_machine(files: Path) -> None:
    asked = Visitor(user="ann", password_file=files / "password")

    with pytest.raises(ConfigurationError, match="in the clear; ask by https://"):
        fetch_explanation("http://wall.example:9464", "T-1", asked)


def test_health_is_asked_with_a_certificate_where_one_is_wanted(
    service: Service, files: Path
) -> None:
    shown = Visitor(cert_file=files / "client.pem", key_file=files / "client.key")

    ask_health(service.url, shown, live=True, timeout_seconds=10)
    with pytest.raises(RetryableError):
        ask_health(service.url, Visitor(), live=True, timeout_seconds=10)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"key_file": "client.key"}, "--key is of no use without --cert"),
        ({"ca_file": "absent"}, "--ca-file .*absent: cannot be used: No such file"),
        ({"cert_file": "client.pem", "key_file": "server.key"}, "belong together"),
        ({"cert_file": "client.pem"}, "--key .*client.pem: cannot be used"),
        ({"user": "ann"}, "--user and --password-file go together"),
        ({"password_file": "password"}, "--user and --password-file go together"),
        ({"user": "a:b", "password_file": "password"}, "holds no colon"),
        ({"user": "ann", "password_file": "absent"}, "--password-file .*absent: cannot be read"),
        ({"user": "ann", "password_file": "empty"}, "--password-file .*: is empty"),
        ({"user": "ann", "password_file": "binary"}, "not UTF-8 text"),
    ],
)
def test_options_that_cannot_be_used_are_named(
    wrong: dict[str, str], told: str, files: Path
) -> None:
    (files / "empty").write_text("\n")
    (files / "binary").write_bytes(b"\xff")
    options = {name: files / text if name != "user" else text for name, text in wrong.items()}

    with pytest.raises(ConfigurationError, match=told):
        fetch_explanation("https://127.0.0.1:1", "T-1", Visitor(**options))  # type: ignore[arg-type]
