"""Reading a state: what is left open when it fails, and when a log is read again."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from firstreply.domain.errors import RetryableError
from firstreply.keeping import reading
from firstreply.keeping.reading import read_state
from firstreply.state.chunk import decode, encode
from tests.unit.fakes import opened
from tests.unit.test_keeping import FakeInput, FakeLog, Written, checkpoint, keeper_of

P = 0


class WatchedLog(FakeLog):
    """Notes which readings were ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = 0

    async def read(
        self, partition: int, first: int, end: int
    ) -> AsyncGenerator[Sequence[Written], None]:
        try:
            async for batch in super().read(partition, first, end):
                for record in batch:
                    yield [record]
        finally:
            self.ended += 1


async def written(log: FakeLog) -> tuple[int, int]:
    """Write some checkpoints; return the bounds of the log."""
    source = FakeInput(*map(opened, range(12)))
    keeper = keeper_of(source, log)
    fold = await keeper.take(P, source.epoch, None)
    for event in source.log:
        fold.fold([event])
        await checkpoint(keeper, source, fold)
    return await log.bounds(P)


async def test_a_reading_that_is_given_up_leaves_nothing_open() -> None:
    log = WatchedLog()
    bounds = await written(log)
    log.read_from, log.ended = [], 0

    def told(share: float) -> None:
        if share > 0:
            msg = "another one owns it now"
            raise RetryableError(msg)

    with pytest.raises(RetryableError) as error:
        await read_state(log, P, bounds, told)

    assert error.value.__traceback__ is not None  # which would keep a generator that is not closed
    assert (len(log.read_from), log.ended) == (1, 1)


async def test_a_log_is_read_again_where_what_was_let_go_must_stand_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "KEEP", 1)
    log = WatchedLog()
    bounds = await written(log)
    for number in range(bounds[1] - 4, bounds[1]):
        record = log.records[P][number]
        (unreadable,) = encode(decode(record.value).header, [b"\x01\0\0\0\1x"], 1000)
        log.records[P][number] = Written(number, unreadable)
    log.read_from = []

    found = await read_state(log, P, bounds)

    assert found.verdict.sure
    assert found.verdict.serious
    assert found.restored is not None
    assert found.restored.link.offset == bounds[1] - 5
    assert log.read_from.count(0) > 1
