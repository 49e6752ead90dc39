"""``firstreply doctor`` against real brokers: each thing that may be wrong, wrong in turn.

The first part goes to the broker of the whole run. The second has one of its own with a listener
for each trap: one that advertises an address where nobody listens, one with TLS, one with a login
whose user has few permissions.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from firstreply.adapters.kafka.group import KafkaGroup
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.config.file import read_document
from firstreply.config.load import settings_of
from firstreply.devkit.kafka_broker import KafkaBroker
from firstreply.devkit.loopback import LOOPBACK, free_ports
from firstreply.doctor.checkup import Checkup
from firstreply.doctor.finding import Finding, Result
from tests.servers.fixtures import create_topic_on, give_up
from tests.servers.programs import NotAvailableError, kafka_jars
from tests.unit.certificates import make_authority, sign
from tests.unit.commands import invoke

pytestmark = [pytest.mark.servers]

LIMIT: Final = timedelta(seconds=10)
"""Of each answer: far more than a busy machine needs."""
CONTACT: Final = "contact-of-somebody"
PASSWORD: Final = "not-to-be-shown"  # noqa: S105
DAY_MS: Final = 86_400_000


def configuration(**kafka: object) -> str:
    return json.dumps({"kafka": {key: str(value) for key, value in kafka.items()}})


async def examined(**kafka: object) -> dict[str, list[Finding]]:
    """Return what is found, by check."""
    settings = settings_of(read_document(configuration(**kafka), "test"))
    found: dict[str, list[Finding]] = {}
    async for finding in Checkup(settings, LIMIT).run():
        found.setdefault(finding.check, []).append(finding)
    return found


def results(found: Mapping[str, list[Finding]], *checks: str) -> list[str]:
    return [finding.result.value for check in checks for finding in found[check]]


def failures(found: Mapping[str, list[Finding]]) -> list[str]:
    return [check for check in found for one in found[check] if one.result is Result.FAILURE]


def event(contact: str, **members: str) -> bytes:
    said = {"type": "contact.opened", "time": datetime.now(UTC).isoformat(), "channel": "email"}
    return json.dumps({**said, "contact_id": contact, **members}).encode()


@asynccontextmanager
async def writing(servers: str, topic: str) -> AsyncIterator[KafkaWriter]:
    options = KafkaOptions(bootstrap_servers=servers, topic=topic, group=topic)
    async with KafkaWriter(options) as writer:
        yield writer


async def topics_of(servers: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return set(await admin.list_topics()) - {"__consumer_offsets"}
    finally:
        await admin.close()


# A broker without passwords


async def test_a_topic_as_it_should_be_leaves_nothing_to_do_and_nothing_is_written(
    kafka: KafkaBroker, tmp_path: Path
) -> None:
    servers = kafka.bootstrap_servers
    topic = await create_topic_on(
        servers, 3, message_timestamp_type="LogAppendTime", retention_ms="-1"
    )
    async with writing(servers, topic) as writer:
        await writer.write([Outgoing(f"T-{n}".encode(), event(f"T-{n}")) for n in range(20)])
    path = tmp_path / "own.yaml"
    path.write_text(configuration(bootstrap_servers=servers, topic=topic, group=topic))
    before = await topics_of(servers)

    plain = await asyncio.to_thread(invoke, "doctor", str(path), "--timeout", "10")
    told = await asyncio.to_thread(
        invoke, "doctor", str(path), "--timeout", "10", "--format", "json"
    )

    document: dict[str, Any] = json.loads(told.stdout)
    assert (plain.exit_code, told.exit_code, document["ok"]) == (0, 0, True)
    assert {one["result"] for one in document["findings"]} == {"ok"}
    assert document["counts"]["ok"] == len(document["findings"]) > 15
    assert plain.stdout.count("\nok ") == len(document["findings"])
    assert f"firstreply run --config {path}" in plain.stdout
    assert "\x1b" not in plain.stdout
    assert await topics_of(servers) == before


async def test_what_is_wrong_with_a_topic_and_its_records_is_told_and_no_content_is(
    kafka: KafkaBroker,
) -> None:
    servers = kafka.bootstrap_servers
    topic = await create_topic_on(
        servers,
        3,
        cleanup_policy="compact,delete",
        retention_ms=str(DAY_MS),
        message_timestamp_before_max_ms="3600000",
    )
    async with writing(servers, topic) as writer:
        await writer.write(
            [
                # Compacted topics take no record without a key, so these have another.
                Outgoing(b"a", event(CONTACT), partition=0),
                Outgoing(b"b", event(CONTACT), partition=2),
                Outgoing(b"c", event("T-1", channel="semaphore"), partition=1),
                Outgoing(b"d", CONTACT.encode(), partition=1),
            ]
        )

    found = await examined(bootstrap_servers=servers, topic=topic, group=topic)

    assert failures(found) == ["compaction", "keys"]
    assert results(found, "retention", "timestamps", "records", "channels") == ["warning"] * 5
    assert "--add-config cleanup.policy=delete" in found["compaction"][0].command
    assert f"retention.ms={30 * DAY_MS}" in found["retention"][0].command
    assert "1 of 2 contacts in the sample has events in more than" in found["keys"][0].text
    assert "at 0:0 and 2:0 " in found["keys"][0].text or "2:0 and 0:0" in found["keys"][0].text
    assert "3 contact events, 1 dead letters" in found["records"][0].text
    assert "--partition 1 --offset 1 " in found["records"][0].command
    assert "1:0" in found["channels"][0].text
    assert CONTACT not in str(found)
    assert "semaphore" not in str(found)


async def test_records_without_a_key_are_told(kafka: KafkaBroker) -> None:
    servers = kafka.bootstrap_servers
    topic = await create_topic_on(servers, 2)
    async with writing(servers, topic) as writer:
        await writer.write([Outgoing(None, event("T-1"), partition=0)])

    found = await examined(bootstrap_servers=servers, topic=topic, group=topic)

    assert results(found, "keys") == ["warning"]
    assert "1 of 1 records have no key" in found["keys"][0].text


async def test_a_topic_that_is_not_there_is_told_and_stops_only_what_needs_it(
    kafka: KafkaBroker,
) -> None:
    name = f"absent-{uuid4().hex}"

    found = await examined(bootstrap_servers=kafka.bootstrap_servers, topic=name, group=name)

    assert failures(found) == ["topic"]
    assert results(found, "compaction", "lag", "keys", "records") == ["skipped"] * 4
    assert results(found, "group", "clock") == ["ok", "ok"]
    assert f"--create --topic {name}" in found["topic"][0].command


async def test_an_empty_topic_has_neither_keys_nor_records_to_look_at(kafka: KafkaBroker) -> None:
    topic = await create_topic_on(kafka.bootstrap_servers)

    found = await examined(bootstrap_servers=kafka.bootstrap_servers, topic=topic, group=topic)

    assert results(found, "keys", "records") == ["skipped", "skipped"]
    assert "the topic holds none yet" in found["records"][0].text


async def test_own_topics_that_would_lose_what_they_keep_are_told(kafka: KafkaBroker) -> None:
    servers = kafka.bootstrap_servers
    topic = await create_topic_on(servers, 2)
    letters = await create_topic_on(servers, cleanup_policy="compact")
    state = await create_topic_on(servers, 2, retention_ms="1000")
    own = {"dead_letter_topic": letters, "state_topic": state, "status_topic": "null"}

    found = await examined(bootstrap_servers=servers, topic=topic, group=topic, **own)
    narrow = await examined(
        bootstrap_servers=servers, topic=topic, group=topic, state_topic=letters + "x"
    )
    other = await create_topic_on(servers, 3, message_timestamp_type="LogAppendTime")
    parted = await examined(bootstrap_servers=servers, topic=topic, group=topic, state_topic=other)

    assert failures(found) == ["dead letters", "state"]
    assert "retention.ms=1000" in found["state"][0].text
    assert "message.timestamp.type=LogAppendTime" in found["state"][0].command
    assert results(narrow, "state") == ["ok"]
    assert "the first start makes it" in narrow["state"][0].text
    assert failures(parted) == ["state"]
    assert "has 3 partitions" in parted["state"][0].text


async def test_the_lag_of_the_group_is_told_and_a_commit_that_the_topic_does_not_hold(
    kafka: KafkaBroker,
) -> None:
    servers = kafka.bootstrap_servers
    topic = await create_topic_on(servers)
    async with writing(servers, topic) as writer:
        await writer.write([Outgoing(b"T-1", event("T-1"))] * 5)
    options = KafkaOptions(bootstrap_servers=servers, topic=topic, group=topic)
    group = KafkaGroup(options)

    new = await examined(bootstrap_servers=servers, topic=topic, group=topic)
    assert await group.commit(0, 2, "")
    behind = await examined(bootstrap_servers=servers, topic=topic, group=topic)
    assert await group.commit(0, 99, "")
    lost = await examined(bootstrap_servers=servers, topic=topic, group=topic)

    assert "nothing read yet; 5 records" in new["lag"][0].text
    assert behind["lag"][0].text == "3 records not read yet"
    assert failures(lost) == ["lag"]
    assert "truncated or made anew" in lost["lag"][0].text


async def test_members_of_another_application_are_told(kafka: KafkaBroker) -> None:
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415 - for this test alone

    servers = kafka.bootstrap_servers
    topic = await create_topic_on(servers)
    stranger = AIOKafkaConsumer(
        topic, bootstrap_servers=servers, group_id=topic, client_id="somebody-else"
    )
    await stranger.start()
    try:
        while not stranger.assignment():
            await stranger.getmany(timeout_ms=100)
        found = await examined(bootstrap_servers=servers, topic=topic, group=topic)
    finally:
        await stranger.stop()

    assert failures(found) == ["group"]
    assert "client id somebody-else" in found["group"][0].text


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a port of loopback that is taken, so nobody else can listen, and not listened on."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        yield taken.getsockname()[1]


async def test_a_closed_port_is_told_and_all_that_needs_a_broker_is_skipped(
    closed_port: int, tmp_path: Path
) -> None:
    (path := tmp_path / "own.yaml").write_text(
        configuration(bootstrap_servers=f"{LOOPBACK}:{closed_port}")
    )

    result = await asyncio.to_thread(invoke, "doctor", str(path))

    assert result.exit_code == 1
    assert f"failure tcp          {LOOPBACK}:{closed_port}: connection refused" in result.stdout
    assert "skipped 14 checks    needs a broker that lets us in: advertised," in result.stdout
    assert "\n1 failure, 1 ok, 14 skipped\n" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


async def test_a_dead_bootstrap_server_beside_a_living_one_is_a_warning(
    kafka: KafkaBroker, closed_port: int
) -> None:
    topic = await create_topic_on(kafka.bootstrap_servers)
    servers = f"{LOOPBACK}:{closed_port}, {kafka.bootstrap_servers}"

    found = await examined(bootstrap_servers=servers, topic=topic, group=topic)

    assert failures(found) == []
    assert results(found, "tcp") == ["warning", "ok"]
    assert "another bootstrap server works" in found["tcp"][0].text


async def test_a_name_that_nobody_knows_is_told() -> None:
    found = await examined(bootstrap_servers="kafka.invalid:9092")

    assert failures(found) == ["dns"]
    assert "kafka.invalid is not known to this machine" in found["dns"][0].text


# A broker with a listener for each trap


class Traps:
    """The broker, its listeners, and the files to reach it with."""

    def __init__(self, folder: Path, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self.authority, self.stranger = folder / "ca.pem", folder / "stranger.pem"
        (folder / "password").write_text(f"{PASSWORD}\n")
        (folder / "wrong").write_text(f"{PASSWORD}-wrong\n")
        self.password, self.wrong = folder / "password", folder / "wrong"

    def at(self, listener: str, host: str = LOOPBACK) -> str:
        return f"{host}:{self._ports[listener]}"

    def login(self, listener: str = "login", **others: object) -> dict[str, object]:
        return {
            "bootstrap_servers": self.at(listener),
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_username": "watcher",
            "sasl_password_file": self.password,
            **others,
        }

    async def grant(self, kind: int, name: str, *operations: int) -> None:
        """Allow the user; kinds are 2 topic, 3 group; operations Kafka's numbers."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.at("plaintext"))
        await admin.start()
        try:
            for operation in operations:
                request = CreateAclsRequest(kind, name, 3, "User:watcher", "*", operation, 3)
                answer = await admin._send_request(request)
                assert [code for code, _ in answer.creation_responses] == [0]
        finally:
            await admin.close()


