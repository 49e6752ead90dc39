"""Does what the fences of a page say, in a folder of the page's own.

Commands run as in a shell where ``firstreply`` is installed, with an empty HOME and no settings in
the environment; those that need no shell may run in this process, which takes a tenth of the time.
What a block prints is kept for the block after it.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path
from typing import Final

import pytest
import yaml

from firstreply.adapters.contract import explain
from firstreply.cli_reference import commands as cli_commands
from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError
from tests.docs.pages import Fence, commands
from tests.shared import ROOT
from tests.unit.commands import invoke

_PATIENCE_SECONDS: Final = 100
_COLUMNS: Final = "100"
_SHELL: Final = re.compile(r"""[|<>&;$*"'`\\#]""")
"""What a shell would do something with."""


class Bench:
    """One page at work.

    Args:
        folder: empty, the working directory of its commands.
        environment: more variables, such as those that lead to a broker.
        quick: whether to run what needs neither a shell nor a broker in this process.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str] | None = None,
        *,
        quick: bool = False,
    ) -> None:
        self.folder = folder
        self.quick = quick
        self.printed: str | None = None
        self.shown: list[tuple[Fence, str]] = []
        """Each block of output, and what it should be."""
        (folder / "home").mkdir(parents=True)
        programs = folder / "bin"
        programs.mkdir()
        program = programs / "firstreply"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m firstreply "$@"\n')
        program.chmod(0o755)
        own = {name: text for name, text in os.environ.items() if not name.startswith("FIRSTREPLY")}
        self.environment = {
            **own,
            "HOME": str(folder / "home"),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "service"),
            "COLUMNS": _COLUMNS,
            **(environment or {}),
        }

    def do(self, fence: Fence) -> None:
        """Do what a fence says; an AssertionError names the place."""
        first = fence.words[0].partition("=")[0] if fence.words else ""
        deed = self._deeds().get((fence.language, first))
        assert deed, f"{fence.place}: no test knows what to do with ```{fence.language} {first}"
        deed(fence)

    def _deeds(self) -> dict[tuple[str, str], Callable[[Fence], None]]:
        return {
            ("yaml", "file"): self._configuration,
            ("yaml", "settings"): self._settings,
            ("yaml", "other"): self._yaml,
            ("jsonl", "file"): self._events,
            ("json", "file"): self._events,
            ("sh", "run"): self._run,
            ("sh", "kafka"): self._run,
            ("sh", "make"): _make,
            ("sh", "compose"): _compose,
            ("sh", "elsewhere"): _elsewhere,
            ("sh", "told"): _told,
            ("text", "output"): self._output,
            ("text", "excerpt"): self._excerpt,
            ("text", "timeline"): _for_another_test,
            ("text", "drawing"): _for_another_test,
            ("mermaid", ""): _for_another_test,
        }

    def _configuration(self, fence: Fence) -> None:
        _accepted(self._written(fence), fence)

    def _settings(self, fence: Fence) -> None:
        path = self.folder / "part.yaml"
        path.write_text(fence.body, encoding="utf-8")
        _accepted(path, fence)

    def _yaml(self, fence: Fence) -> None:
        assert yaml.safe_load(fence.body) is not None, fence.place

    def _events(self, fence: Fence) -> None:
        self._written(fence)
        for line in fence.body.splitlines():
            assert explain(line.encode()) == [], f"{fence.place}: {line}"

    def _written(self, fence: Fence) -> Path:
        path = self.folder / (fence.value("file") or "")
        path.write_text(fence.body, encoding="utf-8")
        return path

    def _run(self, fence: Fence) -> None:
        self.printed = ""
        expected = int(fence.value("exit") or 0)
        for command in commands(fence.body):
            code, out, err = self._executed(command, quick=self.quick and "run" in fence.words)
            told = f"{fence.place}: {command}\n{out}{err}"
            assert code == expected, f"exit {code}, not {expected}: {told}"
            self.printed += out

    def _executed(self, command: str, *, quick: bool) -> tuple[int, str, str]:
        words = command.partition(" #")[0].split()
        if quick and words[0] == "firstreply" and not _SHELL.search(" ".join(words)):
            with chdir(self.folder):
                result = invoke(*words[1:], COLUMNS=_COLUMNS)
            return result.exit_code, result.stdout, result.stderr
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _output(self, fence: Fence) -> None:
        printed = "".join(f"{line}\n" for line in _lines(self.printed or ""))
        self.shown.append((fence, printed))

    def _excerpt(self, fence: Fence) -> None:
        told = iter(_lines(self.printed or ""))
        for line in _lines(fence.body):
            if line.strip() not in {"", "...", "…"}:
                assert line in told, f"{fence.place}: not printed, or not in this order: {line}"


def _accepted(path: Path, fence: Fence) -> None:
    try:
        load_settings(path, {})
    except ConfigurationError as error:
        pytest.fail(f"{fence.place}: {error}")


def _lines(text: str) -> list[str]:
    """Return the lines without white space at their ends, which no page shows."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def _make(fence: Fence) -> None:
    for command in commands(fence.body):
        program, *arguments = command.partition("#")[0].split()
        assert program == "make", f"{fence.place}: {command}"
        done = subprocess.run(
            ["make", "--dry-run", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{fence.place}: {done.stderr}"


def _compose(fence: Fence) -> None:
    for command in commands(fence.body):
        words = command.partition("#")[0].split()
        assert words[:3] == ["docker", "compose", "--file"], f"{fence.place}: {command}"
        assert (ROOT / words[3]).is_file(), f"{fence.place}: {words[3]}"
        subprocess.run(["bash", "-n", "-c", command], check=True)
        if _has_compose():
            config = [*words[:4], "config", "--quiet"]
            subprocess.run(config, cwd=ROOT, check=True)


def _has_compose() -> bool:
    """Whether there is Docker's plugin; docker-compose 1 does not know the files of today."""
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "compose", "version"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _elsewhere(fence: Fence) -> None:
    path, _, name = (fence.value("elsewhere") or "").partition("::")
    assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), fence.place
    _told(fence)


def _told(fence: Fence) -> None:
    subprocess.run(["bash", "-n", "-c", fence.body], check=True)
    for command in commands(fence.body):
        assert foreign_words(command) == [], f"{fence.place}: {command}"


def _for_another_test(fence: Fence) -> None:
    """Leave it to the test that draws its own conclusions, or to people."""
    del fence


def foreign_words(command: str) -> list[str]:
    """Return the options and commands of ``firstreply ...`` that do not exist."""
    match = re.match(r"(?:\S*/)?firstreply (?P<words>[^|<>;&#]*)", command)
    if match is None:
        return []
    words = match["words"].split()
    known = cli_commands()
    name = next(
        (two for two in (" ".join(words[:2]), words[0] if words else "") if two in known), None
    )
    if name is None:
        shown_anyway = not words or words[0].startswith("-") or words[0] == "[OPTIONS]"
        return [] if shown_anyway else words[:1]
    options = {
        option
        for parameter in known[name].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    given = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return [word for word in given if word not in {*options, "--help"}]
