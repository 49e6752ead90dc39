"""Finds settings of the Kafka connection that contradict each other.

Left to the client, most of these fail late or not at all: a rebalance that times out, a password
that is silently not used.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from firstreply.config.file import Path, Problem
from firstreply.config.kafka_settings import SECRET_FILES, Kafka, read_secret
from firstreply.domain.errors import ConfigurationError
from firstreply.durations import canonical

REQUEST_MARGIN: Final = timedelta(seconds=5)
"""The client gives a join request this much less than ``request_timeout``."""

SHORTEST_SESSION: Final = timedelta(seconds=6)
"""Brokers refuse less unless their ``group.min.session.timeout.ms`` was lowered."""

LONGEST_TOPIC: Final = 249

_SSL: Final = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password_file")
_PASSWORD: Final = ("sasl_username", "sasl_password", "sasl_password_file")
_OAUTH_NEEDED: Final = (
    "sasl_oauthbearer_token_endpoint_url",
    "sasl_oauthbearer_client_id",
    "sasl_oauthbearer_client_secret_file",
)
_OAUTH: Final = (*_OAUTH_NEEDED, "sasl_oauthbearer_scope", "sasl_oauthbearer_cafile")
_SASL: Final = ("sasl_mechanism", *_PASSWORD, *_OAUTH)


def kafka_problems(kafka: Kafka) -> Iterator[Problem]:
    """Yield every contradiction in the connection's settings."""
    yield from _timeout_problems(kafka)
    yield from _topic_problems(kafka)
    yield from _unused_problems(kafka)
    yield from _login_problems(kafka)
    yield from _file_problems(kafka)


def _timeout_problems(kafka: Kafka) -> Iterator[Problem]:
    limit = kafka.request_timeout - REQUEST_MARGIN
    if kafka.rebalance_timeout >= limit:
        message = (
            f"{canonical(kafka.rebalance_timeout)} must be more than 5s shorter than "
            f"request_timeout ({canonical(kafka.request_timeout)}); lower it or raise that"
        )
        yield _problem("rebalance_timeout", message, "request_timeout")
    if kafka.session_timeout < SHORTEST_SESSION:
        message = f"{canonical(kafka.session_timeout)} is too short; brokers refuse less than 6s"
        yield _problem("session_timeout", message)
    elif kafka.heartbeat_interval * 2 > kafka.session_timeout:
        message = (
            f"{canonical(kafka.heartbeat_interval)} must be at most half of session_timeout "
            f"({canonical(kafka.session_timeout)}), better a third of it"
        )
        yield _problem("heartbeat_interval", message, "session_timeout")


def _topic_problems(kafka: Kafka) -> Iterator[Problem]:
    if kafka.topic in {".", ".."}:
        yield _problem("topic", f'"{kafka.topic}" is no topic name; Kafka refuses it')
    if kafka.dead_letter_topic == kafka.topic:
        message = "is the input topic: bad records would be read again; name another topic"
        yield _problem("dead_letter_topic", message, "topic")
    elif len(kafka.dead_letter_topic) > LONGEST_TOPIC:
        message = f"is longer than {LONGEST_TOPIC} characters; set a shorter dead_letter_topic"
        yield _problem("dead_letter_topic", message, "topic")
    for name, what in (("status_topic", "statuses are"), ("state_topic", "state is")):
        yield from _own_topic_problems(kafka, name, what)


def _own_topic_problems(kafka: Kafka, setting: str, what: str) -> Iterator[Problem]:
    name = getattr(kafka, setting)
    if name is None:
        return
    for other in ("topic", "dead_letter_topic", "status_topic"):
        if setting != other and name == getattr(kafka, other):
            message = f"is the {other} too: {what} no events; name another topic"
            yield _problem(setting, message, other, "group")
            return
    if len(name) > LONGEST_TOPIC:
        message = f"is longer than {LONGEST_TOPIC} characters; set a shorter {setting}, or null"
        # Only the default can be so long, so it is the group's name that is.
        yield _problem(setting, message, "group")._replace(points_at=("kafka", "group"))


def _unused_problems(kafka: Kafka) -> Iterator[Problem]:
    for words, names in (("SSL", _SSL), ("SASL", _SASL)):
        if _uses(kafka, words):
            continue
        fitting = "SSL or SASL_SSL" if words == "SSL" else "SASL_SSL or SASL_PLAINTEXT"
        for name in names:
            if getattr(kafka, name) is not None:
                message = (
                    f"is not used with security_protocol {kafka.security_protocol}; "
                    f"set that to {fitting}, or remove this"
                )
                yield _problem(name, message, "security_protocol")


def _uses(kafka: Kafka, words: str) -> bool:
    return words in kafka.security_protocol.split("_")


def _login_problems(kafka: Kafka) -> Iterator[Problem]:
    if kafka.sasl_password is not None and kafka.sasl_password_file is not None:
        yield _problem("sasl_password_file", "is given beside sasl_password; keep one of them")
    if not _uses(kafka, "SASL"):
        return
    yield from _other_login_problems(kafka)
    if kafka.sasl_mechanism == "OAUTHBEARER":
        for name in _OAUTH_NEEDED:
            if getattr(kafka, name) is None:
                message = "is needed with sasl_mechanism OAUTHBEARER; add it"
                problem = _problem(name, message, "sasl_mechanism")
                yield problem._replace(points_at=("kafka", "sasl_mechanism"))
        return
    needed = {
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_username": kafka.sasl_username,
        "sasl_password_file": kafka.sasl_password or kafka.sasl_password_file,
    }
    for name, value in needed.items():
        if value is None:
            either = "or sasl_password " if name == "sasl_password_file" else ""
            message = f"{either}is needed with security_protocol {kafka.security_protocol}; add it"
            problem = _problem(name, message, "security_protocol", "sasl_password")
            yield problem._replace(points_at=("kafka", "security_protocol"))


def _other_login_problems(kafka: Kafka) -> Iterator[Problem]:
    """Yield what belongs to another mechanism than the one that is set."""
    if kafka.sasl_mechanism is None:
        return
    unused = _PASSWORD if kafka.sasl_mechanism == "OAUTHBEARER" else _OAUTH
    for name in unused:
        if getattr(kafka, name) is not None:
            message = f"is not used with sasl_mechanism {kafka.sasl_mechanism}; remove it"
            yield _problem(name, message, "sasl_mechanism")


def _file_problems(kafka: Kafka) -> Iterator[Problem]:
    if kafka.ssl_keyfile is not None and kafka.ssl_certfile is None:
        yield _problem("ssl_keyfile", "is of no use without ssl_certfile; add it", "ssl_certfile")
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "sasl_oauthbearer_cafile"):
        path = getattr(kafka, name)
        if path is not None and _uses(kafka, _words(name)) and not path.is_file():
            yield _problem(name, f"there is no file {path}; name one that exists")
    for name in SECRET_FILES:
        path = getattr(kafka, name)
        if path is None or not _uses(kafka, _words(name)):
            continue
        try:
            read_secret(path, name)
        except ConfigurationError as error:
            yield _problem(name, str(error).removeprefix(f"{name}: "))


def _words(name: str) -> str:
    """Return the word of ``security_protocol`` that a setting goes with."""
    return name.partition("_")[0].upper()


def _problem(name: str, message: str, *needs: str) -> Problem:
    path: Path = ("kafka", name)
    return Problem(path, message, needs=(path, *(("kafka", other) for other in needs)))
