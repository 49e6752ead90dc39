"""What differs between two configurations, and which of it needs a restart.

Compared is what is in force, defaults and built-in channels included, so a key that follows from
another one shows too. Values are written as in the file; secrets are compared and never shown.
"""

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from pydantic import BaseModel

from firstreply.config.applies import Applies
from firstreply.config.file import Path
from firstreply.config.shape import shape_at
from firstreply.settings import Settings

_GIVEN: Final = "given"
"""Stands for a channel, band or calendar as such."""

_NOT_SET: Final = "not set"


class Change(NamedTuple):
    """One key whose value differs."""

    key: str
    """Such as ``channels.chat.promise.band``."""
    before: str
    after: str
    applies: Applies

    def __str__(self) -> str:
        """Write it in one line."""
        return f"{self.key}: {self.before} -> {self.after}"


def changes_between(before: Settings, after: Settings) -> list[Change]:
    """Return every key that differs, in the order of the reference; what is gone comes last."""
    old, new = dict(_leaves((), before)), dict(_leaves((), after))
    old_text, new_text = _Text(before), _Text(after)
    paths = [path for path in dict.fromkeys((*new, *old)) if old.get(path) != new.get(path)]
    entries = {path for path in paths if _GIVEN in {old.get(path), new.get(path)}}
    return [
        Change(".".join(path), old_text.at(path, old), new_text.at(path, new), applies_at(path))
        for path in paths
        # Of a channel that comes or goes, what needs no restart goes without saying.
        if not any(path[:depth] in entries for depth in range(len(path)))
        or applies_at(path) is Applies.RESTART
    ]


def applies_at(path: Path) -> Applies:
    """Return when a change of the key at a path comes into force; free names may be anything.

    Raises:
        LookupError: no field on the way says so.
    """
    found = None
    for depth, step in enumerate(path):
        group = shape_at(path[:depth])
        if isinstance(group, type) and issubclass(group, BaseModel):
            metadata = group.model_fields[str(step)].metadata
            found = next((one for one in metadata if isinstance(one, Applies)), found)
    if found is None:
        msg = f"{path}: mark the field or one above it as Reloadable or RestartOnly"
        raise LookupError(msg)
    return found


_Leaves = Iterator[tuple[tuple[str, ...], object]]


def _leaves(path: tuple[str, ...], value: object) -> _Leaves:
    """Yield the path of every plain value, and of every entry with a free name."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _leaves((*path, name), getattr(value, name))
    elif isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(entry, BaseModel):
                yield (*path, str(name)), _GIVEN
            yield from _leaves((*path, str(name)), entry)
    else:
        yield path, value


class _Text:
    """The values of a configuration as they are written in its file, secrets masked."""

    def __init__(self, settings: Settings) -> None:
        self._shown: object = settings.model_dump(mode="json")

    def at(self, path: tuple[str, ...], leaves: dict[tuple[str, ...], object]) -> str:
        value = leaves.get(path)
        if value is None or value == _GIVEN:
            return _NOT_SET if value is None else _GIVEN
        shown = self._shown
        for step in path:
            assert isinstance(shown, dict)  # noqa: S101 - the path is one of this configuration
            shown = shown[step]
        return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)
