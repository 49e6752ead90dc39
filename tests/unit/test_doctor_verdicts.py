"""The verdicts of ``firstreply doctor`` on topics, permissions, group, clock and records."""

import json
from collections.abc import Iterable
from datetime import timedelta

import msgspec
import pytest

from firstreply import wiring
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.seen import (
    ClockSeen,
    GroupSeen,
    MemberSeen,
    TopicSeen,
)
from firstreply.adapters.kafka.state_log import StateTopic
from firstreply.adapters.kafka.topics import Topic
from firstreply.doctor import own_topics
from firstreply.doctor.addresses import (
    Address,
)
from firstreply.doctor.clock import clock_verdict
from firstreply.doctor.finding import Finding, Result
from firstreply.doctor.group import MUCH_LAG, lag_verdicts, member_verdict
from firstreply.doctor.input_topic import setting_verdicts, topic_verdicts
from firstreply.doctor.permissions import Need, group_permissions, topic_permissions
from firstreply.doctor.sample import MOST, MOST_OF_ALL, Sample, share_of_each
from firstreply.policies import policy_book
from firstreply.ports import Record, TimestampType
from firstreply.settings import Settings

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


# Topics


def seen(**others: object) -> TopicSeen:
    plain = TopicSeen("events", partitions=4, replicas=3)
    return msgspec.structs.replace(plain, **others)


@pytest.mark.parametrize(
    ("topic", "brokers", "expected"),
    [
        (seen(), 3, ["ok"]),
        (seen(replicas=1), 1, ["ok"]),
        (seen(replicas=1), 3, ["warning"]),
        (seen(under_replicated=(0, 2)), 3, ["warning"]),
        (seen(without_leader=(1,)), 3, ["failure"]),
        (seen(without_leader=(1,), under_replicated=(1,)), 3, ["failure", "warning"]),
        (seen(error="TopicAuthorizationFailedError"), 3, ["failure"]),
        (seen(error="UnknownTopicOrPartitionError"), 3, ["failure"]),
    ],
)
def test_a_topic_is_judged_by_its_replicas_and_leaders(
    topic: TopicSeen, brokers: int, expected: list[str]
) -> None:
    assert [each for _, each in told(topic_verdicts(OPTIONS, topic, brokers))] == expected


def test_many_partitions_are_not_all_named() -> None:
    (found,) = topic_verdicts(OPTIONS, seen(without_leader=tuple(range(9))), 3)

    assert "partitions 0, 1, 2, 3, 4 and 4 more" in found.text


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"message.timestamp.type": "LogAppendTime"}, ["ok", "ok", "ok"]),
        ({}, ["ok", "ok", "ok"]),
        ({"message.timestamp.before.max.ms": str(2**63 - 1)}, ["ok", "ok", "ok"]),
        ({"message.timestamp.before.max.ms": "86399999"}, ["ok", "ok", "warning"]),
        ({"cleanup.policy": "compact"}, ["failure", "ok", "ok"]),
        ({"retention.ms": "86400000"}, ["ok", "warning", "warning", "ok"]),
        ({"retention.bytes": "1"}, ["ok", "warning", "ok"]),
    ],
)
def test_the_settings_of_the_input_are_judged(
    settings: dict[str, str], expected: list[str]
) -> None:
    topic = Topic("events", 4, 3, {"cleanup.policy": "delete", **settings})

    assert [each for _, each in told(setting_verdicts(OPTIONS, topic, 30 * DAY))] == expected


def test_settings_that_are_hidden_are_skipped_and_say_what_they_need() -> None:
    found = list(setting_verdicts(OPTIONS, Topic("events", 4, 3, None), None))

    assert told(found) == [
        (check, "skipped") for check in ("compaction", "retention", "timestamps")
    ]
    assert {one.text for one in found} == {"needs DESCRIBE_CONFIGS on events"}


def test_a_command_for_brokers_with_a_login_names_the_file_of_the_administrator() -> None:
    (plain,) = topic_verdicts(OPTIONS, seen(error="UnknownTopicOrPartitionError"), 1)
    (secured,) = topic_verdicts(options(), seen(error="UnknownTopicOrPartitionError"), 1)

    assert "--command-config" not in plain.command
    assert "--bootstrap-server kafka.example:9093 --command-config admin.properties" in (
        secured.command
    )


NEED = Need("letters", "kafka.dead_letter_topic", ("WRITE", "DESCRIBE"))


def test_a_topic_that_the_brokers_would_not_make_comes_with_the_command_that_makes_it() -> None:
    source = Topic("events", 4, 3, {})
    state = StateTopic("desk-state", 14 * DAY)
    command = own_topics.making(OPTIONS, source, "desk-state", state)

    found = own_topics.absent_verdict("state", NEED, "PolicyViolationError: no", command)
    wall = own_topics.absent_verdict(
        "status", msgspec.structs.replace(NEED, only_wall=True), "refused", command
    )

    assert (found.result, wall.result) == (Result.FAILURE, Result.WARNING)
    assert "would not make it: PolicyViolationError: no" in found.text
    assert "--topic desk-state --partitions 4 --replication-factor 3" in found.command
    assert f"--config retention.ms={14 * 86_400_000}" in found.command


