"""All checks in order; each finding is yielded when it is known.

A check whose question fails is a finding of its own and stops nothing else; what depends on it is
skipped and says what it needs. Questions go over one connection to a bootstrap server
(``questions``); records are read from the leaders, where these say they are.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from typing import Final

import msgspec

from firstreply import wiring
from firstreply.adapters.kafka.link import LinkError, linked
from firstreply.adapters.kafka.offsets import LeaderOffsets
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.sample import Bounds, last_records
from firstreply.adapters.kafka.seen import ClusterSeen
from firstreply.doctor.addresses import Address, Reached
from firstreply.doctor.clock import clock_verdict
from firstreply.doctor.finding import Finding, Result, failure, skipped
from firstreply.doctor.group import lag_verdicts
from firstreply.doctor.input_topic import SETTINGS
from firstreply.doctor.questions import Questions, needs
from firstreply.doctor.reaching import advertised, reach
from firstreply.doctor.sample import Sample, share_of_each
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.policies import policy_book
from firstreply.settings import Settings

BEHIND_LOGIN: Final = (
    "advertised",
    "topic",
    *SETTINGS,
    "permissions",
    "dead letters",
    "state",
    "status",
    "group",
    "lag",
    "clock",
    "keys",
    "records",
)
"""The checks that need a broker that lets us in."""

_LEAST_REQUEST: Final = timedelta(seconds=6)
"""Of ``request_timeout``, which must exceed that of a rebalance."""

_AN_ADDRESS: Final = "an advertised address that works"

Findings = AsyncGenerator[Finding, None]


class Checkup:
    """One look at everything.

    Args:
        settings: the configuration.
        limit: the longest wait for each answer.
        told: called with what is looked at next.
    """

    def __init__(
        self, settings: Settings, limit: timedelta, told: Callable[[str], None] = lambda _: None
    ) -> None:
        self._settings = settings
        self._limit = limit
        self._told = told
        self._options = replace(
            wiring.kafka_options(settings),
            connect_timeout=limit,
            request_timeout=max(limit, _LEAST_REQUEST),
            rebalance_timeout=timedelta(seconds=1),
            offsets_timeout=limit,
            stop_timeout=limit,
        )

    async def run(self) -> Findings:
        """Yield what is found. Nothing is written anywhere."""
        addresses = bootstrap_addresses(self._options)
        self._told(f"reaching {', '.join(map(str, addresses))}")
        reached = await asyncio.gather(
            *(reach(self._options, address, self._limit) for address in addresses)
        )
        for finding in entry_findings(reached):
            yield finding
        entry = next((one for one in reached if one.cluster is not None), None)
        if entry is None or entry.cluster is None:
            for name in BEHIND_LOGIN:
                yield skipped(name, "needs a broker that lets us in")
            return
        self._told("following the addresses that brokers advertise")
        brokers = await advertised(self._options, addresses, entry.cluster, self._limit)
        for _, finding in brokers:
            yield finding
        usable = {broker.number for broker, one in brokers if one.result is Result.OK}
        async with aclosing(self._inside(entry.address, entry.cluster, usable)) as findings:
            async for finding in findings:
                yield finding

    async def _inside(
        self, entry: Address, cluster: ClusterSeen, usable: AbstractSet[int]
    ) -> Findings:
        """Yield what is found behind the login."""
        try:
            async with linked(self._options, entry.host, entry.port, self._limit) as link:
                questions = Questions(self._settings, self._options, link, self._limit)
                for check, question in self._questions(questions, cluster, usable):
                    self._told(f"asking for the {check}")
                    async for finding in _answered(check, question):
                        yield finding
                clock = await link.clock()
        except LinkError as error:
            text = f"{entry} stopped answering: {error}"
            yield failure("kafka", text, "See the broker's log, and run this again.")
            return
        sample = Sample(
            wiring.decoder(self._settings), policy_book(self._settings), time.time() * 1000
        )
        async for finding in self._records(questions, sample, usable):
            yield finding
        yield clock_verdict(clock, sample.newest, self._settings.proof_skew)

    def _questions(
        self, questions: Questions, cluster: ClusterSeen, usable: AbstractSet[int]
    ) -> Iterator[tuple[str, AsyncIterator[Finding]]]:
        yield "topic", questions.input(cluster)
        for check, need in needs(self._settings):
            yield check, questions.own(check, need)
        yield "group", questions.group(cluster, usable)

    async def _records(
        self, questions: Questions, sample: Sample, usable: AbstractSet[int]
    ) -> AsyncIterator[Finding]:
        """Yield what the group has not read yet, and what the last records are."""
        topic = questions.source
        if topic is None or not usable:
            need = f"topic {self._options.topic}" if topic is None else _AN_ADDRESS
            for check in ("lag", "keys", "records"):
                yield skipped(check, f"needs {need}")
            return
        self._told("asking for the ends of the partitions")
        try:
            bounds = await self._bounds(topic.partitions)
        except (RetryableError, FatalError) as error:
            yield failure("lag", str(error), "See the findings above, and the broker's log.")
            for check in ("keys", "records"):
                yield skipped(check, "needs the ends of the partitions")
            return
        for finding in self._lag(questions, bounds):
            yield finding
        if questions.may_read:
            async for finding in self._sampled(sample, bounds, topic.partitions):
                yield finding
        else:
            for check in ("keys", "records"):
                yield skipped(check, f"needs READ on topic {topic.name}")

    def _lag(self, questions: Questions, bounds: Bounds) -> Iterator[Finding]:
        if questions.committed is None:
            yield skipped("lag", "needs the group")
        else:
            yield from lag_verdicts(self._options, questions.committed, bounds, runs=questions.runs)

    async def _sampled(
        self, sample: Sample, bounds: Bounds, partitions: int
    ) -> AsyncIterator[Finding]:
        """Yield what the last records are."""
        self._told("reading the last records")
        most = share_of_each(partitions)
        try:
            await self._read(sample, bounds, most)
        except (RetryableError, FatalError) as error:
            yield skipped("keys", "needs records")
            yield failure("records", str(error), "See the findings above, and the broker's log.")
            return
        yield sample.key_verdict(self._options, partitions)
        expected = sum(min(most, end - first) for first, end in bounds.values())
        stops = self._settings.limits.bad_records.share
        for finding in sample.record_verdicts(self._options, expected, stops):
            yield finding

    async def _read(self, sample: Sample, bounds: Bounds, most: int) -> None:
        stretch = last_records(self._options, self._options.topic, bounds, most, self._limit)
        async with aclosing(stretch) as batches:
            async for records in batches:
                sample.add(records)

    async def _bounds(self, partitions: int) -> Bounds:
        offsets = LeaderOffsets(self._options)
        try:
            await offsets.start()
            ends = await offsets.ends(range(partitions))
            firsts = await offsets.beginnings(ends)
        finally:
            await offsets.stop()
        return {number: (firsts[number], end) for number, end in ends.items()}


def bootstrap_addresses(options: KafkaOptions) -> list[Address]:
    """Return the addresses of ``kafka.bootstrap_servers``, in its order."""
    addresses = []
    for written in options.bootstrap_servers.split(","):
        host, _, port = written.strip().rpartition(":")
        addresses.append(Address(host.strip("[]"), int(port)))
    return list(dict.fromkeys(addresses))


def entry_findings(reached: Sequence[Reached]) -> Iterator[Finding]:
    """Yield what was found of the bootstrap servers; one that works makes up for the others."""
    works = any(one.cluster is not None for one in reached)
    for one in reached:
        for finding in one.findings:
            if works and finding.result is Result.FAILURE:
                text = f"{finding.text}; another bootstrap server works"
                yield msgspec.structs.replace(finding, result=Result.WARNING, text=text)
            else:
                yield finding


async def _answered(check: str, question: AsyncIterator[Finding]) -> Findings:
    """Yield the answers; an absent one is a finding and no end."""
    try:
        async for finding in question:
            yield finding
    except LinkError as error:
        text = f"no answer: {error}"
        yield failure(check, text, "See the broker's log, and run this again.")
