"""CloudEvents: the official package as the oracle where it is right, and its defects as ours not.

The package is a test dependency only (its defects: time made up, foreign headers decoded, null
headers fatal, null values hidden).
"""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from firstreply.adapters.codec import UNKNOWN, Decoder, Reason, Rejected, Unknown
from firstreply.adapters.records import FileRecord
from firstreply.domain.events import Actor, ContactEvent, EventType
from firstreply.domain.instants import SECOND, to_instant
from firstreply.ports import Headers

NINE_FIFTEEN = 1_772_442_900 * SECOND
STRUCTURED: Headers = [("content-type", b"application/cloudevents+json")]
ATTRIBUTES = {
    "specversion": "1.0",
    "type": "org.example.contact.responded.v1",
    "source": "/crm",
    "id": "17",
    "time": "2026-03-02T09:15:00Z",
}
DATA = {"contact_id": "c-1", "actor": "agent"}
EVENT = ContactEvent(
    contact_id="c-1",
    type=EventType.RESPONDED,
    time=NINE_FIFTEEN,
    id="/crm/17",
    actor=Actor.AGENT,
)


def structured(data: object = DATA, **changes: object) -> bytes:
    """Write an envelope with some attributes changed; None leaves one out."""
    envelope = {**ATTRIBUTES, "data": data, **changes}
    return json.dumps({name: each for name, each in envelope.items() if each is not None}).encode()


def binary(**changes: bytes | None) -> Headers:
    attributes = {name: text.encode() for name, text in ATTRIBUTES.items()}
    return [(f"ce_{name}", content) for name, content in {**attributes, **changes}.items()]


def decode(value: bytes | None, headers: Headers = ()) -> ContactEvent | Rejected | Unknown:
    return Decoder().decode(FileRecord(0, value, headers=headers))


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)
OPAQUE = TEXT.filter(lambda text: not text.isspace())
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(
    datetime(1970, 1, 3),  # noqa: DTZ001 - the zone is drawn
    datetime(2099, 12, 29),  # noqa: DTZ001 - the zone is drawn
    timezones=ZONES,
)


@st.composite
def well_formed(draw: st.DrawFn) -> CloudEvent:
    prefix = draw(st.sampled_from(["", "org.example.", "com.a-b.c_1."]))
    kind = draw(st.sampled_from(list(EventType)))
    data: dict[str, object] = {
        "channel": draw(st.sampled_from(["email", "chat"])),
        "reason": "spam",
        "extra": draw(st.none() | TEXT),
    }
    if kind is EventType.RESPONDED:
        data["actor"] = draw(st.sampled_from(["agent", "bot"]))
    attributes = {
        "type": f"{prefix}{kind}{draw(st.sampled_from(['', '.v1']))}",
        "source": draw(OPAQUE),
        "id": draw(OPAQUE),
        "time": draw(TIMES),
        "datacontenttype": draw(st.sampled_from(["application/json", "application/x+json"])),
    }
    contact = draw(OPAQUE)
    if draw(st.booleans()):
        data["contact_id"] = contact
    else:
        attributes["partitionkey"] = contact
    return CloudEvent(attributes, data)


def expected(event: CloudEvent) -> tuple[str, str, int, object, object, object]:
    time, data = event.get_time(), event.get_data()
    assert time is not None
    assert isinstance(data, dict)
    parts = event.get_type().removesuffix(".v1").split(".")
    return (
        ".".join(parts[-2:]),
        f"{event.get_source()}/{event.get_id()}",
        to_instant(time),
        data.get("contact_id", event.get_extension("partitionkey")),
        data["channel"],
        data.get("actor"),
    )


def got(verdict: ContactEvent | Rejected | Unknown) -> tuple[str, str, int, object, object, object]:
    assert isinstance(verdict, ContactEvent), verdict
    return (
        verdict.type.value,
        verdict.id,
        verdict.time,
        verdict.contact_id,
        verdict.channel,
        verdict.actor,
    )


