"""Writes the boards as files that Grafana imports, or reads from a provisioned folder.

The same boards make the same bytes, so that a difference in a repository is a difference of the
boards. Nothing is replaced unless asked, and nothing is written when anything is in the way.
"""

import json
from pathlib import Path
from urllib.parse import urlsplit

from firstreply.dashboards import RUNBOOKS, Board, boards
from firstreply.domain.errors import ConfigurationError
from firstreply.words import Language


def text_of(board: Board) -> str:
    """Return the JSON of a board, as it is kept in a repository."""
    return json.dumps(board.as_json(), indent=2, ensure_ascii=False) + "\n"


def name_of(board: Board) -> str:
    """Return the name of a board's file."""
    return f"{board.uid.removeprefix('firstreply-')}.json"


def export(
    folder: Path, language: Language, *, runbooks: str = RUNBOOKS, overwrite: bool = False
) -> list[Path]:
    """Write every board in one language into a folder, which is made where it is missing.

    Args:
        folder: where to.
        language: of every text.
        runbooks: base address of the runbooks, as in the alerts.
        overwrite: replace files that are there.

    Returns:
        The files, in the order of the boards.

    Raises:
        ConfigurationError: a file is there, the folder cannot be written, or the address is none.
    """
    address = urlsplit(runbooks)
    if address.scheme not in {"http", "https"} or not address.netloc:
        msg = f"--runbooks: {runbooks!r} is no address; give one such as https://wiki.example.org"
        raise ConfigurationError(msg)
    texts = {folder / name_of(board): text_of(board) for board in boards(language, runbooks)}
    there = [path for path in texts if path.exists()]
    if there and not overwrite:
        names = ", ".join(path.name for path in there)
        msg = f"{folder}: {names} already there; replace with --overwrite, or choose another --out"
        raise ConfigurationError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{error.filename}: {error.strerror}; choose another folder with --out"
        raise ConfigurationError(msg) from error
    return list(texts)
