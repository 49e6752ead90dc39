"""The environment of each program, in ``.cache/bench``: made once, kept, never the project's own.

The versions are pinned in the requirements files and the pom beside this file. What cannot be had
is an ``UnavailableError`` with the reason, which the table then shows.
"""

# ruff: noqa: INP001 - a folder of scripts is no package

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
CACHE: Final = ROOT / ".cache" / "bench"
INSTALL_SECONDS: Final = 600


class UnavailableError(Exception):
    """A peer cannot be run here; the message says why, in one line."""


def firstreply_package() -> Path:
    """Return a folder with the compiled package of this tree, made anew after each change of it.

    What it depends on is that of the environment that this runs in.

    Raises:
        UnavailableError: it could not be compiled.
    """
    folder, digest = CACHE / "firstreply", hashlib.sha256(sys.version.encode())
    recipe = (ROOT / "hatch_build.py", ROOT / "pyproject.toml")
    for path in (*recipe, *sorted((ROOT / "service").rglob("*.py"))):
        digest.update(path.read_bytes())
    stamp = folder / "digest.txt"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", str(folder))
        command = (sys.executable, "-m", "pip", "install", *options, str(ROOT))
        _do(*command, FIRSTREPLY_COMPILE="1")
        stamp.write_text(digest.hexdigest())
    return folder


def python_of(peer: str) -> str:
    """Return the interpreter of a virtual environment with ``requirements-PEER.txt``.

    Raises:
        UnavailableError: the packages could not be installed.
    """
    folder, pinned = CACHE / peer, HERE / f"requirements-{peer}.txt"
    stamp, python = folder / "installed.txt", folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != pinned.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        _do(sys.executable, "-m", "venv", str(folder))
        _do(str(python), "-m", "pip", "install", "--quiet", "--requirement", str(pinned))
        stamp.write_text(pinned.read_text())
    return str(python)


def java_classes() -> tuple[str, str]:
    """Return Java, and the class path of the compiled Kafka Streams program with its jars.

    Raises:
        UnavailableError: there is no JDK or Maven, or the jars could not be got.
    """
    source = HERE / "kafka_streams"
    pom = (source / "pom.xml").read_text()
    jars, stamp = CACHE / "kafka-streams", CACHE / "kafka-streams" / "pom.xml"
    if not stamp.exists() or stamp.read_text() != pom:
        shutil.rmtree(jars, ignore_errors=True)
        maven = ("--batch-mode", "--quiet", "--no-transfer-progress", "--file")
        goal = ("dependency:copy-dependencies", f"-DoutputDirectory={jars}")
        _do(_found("mvn"), *maven, str(source / "pom.xml"), *goal)
        stamp.write_text(pom)
    classes = CACHE / "kafka-streams-classes"
    java_file = str(source / "FirstResponse.java")
    _do(_found("javac"), "-d", str(classes), "-cp", f"{jars}/*", java_file)
    return _found("java"), f"{classes}:{jars}/*"


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        msg = f"there is no {program} on the PATH"
        raise UnavailableError(msg)
    return path


def _do(*command: str, **environment: str) -> None:
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{Path(command[0]).name} was not done in {INSTALL_SECONDS} s"
        raise UnavailableError(msg) from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["nothing"]
        msg = f"{Path(command[0]).name} failed: {said[-1]}"
        raise UnavailableError(msg)
