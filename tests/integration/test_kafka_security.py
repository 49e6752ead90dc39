"""Every way to log in to Kafka, and every way to be refused, against a broker that insists.

Its authoriser grants what docs/security.md says the service needs, and nothing else: each run
shows that this is enough.
"""

import asyncio
import json
import logging
import re
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from firstreply import wiring
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.refusal import refused
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.app import Running, run_kafka
from firstreply.config.load import load_settings
from firstreply.devkit.loopback import free_ports
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.settings import Settings
from tests.end_to_end.service import running as running_process
from tests.end_to_end.service import total
from tests.servers.fixtures import give_up
from tests.servers.programs import NotAvailableError, kafka_jars
from tests.servers.secured_broker import (
    CLIENT_SECRET,
    PASSWORD,
    SESSION_MS,
    SecuredBroker,
    TokenEndpoint,
    secured_broker,
    token_endpoint,
)
from tests.shared import ROOT
from tests.unit.certificates import make_authority, sign

pytestmark = pytest.mark.servers

TOPICS: Final = (
    "contact-events",
    "contact-events.dead-letters",
    "firstreply-state",
    "firstreply-status",
)
WAYS: Final = ("mutual", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredBroker]:
    try:
        jars = kafka_jars()
    except NotAvailableError as error:
        give_up(request.config, error)
    with secured_broker(jars, tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture
async def broker(running: SecuredBroker) -> SecuredBroker:
    """The broker, with the topics that an administrator made and the rights of the docs."""
    async with KafkaWriter(administrator(running, TOPICS[0])) as writer:
        made = await writer.create_topic(partitions=1)
    if made:
        for name in TOPICS[1:]:
            async with KafkaWriter(administrator(running, name)) as writer:
                await writer.create_topic(partitions=1)
        for command in documented_commands():
            await running.grant(command)
    return running


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint() as one:
        yield one


def documented_commands() -> list[str]:
    """Return the lines of kafka-acls.sh that docs/security.md says are needed to run."""
    text = (ROOT / "docs" / "security.md").read_text()
    section = text.split("### Kafka: least privilege", 1)[1]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    lines = block[1].replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("kafka-acls.sh")]


def administrator(broker: SecuredBroker, topic: str) -> KafkaOptions:
    return KafkaOptions(bootstrap_servers=broker.plain, topic=topic, group="administrator")


def configured(
    broker: SecuredBroker, way: str, endpoint: TokenEndpoint, **changes: object
) -> Settings:
    """Return settings that log in that way, as a configuration file would give them."""
    keys: dict[str, object] = {"ssl_cafile": broker.authority}
    if way == "mutual":
        keys |= {
            "bootstrap_servers": broker.at("mutual"),
            "security_protocol": "SSL",
            "ssl_certfile": broker.certificate,
            "ssl_keyfile": broker.key,
        }
    else:
        keys |= {
            "bootstrap_servers": broker.at("login"),
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": way,
        }
    if way == "OAUTHBEARER":
        keys |= {
            "sasl_oauthbearer_token_endpoint_url": endpoint.url,
            "sasl_oauthbearer_client_id": "the client",
            "sasl_oauthbearer_client_secret_file": broker.client_secret,
            "sasl_oauthbearer_scope": "kafka",
        }
    elif way != "mutual":
        keys |= {"sasl_username": "firstreply", "sasl_password_file": broker.password}
    keys |= changes
    given = {key: str(value) for key, value in keys.items() if value is not None}
    path = broker.folder / "firstreply.yaml"
    path.write_text(json.dumps({"kafka": given, "http": {"port": 0}, "checkpoint_interval": "1s"}))
    return load_settings(path, {})


async def write_event(broker: SecuredBroker) -> int:
    """Write one as the administrator; return the end of the topic."""
    contact = uuid4().hex
    opened = {
        "type": "contact.opened",
        "contact_id": contact,
        "channel": "chat",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    async with KafkaWriter(administrator(broker, TOPICS[0])) as writer:
        await writer.write([Outgoing(contact.encode(), json.dumps(opened).encode())])
    return await end_of(broker, TOPICS[0])


async def end_of(broker: SecuredBroker, topic: str) -> int:
    async with asking(broker) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, 0)])
    return int(next(iter(ends.values())))


