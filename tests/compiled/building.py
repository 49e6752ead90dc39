"""Builds wheels of this tree, and runs Python with one of them in place of the tree."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from tests.shared import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOK: Final[dict[str, Any]] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"][
    "custom"
]
MODULES: Final[list[str]] = HOOK["modules"]
"""Paths below ``service``, of what is to be compiled."""
TREE: Final = ROOT / "service"


def build(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel into a folder, from what is installed here: no index is asked."""
    offline = ("--no-index", "--no-deps", "--no-build-isolation")
    arguments = ("-m", "pip", "wheel", "--verbose", *offline, "--wheel-dir", str(folder), str(ROOT))
    return _run(arguments, folder, environment)


def wheel_in(folder: Path) -> Path:
    """Return the only wheel of a folder."""
    (found,) = folder.glob("*.whl")
    return found


def python_with(package: Path, *arguments: str, cwd: Path = ROOT) -> str:
    """Run Python with the package of a folder; return what it printed, without the errors."""
    # The order of sets, and with it of some texts, is that of the seed.
    own = {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}", "PYTHONHASHSEED": "0"}
    done = _run(arguments, cwd, own)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run(
    arguments: tuple[str, ...], cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python with no more of this environment than it needs: coverage traces this process."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