TOPIC, GROUP = 2, 3
READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS = 3, 4, 8, 10


@pytest.fixture(scope="module")
def traps(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Traps]:
    try:
        jars = kafka_jars()
    except NotAvailableError as error:
        give_up(request.config, error)
    folder = tmp_path_factory.mktemp("traps")
    authority = make_authority(folder)
    make_authority(folder, "stranger")
    certificate, key = sign(authority, "broker", subject="/CN=broker", names="IP:127.0.0.1")
    (store := folder / "store.pem").write_text(key.read_text() + certificate.read_text())
    names = ("plaintext", "lost", "tls", "mutual", "login")
    controller, *numbers = free_ports(1 + len(names))
    ports = dict(zip(names, numbers, strict=True))
    listeners = [f"{name.upper()}://{LOOPBACK}:{port}" for name, port in ports.items()]
    users = " ".join(f'user_{name}="{PASSWORD}"' for name in ("watcher", "outsider"))
    module = "org.apache.kafka.common.security.plain.PlainLoginModule required"
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # nobody listens there, and nobody else can
        lost = f"LOST://{LOOPBACK}:{taken.getsockname()[1]}"
        overrides = {
            "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
            "listeners": ",".join([*listeners, f"CONTROLLER://{LOOPBACK}:{controller}"]),
            "advertised.listeners": ",".join(
                lost if one.startswith("LOST") else one for one in listeners
            ),
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,"
            "LOST:PLAINTEXT,TLS:SSL,MUTUAL:SSL,LOGIN:SASL_PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(authority),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.login.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.login.plain.sasl.jaas.config": f"{module} {users};",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }
        address = (LOOPBACK, ports["plaintext"])
        with KafkaBroker(jars, folder / "data", address=address, overrides=overrides):
            yield Traps(folder, ports)


