"""Laws of the engine, over random streams of events: they equal the oracle, whatever the order.

``FIRSTREPLY_LONG`` sets the number of examples of each law in the tests marked ``slow``.
"""

import os
from collections import Counter
from statistics import median
from typing import Final

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st

from firstreply.domain import engine as engine_module
from firstreply.domain.contact import Phase
from firstreply.domain.engine import Engine
from firstreply.domain.facts import Follows, Scene, apply
from firstreply.domain.increments import Increments
from firstreply.domain.instants import SECOND
from firstreply.domain.ledger import KINDS, RECEIVED, RESETTLED
from firstreply.domain.transitions import Effect
from tests.unit.domain import oracle
from tests.unit.domain.builders import at
from tests.unit.domain.streams import (
    BY_CHANNEL,
    GRID,
    Folded,
    Stream,
    fold,
    new_engine,
    streams,
    two_streams,
)

LONG: Final = int(os.environ.get("FIRSTREPLY_LONG", "500"))
CONTACTS: Final = ("a", "b", "c")
UNANSWERED: Final = {
    "waiting": "waiting",
    "abandoned": "abandoned",
    "closed": "closed_unanswered",
    "given_up": "given_up",
}

short = settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Stage.explicit, Stage.reuse, Stage.generate, Stage.shrink],
)
long = settings(short, max_examples=LONG)


def judged(folded: Folded) -> dict[str, oracle.Answer]:
    """Return what the engine says of each received contact, in the words of the oracle."""
    answers = {}
    for contact in folded.engine.contacts():
        if contact.received is None:
            assert contact.phase is Phase.UNSEEN
            continue
        assert contact.start is not None
        latency = contact.latency
        excluded = contact.phase is Phase.EXCLUDED
        answers[contact.contact_id] = oracle.Answer(
            channel=contact.received[0],
            start=contact.start,
            response=None if latency is None or excluded else contact.start + latency,
            phase=contact.phase.value,
            outcomes={name: n.outcome.value for name, n in (contact.outcomes or {}).items()},
            acknowledged=False,
        )
        assert folded.engine.policies[contact.policy].channel == contact.received[0]
    return answers


def expected(stream: Stream) -> dict[str, oracle.Answer]:
    answers = {}
    for name in CONTACTS:
        answer = oracle.answer(stream.of(name), BY_CHANNEL, stream.until)
        if answer is not None:
            answers[name] = answer
    return answers


def without_what_the_engine_does_not_keep(answer: oracle.Answer) -> oracle.Answer:
    response = None if answer.phase == "excluded" else answer.response
    return msgspec.structs.replace(answer, response=response, acknowledged=False)


def check_against_oracle(stream: Stream) -> None:
    folded = fold(stream)
    answers = expected(stream)

    plain = {name: without_what_the_engine_does_not_keep(one) for name, one in answers.items()}
    assert judged(folded) == plain
    assert folded.net() == Counter(
        (answer.channel, name, outcome)
        for answer in answers.values()
        for name, outcome in answer.outcomes.items()
    )
    assert folded.received() == Counter(answer.channel for answer in answers.values())


def check_report_against_oracle(stream: Stream) -> None:
    report = fold(stream).report()["channels"]
    answers = expected(stream)

    assert isinstance(report, dict)
    assert set(report) == {answer.channel for answer in answers.values()}
    for channel, figures in report.items():
        assert isinstance(figures, dict)
        here = [answer for answer in answers.values() if answer.channel == channel]
        judged_here = [answer for answer in here if answer.phase != "excluded"]
        assert {name: figures[name] for name in counted(judged_here)} == counted(judged_here)
        assert figures["received"] == len(here)
        assert figures["excluded"] == len(here) - len(judged_here)
        names = [band.name for band in BY_CHANNEL[channel].bands]
        for member, outcome in (
            ("within", "met"),
            ("missed", "missed"),
            ("abandoned_in", "abandoned"),
            ("undecided", None),
        ):
            by_band = figures[member]
            assert isinstance(by_band, dict)
            assert {name: by_band.get(name, 0) for name in names} == {
                name: sum(answer.outcomes.get(name) == outcome for answer in judged_here)
                for name in names
            }


def counted(judged_here: list[oracle.Answer]) -> dict[str, object]:
    latencies = [
        (answer.response - answer.start) / SECOND
        for answer in judged_here
        if answer.response is not None
    ]
    phases = Counter(answer.phase for answer in judged_here)
    return {
        "contacts": len(judged_here),
        "answered": len(latencies),
        "never_answered": len(judged_here) - len(latencies),
        **{member: phases[phase] for phase, member in UNANSWERED.items()},
    }


def check_order_changes_nothing(both: tuple[Stream, Stream]) -> None:
    one, other = map(fold, both)

    assert judged(one) == judged(other)
    assert one.net() == other.net()
    assert one.received() == other.received()
    assert one.report() == other.report()


def check_cuts_change_nothing(stream: Stream, cuts: frozenset[int]) -> None:
    whole, cut = fold(stream), fold(stream, cuts=cuts)

    assert cut.facts() == whole.facts()
    assert cut.counted == whole.counted
    assert cut.engine.gauges() == whole.engine.gauges()
    assert cut.engine.policies == whole.engine.policies


@given(streams())
@short
def test_final_figures_equal_the_oracle(stream: Stream) -> None:
    check_against_oracle(stream)


@given(streams())
@short
def test_the_report_equals_the_oracle(stream: Stream) -> None:
    check_report_against_oracle(stream)


