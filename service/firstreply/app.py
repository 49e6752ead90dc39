"""Wires and runs the service: the only module that knows every part.

One TaskGroup with named tasks. Stopping goes in order: the loops end, a last checkpoint makes
durable and publishes what was folded, Kafka is left, the last figures are scraped (a second signal
ends that wait, and nothing sooner), HTTP closes. A failure in any task ends them all and comes out
as one ``FirstreplyError``.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from firstreply import event_loop, logs, wiring
from firstreply.adapters.clock import SystemClock, lease_seconds
from firstreply.adapters.http import Server
from firstreply.adapters.http_guard import ClosedWall
from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.source import KafkaSource
from firstreply.adapters.null import NullDeadLetters
from firstreply.adapters.prometheus import Publisher, ZeroFirst
from firstreply.adapters.reload_route import ReloadRoute
from firstreply.adapters.simulator import SimulatedSource
from firstreply.board import Board
from firstreply.config.describe import settings_hash
from firstreply.domain.errors import FirstreplyError
from firstreply.fold import PartitionFold
from firstreply.hangups import hangups
from firstreply.keeping.memory import MemoryKeeper
from firstreply.keeping.port import Checkpoints
from firstreply.policies import policy_book
from firstreply.ports import DeadLetterSink, RecordSource, WallClock
from firstreply.processor import Processor
from firstreply.reloading import InForce, Reader, Reading, Reloader
from firstreply.settings import Settings
from firstreply.showing import Group, Showing
from firstreply.wall.exchange import NoExchange
from firstreply.wall.status import Membership
from firstreply.words import Language

_log = logging.getLogger(__name__)

_LAST_SCRAPE_SECONDS: Final = 20.0
"""How long a stopping process waits for one more scrape, where somebody scrapes; below the 30 s
that Kubernetes grants."""

Companion = Callable[["Running"], Coroutine[None, None, None]]
"""Something that runs beside the service, such as the terminal table; ends when it likes."""


class Running(msgspec.Struct, frozen=True):
    """A service that is up."""

    address: str
    """Base URL of the HTTP server."""
    processor: Processor
    board: Board


NewFold = Callable[[int, int], PartitionFold]
"""Makes the fold of a partition that begins at an offset."""


class _Surroundings(msgspec.Struct, frozen=True):
    """What of the service depends on where its records come from."""

    source: RecordSource
    dead_letters: DeadLetterSink
    clock: WallClock
    group: Group
    keep: Callable[[NewFold], Checkpoints]
    reading: Reading
    zero_first: ZeroFirst = "all"
    before_release: Callable[[Callable[[], Awaitable[None]]], None] = lambda _: None
    """Is told what to do before partitions are given up."""


async def run_kafka(
    settings: Settings,
    *,
    clock: WallClock | None = None,
    rate: Callable[[], float] = lambda: 1.0,
    accept_loss: bool = False,
    companions: tuple[Companion, ...] = (),
    read: Reader | None = None,
) -> None:
    """Read the configured topic until SIGTERM or SIGINT; with ``read``, reload at SIGHUP.

    Args:
        settings: the configuration.
        clock: for proofs; the demo plays simulated time.
        rate: how fast that clock runs.
        accept_loss: go on without a state that should be there.
        companions: run beside it.
        read: reads and checks the configuration anew; None: there is no reloading.

    Raises:
        FirstreplyError: what ended it, other than a signal.
    """
    options = wiring.kafka_options(settings)
    source = KafkaSource(options)
    letters = KafkaDeadLetters(options)
    async with AsyncExitStack() as stack:
        reading = Reading(lambda: settings, asyncio.Event())
        if read is not None:
            reading = Reading(read, stack.enter_context(hangups()))
        stack.push_async_callback(letters.stop)
        await letters.start()
        log = wiring.state_log(settings)
        if log is not None:
            stack.push_async_callback(log.stop)
            await log.start()

        def keep(make: NewFold) -> Checkpoints:
            if log is None:
                return MemoryKeeper(source, make)
            return wiring.keeper(settings, source, log, make, accept_loss=accept_loss)

        identity = wiring.identity(settings)
        surroundings = _Surroundings(
            source=source,
            dead_letters=letters,
            clock=clock or SystemClock(),
            group=Group(identity, source.membership, wiring.exchange(settings, identity), rate),
            keep=keep,
            before_release=source.before_release,
            reading=reading,
        )
        await _serve(settings, surroundings, companions)


async def run_simulated(
    settings: Settings, source: SimulatedSource, *, companions: tuple[Companion, ...] = ()
) -> None:
    """Play a simulation until it is stopped."""

    def membership() -> Membership:
        return Membership(source.assignment().partitions)

    group = Group(wiring.identity(settings), membership, NoExchange(), lambda: source.rate)
    surroundings = _Surroundings(
        source=source,
        dead_letters=NullDeadLetters(),
        clock=source,
        group=group,
        keep=lambda make: MemoryKeeper(source, make),
        reading=Reading(lambda: settings, asyncio.Event()),
        zero_first="new",
    )
    await _serve(settings, surroundings, companions)


async def _serve(
    settings: Settings, around: _Surroundings, companions: tuple[Companion, ...]
) -> None:
    source = around.source
    book = policy_book(settings)
    shown = book.keeping(book)
    publisher = Publisher(shown, source.topic, zero_first=around.zero_first, seconds=lease_seconds)
    publisher.config_hash(settings_hash(settings))
    publisher.config_accepted(SystemClock().now())
    board = Board(
        shown,
        publisher,
        wiring.timezone(settings),
        lambda partition: _reads_since(processor, partition),
    )
    processor = Processor(
        source=source,
        dead_letters=around.dead_letters,
        checkpoints=around.keep(wiring.new_fold(settings, book)),
        publisher=board,
        clock=around.clock,
        wall=SystemClock(),
        monotonic=lease_seconds,
        pace=wiring.pace(settings),
    )
    around.before_release(processor.checkpoint_once)
    showing = Showing(around.group, processor, board, shown, Language(settings.language))

    def follow(after: Settings) -> None:
        zone = wiring.timezone(after)
        board.rolling.use_timezone(zone)
        showing.use_timezone(zone.key)
        logs.set_level(after.log.level)

    in_force = InForce(settings, book, shown, publisher, processor.health, follow)
    security = wiring.web_security(settings)
    wall = showing.routes if wiring.shows_wall(settings, security) else ClosedWall()
    reloader = Reloader(in_force, around.reading, SystemClock())
    route = ReloadRoute(reloader.reload if settings.http.reload else None)
    async with AsyncExitStack() as stack:
        server = Server(
            publisher,
            processor.health,
            wall,
            route,
            security=security,
            any_host=settings.http.api == "on",
        )
        stack.push_async_callback(server.stop)
        await server.start(settings.http.host, settings.http.port)
        stack.push_async_callback(source.stop)
        await source.start()
        _log.info("started", extra={"topic": source.topic, "metrics": f"{server.address}/metrics"})
        running = Running(server.address, processor, board)
        async with _stopped_by_signals(processor) as hurried:
            await _run_tasks(
                processor,
                {
                    "event-loop": event_loop.measure(publisher),
                    "wall": showing.show(),
                    "exchange": around.group.exchange.run(),
                    "reload": reloader.run(),
                    **{f"companion-{n}": one(running) for n, one in enumerate(companions)},
                },
            )
            await processor.checkpoint_once()
            processor.withdraw()  # before others show what was ours
            await source.stop()  # so that they take over while we are scraped
            await _until_scraped(publisher, hurried)
        _log.info("stopped")


def _reads_since(processor: Processor, partition: int) -> int | None:
    """Return the timestamp of the first record read of a partition, in microseconds."""
    fold = processor.folds.get(partition)
    return None if fold is None or fold.first_timestamp is None else fold.first_timestamp * 1000


async def _until_scraped(publisher: Publisher, hurried: asyncio.Event) -> None:
    """Give Prometheus the last figures before the process ends with them."""
    ends = {
        asyncio.create_task(publisher.all_delivered(), name="last-scrape"),
        asyncio.create_task(hurried.wait(), name="hurried"),
    }
    _log.info("waiting_for_the_last_scrape", extra={"seconds": _LAST_SCRAPE_SECONDS})
    done, waiting = await asyncio.wait(
        ends, timeout=_LAST_SCRAPE_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    for task in waiting:
        task.cancel()
    if all(task.get_name() != "last-scrape" for task in done):
        _log.warning("last_figures_not_scraped", extra={"hurried": hurried.is_set()})


async def _run_tasks(processor: Processor, beside: dict[str, Coroutine[None, None, None]]) -> None:
    """Run the loops until the first ends by itself, and others beside them until then."""
    try:
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(work, name=name) for name, work in beside.items()]
            group.create_task(processor.checkpoint(), name="checkpoint")
            group.create_task(processor.prove(), name="prove")
            await group.create_task(processor.consume(), name="consume")
            for task in others:
                task.cancel()
    except* FirstreplyError as failures:
        raise _first(failures) from failures


def _first(failures: BaseExceptionGroup[FirstreplyError]) -> FirstreplyError:
    """Return the first failure of a group, however deep."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    assert isinstance(failure, FirstreplyError)  # noqa: S101 - except* filtered them
    return failure


@asynccontextmanager
async def _stopped_by_signals(processor: Processor) -> AsyncIterator[asyncio.Event]:
    """Stop the processor at the first signal; yield what the second one sets."""
    loop = asyncio.get_running_loop()
    stopping, hurried = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        if stopping.is_set():
            hurried.set()
        stopping.set()
        processor.stop()

    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, signalled)
    try:
        yield hurried
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
