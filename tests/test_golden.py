"""Replays small enough to check by hand, for what real logs do not exercise.

``tests/golden/NAME.jsonl`` holds events as a producer writes them, ``NAME.md`` the arithmetic in
words, ``NAME.expected.json`` the figures; of these, zeros, nulls and empty objects are left out.
``UPDATE_GOLDEN=1`` rewrites the expectations: read the difference before you commit it.

Judged by: chat, email and other with 10m and 1h; the phone with 20s (weight 0) and 10m, started by
its queue, short abandon 5 s; clock skew 2 s, grace 5 s; nobody is given up or forgotten. Log time
is the running maximum of event time, as in a replay of files.
"""

import json
import os
from pathlib import Path
from typing import Final

import msgspec
import pytest

from firstreply.adapters.codec import Decoder
from firstreply.adapters.records import FileRecord
from firstreply.domain.bands import ClockStart
from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.report import EventCounts, Json, Report
from tests.unit.domain.builders import GRACE, band, book, policy

FOLDER: Final = Path(__file__).parent / "golden"
NAMES: Final = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
PHONE: Final = policy(
    "phone",
    (band("20s", weight=0), band("10m")),
    clock_start=ClockStart.QUEUED,
    short_abandon=5,
)


def events_of(name: str) -> list[ContactEvent]:
    decoder = Decoder()
    events = []
    for offset, line in enumerate((FOLDER / f"{name}.jsonl").read_bytes().splitlines()):
        event = decoder.decode(FileRecord(offset=offset, value=line))
        assert isinstance(event, ContactEvent), f"{name}.jsonl:{offset + 1}: {event}"
        events.append(event)
    return events


def replay(name: str) -> dict[str, Json]:
    """Return the figures of a golden file, in the shape of its expectation."""
    events = events_of(name)
    engine = Engine(book(PHONE), grace=GRACE * SECOND)
    log_time = 0
    for event in events:
        log_time = max(log_time, event.time)
        engine.receive(event, log_time)
    engine.finish(log_time)
    counted = engine.take_increments()
    late = counted.counts.get(("firstreply_events_late_total", ()), 0)
    report = Report()
    for contact in engine.contacts():
        report.add(contact, engine.policies)
    figures = report.as_json(EventCounts(read=len(events), late=late))
    return {
        "channels": shown(figures["channels"]),
        "events": shown(figures["events"]),
        "counted": counts_of(counted),
        "observed": [
            f"{written(metric, labels)} {seconds}"
            for metric, labels, seconds in counted.observations
        ],
    }


def written(metric: str, labels: tuple[str, ...]) -> str:
    return f"{metric}{{{','.join(labels)}}}" if labels else metric


def counts_of(counted: Increments) -> dict[str, Json]:
    return {
        written(metric, labels): amount
        for (metric, labels), amount in sorted(counted.counts.items())
        if metric != "firstreply_events_total"
    }


def shown(value: Json) -> Json:
    """Leave out what is zero, null or empty."""
    if not isinstance(value, dict):
        return value
    members = {key: shown(member) for key, member in value.items()}
    return {key: member for key, member in members.items() if member}


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_file_gives_the_figures_worked_out_by_hand(name: str) -> None:
    expectation = FOLDER / f"{name}.expected.json"

    figures = replay(name)

    if os.environ.get("UPDATE_GOLDEN") == "1":
        expectation.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    assert figures == msgspec.json.decode(expectation.read_bytes())


def test_every_golden_file_is_short_and_explained() -> None:
    for name in NAMES:
        assert len((FOLDER / f"{name}.jsonl").read_bytes().splitlines()) < 15
        assert (FOLDER / f"{name}.md").read_text().strip()
    assert len(NAMES) == len(list(FOLDER.glob("*.expected.json"))) == 10
