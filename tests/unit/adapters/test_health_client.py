"""``firstreply healthcheck``: ready, not ready and why, nobody there, no address."""

import json
import socket
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import Result

from tests.unit.certificates import make_authority, sign
from tests.unit.commands import invoke

ALIVE = b"alive\n"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - no server of ours listens there


class _Service(BaseHTTPRequestHandler):
    port = 0
    ready = True
    body = b"{}"

    def do_GET(self) -> None:
        answers = {"/healthz": (200, ALIVE), "/readyz": (200 if self.ready else 503, self.body)}
        code, body = answers.get(self.path, (404, b""))
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def service() -> Iterator[type[_Service]]:
    """Return a service whose state a test sets, on the port of ``FIRSTREPLY_HTTP__PORT``."""

    class Service(_Service):
        pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        Service.port = server.server_port
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Service
        server.shutdown()
        thread.join()


def asked(service: type[_Service], *arguments: str) -> Result:
    return invoke("healthcheck", *arguments, FIRSTREPLY_HTTP__PORT=str(service.port))


def test_a_ready_service_is_healthy_where_its_configuration_lets_it_listen(
    service: type[_Service],
) -> None:
    result = asked(service)

    assert (result.exit_code, result.output) == (0, "")


def test_one_that_listens_everywhere_is_asked_on_loopback(service: type[_Service]) -> None:
    port = str(service.port)

    result = invoke("healthcheck", FIRSTREPLY_HTTP__PORT=port, FIRSTREPLY_HTTP__HOST=EVERYWHERE)

    assert result.exit_code == 0


def test_one_that_is_not_ready_is_not_healthy_and_says_why(service: type[_Service]) -> None:
    service.ready = False
    service.body = json.dumps({"ready": False, "reasons": ["behind", "older state"]}).encode()

    result = asked(service)

    assert result.exit_code == 1
    assert "503" in result.stderr
    assert result.stderr.endswith(": behind; older state\n")


def test_it_lives_while_it_is_not_ready(service: type[_Service]) -> None:
    service.ready = False

    assert asked(service, "--live").exit_code == 0


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"reasons": 1}', b"\xff"])
def test_a_refusal_without_reasons_is_a_refusal(service: type[_Service], body: bytes) -> None:
    service.ready = False
    service.body = body

    result = asked(service)

    assert result.exit_code == 1
    assert "answers 503 Service Unavailable" in result.stderr


def test_the_address_may_be_another_one_and_end_with_a_slash(service: type[_Service]) -> None:
    url = f"http://127.0.0.1:{service.port}/"

    assert invoke("healthcheck", "--url", url).exit_code == 0


def test_a_proxy_of_the_environment_is_not_asked(service: type[_Service]) -> None:
    url = f"http://127.0.0.1:{service.port}"

    assert invoke("healthcheck", "--url", url, http_proxy="http://127.0.0.1:9").exit_code == 0


def test_over_tls_any_certificate_will_do_as_loopback_stands_in_none(tmp_path: Path) -> None:
    certificate, key = sign(make_authority(tmp_path), "server")
    web = tmp_path / "web.yml"
    web.write_text(f"tls_server_config: {{cert_file: {certificate}, key_file: {key}}}\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Service) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()

        told = invoke("healthcheck", "--url", f"https://127.0.0.1:{server.server_port}")
        configured = invoke(
            "healthcheck",
            FIRSTREPLY_HTTP__PORT=str(server.server_port),
            FIRSTREPLY_HTTP__WEB_CONFIG_FILE=str(web),
        )
        server.shutdown()
        thread.join()

    assert (told.exit_code, told.output) == (0, "")
    assert (configured.exit_code, configured.output) == (0, "")


def test_a_port_nobody_listens_on_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        result = invoke("healthcheck", "--url", url)

    assert result.exit_code == 1
    assert "does not answer" in result.stderr


def test_a_service_that_hangs_is_not_healthy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        result = invoke("healthcheck", "--url", url, "--timeout", "0.1")

    assert result.exit_code == 1
    assert "timed out" in result.stderr


@pytest.mark.parametrize("url", ["localhost:9464", "file:///etc/passwd", "http://", "http://a:x"])
def test_what_is_no_address_of_a_service_is_wrong_use(url: str) -> None:
    result = invoke("healthcheck", "--url", url)

    assert result.exit_code == 2
    assert "give the address of a service" in result.stderr
