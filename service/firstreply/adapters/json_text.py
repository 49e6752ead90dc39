"""Whether bytes can be read as JSON text at all, before any of it is decoded."""

import re
from itertools import accumulate
from typing import Final

from firstreply.rejection import Reason, Rejected

MAX_DEPTH: Final = 100
"""Levels of nesting. Fixed, as the interpreter's own limit depends on the depth of the caller."""

_DEEP: Final = Rejected(
    Reason.NOT_JSON, f"the event is nested deeper than {MAX_DEPTH} levels; send it flat"
)
# Possessive, and an unclosed string runs to the end: linear in the length whatever comes.
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BRACKET: Final = ord("[")
_NO_BRACKETS: Final = bytes(code for code in range(256) if code not in _STEP)


def unreadable(value: bytes) -> Rejected | None:
    """Return why bytes cannot be read as JSON text at all: not UTF-8, or nested too deeply.

    Both are checked over the whole text, as the typed decoders look at neither in what they skip.
    """
    if not value.isascii():
        try:
            value.decode()
        except UnicodeDecodeError as error:
            detail = f"the event is not UTF-8 (byte {error.start}); encode it as UTF-8"
            return Rejected(Reason.NOT_JSON, detail)
    # Counting in every event took a tenth of decoding: most have no bracket but the first brace.
    # A number is looked for eight times as fast as a text of one byte.
    if (
        (_BRACKET in value or value.rfind(b"{") > 0)
        and value.count(b"{") + value.count(b"[") > MAX_DEPTH
        and _too_deep(value)
    ):
        return _DEEP
    return None


def _too_deep(value: bytes) -> bool:
    brackets = _STRING.sub(b"", value).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH
