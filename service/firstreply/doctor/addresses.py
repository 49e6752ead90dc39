"""What each layer between an address and a login says: the verdicts, and what to do.

The numbers of certificates' faults are OpenSSL's (``X509_V_ERR_``).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

import msgspec

from firstreply.adapters.kafka.link import LinkError
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.probe import Failed, Shaken, Spoken
from firstreply.adapters.kafka.seen import Broker, ClusterSeen
from firstreply.doctor.finding import Finding, failure, ok, warning

EXPIRY_WARNING: Final = timedelta(days=30)

_UNKNOWN_AUTHORITY: Final = frozenset({18, 19, 20, 21})
_EXPIRED, _NOT_YET = 10, 9
_WRONG_NAME: Final = frozenset({62, 64})


class Address(msgspec.Struct, frozen=True):
    """Where a broker is asked."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Reached(msgspec.Struct, frozen=True):
    """How far an address could be followed."""

    address: Address
    findings: tuple[Finding, ...]
    """The last one is not ok where it went no further."""
    cluster: ClusterSeen | None = None
    """What the broker tells, where we got so far."""


def name_verdict(address: Address, found: list[str] | Failed) -> Finding:
    """Judge what the name service said."""
    if isinstance(found, Failed):
        return failure(
            "dns",
            f"{address.host} is not known to this machine: {found.why}",
            "Correct kafka.bootstrap_servers, or make the name known here (DNS, /etc/hosts, the "
            "network of the container).",
        )
    if found == [address.host]:
        return ok("dns", f"{address.host} is an address, no name to look up")
    return ok("dns", f"{address.host} is {', '.join(found)}")


def port_verdict(address: Address, found: Failed | None) -> Finding:
    """Judge a TCP connection."""
    if found is None:
        return ok("tcp", f"{address} accepts connections")
    return failure(
        "tcp",
        f"{address}: {found.why}",
        "Start the broker, correct the port in kafka.bootstrap_servers, or open the firewall or "
        "network policy between this machine and it.",
    )


def plain_verdict(options: KafkaOptions, address: Address, spoken: Spoken) -> Finding:
    """Judge what answers without TLS, where none is configured."""
    if spoken is Spoken.KAFKA:
        return ok("kafka", f"{address} speaks Kafka, without TLS")
    if spoken is Spoken.TLS:
        wanted = "SASL_SSL" if options.security_protocol.startswith("SASL") else "SSL"
        return failure(
            "kafka",
            f"{address} wants TLS, and kafka.security_protocol is {options.security_protocol}",
            f"Set kafka.security_protocol: {wanted} and kafka.ssl_cafile, or take the port of a "
            "listener without TLS.",
        )
    return failure(
        "kafka",
        f"{address} does not speak Kafka; to a client's first question came {spoken}",
        "Take the port of a Kafka listener that is meant for clients. A proxy or a controller's "
        "port accepts connections too.",
    )


def tls_verdict(
    options: KafkaOptions, address: Address, found: Shaken | Failed, now: float
) -> Finding:
    """Judge a TLS handshake.

    Args:
        options: the certificates.
        address: of the broker.
        found: what came of it.
        now: seconds since the epoch.
    """
    if isinstance(found, Failed):
        return _tls_failure(options, address, found)
    if found.spoken is Spoken.REFUSED_US:
        have = "none is configured" if options.ssl_certfile is None else "it refused ours"
        return failure(
            "tls",
            f"{address} asks for a client certificate; {have}",
            "Set kafka.ssl_certfile and kafka.ssl_keyfile to a certificate whose authority is in "
            "the broker's ssl.truststore.",
        )
    if found.spoken is not Spoken.KAFKA:
        return failure(
            "tls",
            f"{address} speaks TLS, but not Kafka: to the first question came {found.spoken}",
            "Take the port of a Kafka listener that is meant for clients.",
        )
    left = timedelta(seconds=found.expires - now)
    days = "1 day" if left.days == 1 else f"{left.days} days"
    text = f"{address}: {found.version}, certificate good for {days}"
    if left < EXPIRY_WARNING:
        return warning(
            "tls",
            f"{text} only",
            "Renew the broker's certificate; on its last day every client stops.",
        )
    return ok("tls", text)


