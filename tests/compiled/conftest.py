"""One compiled wheel for all of these tests."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from tests.compiled.building import build, wheel_in


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel of this tree, compiled: what ``make wheel`` makes."""
    if shutil.which("cc") is None and not os.environ.get("REQUIRE_SERVERS"):
        pytest.skip("there is no C compiler here")
    folder = tmp_path_factory.mktemp("wheel")
    done = build(folder, FIRSTREPLY_COMPILE="1")
    assert done.returncode == 0, done.stdout + done.stderr
    return wheel_in(folder)


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the package of that wheel, for PYTHONPATH."""
    folder = tmp_path_factory.mktemp("installed")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder
