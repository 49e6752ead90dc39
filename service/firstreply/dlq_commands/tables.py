"""What a person sees of the letters, at 80 columns. All that a producer wrote is escaped."""

import textwrap
from collections.abc import Sequence
from typing import Final

from firstreply.adapters.kafka.letter import Letter
from firstreply.check_event import Outcome
from firstreply.dlq_commands.escaping import escaped, escaped_lines, hexadecimal
from firstreply.dlq_commands.listing import FOREIGN, Entry, Listing
from firstreply.dlq_commands.moments import moment
from firstreply.dlq_commands.replaying import Held, HeldBack, Plan

_WIDTH: Final = 80
_MOST_BYTES: Final = 8192
"""Of a value on a terminal; the whole of it is had with ``--raw`` or ``--hex``."""

_MOST_CAUSES: Final = 10
"""Told one by one; a damaged producer may make as many as letters."""

_WHY: Final = {
    Held.FOREIGN: "not written by this version of firstreply",
    Held.OTHER_TOPIC: "came from topic {detail}; --to sends it all the same",
    Held.REJECTED: "would be rejected again: {detail}",
    Held.IGNORED: "of a type that is none of the contract's: would be counted and ignored",
    Held.WOULD_BE_NOW: "has no time, and the topic is not seen to keep a record's (CreateTime): "
    "the event would seem to happen now",
    Held.OLD: "older than settle_for, so its contact may be forgotten: if it was sent before, it "
    "would count anew. --also-old sends what was not",
}


def listing(found: Listing) -> str:
    """Return what ``list`` prints."""
    lines = _paragraph(f"topic {found.topic} at {found.servers}: {_letters(found.letters)}")
    if not found.letters:
        return "\n".join(lines)
    reasons = [("reason", "letters"), *((escaped(r), str(n)) for r, n in found.reasons.items())]
    lines += ["", *_table(reasons)]
    if found.newest:
        topics = {entry.source.topic for entry in found.newest if entry.source}
        rows = [("letter", "from", "time", "reason", "replays")]
        rows += [_entry(entry, with_topic=len(topics) > 1) for entry in found.newest]
        head, *table = _table(rows)
        lines += [""]
        if len(topics) == 1:
            lines += _paragraph(f"from partition:offset of topic {escaped(topics.pop())}")
        lines += [head]
        for row, entry in zip(table, found.newest, strict=True):
            lines += [row, *_indented(escaped(entry.detail))]
    left_out = found.letters - len(found.newest)
    if left_out:
        lines += ["", f"{left_out} older: raise --limit, or choose with --reason, --since, ..."]
    return "\n".join(lines)


def letter(topic: str, one: Letter, outcome: Outcome, *, as_hex: bool) -> str:
    """Return what ``show`` prints."""
    source = one.source
    came = "-" if source is None else f"{escaped(source.topic)} {source.partition}:{source.offset}"
    lines = _paragraph(f"letter {one.partition}:{one.offset} of topic {topic}")
    lines += [
        f"from     {came}",
        f"time     {moment(one.timestamp) or '-'}",
        f"reason   {escaped(one.reason) or FOREIGN}",
        *_indented(escaped(one.detail)),
        f"replays  {one.replays}",
        f"key      {_content(one.key)}",
        "headers" if one.headers else "headers  -",
        *(f"  {escaped(name)}: {_content(content)}" for name, content in one.headers),
        "value" if one.value else f"value    {_content(one.value)}",
        *_value(one.value or b"", as_hex=as_hex),
        "check-event says now",
    ]
    lines += [f"  {line}" for line in escaped_lines(outcome.as_text())]
    return "\n".join(lines)


def plan(found: Plan, *, done: bool) -> str:
    """Return what ``replay`` prints, before or after it."""
    count = found.sent if done else found.to_send
    what = "sent" if done else "would be sent"
    lines = _paragraph(
        f"{_letters(count)} of {found.topic} {what} to {found.target}; the filters chose "
        f"{found.chosen}"
    )
    if found.to_send and found.oldest:
        lines += _paragraph(f"their records are from {found.oldest} to {found.newest}")
    if found.to_send and not done:
        lines += _paragraph(_again(found.old))
    if found.left_over:
        lines += _paragraph(f"{_letters(found.left_over)} beyond --limit, not sent")
    if found.rejected_again:
        lines += _paragraph(
            f"{_letters(found.rejected_again)} of these would be rejected again, and become "
            "letters again; the service stops when too many are (limits.bad_records)"
        )
    for held in found.held_back[:_MOST_CAUSES]:
        lines += ["", *_held(held)]
    others = found.held_back[_MOST_CAUSES:]
    if others:
        more = (
            f"held back, {_letters(sum(each.letters for each in others))} for {len(others)} other"
        )
        lines += ["", *_paragraph(f"{more} causes: --format json tells them")]
    return "\n".join(lines)


def _again(old: int) -> str:
    if not old:
        return "what was sent before changes nothing: its contact is still remembered"
    return (
        f"{_letters(old)} of these older than settle_for: what of them was sent before counts anew"
    )


def _held(held: HeldBack) -> list[str]:
    why = _WHY[held.why].format(detail=escaped(held.detail))
    examples = ", ".join(held.examples)
    more = ", ..." if held.letters > len(held.examples) else ""
    return _paragraph(f"held back, {_letters(held.letters)} ({examples}{more}): {why}")


def _entry(entry: Entry, *, with_topic: bool) -> tuple[str, str, str, str, str]:
    source = entry.source
    came = "-" if source is None else f"{source.partition}:{source.offset}"
    if source is not None and with_topic:
        came = f"{escaped(source.topic)} {came}"
    time = "-" if entry.time is None else f"{entry.time[:19]}Z"
    return entry.letter, came, time, escaped(entry.reason), str(entry.replays or "-")


def _content(content: bytes | None) -> str:
    if content is None:
        return "null"
    return escaped(content) if content else "empty"


def _value(content: bytes, *, as_hex: bool) -> list[str]:
    if as_hex:
        return [f"  {line}" for line in hexadecimal(content)]
    lines = [f"  {line}" for line in escaped_lines(content[:_MOST_BYTES])] if content else []
    if len(content) > _MOST_BYTES:
        more = len(content) - _MOST_BYTES
        lines.append(f"  ... and {more} bytes more; --raw or --hex shows all")
    return lines


def _letters(count: int) -> str:
    return "1 letter" if count == 1 else f"{count} letters"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align to the left, two spaces apart."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _indented(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