@given(well_formed())
def test_structured_events_of_the_official_package_are_read_as_it_reads_them(
    event: CloudEvent,
) -> None:
    message = kafka.to_structured(event, JSONFormat(), key_mapper=lambda _: None)
    oracle = kafka.from_kafka(message, JSONFormat(), CloudEvent)

    with_header = decode(message.value, list(message.headers.items()))
    as_in_a_file = decode(message.value)

    assert isinstance(oracle, CloudEvent)
    assert got(with_header) == expected(oracle) == expected(event)
    assert as_in_a_file == with_header


@given(well_formed())
def test_binary_events_of_the_official_package_are_read_as_it_reads_them(event: CloudEvent) -> None:
    message = kafka.to_binary(event, JSONFormat(), key_mapper=lambda _: None)
    oracle = kafka.from_kafka(message, JSONFormat(), CloudEvent)

    verdict = decode(message.value, list(message.headers.items()))

    assert isinstance(oracle, CloudEvent)
    assert got(verdict) == expected(oracle) == expected(event)


@pytest.mark.parametrize(
    "foreign",
    [("kafka_dlt-original-offset", b"\xff\0\0\0\0\0\0\x07"), ("traceparent", None)],
)
def test_a_foreign_header_that_breaks_the_package_does_not_matter_here(
    foreign: tuple[str, bytes | None],
) -> None:
    headers = [foreign, *binary(), foreign]
    value = json.dumps(DATA).encode()

    with pytest.raises((UnicodeDecodeError, AttributeError)):
        kafka.from_binary(
            kafka.KafkaMessage(dict(headers), None, value),  # type: ignore[arg-type]
            JSONFormat(),
        )
    verdict = decode(value, headers)

    assert verdict == EVENT


def test_an_absent_time_is_made_up_by_the_package_and_rejected_here() -> None:
    value = structured(time=None)

    oracle = kafka.from_structured(kafka.KafkaMessage({}, None, value), JSONFormat())
    verdict = decode(value, STRUCTURED)

    assert oracle.get_time() is not None
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.NO_TIME


def test_a_header_given_twice_has_no_place_in_the_package_and_the_last_counts_here() -> None:
    headers = [("ce_id", b"first"), *binary(), ("CE_Id", b"last"), ("ce_id", None)]

    verdict = decode(json.dumps(DATA).encode(), headers)

    assert isinstance(verdict, ContactEvent)
    assert verdict.id == "/crm/last"


def test_a_null_value_is_hidden_by_the_package_and_rejected_here() -> None:
    message = kafka.KafkaMessage(
        {name: content or b"" for name, content in binary()},
        None,
        None,  # type: ignore[arg-type]
    )

    oracle = kafka.from_binary(message, JSONFormat())
    verdict = decode(None, binary())

    assert oracle.get_data() is None
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.NOT_JSON


def test_a_binary_key_breaks_the_package_and_is_not_looked_at_here() -> None:
    value = json.dumps(DATA).encode()
    message = kafka.KafkaMessage(dict(STRUCTURED), b"\xff", structured())  # type: ignore[arg-type]

    with pytest.raises(UnicodeDecodeError):
        kafka.from_structured(message, JSONFormat())
    verdict = Decoder().decode(FileRecord(0, value, key=b"\xff", headers=binary()))

    assert verdict == EVENT


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("contact.responded", EventType.RESPONDED),
        ("contact.responded.v1", EventType.RESPONDED),
        ("x.contact.responded", EventType.RESPONDED),
        ("org.example.contact.responded.v1", EventType.RESPONDED),
        ("org.example.contact.responded.v2", None),
        ("org.example.contact.responded.v1.v1", None),
        ("org.example.contact.answered.v1", None),
        (".contact.responded", None),
        ("xcontact.responded", None),
        ("responded", None),
        ("", None),
    ],
)
def test_a_type_may_have_a_prefix_and_version_1(written: str, kind: EventType | None) -> None:
    value = structured(type=written)

    verdict = decode(value, STRUCTURED)

    if kind is None:
        assert verdict is UNKNOWN
    else:
        assert verdict == EVENT