# Permissions, group, clock


@pytest.mark.parametrize(
    ("operations", "sees", "expected"),
    [
        (None, False, "skipped"),
        ({"DESCRIBE"}, False, "failure"),
        ({"DESCRIBE", "WRITE"}, False, "ok"),
        ({"DESCRIBE", "WRITE"}, True, "warning"),
        ({"DESCRIBE", "WRITE", "DESCRIBE_CONFIGS"}, True, "ok"),
    ],
)
def test_permissions_are_judged_by_what_the_service_does(
    operations: set[str] | None,
    *,
    sees: bool,
    expected: str,
) -> None:
    need = msgspec.structs.replace(NEED, sees_settings=sees)
    allowed = None if operations is None else frozenset(operations)

    assert told(topic_permissions(OPTIONS, need, seen(operations=allowed))) == [
        ("permissions", expected)
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (GroupSeen(operations=frozenset({"READ"})), "ok"),
        (GroupSeen(operations=frozenset({"DESCRIBE"})), "failure"),
        (GroupSeen(error="GroupAuthorizationFailedError"), "failure"),
        (GroupSeen(), "skipped"),
    ],
)
def test_the_group_has_to_be_readable(group: GroupSeen, expected: str) -> None:
    assert told(group_permissions(OPTIONS, group)) == [("permissions", expected)]


@pytest.mark.parametrize(
    ("group", "result", "words"),
    [
        (GroupSeen(state="Empty"), "ok", "no service runs in it now"),
        (GroupSeen(error="GroupIdNotFoundError"), "ok", "no service runs in it now"),
        (GroupSeen(error="NotCoordinatorForGroupError"), "failure", "NotCoordinator"),
        (
            GroupSeen(state="Stable", members=(MemberSeen("firstreply", "10.0.0.1"),)),
            "ok",
            "1 member, on 10.0.0.1 (Stable)",
        ),
        (
            GroupSeen(members=(MemberSeen("firstreply", "a"), MemberSeen("etl", "b"))),
            "failure",
            "client id etl",
        ),
    ],
)
def test_who_is_in_the_group_is_told(group: GroupSeen, result: str, words: str) -> None:
    found = member_verdict(OPTIONS, group)

    assert found.result.value == result
    assert words in found.text


@pytest.mark.parametrize(
    ("committed", "runs", "result"),
    [
        ({0: 0}, True, "ok"),
        ({0: 0}, False, "ok"),
        ({0: MUCH_LAG + 1}, True, "ok"),
        ({}, True, "ok"),
    ],
)
def test_lag_at_the_limit_is_no_finding(
    committed: dict[int, int],
    *,
    runs: bool,
    result: str,
) -> None:
    bounds = {0: (0, MUCH_LAG)} if committed == {0: 0} else {0: (0, MUCH_LAG + 1)}

    assert told(lag_verdicts(OPTIONS, committed, bounds, runs=runs)) == [("lag", result)]


def test_more_lag_than_that_is_a_warning_only_while_the_service_runs() -> None:
    bounds = {0: (0, MUCH_LAG), 1: (5, 6)}

    (running,) = lag_verdicts(OPTIONS, {0: 0}, bounds, runs=True)
    (stopped,) = lag_verdicts(OPTIONS, {0: 0}, bounds, runs=False)

    assert (running.result, stopped.result) == (Result.WARNING, Result.OK)
    assert stopped.text == "10,001 records not read yet"


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("theirs", "result"),
    [(1000, "ok"), (2010, "ok"), (2011, "warning"), (-1, "ok"), (-2, "warning")],
)
def test_clocks_may_differ_by_what_proof_skew_allows_beyond_the_answers_way(
    theirs: int, result: str
) -> None:
    found = clock_verdict(ClockSeen(before=1000, theirs=theirs, after=1010), None, SECOND)

    assert found.result.value == result


def test_the_clock_that_is_ahead_is_told() -> None:
    ahead = clock_verdict(ClockSeen(0, 5000, 0), None, SECOND)
    behind = clock_verdict(ClockSeen(9000, 1000, 9000), None, SECOND)

    assert "5.0 s ahead of ours; proof_skew allows 1s" in ahead.text
    assert "8.0 s behind ours" in behind.text


@pytest.mark.parametrize(
    ("newest", "result"),
    [(None, "skipped"), (-5.0, "skipped"), (1000, "skipped"), (1001, "warning")],
)
def test_without_the_controllers_clock_only_a_stamp_of_the_future_tells(
    newest: float | None, result: str
) -> None:
    assert clock_verdict(None, newest, SECOND).result.value == result


