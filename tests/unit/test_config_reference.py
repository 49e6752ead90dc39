import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from firstreply.config.reference import PAGE_FILE, SCHEMA_FILE, main, page_text, schema_text
from firstreply.config.schema import json_schema
from firstreply.settings import Settings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
CONFIG = ROOT / "tests" / "config"


class EditorLoader(yaml.SafeLoader):
    """Reads YAML as editors do (1.2): dates and base-60 numbers are text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as declared in the base class
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag.rsplit(":", 1)[1] not in {"timestamp", "bool"}
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


EditorLoader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def as_an_editor_reads(path: Path) -> object:
    # The class only takes features away from the safe loader.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=EditorLoader)  # noqa: S506


@pytest.mark.parametrize(("name", "text"), [(SCHEMA_FILE, schema_text()), (PAGE_FILE, page_text())])
def test_the_reference_is_fresh(name: str, text: str, *, update_golden: bool) -> None:
    if update_golden:
        (REFERENCE / name).write_text(text, encoding="utf-8")

    assert (REFERENCE / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_the_schema_is_a_json_schema_that_accepts_the_example() -> None:
    schema = json_schema()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(as_an_editor_reads(CONFIG / "valid_example.yaml"), schema)


@pytest.mark.parametrize(
    "name",
    [
        *("unknown_key", "unknown_key_top_level", "unknown_key_of_channel", "channel_is_a_list"),
        *("duration", "duration_or_never", "band_limit", "bands_empty", "weight_negative"),
        *("clock", "objective_of_one", "objective_of_zero", "promise_without_objective", "day"),
        *("calendar_without_timezone", "window", "window_is_text", "holiday_date", "topic"),
        *("security_protocol", "start", "max_records", "max_event_bytes", "port", "language"),
    ],
)
def test_the_schema_lets_an_editor_find_what_one_value_shows(name: str) -> None:
    content = as_an_editor_reads(CONFIG / f"invalid_{name}.yaml")

    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(content)


def test_every_setting_is_explained() -> None:
    schema = json.loads(schema_text())

    for group in (schema, *schema["$defs"].values()):
        for key, entry in group.get("properties", {}).items():
            assert entry.get("description"), f"{key} has no docstring"


def test_the_defaults_in_the_schema_are_those_in_force() -> None:
    schema = json.loads(schema_text())
    shown = {key: one["default"] for key, one in schema["properties"].items() if "default" in one}

    assert shown["grace"] == "5s"
    assert schema["$defs"]["Kafka"]["properties"]["session_timeout"]["default"] == "20s"
    assert Settings.model_validate(shown) == Settings()


def test_the_module_writes_both_files_to_the_folder_given(tmp_path: Path) -> None:
    code = main([str(tmp_path / "new")])

    assert code == 0
    assert (tmp_path / "new" / PAGE_FILE).read_text(encoding="utf-8") == page_text()
    assert (tmp_path / "new" / SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_the_module_explains_itself_without_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    code = main([])

    assert code == 2
    assert "config.reference FOLDER" in capsys.readouterr().err