@pytest.mark.parametrize(
    "content_type",
    [b"application/cloudevents+json; charset=utf-8", b"Application/CloudEvents+JSON"],
)
def test_a_structured_content_type_wins_over_attributes_in_headers(content_type: bytes) -> None:
    headers = [*binary(type=b"org.example.other"), ("Content-Type", content_type)]

    verdict = decode(structured(), headers)

    assert verdict == EVENT


def test_ce_headers_without_specversion_leave_the_value_to_decide() -> None:
    headers = [(name, content) for name, content in binary() if name != "ce_specversion"]
    value = b'{"type":"contact.queued","time":1772442900,"contact_id":"c-2","id":"e"}'

    verdict = decode(value, headers)

    assert isinstance(verdict, ContactEvent)
    assert verdict.contact_id == "c-2"


@pytest.mark.parametrize(
    ("changes", "reason", "start"),
    [
        ({"specversion": "0.3"}, Reason.WRONG_SCHEMA, "specversion must be"),
        ({"specversion": 1.0}, Reason.WRONG_SCHEMA, "specversion must be"),
        ({"type": None}, Reason.WRONG_SCHEMA, "type is missing"),
        ({"source": None}, Reason.WRONG_SCHEMA, "source is missing"),
        ({"source": " "}, Reason.WRONG_SCHEMA, "source is missing"),
        ({"id": None}, Reason.WRONG_SCHEMA, "id is missing"),
        ({"id": ""}, Reason.WRONG_SCHEMA, "id is missing"),
        ({"id": 17}, Reason.WRONG_SCHEMA, "id must be text"),
        ({"source": "s" * 300, "id": "i" * 212}, Reason.WRONG_SCHEMA, "source and id together"),
        ({"time": 1772442900}, Reason.BAD_TIME, "time must be RFC 3339"),
        ({"time": "2026-03-02T09:15:00"}, Reason.BAD_TIME, "time has no offset"),
        ({"data": [1]}, Reason.WRONG_SCHEMA, "data must be a JSON object"),
        ({"data": None}, Reason.NO_CONTACT_ID, "contact_id is missing"),
        ({"data": {"contact_id": 5}}, Reason.WRONG_SCHEMA, "data.contact_id must be text"),
        ({"data": {**DATA, "actor": "x"}}, Reason.WRONG_SCHEMA, "data.actor must be"),
        ({"data": None, "data_base64": "!"}, Reason.WRONG_SCHEMA, "data_base64 must be"),
        ({"data": None, "data_base64": "/w=="}, Reason.NOT_JSON, "the event is not UTF-8"),
    ],
)
def test_a_fault_of_an_envelope_is_named(
    changes: dict[str, object], reason: Reason, start: str
) -> None:
    value = structured(**changes)

    with_header = decode(value, STRUCTURED)
    as_in_a_file = decode(value)

    assert isinstance(with_header, Rejected)
    assert with_header.reason is reason
    assert with_header.detail.startswith(start)
    assert as_in_a_file == with_header


def test_source_and_id_together_may_have_512_characters() -> None:
    value = structured(source="s" * 300, id="i" * 211)

    verdict = decode(value)

    assert isinstance(verdict, ContactEvent)
    assert len(verdict.id) == 512


