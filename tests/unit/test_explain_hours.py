"""What an explanation says of opening hours, clocks and waiting."""

from datetime import UTC, datetime

import pytest

from firstreply.domain.bands import Band, Clock, Policy
from firstreply.domain.calendar import Calendar
from firstreply.domain.engine import Engine
from firstreply.domain.gauges import BandState
from firstreply.domain.instants import SECOND, to_instant
from firstreply.domain.policy_book import PolicyBook
from firstreply.explanation.hours import FIRST_SHOWN, LAST_SHOWN
from tests.unit.domain.builders import (
    BUSINESS_HOUR,
    DAY,
    GRACE,
    HOUR,
    MINUTE,
    OFFICE,
    Desk,
    at,
    band,
    opened,
    policy,
    responded,
)
from tests.unit.told import PROMISED, moment, story, text


def test_a_closed_channel_says_when_it_opens() -> None:
    desk = Desk(policy("email", (band("10m"), BUSINESS_HOUR), calendar=OFFICE, promise="1h"))
    desk.receive(opened(7.5 * HOUR, channel="email"), log=8 * HOUR + GRACE)

    waiting = story(desk).waiting

    assert waiting is not None
    assert (waiting.open, waiting.opens_at) == (False, moment(DAY))
    assert (waiting.waited_seconds, waiting.opening_seconds) == (HOUR / 2, HOUR / 2)
    assert "The channel is closed and opens Tue 3 Mar 09:00." in text(desk)


@pytest.mark.parametrize(
    ("minutes", "state", "said"),
    [
        (47, BandState.WITHIN, ""),
        (48, BandState.AT_RISK, "Four fifths of the limit are used up."),
        (60, BandState.OVERDUE, "It is overdue."),
        (120, BandState.FAR_OVERDUE, "It has waited more than twice the limit."),
    ],
)
def test_how_near_the_promise_is_counts_opening_hours(
    minutes: int, state: BandState, said: str
) -> None:
    desk = Desk(policy("email", (BUSINESS_HOUR,), calendar=OFFICE, promise="1h"))
    desk.receive(opened(3 * HOUR, channel="email"))  # at the beginning of the lunch break
    desk.advance(4 * HOUR + minutes * MINUTE + GRACE)

    waiting = story(desk).waiting

    assert waiting is not None
    assert waiting.band_state is state
    assert said in text(desk)


def test_of_many_windows_the_first_and_the_last_are_told_and_the_rest_summed() -> None:
    limit = 100 * HOUR * SECOND
    desk = Desk(policy("email", (Band("100h", limit, Clock.BUSINESS),), calendar=OFFICE))
    desk.receive(opened(0, channel="email"))

    hours = story(desk).bands[0].hours

    assert hours is not None
    assert (hours.seconds, len(hours.windows)) == (100 * HOUR, FIRST_SHOWN + LAST_SHOWN)
    assert hours.left_out == 29 - FIRST_SHOWN - LAST_SHOWN
    assert hours.windows[-1].closes_at == story(desk).bands[0].deadline_at
    assert "... 17 more windows 59 h" in text(desk)


def test_opening_time_that_ends_before_the_limit_leaves_no_deadline() -> None:
    one_day = Calendar.from_weekly(
        timezone="UTC",
        weekly={},
        exceptions={datetime(2026, 3, 2, tzinfo=UTC).date(): [("09:00", "09:30")]},
    )
    desk = Desk(policy("email", (BUSINESS_HOUR,), calendar=one_day, promise="1h"))
    desk.receive(opened(0, channel="email"), log=2 * HOUR)

    told = story(desk)

    assert told.waiting is not None
    assert (told.waiting.next_deadline, told.waiting.opens_at) == (None, None)
    assert (told.bands[0].deadline_at, told.bands[0].hours) == (None, None)
    assert "too little opening time left to use it up: no deadline" in text(desk)
    assert "The channel is closed and does not open again." in text(desk)
    desk.receive(responded(3 * HOUR))
    assert "1h* open hours none met" in text(desk)


def paris() -> Calendar:
    return Calendar.from_weekly(timezone="Europe/Paris", weekly=None)


def engine_in_paris(chat: Policy) -> Desk:
    return Desk(engine=Engine(PolicyBook([chat, policy("other")]), grace=GRACE * SECOND))


def in_paris(time: str) -> float:
    """Return seconds after T0."""
    return (to_instant(datetime.fromisoformat(time)) - at(0)) / SECOND


def test_a_day_with_a_change_of_the_clocks_says_so() -> None:
    day = policy("chat", (band("24h"),), calendar=paris(), promise="24h")
    desk = engine_in_paris(day)
    desk.receive(opened(in_paris("2026-03-28T18:00+01:00")))

    assert (
        "The clocks change in between: Sun 29 Mar 02:00 becomes 03:00."
        " The deadline is Sun 29 Mar 19:00." in text(desk)
    )


def test_a_time_that_the_clocks_show_twice_says_which() -> None:
    day = policy("chat", (band("1h"),), calendar=paris(), promise="1h")
    desk = engine_in_paris(day)
    desk.receive(opened(in_paris("2026-10-25T02:30+02:00")))

    said = text(desk)

    assert "Opened Sun 25 Oct 2026 02:30 CEST on chat" in said
    assert "The deadline is Sun 25 Oct 02:30 CET." in said


def test_a_long_answered_contact_is_told_from_its_calendar_in_days_and_hours() -> None:
    desk = Desk(policy("email", (BUSINESS_HOUR,), calendar=OFFICE, promise="1h"))
    desk.receive(opened(0, channel="email"), responded(8 * DAY + 90 * MINUTE))

    assert "8 d 1 h 30 min after the start, 43 h 30 min of them in opening hours" in text(desk)


def test_a_window_over_midnight_is_told_with_both_dates() -> None:
    nights = Calendar.from_weekly(timezone="UTC", weekly={"mon": [("22:00", "06:00")]})
    desk = Desk(policy("email", (band("8h", clock=Clock.BUSINESS),), calendar=nights))
    desk.receive(opened(0, channel="email"))

    assert "Mon 2 Mar 22:00 - Tue 3 Mar 06:00 8 h" in text(desk)


def test_special_days_in_between_are_named_one_or_many() -> None:
    days = [datetime(2026, 3, day, tzinfo=UTC).date() for day in range(3, 29)]
    for closed_days, said in (
        (days[:1], "Hours unlike those of the weekday: Tue 3 Mar (holiday)."),
        (days, "Wed 18 Mar (holiday), and 7 more days."),
    ):
        hours = Calendar.from_weekly(
            timezone="UTC",
            weekly={day: [("09:00", "10:00")] for day in ("mon", "tue", "wed", "thu", "fri")},
            holidays=closed_days,
        )
        desk = Desk(policy("email", (band("8h", clock=Clock.BUSINESS),), calendar=hours))
        desk.receive(opened(0, channel="email"))

        assert said in text(desk)


def test_a_promise_of_all_hours_needs_no_windows() -> None:
    desk = Desk(policy("email", (band("10m"), BUSINESS_HOUR), calendar=OFFICE, promise="10m"))
    desk.receive(opened(0, channel="email"))

    assert "answered within 10m. The deadline is Mon 2 Mar 09:10." in text(desk)


def test_a_contact_newer_than_the_service_clock_has_not_waited_yet() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), log=0)

    told = story(desk)

    assert told.at == moment(-GRACE)
    assert told.waiting is not None
    assert (told.waiting.waited_seconds, told.waiting.band_state) == (0.0, BandState.WITHIN)
