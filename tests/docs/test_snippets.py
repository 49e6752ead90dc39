"""Every fenced block is executed, or at least read, by whatever it is written for."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError
from firstreply.settings import Settings
from tests.docs.bench import Bench, foreign_words
from tests.docs.pages import Fence, commands, executed, fences, pages
from tests.shared import ROOT

EXECUTED: Final = executed()
OTHERS: Final = [page for page in pages() if page not in EXECUTED]
_NO_FILE: Final = re.compile(r"there is no file|No such file")
FOR_PEOPLE: Final = {"", "console", "mermaid", "promql", "properties", "text"}
TESTED_IN_FULL: Final = {
    "demo": "tests/unit/test_demo.py",
    "demo-kafka": "tests/end_to_end/test_demo_kafka.py",
    "stack": "tests/end_to_end/test_stack.py",
    "test": ".ci/run",
    "wheel": "tests/compiled/conftest.py",
    "check": ".ci/run",
}
"""Targets of make that last, and what runs them in full; here they are only shown to exist."""
QUICK: Final = {"test-fast", "lint", "format", "docs", "lock", "servers", "kafka", "test-faults"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_every_block_says_what_is_done_with_it(page: Path) -> None:
    assert [fence.place for fence in fences(page) if not fence.is_marked] == []


@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_every_block_does_what_the_page_says(
    page: Path, tmp_path: Path, *, update_golden: bool
) -> None:
    bench = Bench(tmp_path, quick=True)
    for fence in fences(page):
        if fence.words[:1] != ("kafka",):
            bench.do(fence)

    if update_golden:
        rewrite(page, bench.shown)
    said = [fence for fence in fences(page) if fence.words[:1] == ("output",)]
    for fence, (_, printed) in zip(said, bench.shown, strict=True):
        assert fence.body == printed, fence.place


def rewrite(page: Path, shown: list[tuple[Fence, str]]) -> None:
    """Put what was printed into a page, in place of what it says was printed."""
    text = page.read_text(encoding="utf-8")
    at = 0
    for fence, printed in shown:
        head = f"```{' '.join((fence.language, *fence.words))}\n"
        at = text.index(head + fence.body, at) + len(head)
        text = text[:at] + printed + text[at + len(fence.body) :]
    page.write_text(text, encoding="utf-8")


def test_a_block_that_no_test_understands_is_an_error(tmp_path: Path) -> None:
    for language, words in (("ruby", ()), ("sh", ("perhaps",)), ("yaml", ())):
        with pytest.raises(AssertionError, match="no test knows"):
            Bench(tmp_path / language).do(Fence(ROOT / "README.md", 1, language, words, "x\n"))


@pytest.mark.parametrize("page", EXECUTED, ids=name_of)
def test_targets_of_make_are_run_somewhere(page: Path) -> None:
    for fence in fences(page):
        if fence.words[:1] == ("make",):
            for command in commands(fence.body):
                target = command.split()[1]
                assert target in TESTED_IN_FULL or target in QUICK, f"{fence.place}: {target}"


def test_what_runs_the_lasting_targets_exists() -> None:
    assert [path for path in TESTED_IN_FULL.values() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", OTHERS, ids=name_of)
def test_blocks_of_other_pages_can_be_read_by_what_they_are_for(page: Path, tmp_path: Path) -> None:
    for fence in fences(page):
        match fence.language:
            case "yaml":
                read_yaml(fence, tmp_path)
            case "json" | "jsonl":
                for part in [fence.body] if fence.language == "json" else fence.body.splitlines():
                    json.loads(part)
            case "sh":
                read_shell(fence)
            case language:
                assert language in FOR_PEOPLE, f"{fence.place}: ```{language}"


def read_yaml(fence: Fence, folder: Path) -> None:
    """Parse it; what looks like settings must be settings."""
    content: Any = yaml.safe_load(fence.body)
    if isinstance(content, dict) and set(content) <= set(Settings.model_fields):
        path = folder / "part.yaml"
        path.write_text(fence.body, encoding="utf-8")
        try:
            load_settings(path, {})
        except ConfigurationError as error:
            # Certificates and secrets are on the reader's machine, not here.
            lines = [line for line in str(error).splitlines() if not _NO_FILE.search(line)]
            assert not lines, f"{fence.place}: {lines}"


def read_shell(fence: Fence) -> None:
    """Have the shell read it, and hold our own commands against the command line."""
    done = subprocess.run(
        ["bash", "-n", "-c", fence.body], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{fence.place}: {done.stderr}"
    for command in commands(fence.body):
        assert foreign_words(command) == [], f"{fence.place}: {command}"


def test_a_command_or_option_that_does_not_exist_is_found() -> None:
    assert foreign_words("firstreply repaly x.jsonl") == ["repaly"]
    assert foreign_words("firstreply replay --fromat json x.jsonl") == ["--fromat"]
    assert foreign_words("firstreply state rebuild --from X --dry-run | cat") == []
    assert foreign_words("docker run firstreply") == []
