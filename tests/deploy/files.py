"""Reads the files of ``deploy/`` and holds them against their schemas."""

import json
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema.validators import validator_for

from tests.shared import ROOT

DEPLOY: Final = ROOT / "deploy"

_SCHEMAS: Final = Path(__file__).parent / "schema"


def documents(path: Path) -> list[dict[str, Any]]:
    """Return every document of a YAML file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def document(path: Path) -> dict[str, Any]:
    """Return the only document of a YAML file."""
    (only,) = documents(path)
    return only


def complaints(content: dict[str, Any], schema: str) -> list[str]:
    """Return what a schema says against it: where, and what."""
    rules = json.loads((_SCHEMAS / schema).read_text(encoding="utf-8"))
    found = validator_for(rules)(rules).iter_errors(content)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in found]
