"""The topics that the service writes: dead letters, state, status. There, or could they be made?"""

from collections.abc import Iterator

from firstreply.adapters.kafka.options import KafkaOptions
from firstreply.adapters.kafka.state_log import StateTopic, settings_of_topic, too_weak
from firstreply.adapters.kafka.topics import Topic
from firstreply.doctor.commands import change, grant, tool, who
from firstreply.doctor.finding import Finding, failure, ok, warning
from firstreply.doctor.permissions import Need
from firstreply.durations import canonical


def hidden_verdict(options: KafkaOptions, check: str, need: Need) -> Finding:
    """Judge a topic that we may not see, if it exists at all."""
    make = warning if need.only_wall else failure
    return make(
        check,
        f"{need.name} ({need.setting}) may not be seen by {who(options)}, or does not exist",
        "Grant what the service does with it; CREATE only if it is to make it.",
        grant(options, "topic", need.name, *need.operations, "DESCRIBE_CONFIGS", "CREATE"),
    )


def absent_verdict(check: str, need: Need, refusal: str | None, command: str) -> Finding:
    """Judge a topic that is not there yet.

    Args:
        check: its name.
        need: the topic.
        refusal: why the brokers would not make it; None: they would.
        command: makes it.
    """
    if refusal is None:
        return ok(check, f"{need.name} does not exist yet; the first start makes it")
    make = warning if need.only_wall else failure
    return make(
        check,
        f"{need.name} ({need.setting}) does not exist, and the brokers would not make it: "
        f"{refusal}",
        "Allow CREATE on it, or make it.",
        command,
    )


def making(options: KafkaOptions, source: Topic, name: str, state: StateTopic | None) -> str:
    """Return the command that makes one of our topics."""
    command = f"{tool(options, 'kafka-topics')} --create --topic"
    if state is None:
        return f"{command} {name} --partitions 1 --replication-factor {source.replicas}"
    replicas = state.replicas or source.replicas
    settings = " ".join(
        f"--config {key}={value}" for key, value in settings_of_topic(state, source).items()
    )
    return (
        f"{command} {name} --partitions {source.partitions} --replication-factor {replicas} "
        f"{settings}"
    )


def letters_verdict(options: KafkaOptions, found: Topic) -> Finding:
    """Judge the dead letter topic."""
    if found.compacted:
        return failure(
            "dead letters",
            f"{found.name} is compacted, so letters would replace each other",
            "Set its cleanup.policy to delete, or name another topic (kafka.dead_letter_topic).",
            change(options, found.name, "cleanup.policy=delete"),
        )
    return ok("dead letters", f"{found.name} is there")


def state_verdicts(
    options: KafkaOptions, state: StateTopic, found: Topic, source: Topic | None
) -> Iterator[Finding]:
    """Judge the state topic, as a start does."""
    if source is None:
        yield ok("state", f"{found.name} is there")
        return
    if found.partitions != source.partitions:
        yield failure(
            "state",
            f"{found.name} has {found.partitions} partitions, {source.name} has "
            f"{source.partitions}: contacts lie in other partitions now than their first events",
            "Go on with a topic of its own and a new kafka.group: docs/scaling.md, More "
            "partitions.",
        )
        return
    wrong = too_weak(state, found, source)
    if wrong:
        yield failure(
            "state",
            f"{found.name} would lose state, so the service refuses it: "
            + ", ".join(f"{key}={(found.configuration or {}).get(key)}" for key in wrong),
            "Change these settings (its retention is kafka.state_retention).",
            change(options, found.name, ",".join(f"{key}={value}" for key, value in wrong.items())),
        )
        return
    kept = canonical(state.retention)
    yield ok("state", f"{found.name} is there and keeps the state for {kept} or longer")
