"""The unit as systemd itself judges it: every key is known, and the process may do little."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.shared import ROOT

UNIT: Final = ROOT / "deploy" / "systemd" / "firstreply@.service"
MOST_EXPOSED_TENTHS: Final = 12
"""As deploy/systemd/README.md says; of 100, less is better."""

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


def complaints(folder: Path, text: str) -> list[str]:
    """Return what systemd says of an instance, apart from programs that are not installed here."""
    unit = folder / "firstreply@9464.service"
    unit.write_text(text)
    told = analyze("verify", str(unit)).stderr.splitlines()
    return [line for line in told if unit.name in line and "is not executable" not in line]


def test_systemd_knows_every_key_and_value(tmp_path: Path) -> None:
    assert complaints(tmp_path, UNIT.read_text()) == []


def test_systemd_would_tell_of_a_misspelled_key(tmp_path: Path) -> None:
    (told,) = complaints(tmp_path, UNIT.read_text().replace("PrivateTmp=", "PrivatTmp="))

    assert "PrivatTmp" in told


def test_the_process_is_exposed_no_more_than_the_page_says() -> None:
    threshold = f"--threshold={MOST_EXPOSED_TENTHS}"

    result = analyze("security", "--offline=true", threshold, str(UNIT))

    assert result.returncode == 0, result.stdout
    page = (UNIT.parent / "README.md").read_text()
    assert f"exposure level {MOST_EXPOSED_TENTHS / 10}" in page
