"""Wires and runs the service: the only module that knows every part.

One TaskGroup with named tasks. Stopping goes in order: the loops end, a last checkpoint makes
durable and publishes what was folded, Kafka is left, HTTP closes last. A failure in any task ends
them all and comes out as one ``FirstreplyError``.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from firstreply import wiring
from firstreply.adapters.clock import SystemClock
from firstreply.adapters.http import Server
from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.null import NullCheckpoints, NullDeadLetters
from firstreply.adapters.prometheus import Publisher, ZeroFirst
from firstreply.adapters.simulator import SimulatedSource
from firstreply.board import Board
from firstreply.config.describe import settings_hash
from firstreply.domain.errors import FirstreplyError
from firstreply.policies import policy_book
from firstreply.ports import DeadLetterSink, RecordSource, WallClock
from firstreply.processor import Processor
from firstreply.settings import Settings

_log = logging.getLogger(__name__)

_LAG_INTERVAL_SECONDS: Final = 0.5

Companion = Callable[["Running"], Awaitable[None]]
"""Something that runs beside the service, such as the terminal table; ends when it likes."""


class Running(msgspec.Struct, frozen=True):
    """A service that is up."""

    address: str
    """Base URL of the HTTP server."""
    processor: Processor
    board: Board


async def run_kafka(
    settings: Settings,
    *,
    clock: WallClock | None = None,
    companions: tuple[Companion, ...] = (),
) -> None:
    """Read the configured topic until SIGTERM or SIGINT.

    Args:
        settings: the configuration.
        clock: for proofs; the demo plays simulated time.
        companions: run beside it.

    Raises:
        FirstreplyError: what ended it, other than a signal.
    """
    options = wiring.kafka_options(settings)
    source = KafkaSource(options)
    letters = KafkaDeadLetters(options)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(letters.stop)
        await letters.start()
        await _serve(
            settings,
            source=source,
            dead_letters=letters,
            clock=clock or SystemClock(),
            companions=companions,
        )


async def run_simulated(
    settings: Settings, source: SimulatedSource, *, companions: tuple[Companion, ...] = ()
) -> None:
    """Play a simulation until it is stopped."""
    await _serve(
        settings,
        source=source,
        dead_letters=NullDeadLetters(),
        clock=source,
        companions=companions,
        zero_first="new",
    )


async def _serve(
    settings: Settings,
    *,
    source: RecordSource,
    dead_letters: DeadLetterSink,
    clock: WallClock,
    companions: tuple[Companion, ...],
    zero_first: ZeroFirst = "all",
) -> None:
    book = policy_book(settings)
    publisher = Publisher(book, source.topic, zero_first=zero_first)
    publisher.config_hash(settings_hash(settings))
    board = Board(book, publisher)
    processor = Processor(
        source=source,
        dead_letters=dead_letters,
        checkpoints=NullCheckpoints(),
        publisher=board if companions else publisher,
        clock=clock,
        wall=SystemClock(),
        monotonic=time.monotonic,
        new_fold=wiring.new_fold(settings, book),
        pace=wiring.pace(settings),
    )
    async with AsyncExitStack() as stack:
        server = Server(publisher, processor.health)
        stack.push_async_callback(server.stop)
        await server.start(settings.http.host, settings.http.port)
        stack.push_async_callback(source.stop)
        await source.start()
        _log.info("started", extra={"topic": source.topic, "metrics": f"{server.address}/metrics"})
        async with _stopped_by_signals(processor):
            await _run_tasks(
                processor, publisher, Running(server.address, processor, board), companions
            )
        await processor.checkpoint_once()
        _log.info("stopped")


async def _run_tasks(
    processor: Processor,
    publisher: Publisher,
    running: Running,
    companions: tuple[Companion, ...],
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            lag = group.create_task(_measure_loop_lag(publisher), name="loop-lag")
            beside = [
                group.create_task(_companion(companion, running), name="companion")
                for companion in companions
            ]
            group.create_task(processor.checkpoint(), name="checkpoint")
            group.create_task(processor.prove(), name="prove")
            await group.create_task(processor.consume(), name="consume")
            for task in (lag, *beside):
                task.cancel()
    except* FirstreplyError as failures:
        raise _first(failures) from failures


async def _companion(companion: Companion, running: Running) -> None:
    await companion(running)


def _first(failures: BaseExceptionGroup[FirstreplyError]) -> FirstreplyError:
    """Return the first failure of a group, however deep."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    assert isinstance(failure, FirstreplyError)  # noqa: S101 - except* filtered them
    return failure


@asynccontextmanager
async def _stopped_by_signals(processor: Processor) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, processor.stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _measure_loop_lag(publisher: Publisher) -> None:
    """Export how late the event loop wakes us up: above some 20 ms something hogs it."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(_LAG_INTERVAL_SECONDS)
        late = time.monotonic() - before - _LAG_INTERVAL_SECONDS
        publisher.event_loop_lag(max(0.0, late))
