"""Rule 5: the earliest of response, deadline, abandonment and close decides; ties in that order."""

from collections.abc import Callable
from itertools import permutations

import pytest

from firstreply.domain.contact import Outcome, Phase
from firstreply.domain.events import ContactEvent
from tests.unit.domain.builders import (
    ABANDONED,
    MET,
    MICROSECOND,
    MISSED,
    Desk,
    abandoned,
    band,
    closed,
    opened,
    policy,
    responded,
)

TEN = policy("chat", (band("10m"),))


def judged_in_every_order(*events: ContactEvent) -> Outcome | None:
    """Return the outcome of the 10m band, which must not depend on the order of arrival."""
    verdicts = set()
    for order in permutations(events):
        desk = Desk(TEN)
        desk.receive(*order)
        verdicts.add(desk.judged().get("10m"))
    assert len(verdicts) == 1
    return verdicts.pop()


def test_rule_05_a_response_exactly_at_the_deadline_is_met() -> None:
    assert judged_in_every_order(opened(0), responded(600)) is MET


def test_rule_05_a_response_just_after_the_deadline_is_missed() -> None:
    assert judged_in_every_order(opened(0), responded(600 + MICROSECOND)) is MISSED


def test_rule_05_a_response_at_the_abandonment_is_met() -> None:
    assert judged_in_every_order(opened(0), responded(60), abandoned(60)) is MET


def test_rule_05_a_response_just_after_the_abandonment_leaves_it_abandoned() -> None:
    assert judged_in_every_order(opened(0), responded(60 + MICROSECOND), abandoned(60)) is ABANDONED


def test_rule_05_a_response_at_the_close_is_met() -> None:
    assert judged_in_every_order(opened(0), responded(60), closed(60)) is MET


def test_rule_05_a_response_just_after_the_close_leaves_it_missed() -> None:
    assert judged_in_every_order(opened(0), responded(60 + MICROSECOND), closed(60)) is MISSED


def test_rule_05_an_abandonment_at_the_deadline_is_missed() -> None:
    assert judged_in_every_order(opened(0), abandoned(600)) is MISSED


def test_rule_05_an_abandonment_just_before_the_deadline_is_abandoned() -> None:
    assert judged_in_every_order(opened(0), abandoned(600 - MICROSECOND)) is ABANDONED


def test_rule_05_an_abandonment_at_the_close_is_abandoned() -> None:
    assert judged_in_every_order(opened(0), abandoned(60), closed(60)) is ABANDONED


def test_rule_05_a_close_just_before_the_abandonment_is_missed() -> None:
    assert judged_in_every_order(opened(0), abandoned(60), closed(60 - MICROSECOND)) is MISSED


def test_rule_05_a_close_without_an_answer_is_missed_at_once() -> None:
    assert judged_in_every_order(opened(0), closed(60)) is MISSED


def test_rule_05_an_abandonment_at_the_start_counts() -> None:
    assert judged_in_every_order(opened(10), abandoned(10)) is ABANDONED


@pytest.mark.parametrize("early", [abandoned(10 - MICROSECOND), closed(10 - MICROSECOND)])
def test_rule_05_an_end_just_before_the_start_decides_nothing(early: ContactEvent) -> None:
    assert judged_in_every_order(opened(10), early) is None
    assert judged_in_every_order(opened(10), early, responded(20)) is MET


def test_rule_05_of_two_abandonments_the_one_before_the_start_decides_nothing() -> None:
    assert judged_in_every_order(opened(10), abandoned(9), abandoned(30), responded(40)) is (
        ABANDONED
    )


@pytest.mark.parametrize("kind", [closed, abandoned])
def test_rule_05_many_ends_before_the_start_do_not_hide_the_one_after_it(
    kind: Callable[[float], ContactEvent],
) -> None:
    desk = Desk(TEN)
    desk.receive(opened(100), kind(150))
    before = desk.judged(), desk.phase()

    desk.receive(*(kind(seconds) for seconds in range(40)))

    assert (desk.judged(), desk.phase()) == before


def test_rule_05_a_response_then_a_close_is_met() -> None:
    assert judged_in_every_order(opened(0), responded(60), closed(90), abandoned(95)) is MET


def test_rule_05_a_contact_is_missed_at_its_deadline_not_when_somebody_answers() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))

    desk.finish(600)

    assert desk.judged() == {"10m": MISSED}
    assert desk.phase() is Phase.WAITING


def test_rule_05_a_microsecond_before_its_deadline_it_is_undecided() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))

    desk.finish(600 - MICROSECOND)

    assert desk.judged() == {}


def test_rule_05_a_late_answer_changes_the_phase_and_not_the_outcome() -> None:
    desk = Desk(TEN)
    desk.receive(opened(0))
    desk.finish(600)

    desk.receive(responded(900))

    assert desk.phase() is Phase.ANSWERED
    assert desk.judged() == {"10m": MISSED}
    assert desk.corrections() == {}


def test_rule_05_each_band_has_its_own_verdict() -> None:
    desk = Desk(policy("chat", (band("20s"), band("10m"), band("1h"))))

    desk.receive(opened(0), abandoned(700), responded(800))

    assert desk.judged() == {"20s": MISSED, "10m": MISSED, "1h": ABANDONED}


def test_rule_05_an_answer_decides_every_band_at_once() -> None:
    desk = Desk(policy("chat", (band("20s"), band("10m"), band("1h"))))

    desk.receive(opened(0), responded(30))

    assert desk.outcomes() == {
        ("chat", "none", "20s", "missed"): 1,
        ("chat", "none", "10m", "met"): 1,
        ("chat", "none", "1h", "met"): 1,
    }
