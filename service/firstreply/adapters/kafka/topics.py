"""What the brokers say about a topic, and the making of topics.

Used at start only: the input must exist and must not be compacted, the dead letter topic is made
when it is absent. Existence is looked up in the list of all topics, because asking for one topic by
name creates it where brokers create topics by themselves.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.domain.errors import ConfigurationError

_log = logging.getLogger(__name__)

NOT_AUTHORISED: Final = (
    TopicAuthorizationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
)

_VISIBLE_SECONDS: Final = 0.05


class Topic(msgspec.Struct, frozen=True):
    """A topic as its brokers describe it."""

    name: str
    partitions: int
    replicas: int
    configuration: dict[str, str] | None
    """Effective values by key; None when we may not see them."""

    @property
    def compacted(self) -> bool:
        """Whether the broker may drop records that a later one of their key replaces."""
        return "compact" in (self.configuration or {}).get("cleanup.policy", "")

    @property
    def max_message_bytes(self) -> int | None:
        """The largest batch the topic takes, as it travels (compressed)."""
        value = (self.configuration or {}).get("max.message.bytes")
        return None if value is None else int(value)


async def describe(admin: AIOKafkaAdminClient, name: str) -> Topic | None:
    """Return what is known about a topic; None if it is absent or hidden from us."""
    for found in await admin.describe_topics():
        if found["topic"] == name:
            partitions = found["partitions"]
            return Topic(
                name=name,
                partitions=len(partitions),
                replicas=min((len(each["replicas"]) for each in partitions), default=1),
                configuration=await _configuration(admin, name),
            )
    return None


async def require_input(admin: AIOKafkaAdminClient, options: KafkaOptions) -> Topic:
    """Return the input topic, if it can be read from beginning to end.

    Raises:
        ConfigurationError: it is absent, or compacted.
    """
    topic = await describe(admin, options.topic)
    servers = options.bootstrap_servers
    if topic is None:
        msg = (
            f"kafka.topic: {options.topic} does not exist at {servers}, or this user may not see "
            f"it; correct the name, or create it: kafka-topics.sh --bootstrap-server {servers} "
            f"--create --topic {options.topic} --partitions 4"
        )
        raise ConfigurationError(msg)
    if topic.compacted:
        msg = (
            f"kafka.topic: {options.topic} at {servers} is compacted: Kafka drops events that a "
            "later one of the same contact replaces, so figures would be wrong. Write events to a "
            "topic that is not, or: "
            f"kafka-configs.sh --bootstrap-server {servers} --alter --entity-type topics "
            f"--entity-name {options.topic} --add-config cleanup.policy=delete"
        )
        raise ConfigurationError(msg)
    if topic.configuration is None:
        _log.warning("kafka_topic_configuration_hidden", extra={"topic": options.topic})
    return topic


async def create(
    admin: AIOKafkaAdminClient,
    name: str,
    *,
    partitions: int,
    replicas: int = 1,
    configuration: Mapping[str, str] | None = None,
) -> bool:
    """Create a topic and wait until it can be seen; False if it exists already.

    Raises:
        KafkaError: the broker refused, such as for want of authorisation.
    """
    topic = NewTopic(
        name, num_partitions=partitions, replication_factor=replicas, topic_configs=configuration
    )
    response = await admin.create_topics([topic])
    for _, code, message in response.topic_errors:
        error = for_code(code)
        if error is TopicAlreadyExistsError:
            return False
        if error is not NoError:
            raise error(message)
    while name not in await admin.list_topics():  # noqa: ASYNC110  # a broker sets no event
        await asyncio.sleep(_VISIBLE_SECONDS)
    return True


async def _configuration(admin: AIOKafkaAdminClient, name: str) -> dict[str, str] | None:
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    try:
        responses: list[Any] = await admin.describe_configs([resource])
    except KafkaError as error:
        if error.retriable:
            raise
        return None
    return values_of(responses)


def values_of(responses: Iterable[Any]) -> dict[str, str] | None:
    """Return the settings that answers to DescribeConfigs hold; None if we may not see them."""
    for response in responses:
        for code, _, _, _, entries in response.resources:
            if for_code(code) is not NoError:
                return None
            return {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return None
