"""The settings of the connection to Kafka, and the base that every group of settings shares.

Names are those of Kafka's own consumer configuration where one exists. All of these need a restart
to change.
"""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from firstreply.config.field_types import (
    Duration,
    PositiveDuration,
    Size,
    StartPoint,
    TokenUrl,
    none_is_empty,
)
from firstreply.domain.errors import ConfigurationError

TopicName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{1,249}$")]
Servers = Annotated[
    str,
    StringConstraints(
        pattern=r"^([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}"
        r"( *, *([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5})*$"
    ),
]


def topic_of(group: str, ending: str) -> str:
    """Return the default name of a topic of a consumer group, such as its ``-state``."""
    return re.sub(r"[^a-zA-Z0-9._-]", "_", group) + ending


SECRET_FILES: Final = (
    "ssl_password_file",
    "sasl_password_file",
    "sasl_oauthbearer_client_secret_file",
)
"""Settings of `kafka` that name a file with a secret and nothing else."""


class Group(BaseModel):
    """A group of settings: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _a_key_without_value_is_an_empty_group(cls, value: object) -> object:
        return none_is_empty(value)


class Kafka(Group):
    """Where contact events come from."""

    bootstrap_servers: Servers = "localhost:9092"
    """Brokers to ask first, as `host:port`, several separated by commas. The default suits a broker
    on the same machine."""

    topic: TopicName = "contact-events"
    """The topic that holds the contact events, keyed by contact id."""

    group: Annotated[str, Field(min_length=1, max_length=249)] = "firstreply"
    """The consumer group. Every process with the same group shares the partitions; a renamed group
    starts anew."""

    start: StartPoint = "earliest"
    """Where to begin a partition for which the group has committed nothing: `earliest`, `latest` or
    an RFC 3339 time. The default leaves no contact out."""

    dead_letter_topic: TopicName = Field(
        default_factory=lambda data: f"{data.get('topic', '')}.dead-letters",
    )
    """Where bad records go, byte for byte. Default: the topic followed by `.dead-letters`."""

    state_topic: TopicName | None = Field(
        default_factory=lambda data: topic_of(data.get("group", ""), "-state"),
    )
    """Where the state is kept: who waits, and what was counted. Made when it is absent, with the
    partitions and replicas of `topic`. Default: the group followed by `-state`. `null`: state is
    kept in memory alone, and every restart forgets who was waiting."""

    state_retention: PositiveDuration = Field(default="14d", validate_default=True)
    """How long the state topic keeps its records. The state is written anew within a quarter of
    that, so the service may be down for the other three. A topic that keeps less is refused."""

    state_replicas: Annotated[int, Field(ge=1, le=100)] | None = None
    """How many replicas a state topic that is made gets. Default: as many as `topic` has."""

    status_topic: TopicName | None = Field(
        default_factory=lambda data: topic_of(data.get("group", ""), "-status"),
    )
    """Where the processes of the group tell each other their status each second, so that the
    `/wall` of any of them shows them all; a few kilobytes a second, kept for ten minutes. Made when
    it is absent. Default: the group followed by `-status`, with `_` for what a topic cannot be
    named. `null`: each process shows its own partitions alone."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to the brokers. The default is Kafka's own."""

    ssl_cafile: Path | None = None
    """PEM file of the authorities that sign the brokers' certificates. Default: those of the
    system."""

    ssl_certfile: Path | None = None
    """PEM file of our own certificate, for brokers that ask for one."""

    ssl_keyfile: Path | None = None
    """PEM file of the key of `ssl_certfile`."""

    ssl_password_file: Path | None = None
    """File with the password of `ssl_keyfile`; line ends around it are dropped."""

    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    """How to log in; needed with `SASL_PLAINTEXT` and `SASL_SSL`. `OAUTHBEARER` takes tokens from
    `sasl_oauthbearer_token_endpoint_url`, the others a name and a password."""

    sasl_username: Annotated[str, Field(min_length=1)] | None = None
    """The name to log in with."""

    sasl_password: SecretStr | None = None
    """The password to log in with. Better from the environment or from `sasl_password_file` than in
    the file; masked wherever the configuration is shown."""

    sasl_password_file: Path | None = None
    """File with the password to log in with; line ends around it are dropped."""

    sasl_oauthbearer_token_endpoint_url: TokenUrl | None = None
    """Where tokens are had by the client credentials grant, for `OAUTHBEARER`. https, or http on
    this machine alone. Renewed before they expire."""

    sasl_oauthbearer_client_id: Annotated[str, Field(min_length=1)] | None = None
    """The client that asks for tokens."""

    sasl_oauthbearer_client_secret_file: Path | None = None
    """File with the secret of that client; line ends around it are dropped. Read anew for each
    token."""

    sasl_oauthbearer_scope: Annotated[str, Field(min_length=1)] | None = None
    """What to ask for, where the endpoint wants to be told; several separated by spaces."""

    sasl_oauthbearer_cafile: Path | None = None
    """PEM file of the authorities that sign the endpoint's certificate. Default: those of the
    system."""

    session_timeout: PositiveDuration = Field(default="20s", validate_default=True)
    """How long the group waits for a sign of life before it gives our partitions away. At least 6s,
    the least that brokers allow; the default trades a quick takeover against pauses of the machine.
    """

    heartbeat_interval: PositiveDuration = Field(default="3s", validate_default=True)
    """How often we give a sign of life. Shorter than `session_timeout`, better a third of it."""

    rebalance_timeout: PositiveDuration = Field(default="20s", validate_default=True)
    """How long the group waits for members when it shares out partitions. More than 5s shorter than
    `request_timeout`, because the client waits for the answer of that request."""

    request_timeout: PositiveDuration = Field(default="30s", validate_default=True)
    """How long to wait for the answer to a request before it is sent again."""

    fetch_max_wait: Duration = Field(default="100ms", validate_default=True)
    """How long a broker holds a fetch that has nothing to give. Short, because figures are shown in
    seconds; longer saves requests."""

    max_records: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Most records taken in one go. It bounds memory and the time to the next checkpoint."""

    max_event_bytes: Size = Field(default="1MiB", validate_default=True)
    """Largest value of a record, in bytes or as `512KiB`; a larger one is a dead letter. The
    default is what brokers accept unless told otherwise."""

    timestamp_fallback: bool = False
    """Whether an event without `time` takes the record's timestamp (counted). Off, because when
    Kafka got an event is not when it happened."""

    isolation_level: Literal["read_uncommitted", "read_committed"] = "read_uncommitted"
    """Whether to leave out events of aborted transactions. The default is Kafka's own: a producer's
    open transaction cannot hold up the clock."""

    def password(self) -> str | None:
        """Return the SASL password, read anew from its file where one is set.

        Raises:
            ConfigurationError: the file cannot be read or is empty.
        """
        if self.sasl_password_file is not None:
            return read_secret(self.sasl_password_file, "kafka.sasl_password_file")
        return None if self.sasl_password is None else self.sasl_password.get_secret_value()

    def key_password(self) -> str | None:
        """Return the password of ``ssl_keyfile``, read anew, or ``None``.

        Raises:
            ConfigurationError: the file cannot be read or is empty.
        """
        if self.ssl_password_file is None:
            return None
        return read_secret(self.ssl_password_file, "kafka.ssl_password_file")


def read_secret(path: Path, key: str) -> str:
    """Read a secret from its file, without the line ends around it.

    Raises:
        ConfigurationError: the file cannot be read or is empty.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        msg = f"{key}: cannot read {path}: {reason}; name a file that this user can read"
        raise ConfigurationError(msg) from error
    if not secret:
        msg = f"{key}: {path} is empty; put the password in it"
        raise ConfigurationError(msg)
    return secret
