"""The published contract: schema and reference are fresh, and every fault is explained."""

import json
from pathlib import Path

import jsonschema
import pytest

from firstreply.adapters.codec import Decoder, Limits
from firstreply.adapters.contract import explain, judge, schema
from firstreply.adapters.contract_models import MODELS
from firstreply.adapters.contract_reference import (
    REFERENCE_FILE,
    SCHEMA_FILE,
    reference_text,
    schema_text,
    write,
)
from firstreply.adapters.records import FileRecord
from firstreply.domain.events import ContactEvent, EventType
from firstreply.rejection import NO_CONTACT_ID

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "reference"
OPENING = {
    "type": "contact.opened",
    "time": "2026-03-02T09:15:00Z",
    "contact_id": "c-1",
    "channel": "email",
}
VALIDATOR = jsonschema.Draft202012Validator(
    schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def example(kind: EventType) -> dict[str, object]:
    written = MODELS[kind].model_json_schema()["examples"][0]
    assert isinstance(written, dict)
    return written


@pytest.mark.parametrize(
    ("name", "text"), [(SCHEMA_FILE, schema_text()), (REFERENCE_FILE, reference_text())]
)
def test_the_committed_reference_is_fresh(name: str, text: str) -> None:
    committed = (REFERENCE / name).read_text(encoding="utf-8")

    remedy = "run: python -m firstreply.adapters.contract_reference docs/reference"

    assert committed == text, remedy


def test_writing_the_reference_makes_both_files(tmp_path: Path) -> None:
    write(tmp_path)

    names = {path.name for path in tmp_path.iterdir()}

    assert names == {SCHEMA_FILE, REFERENCE_FILE}
    assert (tmp_path / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_the_schema_is_a_valid_one_of_draft_2020_12() -> None:
    published = json.loads(schema_text())

    jsonschema.Draft202012Validator.check_schema(published)

    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_type_has_a_model_of_its_own() -> None:
    types = {
        kind: model.model_json_schema()["properties"]["type"] for kind, model in MODELS.items()
    }

    consts = {kind: written["const"] for kind, written in types.items()}

    assert consts == {kind: kind.value for kind in EventType}


@pytest.mark.parametrize("kind", list(EventType))
def test_the_published_example_of_a_type_is_accepted_by_schema_and_service(
    kind: EventType,
) -> None:
    written = example(kind)

    event = Decoder().decode(FileRecord(0, json.dumps(written).encode()))

    VALIDATOR.validate(written)
    assert isinstance(event, ContactEvent)
    assert event.type is kind


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (EventType.OPENED, {"channel": None}),
        (EventType.OPENED, {"channel": " "}),
        (EventType.OPENED, {"contact_id": None}),
        (EventType.OPENED, {"contact_id": ""}),
        (EventType.OPENED, {"contact_id": 5}),
        (EventType.OPENED, {"contact_id": "x" * 513}),
        (EventType.OPENED, {"time": None}),
        (EventType.OPENED, {"time": True}),
        (EventType.OPENED, {"time": -1}),
        (EventType.OPENED, {"time": 10**14}),
        (EventType.OPENED, {"direction": "in"}),
        (EventType.OPENED, {"queue": "x" * 513}),
        (EventType.RESPONDED, {"actor": None}),
        (EventType.RESPONDED, {"actor": "customer"}),
        (EventType.MESSAGE, {"actor": "agent"}),
        (EventType.EXCLUDED, {"reason": None}),
    ],
)
def test_what_the_schema_refuses_the_service_rejects(
    kind: EventType, changes: dict[str, object]
) -> None:
    written = {**example(kind), **changes}

    faults = judge(FileRecord(0, json.dumps(written).encode()), Limits())

    assert not VALIDATOR.is_valid(written)
    assert isinstance(faults, tuple)


@pytest.mark.parametrize(
    "changes",
    [
        {"queue": None, "id": None, "actor": None},
        {"time": 0},
        {"time": 1_772_442_900.5},
        {"unknown": [1]},
        {"contact_id": "x" * 512},
    ],
)
def test_what_the_schema_allows_the_service_accepts(changes: dict[str, object]) -> None:
    written = {**OPENING, **changes}

    event = judge(FileRecord(0, json.dumps(written).encode()), Limits())

    VALIDATOR.validate(written)
    assert isinstance(event, ContactEvent)


def test_all_faults_are_explained_at_once() -> None:
    value = json.dumps(
        {
            "type": "contact.excluded",
            "time": "2026-03-02T09:15:00",
            "contact_id": "",
            "id": 5,
            "actor": "robot",
            "direction": "sideways",
        }
    ).encode()

    explanations = explain(value)

    assert explanations == [
        "id must be text of at most 512 characters; write a number in quotes",
        "time has no offset from UTC; append Z or one such as +01:00",
        NO_CONTACT_ID.detail,
        "actor must be customer, agent, bot or system",
        "direction must be inbound or outbound",
        "reason is missing or blank; contact.excluded requires it",
    ]


def test_all_faults_of_a_cloud_event_are_explained_at_once() -> None:
    value = json.dumps(
        {
            "specversion": "2.0",
            "type": "contact.opened",
            "time": 5,
            "data": {"contact_id": "c", "actor": 5},
        }
    ).encode()

    starts = [explanation.split(";")[0].split(",")[0] for explanation in explain(value)]

    assert starts == [
        'specversion must be the text "1.0"',
        "source is missing or blank",
        "id is missing or blank",
        "time must be RFC 3339 with seconds and an offset",
        "channel is missing or blank",
        "data.actor must be customer",
    ]


def test_without_a_type_the_rest_is_still_explained() -> None:
    explanations = explain(b'{"time":true}')

    starts = [explanation.split(" ")[0] for explanation in explanations]

    assert starts == ["type", "time", "contact_id"]


@pytest.mark.parametrize(
    "value", [json.dumps(OPENING).encode(), b'{"type":"order.shipped"}'], ids=["good", "unknown"]
)
def test_nothing_is_explained_where_nothing_is_wrong(value: bytes) -> None:
    explanations = explain(value)

    assert explanations == []


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000])
def test_a_number_beyond_any_range_is_explained(number: bytes) -> None:
    value = b'{"type":"contact.queued","contact_id":"c","time":%s}' % number

    explanations = explain(value)

    assert [text.split(",")[0] for text in explanations] == [
        "time must be RFC 3339 with seconds and an offset"
    ]


def test_the_records_timestamp_and_the_limits_count_for_the_explanation() -> None:
    value = json.dumps(OPENING).encode()

    early = explain(value, timestamp=0)
    small = explain(value, limits=Limits(max_event_bytes=10))

    assert [text.split(" (")[0] for text in early] == ["time is too far in the future"]
    assert small == ["the value is larger than 10 bytes; send the event without its content"]
