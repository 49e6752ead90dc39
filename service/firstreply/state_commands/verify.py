"""``state verify``: whether every state is complete, belongs to its input and adds up.

Reads every partition's whole log, also what a start would not look at.
"""

from collections.abc import Iterable

import msgspec

from firstreply.keeping.reading import Told
from firstreply.state.assembly import Restored
from firstreply.state_commands.ledgers import unbalanced, waiting
from firstreply.state_commands.looking import Looked, look
from firstreply.state_commands.opening import Place


class Verified(msgspec.Struct, frozen=True):
    """One partition."""

    partition: int
    records: int
    """Read from the state log; offsets between its bounds."""
    offset: int | None
    """Of the state; None when there is none."""
    contacts: int
    waiting: int
    wrong: tuple[str, ...]
    notes: tuple[str, ...]
    """Worth to know, and harmless."""


class Verification(msgspec.Struct, frozen=True):
    """A group."""

    group: str
    topic: str
    state_topic: str
    ok: bool
    partitions: tuple[Verified, ...]


async def verify(place: Place, partitions: Iterable[int], told: Told) -> Verification:
    """Read and judge. Raises as ``look`` does."""
    wanted = list(partitions)
    verified = []
    for done, number in enumerate(wanted):

        def share(of_one: float, done: int = done) -> None:
            told((done + of_one) / len(wanted))

        verified.append(_judge(await look(place, number, share, whole=True)))
    return Verification(
        group=place.group.name,
        topic=place.group.topic,
        state_topic=place.log.topic,
        ok=not any(one.wrong for one in verified),
        partitions=tuple(verified),
    )


def _judge(looked: Looked) -> Verified:
    restored = looked.found.restored
    wrong: list[str] = []
    notes: list[str] = []
    for finding in looked.found.verdict.findings:
        text = f"state log: {finding.text}"
        if str(finding.offset) not in finding.text:
            text += f" (offset {finding.offset})"
        (wrong if finding.serious else notes).append(text)
    never = looked.empty and looked.committed is None
    lost = looked.why_lost()
    if lost is not None:
        (notes if never else wrong).append(lost)
    waits = 0
    if restored is not None:
        waits = waiting(restored.store)
        wrong += _contradictions(looked.partition, restored, waits)
        if looked.committed is not None and looked.committed.offset > restored.tip.offset:
            notes.append(
                f"the group has committed offset {looked.committed.offset}, the state stands at "
                f"{restored.tip.offset}: the state wins, and what lies between is folded again"
            )
    return Verified(
        partition=looked.partition,
        records=looked.log_bounds[1] - looked.log_bounds[0],
        offset=None if restored is None else restored.tip.offset,
        contacts=0 if restored is None else restored.tip.tracked,
        waiting=waits,
        wrong=tuple(wrong),
        notes=tuple(notes),
    )


def _contradictions(partition: int, restored: Restored, waits: int) -> list[str]:
    wrong = []
    if restored.tip.partition != partition:
        wrong.append(f"the state is that of partition {restored.tip.partition}")
    books = unbalanced(restored.tip.ledger, waits)
    if books is not None:
        wrong.append(books)
    return wrong
