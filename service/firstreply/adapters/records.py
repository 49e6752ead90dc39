"""The record that files and the simulator hand to the processor, in place of Kafka's."""

import msgspec

from firstreply.ports import Headers


class FileRecord(msgspec.Struct, frozen=True, gc=False):
    """One record of a source without a broker; satisfies ``ports.Record``."""

    offset: int
    """Running number within the source, from 0."""
    value: bytes | None
    """The event as it came, byte for byte."""
    timestamp: int | None = None
    """Milliseconds since the epoch; None where the source has none."""
    timestamp_type: int | None = None
    """A ``ports.TimestampType``; None exactly when there is no timestamp."""
    key: bytes | None = None
    headers: Headers = ()
    partition: int = 0
