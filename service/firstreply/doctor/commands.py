"""Kafka's own commands that mend what was found, to be copied.

Where the brokers want TLS or a login, they name a file ``admin.properties`` with the settings of a
client that may administer them.
"""

from firstreply.adapters.kafka.options import KafkaOptions


def who(options: KafkaOptions) -> str:
    """Say who we are to the brokers."""
    if options.security_protocol.startswith("SASL"):
        name = options.sasl_username
        return f"user {name}" if name else "the user of the token"
    return "the user of the certificate" if options.ssl_certfile else "the anonymous user"


def tool(options: KafkaOptions, name: str, *, login: str = "--command-config") -> str:
    """Return how a tool of Kafka is called."""
    command = f"{name}.sh --bootstrap-server {options.bootstrap_servers.replace(' ', '')}"
    if options.security_protocol == "PLAINTEXT":
        return command
    return f"{command} {login} admin.properties"


def grant(options: KafkaOptions, kind: str, name: str, *operations: str) -> str:
    """Return the command that gives this user permissions on a topic or group."""
    words = " ".join(f"--operation {operation}" for operation in operations)
    user = options.sasl_username or "NAME"
    called = tool(options, "kafka-acls")
    return f"{called} --add --allow-principal User:{user} {words} --{kind} {name}"


def change(options: KafkaOptions, name: str, setting: str) -> str:
    """Return the command that changes a setting of a topic."""
    called = tool(options, "kafka-configs")
    return f"{called} --alter --entity-type topics --entity-name {name} --add-config {setting}"


def look(options: KafkaOptions, place: str) -> str:
    """Return the command that judges one record, named as PARTITION:OFFSET."""
    partition, _, offset = place.partition(":")
    called = tool(options, "kafka-console-consumer", login="--consumer.config")
    return (
        f"{called} --topic {options.topic} --partition {partition} --offset {offset} "
        "--max-messages 1 | firstreply check-event"
    )
