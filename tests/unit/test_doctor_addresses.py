"""The verdicts of ``firstreply doctor`` on addresses, certificates and logins."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from firstreply.adapters.kafka.link import LinkError
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.probe import Failed, Shaken, Spoken
from firstreply.adapters.kafka.seen import (
    Broker,
    ClusterSeen,
)
from firstreply.doctor.addresses import (
    Address,
    Reached,
    advertised_verdict,
    is_this_machine,
    login_failure,
    name_verdict,
    plain_verdict,
    tls_verdict,
)
from firstreply.doctor.checkup import bootstrap_addresses, entry_findings
from firstreply.doctor.finding import Finding, Result, failure, ok
from firstreply.doctor.text import finding_text
from tests.shared import ROOT

DAY = timedelta(days=1)
NOW = 1_764_000_000_000
HERE = Address("kafka.example", 9093)
OPTIONS = KafkaOptions(bootstrap_servers=str(HERE), topic="events", group="desk")


def options(protocol: str = "SSL", **others: object) -> KafkaOptions:
    return KafkaOptions(
        bootstrap_servers=str(HERE),
        topic="events",
        group="desk",
        security_protocol=protocol,  # type: ignore[arg-type] # a Literal, from parameters
        sasl_mechanism=others.pop("mechanism", "PLAIN"),  # type: ignore[arg-type] # likewise
        sasl_username="watcher",
        **others,  # type: ignore[arg-type] # likewise
    )


def told(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.check, finding.result.value) for finding in findings]


def test_a_name_and_an_address_are_told_apart() -> None:
    name = name_verdict(HERE, ["10.0.0.3", "10.0.0.4"])
    number = name_verdict(Address("10.0.0.3", 9092), ["10.0.0.3"])

    assert name.text == "kafka.example is 10.0.0.3, 10.0.0.4"
    assert number.text == "10.0.0.3 is an address, no name to look up"


def test_addresses_of_the_configuration_keep_their_order_and_stand_once() -> None:
    written = KafkaOptions(bootstrap_servers="b:2, a:1,[::1]:3,b:2", topic="t", group="g")

    assert list(map(str, bootstrap_addresses(written))) == ["b:2", "a:1", "[::1]:3"]


@pytest.mark.parametrize(
    ("spoken", "words"),
    [
        (Spoken.HTTP, "came HTTP"),
        (Spoken.SILENT, "came nothing in time"),
        (Spoken.CLOSED, "closed the connection"),
        (Spoken.OTHER, "came another protocol"),
    ],
)
def test_what_is_no_kafka_is_told_by_what_it_speaks(spoken: Spoken, words: str) -> None:
    found = plain_verdict(OPTIONS, HERE, spoken)

    assert found.result is Result.FAILURE
    assert words in found.text


def test_where_tls_is_wanted_the_right_protocol_is_named() -> None:
    without = plain_verdict(OPTIONS, HERE, Spoken.TLS)
    with_login = plain_verdict(options("SASL_PLAINTEXT"), HERE, Spoken.TLS)

    assert "security_protocol: SSL " in without.remedy
    assert "security_protocol: SASL_SSL " in with_login.remedy


@pytest.mark.parametrize(("days", "result"), [(29.9, "warning"), (30.1, "ok")])
def test_a_certificate_is_told_a_month_before_it_ends(days: float, result: str) -> None:
    shaken = Shaken("TLSv1.3", days * 86_400, Spoken.KAFKA)

    found = tls_verdict(options(), HERE, shaken, now=0)

    assert found.result.value == result
    assert f"good for {int(days)} days" in found.text


@pytest.mark.parametrize(
    ("code", "words", "remedy"),
    [
        (18, "is not signed by the authorities of this system", "kafka.ssl_cafile"),
        (20, "is not signed by", "kafka.ssl_cafile"),
        (62, "is for another host", "kafka.example among its subjectAltName"),
        (64, "is for another host", "subjectAltName"),
        (10, "is not valid now", "Renew"),
        (9, "is not valid now", "clock of this machine"),
        (1, "no TLS with", "broker's log"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told_apart(code: int, words: str, remedy: str) -> None:
    found = tls_verdict(options(), HERE, Failed("openssl says so", code), now=0)

    assert (found.check, found.result) == ("tls", Result.FAILURE)
    assert words in found.text
    assert "openssl says so" in found.text
    assert remedy in found.remedy


def test_a_client_certificate_that_is_refused_is_told_from_one_that_is_missing() -> None:
    refused = Shaken("TLSv1.3", 10**9, Spoken.REFUSED_US)

    missing = tls_verdict(options(), HERE, refused, now=0)
    wrong = tls_verdict(options(ssl_certfile="own.pem"), HERE, refused, now=0)

    assert missing.text.endswith("none is configured")
    assert wrong.text.endswith("it refused ours")


def test_tls_with_something_else_behind_it_is_told() -> None:
    found = tls_verdict(options(), HERE, Shaken("TLSv1.3", 10**9, Spoken.HTTP), now=0)

    assert "speaks TLS, but not Kafka" in found.text


@pytest.mark.parametrize(
    ("protocol", "wanted"), [("SSL", "PLAINTEXT"), ("SASL_SSL", "SASL_PLAINTEXT")]
)
def test_tls_to_a_port_without_it_names_the_protocol_that_would_do(
    protocol: str, wanted: str
) -> None:
    found = tls_verdict(options(protocol), HERE, Failed("x", spoken=Spoken.KAFKA), now=0)

    assert found.remedy.endswith(f"security_protocol: {wanted}.")


@pytest.mark.parametrize(
    ("kind", "mechanism", "words"),
    [
        ("SaslAuthenticationFailed", "PLAIN", "refuses user watcher with PLAIN"),
        ("SaslAuthenticationFailed", "OAUTHBEARER", "refuses the token"),
        ("TokenError", "OAUTHBEARER", "no token to show to kafka.example:9093: it is down"),
        ("UnsupportedSaslMechanismError", "SCRAM-SHA-256", "does not take SCRAM-SHA-256"),
        ("IllegalSaslStateError", "PLAIN", "wants no login"),
        ("TimeoutError", "PLAIN", "did not complete the login: TimeoutError"),
    ],
)
def test_why_a_login_failed_is_told_apart(kind: str, mechanism: str, words: str) -> None:
    secured = options("SASL_SSL", mechanism=mechanism, tokens=object())

    found = login_failure(secured, HERE, LinkError("it is down", kind), ["PLAIN", "GSSAPI"])

    assert (found.check, found.result) == ("sasl", Result.FAILURE)
    assert words in found.text
    if kind == "UnsupportedSaslMechanismError":
        assert found.remedy.endswith("offers: PLAIN, GSSAPI.")


CLUSTER = ClusterSeen("this", (Broker(7, "inside", 9092),))


def reached(host: str, cluster: str | None) -> Reached:
    seen = None if cluster is None else ClusterSeen(cluster, ())
    last = ok("kafka", "fine") if cluster else failure("dns", f"{host} is not known", "Do.")
    return Reached(Address(host, 9092), (last,), seen)


@pytest.mark.parametrize(
    ("host", "cluster", "words"),
    [
        ("inside", None, "does not work: inside is not known"),
        ("inside", "other", "another cluster answers"),
        ("localhost", "this", "which is this machine"),
        ("127.0.0.1", "other", "which is this machine"),
    ],
)
def test_an_address_that_leads_elsewhere_is_told(
    host: str, cluster: str | None, words: str
) -> None:
    found = advertised_verdict([HERE], CLUSTER.brokers[0], reached(host, cluster), CLUSTER)

    assert (found.check, found.result) == ("advertised", Result.FAILURE)
    assert "broker 7 answers at kafka.example:9093 and sends clients to" in found.text
    assert words in found.text
    assert "advertised.listeners" in found.remedy


def test_another_address_of_the_same_cluster_is_fine_and_on_this_machine_it_may_be_loopback() -> (
    None
):
    here = Address("127.0.0.1", 9093)

    other = advertised_verdict([HERE], CLUSTER.brokers[0], reached("inside", "this"), CLUSTER)
    own = advertised_verdict([here], CLUSTER.brokers[0], reached("localhost", "this"), CLUSTER)

    assert (other.result, own.result) == (Result.OK, Result.OK)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("::1", True), ("127.8.0.1", True), ("10.0.0.1", False), ("a", False)],
)
def test_loopback_is_known_by_name_and_number(host: str, expected: bool) -> None:  # noqa: FBT001
    assert is_this_machine(host) is expected


def test_without_any_bootstrap_server_that_works_each_failure_stays_one() -> None:
    found = list(entry_findings([reached("a", None), reached("b", None)]))

    assert told(found) == [("dns", "failure"), ("dns", "failure")]


def test_the_how_to_shows_the_classic_trap_as_it_is_told() -> None:
    page = (ROOT / "docs" / "how-to" / "connect-to-your-kafka.md").read_text()
    inside = Address("kafka", 9092)
    unknown = name_verdict(inside, Failed("name or service not known"))

    found = advertised_verdict(
        [Address("localhost", 9092)],
        Broker(1, "kafka", 9092),
        Reached(inside, (unknown,)),
        CLUSTER,
    )

    assert finding_text(found) in page
