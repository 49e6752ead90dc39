"""``state inspect``: where the state of each partition stands, as figures."""

from collections.abc import Callable, Iterable

import msgspec

from firstreply.domain.instants import BEFORE_ALL, SECOND, to_datetime
from firstreply.keeping.reading import Told
from firstreply.state.assembly import Restored
from firstreply.state.stored import Choice
from firstreply.state_commands.ledgers import waiting
from firstreply.state_commands.looking import Looked, look
from firstreply.state_commands.opening import Place


class Bounds(msgspec.Struct, frozen=True):
    """Of a partition of a topic."""

    first: int
    end: int
    """After the last record."""


class Tip(msgspec.Struct, frozen=True):
    """The checkpoint to go on from."""

    offset: int
    """N: every event below it is folded."""
    log_time: str | None
    generation: int
    incarnation: int
    contacts: int
    waiting: int
    written: str | None
    """When the broker appended it."""
    age_seconds: float | None


class Chain(msgspec.Struct, frozen=True):
    """What the state is made of, in the state log."""

    first: int
    end: int
    checkpoints: int
    records: int
    bytes: int


class FoundWrong(msgspec.Struct, frozen=True):
    """Something in the state log that is not as it should be."""

    offset: int
    text: str
    serious: bool


class PartitionReport(msgspec.Struct, frozen=True):
    """One partition."""

    partition: int
    log: Bounds
    input: Bounds
    commit: int | None
    lag: int | None
    """Events after the state."""
    tip: Tip | None
    chain: Chain | None
    ledger: dict[str, int] | None
    findings: tuple[FoundWrong, ...]
    lost: str | None
    """Why ``firstreply run`` could not go on."""


class Inspection(msgspec.Struct, frozen=True):
    """A group."""

    group: str
    group_state: str
    members: int
    topic: str
    state_topic: str
    state_topic_exists: bool
    partitions: tuple[PartitionReport, ...]


async def inspect(
    place: Place, partitions: Iterable[int], now: Callable[[], int], told: Told
) -> Inspection:
    """Look at partitions. Raises as ``look`` does."""
    members = await place.group.members()
    wanted = list(partitions)
    reports = []
    for done, number in enumerate(wanted):

        def share(of_one: float, done: int = done) -> None:
            told((done + of_one) / len(wanted))

        reports.append(await _report(place, await look(place, number, share), now))
    return Inspection(
        group=place.group.name,
        group_state=members.state,
        members=members.count,
        topic=place.group.topic,
        state_topic=place.log.topic,
        state_topic_exists=place.present,
        partitions=tuple(reports),
    )


async def _report(place: Place, looked: Looked, now: Callable[[], int]) -> PartitionReport:
    restored, choice = looked.found.restored, looked.found.verdict.choice
    tip = chain = ledger = lag = None
    if restored is not None and choice is not None:
        written = await place.log.written_at(looked.partition, restored.link.offset)
        tip, chain = _tip(restored, written, now()), _chain(choice)
        ledger = restored.tip.ledger
        lag = max(0, looked.input_bounds[1] - restored.tip.offset)
    never = looked.empty and looked.committed is None
    return PartitionReport(
        partition=looked.partition,
        log=Bounds(*looked.log_bounds),
        input=Bounds(*looked.input_bounds),
        commit=None if looked.committed is None else looked.committed.offset,
        lag=lag,
        tip=tip,
        chain=chain,
        ledger=ledger,
        findings=tuple(
            FoundWrong(one.offset, one.text, one.serious) for one in looked.found.verdict.findings
        ),
        lost=None if never else looked.why_lost(),
    )


def _tip(restored: Restored, written: int | None, now: int) -> Tip:
    tip = restored.tip
    return Tip(
        offset=tip.offset,
        log_time=moment(tip.log_time),
        generation=tip.generation,
        incarnation=tip.incarnation,
        contacts=tip.tracked,
        waiting=waiting(restored.store),
        written=moment(written),
        age_seconds=None if written is None else max(0.0, round((now - written) / SECOND, 3)),
    )


def _chain(choice: Choice) -> Chain:
    records = sum(len(chunk.offsets) for chunk in choice.chunks)
    return Chain(choice.begin, choice.end, len(choice.chunks), records, choice.size)


def moment(instant: int | None) -> str | None:
    """Return an instant for people and programs; None for one that is not known."""
    if instant is None or instant == BEFORE_ALL:
        return None
    text = to_datetime(instant).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
