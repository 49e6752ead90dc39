"""Reading a log while letting go of most of it: a sure verdict is that of a reading that keeps all.

The logs are those of random runs of the protocol, with zombies, forks, lost acknowledgements and
groups that were deleted; then with records damaged, gone, repeated, and bodies that cannot be read;
and logs that no writer would write, whose checkpoints name any earlier one as their parent.
"""

import random
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Final

import msgspec
import pytest

from firstreply.domain.store import SHARDS
from firstreply.state.chain import ChunkLog, Verdict
from firstreply.state.chunk import FOLD, DamagedChunkError, Header, Link, decode, encode
from firstreply.state.stored import Id
from tests.model.process import Rules
from tests.model.run import Run, Violation

RUNS: Final = 6
WILD: Final = 150
KEPT: Final = (1, 3, 10)


class Told(msgspec.Struct, frozen=True):
    """What a verdict comes to."""

    chain: list[Id] | None
    findings: list[tuple[str, bool]]
    """Not where: of a record that was repeated another copy may be named."""
    greatest: Header | None


def told(verdict: Verdict) -> Told:
    choice = verdict.choice
    chain = None if choice is None else [one.name for one in choice.chunks]
    findings = [(finding.text, finding.serious) for finding in verdict.findings]
    return Told(chain, findings, verdict.greatest)


class Reading:
    """A log, read as often as it takes."""

    def __init__(self, records: Mapping[int, bytes], keep: int | None) -> None:
        self.records = records
        self.chunks = ChunkLog(bodies=False, keep=keep)
        self.most = 0
        """Checkpoints in memory."""
        self.times = 0

    def read(self) -> Verdict:
        self.times += 1
        for offset, record in self.records.items():
            self.chunks.add(offset, record)
            self.most = max(self.most, len(self.chunks._chunks))
            if self.chunks.crowded:
                self.chunks.let_go()
        return self.chunks.choose()

    def verdict(self) -> Verdict:
        found = self.read()
        while not found.sure:
            self.chunks = self.chunks.again()
            found = self.read()
        return found

    def spoiled(self, times: int) -> list[Verdict]:
        """Return the verdicts when each chosen tip in turn turns out to be unreadable."""
        verdicts = [self.verdict()]
        for _ in range(times):
            choice = verdicts[-1].choice
            if choice is None:
                break
            self.chunks.spoil(choice.chunks[-1].link, "spoiled")
            found = self.chunks.choose()
            if not found.sure:
                self.chunks = self.chunks.again()
                found = self.verdict()
            verdicts.append(found)
        return verdicts


@lru_cache
def log_of(seed: int) -> dict[int, bytes]:
    """Return the state log of a random run."""
    run = Run(seed, Rules(), clock_jumps=bool(seed % 2), trouble=1 + seed % 3)
    with suppress(Violation):  # of the figures, which are not what is looked at here
        run.play()
    return {offset: record for offset, record in run.brokers.state.records.items() if record}


def mishandled(records: dict[int, bytes], chance: random.Random) -> dict[int, bytes]:
    """Damage records, lose some, and repeat others at the end."""
    result = {}
    for offset, record in records.items():
        fate = chance.random()
        if fate < 0.03:
            result[offset] = record[:-1] + bytes([record[-1] ^ 1])
        elif fate > 0.02 + 0.03:
            result[offset] = record
    for offset in chance.sample(sorted(result), min(5, len(result))):
        result[max(result) + 1] = result[offset]
    return result


