"""Explanations as a person reads them, against golden files, in both languages.

``tests/golden/explain/NAME.jsonl`` holds the events, ``NAME.LANGUAGE.txt`` what is said of one
contact among them, ``firstreply.yaml`` what they are judged by. ``--update-golden`` writes the
texts anew: work through the arithmetic before you commit a difference.
"""

from pathlib import Path
from typing import Final

import pytest

from tests.shared import ROOT
from tests.unit.commands import invoke

FOLDER: Final = ROOT / "tests" / "golden" / "explain"
HOSTILE: Final = "\x1b[31mred\u202e\n{at}"
CASES: Final = {
    "abandoned": ("C-8",),
    "after_closing": ("T-1002",),
    "comes_back": ("P-1",),
    "correction": ("C-10",),
    "excluded": ("T-1003",),
    "hostile_names": (HOSTILE,),
    "long_weekend": ("T-1001",),
    "queued": ("C-7",),
    "short_abandon": ("C-9",),
    "waiting": ("T-1004",),
}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", CASES)
def test_a_contact_is_explained_as_in_the_golden_file(
    name: str, language: str, monkeypatch: pytest.MonkeyPatch, *, update_golden: bool
) -> None:
    golden = FOLDER / f"{name}.{language}.txt"
    monkeypatch.chdir(FOLDER)

    told = explain(*CASES[name], f"{name}.jsonl", "--language", language)

    if update_golden:
        golden.write_text(told)
    assert told == golden.read_text()
    assert all(len(line) <= 80 and line == line.rstrip() for line in told.splitlines())


def test_the_json_is_as_in_the_golden_file(
    monkeypatch: pytest.MonkeyPatch, *, update_golden: bool
) -> None:
    golden = FOLDER / "long_weekend.json"
    monkeypatch.chdir(FOLDER)

    told = explain("T-1001", "long_weekend.jsonl", "--format", "json")

    if update_golden:
        golden.write_text(told)
    assert told == golden.read_text()


def test_the_how_to_shows_what_the_command_prints() -> None:
    page = (ROOT / "docs" / "how-to" / "explain-a-contact.md").read_text()

    assert f"```\n{(FOLDER / 'long_weekend.en.txt').read_text()}```\n" in page


def test_every_golden_file_belongs_to_a_case() -> None:
    found = {path.name.split(".")[0] for path in FOLDER.iterdir()}

    assert found == {*CASES, "firstreply"}
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(CASES)


def explain(*arguments: str) -> str:
    result = invoke("explain", "--config", str(Path("firstreply.yaml")), *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout
