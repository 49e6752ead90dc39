"""When a changed setting comes into force: at the next reload, or only with a restart.

The fact stands in the annotation of the field it is about, ``RestartOnly[Duration]``, and holds for
everything below it unless a field there says otherwise. A test sees that every key has one.
"""

from enum import Enum
from typing import Annotated, TypeVar


class Applies(Enum):
    """When a change of a setting comes into force."""

    RELOAD = "reload"
    """Also when the configuration is read again while the service runs."""
    RESTART = "restart"
    """Only at the start: a reload that would change it is refused."""


_T = TypeVar("_T")

Reloadable = Annotated[_T, Applies.RELOAD]
RestartOnly = Annotated[_T, Applies.RESTART]
