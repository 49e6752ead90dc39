"""Which firstreply this is: with its hot modules compiled, or pure Python (decision 13)."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec


def is_compiled() -> bool:
    """Say whether the engine, and with it what an event passes through, is a shared object."""
    spec = find_spec("firstreply.domain.engine")  # found, not imported: --version answers at once
    origin = spec.origin if spec else None
    return origin is not None and origin.endswith(tuple(EXTENSION_SUFFIXES))
