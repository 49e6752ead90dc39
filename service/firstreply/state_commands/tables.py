"""The figures of the commands as tables for a terminal of 80 columns."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from firstreply.domain.ledger import KINDS, RECEIVED, SETTLEMENTS
from firstreply.state_commands.adopt import Adopted
from firstreply.state_commands.inspect import Inspection, PartitionReport
from firstreply.state_commands.rebuild import Rebuilt
from firstreply.state_commands.verify import Verification

_WIDTH: Final = 80
_FIRST: Final = (RECEIVED, *SETTLEMENTS.values())
_OTHER: Final = tuple(kind for kind in KINDS if kind not in _FIRST)
_SHORT: Final = {"closed_unanswered": "closed", "given_up": "given up"}


def inspection(found: Inspection) -> str:
    """Return what ``inspect`` prints."""
    absent = "" if found.state_topic_exists else ", which does not exist"
    lines = _paragraph(
        f"group {found.group} ({found.group_state}, {found.members} members) of topic "
        f"{found.topic}; state in {found.state_topic}{absent}"
    )
    rows: list[Sequence[str]] = [
        ("part", "state log", "chain", "size", "state at", "commit", "lag")
    ]
    rows += [_places(one) for one in found.partitions]
    lines += ["", *_table(rows)]
    rows = [("part", "contacts", "waiting", "gen", "inc", "log time", "age")]
    rows += [_tip(one) for one in found.partitions if one.tip is not None]
    lines += _table_unless_empty(rows)
    for kinds in (_FIRST, _OTHER):
        rows = [("part", *(_SHORT.get(kind, kind) for kind in kinds))]
        rows += [
            _ledger(one.partition, one.ledger, kinds) for one in found.partitions if one.ledger
        ]
        lines += _table_unless_empty(rows)
    for one in found.partitions:
        lines += _notes(one.partition, (one.lost,) if one.lost else (), "lost")
        serious = [f.text for f in one.findings if f.serious]
        lines += _notes(one.partition, serious, "damage")
        lines += _notes(one.partition, [f.text for f in one.findings if not f.serious], "note")
    return "\n".join(lines)


def verification(found: Verification) -> str:
    """Return what ``verify`` prints."""
    rows: list[Sequence[str]] = [("part", "log records", "state at", "contacts", "waiting", "")]
    for one in found.partitions:
        verdict = "wrong" if one.wrong else "ok" if one.offset is not None else "never read"
        row = (one.partition, one.records, _or_none(one.offset), one.contacts, one.waiting, verdict)
        rows.append(tuple(map(str, row)))
    lines = _table(rows)
    for one in found.partitions:
        lines += _notes(one.partition, one.wrong, "wrong")
        lines += _notes(one.partition, one.notes, "note")
    return "\n".join(lines)


def rebuilt(done: Sequence[Rebuilt], *, dry_run: bool) -> str:
    """Return what ``rebuild`` prints."""
    rows: list[Sequence[str]] = [
        ("part", "", "from", "state at", "events", "contacts", "waiting", "log time")
    ]
    for one in done:
        what = "kept" if one.kept else "would write" if dry_run else "written"
        figures = (one.begin, one.offset, one.events, one.contacts, one.waiting)
        time = _seconds(one.log_time)
        rows.append((str(one.partition), what, *map(str, figures), time))
    lines = _table(rows)
    for one in done:
        lines += _notes(one.partition, [one.why], "kept" if one.kept else "why")
    return "\n".join(lines)


def adopted(done: Sequence[Adopted], *, dry_run: bool) -> str:
    """Return what ``adopt`` prints."""
    rows: list[Sequence[str]] = [("part", "", "state at", "contacts", "waiting", "log time")]
    for one in done:
        what = "would write" if dry_run else "written"
        if one.offset is None:
            what = "never read"
        elif one.before:
            what = "already there"
        figures = (_or_none(one.offset), one.contacts, one.waiting, _seconds(one.log_time))
        rows.append((str(one.partition), what, *map(str, figures)))
    lines = _table(rows)
    for one in done:
        lines += _notes(one.partition, one.warnings, "damage")
    return "\n".join(lines)


def _places(one: PartitionReport) -> tuple[str, ...]:
    chain = one.chain
    return (
        str(one.partition),
        f"{one.log.first}..{one.log.end}",
        "-" if chain is None else f"{chain.checkpoints} in {chain.first}..{chain.end}",
        "-" if chain is None else _bytes(chain.bytes),
        "-" if one.tip is None else str(one.tip.offset),
        _or_none(one.commit),
        _or_none(one.lag),
    )


def _tip(one: PartitionReport) -> tuple[str, ...]:
    tip = one.tip
    assert tip is not None  # noqa: S101 - the caller looked
    age = "-" if tip.age_seconds is None else f"{tip.age_seconds:.0f} s"
    figures = (one.partition, tip.contacts, tip.waiting, tip.generation, tip.incarnation)
    return (*map(str, figures), _seconds(tip.log_time), age)


def _ledger(partition: int, ledger: dict[str, int], kinds: Iterable[str]) -> tuple[str, ...]:
    return (str(partition), *(str(ledger.get(kind, "-")) for kind in kinds))


def _or_none(figure: int | None) -> str:
    return "-" if figure is None else str(figure)


def _seconds(moment: str | None) -> str:
    """Shorten an instant: milliseconds are for programs."""
    return "-" if moment is None else f"{moment[:19]}Z"


def _bytes(size: int) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size} {unit}"
        size //= 1000
    return f"{size} GB"


def _table_unless_empty(rows: Sequence[Sequence[str]]) -> list[str]:
    return ["", *_table(rows)] if len(rows) > 1 else []


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align to the right, two spaces apart; less where that would be too wide."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= _WIDTH else " "
    return [
        gap.join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _notes(partition: int, texts: Iterable[str], kind: str) -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += ["", *_paragraph(f"partition {partition}, {kind}: {text}")]
    return lines


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
