"""Writes a first configuration: every key with its meaning and default, a few of them in force.

Made from the settings models, as the reference is, so it cannot go stale. A line that begins with
``# `` explains; one with ``#`` and no space is a setting that is not in force, with its default:
without its ``#`` it changes nothing. Each stands at its own depth, so one can be in force alone.
The bands are in force, because naming one takes the place of all.
"""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

from firstreply.config.builtin import BANDS
from firstreply.config.file import Document, Path, Tree
from firstreply.config.load import settings_of
from firstreply.config.schema import Json, free_values, json_schema, mapping, reference
from firstreply.settings import Settings

CALENDAR: Final = "office"
"""The name of the calendar that is written."""

_WIDTH: Final = 88
_PLAIN: Final = re.compile(r"[A-Za-z0-9_][\w./+-]*")
_NOT_PLAIN: Final = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})
_WEEK: Final = {"mon-fri": ["09:00-18:00"]}
_EXAMPLES: Final[Mapping[str, str]] = {"promise": "{band: 8h, objective: 0.9}"}
"""What a key may hold where that is not plain from its text."""

_HEAD: Final = """\
# Configuration of firstreply.
#
# A line that begins with "# " explains. One with "#" and no space is a setting that is
# not in force, with its default: take the "#" away, and those above it that it belongs
# to, and change it.
#
#   firstreply check-config FILE         finds mistakes
#   firstreply doctor FILE               tries it with your Kafka, changes nothing
#   firstreply run --config FILE         starts the service"""


def template_text(channels: Sequence[str], country: str | None) -> str:
    """Return the text of a configuration.

    Args:
        channels: names; each is written with its keys.
        country: ISO 3166 code: its opening hours get a time zone and public holidays; None: opening
            hours are shown and not in force.

    Raises:
        ConfigurationError: a channel cannot be called so, or the country is not known.
    """
    live = _in_force(channels, country)
    settings = settings_of(Document("the configuration", tree=live))
    shown = settings.model_dump(mode="json")
    shown["channels"] = {name: shown["channels"][name] for name in channels}
    shown["calendars"] = shown["calendars"] or _example_calendar()
    schema = json_schema()
    lines = _Writer(mapping(schema["$defs"]), live).group(schema, shown, ())
    return "\n".join([_HEAD, *lines]) + "\n"


def zones_of(country: str) -> list[str]:
    """Return the time zones of a country (ISO 3166), none for one that is not known."""
    table = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    return [row[2] for row in rows if row[0] == country.upper()]


def _in_force(channels: Sequence[str], country: str | None) -> dict[str, Tree]:
    defaults = Settings().kafka
    kafka: dict[str, Tree] = {
        "bootstrap_servers": defaults.bootstrap_servers,
        "topic": defaults.topic,
        "group": defaults.group,
    }
    bands: dict[str, Tree] = {
        limit: {key: str(value) for key, value in band.items()} for limit, band in BANDS.items()
    }
    live: dict[str, Tree] = {"kafka": kafka, "bands": bands}
    if country is None:
        live["channels"] = dict.fromkeys(channels)
        return live
    live["channels"] = {name: {"calendar": CALENDAR} for name in channels}
    calendar: dict[str, Tree] = {
        "timezone": next(iter(zones_of(country)), "UTC"),
        "weekly": {days: list(windows) for days, windows in _WEEK.items()},
        "holidays": {"country": country.upper()},
    }
    live["calendars"] = {CALENDAR: calendar}
    return live


def _example_calendar() -> dict[str, Json]:
    calendar = {"timezone": "UTC", "weekly": _WEEK}
    example = Settings.model_validate({"calendars": {CALENDAR: calendar}})
    shown: dict[str, Json] = example.model_dump(mode="json")["calendars"]
    return shown


class _Writer:
    """Writes groups of settings as lines.

    Args:
        definitions: of the JSON Schema.
        live: what is in force, as a tree.
    """

    def __init__(self, definitions: Mapping[str, Json], live: dict[str, Tree]) -> None:
        self._definitions = definitions
        self._live = live

    def group(
        self,
        schema: Mapping[str, Json],
        shown: Mapping[str, Json],
        path: Path,
        *,
        brief: bool = False,
    ) -> Iterator[str]:
        """Yield the lines of the keys of a group.

        Args:
            schema: of the group.
            shown: its values.
            path: where it stands.
            brief: leave the explanations out: they stand above, at a group of the same kind.
        """
        for name, entry in mapping(schema["properties"]).items():
            if name not in shown:
                continue
            if not brief:
                if not path or name != next(iter(shown)):
                    yield ""
                yield from self._explained(mapping(entry), (*path, name))
            yield from self._key(mapping(entry), shown[name], (*path, name), brief=brief)

    def _explained(self, entry: Mapping[str, Json], path: Path) -> Iterator[str]:
        indent = "  " * (len(path) - 1)
        text = str(entry.get("description", ""))
        values = self._values(entry)
        if values:
            text += f" One of: {', '.join(values)}."
        if path[-1] in _EXAMPLES:
            text += f" Such as: {_EXAMPLES[str(path[-1])]}"
        yield from textwrap.wrap(
            text,
            _WIDTH,
            initial_indent=f"{indent}# ",
            subsequent_indent=f"{indent}# ",
            break_on_hyphens=False,
            break_long_words=False,
        )

    def _values(self, entry: Mapping[str, Json]) -> list[str]:
        """Return the words that a key may hold, where they are few; most texts name them too."""
        options = entry.get("anyOf")
        schemas = [entry, *map(mapping, options if isinstance(options, list) else [])]
        schemas += [mapping(self._definitions.get(reference(entry)))]
        words = next((one["enum"] for one in schemas if isinstance(one.get("enum"), list)), [])
        text = str(entry.get("description", ""))
        found = [str(word) for word in words] if isinstance(words, list) else []
        return [] if all(f"`{word}`" in text for word in found) else found

    def _key(
        self, entry: Mapping[str, Json], value: Json, path: Path, *, brief: bool
    ) -> Iterator[str]:
        below = free_values(entry)
        group = mapping(self._definitions.get(reference(below or entry)))
        if isinstance(value, dict) and "properties" in group and not below:
            yield self._line(path)
            yield from self.group(group, value, path, brief=brief)
        elif isinstance(value, dict) and value and "properties" in group:
            yield self._line(path)
            for number, (name, one) in enumerate(value.items()):
                inner = (*path, name)
                yield self._line(inner)
                yield from self.group(group, mapping(one), inner, brief=brief or number > 0)
        elif isinstance(value, dict) and value:
            yield self._line(path)
            yield from (self._line((*path, name), one) for name, one in value.items())
        else:
            yield self._line(path, value)

    def _line(self, path: Path, *value: Json) -> str:
        here: Tree = self._live
        for step in path:
            here = here.get(str(step), _ABSENT) if isinstance(here, dict) else _ABSENT
        mark = "#" if here is _ABSENT else ""
        text = "".join(f" {_yaml(one)}" for one in value)
        return f"{'  ' * (len(path) - 1)}{mark}{_text(str(path[-1]))}:{text}"


_ABSENT: Final = "\0"
"""Stands for what is not in force; no value of a configuration is that."""


def _yaml(value: Json) -> str:
    """Write a value in YAML's flow style."""
    match value:
        case dict():
            return (
                "{" + ", ".join(f"{_text(key)}: {_yaml(one)}" for key, one in value.items()) + "}"
            )
        case list():
            return "[" + ", ".join(map(_yaml, value)) + "]"
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case _:
            return str(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    return json.dumps(text, ensure_ascii=False)
