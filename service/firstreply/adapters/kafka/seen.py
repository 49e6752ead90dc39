"""What brokers tell of themselves, topics and groups, as ``link`` reads it."""

import msgspec

from firstreply.adapters.kafka.topics import Topic


class Broker(msgspec.Struct, frozen=True):
    """A broker, as it tells clients where it is."""

    number: int
    host: str
    port: int

    @property
    def address(self) -> str:
        """Its address, for a person."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class TopicSeen(msgspec.Struct, frozen=True):
    """A topic, or that there is none."""

    name: str
    error: str | None = None
    """Kafka's name of why nothing is known, such as ``TopicAuthorizationFailedError``."""
    operations: frozenset[str] | None = None
    """What we may do with it; None where the broker does not say."""
    partitions: int = 0
    replicas: int = 0
    without_leader: tuple[int, ...] = ()
    under_replicated: tuple[int, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether it is there and we may see it."""
        return self.error is None

    def described(self, configuration: dict[str, str] | None) -> Topic:
        """Return it as the service describes a topic."""
        return Topic(self.name, self.partitions, self.replicas, configuration)

    @property
    def hidden(self) -> bool:
        """Whether we may not know if it is there."""
        return self.error == "TopicAuthorizationFailedError"


class ClusterSeen(msgspec.Struct, frozen=True):
    """What a broker tells about its cluster."""

    id: str
    brokers: tuple[Broker, ...]
    topics: tuple[TopicSeen, ...] = ()


class MemberSeen(msgspec.Struct, frozen=True):
    """A member of the group."""

    client: str
    host: str


class GroupSeen(msgspec.Struct, frozen=True):
    """A group, as its coordinator tells."""

    error: str | None = None
    state: str = ""
    members: tuple[MemberSeen, ...] = ()
    operations: frozenset[str] | None = None


class ClockSeen(msgspec.Struct, frozen=True):
    """What the controller's clock showed, and ours around it; all in milliseconds."""

    before: float
    theirs: int
    after: float

    @property
    def ahead(self) -> float:
        """By how much it is certainly ahead of ours (below 0: behind), in milliseconds."""
        if self.theirs > self.after:
            return self.theirs - self.after
        return min(0.0, self.theirs + 1 - self.before)
