"""Dangers that chance seldom finds, played step by step: with the rule, and without it."""

import random
from collections.abc import Callable
from typing import Final

import pytest

from firstreply.domain.instants import HOUR, SECOND
from firstreply.state.chain import Ranking
from firstreply.state.chunk import Header, Order, order
from tests.model.process import Process, Rules, Term
from tests.model.world import Brokers, Coordinator, Scraper
from tests.unit.domain.builders import book, opened, responded
from tests.unit.domain.streams import POLICIES

PATIENCE: Final = 2000


def by_offset_and_log_time(header: Header) -> Order:
    """Rank as if the chain that read further were the better one, whoever wrote it."""
    return (0, 0, header.offset, header.log_time, header.seq)


class Scene:
    """One partition; everything that is sent arrives."""

    def __init__(self, rules: Rules) -> None:
        self.brokers = Brokers(random.Random(1))
        self.group = Coordinator()
        self.scraper = Scraper()
        self.rules = rules
        self.alive: list[Process] = []

    def process(self, name: str) -> Process:
        process = Process(name, book(*POLICIES), self.brokers, self.group, self.rules)
        process.reliable = True
        self.alive.append(process)
        return process

    def give_to(self, owner: Process) -> None:
        """Rebalance; nobody else takes part, or knows."""
        owner.revoked()
        self.group.rebalance(frozenset({owner.member}), owner.member)
        owner.assigned(self.group.generation)
        for other in self.alive:
            other.leased = other.leased and other is owner

    def let_back(self, member: Process, owner: Process) -> None:
        """Rebalance with one who was put out; the partition stays where it is."""
        for one in (member, owner):
            one.revoked()
        self.group.rebalance(frozenset({member.member, owner.member}), owner.member)
        owner.assigned(self.group.generation)

    def counted(self) -> int:
        """Return how many contacts were counted as received, by all together."""
        return sum(one.business for one in self.alive)

    def scrape(self) -> None:
        self.scraper.scrape([one.shown for one in self.alive if one.shown is not None], {})

    def open_contacts(self, first: int, count: int, channel: str = "chat") -> None:
        for number in range(first, first + count):
            self.brokers.produce(opened(0, f"contact {number}", channel=channel))

    def prometheus_is_right_about(self, owner: Process) -> bool:
        assert owner.hold is not None
        true = owner.hold.engine.gauges().ledger
        return {kind: self.scraper.ledger[kind] for kind in true} == true


def until(process: Process, holds: Callable[[], bool]) -> None:
    """Let a process go on until something is so."""
    for _ in range(PATIENCE):
        if holds():
            return
        next(process.activity)
    pytest.fail(f"{process.name} does not get there")


def written(process: Process) -> int:
    """Return up to where in the input a process has written state that was acknowledged."""
    hold = process.hold
    return -1 if hold is None or hold.writer.tip is None else hold.writer.tip.offset


def published(process: Process) -> int:
    """Return up to where in the input a process has published."""
    return -1 if process.hold is None or process.ledger is None else process.hold.begin


@pytest.mark.parametrize("silent", [True, False])
def test_what_was_restored_must_not_be_shown_before_the_claim_is_committed(*, silent: bool) -> None:
    scene = Scene(Rules(silent=silent))
    zombie, slow, owner = scene.process("zombie"), scene.process("slow"), scene.process("owner")
    scene.open_contacts(0, 5)
    scene.give_to(zombie)
    until(zombie, lambda: published(zombie) == 5)
    scene.scrape()
    scene.give_to(slow)
    scene.give_to(owner)
    until(owner, lambda: owner.hold is not None)  # it has read the state log

    scene.open_contacts(5, 5)
    until(zombie, lambda: written(zombie) == 10)
    until(slow, lambda: slow.hold is not None)  # it reads what the owner did not, and is none
    scene.scrape()
    until(owner, lambda: owner.ledger is not None)
    scene.alive.remove(slow)  # it dies
    scene.scrape()
    until(owner, lambda: published(owner) == 10)
    scene.scrape()

    assert scene.prometheus_is_right_about(owner) is silent


