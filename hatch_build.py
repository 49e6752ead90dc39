"""Hatchling's build hook: a wheel has its hot modules compiled, where there is a C compiler.

The modules, and what it takes to compile them, stand in pyproject.toml under
``[tool.hatch.build.targets.wheel.hooks.custom]``. mypyc makes C of them; the shared objects go
beside the ``.py`` files, which stay, and Python prefers them. Where nothing can be compiled the
wheel is pure Python, counts the same, and one line says why. An editable install never compiles.

``FIRSTREPLY_COMPILE=1`` makes that a failure of the build; with ``0`` nothing is compiled.

This file is also the program that compiles, in a process of its own: mypyc prints, exits, and
changes setuptools.
"""

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VARIABLE: Final = "FIRSTREPLY_COMPILE"
SOURCES: Final = "service"
MYPY: Final = (
    "--config-file=",  # none: the project's own asks for plugins
    "--cache-dir=/dev/null",
    "--follow-imports=silent",  # what the modules import gives types, and is not checked
)
C_FLAGS: Final = ("-Wno-error",)  # mypyc asks for -Werror; a newer compiler may warn of more


class CannotCompileError(Exception):
    """The message says what is missing or wrong, and what helps."""


class CompilingHook(BuildHookInterface[Any]):
    """Puts the compiled modules into a wheel."""

    def dependencies(self) -> list[str]:
        """Return what an isolated build needs beside hatchling."""
        try:
            _check_compiler()
        except CannotCompileError:
            return []
        return [] if self._wanted() == "0" else list(self.config["requires"])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the wheel is made of ``build_data``."""
        wanted = self._wanted()
        if version == "editable" or wanted == "0":
            return
        self._folder = tempfile.TemporaryDirectory(prefix="firstreply-")
        try:
            _check_compiler()
            built = _compiled(Path(self.root, SOURCES), self.config["modules"], self._folder.name)
        except CannotCompileError as error:
            if wanted == "1":
                self.app.abort(f"error: firstreply was not compiled ({VARIABLE}=1): {error}")
            self.app.display_warning(
                f"warning: firstreply is pure Python in this wheel, which is slower: {error}"
            )
            return
        build_data["force_include"].update(built)
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was compiled: the wheel has it."""
        del version, build_data, artifact_path
        if hasattr(self, "_folder"):
            self._folder.cleanup()

    def _wanted(self) -> str:
        wanted = os.environ.get(VARIABLE, "")
        if wanted not in {"", "0", "1"}:
            self.app.abort(f"error: {VARIABLE}={wanted}: set it to 1 or 0, or leave it out")
        return wanted


def _check_compiler() -> None:
    """Raise CannotCompileError where there is no C compiler, or Python's headers are not there."""
    command = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
    program = shlex.split(command)[0]
    if shutil.which(program) is None:
        msg = f"there is no C compiler {program}; on Debian: apt-get install gcc libc6-dev"
        raise CannotCompileError(msg)
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        msg = f"there is no {header}; on Debian: apt-get install python3-dev"
        raise CannotCompileError(msg)


def _compiled(sources: Path, modules: list[str], folder: str) -> dict[str, str]:
    """Return the path of each shared object, with its place in the wheel."""
    if missing := [name for name in ("mypyc", "setuptools") if not importlib.util.find_spec(name)]:
        msg = (
            f"{' and '.join(missing)} not installed: pip install --requirement "
            "requirements/compile.txt, or build without --no-build-isolation"
        )
        raise CannotCompileError(msg)
    # From the folder of the sources, so that tracebacks and shared objects name them relatively.
    done = subprocess.run(
        [sys.executable, __file__, folder, *modules],
        cwd=sources,
        env={**os.environ, "LDSHARED": _linker()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing was said"]
        reason = next((line for line in said if "error:" in line), said[-1])
        msg = f"{reason} (in {sources}; {VARIABLE}=0 builds without)"
        raise CannotCompileError(msg)
    built = Path(folder, "built")
    return {str(path): str(path.relative_to(built)) for path in sorted(built.rglob("*.so"))}


def _linker() -> str:
    """Return the command that links, without the folders of this machine's Python.

    An extension module finds Python's symbols in the process that loads it.
    """
    if "LDSHARED" in os.environ:
        return os.environ["LDSHARED"]
    words = shlex.split(sysconfig.get_config_var("LDSHARED"))
    if "CC" in os.environ:
        words[:1] = shlex.split(os.environ["CC"])
    return shlex.join(word for word in words if not word.startswith(("-L", "-Wl,-rpath")))


def _compile(folder: str, modules: list[str]) -> None:
    """Compile modules below the current folder to ``folder/built``; mypyc exits at a mistake."""
    # Only here is it certain that they are installed.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415

    extensions = mypycify(
        [*MYPY, *modules],
        opt_level="3",
        debug_level="0",
        target_dir=str(Path(folder, "c")),
        group_name="firstreply",
    )
    for extension in extensions:
        extension.extra_compile_args.extend(C_FLAGS)
    distribution = Distribution({"name": "firstreply", "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.build_temp = str(Path(folder, "objects"))
    command.build_lib = str(Path(folder, "built"))
    distribution.run_command("build_ext")


if __name__ == "__main__":
    _compile(sys.argv[1], sys.argv[2:])
