"""TLS and SASL settings against a broker that insists on both."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.devkit.kafka_broker import KafkaBroker, find_java, find_kafka_jars
from firstreply.domain.errors import ConfigurationError, RetryableError
from firstreply.ports import DeadLetter, Record

pytestmark = pytest.mark.servers

STORE_PASSWORD: Final = "changeit"  # noqa: S105  # Java refuses a store without one
JAAS: Final = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    'username="broker" password="broker-secret" '
    'user_broker="broker-secret" user_watcher="watcher-secret";'
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a key for 127.0.0.1 that signs itself; return the folder of its files."""
    folder = tmp_path_factory.mktemp("certificates")
    try:
        keytool = shutil.which("keytool") or str(find_java().resolve().with_name("keytool"))
    except ConfigurationError as error:
        pytest.skip(str(error))
    store = ["-alias", "broker", "-storepass", STORE_PASSWORD]
    store += ["-keystore", str(folder / "broker.p12")]
    subject = ["-dname", "CN=127.0.0.1", "-ext", "SAN=ip:127.0.0.1", "-ext", "bc:c"]
    commands = [
        ["-genkeypair", *subject, "-keyalg", "RSA", "-validity", "2", *store],
        ["-exportcert", "-rfc", "-file", str(folder / "ca.pem"), *store],
    ]
    for command in commands:
        subprocess.run([keytool, *command], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def guarded(authority: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Run a broker that takes only TLS and a password."""
    try:
        jars = find_kafka_jars()
    except ConfigurationError as error:
        pytest.skip(str(error))
    store = {
        f"ssl.{kind}.{key}": value
        for kind in ("keystore", "truststore")
        for key, value in {
            "location": str(authority / "broker.p12"),
            "password": STORE_PASSWORD,
            "type": "PKCS12",
        }.items()
    }
    overrides = {
        "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": JAAS,
        **store,
    }
    with KafkaBroker(jars, tmp_path_factory.mktemp("guarded"), overrides=overrides) as broker:
        yield broker


def options(guarded: KafkaBroker, authority: Path, password: Path) -> KafkaOptions:
    return KafkaOptions(
        bootstrap_servers=guarded.bootstrap_servers,
        topic="events",
        group="watchers",
        security_protocol="SASL_SSL",
        ssl_cafile=authority / "ca.pem",
        sasl_mechanism="PLAIN",
        sasl_username="watcher",
        sasl_password_file=password,
        connect_timeout=timedelta(seconds=10),
    )


async def test_events_and_letters_pass_a_broker_that_wants_tls_and_a_password(
    guarded: KafkaBroker, authority: Path, tmp_path: Path
) -> None:
    (password := tmp_path / "password").write_text("watcher-secret\n")
    secured = options(guarded, authority, password)
    async with KafkaWriter(secured) as writer:
        await writer.create_topic(partitions=1)
        await writer.write([Outgoing(b"contact", b"{}")])
    source, sink = KafkaSource(secured), KafkaDeadLetters(secured)

    await source.start()
    while not source.assignment().partitions:
        await source.fetch()
    await source.begin(0)
    records: list[Record] = []
    while not records:
        for batch in (await source.fetch()).values():
            records.extend(batch)
    await sink.start()
    await sink.send([DeadLetter(0, 0, "not_json", "", b"contact", b"{}", (), None)])
    ends = await source.end_offsets(frozenset({0}))
    await sink.stop()
    await source.stop()

    assert [record.value for record in records] == [b"{}"]
    assert ends == {0: 1}


async def test_a_wrong_password_ends_with_where_to_look(
    guarded: KafkaBroker, authority: Path, tmp_path: Path
) -> None:
    (password := tmp_path / "password").write_text("wrong\n")
    secured = options(guarded, authority, password)
    source = KafkaSource(replace(secured, connect_timeout=timedelta(seconds=1)))

    with pytest.raises(RetryableError, match=r"security_protocol SASL_SSL .* certificate and user"):
        await source.start()
    await source.stop()
