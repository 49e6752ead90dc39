from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from firstreply.adapters.kafka.options import (
    KafkaOptions,
    connection_arguments,
    consumer_arguments,
)
from firstreply.domain.errors import ConfigurationError


def test_the_dead_letter_topic_is_named_after_the_input_unless_it_has_its_own_name() -> None:
    plain = KafkaOptions(bootstrap_servers="b:1", topic="events", group="g")

    named = KafkaOptions(bootstrap_servers="b:1", topic="events", group="g", dead_letter_topic="x")

    assert (plain.dead_letters, named.dead_letters) == ("events.dead-letters", "x")


def test_nothing_is_committed_or_skipped_behind_our_back() -> None:
    options = KafkaOptions(bootstrap_servers="b:1", topic="events", group="g")

    arguments = consumer_arguments(options)

    assert arguments["enable_auto_commit"] is False
    assert arguments["auto_offset_reset"] == "none"
    assert "value_deserializer" not in arguments


def test_durations_reach_the_client_in_milliseconds() -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        session_timeout=timedelta(seconds=12),
        heartbeat_interval=timedelta(seconds=2),
        fetch_max_wait=timedelta(milliseconds=50),
    )

    arguments = consumer_arguments(options)

    assert arguments["session_timeout_ms"] == 12_000
    assert arguments["heartbeat_interval_ms"] == 2_000
    assert arguments["fetch_max_wait_ms"] == 50
    assert connection_arguments(options)["request_timeout_ms"] == 30_000


def test_plaintext_hands_over_neither_certificate_nor_password() -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        sasl_password="secret",  # noqa: S106
    )

    arguments = connection_arguments(options)

    assert "ssl_context" not in arguments
    assert "sasl_plain_password" not in arguments


def test_a_password_comes_from_its_file_without_the_line_end(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("pass word\r\n")
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="reader",
        sasl_password_file=str(secret),
    )

    arguments = connection_arguments(options)

    assert arguments["sasl_mechanism"] == "SCRAM-SHA-512"
    assert arguments["sasl_plain_username"] == "reader"
    assert arguments["sasl_plain_password"] == "pass word"  # noqa: S105


def test_a_password_is_not_shown_by_repr() -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        sasl_password="hunter2",  # noqa: S106
    )

    assert "hunter2" not in repr(options)


def test_tls_uses_the_system_authorities_when_no_file_is_given() -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1", topic="events", group="g", security_protocol="SSL"
    )

    context = connection_arguments(options)["ssl_context"]

    assert context.check_hostname


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"security_protocol": "SSL", "ssl_cafile": "/absent/ca.pem"}, "/absent/ca.pem"),
        (
            {"security_protocol": "SSL", "ssl_password_file": "/absent/key-password"},
            "kafka.ssl_password_file: /absent/key-password",
        ),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "u",
                "sasl_password_file": "/absent/password",
            },
            "kafka.sasl_password_file: /absent/password",
        ),
        (
            {
                "security_protocol": "SASL_PLAINTEXT",
                "sasl_mechanism": "PLAIN",
                "sasl_username": "u",
            },
            "kafka.sasl_password is missing",
        ),
        ({"security_protocol": "SASL_SSL", "sasl_username": "u"}, "kafka.sasl_mechanism"),
        (
            {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"},
            "kafka.sasl_username is missing",
        ),
        ({"start": datetime(2026, 5, 1)}, "kafka.start"),  # noqa: DTZ001  # the point of the test
        ({"rebalance_timeout": timedelta(seconds=26)}, "kafka.rebalance_timeout"),
        ({"heartbeat_interval": timedelta(seconds=11)}, "kafka.heartbeat_interval"),
    ],
)
def test_what_cannot_be_used_is_named(changes: dict[str, object], named: str) -> None:
    settings: dict[str, object] = {"bootstrap_servers": "b:1", "topic": "events", "group": "g"}

    with pytest.raises(ConfigurationError) as raised:
        connection_arguments(KafkaOptions(**(settings | changes)))  # type: ignore[arg-type]

    assert named in str(raised.value)


def test_limits_that_are_just_reached_are_allowed() -> None:
    options = KafkaOptions(
        bootstrap_servers="b:1",
        topic="events",
        group="g",
        start=datetime(2026, 5, 1, tzinfo=UTC),
        rebalance_timeout=timedelta(seconds=25),
        request_timeout=timedelta(seconds=30),
        heartbeat_interval=timedelta(seconds=10),
        session_timeout=timedelta(seconds=20),
    )

    assert consumer_arguments(options)["rebalance_timeout_ms"] == 25_000
