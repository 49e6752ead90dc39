"""Finding the state of a partition in the state log, and comparing it with the input.

For whoever takes a partition over, and for the commands that look at the state log. Where the
commit says from where to read, only that much is read, with all it carries. Otherwise the whole log
is read twice: first the headers, which tell what to go on from, then the chosen chain; days of
checkpoints do not fit into memory, nor do their headers (``state.chain``).

All of it runs beside others on the event loop: whatever takes long stops now and then, and the
choice among thousands of headers, which cannot, is made in a thread.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

import msgspec

from firstreply.domain.errors import FatalError, RetryableError
from firstreply.keeping.port import Input, StateLog
from firstreply.ports import Committed, Record
from firstreply.state.assembly import Assembly, Restored, SpoiledChainError
from firstreply.state.chain import KEEP, ChunkLog, Verdict
from firstreply.state.chunk import Fingerprint, Header, decode, fingerprint
from firstreply.state.stored import Choice
from firstreply.state.writer import Pointer, Promise

_NOTE: Final = "v2"
"""Form of what travels with the commits."""

_NOTE_WITHOUT_TOLD: Final = "v1"
"""The form before it said what owners went by."""

_MOST_TOLD: Final = 8
"""Promises of earlier owners in a note: brokers take 4096 bytes, and each needs some 20."""

_BYTES_AT_A_TIME: Final = 2_000_000
"""Read before others get their turn: some milliseconds for the checksums."""

_RECORDS_AT_A_TIME: Final = 100
"""Likewise, for their headers."""

Told = Callable[[float], None]
"""Called with the share that is done, 0 to 1."""


class Found(msgspec.Struct, frozen=True):
    """What a stretch of the log holds."""

    restored: Restored | None
    """None where no chain is complete, or nothing was ever written."""
    verdict: Verdict


class OtherInputError(FatalError):
    """The state was made of another topic than the one that is there now."""


async def find_state(
    log: StateLog, partition: int, bounds: tuple[int, int], pointer: Pointer | None, told: Told
) -> Found:
    """Read from where the pointer says; the whole log without one, or where it leads nowhere.

    Args:
        log: the state log.
        partition: its number.
        bounds: of the partition, as they were before the commit could move on.
        pointer: what came with the commit.
        told: progress.

    Raises:
        RetryableError: a leader did not answer.
        NewerChunkError: a newer firstreply wrote it.
    """
    first, end = bounds
    if pointer is not None and first < pointer.begin < end:
        chunks = ChunkLog()
        await _read(log, partition, (pointer.begin, end), told, chunks)
        found = await _assemble(log, partition, chunks, told)
        if found.restored is not None and not found.verdict.serious:
            return found
    return await read_state(log, partition, bounds, told)


async def read_state(
    log: StateLog, partition: int, bounds: tuple[int, int], told: Told = lambda _: None
) -> Found:
    """Read a stretch, choose and assemble. Raises as ``find_state`` does."""
    chunks = ChunkLog(bodies=False, keep=KEEP)
    while True:
        await _read(log, partition, bounds, told, chunks)
        found = await _assemble(log, partition, chunks, told)
        if found.verdict.sure:
            return found
        chunks = chunks.again()


async def _read(
    log: StateLog, partition: int, bounds: tuple[int, int], told: Told, chunks: ChunkLog
) -> None:
    first, end = bounds
    told(0.0)
    size = 0
    async with aclosing(log.read(partition, first, end)) as batches:
        async for batch in batches:
            for count, record in enumerate(batch):
                chunks.add(record.offset, record.value)
                size += len(record.value)
                if size >= _BYTES_AT_A_TIME or count % _RECORDS_AT_A_TIME == 0:
                    size = 0
                    await asyncio.sleep(0)
            if chunks.crowded:
                await asyncio.to_thread(chunks.let_go)
            told(0.5 * (batch[-1].offset + 1 - first) / (end - first))


async def _assemble(log: StateLog, partition: int, chunks: ChunkLog, told: Told) -> Found:
    """Choose and assemble; a checkpoint that turns out damaged is left out."""
    while True:
        verdict = await asyncio.to_thread(chunks.choose)
        if verdict.choice is None or not verdict.sure:
            return Found(None, verdict)
        await _fill(log, partition, verdict.choice, told)
        size = max(verdict.choice.size, 1)
        assembly = Assembly(verdict.choice)
        try:
            for done in assembly:
                told(0.7 + 0.3 * done / size)
                await asyncio.sleep(0)
        except SpoiledChainError as error:
            chunks.spoil(error.link, str(error))
            continue
        return Found(assembly.restored, verdict)


async def _fill(log: StateLog, partition: int, choice: Choice, told: Told) -> None:
    """Read what the checkpoints of a chain carry, where it was not kept."""
    missing = {
        offset: (stored, part)
        for stored in choice.chunks
        for part, offset in stored.offsets.items()
        if part not in stored.payloads
    }
    if not missing:
        return
    first, end = min(missing), max(missing) + 1
    async with aclosing(log.read(partition, first, end)) as batches:
        async for batch in batches:
            told(0.5 + 0.2 * (batch[-1].offset + 1 - first) / (end - first))
            for record in batch:
                if record.offset in missing:
                    stored, part = missing.pop(record.offset)
                    stored.payloads[part] = decode(record.value).payload
            await asyncio.sleep(0)
    if missing:
        msg = f"the state log {log.topic}, partition {partition}, changed while it was read"
        raise RetryableError(msg)


async def require_same_input(source: Input, log_topic: str, partition: int, tip: Header) -> None:
    """Refuse a state that was not made of this input.

    Raises:
        OtherInputError: the topic is another one, or was made anew.
        FatalError: retention has removed events that the state needs.
        RetryableError: a leader did not answer.
    """
    if (tip.topic, tip.partitions) != (source.topic, source.partitions):
        msg = (
            f"the state in {log_topic} is that of {tip.topic} with {tip.partitions} "
            f"partitions, and {source.topic} has {source.partitions}: contacts may lie in "
            "other partitions. Go on with a topic of its own and a new kafka.group: "
            "docs/scaling.md, More partitions"
        )
        raise OtherInputError(msg)
    first, end = await source.bounds(partition)
    where = f"partition {partition} of {source.topic}"
    remedy = (
        "Set kafka.group to a new name and kafka.start to where to begin, or rebuild the "
        "state: firstreply state rebuild --from TIME"
    )
    if tip.offset > end:
        msg = (
            f"{where} ends at offset {end}, and the state was made of events up to "
            f"{tip.offset}: the topic was made anew, or lost events. {remedy}"
        )
        raise OtherInputError(msg)
    if tip.offset < first:
        msg = (
            f"{where} begins at offset {first}, and the state needs events from {tip.offset} "
            f"on: retention has removed {first - tip.offset} of them. {remedy}"
        )
        raise FatalError(msg)
    if tip.last is not None and tip.last.offset >= first:
        found = await source.record(partition, tip.last.offset)
        if found is None or fingerprint_of(found) != tip.last:
            msg = (
                f"{where} holds another record at offset {tip.last.offset} than the one the "
                f"state was made of: the topic was made anew. {remedy}"
            )
            raise OtherInputError(msg)


def fingerprint_of(record: Record) -> Fingerprint:
    """Return what is kept of an input record."""
    return fingerprint(record.offset, record.timestamp, record.key, record.value)


def note_of(pointer: Pointer | None) -> str:
    """Return what travels with a commit."""
    if pointer is None:
        return ""
    told = ",".join(f"{one.exported}.{one.incarnation}.{one.generation}" for one in pointer.told)
    return (
        f"{_NOTE}:{pointer.begin}:{pointer.exported}:{pointer.incarnation}:{pointer.generation}:"
        f"{told}"
    )


def pointer_in(committed: Committed | None) -> Pointer | None:
    """Read the note of the group's commit, as ``pointer_of`` does."""
    return pointer_of("" if committed is None else committed.note)


def pointer_of(note: str) -> Pointer | None:
    """Read a note; one of another form is none, and the whole log is read."""
    form, *fields = note.split(":")
    if form == _NOTE_WITHOUT_TOLD:
        fields.append("")
    elif form != _NOTE:
        return None
    try:
        *numbers, told = fields
        begin, exported, incarnation, generation = map(int, numbers)
        promises = tuple(_promise_of(one) for one in told.split(",") if one)
    except ValueError:
        return None
    return Pointer(begin, exported, incarnation, generation, promises)


def _promise_of(text: str) -> Promise:
    exported, incarnation, generation = map(int, text.split("."))
    return Promise(exported, incarnation, generation)


def told_by(pointer: Pointer | None) -> tuple[Promise, ...]:
    """Return what an owner says it went by, who takes over with a pointer in the group's commit."""
    return () if pointer is None else (*pointer.told, pointer.promise)[-_MOST_TOLD:]
