"""One fault on its own topic and group: members, feed and scraper, and the verdict at the end."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

from firstreply.config.load import load_settings
from firstreply.domain.bands import Policy
from firstreply.policies import policy_book
from tests.faults import checks, record, topics
from tests.faults.cluster import Cluster
from tests.faults.configuration import SHORT_BANDS, configuration
from tests.faults.feed import Feed
from tests.faults.member import Member
from tests.faults.samples import CLOCK, label
from tests.faults.scraper import Scraper
from tests.faults.verdict import Seen, Verdict, judge
from tests.faults.workload import BAND_SECONDS, Mixture, Workload

MEMBERS: Final = 3
PARTITIONS: Final = 4
RATE: Final = 25.0
"""Contacts that begin in a second: some 70 events."""
SESSION_SECONDS: Final = 6.0
"""The least that the service accepts."""
LEASE_SECONDS: Final = SESSION_SECONDS - 4.0 + 1.0
"""For how long two may show a partition: the lease, and what a scrape and a slow machine take."""
RECOVERY_SECONDS: Final = 60.0
"""Unless a test says otherwise."""

_SETTLED_AFTER_SECONDS: Final = BAND_SECONDS + 1.0
"""After the last event every deadline of the short band has passed; those of the long are far."""
_LOOK_SECONDS: Final = 0.2
_STEADY_SECONDS: Final = 2.0
"""Whole for so long is recovered: who was cut off does not notice at once."""
_LAST_SCRAPES_SECONDS: Final = 2.5
"""Two checkpoints, and a scrape after each: a new series is shown at 0 first."""


class Trial:
    """What a test works with; ``trial`` makes it."""

    def __init__(
        self, cluster: Cluster, folder: Path, *, partitions: int, stall: str, rules: str
    ) -> None:
        self.cluster = cluster
        self.partitions = partitions
        self.folder = folder
        self.topic = f"faults-{uuid4().hex[:8]}"
        self.state_topic = f"{self.topic}-state"
        self.servers = cluster.servers(0)
        self.configuration = configuration(self.topic, stall=stall, rules=rules)
        self.members: list[Member] = []
        self.scraper = Scraper(folder / "scrapes.jsonl")
        self.feeds: list[Feed] = []
        self.last_at = 0.0
        """Seconds since the epoch: the latest event that no feed has sent."""
        self.injected = 0
        """Faults so far."""
        self.crashes: Counter[int] = Counter()
        """Partition to how often a process that had it ended without a last checkpoint."""
        self.recovery: float | None = None
        """Seconds; the worst so far."""

    def member(self, seat: int, program: tuple[str, ...] = ("-m", "firstreply")) -> Member:
        """Add a member that does not run yet."""
        member = Member(self.cluster, seat, self.folder, self.configuration, program)
        self.members.append(member)
        self.scraper.watch([member.instance])
        return member

    async def start(self, members: int = MEMBERS) -> None:
        """Start members on the first seats and wait until they share all partitions."""
        for seat in range(1, members + 1):
            self.member(seat).start()
        await self.until(self._has_started, RECOVERY_SECONDS)

    def _has_started(self) -> bool:
        for member in self.members:
            assert member.is_running(), member.log
        return self.is_whole()

    async def feed(
        self,
        *,
        name: str = "c",
        rate: float = RATE,
        mixture: Mixture | None = None,
        begin: float | None = None,
    ) -> Feed:
        """Begin to send contacts, named so; the first one begins now, or began then."""
        workload = Workload(name, rate=rate, mixture=mixture or Mixture(), begin=begin)
        feed = Feed(self.servers, self.topic, workload)
        self.feeds.append(feed)
        await feed.start()
        return feed

    def shown(self) -> dict[int, str]:
        """Return partition to the instance that shows it just now."""
        return {
            int(label(series, "partition")): scrape.instance
            for scrape in self.scraper.latest.values()
            for series in scrape.values or {}
            if series[0] == CLOCK
        }

    def owner(self, partition: int) -> Member:
        """Return the member that shows a partition."""
        instance = self.shown()[partition]
        return next(member for member in self.members if member.instance == instance)

    def crashed(self, victim: Member) -> None:
        """Note that a process is about to die with what it has of its partitions."""
        shown = self.shown()
        had = {number for number, instance in shown.items() if instance == victim.instance}
        unshown = set(range(self.partitions)) - set(shown)  # it may be taking them over
        self.crashes.update(had | unshown)

    async def an_owner(self, chance: random.Random) -> Member:
        """Wait until somebody shows a partition; return one of those who do."""
        await self.until(lambda: bool(self.shown()), RECOVERY_SECONDS)
        return self.owner(chance.choice(sorted(self.shown())))

    def running(self) -> list[Member]:
        """Return the members with a process that is not paused."""
        return [one for one in self.members if one.is_running() and not one.is_paused]

    def value(self, member: Member, metric: str) -> float:
        """Return the sum of a metric as a member showed it last; 0 where it did not answer."""
        latest = self.scraper.latest.get(member.instance)
        values = (latest.values if latest else None) or {}
        return sum(value for series, value in values.items() if series[0] == metric)

    def is_whole(self) -> bool:
        """Whether every partition is shown, and every running member is ready."""
        return len(self.shown()) == self.partitions and all(
            self.value(member, "firstreply_ready") == 1 for member in self.running()
        )

    async def until(self, is_so: Callable[[], bool], seconds: float) -> float:
        """Wait until something is so; return how long that took. Looks five times a second."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not is_so():
                self._look_after()
                await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic() - began

    async def lasting(self, seconds: float) -> None:
        """Let time pass, and start again who ended by himself."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look_after()
            await asyncio.sleep(_LOOK_SECONDS)

    async def recovered(self, bound: float = RECOVERY_SECONDS) -> None:
        """Wait until the service is whole again, has read what had piled up, and stays so."""
        began = whole_since = time.monotonic()
        async with asyncio.timeout(bound + _STEADY_SECONDS):
            while time.monotonic() - whole_since < _STEADY_SECONDS:
                await self.lasting(_LOOK_SECONDS)
                if not self._has_caught_up():
                    whole_since = time.monotonic()
        self.recovery = max(whole_since - began, self.recovery or 0.0)

    def _has_caught_up(self) -> bool:
        lag = sum(self.value(one, "firstreply_consumer_lag_messages") for one in self.running())
        return self.is_whole() and lag < 10 * RATE

    def _look_after(self) -> None:
        """Do as a supervisor does: start again who ended by himself."""
        for member in self.members:
            if member.is_wanted and not member.is_running():
                self.crashes.update(range(self.partitions))  # nobody saw which it had
                member.start()

    async def settle(self, bound: float = RECOVERY_SECONDS) -> Verdict:
        """Send what is left, wait until all of it is shown, and judge."""
        for feed in self.feeds:
            await feed.stop()
        last = max([self.last_at, *(feed.last_at for feed in self.feeds)])
        until = last + _SETTLED_AFTER_SECONDS
        await self.until(lambda: self._is_past(until), bound + 2 * _SETTLED_AFTER_SECONDS)
        await self.lasting(_LAST_SCRAPES_SECONDS)
        seen = Seen(
            scrapes=list(self.scraper.scrapes),
            input=await topics.read_topic(self.servers, self.topic),
            checkpoints=await topics.checkpoints(self.servers, self.state_topic),
            letters=await topics.dead_letters(self.servers, self.topic),
            committed=await topics.committed(self.servers, self.topic, self.topic),
            crashes=self.crashes,
            recovery=self.recovery,
        )
        return judge(seen, self.policies(), until=int(until * 1_000_000), lease=LEASE_SECONDS)

    def policies(self) -> dict[str, Policy]:
        """Return the policies of the configuration, for the oracle."""
        path = self.folder / "oracle.yaml"
        text = self.configuration.replace("SERVERS", self.servers).replace("PORT", "0")
        path.write_text(text)
        return policy_book(load_settings(path, {})).policies

    def _is_past(self, instant: float) -> bool:
        """Whether every partition's service clock is past an instant, and nothing is unread."""
        clocks: dict[int, float] = {}
        for scrape in self.scraper.latest.values():
            for series, value in (scrape.values or {}).items():
                if series[0] == CLOCK:
                    clocks[int(label(series, "partition"))] = value
        return (
            len(clocks) == self.partitions
            and min(clocks.values()) > instant + 0.1
            and self.is_whole()
            and not any(
                self.value(member, "firstreply_consumer_lag_messages") for member in self.running()
            )
        )

    async def passes(self, number: int, fault: str, *, bound: float = RECOVERY_SECONDS) -> Verdict:
        """Settle, note the figures in the record, and fail if anything is wrong.

        Args:
            number: of the fault in the catalogue.
            fault: in some words, for the table.
            bound: seconds within which the service must have recovered (V7).
        """
        verdict = await self.settle(bound)
        record.append(
            record.Entry(
                number=number,
                fault=fault,
                kafka=self.cluster.version,
                injected=self.injected,
                contacts=verdict.truth.contacts,
                lost=verdict.lost,
                twice=verdict.twice,
                lacking=verdict.lacking,
                recovery_seconds=self.recovery,
                gap_seconds=verdict.gap_seconds,
            )
        )
        verdict.wrong["V7"] = checks.v7_recovered_in_time(self.recovery, bound)
        assert not verdict.summary(), verdict.summary()
        return verdict

    async def close(self) -> None:
        """End everything, in whatever state it is."""
        for feed in self.feeds:
            await feed.abort()
        await asyncio.gather(*(asyncio.to_thread(member.kill) for member in self.members))
        await self.scraper.stop()


@asynccontextmanager
async def trial(
    cluster: Cluster,
    folder: Path,
    *,
    partitions: int = PARTITIONS,
    stall: str = "60s",
    rules: str = SHORT_BANDS,
    replicas: int = 3,
    **settings: str,
) -> AsyncIterator[Trial]:
    """Make a topic for one fault; afterwards the cluster is whole, and the topics are gone.

    Args:
        cluster: runs.
        folder: for configurations, logs and scrapes.
        partitions: of the topic.
        stall: ``limits.stall_timeout`` of the members.
        rules: what their configuration says of channels and bands.
        replicas: of the topic.
        settings: of the topic, with ``_`` for ``.``.
    """
    one = Trial(cluster, folder, partitions=partitions, stall=stall, rules=rules)
    configs = {"message_timestamp_type": "LogAppendTime", "retention_ms": "-1", **settings}
    await topics.create_topic(one.servers, one.topic, partitions, replicas=replicas, **configs)
    try:
        yield one
    finally:
        try:
            await one.close()
        finally:
            await asyncio.to_thread(cluster.heal)
    await topics.delete_topics(one.servers, one.topic, one.state_topic, f"{one.topic}.dead-letters")