async def test_an_advertised_address_that_does_not_work_is_the_one_failure(traps: Traps) -> None:
    topic = await create_topic_on(traps.at("plaintext"))

    found = await examined(bootstrap_servers=traps.at("lost"), topic=topic, group=topic)

    assert failures(found) == ["advertised"]
    text = found["advertised"][0].text
    assert f"broker 1 answers at {traps.at('lost')} and sends clients to {LOOPBACK}:" in text
    assert text.endswith("connection refused")
    assert "advertised.listeners" in found["advertised"][0].remedy
    assert results(found, "topic", "compaction", "dead letters", "clock") == ["ok"] * 4
    assert results(found, "group", "lag", "keys", "records") == ["skipped"] * 4


async def test_tls_is_followed_to_the_certificate(traps: Traps) -> None:
    topic = await create_topic_on(traps.at("plaintext"))
    tls = {"security_protocol": "SSL", "topic": topic, "group": topic}
    at = traps.at("tls")

    fine = await examined(bootstrap_servers=at, ssl_cafile=traps.authority, **tls)
    other = await examined(bootstrap_servers=at, ssl_cafile=traps.stranger, **tls)
    name = await examined(
        bootstrap_servers=traps.at("tls", "localhost"), ssl_cafile=traps.authority, **tls
    )
    plain = await examined(
        bootstrap_servers=traps.at("plaintext"), ssl_cafile=traps.authority, **tls
    )
    mutual = await examined(bootstrap_servers=traps.at("mutual"), ssl_cafile=traps.authority, **tls)

    assert failures(fine) == []
    assert "asks for a client certificate; none is configured" in mutual["tls"][0].text
    assert "good for 1 day only" in fine["tls"][0].text
    assert "is not signed by" in other["tls"][0].text
    assert "is for another host" in name["tls"][0].text
    assert "speaks Kafka without TLS" in plain["tls"][0].text
    assert "security_protocol: PLAINTEXT" in plain["tls"][0].remedy
    for found in (other, name, plain, mutual):
        assert failures(found) == ["tls"]


