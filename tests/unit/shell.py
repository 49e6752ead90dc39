"""A processor among fakes, whose loops are turned by hand and whose time stands still."""

import asyncio
from typing import Final, Self

from firstreply.adapters.codec import Decoder
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords
from firstreply.pace import Pace
from firstreply.ports import RecordDecoder
from firstreply.processor import Processor
from tests.unit.fakes import (
    FakeBroker,
    FakeCheckpoints,
    FakeClock,
    FakeDeadLetters,
    FakePublisher,
    FakeSource,
    partition_fold,
)

WALL: Final = 1_000_000
"""Seconds by which the time of day is ahead of the time that records are written by."""


class Shell:
    """A processor among fakes. Enter it; ``turn`` turns its consume loop once."""

    def __init__(
        self,
        broker: FakeBroker | None = None,
        *,
        pace: Pace | None = None,
        bad_records: BadRecords | None = None,
        decoder: RecordDecoder | None = None,
        policies: PolicyBook | None = None,
    ) -> None:
        self.journal: list[str] = []
        self.broker = broker or FakeBroker()
        self.source = FakeSource(self.broker, self.journal)
        self.letters = FakeDeadLetters(self.journal)
        self.publisher = FakePublisher(self.journal)
        self.clock = FakeClock(self.journal)
        self.wall = FakeClock([])
        self.wall.seconds = WALL
        self.monotonic = 1000.0
        shared = decoder or Decoder()
        limit = bad_records or BadRecords(1, 1000)
        self.checkpoints = FakeCheckpoints(
            self.journal,
            self.source,
            lambda partition, offset: partition_fold(
                partition, offset, decoder=shared, bad_records=limit, policies=policies
            ),
        )
        self.processor = Processor(
            source=self.source,
            dead_letters=self.letters,
            checkpoints=self.checkpoints,
            publisher=self.publisher,
            clock=self.clock,
            wall=self.wall,
            monotonic=lambda: self.monotonic,
            pace=pace or Pace(),
        )
        self._consuming: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._consuming = asyncio.create_task(self.processor.consume())
        await self._parked()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    async def kill(self) -> None:
        """End as a crash does: nothing more is made durable."""
        assert self._consuming is not None
        self._consuming.cancel()
        await asyncio.wait({self._consuming})

    async def turn(self, times: int = 1) -> None:
        """Fetch, fold and follow the assignment; raises what ``consume`` raises."""
        for _ in range(times):
            self.source.parked.clear()
            self.source.permit.set()
            await self._parked()

    async def own(self, *partitions: int) -> None:
        """Be assigned these partitions, begin them and read what is there."""
        self.source.own(*partitions)
        await self.turn(2)

    async def rebalanced(self, *partitions: int) -> None:
        """Lose everything for a turn of the loop, as aiokafka has it, then own these."""
        self.source.own()
        self.source.learn(settled=False)
        await self.turn()
        self.source.own(*partitions)
        await self.turn()

    async def checkpoint(self) -> None:
        await self.processor.checkpoint_once()

    async def pass_time(self, seconds: float, *, by: float = 1.0) -> None:
        """Let seconds pass with a proof and a checkpoint in each, as the loops do."""
        for _ in range(round(seconds / by)):
            self.monotonic += by
            self.clock.seconds += by
            self.wall.seconds += by
            await self.processor.prove_once()
            await self.checkpoint()

    def total(self, metric: str, *labels: str) -> int:
        return self.publisher.total(metric, *labels)

    async def _parked(self) -> None:
        assert self._consuming is not None
        waiting = asyncio.create_task(self.source.parked.wait())
        await asyncio.wait({waiting, self._consuming}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._consuming.done():
            await self._consuming
