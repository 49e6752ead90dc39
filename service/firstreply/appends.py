"""When the records of one partition were appended whose effect is not shown yet.

Timestamps come in with each slice that was folded, and go out once a checkpoint is durable, for the
histogram of how long records waited for that. Only a LogAppendTime says when a record was appended:
records without one are left out.
"""

from collections import deque
from collections.abc import Sequence

from firstreply.ports import Record, TimestampType


class Appends:
    """Bounded by what may be folded and not durable (``processor.MOST_UNDURABLE_RECORDS``)."""

    def __init__(self) -> None:
        self._slices: deque[tuple[int, list[int]]] = deque()
        """Offset after the last record of a slice, and the timestamps in it."""

    def folded(self, records: Sequence[Record]) -> None:
        """Note records that were folded in one go, in the order of their offsets."""
        broker = TimestampType.LOG_APPEND_TIME
        stamps = [
            record.timestamp
            for record in records
            if record.timestamp_type == broker and record.timestamp is not None
        ]
        if stamps:
            self._slices.append((records[-1].offset + 1, stamps))

    def take(self, offset: int) -> list[int]:
        """Return the milliseconds of all records below an offset, which are shown now."""
        taken: list[int] = []
        while self._slices and self._slices[0][0] <= offset:
            taken += self._slices.popleft()[1]
        return taken
