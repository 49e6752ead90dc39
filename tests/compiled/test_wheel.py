"""What the build makes of this tree: a compiled wheel, a pure one, or a failure that says why."""

import sys
import zipfile
from pathlib import Path

import pytest

from tests.compiled.building import HOOK, MODULES, PROJECT, TREE, build, wheel_in
from tests.shared import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def names_in(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_a_compiled_wheel_is_of_this_python_and_holds_the_sources_too(wheel: Path) -> None:
    version = f"cp{sys.version_info.major}{sys.version_info.minor}"
    names = names_in(wheel)

    assert f"-{version}-{version}-" in wheel.name
    assert set(MODULES) <= names
    assert sum(name.endswith(".so") for name in names) == len(MODULES) + 1


def test_nothing_compiled_names_a_folder_of_this_machine(wheel: Path) -> None:
    opened = zipfile.ZipFile(wheel)
    compiled = b"".join(opened.read(name) for name in opened.namelist() if name.endswith(".so"))

    assert b"firstreply/domain/engine.py" in compiled  # what tracebacks say
    for folder in (ROOT, Path(sys.prefix), Path(sys.base_prefix), wheel.parents[2]):
        assert bytes(folder) + b"/" not in compiled


def test_on_demand_it_is_pure_python(tmp_path: Path) -> None:
    build(tmp_path, FIRSTREPLY_COMPILE="0")

    assert wheel_in(tmp_path).name.endswith("-py3-none-any.whl")
    assert not [name for name in names_in(wheel_in(tmp_path)) if name.endswith(".so")]


def test_without_a_compiler_it_is_pure_python_and_the_build_says_so(tmp_path: Path) -> None:
    done = build(tmp_path, CC="/nonexistent/cc")

    assert wheel_in(tmp_path).name.endswith("-py3-none-any.whl")
    (line,) = {line for line in (done.stdout + done.stderr).splitlines() if "pure Python" in line}
    assert "there is no C compiler /nonexistent/cc; on Debian: apt-get install gcc" in line


def test_without_a_compiler_a_wheel_that_must_be_compiled_fails(tmp_path: Path) -> None:
    done = build(tmp_path, CC="/nonexistent/cc", FIRSTREPLY_COMPILE="1")

    assert done.returncode != 0
    assert not list(tmp_path.glob("*.whl"))
    assert "FIRSTREPLY_COMPILE=1" in done.stdout + done.stderr
    assert "there is no C compiler /nonexistent/cc" in done.stdout + done.stderr


def test_a_word_that_it_does_not_know_is_refused(tmp_path: Path) -> None:
    done = build(tmp_path, FIRSTREPLY_COMPILE="yes")

    assert done.returncode != 0
    assert "FIRSTREPLY_COMPILE=yes: set it to 1 or 0" in done.stdout + done.stderr


def test_building_leaves_nothing_in_the_tree(wheel: Path) -> None:
    assert wheel.exists()
    assert not list(TREE.rglob("*.so"))
    assert not (ROOT / "build").exists()


def test_isolated_builds_and_ours_take_the_same_to_compile() -> None:
    assert sorted(HOOK["requires"]) == sorted(PROJECT["dependency-groups"]["compile"])
