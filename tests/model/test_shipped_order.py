"""The shipped order of the steps - processor, checkpointer, keeper - played at random.

``test_protocol`` plays the protocol with an order of its own, and every crash between two steps;
here it is that of the service, among fakes: two members, a group, and a state log that loses,
delays and doubles. What must come out: the ledger of the last owner is the truth, nobody counted
twice, and while no process dies everything was counted by somebody.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from functools import partial
from typing import Final

import pytest

from firstreply.domain.errors import RetryableError
from firstreply.keeping.keeper import StateKeeper
from firstreply.pace import Pace
from firstreply.ports import Committed, Record
from firstreply.processor import Processor
from tests.unit.fakes import (
    FakeBroker,
    FakeClock,
    FakeDeadLetters,
    FakePublisher,
    FakeSource,
    opened,
    partition_fold,
)
from tests.unit.test_keeping import Written

P: Final = 0
RUNS: Final = 150
STEPS: Final = 60
REST: Final = 400
RECEIVED: Final = "contact_received_total"


class Log:
    """A state log that does not always tell what became of a record."""

    topic = "firstreply-state"

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.records: list[Written] = []
        self.under_way: list[Sequence[bytes]] = []
        self.calm = False

    def put(self, values: Sequence[bytes]) -> range:
        first = len(self.records)
        self.records += [Written(first + n, value) for n, value in enumerate(values)]
        return range(first, first + len(values))

    def arrive(self) -> None:
        arriving, self.under_way = self.under_way, []
        for values in arriving:
            if self.chance.random() < 0.7:
                self.put(values)

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:  # noqa: ARG002
        fates = ("written",) * 6 + ("lost", "unanswered", "late", "twice")
        fate = "written" if self.calm else self.chance.choice(fates)
        await some_turns(self.chance)
        offsets = range(0)
        if fate in {"written", "unanswered", "twice"}:
            offsets = self.put(values)
        if fate == "twice":
            offsets = self.put(values)
        if fate == "late":
            self.under_way.append(values)
        await some_turns(self.chance)
        if fate in {"lost", "unanswered", "late"}:
            msg = "not acknowledged"
            raise RetryableError(msg)
        return offsets

    async def bounds(self, partition: int) -> tuple[int, int]:  # noqa: ARG002
        return 0, len(self.records)

    async def read(
        self,
        partition: int,  # noqa: ARG002
        first: int,
        end: int,
    ) -> AsyncGenerator[Sequence[Written]]:
        await asyncio.sleep(0)
        if first < end:
            yield self.records[first:end]


class Source(FakeSource):
    """The input, and one member of the group."""

    partitions = 1
    most_records = 3

    def __init__(self, broker: FakeBroker, group: "Group") -> None:
        super().__init__(broker, [])
        self.group = group
        self.known = -1
        """The generation that this member believes to be the present one."""

    def generation(self) -> int:
        return self.known

    async def committed(self, partition: int) -> Committed | None:
        await asyncio.sleep(0)
        if self.known != self.group.generation:
            msg = "not a member of the group"
            raise RetryableError(msg)
        offset = self.broker.committed.get(partition)
        return None if offset is None else Committed(offset, self.broker.notes.get(partition, ""))

    async def first_offset(self, partition: int) -> int:  # noqa: ARG002
        return 0

    async def bounds(self, partition: int) -> tuple[int, int]:
        return 0, len(self.broker.log[partition])

    async def record(self, partition: int, offset: int) -> Record | None:
        return self.broker.log[partition][offset]

    async def commit(
        self, offsets: Mapping[int, int], epoch: int, notes: Mapping[int, str] | None = None
    ) -> bool:
        if self.known != self.group.generation:
            await asyncio.sleep(0)
            return False
        self.answers.clear()
        if not self.group.calm:
            self.answers.append(self.group.chance.choice(("accept",) * 5 + ("refuse", "lose")))
        return await super().commit(offsets, epoch, notes)


class Member:
    """A process: what it is made of is the service's own."""

    def __init__(self, broker: FakeBroker, log: Log, group: "Group") -> None:
        self.seconds = 0.0
        self.dead = False
        self.source = Source(broker, group)
        self.publisher = FakePublisher([])
        self.processor = Processor(
            source=self.source,
            dead_letters=FakeDeadLetters([]),
            checkpoints=StateKeeper(
                source=self.source,
                log=log,
                new_fold=partial(partition_fold),
                rotation_seconds=1000.0,
                accept_loss=False,
                monotonic=lambda: self.seconds,
            ),
            publisher=self.publisher,
            clock=FakeClock([]),
            wall=FakeClock([]),
            monotonic=lambda: self.seconds,
            pace=Pace(stall_seconds=1e9),
        )
        self.consuming = asyncio.create_task(self.processor.consume())
        self.turning: set[asyncio.Task[None]] = set()

    def goes_on(self) -> None:
        if self.consuming.done():
            self.consuming.result()
        self.seconds += 1.1
        self.source.permit.set()

    def checkpoint(self) -> asyncio.Task[None]:
        turn = asyncio.create_task(self._turn())
        self.turning.add(turn)
        return turn

    async def _turn(self) -> None:
        await self.processor.checkpoint_once()
        await self.processor.pay_once()

    async def kill(self) -> None:
        self.dead = True
        tasks = [self.consuming, *self.turning]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()


