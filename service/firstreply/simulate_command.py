"""The simulated contact centre as a producer: its events go to Kafka as they happen.

For a stack to look at, where the service runs as in production. The simulated day began at midnight
by the clock of this machine (``TZ``): what has happened since is written at once, the rest when its
time comes, without end. Nothing is remembered: a producer that is started again on the same day
with the same seed and scale writes the same bytes again, which the service counts once. Another day
begins anew, and contacts that waited when the producer stopped are never answered.

It may be ended by any signal: what was not written yet has not happened.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, datetime, time
from typing import Final

import msgspec

from firstreply import wiring
from firstreply.adapters.clock import SystemClock
from firstreply.adapters.kafka.producer import Outgoing
from firstreply.adapters.kafka.writer import KafkaWriter
from firstreply.adapters.simulator import SimulatedEvent, Simulator
from firstreply.domain.instants import SECOND
from firstreply.ports import TimestampType, WallClock
from firstreply.settings import Settings

_MOST_RECORDS: Final = 1000
_MOST_SECONDS: Final = 1.0
"""Longest sleep: a clock that was set is noticed."""


class Simulation(msgspec.Struct, frozen=True):
    """What to simulate."""

    seed: int = 1
    scale: float = 1.0
    """1 is about 7,000 contacts a day."""


def midnight(day: date | None = None) -> datetime:
    """Return the beginning of a day, by the clock and time zone of this machine.

    The same at every hour of the day, also of one on which the clocks change.

    Args:
        day: None: this one.
    """
    day = day or datetime.now().astimezone().date()
    return datetime.combine(day, time.min).astimezone()


async def run_simulation(
    settings: Settings, simulation: Simulation, *, started: Callable[[str], None]
) -> None:
    """Write events to ``kafka.topic`` until this is cancelled; make the topic where it is absent.

    Args:
        settings: where Kafka is.
        simulation: what to write.
        started: told the topic and brokers once the topic is there.

    Raises:
        FirstreplyError: Kafka cannot be reached, or refuses.
    """
    simulator = Simulator(simulation.seed, midnight(), simulation.scale, days=None)
    async with KafkaWriter(wiring.kafka_options(settings)) as writer:
        await writer.create_topic(timestamp_type=TimestampType.CREATE_TIME)
        started(f"{settings.kafka.topic} on {settings.kafka.bootstrap_servers}")
        await play(simulator.events(), writer.write, SystemClock())


async def play(
    events: Iterator[SimulatedEvent],
    write: Callable[[list[Outgoing]], Awaitable[object]],
    clock: WallClock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Write each event once its time has come, in order; return after the last one."""
    due: list[Outgoing] = []
    for event in events:
        while event.time > (now := clock.now()):
            if due:
                await write(due)
                due = []
            else:
                await sleep(min((event.time - now) / SECOND, _MOST_SECONDS))
        due.append(
            Outgoing(
                key=event.contact_id.encode() or None,
                value=event.value,
                timestamp=event.time // 1000,
            )
        )
        if len(due) == _MOST_RECORDS:
            await write(due)
            due = []
    if due:
        await write(due)
