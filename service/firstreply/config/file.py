"""Reads the YAML of a configuration strictly, and remembers where everything stands.

Text in, a ``Document`` out: a tree of mappings, lists and text, and the line and column of every
key and value. All scalars stay text; what they mean is decided by the settings, so the surprises of
YAML 1.1 (``22:00`` a number, ``2026-12-24`` a date, ``NO`` a boolean) cannot happen. What a person
would not see is an error: duplicate keys, tags, documents after the first, values that hold
themselves. Mistakes are collected, not raised, so that one run shows all of them.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

import yaml
from yaml.reader import ReaderError

Tree: TypeAlias = "dict[str, Tree] | list[Tree] | str | None"
Path: TypeAlias = tuple[str | int, ...]

MOST_NODES: Final = 100_000
"""More means aliases of aliases; no configuration is so large."""

_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "value")
)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off"})


class Place(NamedTuple):
    """Where something stands: a line and column of a file, both from 1, or a variable."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Problem(NamedTuple):
    """One mistake, for a person."""

    path: Path
    message: str
    place: Place | None = None
    """``None``: where ``path`` stands."""
    at_key: bool = False
    """Whether to point at the key of ``path`` rather than its value."""
    needs: tuple[Path, ...] = ()
    """Only true if these were read; ``*`` stands for any one step, and shorter paths match."""
    points_at: Path | None = None
    """Where to point if not at ``path``: what makes a key that is not there necessary."""


@dataclass
class Document:
    """A configuration as it was written."""

    source: str
    tree: dict[str, Tree] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    bare_words: dict[tuple[Path, bool], str] = field(default_factory=dict)
    """What other YAML readers take for a boolean or nothing: an unquoted ``no`` at a path, and
    whether it is the key there or the value."""
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where the value (or key) of a path stands; the nearest one above if nowhere."""
        for length in range(len(path), -1, -1):
            keys_first = key or length < len(path)
            maps = (self.keys, self.values) if keys_first else (self.values, self.keys)
            for places in maps:
                if path[:length] in places:
                    return places[path[:length]]
        return Place(self.source)


class Value(NamedTuple):
    """What one variable holds; paths start inside of it."""

    tree: Tree
    bare_words: dict[tuple[Path, bool], str]
    problems: list[Problem]


def read_document(text: str, source: str) -> Document:
    """Read one YAML document; an empty one is an empty mapping.

    Args:
        text: the content.
        source: how to call it in messages: the path as the user wrote it.
    """
    document = Document(source)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        document.problems.append(_syntax(error, text, source))
        return document
    if node is None:
        return document
    tree = _tree(node, document)
    if isinstance(tree, dict):
        document.tree = tree
    elif tree is not None:
        message = "the file must hold keys and values, such as kafka: {topic: contact-events}"
        document.problems.append(Problem((), message, _place(node, source)))
    return document


def read_value(text: str, source: str) -> Value:
    """Read a list or mapping that a variable holds, in YAML's flow style (JSON is some of it)."""
    document = Document(source)
    tree: Tree = None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        document.problems.append(_syntax(error, text, source))
    else:
        tree = None if node is None else _tree(node, document)
    problems = [problem._replace(place=Place(source)) for problem in document.problems]
    return Value(tree, document.bare_words, problems)


def _tree(node: yaml.Node, document: Document) -> Tree:
    try:
        return _Reader(document).read(node, ())
    except _TooManyValuesError:
        message = f"has more than {MOST_NODES} values; write fewer aliases"
        document.problems = [Problem((), message, _place(node, document.source))]
        return None


class _TooManyValuesError(Exception):
    """Stops reading; never leaves this module."""


class _Reader:
    """Turns nodes into a tree, filling the document's places."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._above: set[int] = set()
        self._count = 0

    def read(self, node: yaml.Node, path: Path) -> Tree:
        place = _place(node, self._document.source)
        self._document.values[path] = place
        self._count += 1
        if self._count > MOST_NODES:
            raise _TooManyValuesError
        refusal = self._refusal(node)
        if refusal is not None:
            self._problem(path, place, refusal)
            return None
        self._above.add(id(node))
        try:
            return self._content(node, path)
        finally:
            self._above.discard(id(node))

    def _refusal(self, node: yaml.Node) -> str | None:
        if node.tag not in _TAGS:
            return f"the tag {node.tag} is not allowed; remove it"
        if id(node) in self._above:
            return "holds itself by an alias; write it out"
        return None

    def _content(self, node: yaml.Node, path: Path) -> Tree:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        self._note_bare_word(node, path, is_key=False)
        return None if _is_plain(node) and node.value in _NULLS else str(node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Tree:
        tree: dict[str, Tree] = {}
        for key, value in node.value:
            place = _place(key, self._document.source)
            if not isinstance(key, yaml.ScalarNode):
                self._problem(path, place, "a key must be a word, not a list or mapping")
            elif key.tag == "tag:yaml.org,2002:merge":
                self._problem((*path, "<<"), place, "merge keys are not read; write the keys out")
            elif key.value in tree:
                first = self._document.keys[(*path, key.value)]
                again = f"is given twice, first at {first}; keep one"
                self._problem((*path, key.value), place, again)
            else:
                below = (*path, key.value)
                self._document.keys[below] = place
                self._note_bare_word(key, below, is_key=True)
                tree[key.value] = self.read(value, below)
        return tree

    def _note_bare_word(self, node: yaml.Node, path: Path, *, is_key: bool) -> None:
        if _is_plain(node) and (node.value.lower() in _BOOLEANS or node.value in _NULLS):
            self._document.bare_words[path, is_key] = node.value

    def _problem(self, path: Path, place: Place, message: str) -> None:
        self._document.problems.append(Problem(path, message, place))


def _is_plain(node: yaml.Node) -> bool:
    """Say whether a scalar stands there without quotes."""
    return isinstance(node, yaml.ScalarNode) and node.style is None


def _place(node: yaml.Node, source: str) -> Place:
    return Place(source, node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax(error: yaml.YAMLError, text: str, source: str) -> Problem:
    """Say where and why the text is no YAML."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        about = ", ".join(part for part in (error.context, error.problem) if part)
        message = f"not valid YAML: {about}; check indentation, colons and quotes"
        return Problem((), message, Place(source, mark.line + 1, mark.column + 1))
    if isinstance(error, ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, error.position - before.rfind("\n")
        message = f"not valid YAML: the character U+{ord(text[error.position]):04X}; remove it"
        return Problem((), message, Place(source, line, column))
    return Problem((), f"not valid YAML: {' '.join(str(error).split())}", Place(source))
