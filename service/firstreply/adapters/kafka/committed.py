"""What a group has committed: offsets with their notes, never out of date.

``AIOKafkaAdminClient.list_consumer_group_offsets`` takes an answer that is an error as a whole,
such as that of a coordinator which is still loading, for a group without commits: so the question
is asked here. And a coordinator that is cut off from its peers goes on answering what it knew. A
member must not go on from that, or it would count what another one has counted since; so after the
answer the same broker is asked, by a heartbeat, whether it knows our generation of the group: if it
does, it knew all that was committed before.
"""

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.group import HeartbeatRequest

from firstreply.ports import Committed


class Member(msgspec.Struct, frozen=True):
    """A membership, and the broker that it is known to."""

    coordinator: int
    """Number of the broker."""
    generation: int
    name: str
    """Member id."""


async def committed_offsets(
    admin: AIOKafkaAdminClient, group: str, member: Member | None = None
) -> dict[TopicPartition, Committed]:
    """Ask what a group has committed.

    Args:
        admin: connected.
        group: its name.
        member: of the group, for whom the answer must be of its generation. None: whatever the
            broker says that calls itself the coordinator.

    Raises:
        KafkaError: there is no answer; or the member is none any more.
    """
    node = await admin.find_coordinator(group) if member is None else member.coordinator
    answer = await admin._send_request(OffsetFetchRequest(group, None), node)  # noqa: SLF001
    _require(answer.error_code, f"the commits of group {group} are not known")
    found = {}
    for topic, partitions in answer.topics:
        for partition, offset, note, error in partitions:
            _require(error, f"the commit of {topic}, partition {partition}, is not known")
            if offset >= 0:
                found[TopicPartition(topic, partition)] = Committed(offset, note or "")
    if member is not None:
        request = HeartbeatRequest(group, member.generation, member.name)
        beat = await admin._send_request(request, node)  # noqa: SLF001
        _require(beat.error_code, f"broker {node} does not know generation {member.generation}")
    return found


def _require(code: int, otherwise: str) -> None:
    """Raise the KafkaError that an error code stands for."""
    error = for_code(code)
    if error is not NoError:
        raise error(otherwise)
