"""The generated pages under docs/reference are what the code says; ``make docs`` renews them."""

import json
from collections.abc import Callable
from typing import Any, Final

import jsonschema
import pytest

from firstreply.adapters import asyncapi
from firstreply.adapters.asyncapi import asyncapi_text
from firstreply.adapters.contract import explain
from firstreply.adapters.kafka import letter, status_topic
from firstreply.cli_reference import commands, examples
from firstreply.cli_reference import page as cli_page
from firstreply.devkit.alerts_reference import page as alerts_page
from firstreply.domain.events import EventType
from tests.alerts.rule_files import rules
from tests.shared import ROOT

REFERENCE: Final = ROOT / "docs" / "reference"
SCHEMA: Final = json.loads((ROOT / "tests/docs/schema/asyncapi-3.0.0.json").read_text())
PAGES: Final[dict[str, Callable[[], str]]] = {
    "alerts.md": alerts_page,
    asyncapi.FILE: asyncapi_text,
    "cli.md": cli_page,
}


def complaints(document: dict[str, Any]) -> list[str]:
    return [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(document)]


@pytest.fixture
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(asyncapi_text())
    return loaded


def complaints_about(document: dict[str, Any], schema: str, value: object) -> list[str]:
    """Return what is wrong with a value, by the schema of that name."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    return [error.message for error in jsonschema.Draft7Validator(root).iter_errors(value)]


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_is_fresh(name: str, *, update_golden: bool) -> None:
    text = PAGES[name]()
    if update_golden:
        (REFERENCE / name).write_text(text, encoding="utf-8")

    assert (REFERENCE / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_document_is_asyncapi_3_0(document: dict[str, Any]) -> None:
    assert complaints(document) == []


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        (("operations", "setAside", "action"), "emit"),
        (("channels", "status", "bindings", "kafka", "partitions"), "one"),
        (("channels", "status", "adress"), "firstreply-status"),
        (("components", "messages", "opened", "bindings", "kafka", "key"), 7),
    ],
)
def test_a_mistake_in_the_document_is_found(
    document: dict[str, Any], place: tuple[str, ...], mistake: object
) -> None:
    *way, last = place
    inner = document
    for step in way:
        inner = inner[step]
    inner[last] = mistake

    assert complaints(document) != []


def test_every_reference_within_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    found = 0
    open_values: list[Any] = [document]
    while open_values:
        value = open_values.pop()
        if isinstance(value, list):
            open_values += value
        elif isinstance(value, dict):
            open_values += value.values()
            if "$ref" in value:
                found += 1
                inner = document
                for step in value["$ref"].removeprefix("#/").split("/"):
                    inner = inner[step]

    assert found > 30


def test_every_type_of_event_is_a_message_whose_example_the_service_accepts(
    document: dict[str, Any],
) -> None:
    messages = document["components"]["messages"].values()
    examples_by_type = {
        message["name"]: message["examples"][0]["payload"]
        for message in messages
        if "examples" in message
    }

    assert set(examples_by_type) == {kind.value for kind in EventType}
    for name, example in examples_by_type.items():
        assert explain(json.dumps(example).encode()) == []
        schema = name.removeprefix("contact.").capitalize()
        assert complaints_about(document, schema, example) == []
        assert complaints_about(document, schema, {**example, "contact_id": " "}) != []


def test_the_cloud_event_of_the_document_is_read_by_the_service(document: dict[str, Any]) -> None:
    event = {
        "specversion": "1.0",
        "type": "org.example.contact.opened.v1",
        "source": "/desk",
        "id": "7",
        "time": "2026-03-02T09:15:00Z",
        "data": {"contact_id": "c-1", "channel": "email", "actor": "customer"},
    }
    headers = [(f"ce_{name}", str(text).encode()) for name, text in event.items() if name != "data"]

    assert complaints_about(document, "Cloud", event) == []
    assert explain(json.dumps(event).encode()) == []
    assert (
        complaints_about(document, "CloudHeaders", {name: text.decode() for name, text in headers})
        == []
    )
    assert explain(json.dumps(event["data"]).encode(), headers=headers) == []
    assert complaints_about(document, "Cloud", {**event, "type": "contact.opened.v2"}) != []


def test_the_headers_of_a_letter_are_those_that_are_written(document: dict[str, Any]) -> None:
    written = document["components"]["schemas"]["LetterHeaders"]["properties"]

    assert set(written) == letter._OURS


def test_the_status_topic_is_told_as_it_is_made(document: dict[str, Any]) -> None:
    told = document["channels"]["status"]["bindings"]["kafka"]["topicConfiguration"]

    made = status_topic._SETTINGS
    assert told["retention.ms"] == int(made["retention.ms"])
    assert told["cleanup.policy"] == [made["cleanup.policy"]]


def test_every_command_has_help_and_an_example_of_itself() -> None:
    assert len(commands()) > 15
    for name, command in commands().items():
        assert command.help, name
        shown = examples(command)
        assert shown, f"firstreply {name} --help shows no example"
        for example in shown:
            assert example.startswith(f"firstreply {name}"), example


def test_every_rule_stands_in_the_reference_with_its_expression() -> None:
    text = alerts_page()

    for rule in rules():
        assert f"```promql\n{rule.expr.rstrip()}\n```" in text
        if rule.is_alert:
            assert f"\n### {rule.name}\n" in text
    assert "{{" not in text
