"""Laws of the state log: whatever is cut off, and wherever, nothing of it can be seen after."""

from typing import Final

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firstreply.domain.engine import Engine
from firstreply.domain.increments import Increments
from tests.unit.domain.streams import Folded, Stream, fold, new_engine, stories, streams
from tests.unit.state_log import Hold, MemoryLog, engine_of

CONTACTS: Final = ("a", "\udbff\udc00e", "f" * 200)

short = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def many_streams(draw: st.DrawFn) -> Stream:
    """Draw a stream of more contacts than one checkpoint has to have, ids of every kind."""
    told = [event for name in CONTACTS for event in draw(stories(name))]
    return draw(streams(told))


class Fate(msgspec.Struct, frozen=True):
    """What happens before an event is folded."""

    checkpoint: bool
    acknowledged: bool
    """Else it was appended, or not, and nobody knows."""
    appended: bool
    dies: bool
    minimum: int
    limit: int


FATES: Final = st.builds(
    Fate,
    checkpoint=st.booleans(),
    acknowledged=st.sampled_from([True, True, True, False]),
    appended=st.booleans(),
    dies=st.sampled_from([True, False, False, False]),
    minimum=st.integers(0, 4),
    limit=st.sampled_from([150, 100_000, 100_000]),
)


class Run:
    """One partition, from one hold to the next."""

    def __init__(self, stream: Stream, settle_for: float | None = None) -> None:
        self.stream = stream
        self.log = MemoryLog()
        self.counted = Increments()
        self.holds = 0
        self.hold = Hold(self.log, new_engine(settle_for), "0")
        self.hold.engine.offset = 0
        self.hold.checkpoint()

    @property
    def engine(self) -> Engine:
        return self.hold.engine

    def meet(self, fate: Fate) -> None:
        if fate.checkpoint:
            self.checkpoint(fate)
        if fate.dies:
            self.restore()

    def checkpoint(self, fate: Fate) -> None:
        hold, engine = self.hold, self.hold.engine
        hold.writer._limit = fate.limit
        changes, increments = engine.changes(), engine.take_increments()
        draft = hold.draft(minimum=fate.minimum, changes=changes)
        whole = fate.acknowledged or (fate.appended and fate.dies)
        if fate.acknowledged or fate.appended:
            offsets = self.log.append(*draft.records[: None if whole else -1])
        if fate.acknowledged:
            hold.writer.acknowledged(draft, offsets)
        if whole:
            self.counted.merge(increments)
        else:
            engine.keep_changes(changes)
            increments.merge(engine.take_increments())
            engine._tally.increments = increments

    def restore(self) -> None:
        restored = self.log.restore()
        self.holds += 1
        engine = engine_of(restored, self.engine.book, self.engine.grace)
        self.hold = Hold(
            self.log, engine, str(self.holds), restored=restored, generation=self.holds + 1
        )
        self.hold.claim()

    def play(self, fates: list[Fate]) -> Folded:
        left = list(fates)
        while (self.engine.offset or 0) < len(self.stream.arrivals):
            if left:
                self.meet(left.pop())
            place = self.engine.offset or 0
            arrived, log_time = self.stream.arrivals[place]
            self.engine.receive(arrived, log_time)
            self.engine.offset = place + 1
        self.engine.finish(self.stream.until)
        self.counted.merge(self.engine.take_increments())
        return Folded(self.engine, self.counted)


@given(many_streams(), st.lists(FATES, max_size=30))
@short
def test_checkpoints_and_restores_at_any_cut_equal_the_uninterrupted_run(
    stream: Stream, fates: list[Fate]
) -> None:
    whole = fold(stream)

    cut = Run(stream).play(fates)

    assert cut.facts() == whole.facts()
    assert cut.counted.counts == whole.counted.counts
    assert sorted(cut.counted.observations) == sorted(whole.counted.observations)
    assert cut.engine.gauges() == whole.engine.gauges()
    used = {contact.policy for contact in whole.engine.contacts()} - {""}
    assert {one: cut.engine.policies[one] for one in used} == {
        one: whole.engine.policies[one] for one in used
    }


@given(many_streams(), st.lists(FATES, max_size=30))
@short
def test_what_the_pointer_leaves_out_is_not_needed(stream: Stream, fates: list[Fate]) -> None:
    run = Run(stream)
    run.play(fates)
    run.hold.checkpoint()
    pointer = run.hold.writer.pointer

    assert pointer is not None
    verdict = run.log.judge(pointer.begin)

    assert verdict.choice is not None
    assert verdict.choice.begin == pointer.begin
    tip = run.hold.writer.tip
    assert tip is not None
    assert (verdict.choice.tip.writer, verdict.choice.tip.seq) == (tip.writer, tip.seq)
    assert not verdict.serious
    restored = engine_of(run.log.restore(pointer.begin), run.engine.book, run.engine.grace)
    assert Folded(restored, Increments()).facts() == Folded(run.engine, Increments()).facts()


@given(many_streams(), st.lists(FATES, max_size=30), st.sampled_from([1, 20, 600]))
@short
def test_checkpoints_and_restores_change_nothing_while_contacts_are_forgotten(
    stream: Stream, fates: list[Fate], settle_for: float
) -> None:
    whole = Run(stream, settle_for).play([])

    cut = Run(stream, settle_for).play(fates)

    assert cut.facts() == whole.facts()
    assert cut.counted.counts == whole.counted.counts
    assert cut.engine.gauges() == whole.engine.gauges()
