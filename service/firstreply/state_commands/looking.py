"""One partition as ``firstreply run`` would find it: its state, the group's commit, the input.

The commit is asked for first and the input last: while a service runs, the state is never behind
the commit, and the input never behind the state.
"""

import msgspec

from firstreply.domain.errors import FatalError
from firstreply.keeping.reading import (
    Found,
    OtherInputError,
    Told,
    find_state,
    pointer_in,
    read_state,
    require_same_input,
)
from firstreply.ports import Committed
from firstreply.state.assembly import Restored
from firstreply.state.chunk import NewerChunkError
from firstreply.state_commands.opening import Place


class Looked(msgspec.Struct, frozen=True):
    """What was found of one partition."""

    partition: int
    committed: Committed | None
    log_bounds: tuple[int, int]
    """First offset, and the one after the last record."""
    input_bounds: tuple[int, int]
    found: Found
    other_input: str | None = None
    """Why the state cannot be gone on from with this input."""
    made_anew: bool = False
    """Whether the input is another one than the state was made of."""

    @property
    def state(self) -> Restored | None:
        """The state to go on from; None if there is none, or the input is another one."""
        return None if self.other_input else self.found.restored

    @property
    def empty(self) -> bool:
        """Whether the log holds nothing."""
        return self.log_bounds[0] == self.log_bounds[1]

    def why_lost(self) -> str | None:
        """Return why there is no state to go on from; None if there is."""
        if self.other_input is not None:
            return self.other_input
        if self.found.restored is not None:
            return None
        if self.found.verdict.findings:
            wrong = "; ".join(one.text for one in self.found.verdict.findings[:3])
            return f"no complete state: {wrong}"
        if self.committed is not None:
            return f"no state, and the group has read up to offset {self.committed.offset}"
        return "no state, and the group has never read it"


async def look(place: Place, partition: int, told: Told, *, whole: bool = False) -> Looked:
    """Look at one partition.

    Args:
        place: the group and its state log.
        partition: its number.
        told: progress.
        whole: read the whole log, and not only from where the commit says.

    Raises:
        RetryableError: a leader or the coordinator did not answer.
        NewerChunkError: a newer firstreply wrote the state.
    """
    group, log = place.group, place.log
    committed = await group.committed(partition)
    bounds = await log.bounds(partition)
    try:
        if whole:
            found = await read_state(log, partition, bounds, told)
        else:
            pointer = pointer_in(committed)
            found = await find_state(log, partition, bounds, pointer, told)
    except NewerChunkError as error:
        msg = f"state log {log.topic}, partition {partition}: {error}"
        raise FatalError(msg) from error
    looked = Looked(partition, committed, bounds, await group.bounds(partition), found)
    if found.restored is None:
        return looked
    try:
        await require_same_input(group, log.topic, partition, found.restored.tip)
    except FatalError as error:
        return msgspec.structs.replace(
            looked, other_input=str(error), made_anew=isinstance(error, OtherInputError)
        )
    return looked