@pytest.mark.parametrize(("rank", "right"), [(order, True), (by_offset_and_log_time, False)])
def test_a_zombie_with_its_clock_ahead_must_not_be_restored(*, rank: Ranking, right: bool) -> None:
    scene = Scene(Rules(rank=rank, takes_back=False))  # or it appends a single checkpoint
    zombie, owner, heir = scene.process("zombie"), scene.process("owner"), scene.process("heir")
    scene.open_contacts(0, 5, "social")  # given up after twenty minutes
    scene.give_to(zombie)
    until(zombie, lambda: published(zombie) == 5)
    scene.give_to(owner)
    until(owner, lambda: published(owner) == 5)

    zombie.ahead = HOUR
    assert zombie.hold is not None
    for _ in zombie._prove(Term(zombie.epoch, zombie.member, zombie.generation)):
        pass
    scene.brokers.now += 600 * SECOND
    for number in range(5):
        scene.brokers.produce(responded(600, f"contact {number}"))
    until(owner, lambda: published(owner) == 10)
    scene.scrape()
    until(zombie, lambda: written(zombie) == 10)
    scene.alive.remove(owner)  # it dies
    scene.give_to(heir)
    until(heir, lambda: heir.ledger is not None)
    scene.scrape()

    assert scene.prometheus_is_right_about(heir) is right


@pytest.mark.parametrize("asks", [True, False])
def test_who_is_no_owner_any_more_must_not_take_a_higher_generation_for_a_new_group(
    *, asks: bool
) -> None:
    scene = Scene(Rules(asks=asks))
    slow, owner, heir = scene.process("slow"), scene.process("owner"), scene.process("heir")
    scene.open_contacts(0, 5)
    scene.give_to(slow)
    scene.give_to(owner)
    until(owner, lambda: published(owner) == 5)

    for _ in range(PATIENCE):  # it reads a tip of generation 2, and was given generation 1
        next(slow.activity)
    scene.open_contacts(5, 5)
    until(owner, lambda: published(owner) == 10)
    scene.scrape()
    scene.alive.remove(owner)  # it dies
    scene.give_to(heir)
    until(heir, lambda: heir.ledger is not None)
    scene.scrape()

    assert scene.prometheus_is_right_about(heir) is asks


@pytest.mark.parametrize("told", [True, False])
def test_a_late_claim_of_a_group_that_was_deleted_must_not_beat_the_owner_in_the_new_one(
    *, told: bool
) -> None:
    scene = Scene(Rules(told=told))
    first, zombie = scene.process("first"), scene.process("zombie")
    owner, heir = scene.process("owner"), scene.process("heir")
    scene.open_contacts(0, 5)
    scene.give_to(first)
    until(first, lambda: published(first) == 5)
    for _ in range(5):
        scene.give_to(zombie)
    until(zombie, lambda: zombie.group.committed_by == zombie.member)  # and its claim comes next

    scene.group.expire()
    scene.give_to(owner)
    scene.give_to(owner)  # its generation is above that of the last claim in the log
    until(owner, lambda: published(owner) == 5)
    for _ in range(PATIENCE):
        next(zombie.activity)
    scene.open_contacts(5, 5)
    until(owner, lambda: published(owner) == 10)
    scene.scrape()
    scene.alive.remove(owner)  # it dies
    scene.give_to(heir)
    until(heir, lambda: heir.ledger is not None)
    scene.scrape()

    assert scene.prometheus_is_right_about(heir) is told


@pytest.mark.parametrize("pays", [True, False])
def test_who_never_heard_that_its_promise_was_accepted_must_keep_it(*, pays: bool) -> None:
    scene = Scene(Rules(pays=pays))
    frozen, heir, owner = scene.process("frozen"), scene.process("heir"), scene.process("owner")
    scene.open_contacts(0, 5)
    scene.give_to(frozen)
    until(frozen, lambda: published(frozen) == 5)
    scene.open_contacts(5, 5)
    frozen.deaf = True
    until(frozen, lambda: frozen.promised == 5)
    for successor in (heir, owner):  # several, before it is back
        scene.give_to(successor)
        until(successor, lambda one=successor: published(one) == 10)  # type: ignore[misc]
    scene.let_back(frozen, owner)
    until(frozen, lambda: not frozen.doubts.open)

    assert scene.counted() == (10 if pays else 5)


@pytest.mark.parametrize("hears", [True, False])
def test_who_never_heard_that_its_promise_was_refused_must_not_keep_it(*, hears: bool) -> None:
    scene = Scene(Rules(hears=hears))
    frozen, owner = scene.process("frozen"), scene.process("owner")
    scene.open_contacts(0, 5)
    scene.give_to(frozen)
    until(frozen, lambda: published(frozen) == 5)
    scene.open_contacts(5, 5)
    until(frozen, lambda: written(frozen) == 10)  # and its commit comes next
    scene.give_to(owner)
    until(owner, lambda: published(owner) == 10)
    until(frozen, lambda: bool(frozen.doubts.open))
    scene.let_back(frozen, owner)
    until(frozen, lambda: not frozen.doubts.open)

    assert scene.counted() == (10 if hears else 15)
