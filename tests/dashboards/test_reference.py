"""The files in the repository are what the source makes, and the command writes the same.

``make docs`` writes them anew, like every page under ``docs/reference``.
"""

import json
import os
import re
from pathlib import Path
from typing import Final

import pytest

from firstreply.dashboards import boards
from firstreply.dashboards.export import export, name_of, text_of
from firstreply.dashboards.reference import page
from firstreply.words import Language
from tests.shared import ROOT
from tests.unit.commands import invoke

DASHBOARDS: Final = ROOT / "dashboards"
REFERENCE: Final = ROOT / "docs" / "reference" / "dashboards.md"


@pytest.fixture
def rewrite(*, update_golden: bool) -> bool:
    return update_golden or os.environ.get("UPDATE_GOLDEN") == "1"


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def generated(language: Language) -> dict[str, str]:
    return {name_of(board): text_of(board) for board in boards(language)}


@pytest.mark.parametrize("language", Language)
def test_the_committed_dashboards_are_what_the_source_makes(
    language: Language, *, rewrite: bool
) -> None:
    folder = DASHBOARDS / language
    if rewrite:
        export(folder, language, overwrite=True)

    assert read(folder) == generated(language)


def test_the_reference_page_is_what_the_boards_say(*, rewrite: bool) -> None:
    if rewrite:
        REFERENCE.write_text(page(), encoding="utf-8")

    assert REFERENCE.read_text(encoding="utf-8") == page()


def test_the_source_makes_the_same_bytes_every_time() -> None:
    assert generated(Language.FR) == generated(Language.FR)


def test_export_writes_the_committed_files_into_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "boards"

    result = invoke("dashboards", "export", "--language", "fr", "--out", str(folder))

    assert result.exit_code == 0, result.output
    assert read(folder) == generated(Language.FR)
    assert result.stdout.split() == [str(folder / name) for name in generated(Language.FR)]


def test_export_is_in_english_unless_asked(tmp_path: Path) -> None:
    invoke("dashboards", "export", "--out", str(tmp_path))

    assert json.loads((tmp_path / "wall.json").read_text())["title"] == "firstreply: the wall"


def test_export_replaces_nothing_unless_asked_and_then_writes_nothing_else(tmp_path: Path) -> None:
    mine = tmp_path / "promises.json"
    mine.write_text("mine")

    result = invoke("dashboards", "export", "--out", str(tmp_path))

    assert result.exit_code == 2
    assert "promises.json" in result.stderr
    assert "--overwrite" in result.stderr
    assert read(tmp_path) == {"promises.json": "mine"}


def test_export_replaces_when_asked(tmp_path: Path) -> None:
    (tmp_path / "promises.json").write_text("mine")

    result = invoke("dashboards", "export", "--out", str(tmp_path), "--overwrite")

    assert result.exit_code == 0
    assert read(tmp_path) == generated(Language.EN)


def test_export_puts_the_address_of_the_runbooks_into_every_link(tmp_path: Path) -> None:
    address = "https://wiki.example.org/firstreply/"

    invoke("dashboards", "export", "--out", str(tmp_path), "--runbooks", address)

    text = "".join(read(tmp_path).values())
    pages = re.findall(r"\S+/docs/runbooks/", text)
    assert set(pages) == {'"https://wiki.example.org/firstreply/docs/runbooks/'}
    assert "firstreply.example" not in text


@pytest.mark.parametrize("address", ["wiki", "ftp://wiki.example.org", "https://", "javascript:x"])
def test_export_refuses_what_is_no_address(tmp_path: Path, address: str) -> None:
    result = invoke("dashboards", "export", "--out", str(tmp_path), "--runbooks", address)

    assert result.exit_code == 2
    assert "--runbooks" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_export_names_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    result = invoke("dashboards", "export", "--out", str(tmp_path / "file" / "below"))

    assert result.exit_code == 2
    assert "file" in result.stderr


@pytest.mark.parametrize(
    "arguments", [("dashboards", "--help"), ("dashboards", "export", "--help")]
)
def test_help_says_what_it_writes(arguments: tuple[str, ...]) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 0
    assert "Grafana" in result.stdout


def test_help_has_an_example_that_works_as_it_stands(tmp_path: Path) -> None:
    told = " ".join(invoke("dashboards", "export", "--help").stdout.split())

    found = re.search(r"Example: firstreply (dashboards export .*?)$", told)
    assert found is not None
    *arguments, folder = found[1].split()
    assert folder.startswith("/")
    assert invoke(*arguments, str(tmp_path / "x")).exit_code == 0
