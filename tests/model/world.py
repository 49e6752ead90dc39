"""What is around the processes of the protocol model: brokers, the group's coordinator, a scraper.

All in memory and one partition. The state log keeps what is appended, whoever appends it: it has no
fence. The coordinator has one: it accepts a commit only of the generation that it is in, and only
of its members. A member that took no part in a rebalance does not know that there was one.
"""

import random
from collections import Counter
from typing import Final, Literal

import msgspec

from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import SECOND
from firstreply.state.writer import Pointer
from tests.unit.domain.builders import T0
from tests.unit.state_log import MemoryLog

BROKER_SKEW: Final = SECOND * 4 // 10
"""How far a leader's clock is off at most."""

Ack = Literal["acknowledged", "lost", "unanswered", "late", "cut"]
"""Never arrives; arrives, and nobody says so; arrives later; arrives in part."""


class Input(msgspec.Struct, frozen=True):
    """A record of the input topic."""

    event: ContactEvent
    timestamp: int
    """LogAppendTime, in microseconds."""


class Brokers:
    """The input, the state log, and the clock that all others are off from."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now: int = T0
        self.input: list[Input] = []
        self.state = MemoryLog()
        self.pending_since: dict[tuple[str, int], int] = {}
        """Writer and seq of a checkpoint to where in the input what it carries begins."""
        self.under_way: list[bytes] = []
        """State records that nobody waits for any more, and that may still arrive."""

    def produce(self, event: ContactEvent) -> None:
        """Append an event, stamped by a leader whose clock may be off."""
        skew = self.chance.randint(-BROKER_SKEW, BROKER_SKEW)
        self.input.append(Input(event, self.now + skew))

    def append(self, records: list[bytes], ack: Ack) -> list[int] | None:
        """Append to the state log; return the offsets if anybody is told of them."""
        match ack:
            case "acknowledged":
                return self.state.append(*records)
            case "unanswered":
                twice = self.chance.random() < 0.3  # the client has sent it again
                self.state.append(*records, *(records if twice else []))
            case "cut":
                self.state.append(*records[:-1])
            case "late":
                self.under_way += records
            case "lost":
                pass
        return None

    def arrive(self) -> None:
        """Let what was under way arrive, or get lost."""
        arriving, self.under_way = self.under_way, []
        if self.chance.random() < 0.7:
            self.state.append(*arriving)


class Coordinator:
    """One consumer group, its generations and the committed offset."""

    def __init__(self) -> None:
        self.generation = 0
        self.members: frozenset[str] = frozenset()
        self.owner: str | None = None
        self.committed: int | None = None
        self.committed_by: str | None = None
        self.note: Pointer | None = None
        """Beside the commit."""

    def rebalance(self, members: frozenset[str], owner: str | None) -> None:
        """Begin a generation; whoever is not among the members is out."""
        self.generation += 1
        self.members = members
        self.owner = owner

    def expire(self) -> None:
        """Forget the group, its generations and what it committed."""
        self.__init__()  # type: ignore[misc]  # the group is a new one

    def commit(self, member: str, generation: int, offset: int, note: Pointer) -> bool:
        """Accept a commit of a member of this generation."""
        if member not in self.members or generation != self.generation:
            return False
        self.committed = offset
        self.committed_by = member
        self.note = note
        return True


class Scraper:
    """Reads the ledger as ``max by (kind)`` and each process's own counters, and adds them up."""

    def __init__(self) -> None:
        self.ledger: Counter[str] = Counter()
        """Kind to the sum of all increases by Prometheus' rule: less than before is a reset."""
        self.business: dict[str, int] = {}
        """Process to the last sample of its counter."""
        self._last: dict[str, int] = {}

    def scrape(self, shown: list[dict[str, int]], business: dict[str, int]) -> None:
        """Take one sample of everything that is shown."""
        self.business.update(business)
        highest: dict[str, int] = {}
        for ledger in shown:
            for kind, value in ledger.items():
                highest[kind] = max(value, highest.get(kind, 0))
        for kind, value in highest.items():
            last = self._last.get(kind, 0)
            self.ledger[kind] += value - last if value >= last else value
            self._last[kind] = value
