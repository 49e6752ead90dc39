"""The nearest of the words that would have been right, for messages about a word that is not."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "x"? `` with a trailing space, or nothing when no word is near."""
    by_folded = {option.casefold(): option for option in known}
    near = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return f'did you mean "{by_folded[near[0]]}"? ' if near else ""


def listing(words: Iterable[str]) -> str:
    """Return the words separated by commas, or ``none``."""
    return ", ".join(words) or "none"
