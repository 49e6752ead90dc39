"""How the Kafka settings become arguments of the Kafka clients.

Plain values in, keyword arguments of aiokafka out; nothing here connects. ``app.py`` fills
``KafkaOptions`` from the settings, so that the adapters depend on no settings library. What a
person got wrong is a ``ConfigurationError`` that names the setting.
"""

import ssl
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NotRequired, TypedDict

from aiokafka.abc import AbstractTokenProvider

from firstreply.adapters.kafka.tls import client_context
from firstreply.domain.errors import ConfigurationError

CLIENT_ID: Final = "firstreply"

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
IsolationLevel = Literal["read_uncommitted", "read_committed"]
Start = Literal["earliest", "latest"] | datetime

_JOIN_MARGIN: Final = timedelta(seconds=5)
"""aiokafka waits for a JoinGroup under ``request_timeout`` and needs this much to spare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """Where Kafka is, what to read and how patient to be. Field names are those of ``kafka:``.

    Raises:
        ConfigurationError: two settings exclude each other, or a file cannot be read.
    """

    bootstrap_servers: str
    """``host:port``, comma separated; list several, one of them has to answer."""
    topic: str
    group: str
    start: Start = "earliest"
    """Where a partition without a committed offset is begun; a datetime must be aware."""
    dead_letter_topic: str | None = None
    """Default: ``<topic>.dead-letters``."""

    security_protocol: SecurityProtocol = "PLAINTEXT"
    ssl_cafile: str | Path | None = None
    ssl_certfile: str | Path | None = None
    ssl_keyfile: str | Path | None = None
    ssl_password_file: str | Path | None = None
    sasl_mechanism: SaslMechanism | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    sasl_password_file: str | Path | None = None
    tokens: AbstractTokenProvider | None = None
    """Where ``OAUTHBEARER`` has its tokens; shared by all clients."""

    session_timeout: timedelta = timedelta(seconds=20)
    heartbeat_interval: timedelta = timedelta(seconds=3)
    rebalance_timeout: timedelta = timedelta(seconds=20)
    request_timeout: timedelta = timedelta(seconds=30)
    """Longest wait for a broker's answer; also for an acknowledged dead letter."""
    fetch_max_wait: timedelta = timedelta(milliseconds=100)
    """How long a broker holds an empty fetch; a busy partition waits for an idle one this long."""
    connect_timeout: timedelta = timedelta(seconds=30)
    """How long ``start`` keeps trying to reach any broker."""
    commit_timeout: timedelta = timedelta(seconds=5)
    offsets_timeout: timedelta = timedelta(seconds=5)
    """Longest wait for a leader to tell an offset."""
    stop_timeout: timedelta = timedelta(seconds=10)

    max_records: int = 2000
    """Most records of one fetch; bounds memory and the time between two looks at the loop."""
    max_partition_fetch_bytes: int = 1_048_576
    """A larger record still arrives, alone: brokers return at least one (KIP-74)."""
    isolation_level: IsolationLevel = "read_uncommitted"
    """``read_committed`` leaves out aborted events, and waits where a transaction is left open."""

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) and self.start.utcoffset() is None:
            msg = f"kafka.start: {self.start} has no time zone; write {self.start.isoformat()}Z"
            raise ConfigurationError(msg)
        if self.rebalance_timeout + _JOIN_MARGIN > self.request_timeout:
            msg = (
                f"kafka.rebalance_timeout ({self.rebalance_timeout}) must be at least "
                f"{_JOIN_MARGIN} below kafka.request_timeout ({self.request_timeout}); "
                "raise the second or lower the first"
            )
            raise ConfigurationError(msg)
        if self.heartbeat_interval * 2 > self.session_timeout:
            msg = (
                f"kafka.heartbeat_interval ({self.heartbeat_interval}) must be at most half of "
                f"kafka.session_timeout ({self.session_timeout}); a third of it is usual"
            )
            raise ConfigurationError(msg)
        login = "tokens" if self.sasl_mechanism == "OAUTHBEARER" else "sasl_username"
        for name in ("sasl_mechanism", login):
            if self.security_protocol.startswith("SASL") and getattr(self, name) is None:
                msg = f"kafka.{name} is missing; {self.security_protocol} needs it"
                raise ConfigurationError(msg)

    @property
    def dead_letters(self) -> str:
        """The name of the dead letter topic."""
        return self.dead_letter_topic or f"{self.topic}.dead-letters"