# The sample


class Sampled(msgspec.Struct):
    """A record of a sample."""

    partition: int = 0
    offset: int = 0
    key: bytes | None = b"key"
    value: bytes | None = b""
    timestamp: int | None = NOW
    timestamp_type: int | None = TimestampType.CREATE_TIME
    headers: tuple[tuple[str, bytes | None], ...] = ()


def event(contact: str = "T-1", **members: str) -> bytes:
    said = {"type": "contact.opened", "time": "2025-11-24T12:00:00Z", "channel": "email"}
    return json.dumps({**said, "contact_id": contact, **members}).encode()


def sample(*records: Record) -> Sample:
    settings = Settings()
    made = Sample(wiring.decoder(settings), policy_book(settings), NOW)
    made.add(records)
    return made


def judged(made: Sample, stops_above: float = 0.5, expected: int = 1) -> list[tuple[str, str]]:
    return told(made.record_verdicts(OPTIONS, expected, stops_above))


def test_the_sample_is_bounded_however_many_partitions_there_are() -> None:
    assert share_of_each(1) == share_of_each(20) == MOST
    assert share_of_each(200) == MOST_OF_ALL // 200
    assert share_of_each(100_000) == 1


def test_one_contact_in_two_partitions_is_a_failure_whatever_the_keys() -> None:
    made = sample(Sampled(0, 7, value=event()), Sampled(1, 9, value=event()))

    found = made.key_verdict(OPTIONS, 2)

    assert found.result is Result.FAILURE
    assert "1 of 1 contacts" in found.text
    assert "at 0:7 and 1:9" in found.text
    assert "T-1" not in str(found)


@pytest.mark.parametrize(
    ("partitions", "key", "result"),
    [(1, None, "ok"), (1, b"", "ok"), (2, None, "warning"), (2, b"k", "ok")],
)
def test_keys_matter_where_there_is_more_than_one_partition(
    partitions: int, key: bytes | None, result: str
) -> None:
    made = sample(Sampled(key=key, value=event()))

    assert made.key_verdict(OPTIONS, partitions).result.value == result


def test_contact_events_and_other_types_are_fine_together_but_not_others_alone() -> None:
    ours, other = Sampled(value=event()), Sampled(value=event(type="order.placed"))

    assert judged(sample(ours, other)) == [("records", "ok")]
    assert judged(sample(other, other)) == [("records", "failure")]


def test_dead_letters_are_a_warning_until_they_would_stop_the_service() -> None:
    good, bad = Sampled(value=event()), Sampled(3, 5, value=b"T-1 is no json")

    half = list(sample(good, bad).record_verdicts(OPTIONS, 2, 0.5))
    more = list(sample(good, bad, bad).record_verdicts(OPTIONS, 3, 0.5))

    assert (told(half), told(more)) == ([("records", "warning")], [("records", "failure")])
    assert "limits.bad_records" in more[0].text
    assert "2 not_json (first at 3:5): JSON is malformed" in more[0].remedy
    assert "--partition 3 --offset 5 --max-messages 1 | firstreply check-event" in more[0].command
    assert "T-1" not in str(more)


def test_a_channel_that_is_not_configured_is_told_by_its_place_alone() -> None:
    made = sample(Sampled(2, 8, value=event(channel="pigeon")), Sampled(value=event("T-2")))

    *_, found = made.record_verdicts(OPTIONS, 2, 0.5)

    assert (found.check, found.result) == ("channels", Result.WARNING)
    assert "the first at 2:8" in found.text
    assert "pigeon" not in str(found)


def test_records_that_did_not_come_are_told_from_none_at_all() -> None:
    (none,) = sample().record_verdicts(OPTIONS, 0, 0.5)
    (late,) = sample().record_verdicts(OPTIONS, 3, 0.5)

    assert none.text == "needs records: the topic holds none yet"
    assert late.text == "needs records: none came in time"


def test_only_the_brokers_own_stamps_tell_of_its_clock() -> None:
    by_producer = sample(Sampled(value=event(), timestamp=NOW + 9000))
    by_broker = sample(
        *(
            Sampled(value=event(), timestamp=NOW + ahead, timestamp_type=1)
            for ahead in (-50, 70, 20)
        )
    )

    assert (by_producer.newest, by_broker.newest) == (None, 70)


@pytest.mark.parametrize(
    ("secured", "expected"),
    [
        (OPTIONS, "the anonymous user"),
        (options("SSL"), "the anonymous user"),
        (options("SSL", ssl_certfile="own.pem"), "the user of the certificate"),
        (options("SASL_SSL"), "user watcher"),
    ],
)
def test_who_may_not_do_something_is_named_as_the_brokers_know_him(
    secured: KafkaOptions, expected: str
) -> None:
    (found,) = topic_permissions(secured, NEED, seen(operations=frozenset()))

    assert found.text.startswith(f"{expected} may not write, describe topic letters")
