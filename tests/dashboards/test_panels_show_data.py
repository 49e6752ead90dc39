"""Every query of every panel shows data, and the wall shows the right data.

Three worlds, each a real Prometheus with the shipped rules: one scrapes a service that plays the
simulation, in a world that is a hundred times faster; two have a history, of the simulation and of
a real log, with the recording rules evaluated over it.
"""

import re
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

import pytest

from firstreply.adapters.simulator import Simulator
from firstreply.devkit.processes import OwnedProcess
from firstreply.domain.instants import to_instant
from tests.dashboards.panel_answers import World
from tests.dashboards.panel_queries import PanelQuery, every_query
from tests.end_to_end.faster import faster, write_prometheus, write_rules
from tests.servers.fixtures import StartServer
from tests.servers.past import (
    FOREVER,
    NO_TARGETS,
    create_blocks,
    record_all,
    report,
    write_history,
)
from tests.shared import ROOT, log_path, needs_shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUERIES: Final = {query.name: query for query in every_query()}
COLUMNS: Final = {
    "state": 8,
    "waiting": 10,
    "late": 12,
    "oldest": 14,
    "next miss": 16,
    "kept": 18,
    "promise": 20,
    "index": 22,
}
"""Of the wall: what stands in it, and the number of its panel."""
OK, SOON, LATE, CLOSED, NO_DATA = range(5)
NOTHING: Final = -1.0
"""What a column holds where there is nothing to tell."""

GRACE_SECONDS: Final = 5
ABOUT: Final = 0.05
"""Shares of increases are estimates: Prometheus extrapolates to the ends of each 5 minutes."""

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
PROMISES: Final = {"phone": 0.80, "chat": 0.90, "messaging": 0.85, "email": 0.85}
PROMISED_BANDS: Final = {"phone": "20s", "chat": "10m", "messaging": "1h", "email": "8h"}
CHAT_ROOM: Final = """\
channels_only: true
channels:
  chat: {calendar: always, promise: {band: 10m, objective: 0.5}}
calendars:
  always: {timezone: UTC, weekly: {mon-sun: ["00:00-24:00"]}}
"""
CHANNEL: Final = "messaging"
"""Chosen on the boards: it has everything, from customers who give up to replies."""

# What a world cannot show, and why. Nothing is in all of them.
OF_A_YOUNG_SERVICE: Final = {
    "channel-12B": "usual volumes are those of the weeks before",
    "promises-7A": "there was no service in the month before",
}
OF_A_HISTORY: Final = {
    "pipeline-28A": "`up` is Prometheus's own: nothing was scraped",
}
OF_A_LOG: Final = {
    **OF_A_HISTORY,
    "channel-12B": "the chat room was not recorded in the weeks before",
    "promises-7A": "nor in the month before",
    "channel-28A": "nobody gives up in a chat room",
    "channel-28B": "likewise",
    "channel-29A": "a later message is a contact of its own in this log",
    "channel-29B": "likewise",
}


def test_no_query_is_without_data_in_every_world() -> None:
    assert not OF_A_YOUNG_SERVICE.keys() & OF_A_HISTORY.keys() & OF_A_LOG.keys()
    assert not OF_A_YOUNG_SERVICE.keys() & OF_A_HISTORY.keys()


# -- a service that runs