class ConnectionArguments(TypedDict):
    """What every aiokafka client takes."""

    bootstrap_servers: str
    client_id: str
    security_protocol: str
    request_timeout_ms: int
    metadata_max_age_ms: int
    ssl_context: NotRequired[ssl.SSLContext]
    sasl_mechanism: NotRequired[str]
    sasl_plain_username: NotRequired[str]
    sasl_plain_password: NotRequired[str]
    sasl_oauth_token_provider: NotRequired[AbstractTokenProvider]


class ConsumerArguments(TypedDict):
    """What the group's consumer takes besides."""

    group_id: str
    enable_auto_commit: bool
    auto_offset_reset: str
    isolation_level: str
    session_timeout_ms: int
    heartbeat_interval_ms: int
    rebalance_timeout_ms: int
    max_poll_interval_ms: int
    fetch_max_wait_ms: int
    fetch_max_bytes: int
    max_partition_fetch_bytes: int


def milliseconds(duration: timedelta) -> int:
    """Return a duration as the whole milliseconds Kafka counts in."""
    return duration // timedelta(milliseconds=1)


def connection_arguments(options: KafkaOptions) -> ConnectionArguments:
    """Build the arguments of any client: addresses, security, patience.

    Raises:
        ConfigurationError: a certificate, key or password file cannot be used.
    """
    arguments = ConnectionArguments(
        bootstrap_servers=options.bootstrap_servers,
        client_id=CLIENT_ID,
        security_protocol=options.security_protocol,
        request_timeout_ms=milliseconds(options.request_timeout),
        # Brokers that got new addresses are noticed only through fresh metadata (aiokafka #456).
        metadata_max_age_ms=60_000,
    )
    if options.security_protocol in {"SSL", "SASL_SSL"}:
        arguments["ssl_context"] = _ssl_context(options)
    if options.security_protocol.startswith("SASL"):
        arguments["sasl_mechanism"] = options.sasl_mechanism or ""
    if arguments.get("sasl_mechanism") == "OAUTHBEARER":
        arguments["sasl_oauth_token_provider"] = options.tokens
    elif "sasl_mechanism" in arguments:
        arguments["sasl_plain_username"] = options.sasl_username or ""
        arguments["sasl_plain_password"] = _sasl_password(options)
    return arguments


def consumer_arguments(options: KafkaOptions) -> ConsumerArguments:
    """Build the arguments of the one consumer that is a member of the group.

    There is no deserializer on purpose: one that raises is asked for the same record for ever.
    """
    return ConsumerArguments(
        group_id=options.group,
        enable_auto_commit=False,
        # "none": a lost position is an error that is told, never a silent jump.
        auto_offset_reset="none",
        isolation_level=options.isolation_level,
        session_timeout_ms=milliseconds(options.session_timeout),
        heartbeat_interval_ms=milliseconds(options.heartbeat_interval),
        rebalance_timeout_ms=milliseconds(options.rebalance_timeout),
        max_poll_interval_ms=120_000,
        fetch_max_wait_ms=milliseconds(options.fetch_max_wait),
        fetch_max_bytes=16 * 1_048_576,
        max_partition_fetch_bytes=options.max_partition_fetch_bytes,
    )


def _ssl_context(options: KafkaOptions) -> ssl.SSLContext:
    password = None
    if options.ssl_password_file is not None:
        password = _secret("kafka.ssl_password_file", options.ssl_password_file)
    try:
        return client_context(
            cafile=_path(options.ssl_cafile),
            certfile=_path(options.ssl_certfile),
            keyfile=_path(options.ssl_keyfile),
            password=password,
        )
    except OSError as error:  # ssl.SSLError is one
        msg = (
            f"kafka.ssl_cafile ({options.ssl_cafile}), kafka.ssl_certfile "
            f"({options.ssl_certfile}) or kafka.ssl_keyfile ({options.ssl_keyfile}) cannot be "
            f"used: {error}; they must be readable PEM files that belong together"
        )
        raise ConfigurationError(msg) from error


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _sasl_password(options: KafkaOptions) -> str:
    if options.sasl_password_file is not None:
        return _secret("kafka.sasl_password_file", options.sasl_password_file)
    if options.sasl_password is None:
        msg = (
            "kafka.sasl_password is missing; give it, or kafka.sasl_password_file, "
            f"for user {options.sasl_username}"
        )
        raise ConfigurationError(msg)
    return options.sasl_password


def _secret(setting: str, path: str | Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{setting}: {path} cannot be read: {error}; it must hold the password alone"
        raise ConfigurationError(msg) from error