@pytest.mark.parametrize(
    ("changes", "reason", "start"),
    [
        ({"type": None}, Reason.WRONG_SCHEMA, "type is missing"),
        ({"type": b"\xff"}, Reason.WRONG_SCHEMA, "ce_type must be text"),
        ({"time": b"\xff"}, Reason.BAD_TIME, "ce_time must be RFC 3339"),
        ({"time": b"1772442900"}, Reason.BAD_TIME, "time must be RFC 3339"),
        ({"time": None}, Reason.NO_TIME, "time is missing"),
        ({"specversion": b"0.3"}, Reason.WRONG_SCHEMA, "specversion must be"),
        ({"source": b""}, Reason.WRONG_SCHEMA, "source is missing"),
        ({"partitionkey": b"x" * 513}, Reason.WRONG_SCHEMA, "partitionkey must be text"),
    ],
)
def test_a_fault_of_a_binary_attribute_is_named(
    changes: dict[str, bytes | None], reason: Reason, start: str
) -> None:
    value = json.dumps(DATA).encode()

    verdict = decode(value, binary(**changes))

    assert isinstance(verdict, Rejected)
    assert verdict.reason is reason
    assert verdict.detail.startswith(start)


@pytest.mark.parametrize("time", [b"2026-03-02T09:15:00Z", b"yesterday", b"\xff"])
def test_another_systems_event_is_ignored_though_its_data_is_no_json(time: bytes) -> None:
    headers = binary(type=b"org.example.order.shipped", time=time)

    verdict = decode(b"\xff\0protobuf", headers)

    assert verdict is UNKNOWN


def test_another_systems_event_is_ignored_though_its_base64_is_no_json() -> None:
    encoded = base64.b64encode(b"\xff\0protobuf").decode()

    verdict = decode(structured(data=None, data_base64=encoded, type="order.shipped"), STRUCTURED)

    assert verdict is UNKNOWN


def test_an_unknown_type_is_ignored_though_the_envelope_is_wrong() -> None:
    value = structured(type="org.example.order.shipped", id=17, specversion=2)

    verdict = decode(value)

    assert verdict is UNKNOWN


def test_data_may_come_in_base64() -> None:
    encoded = base64.b64encode(json.dumps(DATA).encode()).decode()

    verdict = decode(structured(data=None, data_base64=encoded))

    assert verdict == EVENT


@pytest.mark.parametrize("data", [None, {}, {"contact_id": None}])
def test_without_contact_id_in_the_data_the_partition_key_is_the_contact(data: object) -> None:
    value = structured(data, type="contact.abandoned", partitionkey="c-9", subject="somebody")

    verdict = decode(value)

    assert isinstance(verdict, ContactEvent)
    assert verdict.contact_id == "c-9"


def test_a_blank_contact_id_in_the_data_is_a_fault_and_not_replaced() -> None:
    value = structured({**DATA, "contact_id": ""}, partitionkey="c-9")

    verdict = decode(value)

    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.NO_CONTACT_ID


def test_neither_subject_nor_the_records_key_is_the_contact() -> None:
    value = structured({"actor": "agent"}, subject="c-1")

    verdict = Decoder().decode(FileRecord(0, value, key=b"c-1"))

    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.NO_CONTACT_ID


def test_an_empty_value_in_binary_mode_is_an_event_without_data() -> None:
    headers = binary(type=b"contact.abandoned", partitionkey=b"c-1")

    verdict = decode(b"", headers)

    assert isinstance(verdict, ContactEvent)
    assert verdict.contact_id == "c-1"


def test_extensions_named_like_our_members_do_not_matter() -> None:
    value = structured(channel=5, queue=True, actor="nobody", reason=[], direction="x")

    verdict = decode(value)

    assert verdict == EVENT


def test_members_of_the_data_do_not_replace_attributes() -> None:
    value = structured({**DATA, "id": "other", "time": 5, "type": "contact.closed"})

    verdict = decode(value)

    assert verdict == EVENT


def test_the_time_of_an_attribute_keeps_its_offset() -> None:
    at = datetime(2026, 3, 2, 9, 15, tzinfo=UTC).astimezone(timezone(timedelta(hours=5.5)))

    verdict = decode(structured(time=at.isoformat()))

    assert verdict == EVENT
