"""A Kafka broker with a listener for each way to log in, and an authoriser that refuses the rest.

``plain``   no password: the administrator's, and the broker's own
``tls``     TLS alone
``mutual``  TLS, and a client certificate
``login``   TLS and SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER (unsigned tokens)

Whoever logs in is ``User:firstreply``, whose rights are those that ``grant`` was told.
"""

import argparse
import base64
import json
import shlex
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.devkit.loopback import LOOPBACK, free_ports
from tests.unit.certificates import make_authority, sign

PASSWORD: Final = "the-password-of-firstreply"  # noqa: S105
CLIENT_SECRET: Final = "the/secret of+firstreply"  # noqa: S105
SESSION_MS: Final = 2000
"""After so long a broker ends a connection that logged in by a token and does not do so again."""

_OPERATIONS: Final = {"Read": 3, "Write": 4, "Create": 5, "Describe": 8, "DescribeConfigs": 10}
_RESOURCES: Final = {"topic": 2, "group": 3}
_LITERAL: Final = 3
_ALLOW: Final = 3


class SecuredBroker:
    """A running broker, and the files to reach it with."""

    def __init__(self, broker: KafkaBroker, folder: Path, ports: dict[str, int]) -> None:
        self.plain = broker.bootstrap_servers
        self.folder = folder
        self._ports = ports
        self.authority = folder / "ca.pem"
        self.certificate, self.key = folder / "client.pem", folder / "client.key"
        (folder / "password").write_text(f"{PASSWORD}\n")
        (folder / "client-secret").write_text(f"{CLIENT_SECRET}\n")
        self.password, self.client_secret = folder / "password", folder / "client-secret"

    def at(self, listener: str, host: str = LOOPBACK) -> str:
        """Return ``HOST:PORT`` of a listener."""
        return f"{host}:{self._ports[listener]}"

    async def grant(self, command: str) -> None:
        """Do what a line of kafka-acls.sh would do, through the administrator's listener."""
        given = _parsed(command)
        admin = AIOKafkaAdminClient(bootstrap_servers=self.plain)
        await admin.start()
        try:
            for kind, resource in _RESOURCES.items():
                for name in getattr(given, kind):
                    for operation in given.operation:
                        request = CreateAclsRequest(
                            resource,
                            name,
                            _LITERAL,
                            given.allow_principal,
                            "*",
                            _OPERATIONS[operation],
                            _ALLOW,
                        )
                        answer = await admin._send_request(request)
                        assert [code for code, _ in answer.creation_responses] == [0], answer
        finally:
            await admin.close()


def _parsed(command: str) -> argparse.Namespace:
    """Read a line as kafka-acls.sh does; an option it does not know, or we do not, is refused."""
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--bootstrap-server", required=True)
    parser.add_argument("--command-config", required=True)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", choices=_OPERATIONS, required=True)
    for kind in _RESOURCES:
        parser.add_argument(f"--{kind}", action="append", default=[])
    program, *words = shlex.split(command)
    assert program == "kafka-acls.sh"
    return parser.parse_args(words)


@contextmanager
def secured_broker(jars: Path, folder: Path) -> Iterator[SecuredBroker]:
    """Run one; its certificate names 127.0.0.1 and no host."""
    authority = make_authority(folder)
    certificate, key = sign(authority, "broker", subject="/CN=broker", names="IP:127.0.0.1")
    sign(authority, "client", subject="/CN=firstreply/O=Example")
    store = folder / "broker-store.pem"
    store.write_text(key.read_text() + certificate.read_text())
    plain, controller, *rest = free_ports(5)
    ports = dict(zip(("tls", "mutual", "login"), rest, strict=True))
    listeners = [f"PLAINTEXT://{LOOPBACK}:{plain}"]
    listeners += [f"{name.upper()}://{LOOPBACK}:{port}" for name, port in ports.items()]
    users = [
        f"{mechanism}=[name=firstreply,password={PASSWORD}]"
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
    ]
    broker = KafkaBroker(
        jars,
        folder / "data",
        address=(LOOPBACK, plain),
        scram_users=users,
        overrides={
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listeners": ",".join([*listeners, f"CONTROLLER://{LOOPBACK}:{controller}"]),
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "TLS:SSL,MUTUAL:SSL,LOGIN:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            **_logins(),
        },
    )
    with broker:
        yield SecuredBroker(broker, folder, ports)


def _logins() -> dict[str, str]:
    modules = {
        "plain": f'plain.PlainLoginModule required user_firstreply="{PASSWORD}"',
        "scram-sha-256": "scram.ScramLoginModule required",
        "scram-sha-512": "scram.ScramLoginModule required",
        "oauthbearer": "oauthbearer.OAuthBearerLoginModule required"
        ' unsecuredLoginStringClaim_sub="broker"',
    }
    prefix = "listener.name.login"
    return {
        f"{prefix}.sasl.enabled.mechanisms": ",".join(modules).upper(),
        f"{prefix}.oauthbearer.connections.max.reauth.ms": str(SESSION_MS),
        **{
            f"{prefix}.{name}.sasl.jaas.config": f"org.apache.kafka.common.security.{module};"
            for name, module in modules.items()
        },
    }


class TokenEndpoint:
    """An authorisation server that knows one client, and answers as it is told."""

    def __init__(self) -> None:
        self.issued: list[str] = []
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        """Each request's ``Authorization`` and form."""
        self.life = 3600.0
        """Seconds a token is valid; negative: it has expired already."""
        self.refuses = False
        self.url = ""

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, object]:
        """Issue an unsigned token (RFC 7519, section 6)."""
        self.asked.append((authorization, form))
        if self.refuses:
            return 401, {"error": "invalid_client", "error_description": authorization}
        now = time.time()
        claims = {"sub": "firstreply", "iat": now - 10, "exp": now + self.life}
        token = f"{_encoded({'alg': 'none'})}.{_encoded(claims)}."
        self.issued.append(token)
        return 200, {"access_token": token, "expires_in": abs(self.life), "token_type": "Bearer"}


def _encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@contextmanager
def token_endpoint() -> Iterator[TokenEndpoint]:
    """Run one on loopback, over plain HTTP."""
    endpoint = TokenEndpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, content = endpoint.answer(self.headers.get("Authorization", ""), form)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    endpoint.url = f"http://{LOOPBACK}:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
