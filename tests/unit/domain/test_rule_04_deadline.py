"""Rule 4: the deadline is the first instant at which the limit is used up; it is inclusive."""

import pytest

from firstreply.domain.bands import Clock, Policy
from tests.unit.domain.builders import (
    BUSINESS_HOUR,
    DAY,
    HOUR,
    MET,
    MICROSECOND,
    MINUTE,
    MISSED,
    OFFICE,
    Desk,
    band,
    opened,
    policy,
    responded,
)

OFFICE_CHAT = policy("chat", (BUSINESS_HOUR,), calendar=OFFICE)
EVENING = 7.5 * HOUR
"""16:30 on Monday: half an hour before closing."""


def test_rule_04_a_response_exactly_at_the_deadline_is_met() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(600))

    assert desk.judged()["10m"] is MET


def test_rule_04_a_response_one_microsecond_after_the_deadline_is_missed() -> None:
    desk = Desk()

    desk.receive(opened(0), responded(600 + MICROSECOND))

    assert desk.judged() == {"10m": MISSED, "1h": MET}


def test_rule_04_business_hours_carry_over_to_the_next_opening() -> None:
    desk = Desk(OFFICE_CHAT)

    desk.receive(opened(EVENING), responded(DAY + 30 * MINUTE))

    assert desk.judged() == {"1h": MET}


def test_rule_04_business_hours_are_inclusive_to_the_microsecond() -> None:
    desk = Desk(OFFICE_CHAT)

    desk.receive(opened(EVENING), responded(DAY + 30 * MINUTE + MICROSECOND))

    assert desk.judged() == {"1h": MISSED}


def test_rule_04_a_limit_used_up_at_closing_is_due_at_closing() -> None:
    desk = Desk(OFFICE_CHAT)
    closing = 8 * HOUR

    desk.receive(opened(7 * HOUR, "in time"), responded(closing, "in time"))
    desk.receive(opened(7 * HOUR, "late"), responded(closing + MICROSECOND, "late"))

    assert desk.judged("in time") == {"1h": MET}
    assert desk.judged("late") == {"1h": MISSED}


def test_rule_04_latency_never_decides_two_answers_of_one_business_hour_differ() -> None:
    desk = Desk(OFFICE_CHAT)

    desk.receive(opened(7 * HOUR, "a"), responded(8 * HOUR, "a"))
    desk.receive(opened(7 * HOUR, "b"), responded(9 * HOUR, "b"))

    business = desk.observed("contact_first_response_business_seconds")
    assert [seconds for _, seconds in business] == [HOUR, HOUR]
    assert desk.judged("a") == {"1h": MET}
    assert desk.judged("b") == {"1h": MISSED}


def test_rule_04_a_contact_opened_at_night_starts_to_use_its_limit_in_the_morning() -> None:
    desk = Desk(OFFICE_CHAT)
    desk.receive(opened(12 * HOUR))

    desk.finish(DAY + HOUR - MICROSECOND)
    before = desk.judged()
    desk.finish(DAY + HOUR)

    assert before == {}
    assert desk.judged() == {"1h": MISSED}


@pytest.mark.parametrize(
    "always_open",
    [
        policy("chat", (BUSINESS_HOUR,)),
        policy("chat", (band("1h"),), calendar=OFFICE),
    ],
    ids=["business clock without a calendar", "elapsed clock with a calendar"],
)
def test_rule_04_without_a_business_calendar_every_hour_counts(always_open: Policy) -> None:
    desk = Desk(always_open)
    desk.receive(opened(12 * HOUR))

    desk.finish(13 * HOUR)

    assert desk.judged() == {"1h": MISSED}


def test_rule_04_each_band_runs_on_its_own_clock() -> None:
    bands = (band("10m"), band("1h", clock=Clock.BUSINESS))
    desk = Desk(policy("chat", bands, calendar=OFFICE))

    desk.receive(opened(12 * HOUR), responded(DAY + HOUR))

    assert desk.judged() == {"10m": MISSED, "1h": MET}


def test_rule_04_business_latency_is_observed_only_where_a_calendar_is() -> None:
    desk = Desk(OFFICE_CHAT)

    desk.receive(opened(0, channel="email"), responded(60))

    assert desk.observed("contact_first_response_business_seconds") == []
    assert desk.observed("contact_first_response_seconds") == [(("email", "none"), 60)]