TIMES: Final = 100
EVERY: Final = "500ms"
PATIENCE_SECONDS: Final = 180.0


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnedProcess]:
    """Play two days of the simulation: 20 minutes in a second, the first from six o'clock on."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "service"))
    config = tmp_path / "firstreply.yaml"
    config.write_text(CONFIGURATION)
    command = [sys.executable, "-m", "firstreply", "demo", "--config", str(config)]
    options = ["--speed", "1200", "--scale", "0.5", "--days", "2"]
    with OwnedProcess("the demo", [*command, *options], tmp_path / "demo.log") as process:
        yield process


@pytest.fixture
def scraping(
    service: OwnedProcess, tmp_path: Path, prometheus_server: StartServer
) -> Callable[[], World]:
    """Return what looks at the boards now."""

    def address() -> str:
        found = re.search(r"http://(\S+)/metrics", service.log.read_text())
        return found[1] if found else ""

    service.wait_until(lambda: bool(address()), timeout_seconds=60)
    config = write_prometheus(tmp_path, service=address(), alertmanager="127.0.0.1:9", every=EVERY)
    lookback = f"--query.lookback-delta={faster('5m', TIMES)}"
    server = prometheus_server(config, lookback)

    def now() -> World:
        return World(server.url, time.time(), channel=CHANNEL, times=TIMES)

    wait(lambda: bool(now().ask("up == 1")), "the service is scraped")
    write_rules(tmp_path, TIMES)
    reload = urllib.request.Request(f"{server.url}/-/reload", method="POST")
    urllib.request.urlopen(reload, timeout=10).close()
    wait(lambda: bool(now().ask('ALERTS{alertname="Watchdog"}')), "the Watchdog barks")
    return now


def wait(is_so: Callable[[], bool], what: str) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < limit, f"not within {PATIENCE_SECONDS:g} s: {what}"
        time.sleep(0.2)


def test_every_panel_shows_data_of_a_service_that_runs_and_says_so_when_it_stops(
    service: OwnedProcess, scraping: Callable[[], World]
) -> None:
    """Not all at one moment: some have something to show at noon, others in the evening."""
    of_the_platform = {"pipeline-7A"}  # has nothing to show while all is well
    silent = QUERIES.keys() - OF_A_YOUNG_SERVICE.keys() - of_the_platform

    def all_have_shown() -> bool:
        world = scraping()
        silent.difference_update([name for name in silent if world.answer(QUERIES[name])])
        return not silent

    try:
        wait(all_have_shown, "every query shows data")
    except AssertionError as error:
        msg = f"{error}: {sorted(silent)}; firing: {list(scraping().ask('ALERTS'))}"
        raise AssertionError(msg) from None
    for name in OF_A_YOUNG_SERVICE:
        assert not scraping().answer(QUERIES[name]), name
    wait(lambda: is_plausible(scraping()), "the wall is plausible while the figures are steady")

    service.stop()

    wait(lambda: bool(scraping().answer(QUERIES["pipeline-7A"])), "the platform's alert")
    wait(
        lambda: set(column_of(scraping(), "state").values()) == {NO_DATA},
        "every channel says NO DATA",
    )


def is_plausible(world: World) -> bool:
    """Return whether the wall shows the figures of a working day; False between two scrapes."""
    shown = {column: column_of(world, column) for column in COLUMNS}
    everybody = {*PROMISES, "other"}
    return (
        all(values.keys() == everybody for values in shown.values())
        and set(shown["state"].values()) <= {OK, SOON, LATE, CLOSED}
        and sum(shown["waiting"].values()) >= sum(shown["late"].values()) > 0
        and all(share == NOTHING or 0 <= share <= 1 for share in shown["kept"].values())
        and all(0 <= share <= 1 for share in shown["index"].values())
        and shown["promise"] == {**PROMISES, "other": NOTHING}
        and shown["oldest"]["email"] > 60
        and shown["next miss"]["email"] > 0
    )


def column_of(world: World, heading: str) -> dict[str, float]:
    """Return a column of the wall: channel to what it shows last."""
    answer = world.answer(QUERIES[f"wall-{COLUMNS[heading]}A"])
    return {dict(labels)["channel"]: values[-1] for labels, values in answer.items()}


# -- a history

PARIS: Final = timezone(timedelta(hours=2))
LOOK: Final = datetime(2026, 4, 1, 12, 10, tzinfo=PARIS)
"""On a day and at a time at which nobody answers the phone; the month before is over."""
WEEK: Final = timedelta(days=7)
NIGHT: Final = timedelta(hours=14)


class Part:
    """Some hours of a past: what to replay, from when on and until when."""

    def __init__(self, replayed: tuple[str, ...], begin: datetime, end: datetime) -> None:
        self.replayed = replayed
        self.begin, self.end = begin.timestamp(), end.timestamp()
        self.until = ("--until", end.isoformat())
        self.span = ("--every", "1m", "--since", begin.isoformat(), *self.until)

    def report(self) -> dict[str, Any]:
        """Return what a replay says at its end."""
        return report(*self.replayed, *self.until)


def world_of(
    parts: list[Part], channel: str, *, folder: Path, promtool: Path, start: StartServer
) -> World:
    """Load parts of a history, record what the rules make of it, and look at the end of it."""
    text, data, config = folder / "part.om", folder / "prometheus", folder / "prometheus.yml"
    config.write_text(NO_TARGETS)
    for part in parts:
        write_history(text, *part.span, *part.replayed)
        create_blocks(promtool, text, data / "tsdb")
        text.unlink()
    spans = [(part.begin, part.end) for part in parts]
    server = record_all(promtool, data, lambda: start(config, FOREVER), spans)
    return World(server.url, parts[-1].end, channel=channel, scrape_interval="1m")


@pytest.fixture
def simulated(tmp_path: Path) -> list[Part]:
    """Return the hours before somebody looks, and those a week earlier."""
    config = tmp_path / "firstreply.yaml"
    config.write_text(CONFIGURATION)
    parts = []
    for seed, end in ((1, LOOK - WEEK), (2, LOOK)):
        begin, events = end - NIGHT, tmp_path / f"events{seed}.jsonl"
        until = takewhile(
            lambda one, end=end: one.time <= to_instant(end),
            Simulator(seed, begin, 0.4).events(),
        )
        events.write_bytes(b"\n".join(one.value for one in until))
        parts.append(Part(("--config", str(config), str(events)), begin, end))
    return parts


def test_every_panel_shows_data_of_a_simulated_history_and_the_wall_that_of_the_replay(
    simulated: list[Part], tmp_path: Path, promtool: Path, prometheus_server: StartServer
) -> None:
    world = world_of(
        simulated, CHANNEL, folder=tmp_path, promtool=promtool, start=prometheus_server
    )

    assert {name for name, one in QUERIES.items() if not world.answer(one)} == OF_A_HISTORY.keys()
    told = simulated[-1].report()["channels"]
    shown = {column: column_of(world, column) for column in COLUMNS}
    assert shown["waiting"] == {name: figures["waiting"] for name, figures in told.items()}
    assert shown["index"] == pytest.approx(
        {name: figures["expectation_index"] for name, figures in told.items()}, abs=ABOUT
    )
    assert shown["promise"] == {**PROMISES, "other": NOTHING}
    assert shown["state"] == {**dict.fromkeys(told, OK), "phone": LATE}
    assert 0 < shown["late"]["phone"] <= shown["waiting"]["phone"]
    assert 600 < shown["oldest"]["phone"] < 1_300  # dark since ten to twelve
    assert 0 < shown["next miss"]["messaging"] <= 3_600
    assert shown["kept"].pop("other") == NOTHING
    assert shown["kept"] == {
        name: pytest.approx(share, abs=ABOUT) for name, share in kept_of_half_an_hour(simulated[-1])
    }
    ((clock,),) = world.answer(QUERIES["wall-3A"]).values()
    assert clock == (LOOK.timestamp() - GRACE_SECONDS) * 1_000


def kept_of_half_an_hour(part: Part) -> Iterator[tuple[str, float]]:
    """Yield each channel's share of the promise, of what was decided in the last half hour."""
    before = datetime.fromtimestamp(part.end, UTC) - timedelta(minutes=30)
    then = report(*part.replayed, "--until", before.isoformat())["channels"]
    for name, now in part.report()["channels"].items():
        if band := PROMISED_BANDS.get(name):
            met, missed, abandoned = (
                now[outcome][band] - then[name][outcome][band]
                for outcome in ("within", "missed", "abandoned_in")
            )
            yield name, met / (met + missed + abandoned)


