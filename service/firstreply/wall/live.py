"""The wall of this process: its figures and those of its group, as documents, once a second.

``turn`` is called every second. It makes the status of this process, offers it to the others, and,
while somebody looks, merges all statuses and encodes the documents once, however many look. Work is
done in slices of some milliseconds between which other tasks run: nothing here may delay the
consumer. What is in the documents is of one turn, so it fits together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from time import perf_counter
from typing import Final, Protocol, TypeVar

import msgspec

from firstreply.domain.gauges import PartitionGauges
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.health import Health
from firstreply.wall.documents import channels_document, urgent_document
from firstreply.wall.exchange import Exchange
from firstreply.wall.group import merge
from firstreply.wall.rolling import Rolling
from firstreply.wall.status import (
    Membership,
    ProcessStatus,
    Queues,
    channels_of,
    merged_gauges,
    service_clock,
    shortened,
)
from firstreply.wall.urgent import UrgentFinder

LOOK_SECONDS: Final = 10.0
"""A look keeps the documents fresh for so long."""

PATIENCE_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 1.5
"""Documents of the last turn are good enough for a request in between."""

SLICE_SECONDS: Final = 0.004

_Made = TypeVar("_Made")


class Figures(Protocol):
    """What was published of this process; the board."""

    rolling: Rolling

    @property
    def now(self) -> Mapping[int, PartitionGauges]:
        """What each partition said last."""


class Identity(msgspec.Struct, frozen=True):
    """Who tells a status, and what of it may be shown."""

    group: str
    """Consumer group and topic."""
    process: str
    """Drawn at the start."""
    timezone: str = "UTC"
    contact_ids: bool = False
    contact_link: str | None = None


class Documents(msgspec.Struct, frozen=True):
    """What is served, encoded; of one turn."""

    channels: bytes
    urgent: bytes


class Wall:
    """Everything that the page and the API show.

    Args:
        identity: see ``Identity``.
        book: the policies in force.
        figures: of this process.
        health: of this process.
        membership: what the source knows of the group now.
        urgent: finds the most urgent contacts of this process.
        exchange: to and from the other processes.
        rate: how fast the service clock runs now.
        monotonic: seconds.
    """

    def __init__(  # noqa: PLR0913 - all keyword-only; wired in one place
        self,
        *,
        identity: Identity,
        book: PolicyBook,
        figures: Figures,
        health: Health,
        membership: Callable[[], Membership],
        urgent: UrgentFinder,
        exchange: Exchange,
        rate: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._identity = identity
        self._book = book
        self._figures = figures
        self._health = health
        self._membership = membership
        self._urgent = urgent
        self._exchange = exchange
        self._rate = rate
        self._monotonic = monotonic
        self._numbers = count(1)
        self._looked_at = float("-inf")
        self._turning = asyncio.Lock()
        self._documents: Documents | None = None
        self._made_at = float("-inf")
        self._last_clock: tuple[int, float] | None = None

    def use_timezone(self, name: str) -> None:
        """Show the times of another zone."""
        self._identity = msgspec.structs.replace(self._identity, timezone=name)

    def looked(self) -> None:
        """Note that somebody looks."""
        self._looked_at = self._monotonic()
        self._exchange.want()

    @property
    def is_looked_at(self) -> bool:
        """Whether somebody looked within ``LOOK_SECONDS``."""
        return self._monotonic() - self._looked_at <= LOOK_SECONDS

    async def turn(self) -> Documents | None:
        """Tell the others, and make the documents anew if somebody looks. Called every second."""
        async with self._turning:
            return await self._turn()

    async def documents(self) -> Documents:
        """Return the documents of now: for whoever does not come every second.

        The first look after a while waits, some seconds at most, for what other processes tell.
        """
        self.looked()
        while (documents := self._fresh()) is None:
            await self._patiently(self._exchange.first_read())
            async with self._turning:
                if self._fresh() is None:
                    await self._turn()
        return documents

    @staticmethod
    async def _patiently(waiting: Awaitable[None]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await waiting

    def _fresh(self) -> Documents | None:
        too_old = self._monotonic() - self._made_at > FRESH_SECONDS
        return None if too_old else self._documents

    async def _turn(self) -> Documents | None:
        if not (self.is_looked_at or self._exchange.has_others):
            return None
        own = await self._own()
        self._exchange.offer(own)
        if not self.is_looked_at:
            return None
        self._documents = await self._make([own, *self._exchange.others()])
        self._made_at = self._monotonic()
        return self._documents

    async def _own(self) -> ProcessStatus:
        """Make the status of this process; consistent, for what it reads is replaced as a whole."""
        membership = self._membership()
        partitions = {
            number: now
            for number, now in self._figures.now.items()
            if number in membership.partitions
        }
        found = await self._urgent.find()
        queues: Queues = {}
        await _finished(merged_gauges(queues, partitions.values()))
        at = self._clock(service_clock(now.at for now in partitions.values()))
        rolling = self._figures.rolling
        return ProcessStatus(
            group=self._identity.group,
            process=self._identity.process,
            number=next(self._numbers),
            generation=membership.generation,
            trust=self._health.trust,
            reasons=shortened(self._health.reasons),
            partitions={number: now.at for number, now in partitions.items()},
            partitions_total=membership.partitions_total,
            since=None if at is None else rolling.since(at),
            queues=list(queues.values()),
            channels=[] if at is None else channels_of(rolling, self._book, at),
            late=found.late,
            coming=found.coming,
        )

    def _clock(self, at: int | None) -> int | None:
        """Return the service clock; without partitions, as it would have gone on."""
        now = self._monotonic()
        if at is not None:
            self._last_clock = (at, now)
        elif self._last_clock is not None:
            last, when = self._last_clock
            return last + round((now - when) * self._rate() * SECOND)
        return at

    async def _make(self, statuses: Sequence[ProcessStatus]) -> Documents:
        group = await _finished(merge(statuses, self._exchange.unread()))
        assert group is not None  # noqa: S101 - its last step
        identity = self._identity
        channels = await _finished(
            channels_document(group, self._book, rate=self._rate(), timezone=identity.timezone)
        )
        urgent = urgent_document(group, ids_shown=identity.contact_ids, link=identity.contact_link)
        return Documents(msgspec.json.encode(channels), msgspec.json.encode(urgent))


async def _finished(steps: Iterable[_Made]) -> _Made | None:
    """Take all steps, letting other tasks run in between; return what the last one made."""
    last = None
    began = perf_counter()
    for made in steps:
        last = made
        if perf_counter() - began >= SLICE_SECONDS:
            await asyncio.sleep(0)
            began = perf_counter()
    return last
