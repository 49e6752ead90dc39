"""``state adopt``: a group goes on with the state of another one, as after a change of its name.

The chosen chain of the old group's log is restored and written whole to our own log, at the same
offset; the old log is only read. What was adopted before an interruption is seen to be the same and
passed over, so the command can be given again.
"""

from collections.abc import Callable

import msgspec

from firstreply.domain.engine import Engine
from firstreply.domain.errors import ConfigurationError, FatalError
from firstreply.domain.policy_book import PolicyBook
from firstreply.keeping.reading import Told
from firstreply.state.assembly import Restored
from firstreply.state_commands.inspect import moment
from firstreply.state_commands.ledgers import waiting
from firstreply.state_commands.looking import Looked, look
from firstreply.state_commands.opening import Place
from firstreply.state_commands.writing import require_nobody, write_whole


class Adopted(msgspec.Struct, frozen=True):
    """What became of one partition."""

    partition: int
    offset: int | None
    """N of the state; None when the old group has never read the partition."""
    contacts: int
    waiting: int
    log_time: str | None
    before: bool
    """Whether an earlier attempt has adopted it."""
    warnings: tuple[str, ...]


class Adopting:
    """One run of the command.

    Args:
        ours: the configured group and its state log.
        theirs: the old group and its own.
        book: policies in force.
        grace: microseconds.
        dry_run: write nothing.
    """

    def __init__(
        self, ours: Place, theirs: Place, *, book: PolicyBook, grace: int, dry_run: bool
    ) -> None:
        self._ours = ours
        self._theirs = theirs
        self._book = book
        self._grace = grace
        self._dry_run = dry_run

    async def run(self, told: Told) -> list[Adopted]:
        """Adopt one partition after the other; refuse before the first if any is in the way.

        Raises:
            ConfigurationError: it is our own group.
            FatalError: somebody runs, we have a state of our own, or they have none.
            RetryableError: a broker did not answer.
        """
        ours, theirs = self._ours.group, self._theirs.group
        if self._ours.log.topic == self._theirs.log.topic or ours.name == theirs.name:
            msg = (
                f"--from-group {theirs.name} is this group, or keeps its state in the same topic "
                f"{self._ours.log.topic}: set kafka.group to the new name and give the old one here"
            )
            raise ConfigurationError(msg)
        await require_nobody(theirs)
        await require_nobody(ours)
        whole = range(ours.partitions)
        adopted = []
        for number in whole:
            await self._plan(number, _part(told, number, 2 * len(whole)))
        for number in whole:
            share = _part(told, len(whole) + number, 2 * len(whole))
            adopted.append(await self._one(number, share))
        if all(one.offset is None for one in adopted):
            msg = (
                f"group {theirs.name} has no state in {self._theirs.log.topic}: nothing to adopt; "
                "correct --from-group"
            )
            raise FatalError(msg)
        return adopted

    async def _plan(self, partition: int, told: Told) -> tuple[Looked, Looked]:
        """Look at both sides; refuse where one is in the way."""
        theirs = await look(self._theirs, partition, told)
        lost = theirs.why_lost()
        never = theirs.empty and theirs.committed is None
        where = f"group {self._theirs.group.name}, partition {partition}"
        if lost is not None and not never:
            msg = (
                f"{where}: {lost}. Mend it under its old name first (firstreply state rebuild "
                "--from TIME), or begin anew under the new one"
            )
            raise FatalError(msg)
        ours = await look(self._ours, partition, lambda _: None)
        self._require_room(ours, theirs)
        return ours, theirs

    def _require_room(self, ours: Looked, theirs: Looked) -> None:
        """Refuse to write beside a state of our own."""
        has = f"group {self._ours.group.name}, partition {ours.partition}"
        remedy = "Adopt into a group that has never read, or go on with the state that is there"
        if not ours.empty and not _same(ours.found.restored, theirs.found.restored):
            msg = f"{has} has a state of its own in {self._ours.log.topic}. {remedy}"
            raise FatalError(msg)
        tip = None if theirs.found.restored is None else theirs.found.restored.tip.offset
        if ours.committed is not None and ours.committed.offset != tip:
            msg = f"{has} has committed offset {ours.committed.offset} of its own. {remedy}"
            raise FatalError(msg)

    async def _one(self, partition: int, told: Told) -> Adopted:
        ours, theirs = await self._plan(partition, lambda share: told(0.6 * share))
        restored = theirs.found.restored
        if restored is None:
            return Adopted(partition, None, 0, 0, None, before=False, warnings=())
        before = not ours.empty and ours.committed is not None
        waits = waiting(restored.store)
        if not before and not self._dry_run:
            engine = Engine.resume(restored.standing, restored.store, self._book, grace=self._grace)
            for _ in engine.take_places():
                pass
            await write_whole(self._ours, ours, engine, restored.tip.last)
        told(1.0)
        return Adopted(
            partition=partition,
            offset=restored.tip.offset,
            contacts=restored.tip.tracked,
            waiting=waits,
            log_time=moment(restored.tip.log_time),
            before=before,
            warnings=tuple(
                f"the newest state is damaged, an older one was taken: {one.text}"
                for one in theirs.found.verdict.findings
                if one.serious
            ),
        )


def _part(told: Told, done: int, of: int) -> Callable[[float], None]:
    return lambda share: told((done + share) / of)


def _same(ours: Restored | None, theirs: Restored | None) -> bool:
    """Return whether our state is the one that is to be adopted."""
    if ours is None or theirs is None:
        return False
    a, b = ours.tip, theirs.tip
    return (a.offset, a.log_time, a.proof, a.last, a.tracked, a.ledger) == (
        b.offset,
        b.log_time,
        b.proof,
        b.last,
        b.tracked,
        b.ledger,
    )
