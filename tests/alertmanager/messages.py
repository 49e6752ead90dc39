"""Renders our templates with Alertmanager's own tool, as a receiver would."""

import os
import subprocess
from pathlib import Path
from typing import Any, Final

import yaml

from tests.shared import ROOT

DEPLOY: Final = ROOT / "deploy" / "alertmanager"
CONFIG: Final = DEPLOY / "alertmanager.yml"
TEMPLATES: Final = DEPLOY / "templates"
PARTS: Final = ("title", "slack", "teams", "text")
"""What a message consists of, apart from the ``html`` of an e-mail."""

LANGUAGES: Final = ("en", "fr")


def content() -> dict[str, Any]:
    """Return the shipped configuration as YAML has it."""
    loaded: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    return loaded


def template_files(language: str) -> list[Path]:
    """Return the files that Alertmanager loads where the one switch names this language.

    Only these: what the list in the configuration lacks is missing in every message, and neither
    ``amtool check-config`` nor a start of Alertmanager says so.
    """
    names = [
        name.replace("language.en.", f"language.{language}.") for name in content()["templates"]
    ]
    return [DEPLOY / name for name in names]


def render(amtool: Path, text: str, data: Path, *, language: str = "en", kind: str = "text") -> str:
    """Render a text for alerts in the layout of Alertmanager's template data.

    Args:
        amtool: the program.
        text: such as ``{{ template "firstreply.title" . }}``.
        data: a JSON file.
        language: whose ``language.*.tmpl`` is loaded.
        kind: ``text`` or ``html``.
    """
    done = subprocess.run(
        [
            amtool,
            *("template", "render"),
            *(f"--template.glob={file}" for file in template_files(language)),
            f"--template.text={text}",
            f"--template.type={kind}",
            f"--template.data={data}",
        ],
        env={**os.environ, "TZ": "Europe/Paris"},  # clock times are those of the server's zone
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def named(part: str, language: str | None = None) -> str:
    """Return the text that calls our template of this part, in a language or the chosen one."""
    middle = f".{language}" if language else ""
    return f'{{{{ template "firstreply{middle}.{part}" . }}}}'
