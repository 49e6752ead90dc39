"""One random run of the protocol model, and what must hold after it."""

import random
from itertools import pairwise
from typing import Final

from firstreply.domain.engine import Engine
from firstreply.domain.increments import Increments
from firstreply.domain.instants import HOUR, SECOND
from firstreply.domain.ledger import KINDS, RECEIVED, RESETTLED
from tests.model.process import SKEW, Process, Rules, received
from tests.model.world import Brokers, Coordinator, Scraper
from tests.unit.domain import oracle
from tests.unit.domain.builders import GRACE, T0, book, event
from tests.unit.domain.streams import BY_CHANNEL, POLICIES, Folded
from tests.unit.domain.streams import KINDS as EVENT_KINDS
from tests.unit.domain.test_engine_properties import judged, without_what_the_engine_does_not_keep

CHANNELS: Final = ("chat", "phone", "email", "social", "social", "video", "fax")
"""Twice the one that gives up soonest: what a clock ahead changes most."""

DAY: Final = 24 * HOUR
STEPS: Final = 1000


class Violation(AssertionError):  # noqa: N818 - what is found, not what went wrong with the test
    """A figure is not what it must be."""


class Run:
    """A group of up to three or four processes on one partition.

    Args:
        seed: of everything that happens.
        rules: which rules the processes follow.
        clock_jumps: whether a zombie's clock may be an hour ahead.
        trouble: how often things go wrong.
    """

    def __init__(self, seed: int, rules: Rules, *, clock_jumps: bool, trouble: int = 1) -> None:
        self.chance = random.Random(seed)
        self.brokers = Brokers(self.chance)
        self.group = Coordinator()
        self.scraper = Scraper()
        self.rules = rules
        self.clock_jumps = clock_jumps
        self.trouble = trouble
        self.jumped = False
        self.started = 0
        self.alive: list[Process] = []
        self.dead: list[Process] = []
        self.unscraped = 0
        for _ in range(2):
            self.start()

    # -- what happens

    def play(self) -> None:
        """Let things happen, then come to rest."""
        trouble = self.trouble
        happenings = (
            *(self.step,) * 60,
            *(self.produce,) * 10,
            *(self.pass_time,) * 4,
            *(self.scrape,) * 4 * trouble,
            *(self.rebalance,) * 2 * trouble,
            *(self.crash,) * trouble,
            *(self.start,) * trouble,
            self.tell,
            *(self.pause,) * 2 * trouble,
            *(self.resume,) * 2 * trouble,
            self.brokers.arrive,
        )
        for _ in range(STEPS):
            self.chance.choice(happenings)()
            if self.chance.random() < 0.002:
                self.expire()
        self.come_to_rest()

    def step(self) -> None:
        going = [one for one in self.alive if not one.paused]
        if going:
            next(self.chance.choice(going).activity)

    def produce(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            kind = self.chance.choice(EVENT_KINDS)
            contact = self.chance.randrange(80)
            late = self.chance.choice((0, 0, 0, 1, 3, 20, 700, 7200))
            channel = CHANNELS[contact % len(CHANNELS)] if kind.names_channel else None
            happened = event(
                kind.type,
                (self.brokers.now - T0) // SECOND - late,
                f"contact {contact}",
                channel=channel,
                queue=kind.queue,
                actor=kind.actor,
                direction=kind.direction,
                reason=kind.reason,
            )
            for _ in range(self.chance.choice((1, 1, 1, 2))):
                self.brokers.produce(happened)

    def pass_time(self) -> None:
        self.brokers.now += self.chance.choice((1, 5, 30, 400, 1300)) * SECOND

    def pause(self) -> None:
        if self.alive:
            self.chance.choice(self.alive).paused = True

    def resume(self) -> None:
        if self.alive:
            self.chance.choice(self.alive).paused = False

    def scrape(self) -> None:
        answering = [one for one in self.alive if not one.paused and self.chance.random() < 0.9]
        self.scraper.scrape(
            [one.shown for one in answering if one.shown is not None],
            {one.name: one.business for one in answering},
        )

    def start(self) -> None:
        if len(self.alive) < 3 + (self.trouble > 1):
            self.started += 1
            name = f"process {self.started}"
            self.alive.append(Process(name, book(*POLICIES), self.brokers, self.group, self.rules))

    def crash(self) -> None:
        if self.alive:
            self.bury(self.chance.choice(self.alive))

    def bury(self, process: Process) -> None:
        process.dies()
        self.alive.remove(process)
        self.dead.append(process)
        self.unscraped += process.business - self.scraper.business.get(process.name, 0)

    def rebalance(self) -> None:
        """Only those who answer in time take part; the others do not know."""
        taking_part = [one for one in self.alive if not one.paused and self.chance.random() < 0.7]
        self._rebalance(taking_part, self.chance.choice(taking_part) if taking_part else None)

    def _rebalance(self, taking_part: list[Process], owner: Process | None) -> None:
        for one in taking_part:
            one.revoked()
            one.ahead = 0
            if one.member not in self.group.members:
                one.joins_anew()
        members = frozenset(one.member for one in taking_part)
        self.group.rebalance(members, owner.member if owner else None)
        if owner is not None:
            owner.assigned(self.group.generation)
        for one in self.alive:
            if one.owns and one is not owner:  # given up: longer ago than a lease lasts
                one.leased = False
                if self.clock_jumps and self.chance.random() < 0.5:
                    one.ahead = HOUR
                    self.jumped = True

    def tell(self) -> None:
        """Let a process find out that it is not a member any more."""
        for one in self.alive:
            if one.owns and not one.paused and self.group.owner != one.member:
                one.revoked()
                one.ahead = 0

    def expire(self) -> None:
        """The group is deleted: nobody is a member, and generations begin anew."""
        self.group.expire()
        for one in self.alive:
            one.leased = False

    # -- what must hold

    def come_to_rest(self) -> None:
        """One process owns the partition, everything works, and all is decided."""
        self.start()
        self.brokers.arrive()
        owner = self.alive[-1]
        for one in self.alive:
            one.paused = False
        self._rebalance(self.alive, owner)
        owner.reliable = True
        self.brokers.now += DAY * 3
        for _ in range(5000):
            next(owner.activity)
            if self._at_rest(owner):
                break
        else:
            msg = "the last owner does not come to rest"
            raise Violation(msg)
        for one in self.alive:
            one.pay()
        for _ in range(3):
            self.scraper.scrape(
                [one.shown for one in self.alive if one.shown is not None],
                {one.name: one.business for one in self.alive},
            )
        assert owner.hold is not None
        self._check_contacts(owner.hold.engine, self.brokers.now - SKEW - GRACE * SECOND - 1)
        self._check_ledger(owner.hold.engine)
        self._check_business()

    def _at_rest(self, owner: Process) -> bool:
        hold = owner.hold
        return (
            hold is not None
            and hold.begin == len(self.brokers.input)
            and hold.engine.log_time >= self.brokers.now - SKEW
            and hold.engine.unchanged
            and not hold.pending
            and owner.shown == hold.engine.gauges().ledger
        )

    def _check_contacts(self, engine: Engine, until: int) -> None:
        """Check that every contact is what an oracle says that has seen the whole input."""
        expected = {}
        for name in {record.event.contact_id for record in self.brokers.input}:
            told = {
                one.event.id: one.event
                for one in self.brokers.input
                if one.event.contact_id == name
            }
            answer = oracle.answer(list(told.values()), BY_CHANNEL, until)
            if answer is not None:
                expected[name] = without_what_the_engine_does_not_keep(answer)
        if judged(Folded(engine, Increments())) != expected:
            msg = "contacts are not what the oracle says"
            raise Violation(msg)

    def _check_ledger(self, engine: Engine) -> None:
        """Check the ledger as Prometheus adds it up."""
        true = engine.gauges().ledger
        if not self.jumped and true != self._replayed().gauges().ledger:
            msg = f"the ledger {true} is not that of a replay"
            raise Violation(msg)
        seen = {kind: self.scraper.ledger[kind] for kind in true}
        if seen != true:
            msg = f"Prometheus has {seen}, where {true} is true"
            raise Violation(msg)
        waiting = sum(sum(one.waiting.values()) for one in engine.gauges().queues.values())
        settled = sum(true[kind] for kind in KINDS if kind not in {RECEIVED, RESETTLED})
        if true[RECEIVED] != settled + waiting:
            msg = f"the ledger does not add up: {true}, {waiting} waiting"
            raise Violation(msg)

    def _check_business(self) -> None:
        """Check that no counter is above the truth, and none below it but by what it may be.

        That is what was not scraped before a process died, and what an accepted commit has
        promised: the process died before it knew, or the group did before the process could ask.
        """
        processes = [*self.alive, *self.dead]
        spans = sorted(span for one in processes for span in one.published)
        for (_, end), (begin, _) in pairwise(spans):
            if begin < end:
                msg = f"records {begin} to {end} of the input were published twice"
                raise Violation(msg)
        counted = sum(self.scraper.business.values())
        true = received(self._replayed().take_increments())
        lost = sum(one.lost for one in processes)
        spared = true - lost - self.unscraped
        if not spared <= counted <= true:
            msg = f"{counted} contacts counted as received: not from {spared} to {true}"
            raise Violation(msg)

    def _replayed(self) -> Engine:
        engine = Engine(book(*POLICIES), grace=GRACE * SECOND)
        for record in self.brokers.input:
            engine.receive(record.event, record.timestamp)
        engine.advance(self.brokers.now - SKEW)
        return engine
