"""Questions to a broker that aiokafka has no words for, in Kafka's own protocol.

``Topics``   what we may do with topics, asked by name without making them (Metadata, version 8)
``Groups``   what we may do with a group (DescribeGroups 3, whose answer aiokafka cuts short)
``Quorum``   the controllers, which tell their clock (DescribeQuorum 1)

Brokers from Kafka 2.3 on know the first two, KRaft clusters from 3.3 on the third.
"""

from typing import ClassVar, Final

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

METADATA_LOG: Final = "__cluster_metadata"


class _TopicsResponse(Response):  # type: ignore[misc] # aiokafka has no types
    API_KEY = 3
    API_VERSION = 8
    SCHEMA: ClassVar = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(
                ("node_id", Int32),
                ("host", String("utf-8")),
                ("port", Int32),
                ("rack", String("utf-8")),
            ),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _TopicsRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _TopicsResponse
    SCHEMA: ClassVar = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class Topics(Request[_TopicsRequest]):  # type: ignore[misc]
    """The brokers, and the topics of these names; none is made by asking."""

    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request_struct_class: type[_TopicsRequest]) -> _TopicsRequest:
        """Make the request; aiokafka calls it."""
        return request_struct_class(self._names, False, False, True)  # noqa: FBT003


class _GroupsResponse(Response):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3
    SCHEMA: ClassVar = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", String("utf-8")),
                ("state", String("utf-8")),
                ("protocol_type", String("utf-8")),
                ("protocol", String("utf-8")),
                (
                    "members",
                    Array(
                        ("member_id", String("utf-8")),
                        ("client_id", String("utf-8")),
                        ("client_host", String("utf-8")),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _GroupsRequest(RequestStruct):  # type: ignore[misc]
    API_KEY = 15
    API_VERSION = 3
    RESPONSE_TYPE = _GroupsResponse
    SCHEMA: ClassVar = Schema(
        ("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean)
    )


class Groups(Request[_GroupsRequest]):  # type: ignore[misc]
    """One group; to be asked of its coordinator."""

    API_KEY = 15

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, request_struct_class: type[_GroupsRequest]) -> _GroupsRequest:
        """Make the request; aiokafka calls it."""
        return request_struct_class([self._name], True)  # noqa: FBT003


_REPLICA: Final = Schema(
    ("replica_id", Int32),
    ("log_end_offset", Int64),
    ("last_fetch_timestamp", Int64),
    ("last_caught_up_timestamp", Int64),
    ("tags", TaggedFields),
)


class _Replicas(CompactArray):  # type: ignore[misc]
    """An array of replicas; aiokafka's own takes the fields one by one."""

    def __init__(self) -> None:
        self.array_of = _REPLICA


class _QuorumResponse(Response):  # type: ignore[misc]
    API_KEY = 55
    API_VERSION = 1
    SCHEMA: ClassVar = Schema(
        ("error_code", Int16),
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition", Int32),
                        ("error_code", Int16),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("high_watermark", Int64),
                        ("voters", _Replicas()),
                        ("observers", _Replicas()),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _QuorumRequest(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 55
    API_VERSION = 1
    RESPONSE_TYPE = _QuorumResponse
    SCHEMA: ClassVar = Schema(
        (
            "topics",
            CompactArray(
                ("topic", CompactString("utf-8")),
                ("partitions", CompactArray(("partition", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class Quorum(Request[_QuorumRequest]):  # type: ignore[misc]
    """The controllers of the cluster."""

    API_KEY = 55

    def build(self, request_struct_class: type[_QuorumRequest]) -> _QuorumRequest:
        """Make the request; aiokafka calls it."""
        nothing: dict[int, bytes] = {}
        return request_struct_class([(METADATA_LOG, [(0, nothing)], nothing)], nothing)


__all__ = ["METADATA_LOG", "Groups", "Quorum", "Topics"]