async def committed(broker: SecuredBroker) -> int | None:
    async with asking(broker) as consumer:
        offset: int | None = await consumer.committed(TopicPartition(TOPICS[0], 0))
    return offset


@asynccontextmanager
async def asking(broker: SecuredBroker) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=broker.plain, group_id="firstreply", enable_auto_commit=False
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def folded(running: Running, end: int) -> None:
    """Wait until the service has folded the topic up to an offset, and is ready."""
    processor = running.processor
    while not (  # noqa: ASYNC110 - nothing sets an event
        processor.health.ready and 0 in processor.folds and processor.folds[0].offset >= end
    ):
        await asyncio.sleep(0.1)


async def run_until_folded(broker: SecuredBroker, settings: Settings, end: int) -> None:
    """Run the service until it has folded the topic, and has told the group its status.

    Before that a stop would cancel a connection that aiokafka then leaves open.
    """
    before = await end_of(broker, TOPICS[3])

    async def companion(running: Running) -> None:
        await folded(running, end)
        while await end_of(broker, TOPICS[3]) == before:  # noqa: ASYNC110 - nothing sets an event
            await asyncio.sleep(0.1)
        running.processor.stop()

    await run_kafka(settings, companions=(companion,))


@pytest.mark.parametrize("way", WAYS)
async def test_an_event_is_counted_and_committed_with_the_rights_of_the_docs(
    way: str, broker: SecuredBroker, endpoint: TokenEndpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    end = await write_event(broker)

    await run_until_folded(broker, configured(broker, way, endpoint), end)

    assert await committed(broker) == end
    ours = [record for record in caplog.records if record.name.startswith("firstreply")]
    assert [record for record in ours if record.levelno >= logging.WARNING] == []
    assert not secrets_in(caplog.text, endpoint)


async def test_a_session_that_ends_with_its_token_goes_on_with_a_new_one(
    broker: SecuredBroker, endpoint: TokenEndpoint
) -> None:
    """Aiokafka does not log in again on an open connection: the broker ends it, and it returns."""
    endpoint.life = 4 * SESSION_MS / 1000
    settings = configured(broker, "OAUTHBEARER", endpoint)
    generations = []

    async def companion(running: Running) -> None:
        await folded(running, await write_event(broker))
        generations.append(await members(broker))
        asked = len(endpoint.issued)
        while len(endpoint.issued) < asked + 2:  # noqa: ASYNC110 - renewed, and again
            await asyncio.sleep(0.1)
        await folded(running, await write_event(broker))
        generations.append(await members(broker))
        running.processor.stop()

    await run_kafka(settings, companions=(companion,))

    assert generations[0] == generations[1]
    assert len(set(endpoint.issued)) >= 3


async def members(broker: SecuredBroker) -> object:
    """Return the members of the group, who get new names when they join anew."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.plain)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups(["firstreply"])
    finally:
        await admin.close()
    return [member[0] for _, _, _, _, _, found, *_ in answer.groups for member in found]


def wrong_password(broker: SecuredBroker, _: TokenEndpoint) -> dict[str, object]:
    (broker.folder / "wrong").write_text(f"{PASSWORD}-of-old\n")
    return {"sasl_password_file": broker.folder / "wrong"}


def unknown_authority(broker: SecuredBroker, _: TokenEndpoint) -> dict[str, object]:
    return {"ssl_cafile": make_authority(broker.folder, "stranger")}


def system_authorities(_: SecuredBroker, __: TokenEndpoint) -> dict[str, object]:
    return {"ssl_cafile": None}


def no_certificate(_: SecuredBroker, __: TokenEndpoint) -> dict[str, object]:
    return {"ssl_certfile": None, "ssl_keyfile": None}


def strange_certificate(broker: SecuredBroker, _: TokenEndpoint) -> dict[str, object]:
    certificate, key = sign(make_authority(broker.folder, "stranger"), "strange")
    return {"ssl_certfile": certificate, "ssl_keyfile": key}


def another_name(broker: SecuredBroker, _: TokenEndpoint) -> dict[str, object]:
    return {"bootstrap_servers": broker.at("mutual", "localhost")}


def no_tls(_: SecuredBroker, __: TokenEndpoint) -> dict[str, object]:
    return {"security_protocol": "SASL_PLAINTEXT", "ssl_cafile": None}


def tls_at_a_plain_port(broker: SecuredBroker, _: TokenEndpoint) -> dict[str, object]:
    return {"bootstrap_servers": broker.plain}


def refused_client(_: SecuredBroker, endpoint: TokenEndpoint) -> dict[str, object]:
    endpoint.refuses = True
    return {}


def no_endpoint(_: SecuredBroker, __: TokenEndpoint) -> dict[str, object]:
    (port,) = free_ports(1)
    return {"sasl_oauthbearer_token_endpoint_url": f"http://127.0.0.1:{port}/token"}


USER: Final = r"refuses user firstreply or the password \(%s\): check kafka.sasl_username"


@pytest.mark.parametrize(
    ("way", "spoil", "told"),
    [
        ("PLAIN", wrong_password, USER % "PLAIN"),
        ("SCRAM-SHA-256", wrong_password, USER % "SCRAM-SHA-256"),
        ("SCRAM-SHA-512", wrong_password, USER % "SCRAM-SHA-512"),
        ("PLAIN", unknown_authority, r"certificate is not trusted .*kafka\.ssl_cafile"),
        ("PLAIN", system_authorities, r"certificate is not trusted .*kafka\.ssl_cafile"),
        ("PLAIN", no_tls, r"another kafka\.security_protocol than SASL_PLAINTEXT"),
        ("mutual", no_certificate, r"asks for a certificate, give kafka\.ssl_certfile"),
        ("mutual", strange_certificate, r"ends TLS .*kafka\.ssl_certfile must be .* signed"),
        ("mutual", another_name, r"for another name \(.*localhost.*kafka\.bootstrap_servers"),
        ("mutual", tls_at_a_plain_port, r"another kafka\.security_protocol than SSL"),
        ("OAUTHBEARER", refused_client, r"token_endpoint_url: http.*401 \(invalid_client\)"),
        ("OAUTHBEARER", no_endpoint, r"token_endpoint_url: http.*cannot be asked: .*refused"),
    ],
    ids=lambda part: getattr(part, "__name__", None),
)
async def test_who_is_refused_is_told_the_setting_to_look_at_and_no_secret(
    way: str,
    spoil: Callable[[SecuredBroker, TokenEndpoint], dict[str, object]],
    told: str,
    broker: SecuredBroker,
    endpoint: TokenEndpoint,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    settings = configured(broker, way, endpoint, **spoil(broker, endpoint))
    options = replace(wiring.kafka_options(settings), connect_timeout=timedelta(milliseconds=200))
    source = KafkaSource(options)

    with pytest.raises(RetryableError) as raised:
        await source.start()
    await source.stop()

    address = settings.kafka.bootstrap_servers
    assert re.search(f"{address}: .*{told}", str(raised.value)), raised.value
    shown = caplog.text + "".join(traceback.format_exception(raised.value))
    assert not secrets_in(shown, endpoint)


async def test_an_expired_token_is_told_although_aiokafka_takes_it_for_a_login(
    broker: SecuredBroker, endpoint: TokenEndpoint
) -> None:
    """Asked directly: a start that is cancelled while it asks leaves aiokafka's connection open."""
    options = wiring.kafka_options(configured(broker, "OAUTHBEARER", endpoint))
    host, port = options.bootstrap_servers.split(":")

    valid = await refused(host, int(port), options)
    endpoint.life = -5
    options = wiring.kafka_options(configured(broker, "OAUTHBEARER", endpoint))
    expired = await refused(host, int(port), options)

    assert valid is None
    assert expired is not None
    assert expired.startswith("refuses the token: ")
    assert not secrets_in(expired, endpoint)


async def test_a_right_that_is_missing_is_named(
    broker: SecuredBroker, endpoint: TokenEndpoint
) -> None:
    settings = configured(broker, "PLAIN", endpoint, group="another-group")
    source = KafkaSource(wiring.kafka_options(settings))
    await source.start()

    with pytest.raises(FatalError, match=r"READ on group another-group"):  # noqa: PT012
        while True:
            await source.fetch()
    await source.stop()


def secrets_in(text: str, endpoint: TokenEndpoint) -> list[str]:
    """Return what of a secret stands in a text."""
    secrets = [PASSWORD, CLIENT_SECRET, *endpoint.issued]
    secrets += [authorization.removeprefix("Basic ") for authorization, _ in endpoint.asked]
    return [secret for secret in secrets if secret in text]


MARK: Final = "Marked-Person"
"""Stands in ids, customers, names and payloads; nothing that is written or shown may hold it."""


def marked_events() -> list[Outgoing]:
    """Return good, late, odd and bad records; all of them about somebody."""
    opened, answered = "contact.opened", "contact.responded"
    now, long_ago = time.time(), "2001-01-01T00:00:00Z"
    today = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 60))
    tomorrow = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 86_400))
    values: list[object] = [
        {"type": opened, "contact_id": f"{MARK}-1", "channel": "chat", "time": today},
        {"type": answered, "contact_id": f"{MARK}-1", "time": today, "actor": "agent"},
        {"type": opened, "contact_id": f"{MARK}-2", "channel": MARK, "queue": MARK, "time": today},
        {"type": opened, "contact_id": f"{MARK}-3", "channel": "chat", "time": long_ago},
        {"type": opened, "contact_id": f"{MARK}-4", "channel": "chat", "time": tomorrow},
        {"type": answered, "contact_id": f"{MARK}-5", "time": long_ago, "actor": MARK},
        {"type": MARK, "contact_id": f"{MARK}-6", "time": today},
        {"type": opened, "contact_id": f"{MARK}-7", "channel": "chat", "time": MARK},
        {"type": opened, "contact_id": "x" * 2000 + MARK, "channel": "chat", "time": today},
        {"type": opened, "contact_id": f"{MARK}-8", "customer": MARK, "time": today},
    ]
    events = [json.dumps(value).encode() for value in values]
    events += [MARK.encode(), b"{" + MARK.encode(), b"\xff" + MARK.encode()]
    key, headers = MARK.encode(), [(MARK, MARK.encode())]
    return [Outgoing(key, event, headers=headers) for event in events] + [Outgoing(key, None)]


async def test_no_contact_and_no_secret_is_written_or_shown(
    broker: SecuredBroker, endpoint: TokenEndpoint, tmp_path: Path
) -> None:
    """At debug level, by the process that an administrator would start."""
    configured(broker, "OAUTHBEARER", endpoint)
    config = broker.folder / "firstreply.yaml"
    settings = {**json.loads(config.read_text()), "log": {"level": "debug"}}
    config.write_text(json.dumps(settings))
    records = marked_events()
    async with KafkaWriter(administrator(broker, TOPICS[0])) as writer:
        await writer.write(records)
    paths = ("/", "/metrics", "/readyz", "/wall", "/api/v1/channels", f"/api/v1/contacts/{MARK}-1")

    async with running_process(config, tmp_path / "service.log") as service:
        await service.until(lambda samples: total(samples, "read") >= len(records))
        await service.until_ready()
        shown = {path: (await service.get(path))[1] for path in paths}
    shown["log"] = service.log

    assert "DEBUG" in shown["log"]
    assert [where for where, text in shown.items() if MARK in text] == []
    assert [where for where, text in shown.items() if secrets_in(text, endpoint)] == []
