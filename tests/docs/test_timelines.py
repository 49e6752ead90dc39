"""The drawn time lines of docs/concepts.md, each computed from the events that it shows.

A line is a time, a sign and what happened; times of the day are those of Paris, on Friday 6 March
2026 unless a day stands before them. What arrives late says so, and comes in that order.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from firstreply.durations import parse_duration
from tests.docs.pages import DOCS, Fence, fences
from tests.unit.commands import invoke

PAGE: Final = DOCS / "concepts.md"
TIMELINES: Final = [fence for fence in fences(PAGE) if fence.words[:1] == ("timeline",)]
CONFIGURATION: Final = next(fence for fence in fences(PAGE) if fence.language == "yaml")
PARIS: Final = ZoneInfo("Europe/Paris")
FRIDAY: Final = datetime(2026, 3, 6, tzinfo=PARIS)
DAYS: Final = {"Fri": 0, "Sat": 1, "Sun": 2, "Mon": 3}

LINE: Final = re.compile(
    r"(?:(?P<day>\w{3}) )?(?P<time>\d\d:\d\d(?::\d\d)?)\s+(?P<sign>[●┄·]) (?P<what>.+?)"
    r"(?: \[arrives (?P<arrives>\d\d:\d\d)\])?(?:\s{2,}.*)?"
)
EVENT: Final = re.compile(r"(\w+)(?: by (\w+))?(?: in (\w+))?(?: \((\w+)\))?")


def moment(text: str, day: str | None = None) -> datetime:
    """Return the instant of a time of the day in Paris."""
    hour, minute, second = (*map(int, text.split(":")), 0)[:3]
    there = FRIDAY + timedelta(days=DAYS[day or "Fri"])
    return there.replace(hour=hour, minute=minute, second=second).astimezone(UTC)


def event_of(what: str, at: datetime, channel: str) -> dict[str, str]:
    match = EVENT.fullmatch(what)
    assert match, what
    kind, actor, queue, reason = match.groups()
    members = {"actor": actor, "queue": queue, "reason": reason}
    return {
        "type": f"contact.{kind}",
        "time": at.isoformat(),
        "contact_id": "drawn",
        **({"channel": channel} if kind == "opened" else {}),
        **{name: text for name, text in members.items() if text},
    }


class Drawing:
    """What a fence shows."""

    def __init__(self, fence: Fence) -> None:
        channel = fence.value("channel") or ""
        arriving: list[tuple[datetime, dict[str, str]]] = []
        self.deadlines: dict[str, datetime] = {}
        self.results: list[str] = []
        for line in fence.body.splitlines():
            if line.startswith("="):
                self.results = [text.strip() for text in re.split("[,;]", line[1:])]
                continue
            match = LINE.fullmatch(line.rstrip())
            assert match, f"{fence.place}: {line}"
            at = moment(match["time"], match["day"])
            arrives = moment(match["arrives"]) if match["arrives"] else at
            if match["sign"] == "●":
                arriving.append((arrives, event_of(match["what"], at, channel)))
            elif match["sign"] == "·":
                other = event_of("opened by customer", at, channel) | {"contact_id": "another"}
                arriving.append((arrives, other))
            else:
                self.deadlines[match["what"].removeprefix("deadline of ")] = at
        self.events = [event for _, event in sorted(arriving, key=lambda one: one[0])]

    def explained(self, folder: Path) -> dict[str, Any]:
        """Have the service compute it."""
        (folder / "c.yaml").write_text(CONFIGURATION.body)
        lines = "".join(json.dumps(event) + "\n" for event in self.events)
        (folder / "e.jsonl").write_text(lines)
        result = invoke(
            *("explain", "drawn", "--format", "json", "--config", str(folder / "c.yaml")),
            str(folder / "e.jsonl"),
        )
        assert result.exit_code == 0, result.output
        told: Any = json.loads(result.stdout)
        return dict(told[0]) if isinstance(told, list) else dict(told)


def agrees(said: str, story: dict[str, Any]) -> bool:
    """Say whether one result that is drawn is what was computed."""
    outcomes = {band["band"]: band["outcome"] for band in story["bands"]}
    match said.split():
        case ["not", "received"]:
            return story["start"] is None and not story["bands"]
        case ["acknowledged"]:
            return story["acknowledged_at"] is not None
        case ["latency", text]:
            return bool(
                story["response"]["latency_seconds"] == parse_duration(text).total_seconds()
            )
        case ["corrected", band, before, "to", after]:
            return {"band": band, "before": before, "after": after} in [
                {key: one[key] for key in ("band", "before", "after")}
                for event in story["events"]
                for one in event["corrections"]
            ]
        case [band, outcome]:
            return bool(outcomes[band] == outcome)
        case _:
            return False


@pytest.mark.parametrize("fence", TIMELINES, ids=lambda fence: str(fence.line))
def test_a_drawn_contact_is_what_the_service_computes(fence: Fence, tmp_path: Path) -> None:
    drawing = Drawing(fence)

    story = drawing.explained(tmp_path)

    assert drawing.results, f"{fence.place}: says not what comes of it"
    assert [said for said in drawing.results if not agrees(said, story)] == []
    deadlines = {
        band["band"]: datetime.fromisoformat(band["deadline_at"]) for band in story["bands"]
    }
    assert drawing.deadlines == {band: deadlines[band] for band in drawing.deadlines}


def test_there_is_a_drawing_for_most_rules() -> None:
    assert len(TIMELINES) >= 14


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("= 10m met", "= 10m missed"), ("09:10  ┄", "09:11  ┄"), ("latency 10m", "latency 9m")],
)
def test_a_wrong_drawing_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    fence = next(one for one in TIMELINES if right in one.body and "latency 10m" in one.body)
    body = fence.body.replace(right, wrong)
    changed = Fence(fence.page, fence.line, fence.language, fence.words, body)

    with pytest.raises(AssertionError):
        test_a_drawn_contact_is_what_the_service_computes(changed, tmp_path)
