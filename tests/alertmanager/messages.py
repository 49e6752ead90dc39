"""Renders our templates with Alertmanager's own tool, as a receiver would."""

import os
import subprocess
from pathlib import Path
from typing import Final

from tests.shared import ROOT

DEPLOY: Final = ROOT / "deploy" / "alertmanager"
TEMPLATES: Final = DEPLOY / "templates"
PARTS: Final = ("title", "slack", "teams", "text")
"""What a message consists of, apart from the ``html`` of an e-mail."""

LANGUAGES: Final = ("en", "fr")


def render(amtool: Path, text: str, data: Path, *, language: str = "en", kind: str = "text") -> str:
    """Render a text for alerts in the layout of Alertmanager's template data.

    Args:
        amtool: the program.
        text: such as ``{{ template "firstreply.title" . }}``.
        data: a JSON file.
        language: whose ``language.*.tmpl`` is loaded.
        kind: ``text`` or ``html``.
    """
    files = (*sorted(TEMPLATES.glob("firstreply*.tmpl")), TEMPLATES / f"language.{language}.tmpl")
    done = subprocess.run(
        [
            amtool,
            *("template", "render"),
            *(f"--template.glob={file}" for file in files),
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
