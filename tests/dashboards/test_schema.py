"""Every board is what the published types of the oldest and of the newest Grafana allow.

``schema/`` says where the types come from. They know the root, panels, options, defaults of fields
and queries (10.0 not the root, 13 no longer the queries); what they leave open, transformations and
overrides, is checked here by name.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator

from firstreply.words import Language
from tests.dashboards.panel_queries import documents

_SCHEMAS: Final = Path(__file__).parent / "schema"
_GRAFANAS: Final = ("grafana-10.0", "grafana-10.4", "grafana-13")
_UIDS: Final = tuple(documents())
_TRANSFORMATIONS: Final = {
    "calculateField",
    "convertFieldType",
    "groupBy",
    "groupingToMatrix",
    "joinByField",
    "merge",
    "organize",
    "sortBy",
}
"""Those that exist, with the options we use, from Grafana 10.0 to 13."""

_types: dict[str, dict[str, Any]] = {
    name: json.loads((_SCHEMAS / f"{name}.json").read_text())["definitions"] for name in _GRAFANAS
}


def mistakes(document: dict[str, Any], grafana: str) -> Iterator[str]:
    """Yield what a Grafana would not know or would take for something else."""
    types = _types[grafana]
    root = types.get("dashboard") or _types["grafana-10.4"]["dashboard"]
    target_type = types.get("target") or _types["grafana-10.4"]["target"]
    yield from _wrong("board", {**document, "panels": []}, root)
    panel_type, row_type = _kinds(root)
    for panel in document["panels"]:
        at = f"panel {panel['id']}"
        if panel["type"] == "row":
            yield from _wrong(at, panel, row_type)
            continue
        yield from _wrong(at, panel, panel_type)
        defaults = panel["fieldConfig"]["defaults"]
        custom = types.get(f"custom {panel['type']}", {"additionalProperties": False})
        yield from _wrong(f"{at} options", panel["options"], types[f"options {panel['type']}"])
        yield from _wrong(f"{at} custom", defaults["custom"], custom)
        for target in panel["targets"]:
            yield from _wrong(f"{at} target", target, target_type)
        for override in panel["fieldConfig"]["overrides"]:
            for changed in override["properties"]:
                yield from _wrong_override(f"{at} override", changed, custom, panel_type)


def _wrong(where: str, value: object, schema: dict[str, Any]) -> Iterator[str]:
    for error in Draft7Validator(schema).iter_errors(value):
        yield f"{where}: {error.json_path}: {error.message[:200]}"


def _kinds(dashboard: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the types of a panel and of a row, among those of all that may lie on a board."""
    variants = dashboard["properties"]["panels"]["items"]["anyOf"]
    (panel,) = (one for one in variants if "fieldConfig" in one["properties"])
    (row,) = (one for one in variants if "collapsed" in one["properties"])
    return panel, row


def _wrong_override(
    where: str, changed: dict[str, Any], custom: dict[str, Any], panel: dict[str, Any]
) -> Iterator[str]:
    """Hold an override against the type of the field that it overrides."""
    kind, _, name = changed["id"].rpartition(".")
    of_all = panel["properties"]["fieldConfig"]["properties"]["defaults"]
    fields = custom if kind == "custom" else of_all
    yield from _wrong(where, {name: changed["value"]}, fields)


@pytest.mark.parametrize("grafana", _GRAFANAS)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("uid", _UIDS)
def test_every_board_is_what_the_published_types_allow(
    uid: str, language: Language, grafana: str
) -> None:
    document = json.loads(json.dumps(documents(language)[uid]))

    assert list(mistakes(document, grafana)) == []


def test_transformations_are_those_that_all_these_versions_have() -> None:
    used = {
        step["id"]
        for document in documents().values()
        for panel in document["panels"]
        for step in panel.get("transformations", ())
    }

    assert used == _TRANSFORMATIONS


def _first(document: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["panels"] if one["type"] == kind)
    return found


def _rename(part: dict[str, Any], name: str, misspelt: str) -> None:
    part[misspelt] = part.pop(name)


_MISSPELT: Final[dict[str, Callable[[dict[str, Any]], None]]] = {
    "root": lambda board: _rename(board, "refresh", "refesh"),
    "link": lambda board: _rename(board["links"][0], "keepTime", "keeptime"),
    "variable": lambda board: _rename(board["templating"]["list"][0], "hide", "hidden"),
    "panel": lambda board: _rename(_first(board, "stat"), "description", "descripton"),
    "options": lambda board: _rename(_first(board, "stat")["options"], "colorMode", "colourMode"),
    "text size": lambda board: _rename(
        _first(board, "stat")["options"]["text"], "valueSize", "valuesize"
    ),
    "value": lambda board: _first(board, "stat")["options"].update(colorMode="backgroundSolid"),
    "defaults": lambda board: _rename(
        _first(board, "stat")["fieldConfig"]["defaults"], "noValue", "novalue"
    ),
    "custom": lambda board: _rename(
        _first(board, "state-timeline")["fieldConfig"]["defaults"]["custom"],
        "fillOpacity",
        "fillOpacty",
    ),
    "target": lambda board: _rename(_first(board, "stat")["targets"][0], "expr", "expression"),
    "override": lambda board: _first(board, "stat")["fieldConfig"]["overrides"].append(
        {
            "matcher": {"id": "byName", "options": "x"},
            "properties": [{"id": "colour", "value": {"mode": "fixed"}}],
        }
    ),
}


@pytest.mark.parametrize("grafana", _GRAFANAS)
@pytest.mark.parametrize("where", _MISSPELT)
def test_a_misspelt_field_is_caught(where: str, grafana: str) -> None:
    document = copy.deepcopy(json.loads(json.dumps(documents()["firstreply-wall"])))
    _MISSPELT[where](document)

    found = list(mistakes(document, grafana))

    assert found != []
