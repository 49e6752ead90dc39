"""Runs a command of the command line as a test wants it: its own environment, nothing swallowed."""

import os
from typing import Final

from typer.testing import CliRunner, Result

from firstreply.cli import app
from tests.shared import ROOT

CONFIGS: Final = ROOT / "tests" / "config"


def invoke(*arguments: str, stdin: bytes = b"", **environment: str) -> Result:
    """Run a command; what is no exit of its own is raised."""
    own = {name: None for name in os.environ if name.startswith("FIRSTREPLY_")}
    result = CliRunner(env={**own, **environment}).invoke(app, list(arguments), input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
