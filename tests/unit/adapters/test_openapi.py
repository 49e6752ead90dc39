"""The OpenAPI document: valid, fresh, and true of what is served."""

import json
from typing import Any

import aiohttp
import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from firstreply.adapters.openapi import FILE, openapi_text
from tests.shared import ROOT
from tests.unit.adapters.wall_server import serving
from tests.unit.domain.builders import opened
from tests.unit.wall.test_live import Scene

REFERENCE = ROOT / "docs" / "reference" / FILE


def problems(document: dict[str, Any], schema: str, value: object) -> list[str]:
    """Return what is wrong with a value, by the schema of that name."""
    root = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    validator = OAS31Validator(root)
    return [error.message for error in validator.iter_errors(value)]


def test_the_openapi_reference_is_fresh(*, update_golden: bool) -> None:
    if update_golden:
        REFERENCE.write_text(openapi_text(), encoding="utf-8")

    assert REFERENCE.read_text(encoding="utf-8") == openapi_text(), "run `make docs`"


def test_the_document_is_openapi_3_1() -> None:
    errors = OpenAPIV31SpecValidator(json.loads(openapi_text())).iter_errors()

    assert [error.message for error in errors] == []


@pytest.mark.parametrize("breaks", ["type", "pattern"])
def test_a_mistake_in_the_document_is_found(breaks: str) -> None:
    document = json.loads(openapi_text())
    document["components"]["schemas"]["Waiting"]["properties"]["total"][breaks] = 7

    assert list(OpenAPIV31SpecValidator(document).iter_errors())


async def test_every_path_of_the_document_is_served_and_the_other_way_round() -> None:
    documented = set(json.loads(openapi_text())["paths"])
    async with serving() as served:
        assert served.server._runner.app is not None
        resources = served.server._runner.app.router.resources()
        paths = {resource.canonical for resource in resources}

    assert documented == {path for path in paths if path.startswith("/api/")} - {
        "/api/v1/openapi.json"
    }


async def test_it_is_served_as_it_is_committed() -> None:
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        answer = await client.get("/api/v1/openapi.json")

        assert await answer.text() == openapi_text()


async def test_what_is_served_is_what_the_document_says() -> None:
    document = json.loads(openapi_text())
    scene = Scene(ids=True).well()
    scene.desk.receive(opened(0, "c", channel="chat"))
    scene.desk.advance(700)
    scene.gauges()
    scene.met(1)
    scene.gauges()

    empty = await Scene().wall.documents()
    full = await scene.wall.documents()

    for documents in (empty, full):
        assert problems(document, "Channels", json.loads(documents.channels)) == []
        assert problems(document, "UrgentContacts", json.loads(documents.urgent)) == []
    assert json.loads(full.urgent)["late"]


async def test_refusals_and_explanations_are_what_the_document_says_too() -> None:
    document = json.loads(openapi_text())
    async with serving() as served, aiohttp.ClientSession(served.address) as client:
        served.desk.receive(opened(0, "c"))
        explained = await (await client.get("/api/v1/contacts/c")).json()
        refused = [
            await (await client.request(method, path)).json()
            for method, path in (
                ("GET", "/api/v1/contacts/nobody"),
                ("GET", "/api/v1/nothing"),
                ("POST", "/api/v1/channels"),
            )
        ]

    assert problems(document, "Explanation", explained) == []
    assert [problems(document, "Refusal", one) for one in refused] == [[], [], []]


def test_a_value_that_is_not_as_documented_is_found() -> None:
    document = json.loads(openapi_text())

    assert problems(document, "Waiting", {"within": -1, "total": 0}) != []
    assert problems(document, "Kept", {"met": 1, "decided": 1, "share": 1.5}) != []