def wild_log(chance: random.Random) -> dict[int, bytes]:
    """Return a log of checkpoints in one or two parts, in any order, each with any parent."""
    records: list[bytes] = []
    links: list[Link] = []
    late: list[bytes] = []
    for seq in range(chance.randint(10, 60)):
        recent = chance.choice((1, 3, 1000))
        header = Header(
            fold=FOLD,
            topic="events",
            partition=0,
            partitions=1,
            writer=chance.choice("ab"),
            seq=seq,
            part=0,
            parts=1,
            parent=chance.choice(links[-recent:]) if links else None,
            kind="checkpoint",
            incarnation=0,
            generation=seq // 20 + chance.choice((0, 0, 0, 0, 3)),
            offset=seq,
            last=None,
            log_time=0,
            proof=None,
            ledger={},
            tracked=0,
            shards=SHARDS,
            base_first=chance.randrange(0, SHARDS, SHARDS // 4),
            base_count=chance.choice((0, SHARDS // 4, SHARDS // 2, SHARDS)),
        )
        parts = list(encode(header, [bytes(10)], limit=chance.choice((5, 10, 10))))
        if chance.random() < 0.1:
            late.append(parts.pop())
        records += parts
        if parts:
            links.append(Link(len(records) - 1, header.writer, seq))
        if chance.random() < 0.1:
            records.append(b"damaged")
        if chance.random() < 0.2:
            records.append(chance.choice([*records, *late]))
            with suppress(DamagedChunkError):
                again = decode(records[-1]).header
                links.append(Link(len(records) - 1, again.writer, again.seq))
    return dict(enumerate(records))


@pytest.mark.parametrize("keep", KEPT)
def test_a_sure_verdict_is_that_of_a_reading_that_keeps_all(keep: int) -> None:
    for seed in range(RUNS):
        records = log_of(seed)
        for end in range(20, len(records), 40):
            part = dict(list(records.items())[:end])

            letting_go = Reading(part, keep)

            assert told(letting_go.verdict()) == told(Reading(part, None).verdict()), (seed, end)


@pytest.mark.parametrize("keep", KEPT)
def test_so_it_is_for_a_log_that_was_damaged(keep: int) -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)
        for _ in range(6):
            records = mishandled(log_of(seed), chance)

            letting_go = Reading(records, keep)

            assert told(letting_go.verdict()) == told(Reading(records, None).verdict()), seed


@pytest.mark.parametrize("keep", KEPT)
def test_so_it_is_for_a_log_that_no_writer_would_write(keep: int) -> None:
    read_again = 0
    for seed in range(WILD):
        records = wild_log(random.Random(seed))

        letting_go = Reading(records, keep)
        verdicts = letting_go.spoiled(3)

        assert [*map(told, verdicts)] == [*map(told, Reading(records, None).spoiled(3))], seed
        read_again += letting_go.times > 1
    assert keep == KEPT[-1] or read_again


@pytest.mark.parametrize("keep", KEPT)
def test_so_it_is_when_bodies_cannot_be_read(keep: int) -> None:
    for seed in range(RUNS):
        records = log_of(seed)

        letting_go = Reading(records, keep).spoiled(8)

        assert [*map(told, letting_go)] == [*map(told, Reading(records, None).spoiled(8))], seed


def test_most_of_a_log_is_let_go_in_a_single_reading() -> None:
    for seed in range(RUNS):
        records = log_of(seed)
        reading = Reading(records, 10)

        reading.verdict()

        assert len(records) > 60
        assert reading.most < len(records) / 2
        assert reading.times == 1, seed


def test_a_better_checkpoint_that_cannot_be_read_is_remembered() -> None:
    """Whatever a zombie appends after it, for however long."""
    log = dict(log_of(0))
    last = max(log)
    newest = decode(log[last]).header
    log[last + 1] = b"damaged"
    cut_off = msgspec.structs.replace(
        newest, writer="better", generation=99, parent=Link(last + 1, "gone", 0), base_count=0
    )
    (log[last + 2],) = encode(cut_off, [], 1000)
    for seq in range(100):
        zombie = msgspec.structs.replace(newest, writer="zombie", seq=seq, base_count=SHARDS)
        (log[last + 3 + seq],) = encode(zombie, [], 1000)
    reading = Reading(log, 10)

    verdict = reading.verdict()

    assert verdict.findings[0].offset == last + 1
    assert verdict.serious
    assert reading.times == 1
