"""Connects the commands to a group and its state log, for the length of a ``with`` block."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import msgspec

from firstreply import wiring
from firstreply.adapters.kafka.group import KafkaGroup
from firstreply.adapters.kafka.state_log import KafkaStateLog, StateRecord, StateTopic
from firstreply.config.kafka_settings import topic_of
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.settings import Settings
from firstreply.state_commands.port import Group, Log


class Place(msgspec.Struct, frozen=True):
    """A group and where its state is."""

    group: Group
    log: Log
    present: bool = True
    """Whether the state topic exists."""


@asynccontextmanager
async def opened(settings: Settings, *, to_write: bool = False) -> AsyncIterator[Place]:
    """Connect to the configured group.

    Args:
        settings: the configuration.
        to_write: make the state topic where it is absent, and refuse one that would lose state.

    Raises:
        ConfigurationError: no state topic is configured, or a topic is not as it must be.
        RetryableError: no broker was reached.
    """
    async with AsyncExitStack() as stack:
        log = _state_log(settings)
        group = KafkaGroup(wiring.kafka_options(settings))
        stack.push_async_callback(group.stop)
        await group.start()
        stack.push_async_callback(log.stop)
        if to_write:
            await log.start()
        elif not await log.look():
            yield Place(group, AbsentLog(log.topic), present=False)
            return
        yield Place(group, log)


@asynccontextmanager
async def opened_other(
    settings: Settings, name: str, state_topic: str | None
) -> AsyncIterator[Place]:
    """Connect to another group of the same input, only to read.

    Args:
        settings: of the configured group.
        name: of the other one.
        state_topic: where its state is; None: by its name.

    Raises:
        ConfigurationError: it has no state topic, or ours is not configured.
        RetryableError: no broker was reached.
    """
    _state_log(settings)
    options = replace(wiring.kafka_options(settings), group=name)
    topic = state_topic or topic_of(name, "-state")
    async with AsyncExitStack() as stack:
        group = KafkaGroup(options)
        stack.push_async_callback(group.stop)
        await group.start()
        log = KafkaStateLog(options, StateTopic(topic, settings.kafka.state_retention))
        stack.push_async_callback(log.stop)
        if not await log.look():
            msg = (
                f"--from-group {name}: state topic {topic} does not exist at "
                f"{options.bootstrap_servers}; correct the name, or name the topic: "
                "--from-state-topic TOPIC"
            )
            raise ConfigurationError(msg)
        yield Place(group, log)


def _state_log(settings: Settings) -> KafkaStateLog:
    log = wiring.state_log(settings)
    if log is None:
        msg = "kafka.state_topic is null: this group keeps its state in memory alone; name a topic"
        raise ConfigurationError(msg)
    return log


class AbsentLog:
    """A state log that does not exist: it holds nothing, and nothing can be written to it."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    async def append(self, partition: int, values: Sequence[bytes]) -> Sequence[int]:  # noqa: ARG002
        """Refuse."""
        msg = f"state topic {self.topic} does not exist"
        raise FatalError(msg)

    async def bounds(self, partition: int) -> tuple[int, int]:  # noqa: ARG002
        """Return those of nothing."""
        return 0, 0

    async def read(
        self,
        partition: int,  # noqa: ARG002
        first: int,  # noqa: ARG002
        end: int,  # noqa: ARG002
    ) -> AsyncGenerator[Sequence[StateRecord], None]:
        """Yield nothing."""
        nothing: Sequence[Sequence[StateRecord]] = ()
        for batch in nothing:
            yield batch

    async def written_at(self, partition: int, offset: int) -> int | None:  # noqa: ARG002
        """Return None."""
        return None
