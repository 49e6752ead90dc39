"""Durations as people write them: ``10m``, ``1h30m``, ``250ms``, ``30d``.

The grammar is that of Prometheus: whole numbers, each with a unit, the larger unit first, no
spaces, no fractions. ``canonical`` is the one text of a duration, so ``60m`` and ``1h`` can be told
to be the same limit. Days appear in it only from a whole week on, because people speak of ``24h``
and ``72h`` but of ``30d``.
"""

import re
from datetime import timedelta
from typing import Final

UNITS: Final = {
    "y": timedelta(days=365),
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
"""Largest first. A year is 365 days, as in Prometheus."""

LONGEST: Final = 100 * UNITS["y"]
"""Inclusive. Longer ones are a typing mistake, and would leave the range of dates."""

PATTERN: Final = "".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in UNITS)
_DURATION: Final = re.compile(f"(?=.){PATTERN}")
_LOOSE_PART: Final = re.compile(r"([0-9]+)([a-z]+)")
_LOOSE_UNITS: Final = {
    "y": ("y", "yr", "yrs", "year", "years"),
    "w": ("w", "wk", "week", "weeks"),
    "d": ("d", "day", "days"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "m": ("m", "min", "mins", "minute", "minutes"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millis", "millisecond", "milliseconds"),
}
_REMEDY: Final = "write whole numbers with units, such as 250ms, 20s, 10m, 1h30m or 30d"


def parse_duration(text: str) -> timedelta:
    """Read a duration; ``0`` needs no unit.

    Raises:
        ValueError: the text is not a duration, or one longer than 100 years. The message names
            the text and the remedy.
    """
    if text == "0":
        return timedelta(0)
    match = _DURATION.fullmatch(text)
    if match is None:
        msg = f'"{text}" is not a duration; {_guess(text)}{_REMEDY}'
        raise ValueError(msg)
    amounts = zip(match.groups(), UNITS.values(), strict=True)
    duration = sum((int(n) * unit for n, unit in amounts if n is not None), timedelta(0))
    if duration > LONGEST:
        msg = f'"{text}" is too long; the longest duration is 100y'
        raise ValueError(msg)
    return duration


def canonical(duration: timedelta) -> str:
    """Write a duration so that equal durations have equal text.

    Raises:
        ValueError: negative, or not whole milliseconds: no duration can be written so.
    """
    rest = duration
    if rest < timedelta(0) or rest % UNITS["ms"]:
        msg = f"{duration!r} is not a whole, positive number of milliseconds"
        raise ValueError(msg)
    units = ("d", "h", "m", "s", "ms") if rest >= UNITS["w"] else ("h", "m", "s", "ms")
    text = ""
    for unit in units:
        amount, rest = divmod(rest, UNITS[unit])
        text += f"{amount}{unit}" if amount else ""
    return text or "0s"


def duration_micros(duration: timedelta) -> int:
    """Return whole microseconds, exactly: what the domain counts in."""
    return duration // timedelta(microseconds=1)


def _guess(text: str) -> str:
    """Return ``did you mean "10m"? `` for ``10 minutes``, ``10`` or ``PT10M``; else nothing."""
    squeezed = re.sub(r"[\s,]|and", "", text.strip().lower())
    if squeezed.isdecimal():
        return f'it has no unit: did you mean "{squeezed}s" or "{squeezed}m"? '
    loose = squeezed.removeprefix("p").replace("t", "") if squeezed.startswith("p") else squeezed
    guess = "".join(amount + _unit(word) for amount, word in _LOOSE_PART.findall(loose))
    rebuilt = "".join(amount + word for amount, word in _LOOSE_PART.findall(loose))
    if rebuilt == loose and guess != text and _DURATION.fullmatch(guess):
        return f'did you mean "{guess}"? '
    return ""


def _unit(word: str) -> str:
    return next((unit for unit, words in _LOOSE_UNITS.items() if word in words), "?")
