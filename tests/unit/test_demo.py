"""The whole service on a simulated day: it ends by itself, and its figures are those of a replay.

Simulated time runs at the utmost speed that the event loop bears; how often the loops turn differs
from run to run, the final figures do not.
"""

import asyncio
import os
import re
import signal
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp
import msgspec
import pytest

from firstreply import wiring
from firstreply.adapters.records import FileRecord
from firstreply.adapters.simulator import SimulatedEvent, SimulatedSource, Simulator
from firstreply.adapters.terminal import ChannelRow
from firstreply.app import Running, run_simulated
from firstreply.config.builtin import EXCLUDED_REASONS
from firstreply.demo import START, Play, demo_settings, run_demo
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.instants import HOUR, MINUTE, SECOND, to_datetime, to_instant
from firstreply.policies import policy_book
from firstreply.ports import TimestampType
from firstreply.replay import Replay, replay
from firstreply.settings import Settings
from tests.shared import ROOT

SCALE: Final = 0.1
SPEED: Final = 200_000.0
PATIENCE_SECONDS: Final = 30.0


@pytest.fixture
def settings() -> Settings:
    """The demo's own configuration, at any free port, with loops that turn often."""
    found = demo_settings(
        None,
        {
            "FIRSTREPLY_HTTP__PORT": "0",
            "FIRSTREPLY_CHECKPOINT_INTERVAL": "50ms",
            "FIRSTREPLY_PROOF_INTERVAL": "250ms",
        },
    )
    assert found.http.port == 0
    return found


def simulator() -> Simulator:
    return Simulator(1, START, SCALE, days=1)


def events() -> list[SimulatedEvent]:
    return list(simulator().events())


