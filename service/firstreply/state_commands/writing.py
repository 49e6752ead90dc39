"""Writing a whole state where nobody runs: what ``rebuild`` and ``adopt`` share.

What is written stands above everything that the log holds or the group has committed: by its
incarnation, so that neither a damaged chain nor a service that was thought dead beats it. The next
``firstreply run`` claims it as it claims any other state.
"""

import asyncio
import uuid
from typing import Final

from firstreply.domain.engine import Changes, Engine
from firstreply.domain.errors import FatalError, RetryableError
from firstreply.keeping.reading import note_of, pointer_in
from firstreply.state.chunk import Fingerprint, Header
from firstreply.state.writer import Place as Written
from firstreply.state.writer import Writer
from firstreply.state_commands.looking import Looked
from firstreply.state_commands.opening import Place
from firstreply.state_commands.port import Group

_GENERATION: Final = 0
"""Below that of any member: whoever takes over stays in the incarnation."""

_AT_A_TIME: Final = 16
"""Records appended and acknowledged in one go: some 14 MB."""

_NOTHING: Final = Changes(frozenset(), frozenset())


async def require_nobody(group: Group) -> None:
    """Refuse to go on while somebody runs.

    Raises:
        FatalError: the group has members.
        RetryableError: the coordinator did not answer.
    """
    members = await group.members()
    if members.count:
        msg = (
            f"group {group.name} has {members.count} live members ({members.state}): they write "
            "the state themselves. Stop every firstreply of this group first; one that was killed "
            "leaves after kafka.session_timeout"
        )
        raise FatalError(msg)


async def _require_unchanged(place: Place, looked: Looked) -> None:
    """Refuse to write over what a service did that came, and maybe went, while we worked.

    Whoever joins after this finds our records in the log, or ours find its own before them and are
    void (``state.chunk.is_void``).
    """
    await require_nobody(place.group)
    committed = await place.group.committed(looked.partition)
    _, end = await place.log.bounds(looked.partition)
    if (committed, end) != (looked.committed, looked.log_bounds[1]):
        msg = (
            f"partition {looked.partition}: a firstreply of group {place.group.name} has read or "
            "written meanwhile; nothing was written. Stop every one of this group, also what "
            "starts them again, and give the command again"
        )
        raise RetryableError(msg)


async def write_whole(
    place: Place, looked: Looked, engine: Engine, last: Fingerprint | None
) -> Header:
    """Append a complete state and commit its offset; return what was written.

    Args:
        place: the group and its state log.
        looked: the partition, as it was when the state was made.
        engine: the state; its changes were taken.
        last: the record before its offset.

    Raises:
        FatalError: somebody runs.
        RetryableError: it was not written or not committed, or somebody else wrote since the look;
            do it all again.
    """
    group, partition = place.group, looked.partition
    await _require_unchanged(place, looked)
    end = looked.log_bounds[1]
    writer = Writer(
        Written(group.topic, partition, group.partitions),
        uuid.uuid4().hex,
        greatest=looked.found.verdict.greatest,
        end=end,
    )
    # The commit may remember more than a log that was emptied.
    pointer = pointer_in(looked.committed)
    writer.enter(_GENERATION, None if pointer is None else pointer.incarnation + 1)
    draft = writer.checkpoint(engine, _NOTHING, last=last, minimum=0)
    for _ in draft.pieces():
        await asyncio.sleep(0)
    offsets: list[int] = []
    for start in range(0, len(draft.records), _AT_A_TIME):
        records = draft.records[start : start + _AT_A_TIME]
        offsets += await place.log.append(partition, records)
    if offsets != list(range(end, end + len(draft.records))):
        msg = (
            f"partition {partition}: the state was to lie at offset {end} of {place.log.topic}, "
            "and somebody else wrote there, or an answer was lost and it was written twice: it may "
            "not count, and was not committed. Give the command again"
        )
        raise RetryableError(msg)
    writer.acknowledged(draft, offsets)
    if not await group.commit(partition, draft.header.offset, note_of(writer.pointer_exported)):
        msg = (
            f"partition {partition}: the state was written, but group {group.name} did not accept "
            f"the commit of offset {draft.header.offset}. See that no member runs and do it again"
        )
        raise FatalError(msg)
    return draft.header
