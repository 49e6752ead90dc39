"""Whether memory is still the state of a partition: only if nobody else has written since.

Our own records may lie at the end of the log without our knowing: their acknowledgement was lost.
They take nothing from the memory that they were made of.
"""

from contextlib import aclosing

from firstreply.keeping.port import StateLog
from firstreply.state.chunk import DamagedChunkError, Header, decode
from firstreply.state.writer import Writer


async def still_ours(log: StateLog, partition: int, writer: Writer, end: int) -> bool:
    """Return whether all of the log up to ``end`` that came after the reading is the writer's own.

    False too where that would take longer to find out than to restore. Raises RetryableError.
    """
    since, pointer = writer.ours_until, writer.pointer
    if since is None or pointer is None or not pointer.begin <= since <= end:
        return False
    headers: list[Header] = []
    if since < end:
        async with aclosing(log.read(partition, since, end)) as batches:
            async for batch in batches:
                try:
                    headers += [decode(record.value).header for record in batch]
                except DamagedChunkError:
                    return False
                if any(header.writer != writer.name for header in headers):
                    return False
    writer.found_own(headers, end)
    return True
