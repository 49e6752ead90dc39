"""The compiled package counts as the tree does, to the byte."""

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from firstreply.adapters.simulator import Simulator
from tests.compiled.building import MODULES, TREE, python_with

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TESTS: Final = (
    "tests/unit/domain",
    "tests/unit/adapters/test_codec.py",
    "tests/unit/adapters/test_codec_properties.py",
    "tests/unit/test_fold.py",
    "tests/unit/test_fold_proofs.py",
    "tests/unit/adapters/test_openapi.py",
    *("tests/unit/test_explain_replay.py", "tests/unit/test_explain_properties.py"),
    "tests/unit/test_explain_golden.py",
)
PYTEST: Final = (
    "import sys, pytest; code = pytest.main(sys.argv[1:]); "
    "from firstreply.domain import engine; print(engine.__file__); sys.exit(code)"
)
LATE_SHARE: Final = 0.03
LATE_BY: Final = 3000
"""Events that come late come so many others later, at most: some hours."""


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a day of some thousand contacts: moved, excluded, sent twice, late, broken."""
    chance = random.Random(13)
    simulator = Simulator(13, datetime(2026, 3, 4, tzinfo=UTC), 0.5)
    numbered = [
        (number + (chance.uniform(0, LATE_BY) if chance.random() < LATE_SHARE else 0), one.value)
        for number, one in enumerate(simulator.events())
    ]
    path = tmp_path_factory.mktemp("log") / "day.jsonl"
    path.write_bytes(b"\n".join(value for _, value in sorted(numbered)))
    return path


def test_all_modules_of_the_list_are_compiled(installed: Path) -> None:
    names = [path.removesuffix(".py").replace("/", ".") for path in MODULES]
    text = f"import importlib as i\nfor name in {names}: print(i.import_module(name).__file__)"

    files = [Path(line) for line in python_with(installed, "-c", text).splitlines()]

    assert len(files) == len(MODULES) >= 10
    assert [file.suffix for file in files] == [".so"] * len(MODULES)
    assert [f"{file.parent / file.name.split('.')[0]}.py" for file in files] == [
        str(installed / path) for path in MODULES
    ]


def test_it_says_what_it_is(installed: Path) -> None:
    assert "(compiled)" in python_with(installed, "-m", "firstreply", "--version")
    assert "(pure Python)" in python_with(TREE, "-m", "firstreply", "--version")


@pytest.mark.parametrize("form", ["json", "metrics"])
def test_a_replay_prints_the_same_bytes(form: str, installed: Path, log: Path) -> None:
    command = ("-m", "firstreply", "replay", "--format", form, str(log))

    compiled, pure = python_with(installed, *command), python_with(TREE, *command)

    assert len(compiled) > 1000
    assert compiled == pure.replace('compiled="false"', 'compiled="true"')


def test_the_state_is_the_same_to_the_byte(installed: Path, log: Path) -> None:
    command = (str(Path(__file__).with_name("state_digest.py")), str(log))

    compiled, pure = python_with(installed, *command), python_with(TREE, *command)

    assert int(compiled.split()[0]) > 100_000
    assert compiled == pure


def test_the_tests_of_what_is_compiled_hold(installed: Path) -> None:
    options = ("-x", "-q", "--no-cov", "--hypothesis-seed=0", "-p", "no:cacheprovider")
    uncompiled = "--ignore-glob=*/test_calendar*"
    chosen = ("-m", "not servers and not slow", uncompiled, *TESTS)

    # Without pytest's own path to the tree.
    told = python_with(installed, "-c", PYTEST, "-o", "pythonpath=", *options, *chosen)

    *_, passed, file = told.splitlines()
    assert " passed" in passed
    assert Path(file).suffix == ".so"
