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
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from firstreply.devkit.processes import OwnedProcess
from tests.dashboards.floor import column
from tests.dashboards.panel_answers import World, without_answer
from tests.dashboards.panel_queries import every_query
from tests.dashboards.worlds import (
    CONFIGURATION,
    LOOK,
    Part,
    chat_room_part,
    simulated_parts,
    world_of,
)
from tests.end_to_end.faster import faster, write_prometheus, write_rules
from tests.servers.fixtures import StartServer
from tests.shared import ROOT, needs_shared

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

QUERIES: Final = {query.name: query for query in every_query()}
COLUMNS: Final = (
    *("Channel", "Waiting", "Late", "Oldest wait"),
    *("Next miss in", "Kept", "Promised", "Index"),
)
"""Of the wall."""
OK, SOON, LATE, CLOSED, NO_DATA = range(5)
NOTHING: Final = -1.0
"""What a column holds where there is nothing to tell."""

GRACE_SECONDS: Final = 5
ABOUT, ROUGHLY = 0.05, 0.12
"""Shares of increases are estimates: of 14 hours, of half an hour."""

PROMISES: Final = {"phone": 0.80, "chat": 0.90, "messaging": 0.85, "email": 0.85}
PROMISED_BANDS: Final = {"phone": "20s", "chat": "10m", "messaging": "1h", "email": "8h"}
CHANNEL: Final = "messaging"
"""Chosen on the boards: it has everything, from customers who give up to replies."""

# What a world cannot show, and why. Nothing is in all of them.
OF_A_YOUNG_SERVICE: Final = {
    "channel-12B": "usual volumes are those of the weeks before",
    "promises-7A": "there was no service in the month before",
}
OF_A_HISTORY: Final = {
    "pipeline-28A": "`up` is Prometheus's own: nothing was scraped",
    "pipeline-29A": "a replay does not wait for checkpoints",
    "pipeline-29B": "likewise",
    "pipeline-29C": "likewise",
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
        lambda: set(column_of(scraping(), "Channel").values()) == {NO_DATA},
        "every channel says NO DATA",
    )


def is_plausible(world: World) -> bool:
    """Return whether the wall shows the figures of a working day; False between two scrapes."""
    shown = {heading: column_of(world, heading) for heading in COLUMNS}
    everybody = {*PROMISES, "other"}
    return (
        all(values.keys() == everybody for values in shown.values())
        and set(shown["Channel"].values()) <= {OK, SOON, LATE, CLOSED}
        and sum(shown["Waiting"].values()) >= sum(shown["Late"].values()) > 0
        and all(share == NOTHING or 0 <= share <= 1 for share in shown["Kept"].values())
        and all(0 <= share <= 1 for share in shown["Index"].values())
        and shown["Promised"] == {**PROMISES, "other": NOTHING}
        and shown["Oldest wait"]["email"] > 60
        and shown["Next miss in"]["email"] > 0
    )


def column_of(world: World, heading: str) -> dict[str, float]:
    """Return a column of the wall: channel to what it shows."""
    answer = world.ask(world.promql(column(heading)))
    return {dict(labels)["channel"]: value for labels, (value,) in answer.items()}


# -- a history


def test_every_panel_shows_data_of_a_simulated_history_and_the_wall_that_of_the_replay(
    tmp_path: Path, promtool: Path, prometheus_server: StartServer
) -> None:
    parts = simulated_parts(tmp_path)

    world = world_of(parts, CHANNEL, folder=tmp_path, promtool=promtool, start=prometheus_server)

    assert without_answer(world, QUERIES.values()) == OF_A_HISTORY.keys()
    told = parts[-1].report(LOOK)
    shown = {heading: column_of(world, heading) for heading in COLUMNS}
    assert shown["Waiting"] == {name: figures["waiting"] for name, figures in told.items()}
    assert shown["Index"] == pytest.approx(
        {name: figures["expectation_index"] for name, figures in told.items()}, abs=ABOUT
    )
    assert shown["Promised"] == {**PROMISES, "other": NOTHING}
    assert shown["Channel"] == {**dict.fromkeys(told, OK), "phone": LATE}
    assert 0 < shown["Late"]["phone"] <= shown["Waiting"]["phone"]
    assert 20 < shown["Oldest wait"]["phone"] < 1_300  # dark since ten to twelve
    assert 0 < shown["Next miss in"]["messaging"] <= 3_600
    assert shown["Kept"].pop("other") == NOTHING
    assert shown["Kept"] == pytest.approx(kept_of_half_an_hour(parts[-1]), abs=ROUGHLY)
    ((clock,),) = world.answer(QUERIES["wall-3A"]).values()
    assert clock == (LOOK.timestamp() - GRACE_SECONDS) * 1_000


def kept_of_half_an_hour(part: Part) -> dict[str, float]:
    """Return each channel's share of the promise, of what the replay decided in half an hour.

    The rules add up full 5 minutes, and promtool evaluates them once a minute: theirs ended 5 or 6
    minutes ago.
    """
    end = part.end - timedelta(minutes=5, seconds=30)
    now, then = part.report(end), part.report(end - timedelta(minutes=30))
    shares = {}
    for name, band in PROMISED_BANDS.items():
        met, missed, abandoned = (
            now[name][outcome][band] - then[name][outcome][band]
            for outcome in ("within", "missed", "abandoned_in")
        )
        shares[name] = met / (met + missed + abandoned)
    return shares


@needs_shared
def test_every_panel_shows_data_of_a_real_log(
    tmp_path: Path, promtool: Path, prometheus_server: StartServer
) -> None:
    """Of the last day of a support chat: who asked, who was answered, by a bot or by a person."""
    part = chat_room_part(tmp_path)

    world = world_of([part], "chat", folder=tmp_path, promtool=promtool, start=prometheus_server)

    assert without_answer(world, QUERIES.values()) == OF_A_LOG.keys()
    told = part.report(part.end)["chat"]
    shown = {heading: column_of(world, heading) for heading in COLUMNS}
    assert shown["Waiting"] == {"chat": told["waiting"]}
    assert shown["Channel"] == {"chat": LATE}
    assert shown["Promised"] == {"chat": 0.5}
    assert 0 <= shown["Kept"]["chat"] <= 1
    assert 0.5 < shown["Index"]["chat"] < 1
    assert 0 < shown["Late"]["chat"] < told["waiting"]
    ((received,),) = world.ask("sum(contact_received_total)").values()
    assert received == told["received"]
