"""Worlds with a past: a history in a real Prometheus, and what the rules make of it."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from firstreply.adapters.simulator import Simulator
from firstreply.domain.instants import to_instant
from tests.dashboards.panel_answers import World
from tests.servers.fixtures import StartServer
from tests.servers.past import (
    FOREVER,
    NO_TARGETS,
    create_blocks,
    record_all,
    report,
    write_history,
)
from tests.shared import log_path

CONFIGURATION: Final = """\
http: {port: 0}
channels_only: true
channels:
  phone: {clock_start: queued, bands: {20s: {}}, promise: {band: 20s, objective: 0.80}}
  chat: {promise: {band: 10m, objective: 0.90}}
  messaging: {calendar: desk, promise: {band: 1h, objective: 0.85}, queues: [support]}
  email: {calendar: office, promise: {band: 8h, objective: 0.85}}
calendars:
  desk: {timezone: Europe/Paris, weekly: {mon-sun: ["07:00-20:00"]}}
  office: {timezone: Europe/Paris, weekly: {mon-fri: ["08:00-18:00"]}}
"""
CHAT_ROOM: Final = """\
channels_only: true
channels:
  chat: {calendar: always, promise: {band: 10m, objective: 0.5}}
calendars:
  always: {timezone: UTC, weekly: {mon-sun: ["00:00-24:00"]}}
"""
WEEK: Final = timedelta(days=7)
PARIS: Final = timezone(timedelta(hours=2))
LOOK: Final = datetime(2026, 4, 1, 12, 10, tzinfo=PARIS)
"""On a day and at a time at which nobody answers the phone; the month before is over."""


class Part:
    """Some hours of a past: what to replay, from when on and until when."""

    def __init__(self, replayed: tuple[str, ...], begin: datetime, end: datetime) -> None:
        self.replayed = replayed
        self.begin, self.end = begin, end

    def write(self, text: Path) -> None:
        """Write its history."""
        span = ("--since", self.begin.isoformat(), "--until", self.end.isoformat())
        write_history(text, "--every", "1m", *span, *self.replayed)

    def report(self, until: datetime) -> dict[str, Any]:
        """Return what a replay says of its channels at an instant."""
        channels: dict[str, Any] = report(*self.replayed, "--until", until.isoformat())["channels"]
        return channels


def simulated_parts(folder: Path) -> list[Part]:
    """Return the hours before somebody looks, and those a week earlier."""
    config = folder / "firstreply.yaml"
    config.write_text(CONFIGURATION)
    return [
        _simulated(1, LOOK - WEEK, 10, folder, config),
        _simulated(2, LOOK, 14, folder, config),
    ]


def _simulated(seed: int, end: datetime, hours: int, folder: Path, config: Path) -> Part:
    begin, events = end - timedelta(hours=hours), folder / f"events{seed}.jsonl"
    day = Simulator(seed, begin, 0.3).events()
    until = takewhile(lambda one: one.time <= to_instant(end), day)
    events.write_bytes(b"\n".join(one.value for one in until))
    return Part(("--config", str(config), str(events)), begin, end)


def chat_room_part(folder: Path) -> Part:
    """Return the last day of a real support chat, which began years before."""
    config = folder / "chat.yaml"
    config.write_text(CHAT_ROOM)
    replayed = ("--config", str(config), str(log_path("irc_ubuntu")))
    end = datetime(2018, 2, 28, 18, 10, tzinfo=UTC)
    return Part(replayed, datetime(2018, 2, 28, tzinfo=UTC), end)


def world_of(
    parts: list[Part], channel: str, *, folder: Path, promtool: Path, start: StartServer
) -> World:
    """Load parts of a history, record what the rules make of it, and look at the end of it."""
    text, data, config = folder / "part.om", folder / "prometheus", folder / "prometheus.yml"
    config.write_text(NO_TARGETS)
    for part in parts:
        part.write(text)
        create_blocks(promtool, text, data / "tsdb")
        text.unlink()
    spans = [(part.begin.timestamp(), part.end.timestamp()) for part in parts]
    server = record_all(promtool, data, lambda: start(config, FOREVER), spans)
    return World(server.url, spans[-1][1], channel=channel, scrape_interval="1m")