async def test_a_port_with_tls_that_is_spoken_to_without_is_told(traps: Traps) -> None:
    found = await examined(bootstrap_servers=traps.at("tls"))

    assert failures(found) == ["kafka"]
    assert "wants TLS, and kafka.security_protocol is PLAINTEXT" in found["kafka"][0].text


async def test_a_login_that_fails_says_why_and_no_secret(traps: Traps) -> None:
    wrong = await examined(**traps.login(sasl_password_file=traps.wrong))
    mechanism = await examined(**traps.login(sasl_mechanism="SCRAM-SHA-256"))
    none_wanted = await examined(**traps.login("plaintext"))
    none_given = await examined(bootstrap_servers=traps.at("login"))

    for found in (wrong, mechanism, none_wanted, none_given):
        assert failures(found) == ["sasl"]
        assert PASSWORD not in str(found)
    assert "refuses user watcher with PLAIN: wrong name or password" in wrong["sasl"][0].text
    assert "does not take SCRAM-SHA-256" in mechanism["sasl"][0].text
    assert "listener offers: PLAIN." in mechanism["sasl"][0].remedy
    assert "wants no login" in none_wanted["sasl"][0].text
    assert "SASL_PLAINTEXT" in none_given["sasl"][0].remedy


async def test_permissions_that_are_missing_are_told_with_the_command_that_grants_them(
    traps: Traps,
) -> None:
    topic = await create_topic_on(traps.at("plaintext"))
    letters = await create_topic_on(traps.at("plaintext"))
    own = {"topic": topic, "group": topic, "dead_letter_topic": letters}

    nothing = await examined(**traps.login(**own))
    await traps.grant(TOPIC, topic, DESCRIBE)
    seen = await examined(**traps.login(**own))
    await traps.grant(TOPIC, topic, READ)
    await traps.grant(TOPIC, letters, READ)
    await traps.grant(GROUP, topic, READ)
    some = await examined(**traps.login(**own))
    await traps.grant(TOPIC, topic, DESCRIBE_CONFIGS)
    await traps.grant(TOPIC, letters, WRITE)
    for name in (f"{topic}-state", f"{topic}-status"):
        await traps.grant(TOPIC, name, READ, WRITE, 5)
    enough = await examined(**traps.login(**own))

    assert failures(nothing) == ["topic", "dead letters", "state", "permissions"]
    assert "--allow-principal User:watcher --operation READ" in nothing["topic"][0].command
    assert "may not read in group" in nothing["permissions"][0].text
    assert results(seen, "topic", "keys", "records") == ["ok", "skipped", "skipped"]
    assert f"user watcher may not read topic {topic} (kafka.topic)" in str(seen["permissions"])
    assert results(some, "topic", "compaction", "retention") == ["ok", "skipped", "skipped"]
    refused = {one.text for one in some["permissions"] if one.result is Result.FAILURE}
    assert refused == {f"user watcher may not write topic {letters} (kafka.dead_letter_topic)"}
    assert results(some, "state", "status") == ["failure", "warning"]
    assert failures(enough) == []
    assert results(enough, "clock") == ["skipped"]
    assert "needs DESCRIBE on the cluster" in enough["clock"][0].text
    assert "permissions" in enough
