"""Writes ``docs/reference/states.md`` from the state table, so that the page cannot be wrong."""

from firstreply.domain.contact import Phase
from firstreply.domain.transitions import TABLE, Effect, Input

_HEAD = """\
# States

Generated from `domain/transitions.py`; a test keeps both equal. What an event does to a contact, by
the phase it is in. Facts are noted in every phase: an outcome is a function of the *set* of a
contact's events, so an event that comes late must leave the same facts as one that came in time.

"""


def page() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_section(phase) for phase in Phase)


def _section(phase: Phase) -> str:
    rows = "\n".join(f"| {event.value} | {_effects(TABLE[phase][event])} |" for event in Input)
    return f"## {phase.value}\n\n| event | effect |\n|---|---|\n{rows}\n"


def _effects(effects: tuple[Effect, ...]) -> str:
    return "; ".join(effect.value for effect in effects)