def replayed(settings: Settings, until: int) -> Replay:
    """Replay the same events, as written to a log by the simulated clock."""
    records = [
        FileRecord(n, event.value, event.time // 1000, int(TimestampType.LOG_APPEND_TIME))
        for n, event in enumerate(events())
    ]
    return replay(
        records,
        decoder=wiring.decoder(settings),
        bad_records=wiring.bad_records(settings),
        book=policy_book(settings),
        grace=wiring.grace(settings),
        until=until,
    )


async def until_so(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.02)


class Watcher:
    """Scrapes while the day is played, and keeps what the board shows at its end."""

    def __init__(self, source: SimulatedSource, end: int) -> None:
        self._source = source
        self._clock_at_end = to_datetime(end)
        self.scrapes: list[str] = []
        self.ready: list[int] = []
        self.rows: list[ChannelRow] = []
        self.offset = 0

    async def watch(self, running: Running) -> None:
        async with aiohttp.ClientSession() as session:
            while not self._source.finished:
                self.scrapes.append(await self._get(session, running.address + "/metrics"))
                await asyncio.sleep(0.05)
            await until_so(lambda: running.board.service_clock() == self._clock_at_end)
            await until_so(lambda: running.processor.health.ready)
            self.scrapes.append(await self._get(session, running.address + "/metrics"))
            self.scrapes.append(await self._get(session, running.address + "/metrics"))
        self.rows = running.board.rows()
        self.offset = running.processor.folds[0].offset
        running.processor.stop()

    async def _get(self, session: aiohttp.ClientSession, url: str) -> str:
        async with session.get(url) as answer:
            assert answer.status == 200
            return await answer.text()


def by_channel(rows: list[ChannelRow]) -> dict[str, dict[str, Any]]:
    """Figures of the board in the words of the report; channels without contacts left out."""
    return {
        row.channel: {
            "received": row.received,
            "within": {band: met for band, (met, _) in row.bands.items()},
            "decided": {band: decided for band, (_, decided) in row.bands.items()},
            "waiting": row.waiting,
        }
        for row in rows
        if row.received
    }


def from_report(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        channel: {
            "received": figures["received"],
            "within": figures["within"],
            "decided": {
                band: figures["within"][band] + missed + figures["abandoned_in"][band]
                for band, missed in figures["missed"].items()
            },
            "waiting": figures["waiting"],
        }
        for channel, figures in report["channels"].items()
    }


def bodies() -> Iterator[tuple[int, str, str, dict[str, Any]]]:
    """Yield time, contact, type and body of the events that can be read."""
    for event in events():
        try:
            body = msgspec.json.decode(event.value)
            at = to_instant(datetime.fromisoformat(body["time"]))
            yield at, body["contact_id"], body["type"].removeprefix("contact."), body
        except (msgspec.MsgspecError, KeyError, ValueError):
            continue  # one of the broken ones


def counted_by_hand(  # noqa: C901 - the rules, in one place, apart from the engine
    channel: str, limit: int, until: int
) -> Counter[str]:
    """Judge the contacts of an always open channel without voice, from the JSON alone (rule 5)."""
    channels: dict[str, str] = {}
    starts: dict[str, int] = {}
    ends: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    excluded: set[str] = set()
    spam: set[str] = set()
    for at, contact, kind, body in bodies():
        if kind == "opened" and at >= 0:
            channels.setdefault(contact, body["channel"])
        if kind in ("opened", "message") and body["actor"] == "customer":
            starts[contact] = min(at, starts.get(contact, at))
        elif kind == "responded" and body.get("actor") == "agent":
            ends[contact].append((at, 0, "met"))
        elif kind == "abandoned":
            ends[contact].append((at, 2, "abandoned"))
        elif kind == "closed":
            ends[contact].append((at, 3, "missed"))
            if body.get("reason") in EXCLUDED_REASONS:
                spam.add(contact)
        elif kind == "excluded":
            excluded.add(contact)
    figures: Counter[str] = Counter()
    for contact, start in starts.items():
        if channels.get(contact) != channel:
            continue
        figures["received"] += 1
        happened = [one for one in ends[contact] if one[0] >= start]
        answered = any(outcome == "met" for _, _, outcome in happened)
        if contact in excluded or (contact in spam and not answered):
            figures["excluded"] += 1
            continue
        if start + limit <= until:
            happened.append((start + limit, 1, "missed"))
        figures[min(happened)[2] if happened else "undecided"] += 1
    return figures


async def test_a_simulated_day_ends_with_the_figures_of_its_replay(settings: Settings) -> None:
    played = simulator()
    assert played.end is not None
    source = SimulatedSource(played, speed=SPEED)
    clock = played.end - SECOND - 5 * SECOND  # the last proof less skew, less grace
    assert all(event.time <= clock for event in events()), "pick a seed that is quiet at the end"
    watcher = Watcher(source, clock)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_simulated(settings, source, companions=(watcher.watch,))

    replayed_day = replayed(settings, clock)
    report: Any = replayed_day.report
    assert watcher.offset == len(events())
    assert by_channel(watcher.rows) == from_report(report)
    for channel, band, limit in (("messaging", "1h", HOUR), ("chat", "10m", 10 * MINUTE)):
        figures = report["channels"][channel]
        by_hand = counted_by_hand(channel, limit, clock)
        assert by_hand["met"] > 10
        assert by_hand == Counter(
            received=figures["received"],
            excluded=figures["excluded"],
            met=figures["within"][band],
            missed=figures["missed"][band],
            abandoned=figures["abandoned_in"][band],
            undecided=figures["undecided"][band],
        )
    assert len(watcher.scrapes) >= 3
    last = watcher.scrapes[-1]
    total = sum(
        int(n) for n in re.findall(r"^contact_received_total\{.*\} (\d+)$", last, re.MULTILINE)
    )
    assert total == sum(row.received for row in watcher.rows)
    assert re.search(r"^firstreply_ready 1$", last, re.MULTILINE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def test_the_demo_ends_by_itself_and_shows_where_to_scrape(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    http = settings.http.model_copy(update={"port": port})
    settings = settings.model_copy(update={"http": http})
    play = Play(seed=2, speed=SPEED, scale=0.02)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_demo(settings, play, through_kafka=False)

    out = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}/metrics" in out
    last = out[out.rindex(f"{port}/metrics") :]
    assert "phone" in last
    assert "email" in last


async def test_what_a_companion_raises_ends_the_service_as_it_is(settings: Settings) -> None:
    source = SimulatedSource(simulator(), speed=1)

    async def fail(_: Running) -> None:
        msg = "no more"
        raise FatalError(msg)

    with pytest.raises(FatalError, match=r"^no more$"):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await run_simulated(settings, source, companions=(fail,))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service_after_a_last_checkpoint(
    settings: Settings, number: signal.Signals
) -> None:
    rare = settings.model_copy(update={"checkpoint_interval": timedelta(hours=1)})
    source = SimulatedSource(simulator(), speed=SPEED)
    before: list[ChannelRow] = []
    interrupted: list[Running] = []

    async def interrupt(running: Running) -> None:
        await until_so(lambda: any(fold.offset for fold in running.processor.folds.values()))
        before.extend(row for row in running.board.rows() if row.received)
        interrupted.append(running)
        os.kill(os.getpid(), number)

    async with asyncio.timeout(PATIENCE_SECONDS):
        await run_simulated(rare, source, companions=(interrupt,))

    assert before == []
    assert sum(row.received for row in interrupted[0].board.rows()) > 0


async def test_a_port_that_is_taken_is_a_configuration_error(settings: Settings) -> None:
    source = SimulatedSource(simulator(), speed=1)

    with socket.create_server(("127.0.0.1", 0)) as server:
        http = settings.http.model_copy(update={"port": server.getsockname()[1]})
        with pytest.raises(ConfigurationError, match="cannot listen on"):
            await run_simulated(settings.model_copy(update={"http": http}), source)


def test_a_configuration_of_ones_own_takes_the_place_of_the_demos() -> None:
    own = demo_settings(ROOT / "tests" / "config" / "valid_example.yaml", {})
    packaged = demo_settings(None, {})

    assert own.kafka.topic == "contact-events"
    assert packaged.channels["chat"].promise is not None
    assert own.channels["messaging"].promise is None
    assert packaged.channels["messaging"].promise is not None
