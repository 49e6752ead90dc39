"""Builders of statuses, for the tests of the wall."""

from typing import Any

from firstreply.health import Trust
from firstreply.wall.status import ChannelStatus, ProcessStatus, QueueStatus, UrgentContact
from tests.unit.domain.builders import T0


def status(process: str = "a", **given: Any) -> ProcessStatus:  # noqa: ANN401 - any field
    """Build the status of a process that owns partition 0 of 1 and is well."""
    fields: dict[str, Any] = {
        "group": "g/t",
        "process": process,
        "number": 1,
        "generation": 1,
        "trust": Trust.OK,
        "reasons": [],
        "partitions": {0: T0},
        "partitions_total": 1,
        "since": T0,
        "queues": [],
        "channels": [],
        "late": [],
        "coming": [],
        **given,
    }
    return ProcessStatus(**fields)


def queue(
    channel: str = "chat",
    queue: str = "none",
    waiting: tuple[int, int, int, int] = (1, 0, 0, 0),
    oldest: int | None = T0,
    next_deadline: int | None = None,
    due: tuple[int, int, int] = (0, 0, 0),
) -> QueueStatus:
    return QueueStatus(channel, queue, waiting, oldest, next_deadline, due)


def channel(name: str = "chat", **given: Any) -> ChannelStatus:  # noqa: ANN401 - any field
    return ChannelStatus(name, **given)


def urgent(
    contact_id: str | None = "c", *, overdue: int = 0, deadline: int = T0, partition: int = 0
) -> UrgentContact:
    return UrgentContact(partition, "chat", "none", "10m", T0, deadline, overdue, contact_id)
