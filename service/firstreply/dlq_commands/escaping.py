r"""What a producer wrote, made fit for a terminal: shown, never obeyed.

A value or a header may hold the control sequences by which a terminal is told to move, recolour or
type; and marks that turn the direction of text. All that is not plainly printable is written as
``\x1b`` or ``\u202e``.
"""

from collections.abc import Iterator
from typing import Final

_ROW: Final = 16


def escaped(content: bytes | str) -> str:
    """Return text on one line, escapes in the place of all that a terminal could act on."""
    text = content
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def escaped_lines(content: bytes | str) -> list[str]:
    """Return the same, line by line: a line feed is harmless, and makes JSON readable."""
    text = content
    if isinstance(text, bytes):
        text = text.decode(errors="backslashreplace")
    return [escaped(line) for line in text.split("\n")]


def hexadecimal(content: bytes) -> Iterator[str]:
    """Yield lines of 16 bytes: offset, bytes, and the printable ones of ASCII."""
    for start in range(0, len(content), _ROW):
        row = content[start : start + _ROW]
        plain = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{start:08x}  {row.hex(' '):<{3 * _ROW - 1}}  |{plain}|"


def _escape(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode()
