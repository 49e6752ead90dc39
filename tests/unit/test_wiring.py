"""From settings to parts: every unit converted, every setting passed on, none contradicting."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from firstreply import wiring
from firstreply.adapters.clock import SystemClock
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.null import NullDeadLetters
from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.events import ContactEvent
from firstreply.policies import policy_book
from firstreply.ports import DeadLetterSink, WallClock  # noqa: TC001
from firstreply.rejection import Rejected
from firstreply.settings import Settings
from tests.unit.fakes import NO_JSON, opened, record
from tests.unit.shell import Shell


def loaded(text: str, folder: Path) -> Settings:
    path = folder / "config.yaml"
    path.write_text(text)
    return load_settings(path, {})


def test_every_kafka_option_is_the_setting_of_its_name(tmp_path: Path) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem", "password"):
        (tmp_path / name).write_text("secret")
    settings = loaded(
        f"""\
kafka:
  bootstrap_servers: "a:1,b:2"
  topic: t
  group: g
  start: latest
  dead_letter_topic: letters
  security_protocol: SASL_SSL
  ssl_cafile: {tmp_path}/ca.pem
  ssl_certfile: {tmp_path}/cert.pem
  ssl_keyfile: {tmp_path}/key.pem
  ssl_password_file: {tmp_path}/password
  sasl_mechanism: SCRAM-SHA-512
  sasl_username: u
  sasl_password: p
  session_timeout: 21s
  heartbeat_interval: 4s
  rebalance_timeout: 22s
  request_timeout: 33s
  fetch_max_wait: 55ms
  max_records: 77
  isolation_level: read_committed
""",
        tmp_path,
    )

    options = wiring.kafka_options(settings)

    assert options == KafkaOptions(
        bootstrap_servers="a:1,b:2",
        topic="t",
        group="g",
        start="latest",
        dead_letter_topic="letters",
        security_protocol="SASL_SSL",
        ssl_cafile=f"{tmp_path}/ca.pem",
        ssl_certfile=f"{tmp_path}/cert.pem",
        ssl_keyfile=f"{tmp_path}/key.pem",
        ssl_password_file=f"{tmp_path}/password",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username="u",
        sasl_password="p",  # noqa: S106 - not one
        session_timeout=timedelta(seconds=21),
        heartbeat_interval=timedelta(seconds=4),
        rebalance_timeout=timedelta(seconds=22),
        request_timeout=timedelta(seconds=33),
        fetch_max_wait=timedelta(milliseconds=55),
        max_records=77,
        isolation_level="read_committed",
    )


def test_a_password_file_is_passed_on(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    settings = loaded(
        "kafka: {security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, sasl_username: u, "
        f"sasl_password_file: {tmp_path}/password}}",
        tmp_path,
    )

    assert wiring.kafka_options(settings).sasl_password_file == f"{tmp_path}/password"


def test_the_defaults_make_options(tmp_path: Path) -> None:
    options = wiring.kafka_options(loaded("", tmp_path))

    assert (options.topic, options.group) == ("contact-events", "firstreply")
    assert options.dead_letters == "contact-events.dead-letters"
    assert options.sasl_password is None
    assert options.ssl_cafile is None


@pytest.mark.parametrize(
    "kafka",
    [
        "{session_timeout: 6s, heartbeat_interval: 3s}",
        "{session_timeout: 6s, heartbeat_interval: 4s}",
        "{rebalance_timeout: 20s, request_timeout: 25001ms}",
    ],
)
def test_what_the_kafka_options_refuse_check_config_refuses_with_its_place(
    kafka: str, tmp_path: Path
) -> None:
    refused = []

    try:
        wiring.kafka_options(loaded(f"kafka: {kafka}", tmp_path))
    except ConfigurationError as error:
        refused.append(str(error))

    # A mistake has its place in the file when the settings find it, and none when the options do.
    assert all("config.yaml:" in message for message in refused)


@pytest.mark.parametrize("session", ["6s", "9s", "20s"])
async def test_a_quiet_topic_is_committed_often_enough_to_be_shown_all_the_time(
    session: str, tmp_path: Path
) -> None:
    settings = loaded(f"kafka: {{session_timeout: {session}, heartbeat_interval: 2s}}", tmp_path)
    shown = []
    async with Shell(pace=wiring.pace(settings)) as shell:
        await shell.own(0)

        for _ in range(20):
            await shell.pass_time(1)
            shown.append(set(shell.publisher.shown))

        assert shown == [{0}] * 20


def test_the_lease_ends_four_seconds_before_the_session(tmp_path: Path) -> None:
    settings = loaded("kafka: {session_timeout: 20s}", tmp_path)

    assert wiring.pace(settings).lease_seconds == 16


def test_durations_become_seconds_at_the_loops_and_microseconds_inside(tmp_path: Path) -> None:
    settings = loaded(
        "checkpoint_interval: 250ms\nproof_interval: 2s\nproof_skew: 1500ms\ngrace: 3s\n"
        "limits: {stall_timeout: 2m}",
        tmp_path,
    )

    pace = wiring.pace(settings)

    assert (pace.checkpoint_seconds, pace.proof_seconds) == (0.25, 2.0)
    assert pace.proof_skew == 1_500_000
    assert pace.stall_seconds == 120
    assert wiring.grace(settings) == 3_000_000


def test_the_decoder_has_the_configured_limits(tmp_path: Path) -> None:
    small = wiring.decoder(loaded("kafka: {max_event_bytes: 100}", tmp_path))
    lenient = wiring.decoder(loaded("kafka: {timestamp_fallback: true}", tmp_path))
    timeless = record(0, b'{"type":"contact.closed","contact_id":"c"}', created=0)

    assert isinstance(small.decode(record(0, b" " * 101)), Rejected)
    assert isinstance(small.decode(timeless), Rejected)
    assert isinstance(lenient.decode(timeless), ContactEvent)


def test_folds_share_the_configured_limit_and_begin_where_they_are_told(tmp_path: Path) -> None:
    settings = loaded("limits: {bad_records: {share: 0.5, among: 4}, max_tracked: 7}", tmp_path)
    make = wiring.new_fold(settings, policy_book(settings))

    one, two = make(0, 10), make(3, 20)
    one.fold([record(10, NO_JSON, created=0), record(11, opened(0), created=0)])

    assert (one.partition, one.offset, two.partition, two.offset) == (0, 12, 3, 20)
    assert one.engine.grace == 5_000_000
    assert one.engine.max_tracked == 7
    with pytest.raises(FatalError):
        two.fold([record(20, NO_JSON, created=0), record(21, NO_JSON, created=0)])


async def test_dead_letters_may_go_nowhere() -> None:
    letters: DeadLetterSink = NullDeadLetters()

    await letters.send([])


def test_the_clock_tells_the_time_of_day_in_microseconds() -> None:
    clock: WallClock = SystemClock()

    before, told, after = time.time(), clock.now() / 1_000_000, time.time()

    assert before - 0.001 <= told <= after + 0.001
