"""What may stand where in a configuration: walks the settings models along a path.

Used to find the keys that would have been right, and to read environment variables, whose text is
a list or mapping only where the settings expect one.
"""

from collections.abc import Sequence
from types import NoneType, UnionType
from typing import Annotated, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel

from firstreply.settings import Settings

Shape = object
"""A type as annotated in the settings; ``None`` where nothing may stand."""


def shape_at(path: Sequence[str | int]) -> Shape:
    """Return the type of what stands at a path of the configuration; ``None`` if nothing may."""
    shape: Shape = Settings
    for step in path:
        shape = _below(shape, step)
    return shape


def known_keys(path: Sequence[str | int]) -> list[str]:
    """Return the fixed keys of the group at a path; none where names are free or a value stands."""
    shape = shape_at(path)
    return list(shape.model_fields) if _is_group(shape) else []


def is_mapping(shape: Shape) -> bool:
    """Say whether keys and values stand here."""
    return _is_group(shape) or get_origin(shape) is dict


def is_list(shape: Shape) -> bool:
    """Say whether a list stands here."""
    return get_origin(shape) is tuple and Ellipsis in get_args(shape)


def _is_group(shape: Shape) -> TypeGuard[type[BaseModel]]:
    return isinstance(shape, type) and issubclass(shape, BaseModel)


def _below(shape: Shape, step: str | int) -> Shape:
    if _is_group(shape):
        field = shape.model_fields.get(str(step))
        return None if field is None else _plain(field.annotation)
    if get_origin(shape) is dict:
        return _plain(get_args(shape)[1])
    if is_list(shape):
        return _plain(get_args(shape)[0])
    return None


def _plain(shape: Shape) -> Shape:
    """Strip ``Annotated`` and ``| None``."""
    if get_origin(shape) is Annotated:
        return _plain(get_args(shape)[0])
    if get_origin(shape) in {Union, UnionType}:
        members = [member for member in get_args(shape) if member is not NoneType]
        return _plain(members[0]) if len(members) == 1 else shape
    return shape
