"""Builders of what a service tells the wall: the messages of the contract.

A scene is a function from elapsed seconds to a message, so that a fake service can play it second
by second. Instants are given as seconds from the service clock: a wait of 75 began 75 s before it,
a deadline of 12 is 12 s ahead of it when the scene begins.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Json = dict[str, Any]
Scene = Callable[[float], Json]

BEGIN: Final = datetime(2026, 11, 23, 10, 4, 33, tzinfo=UTC)
"""11:04:33 on a Monday in Paris."""


def instant(seconds: float) -> str:
    """Return the instant ``seconds`` after the scene's beginning, as the contract writes it."""
    moment = BEGIN + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def waiting(
    within: int = 0, at_risk: int = 0, overdue: int = 0, far_overdue: int = 0
) -> dict[str, int]:
    total = within + at_risk + overdue + far_overdue
    return {
        "within": within,
        "at_risk": at_risk,
        "overdue": overdue,
        "far_overdue": far_overdue,
        "total": total,
    }


def state_of(counts: Mapping[str, int], *, is_open: bool = True) -> str:
    if not is_open:
        return "closed"
    if counts["overdue"] + counts["far_overdue"]:
        return "late"
    return "soon" if counts["at_risk"] else "ok"


def queue(
    name: str,
    counts: Mapping[str, int],
    *,
    oldest: float | None = None,
    deadline: float | None = None,
) -> Json:
    return {
        "queue": name,
        "state": state_of(counts),
        "waiting": counts,
        "oldest_waiting_at": None if oldest is None else instant(-oldest),
        "next_deadline_at": None if deadline is None else instant(deadline),
        "due": {"5m": 0, "15m": 0, "60m": 0},
    }


def promise(band: str, seconds: float, objective: float, clock: str = "elapsed") -> Json:
    return {"band": band, "limit_seconds": seconds, "clock": clock, "objective": objective}


BANDS: Final = (
    ("10m", 600.0, "elapsed", 0.166),
    ("1h", 3600.0, "elapsed", 0.131),
    ("8h", 28800.0, "business", 0.292),
    ("24h", 86400.0, "elapsed", 0.411),
)


def bands(*shares: float | None, first: tuple[str, float] | None = None) -> list[Json]:
    """Return the four standard bands, and one of the channel's own before them."""
    own = () if first is None else ((*first, "elapsed", 0.0),)
    return [
        {
            "band": band,
            "limit_seconds": limit,
            "clock": clock,
            "weight": weight,
            "met": 0 if share is None else round(100 * share),
            "decided": 0 if share is None else 100,
            "share": share,
        }
        for (band, limit, clock, weight), share in zip((*own, *BANDS), shares, strict=True)
    ]


def channel(
    name: str,
    counts: Mapping[str, int] | None = None,
    *,
    state: str | None = None,
    is_open: bool = True,
    oldest: float | None = None,
    deadline: float | None = None,
    due: tuple[int, int, int] = (0, 0, 0),
    promised: Json | None = None,
    kept: float | None = None,
    index: float | None = None,
    in_bands: Sequence[Json] = (),
    queues: Sequence[Json] = (),
) -> Json:
    counts = waiting() if counts is None else counts
    return {
        "channel": name,
        "state": state or state_of(counts, is_open=is_open),
        "open": is_open,
        "waiting": counts,
        "oldest_waiting_at": None if oldest is None else instant(-oldest),
        "next_deadline_at": None if deadline is None else instant(deadline),
        "due": dict(zip(("5m", "15m", "60m"), due, strict=True)),
        "promise": promised,
        "kept_30m": {"met": 31, "decided": 40 if kept is not None else 0, "share": kept},
        "today": {
            "since": "2026-11-22T23:00:00.000Z",
            "met": 90,
            "decided": 100,
            "share": 0.9,
            "expectation_index": index,
            "received": 120,
            "answered": 100,
            "abandoned": 9,
        },
        "bands": list(in_bands),
        "queues": list(queues),
    }


def contact(
    channel_name: str,
    queue_name: str,
    deadline: float,
    *,
    wait: float = 60,
    contact_id: str | None = None,
) -> Json:
    return {
        "contact_id": contact_id,
        "channel": channel_name,
        "queue": queue_name,
        "band": "20s",
        "started_at": instant(-wait),
        "deadline_at": instant(deadline),
    }


def status(
    channels: Sequence[Json],
    *,
    elapsed: float = 0,
    trust: str = "ok",
    reasons: Sequence[str] = (),
    covered: int = 4,
    late: Sequence[Json] = (),
    upcoming: Sequence[Json] = (),
    link: str | None = None,
    rate: float = 1,
    timezone: str = "Europe/Paris",
) -> Json:
    """Return one message of ``/wall/events``."""
    ids_shown = any(one["contact_id"] is not None for one in (*late, *upcoming))
    return {
        "channels": {
            "clock": {"at": instant(elapsed * rate), "rate": rate, "timezone": timezone},
            "trust": {
                "state": trust,
                "reasons": list(reasons),
                "processes": 2,
                "partitions_covered": covered,
                "partitions_total": 4,
            },
            "channels": list(channels),
        },
        "urgent": {
            "ids_shown": ids_shown,
            "link": link,
            "late": list(late),
            "next": list(upcoming),
        },
    }


def playing(*content: Any, **options: Any) -> Scene:  # noqa: ANN401 - those of ``status``
    """Return a scene in which only the clock moves."""
    return lambda elapsed: status(*content, elapsed=elapsed, **options)
