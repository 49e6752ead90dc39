"""Writes the configuration's reference page and its JSON Schema from the settings models.

The models are the one source: the docstring under a field is its entry. A test compares the
committed files with what is generated here; they are written anew by
``python -m firstreply.config.reference docs/reference``.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from firstreply.config.builtin import ALIASES, VOICE
from firstreply.config.changes import applies_at
from firstreply.config.schema import Json, free_values, json_schema, mapping, reference

SCHEMA_FILE: Final = "configuration.schema.json"
PAGE_FILE: Final = "configuration.md"

_INTRODUCTION: Final = """\
# Configuration

<!-- Generated from the settings models by `make docs`; do not edit. -->

firstreply reads one YAML file, and works without any: every key below has a default. Editors
complete and check the file when it begins with

```yaml
# yaml-language-server: $schema=configuration.schema.json
```

and the path leads to [configuration.schema.json](configuration.schema.json). `firstreply
check-config` lists every mistake with its line and column, and shows what is in force.

- An unknown key, a key given twice and a value that cannot be meant are errors; nothing is guessed.
- All plain values are read as text and then as what the key needs, so quotes never matter. Names
  that other YAML readers take for booleans (`no`, `on`) must be quoted.
- A *duration* is written as in Prometheus: `250ms`, `20s`, `10m`, `1h30m`, `30d`.
- Every key can be set by an environment variable, which wins over the file: `FIRSTREPLY_` and the
  path of the key with two underscores between its steps, such as
  `FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS`. Lists and mappings are written as in YAML:
  `[spam, test]`. An empty variable counts as not set. `FIRSTREPLY_CONFIG` names the file.
- NAME, LIMIT, DAYS and DATE in a heading stand for a key of your choice.
- *change* says what puts a changed value in force: a `reload` of the running service, or only a
  `restart`. See [Change the configuration](../how-to/change-the-configuration.md).
"""

_STEPS: Final = {
    "bands": "LIMIT",
    "channels": "NAME",
    "calendars": "NAME",
    "weekly": "DAYS",
    "exceptions": "DATE",
}


def schema_text() -> str:
    """Return the content of ``configuration.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def page_text() -> str:
    """Return the content of ``configuration.md``."""
    schema = json_schema()
    sections = (_section(path, group, schema) for path, group in _groups("", schema, schema))
    return "\n".join([_INTRODUCTION, *sections, _builtin_channels()])


def main(arguments: list[str]) -> int:
    """Write both files to the folder given; return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m firstreply.config.reference FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
    (folder / PAGE_FILE).write_text(page_text(), encoding="utf-8")
    return 0


def _groups(
    path: str,
    group: dict[str, Json],
    root: dict[str, Json],
) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield every group with its path, in the order of the file."""
    yield path, group
    definitions = mapping(root["$defs"])
    for name, entry in mapping(group["properties"]).items():
        schema = mapping(entry)
        free = free_values(schema)
        below = mapping(definitions.get(reference(free or schema)))
        if "properties" in below:
            step = f"{name}.{_STEPS[name]}" if free else name
            yield from _groups(f"{path}.{step}" if path else step, below, root)


def _section(path: str, group: dict[str, Json], root: dict[str, Json]) -> str:
    required = group.get("required", [])
    lines = [f"## {path}" if path else "## Top level", ""]
    if path:
        lines += [str(group.get("description", "")), ""]
    lines += ["| key | value | default | change | meaning |", "|---|---|---|---|---|"]
    for name, entry in mapping(group["properties"]).items():
        schema = mapping(entry)
        needed = isinstance(required, list) and name in required
        default = "required" if needed else _default_text(schema)
        kind = _kind(schema, mapping(root["$defs"]))
        change = applies_at((*filter(None, path.split(".")), name)).value
        meaning = schema.get("description", "")
        lines.append(f"| `{name}` | {kind} | {default} | {change} | {meaning} |")
    return "\n".join([*lines, ""])


def _default_text(schema: Mapping[str, Json]) -> str:
    default = schema.get("default")
    if default in (None, {}, []):
        return ""
    if isinstance(default, dict):
        return ", ".join(f"`{key}: {_flow(value)}`" for key, value in default.items())
    return f"`{_flow(default)}`"


def _flow(value: Json) -> str:
    """Write a value in YAML's flow style."""
    match value:
        case dict():
            return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def _kind(schema: Mapping[str, Json], definitions: Mapping[str, Json]) -> str:
    """Say in a few words what a value may be."""
    options = schema.get("anyOf")
    if isinstance(options, list):
        kinds = [_kind(mapping(one), definitions) for one in options if one != {"type": "null"}]
        return " or ".join(kinds)
    if "$ref" in schema:
        return _kind(mapping(definitions[reference(schema)]), definitions)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list):
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(mapping(schema.get('items')), definitions)}"
    return _plain_kind(schema)


def _plain_kind(schema: Mapping[str, Json]) -> str:
    kind, form = schema.get("type"), schema.get("format")
    if kind == "object":
        return "mapping" if free_values(schema) else "group"
    if "examples" in schema:
        return "duration"
    words = {
        "integer": "whole number",
        "boolean": "`true`, `false`",
        "path": "path",
        "password": "secret text",
        "date-time": "time",
        "string": "text",
    }
    return words.get(str(form)) or words.get(str(kind), str(kind)) + _range(schema)


def _range(schema: Mapping[str, Json]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [f"{words[key]} {schema[key]}" for key in words if key in schema]
    return ", " + ", ".join(bounds) if bounds else ""


def _builtin_channels() -> str:
    lines = ["## Built-in channels", "", "Unless `channels_only` is set.", ""]
    lines += ["| channel | aliases | voice |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {', '.join(f'`{alias}`' for alias in aliases)} | "
        f"{'yes' if name in VOICE else ''} |"
        for name, aliases in ALIASES.items()
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