@given(streams())
@short
def test_acknowledged_contacts_of_the_report_equal_the_oracle(stream: Stream) -> None:
    figures = fold(stream).report()["all"]

    assert isinstance(figures, dict)
    assert figures["acknowledged"] == sum(one.acknowledged for one in expected(stream).values())


@given(streams())
@short
def test_first_response_seconds_of_the_report_equal_the_oracle(stream: Stream) -> None:
    figures = fold(stream).report()["all"]
    answered = [
        (one.response - one.start) / SECOND
        for one in expected(stream).values()
        if one.response is not None and one.phase != "excluded"
    ]

    assert isinstance(figures, dict)
    shown = figures["first_response_seconds"]
    assert isinstance(shown, dict)
    assert shown["median"] == (pytest.approx(median(answered), abs=0.001) if answered else None)
    assert shown["max"] == (pytest.approx(max(answered), abs=0.001) if answered else None)


@given(two_streams())
@short
def test_order_duplicates_and_log_time_change_no_final_figure(both: tuple[Stream, Stream]) -> None:
    check_order_changes_nothing(both)


@given(streams(), st.frozensets(st.integers(0, 20), max_size=4))
@short
def test_any_cut_with_a_restore_equals_the_uninterrupted_run(
    stream: Stream, cuts: frozenset[int]
) -> None:
    check_cuts_change_nothing(stream, cuts)


@given(streams(), st.sampled_from(GRID))
@short
def test_advancing_to_the_next_deadline_or_less_changes_nothing(
    stream: Stream, target: float
) -> None:
    engine = new_engine()
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)
    engine.advance(engine.log_time)  # the last event may have moved a deadline into the past
    engine.take_increments()
    before = Folded(engine, Increments()).facts()
    due = engine.next_deadline()

    engine.advance(at(target) if due is None else min(due, at(target)))
    assume(due is not None)
    engine.advance(due or 0)

    assert not engine.take_increments()
    assert Folded(engine, Increments()).facts() == before


@given(streams())
@short
def test_passing_the_next_deadline_leaves_only_later_ones(stream: Stream) -> None:
    engine = new_engine()
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)

    for _ in range(50):
        due = engine.next_deadline()
        if due is None:
            break
        engine.advance(max(due, engine.log_time) + 1)

    assert engine.next_deadline() is None


@given(streams())
@short
def test_counters_never_go_down_and_the_ledger_adds_up_at_every_step(stream: Stream) -> None:
    engine = new_engine()
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)

        taken = engine.take_increments()
        assert all(amount > 0 for amount in taken.counts.values())
        assert all(seconds >= 0 for _, _, seconds in taken.observations)
        gauges = engine.gauges()
        waiting = sum(one.phase is Phase.WAITING for one in engine.contacts())
        settled = sum(gauges.ledger[kind] for kind in KINDS if kind not in {RECEIVED, RESETTLED})
        assert gauges.ledger[RECEIVED] == settled + waiting
        if gauges.at is not None:
            shown = (sum(queue.waiting.values()) for queue in gauges.queues.values())
            assert sum(shown) == waiting


@given(streams(), st.sampled_from([1, 20, 600]))
@short
def test_what_is_forgotten_leaves_nothing_behind(stream: Stream, settle_for: float) -> None:
    engine = new_engine(settle_for)
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)

    engine.finish(stream.until)
    engine.advance(stream.until + 100 * 86400 * SECOND)

    kept = list(engine.contacts())
    gauges = engine.gauges()
    assert {contact.phase for contact in kept} <= {Phase.WAITING}
    assert gauges.tracked == len(kept)
    assert sum(sum(queue.waiting.values()) for queue in gauges.queues.values()) == len(kept)
    assert sum(queue.reply_waiting for queue in gauges.queues.values()) <= len(kept)


@given(streams(), st.sampled_from([1, 20, 600]), st.integers(0, 20))
@short
def test_a_cut_changes_nothing_while_contacts_are_forgotten(
    stream: Stream, settle_for: float, cut: int
) -> None:
    whole, restored = new_engine(settle_for), new_engine(settle_for)
    for place, (event, log_time) in enumerate(stream.arrivals):
        if place == cut:
            restored = Engine.restore(restored.snapshot(), restored.book, grace=restored.grace)
        whole.receive(event, log_time)
        restored.receive(event, log_time)

    assert Folded(restored, Increments()).facts() == Folded(whole, Increments()).facts()
    assert restored.gauges() == whole.gauges()


@pytest.mark.slow
@pytest.mark.timeout(0)
@given(streams(), two_streams(), st.frozensets(st.integers(0, 20), max_size=4))
@long
def test_all_laws_hold_for_long(
    stream: Stream, both: tuple[Stream, Stream], cuts: frozenset[int]
) -> None:
    check_against_oracle(stream)
    check_report_against_oracle(stream)
    check_order_changes_nothing(both)
    check_cuts_change_nothing(stream, cuts)


@given(streams())
@short
def test_judging_where_no_fact_says_so_changes_nothing(stream: Stream) -> None:
    engine, judging = new_engine(), new_engine()
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine_module, "apply", _apply_and_judge)
            judging.receive(event, log_time)

        assert engine.take_increments() == judging.take_increments()
        assert engine.gauges() == judging.gauges()
        assert Folded(engine, Increments()).facts() == Folded(judging, Increments()).facts()


def _apply_and_judge(effects: tuple[Effect, ...], scene: Scene) -> int:
    return apply(effects, scene) | Follows.VERDICT