class Group:
    """Two members, and who is given the partition."""

    def __init__(self, seed: int, *, crashes: bool) -> None:
        self.crashes = crashes
        self.chance = random.Random(seed)
        self.broker = FakeBroker()
        self.log = Log(self.chance)
        self.generation = 0
        self.calm = False
        self.contacts = 0
        self.members = [Member(self.broker, self.log, self) for _ in range(2)]
        self.ever = list(self.members)

    async def give_to(self, owner: Member) -> None:
        """Rebalance; who takes no part does not know of it. In the end all take part.

        Else whoever is left out with a promise in doubt cannot ask what became of it.
        """
        self.generation += 1
        for member in self.members:
            if member is owner:
                member.source.known = self.generation
                member.source.own()
                member.source.learn(settled=False)
                await asyncio.sleep(0)
                member.source.own(P)
            elif self.calm or self.chance.random() < 0.8:
                member.source.known = self.generation
                member.source.learn()
        self.broker.owners = {P: owner.source}

    async def play(self) -> None:
        await self.give_to(self.members[0])
        for _ in range(STEPS):
            for member in self.members:
                member.goes_on()
            await self.chance.choices(
                (self.produce, self.checkpoint, self.rebalance, self.crash, self.arrive),
                (30, 30, 15, 5 * self.crashes, 5),
            )[0]()
            await some_turns(self.chance, 25)

    async def produce(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            self.broker.append(opened(self.contacts, f"c{self.contacts}"))
            self.contacts += 1

    async def checkpoint(self) -> None:
        for member in self.members:
            if self.chance.random() < 0.7:
                member.checkpoint()

    async def rebalance(self) -> None:
        await self.give_to(self.chance.choice(self.members))

    async def crash(self) -> None:
        number = self.chance.randrange(2)
        await self.members[number].kill()
        self.members[number] = Member(self.broker, self.log, self)
        self.ever.append(self.members[number])
        await self.rebalance()

    async def arrive(self) -> None:
        self.log.arrive()

    async def come_to_rest(self) -> Member:
        """Let one own the partition, with all that is sent answered."""
        self.calm = self.log.calm = True
        owner = self.members[0]
        for member in self.members:
            member.source.learn()
        await self.give_to(owner)
        for _ in range(REST):
            for member in self.members:
                member.goes_on()
            await owner.checkpoint()
            await asyncio.sleep(0.002)  # taking over waits for its tasks by the clock
            fold = owner.processor.folds.get(P)
            if fold is not None and fold.committed == self.contacts and fold.engine.unchanged:
                for member in self.members:
                    await member.checkpoint()
                return owner
        pytest.fail("the last owner does not come to rest")


async def some_turns(chance: random.Random, most: int = 3) -> None:
    """Let the others have so many turns."""
    for _ in range(chance.randint(0, most)):
        await asyncio.sleep(0)


async def played(seed: int, *, crashes: bool) -> tuple[int, int, int]:
    """Return how many contacts there were, are in the ledger, and were counted."""
    group = Group(seed, crashes=crashes)
    await group.play()
    owner = await group.come_to_rest()
    ledger = owner.processor.folds[P].engine.gauges().ledger["received"]
    counted = sum(member.publisher.total(RECEIVED) for member in group.ever)
    for member in group.members:
        await member.kill()
    return group.contacts, ledger, counted


async def test_the_ledger_is_exact_and_nothing_is_counted_twice() -> None:
    for seed in range(RUNS):
        contacts, ledger, counted = await played(seed, crashes=True)

        assert ledger == contacts, f"seed {seed}"
        assert counted <= contacts, f"seed {seed}: counted twice"


async def test_while_no_process_dies_nothing_is_counted_by_nobody() -> None:
    for seed in range(RUNS):
        contacts, ledger, counted = await played(seed, crashes=False)

        assert ledger == contacts, f"seed {seed}"
        assert counted == contacts, f"seed {seed}"
