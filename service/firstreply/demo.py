"""The demo: a simulated day of a contact centre, without a broker or through a real one.

Without a broker the simulation is the source. Through Kafka a single-node broker is started in a
temporary folder, a producer writes what has happened by the simulated clock, and the service reads
the topic as it would in production; the simulated clock stands in for the time of day, and passes
an instant only when everything up to it is in the topic, as a proof of log time requires.
"""

import asyncio
import tempfile
import time
from datetime import datetime, timedelta, timezone
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Self

import msgspec
from rich.console import Console, RenderableType
from rich.live import Live

from firstreply import wiring
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.adapters.simulator import SimulatedSource, Simulator
from firstreply.adapters.terminal import render_live, render_to_text
from firstreply.app import Running, run_kafka, run_simulated
from firstreply.config.load import load_settings
from firstreply.devkit.kafka_broker import KafkaBroker, find_kafka_jars
from firstreply.ports import TimestampType
from firstreply.settings import Settings

START: Final = datetime(2026, 3, 2, 6, tzinfo=timezone(timedelta(hours=1)))
"""A Monday in Paris, before the morning peak."""

_REFRESH_SECONDS: Final = 0.5
_PLAIN_EVERY_SECONDS: Final = 10.0


class Play(msgspec.Struct, frozen=True):
    """What to simulate."""

    seed: int = 1
    speed: float = 600.0
    """Simulated seconds in one second."""
    scale: float = 1.0
    days: int = 1


def demo_settings(path: Path | None, environment: dict[str, str]) -> Settings:
    """Load a configuration, by default the one of the demo."""
    if path is not None:
        return load_settings(path, environment)
    with as_file(files("firstreply") / "demo.yaml") as packaged:
        return load_settings(packaged, environment)


async def run_demo(settings: Settings, play: Play, *, through_kafka: bool) -> None:
    """Run the demo until its last day is over, or, on a terminal, until Ctrl-C after that."""
    simulator = Simulator(play.seed, START, play.scale, days=play.days)
    source = SimulatedSource(simulator, speed=play.speed)
    # Simulated time runs fast: look at it more often, so that it moves in small steps.
    settings = settings.model_copy(update={"proof_interval": settings.proof_interval / 5})
    if not through_kafka:
        await run_simulated(settings, source, companions=(_Table(settings, source).show,))
        return
    with tempfile.TemporaryDirectory(prefix="firstreply-kafka-") as folder:
        Console(stderr=True).print("Starting Apache Kafka ...")
        with KafkaBroker(find_kafka_jars(), Path(folder)) as broker:
            await _through(broker, settings, source)


async def _through(broker: KafkaBroker, settings: Settings, source: SimulatedSource) -> None:
    kafka = settings.kafka.model_copy(update={"bootstrap_servers": broker.bootstrap_servers})
    settings = settings.model_copy(update={"kafka": kafka})
    async with _Producer(settings, source) as producer:
        Console(stderr=True).print(
            f"Kafka listens on {broker.bootstrap_servers}; events go to {kafka.topic}"
        )
        await run_kafka(
            settings,
            clock=producer,
            rate=lambda: source.rate,
            companions=(producer.produce, _Table(settings, source).show),
        )


class _Producer:
    """Writes the simulation to the topic, and tells the simulated time of what was written."""

    def __init__(self, settings: Settings, source: SimulatedSource) -> None:
        self._writer = KafkaWriter(wiring.kafka_options(settings))
        self._source = source
        self._written_until = source.now()

    def now(self) -> int:
        """Return the simulated instant up to which every event is in the topic."""
        return self._written_until

    async def __aenter__(self) -> Self:
        await self._writer.__aenter__()
        await self._writer.create_topic(timestamp_type=TimestampType.CREATE_TIME)
        await self._source.start()
        await self._source.begin(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._writer.stop()

    async def produce(self, _: Running) -> None:
        """Write what has happened, until the last day is over."""
        while not self._source.finished:
            until = self._source.now()
            fetched = await self._source.fetch()
            records = [record for batch in fetched.values() for record in batch]
            await self._writer.write(
                Outgoing(key=record.key, value=record.value, timestamp=record.timestamp)
                for record in records
            )
            if records and records[-1].timestamp is not None:
                until = records[-1].timestamp * 1000
            self._written_until = max(self._written_until, until)
        self._written_until = self._source.now()


class _Table:
    """The live table on a terminal; elsewhere a plain one now and then."""

    def __init__(self, settings: Settings, source: SimulatedSource) -> None:
        self._settings = settings
        self._source = source
        self._console = Console()

    async def show(self, running: Running) -> None:
        """Show the figures until the simulation is over; then wait for Ctrl-C, or end."""
        if self._console.is_terminal:
            await self._show_live(running)
        else:
            await self._show_plain(running)
            running.processor.stop()

    async def _show_live(self, running: Running) -> None:
        with Live(console=self._console, auto_refresh=False, screen=False) as live:
            while True:
                live.update(self._render(running), refresh=True)
                await asyncio.sleep(_REFRESH_SECONDS)

    async def _show_plain(self, running: Running) -> None:
        shown_at = float("-inf")
        while not self._source.finished or not running.processor.health.ready:
            if time.monotonic() - shown_at >= _PLAIN_EVERY_SECONDS:
                shown_at = time.monotonic()
                self._print(running)
            await asyncio.sleep(_REFRESH_SECONDS)
        await asyncio.sleep(2 * self._settings.checkpoint_interval.total_seconds())
        self._print(running)

    def _print(self, running: Running) -> None:
        self._console.file.write(render_to_text(self._render(running)) + "\n")
        self._console.file.flush()

    def _render(self, running: Running) -> RenderableType:
        return render_live(
            running.board.rows(),
            clock=running.board.service_clock(),
            metrics_url=f"{running.address}/metrics",
            language=self._settings.language,
        )