@needs_shared
def test_every_panel_shows_data_of_a_real_log(
    tmp_path: Path, promtool: Path, prometheus_server: StartServer
) -> None:
    """Of the last day of a support chat: who asked, who was answered, by a bot or by a person."""
    config = tmp_path / "chat.yaml"
    config.write_text(CHAT_ROOM)
    replayed = ("--config", str(config), str(log_path("irc_ubuntu")))
    part = Part(
        replayed, datetime(2018, 2, 28, tzinfo=UTC), datetime(2018, 2, 28, 18, 10, tzinfo=UTC)
    )

    world = world_of([part], "chat", folder=tmp_path, promtool=promtool, start=prometheus_server)

    assert {name for name, one in QUERIES.items() if not world.answer(one)} == OF_A_LOG.keys()
    told = part.report()["channels"]["chat"]
    shown = {column: column_of(world, column) for column in COLUMNS}
    assert shown["waiting"] == {"chat": told["waiting"]}
    assert shown["state"] == {"chat": LATE}
    assert shown["promise"] == {"chat": 0.5}
    assert 0 <= shown["kept"]["chat"] <= 1
    assert 0.5 < shown["index"]["chat"] < 1
    assert 0 < shown["late"]["chat"] < told["waiting"]
    ((received,),) = world.ask("sum(contact_received_total)").values()
    assert received == told["received"]
