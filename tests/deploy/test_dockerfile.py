"""The image: what it promises in writing. No container engine builds it here."""

import json
import re
from typing import Final

from tests.shared import ROOT
from tests.unit.commands import invoke

TEXT: Final = (ROOT / "Dockerfile").read_text(encoding="utf-8")
FINAL: Final = TEXT.rsplit("\nFROM ", 1)[1]
"""The stage that runs."""


def copied() -> list[str]:
    """Return what the build takes from the source tree."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", TEXT, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_it_runs_as_a_number_that_is_not_root_so_that_kubernetes_can_tell() -> None:
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", FINAL, re.MULTILINE)
    assert "RUN" not in FINAL  # so nothing is done as root


def test_the_base_images_are_pinned_to_one_patch_version() -> None:
    builder = re.search(r"^ARG BUILDER=python:(\d+\.\d+\.\d+)-(\w+)$", TEXT, re.MULTILINE)
    runs = re.search(r"^ARG PYTHON=python:(\d+\.\d+\.\d+)-slim-(\w+)$", TEXT, re.MULTILINE)

    assert builder is not None
    assert runs is not None
    assert builder.groups() == runs.groups()  # what was compiled for one runs in the other
    assert re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE) == ["${BUILDER}", "${PYTHON}"]


def test_what_it_installs_is_compiled() -> None:
    assert "RUN FIRSTREPLY_COMPILE=1 pip wheel" in TEXT


def test_every_package_is_locked_by_hash() -> None:
    installed = re.findall(r"pip .*?install (.+?)(?: \\|$)", TEXT, re.MULTILINE)

    assert len(installed) == 3
    assert all("--require-hashes" in it or "--no-deps" in it for it in installed)


def test_what_is_copied_exists_and_is_let_through() -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = [line.removeprefix("!").rstrip("/") for line in ignore if line.startswith("!")]

    assert "*" in ignore
    for source in copied():
        assert (ROOT / source).exists()
    assert sorted(let_through) == sorted(copied())


def test_it_checks_its_health_and_starts_by_our_own_command_line() -> None:
    check = re.search(r"HEALTHCHECK .*?CMD (\[.+?\])", FINAL, re.DOTALL)
    assert check
    program, *arguments = json.loads(check[1])

    assert f'ENTRYPOINT ["{program}"]' in FINAL
    assert invoke(*arguments, "--help").exit_code == 0
    assert 'CMD ["run"]' in FINAL
