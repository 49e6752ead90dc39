"""Tables for people at a terminal: the live view of the demo and the report of a replay.

Figures come in, rich renderables go out; nothing here reads a clock, and the same figures give the
same text. Everything fits 80 columns. Colour only repeats what a word already says, so the tables
lose nothing in a pipe, on paper or to a colour-blind reader.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

Language = Literal["en", "fr"]
State = Literal["ok", "soon", "late", "closed", "no_data"]

DEFAULT_BANDS: Final = ("10m", "1h", "8h", "24h")
_WIDTH: Final = 80
_LEAST_CHANNEL_WIDTH: Final = 9
"""What a long channel name keeps beside the figures before bands are left out for it."""

_STYLES: Final[Mapping[State, str]] = {
    "ok": "green",
    "soon": "yellow",
    "late": "bold red",
    "closed": "dim",
    "no_data": "dim",
}
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MESSAGES: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "channel": "Channel",
        "waiting": "Waiting",
        "oldest": "Oldest",
        "next_miss": "Next\nmiss",
        "promise": "Promise",
        "state": "State",
        "ok": "OK",
        "soon": "SOON",
        "late": "LATE",
        "closed": "CLOSED",
        "no_data": "NO DATA",
        "received": "Received",
        "answered": "Answered",
        "lost": "Lost",
        "median": "Median",
        "p90": "p90",
        "index": "Index",
        "all": "all",
        "totals": "Received {received}, answered {answered}, gave up {abandoned}, "
        "waiting {waiting}: at risk {at_risk}, overdue {overdue}",
        "live_note": "Bands: share answered in time, of the contacts decided. "
        "Promise: band, share kept / objective.",
        "report_note": "Waiting: no answer yet. Lost: abandoned, closed or given up without one. "
        "Bands: % of the contacts answered within. Index: % answered as fast as customers expect.",
        "more_bands": "Shorter bands left out: see --format json.",
        "bad_records": "{count} of {read} records rejected: {reasons}",
        "simulated": "simulated",
        "percent": "{value}%",
        "day": "d",
    },
    "fr": {
        "channel": "Canal",
        "waiting": "Attente",
        "oldest": "Ancien",
        "next_miss": "Proch.\néch.",
        "promise": "Promesse",
        "state": "État",
        "ok": "OK",
        "soon": "BIENTÔT",
        "late": "RETARD",
        "closed": "FERMÉ",
        "no_data": "VIDE",
        "received": "Reçus",
        "answered": "Répondus",
        "lost": "Perdus",
        "median": "Médiane",
        "p90": "p90",
        "index": "Indice",
        "all": "tous",
        "totals": "Reçus {received}, répondus {answered}, abandons {abandoned}, "
        "en attente {waiting} : à risque {at_risk}, en retard {overdue}",
        "live_note": "Délais : part répondue à temps, des contacts décidés. "
        "Promesse : délai, part tenue / objectif. Éch. : échéance.",
        "report_note": "Attente : pas encore de réponse. Perdus : abandonnés, fermés ou classés "
        "sans réponse. Délais : % des contacts répondus dans le délai. "
        "Indice : % répondus aussi vite que les clients l'attendent.",
        "more_bands": "Délais plus courts omis : voir --format json.",
        "bad_records": "{count} enregistrements sur {read} rejetés : {reasons}",
        "simulated": "simulé",
        "percent": "{value} %",
        "day": "j",
    },
}
_ABSENT: Final = "-"


@dataclass(frozen=True, slots=True)
class PromiseKept:
    """A channel's promise and how far it is kept."""

    band: str
    objective: float
    """Between 0 and 1."""
    share: float | None
    """Share kept, between 0 and 1; None before anything was decided."""


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """What the live view shows of one channel, all at the service clock."""

    channel: str
    waiting: int = 0
    oldest_wait_seconds: float | None = None
    at_risk: int = 0
    """Waiting contacts that have used 80 % of the limit or more, not yet overdue."""
    overdue: int = 0
    """Waiting contacts past the deadline, far overdue ones included."""
    next_deadline_seconds: float | None = None
    """Until the next promise deadline; None when none is running."""
    bands: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Band to (met, decided)."""
    promise: PromiseKept | None = None
    received: int = 0
    answered: int = 0
    abandoned: int = 0
    is_open: bool = True
    """Whether the channel is inside its opening hours."""

    @property
    def state(self) -> State:
        """The worst thing that is true of the channel."""
        if self.overdue:
            return "late"
        if self.at_risk:
            return "soon"
        if not self.is_open:
            return "closed"
        return "ok" if self.received or self.waiting else "no_data"


def render_live(
    rows: Sequence[ChannelRow],
    *,
    clock: datetime | None,
    metrics_url: str,
    language: Language = "en",
    bands: Sequence[str] = DEFAULT_BANDS,
) -> RenderableType:
    """Show channels against bands, with a header and the totals.

    Args:
        rows: one per channel, in the order to show them.
        clock: the service clock, shown in its own time zone; None before the first event.
        metrics_url: where ``/metrics`` is served.
        language: of everything but channel and band names.
        bands: the columns; four fit 80 columns.
    """
    words = _MESSAGES[language]
    moment = _ABSENT if clock is None else f"{clock:%Y-%m-%d %H:%M:%S %Z}"
    header = Text.assemble(
        ("firstreply", "bold"), f"  {words['simulated']} ", (moment, "bold"), f"  {metrics_url}"
    )
    totals = words["totals"].format(
        received=sum(row.received for row in rows),
        answered=sum(row.answered for row in rows),
        abandoned=sum(row.abandoned for row in rows),
        waiting=sum(row.waiting for row in rows),
        at_risk=sum(row.at_risk for row in rows),
        overdue=sum(row.overdue for row in rows),
    )
    note = Text(words["live_note"], style="dim")
    return Group(header, _live_table(rows, bands, language), Text(totals), note)


def _live_table(rows: Sequence[ChannelRow], bands: Sequence[str], language: Language) -> Table:
    words = _MESSAGES[language]
    table = _table(words["channel"])
    # Least widths, so that the columns stand still while the figures change.
    for name in ("waiting", "oldest", "next_miss"):
        table.add_column(words[name], justify="right", no_wrap=True, min_width=6)
    for band in bands:
        table.add_column(band, justify="right", no_wrap=True, min_width=4)
    table.add_column(words["promise"], no_wrap=True, min_width=12)
    table.add_column(words["state"], no_wrap=True, min_width=7)
    for row in rows:
        table.add_row(
            row.channel,
            str(row.waiting),
            _duration(row.oldest_wait_seconds, language),
            _duration(row.next_deadline_seconds, language),
            *(_share(*row.bands.get(band, (0, 0)), language) for band in bands),
            _promise(row.promise, language),
            Text(words[row.state], style=_STYLES[row.state]),
        )
    return table


def render_report(report: Mapping[str, Any], *, language: Language = "en") -> Table:
    """Show the object that ``replay --format json`` prints as a table for 80 columns.

    Args:
        report: ``channels``, ``all`` and ``events`` as in the reference of ``replay``.
        language: of everything but channel and band names.
    """
    words = _MESSAGES[language]
    channels: Mapping[str, Mapping[str, Any]] = report["channels"]
    every_band = _in_order({band for figures in channels.values() for band in figures["within"]})
    bands = every_band
    while bands and _report_width(report, bands, language) > _WIDTH:
        bands = bands[1:]
    table = _table(words["channel"])
    for heading in _report_headings(bands, language):
        table.add_column(heading, justify="right", no_wrap=True)
    for channel, figures in channels.items():
        table.add_row(channel, *_report_cells(figures, bands, language))
    table.add_section()
    table.add_row(words["all"], *_report_cells(report["all"], bands, language), style="bold")
    notes = [words["report_note"]]
    if len(bands) < len(every_band):
        notes.append(words["more_bands"])
    notes.extend(_rejections(report["events"], language))
    table.caption = Text("\n".join(notes), style="dim")
    table.caption_justify = "left"
    return table


def _report_headings(bands: Sequence[str], language: Language) -> list[str]:
    words = _MESSAGES[language]
    return [
        *(words[name] for name in ("received", "answered", "waiting", "lost")),
        *(f"{band}\n%" for band in bands),
        *(words[name] for name in ("median", "p90", "index")),
    ]


def _report_width(report: Mapping[str, Any], bands: Sequence[str], language: Language) -> int:
    """Return the columns the report takes with these bands, a long channel name folded."""
    channels: Mapping[str, Mapping[str, Any]] = report["channels"]
    names = (_MESSAGES[language]["channel"], _MESSAGES[language]["all"], *channels)
    first = min(max(map(len, names)), _LEAST_CHANNEL_WIDTH)
    headings = (heading.split("\n")[0] for heading in _report_headings(bands, language))
    rows = (
        _report_cells(figures, bands, language) for figures in (*channels.values(), report["all"])
    )
    columns = zip(headings, *rows, strict=True)
    return first + sum(1 + max(map(len, column)) for column in columns)


def _report_cells(
    figures: Mapping[str, Any], bands: Sequence[str], language: Language
) -> Iterable[str]:
    yield from (str(figures[name]) for name in ("received", "answered", "waiting"))
    yield str(figures["abandoned"] + figures["closed_unanswered"] + figures["given_up"])
    within: Mapping[str, int] = figures["within"]
    missed, abandoned = figures["missed"], figures["abandoned_in"]
    undecided: Mapping[str, int] = figures["undecided"]
    for band in bands:
        if band in within:
            # Not of "contacts": in the sum over all, a band has only the channels that have it.
            of = within[band] + missed[band] + abandoned[band] + undecided[band]
            yield _percent(within[band], of)
        else:
            yield _ABSENT
    seconds: Mapping[str, float | None] = figures["first_response_seconds"]
    yield _duration(seconds["median"], language)
    yield _duration(seconds["p90"], language)
    index: float | None = figures["expectation_index"]
    yield _ABSENT if index is None else _percent(index, 1)


def _rejections(events: Mapping[str, Any], language: Language) -> Iterable[str]:
    rejected: Mapping[str, int] = events["rejected"]
    count = sum(rejected.values())
    if count:
        reasons = ", ".join(f"{reason} {number}" for reason, number in rejected.items() if number)
        yield _MESSAGES[language]["bad_records"].format(
            count=count, read=events["read"], reasons=reasons
        )


def render_to_text(renderable: RenderableType, width: int = 80) -> str:
    """Render without colour or control codes, for files and pipes; ends with a newline."""
    console = Console(
        file=io.StringIO(), width=width, color_system=None, force_terminal=False, highlight=False
    )
    with console.capture() as captured:
        console.print(renderable)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _table(first_column: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=0, show_edge=False, pad_edge=False, header_style="bold"
    )
    # The only column that may break: a long channel name goes on below, no figure is ever cut.
    table.add_column(first_column, overflow="fold")
    return table


def _promise(promise: PromiseKept | None, language: Language) -> str:
    if promise is None:
        return _ABSENT
    # Down, never up: 89.9 % must not look like a promise of 90 % kept.
    share = _ABSENT if promise.share is None else str(int(100 * promise.share + 1e-9))
    objective = _MESSAGES[language]["percent"].format(value=f"{100 * promise.objective:g}")
    return f"{promise.band} {share}/{objective}"


def _share(met: int, decided: int, language: Language) -> str:
    percent = _percent(met, decided)
    if percent == _ABSENT:
        return percent
    return _MESSAGES[language]["percent"].format(value=percent)


def _percent(part: float, whole: float) -> str:
    """Write a share in whole percent; 0 and 100 only for nothing and everything."""
    if not whole:
        return _ABSENT
    percent = round(100 * part / whole)
    if part not in (0, whole):
        percent = min(max(percent, 1), 99)
    return str(percent)


def _duration(seconds: float | None, language: Language) -> str:
    """Write a duration in at most six characters, rounded down: 45s, 4m05s, 42m, 3h07m, 2d03h."""
    if seconds is None:
        return _ABSENT
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 60:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60:02d}s"
    if hours < 1:
        return f"{minutes}m"
    if days < 1:
        return f"{hours}h{minutes % 60:02d}m"
    day = _MESSAGES[language]["day"]
    return f"{days}{day}{hours % 24:02d}h" if days < 100 else f"{days}{day}"


def _in_order(bands: Iterable[str]) -> list[str]:
    """Sort bands by their limit, shortest first."""
    return sorted(bands, key=lambda band: (_limit_seconds(band), band))


def _limit_seconds(band: str) -> int:
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", band))
