"""What is asked of the brokers once we are in: topics, permissions, group, clock.

Each method asks and yields verdicts. Where a broker does not answer, ``LinkError`` says so, and
``checkup`` makes a finding of it.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import TYPE_CHECKING

from firstreply import wiring
from firstreply.adapters.kafka.link import Link, linked
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.seen import ClusterSeen, GroupSeen, TopicSeen
from firstreply.adapters.kafka.state_log import StateTopic
from firstreply.doctor import own_topics
from firstreply.doctor.finding import Finding, ok, skipped
from firstreply.doctor.group import member_verdict
from firstreply.doctor.input_topic import SETTINGS, setting_verdicts, topic_verdicts
from firstreply.doctor.permissions import Need, group_permissions, topic_permissions
from firstreply.settings import Settings

if TYPE_CHECKING:
    from firstreply.adapters.kafka.topics import Topic


def needs(settings: Settings) -> Iterator[tuple[str, Need]]:
    """Yield the topics that the service writes, with the name of their check."""
    kafka = settings.kafka
    letters, write = kafka.dead_letter_topic, ("WRITE", "DESCRIBE")
    yield "dead letters", Need(letters, "kafka.dead_letter_topic", write, sees_settings=True)
    both = ("READ", "WRITE", "DESCRIBE")
    if kafka.state_topic is not None:
        yield "state", Need(kafka.state_topic, "kafka.state_topic", both, sees_settings=True)
    if kafka.status_topic is not None:
        yield "status", Need(kafka.status_topic, "kafka.status_topic", both, only_wall=True)


class Questions:
    """Asks over one connection.

    Args:
        settings: the configuration.
        options: those of Kafka.
        link: to one broker.
        limit: the longest wait for each answer.
    """

    def __init__(
        self, settings: Settings, options: KafkaOptions, link: Link, limit: timedelta
    ) -> None:
        self._settings = settings
        self._options = options
        self._link = link
        self._limit = limit
        self.source: Topic | None = None
        """The input, once it was seen."""
        self.may_read = True
        """Whether we may read the input, as far as the brokers tell."""
        self.runs = False
        """Whether a service is in the group, once it was asked for."""
        self.committed: Mapping[int, int] | None = None
        """What the group committed, by partition, once it was asked for."""

    async def input(self, cluster: ClusterSeen) -> AsyncIterator[Finding]:
        """Ask for the input."""
        options = self._options
        (seen,) = (await self._link.cluster(options.topic)).topics
        for finding in topic_verdicts(options, seen, len(cluster.brokers)):
            yield finding
        if not seen.exists:
            for name in SETTINGS:
                yield skipped(name, f"needs topic {options.topic}")
            return
        self.source = seen.described(await self._link.configuration(options.topic))
        for finding in setting_verdicts(options, self.source, self._settings.give_up_after):
            yield finding
        self.may_read = seen.operations is None or "READ" in seen.operations
        need = Need(options.topic, "kafka.topic", ("READ", "DESCRIBE"), sees_settings=True)
        for finding in topic_permissions(options, need, seen):
            yield finding

    async def own(self, check: str, need: Need) -> AsyncIterator[Finding]:
        """Ask for a topic that the service writes."""
        (seen,) = (await self._link.cluster(need.name)).topics
        if seen.hidden:
            yield own_topics.hidden_verdict(self._options, check, need)
        elif not seen.exists:
            yield await self._absent(check, need)
        else:
            async for finding in self._present(check, need, seen):
                yield finding

    async def _absent(self, check: str, need: Need) -> Finding:
        if self.source is None:
            return skipped(check, f"{need.name} does not exist yet; it is made beside the input")
        state = self._state(check)
        partitions = self.source.partitions if state else 1
        replicas = (state.replicas if state else None) or self.source.replicas
        refusal = await self._link.may_create(need.name, partitions, replicas)
        command = own_topics.making(self._options, self.source, need.name, state)
        return own_topics.absent_verdict(check, need, refusal, command)

    async def _present(self, check: str, need: Need, seen: TopicSeen) -> AsyncIterator[Finding]:
        found = seen.described(await self._link.configuration(need.name))
        state = self._state(check)
        if state is not None:
            for finding in own_topics.state_verdicts(self._options, state, found, self.source):
                yield finding
        elif check == "dead letters":
            yield own_topics.letters_verdict(self._options, found)
        else:
            yield ok(check, f"{need.name} is there")
        for finding in topic_permissions(self._options, need, seen):
            yield finding

    def _state(self, check: str) -> StateTopic | None:
        return wiring.state_topic(self._settings) if check == "state" else None

    async def group(self, cluster: ClusterSeen, usable: AbstractSet[int]) -> AsyncIterator[Finding]:
        """Ask the group's coordinator for it, if its advertised address is usable."""
        name = self._options.group
        number = await self._link.coordinator(name)
        if isinstance(number, str):
            for finding in self._group(GroupSeen(error=number)):
                yield finding
            return
        if number not in usable:
            yield skipped("group", f"needs broker {number}, which coordinates {name}")
            return
        broker = next(each for each in cluster.brokers if each.number == number)
        async with linked(self._options, broker.host, broker.port, self._limit) as link:
            seen = await link.group(name)
            for finding in self._group(seen):
                yield finding
            if self.source is not None:
                self.committed = await link.committed(
                    name, self.source.name, self.source.partitions
                )

    def _group(self, seen: GroupSeen) -> Iterator[Finding]:
        self.runs = bool(seen.members)
        yield from group_permissions(self._options, seen)
        if seen.error == "GroupAuthorizationFailedError":
            yield skipped("group", "needs READ on the group")
        else:
            yield member_verdict(self._options, seen)
