import logging
from types import SimpleNamespace

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import TopicAuthorizationFailedError

from firstreply.adapters.kafka.dead_letters import KafkaDeadLetters
from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.topics import create, require_input
from firstreply.domain.errors import ConfigurationError

OPTIONS = KafkaOptions(bootstrap_servers="b:1", topic="events", group="g")
NO_ERROR, NOT_AUTHORISED, EXISTS, INVALID_CONFIGURATION = 0, 29, 36, 40


class FakeAdmin:
    """A cluster with the topic ``events`` of 3 partitions, whose creations end as told."""

    def __init__(self, *created: int, described: int = NO_ERROR) -> None:
        self.created = list(created)
        self.described = described
        self.requests: list[NewTopic] = []

    async def describe_topics(self) -> list[dict[str, object]]:
        partitions = [{"replicas": [1, 2]}, {"replicas": [1, 2, 3]}, {"replicas": [2, 3]}]
        return [
            {"topic": "others", "partitions": []},
            {"topic": "events", "partitions": partitions},
        ]

    async def describe_configs(self, resources: list[object]) -> list[SimpleNamespace]:
        assert len(resources) == 1
        entries = [("max.message.bytes", "100000", False), ("follower.replicas", None, False)]
        resource = (self.described, "", 2, "events", entries)
        return [SimpleNamespace(resources=[resource])]

    async def create_topics(self, topics: list[NewTopic]) -> SimpleNamespace:
        (topic,) = topics
        self.requests.append(topic)
        return SimpleNamespace(topic_errors=[(topic.name, self.created.pop(0), "told so")])

    async def list_topics(self) -> list[str]:
        return [topic.name for topic in self.requests]


async def test_a_topic_whose_settings_we_may_not_see_is_read_all_the_same_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)

    topic = await require_input(FakeAdmin(described=NOT_AUTHORISED), OPTIONS)

    assert (topic.partitions, topic.replicas, topic.configuration) == (3, 2, None)
    assert "kafka_topic_configuration_hidden" in caplog.messages


async def test_settings_are_known_by_name() -> None:
    topic = await require_input(FakeAdmin(), OPTIONS)

    assert topic.configuration == {"max.message.bytes": "100000"}
    assert topic.max_message_bytes == 100_000


async def test_making_a_topic_that_exists_changes_nothing_and_a_refusal_raises() -> None:
    admin = FakeAdmin(NO_ERROR, EXISTS, NOT_AUTHORISED)

    made = await create(admin, "new", partitions=1)
    again = await create(admin, "new", partitions=1)

    assert (made, again) == (True, False)
    with pytest.raises(TopicAuthorizationFailedError, match="told so"):
        await create(admin, "other", partitions=1)


async def test_the_letter_topic_takes_the_input_s_replicas_and_a_larger_record() -> None:
    admin = FakeAdmin(NO_ERROR)

    await KafkaDeadLetters(OPTIONS)._ensure_topic(admin)

    (made,) = admin.requests
    assert (made.name, made.replication_factor) == ("events.dead-letters", 2)
    assert made.topic_configs["max.message.bytes"] == str(100_000 + 65_536)
    assert made.topic_configs["retention.ms"] == "-1"
    assert "message.timestamp.after.max.ms" in made.topic_configs


async def test_a_broker_that_knows_no_limit_of_timestamps_is_not_asked_for_one() -> None:
    admin = FakeAdmin(INVALID_CONFIGURATION, NO_ERROR)

    await KafkaDeadLetters(OPTIONS)._ensure_topic(admin)

    assert "message.timestamp.after.max.ms" not in admin.requests[1].topic_configs
    assert admin.requests[1].topic_configs["retention.ms"] == "-1"


async def test_a_letter_topic_that_may_not_be_made_ends_with_the_command_that_makes_it() -> None:
    admin = FakeAdmin(NOT_AUTHORISED)

    with pytest.raises(ConfigurationError) as raised:
        await KafkaDeadLetters(OPTIONS)._ensure_topic(admin)

    text = str(raised.value)
    assert "kafka.dead_letter_topic: topic events.dead-letters at b:1" in text
    assert "--create --topic events.dead-letters --config cleanup.policy=delete" in text
