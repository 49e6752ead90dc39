"""Says what pydantic found wrong in the words of this project, with the remedy."""

from collections.abc import Mapping
from typing import Final

from pydantic_core import ErrorDetails

from firstreply.config.did_you_mean import did_you_mean, listing
from firstreply.config.file import Path
from firstreply.config.shape import known_keys

KEY: Final = "[key]"
"""pydantic's mark, last in a place, for a mistake in a key rather than its value."""

CONSEQUENCE: Final = "default_factory_not_called"
"""Only says that another value of the group is wrong."""

_REMEDIES: Final = {
    "bool_parsing": '"{given}" is neither true nor false; write one of them',
    "float_parsing": '"{given}" is not a number; write one such as 0.9',
    "finite_number": '"{given}" is not a number; write one such as 0.9',
    "int_parsing": '"{given}" is not a whole number; write digits only',
    "int_from_float": '"{given}" is not a whole number; write digits only',
    "too_short": "is empty; give at least one",
    "string_too_short": "is empty; give it a value or remove the key",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_SHAPES: Final = {
    "model_type": "needs keys and values, such as {key: value}",
    "dict_type": "needs keys and values, such as {key: value}",
    "string_type": "needs text, not a list or mapping",
    "float_type": "needs a number, not a list or mapping",
    "int_type": "needs a whole number, not a list or mapping",
    "bool_type": "needs true or false, not a list or mapping",
    "path_type": "needs the path of a file, not a list or mapping",
}


def path_of(error: ErrorDetails) -> Path:
    """Return the path in the configuration that an error is about."""
    location = error["loc"]
    return location[:-1] if location[-1:] == (KEY,) else location


def is_about_key(error: ErrorDetails) -> bool:
    """Say whether to point at the key rather than its value."""
    return error["loc"][-1:] == (KEY,) or error["type"] in {"extra_forbidden", "missing"}


def message_of(error: ErrorDetails) -> str:
    """Return what is wrong and what to do. Holds no value of a secret."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        return _unknown_key(path_of(error))
    if kind == "missing":
        return "is missing; add it"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        hint = _of_percent(given) if context[name] == 1 else ""
        return f"{given} is out of range; it {words} {context[name]:g}{hint}"
    if given is None:
        return "has no value; give it one or remove the key"
    return _SHAPES.get(kind) or _of_context(kind, context, given)


def _of_context(kind: str, context: Mapping[str, object], given: object) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind in {"literal_error", "enum"}:
        options = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        near = did_you_mean(str(given), options)
        return f'"{given}" is not known; {near}use one of {listing(options)}'
    if kind == "string_pattern_mismatch":
        return f'"{given}" has a wrong form; {_example(str(context["pattern"]))}'
    if kind == "tuple_type":
        example = given if isinstance(given, str) else "one"
        return f'needs a list, such as ["{example}"]'
    if kind in _REMEDIES:
        return _REMEDIES[kind].format(given=given)
    return f"is wrong ({kind}); see the configuration reference"


def _of_percent(given: object) -> str:
    """Return the share that a number such as 90 was meant to be; nothing for 1.2."""
    try:
        percent = float(str(given))
    except ValueError:
        return ""
    return f"; write {percent / 100:g} for {percent:g} %" if 2 <= percent < 100 else ""


def _example(pattern: str) -> str:
    if ":" in pattern:
        return 'write host:port, several separated by commas, such as "broker-1:9092,broker-2:9092"'
    return "use letters, digits, dots, underscores and hyphens, at most 249"


def _unknown_key(path: Path) -> str:
    known = known_keys(path[:-1])
    near = did_you_mean(str(path[-1]), known).strip()
    return f"unknown key; {near or f'known here: {listing(known)}'}"
