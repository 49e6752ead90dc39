"""Environment variables over the file: ``FIRSTREPLY_KAFKA__BOOTSTRAP_SERVERS=broker:9092``.

The name is the prefix and the path of the key, steps joined by two underscores, case ignored. The
value is taken as it is, or read as YAML in flow style where the settings expect a list or mapping
(``[spam, test]``). A variable with the prefix that names no setting is an error, because a
misspelt override that does nothing is worse; except those that Kubernetes sets for every service in
the namespace, and an empty value, which counts as not set (compose files pass those on).
"""

import re
from collections.abc import Mapping
from typing import Final

from firstreply.config.builtin import BANDS
from firstreply.config.did_you_mean import did_you_mean, listing
from firstreply.config.file import Document, Path, Place, Problem, Tree, Value, read_value
from firstreply.config.shape import is_list, is_mapping, known_keys, shape_at

PREFIX: Final = "FIRSTREPLY_"
DELIMITER: Final = "__"

NOT_SETTINGS: Final = frozenset({"FIRSTREPLY_CONFIG"})
"""Variables of the command line: the path of the file."""

_KUBERNETES: Final = re.compile(
    r"FIRSTREPLY_([A-Z0-9_]+_)?"
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)",
)


def apply_environment(document: Document, env: Mapping[str, str]) -> None:
    """Put the overrides into the document, in the order of their names; note what is wrong."""
    for name in sorted(env):
        if not name.upper().startswith(PREFIX) or name in NOT_SETTINGS or not env[name]:
            continue
        path = _path(document.tree, name[len(PREFIX) :])
        if shape_at(path) is not None:
            _set(document, path, name, env[name])
        elif DELIMITER in name or not _KUBERNETES.fullmatch(name):
            document.problems.append(Problem(path, _unknown(path), Place(name)))


def _path(tree: Tree, name: str) -> tuple[str, ...]:
    """Return the path of a variable, in the spelling of free names that the file already uses."""
    path: list[str] = []
    here: Tree = tree
    for step in name.split(DELIMITER):
        keys = here if isinstance(here, dict) else {}
        spelt = next((key for key in keys if key.casefold() == step.casefold()), step.lower())
        path.append(spelt)
        here = keys.get(spelt)
    return tuple(path)


def _set(document: Document, path: Path, name: str, text: str) -> None:
    value = Value(text, {}, [])
    if is_mapping(shape_at(path)) or is_list(shape_at(path)):
        value = read_value(text, name)
    document.problems.extend(one._replace(path=path + one.path) for one in value.problems)
    group = _group(document, path[:-1], Place(name))
    if value.problems or group is None:
        return
    group[str(path[-1])] = value.tree
    for places in (document.keys, document.values):
        for known in [known for known in places if known[: len(path)] == path]:
            del places[known]
    document.keys[path] = document.values[path] = Place(name)
    _note_bare_words(document, path, value.bare_words)


def _note_bare_words(
    document: Document, path: Path, words: Mapping[tuple[Path, bool], str]
) -> None:
    """Forget those of the value that is replaced, not that of its key, and add the new ones."""
    for below, is_key in list(document.bare_words):
        if below[: len(path)] == path and not (is_key and below == path):
            del document.bare_words[below, is_key]
    for (below, is_key), word in words.items():
        document.bare_words[path + below, is_key] = word


def _group(document: Document, path: Path, place: Place) -> dict[str, Tree] | None:
    """Return the mapping at a path, made where there is none; ``None`` if something else is there.

    What the file has instead of a mapping is wrong, and reported as such.
    """
    here = document.tree
    for depth, step in enumerate(path, start=1):
        if here.get(str(step)) is None:
            here[str(step)] = _replaced(path[:depth])
            document.keys[path[:depth]] = document.values[path[:depth]] = place
        below = here[str(step)]
        if not isinstance(below, dict):
            return None
        here = below
    return here


def _replaced(path: Path) -> dict[str, Tree]:
    """Return what a variable below a key that the file does not give is put into."""
    if path == ("bands",):
        # The file's bands replace the default ones; a variable only changes one of them.
        return {
            limit: {key: str(one) for key, one in band.items()} for limit, band in BANDS.items()
        }
    return {}


def _unknown(path: tuple[str, ...]) -> str:
    for depth, step in enumerate(path):
        if shape_at(path[: depth + 1]) is None:
            known = [key.upper() for key in known_keys(path[:depth])]
            near = did_you_mean(step.upper(), known).strip()
            return f'no such setting: "{step.upper()}"; {near or f"known here: {listing(known)}"}'
    return "no such setting; remove the variable"
