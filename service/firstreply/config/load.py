"""Loads the configuration: file, then environment, then checks; every mistake in one error.

A path and an environment in, ``Settings`` out. A mistake does not hide others: what cannot be read
is taken out and the rest is checked without it. Lines are ordered as the file is, then by variable:

    config.yaml:14:9: channels.chat.promise.band: the channel has no band "15m"; use one of ...

Nothing here reads the process's environment or working directory by itself.
"""

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path as FilePath
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from firstreply.config.checks import problems_between
from firstreply.config.env import apply_environment
from firstreply.config.file import Document, Path, Place, Problem, Tree, read_document
from firstreply.config.messages import CONSEQUENCE, is_about_key, message_of, path_of
from firstreply.domain.errors import ConfigurationError
from firstreply.settings import Settings

_NAMES: Final[Mapping[tuple[Path, bool], str]] = {
    (("channels", "*"), True): "channel",
    (("channels", "*", "aliases", "*"), False): "alias",
    (("channels", "*", "queues", "*"), False): "queue",
    (("channels", "*", "calendar"), False): "calendar",
    (("calendars", "*"), True): "calendar",
    (("excluded_reasons", "*"), False): "reason",
}
"""Where a free name stands, whether as a key, and what it names."""

_STAND_INS: Final[Mapping[str, Tree]] = {
    "timezone": "UTC",
    "weekly": {"daily": ["00:00-24:00"]},
}


def load_settings(path: FilePath | None, env: Mapping[str, str]) -> Settings:
    """Load and check the configuration.

    Args:
        path: the YAML file, as the user wrote it (messages repeat it so); ``None`` for defaults.
        env: the environment; names that do not start with ``FIRSTREPLY_`` are not looked at.

    Raises:
        ConfigurationError: one line for every mistake found, each with place, key and remedy.
    """
    document = Document("configuration") if path is None else _read(path)
    apply_environment(document, env)
    return settings_of(document)


def settings_of(document: Document) -> Settings:
    """Check a configuration that was read already.

    Raises:
        ConfigurationError: as for ``load_settings``.
    """
    settings, problems = _checked(document)
    if problems:
        raise ConfigurationError("\n".join(_lines(document, problems)))
    return settings


def _read(path: FilePath) -> Document:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8"
        raise ConfigurationError(msg) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        msg = f"{path}: cannot read the configuration: {reason}; name a readable YAML file"
        raise ConfigurationError(msg) from error
    return read_document(text, str(path))


def _checked(document: Document) -> tuple[Settings, list[Problem]]:
    problems = [*document.problems, *_bare_names(document)]
    tree = deepcopy(document.tree)
    lost: list[Path] = []
    settings, errors = _validated(tree)
    problems.extend(_problem(document, error) for error in errors if not _follows(document, error))
    while settings is None:
        # What follows from taking something out is no mistake of the user's: not reported.
        taken = list(_take_out(tree, errors))
        if not any(taken):  # Only if a default were wrong; the loop must end even so.
            tree.clear()
        lost.extend(taken)
        settings, errors = _validated(tree)
    lost.extend(problem.path for problem in document.problems)
    between = problems_between(settings)
    problems.extend(one for one in between if not any(_meets(gone, one) for gone in lost))
    return settings, problems


def _validated(tree: dict[str, Tree]) -> tuple[Settings | None, list[ErrorDetails]]:
    try:
        return Settings.model_validate(tree), []
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _follows(document: Document, error: ErrorDetails) -> bool:
    """Say whether an error is only there because of another one that is reported."""
    unread = error["input"] is None and any(
        problem.path == path_of(error) for problem in document.problems
    )
    return unread or error["type"] == CONSEQUENCE


def _problem(document: Document, error: ErrorDetails) -> Problem:
    path = path_of(error)
    place = document.place(path, key=is_about_key(error))
    return Problem(path, message_of(error), place)


def _take_out(tree: dict[str, Tree], errors: Iterable[ErrorDetails]) -> Iterator[Path]:
    """Remove what is wrong, or what lacks a key it must have; yield the paths removed."""
    # Deepest and last first, so that the numbers of list items before it stay true.
    for wrong in sorted({path_of(error) for error in errors}, key=_depth_first, reverse=True):
        path = wrong
        while path and not _stand_in(tree, path) and not _remove(tree, path):
            path = path[:-1]
        yield path


def _stand_in(tree: dict[str, Tree], path: Path) -> bool:
    """Put something right in place of a key without which a calendar cannot be read at all."""
    calendars = tree.get("calendars")
    if len(path) != 3 or path[0] != "calendars" or path[2] not in _STAND_INS:
        return False
    calendar = calendars.get(str(path[1])) if isinstance(calendars, dict) else None
    if not isinstance(calendar, dict):
        return False
    calendar[str(path[2])] = _STAND_INS[str(path[2])]
    return True


def _depth_first(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _remove(tree: Tree, path: Path) -> bool:
    *above, last = path
    here: Tree = tree
    for step in above:
        if isinstance(here, dict) and isinstance(step, str):
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return False
    if isinstance(here, dict) and last in here:
        del here[str(last)]
        return True
    if isinstance(here, list) and isinstance(last, int) and last < len(here):
        del here[last]
        return True
    return False


def _meets(gone: Path, problem: Problem) -> bool:
    """Say whether a problem may only be there because something was taken out."""
    return any(
        len(gone) <= len(need)
        and all(wanted in {"*", step} for step, wanted in zip(gone, need, strict=False))
        for need in problem.needs
    )


def _bare_names(document: Document) -> Iterator[Problem]:
    for (path, is_key), word in document.bare_words.items():
        kind = next(
            (kind for where, kind in _NAMES.items() if _fits(where, path, is_key=is_key)), None
        )
        # A channel may have no calendar, and say so.
        is_none = not is_key and path[-1] == "calendar" and word.lower() in {"", "~", "null"}
        if kind is not None and not is_none:
            message = (
                f"boolean-looking {kind} name {word}: other YAML readers take it for a value, "
                f'not a name; quote it: "{word}"'
            )
            yield Problem(path, message, at_key=is_key)


def _fits(where: tuple[Path, bool], path: Path, *, is_key: bool) -> bool:
    pattern, names_are_keys = where
    return (
        is_key is names_are_keys
        and len(pattern) == len(path)
        and all(wanted in {"*", step} for wanted, step in zip(pattern, path, strict=True))
    )


def _lines(document: Document, problems: list[Problem]) -> Iterator[str]:
    placed = [
        (
            problem.place or document.place(problem.points_at or problem.path, key=problem.at_key),
            problem,
        )
        for problem in problems
    ]
    placed.sort(key=lambda pair: _order(pair[0], document))
    seen: set[str] = set()
    for place, problem in placed:
        line = ": ".join(
            part for part in (str(place), dotted(problem.path), problem.message) if part
        )
        if line not in seen:
            seen.add(line)
            yield line


def _order(place: Place, document: Document) -> tuple[bool, str, int, int]:
    return (place.source != document.source, place.source, place.line, place.column)


def dotted(path: Path) -> str:
    """Write a path as people do: ``channels.email.queues[1]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