def _tls_failure(options: KafkaOptions, address: Address, found: Failed) -> Finding:
    if found.spoken is Spoken.KAFKA:
        wanted = options.security_protocol.replace("SASL_SSL", "SASL_PLAINTEXT")
        wanted = "PLAINTEXT" if wanted == "SSL" else wanted
        return failure(
            "tls",
            f"{address} speaks Kafka without TLS, and kafka.security_protocol is "
            f"{options.security_protocol}",
            "Take the port of the broker's TLS listener, or set kafka.security_protocol: "
            f"{wanted}.",
        )
    authorities = options.ssl_cafile or "the authorities of this system"
    if found.code in _UNKNOWN_AUTHORITY:
        return failure(
            "tls",
            f"the certificate of {address} is not signed by {authorities}: {found.why}",
            "Set kafka.ssl_cafile to a PEM file with the certificate of the authority that signed "
            "it (and those between).",
        )
    if found.code in _WRONG_NAME:
        return failure(
            "tls",
            f"the certificate of {address} is for another host: {found.why}",
            "Reach the broker by a name that its certificate has, or renew the certificate with "
            f"{address.host} among its subjectAltName.",
        )
    if found.code in {_EXPIRED, _NOT_YET}:
        return failure(
            "tls",
            f"the certificate of {address} is not valid now: {found.why}",
            "Renew the broker's certificate; or set the clock of this machine, if that is wrong.",
        )
    return failure(
        "tls",
        f"no TLS with {address}: {found.why}",
        "See the broker's log for its side: a client certificate that it asks for, or protocol "
        "versions and ciphers that only one of the two allows.",
    )


def logged_in_verdicts(options: KafkaOptions, address: Address) -> Iterator[Finding]:
    """Judge a login that worked, where there was one."""
    if not options.security_protocol.startswith("SASL"):
        return
    text = f"{address} lets {options.sasl_username or 'us'} in by {options.sasl_mechanism}"
    if options.security_protocol == "SASL_PLAINTEXT":
        yield warning("sasl", f"{text}, without encryption", "Prefer SASL_SSL.")
    else:
        yield ok("sasl", text)


def login_failure(
    options: KafkaOptions, address: Address, error: LinkError, offered: Sequence[str]
) -> Finding:
    """Say why the connection ended before the broker told anything.

    What the broker says of it is left out: it may repeat a token.

    Args:
        options: the login.
        address: of the broker.
        error: how the connection ended.
        offered: the mechanisms that the broker knows.
    """
    plain = "SSL" if "SSL" in options.security_protocol else "PLAINTEXT"
    if not options.security_protocol.startswith("SASL"):
        return failure(
            "sasl",
            f"{address} ends the connection at the first question that needs a user",
            f"Its listener wants a login: set kafka.security_protocol: SASL_{plain}, "
            "kafka.sasl_mechanism, kafka.sasl_username and kafka.sasl_password_file.",
        )
    by_token = options.sasl_mechanism == "OAUTHBEARER"
    match error.kind:
        case "UnsupportedSaslMechanismError":
            text = f"{address} does not take {options.sasl_mechanism} (kafka.sasl_mechanism)"
            remedy = f"Set it to what this listener offers: {', '.join(offered) or 'not told'}."
        case "IllegalSaslStateError":
            text = (
                f"{address} wants no login, and kafka.security_protocol is "
                f"{options.security_protocol}"
            )
            remedy = (
                f"Take the port of the listener with SASL, or set kafka.security_protocol: {plain}."
            )
        case "TokenError":
            text = f"no token to show to {address}: {error}"
            remedy = "See kafka.sasl_oauthbearer_token_endpoint_url and the keys beside it."
        case "SaslAuthenticationFailed" if by_token:
            text = f"{address} refuses the token"
            remedy = (
                "Ask which issuer, audience and scope it wants (kafka.sasl_oauthbearer_scope), "
                "and compare the clocks."
            )
        case "SaslAuthenticationFailed":
            text = (
                f"{address} refuses user {options.sasl_username} with {options.sasl_mechanism}: "
                "wrong name or password"
            )
            remedy = (
                "Correct kafka.sasl_username and the password (kafka.sasl_password_file; its last "
                "line end is dropped), or add the user to the broker: each mechanism has users of "
                "its own."
            )
        case _:
            text = f"{address} did not complete the login: {error.kind}"
            remedy = "See the broker's log for its side of it."
    return failure("sasl", text, remedy)


def advertised_verdict(
    asked: Sequence[Address], broker: Broker, reached: Reached, cluster: ClusterSeen
) -> Finding:
    """Judge an address that a broker advertises and that is none of those that were configured."""
    address, first = reached.address, asked[0]
    says = f"broker {broker.number} answers at {first} and sends clients to {address}"
    remedy = (
        "Set advertised.listeners of the broker to an address that this machine reaches. In "
        "containers: one listener for inside, one for outside, each with its own port and "
        "advertised address."
    )
    if is_this_machine(address.host) and not all(is_this_machine(each.host) for each in asked):
        return failure("advertised", f"{says}, which is this machine", remedy)
    if reached.cluster is None:
        why = reached.findings[-1]
        return failure("advertised", f"{says}, which does not work: {why.text}", remedy)
    if reached.cluster.id != cluster.id:
        return failure("advertised", f"{says}, where another cluster answers", remedy)
    return ok("advertised", f"broker {broker.number} is at {address}, which answers too")


def is_this_machine(host: str) -> bool:
    """Say whether a host is a loopback address or name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
