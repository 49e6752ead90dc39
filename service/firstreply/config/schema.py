"""The JSON Schema of a configuration file, for editors: what pydantic makes of the models, mended.

pydantic writes default durations in another notation than the file's and leaves mappings with free
keys open to any key; both are put right here.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from firstreply.settings import ChannelSettings, Settings

Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | int | bool | None"

_DERIVED: Final = frozenset({"channels", "dead_letter_topic"})
"""Their defaults depend on other keys, or are too long to be of use."""


def json_schema() -> dict[str, Json]:
    """Return the JSON Schema (draft 2020-12) of a configuration file, for editors."""
    schema: dict[str, Json] = Settings.model_json_schema(mode="validation")
    _tidy(schema)
    _put_defaults(schema, schema["$defs"], Settings().model_dump(mode="json"))
    channel = mapping(schema["$defs"])["ChannelSettings"]
    _put_defaults(channel, {}, ChannelSettings().model_dump(mode="json"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def mapping(value: object) -> dict[str, Json]:
    """Return a JSON object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def free_values(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Return the schema of the values of a mapping with free keys; empty if it is none."""
    patterns = mapping(schema.get("patternProperties"))
    return next(map(mapping, patterns.values()), mapping(schema.get("additionalProperties")))


def _tidy(schema: Json) -> None:
    """Drop pydantic's titles and close what it leaves open: a free key must match its pattern."""
    if isinstance(schema, list):
        for item in schema:
            _tidy(item)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("title"), str):
        del schema["title"]
    schema.pop("default", None)
    if isinstance(schema.get("description"), str):
        schema["description"] = " ".join(str(schema["description"]).split())
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    for below in list(schema.values()):
        _tidy(below)


def _put_defaults(group: Json, definitions: Json, defaults: Mapping[str, Json]) -> None:
    """Write defaults as a person writes them in the file (pydantic writes ``PT20S``)."""
    for name, entry in mapping(mapping(group).get("properties")).items():
        schema, default = mapping(entry), defaults.get(name)
        below = mapping(definitions).get(reference(schema))
        if below is not None and isinstance(default, dict):
            _put_defaults(below, definitions, default)
        elif name not in _DERIVED and default not in (None, {}, []):
            schema["default"] = _without_nulls(default)


def _without_nulls(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value


def reference(schema: Mapping[str, Json]) -> str:
    """Return the name of the definition a schema refers to, also as one option; else nothing."""
    options = schema.get("anyOf")
    for option in [schema, *(options if isinstance(options, list) else [])]:
        name = mapping(option).get("$ref")
        if isinstance(name, str):
            return name.rsplit("/", 1)[-1]
    return ""
