from datetime import timedelta

import pytest

from firstreply.config.tiers import TIERS, tier_warnings

TEN_MINUTES = timedelta(minutes=10)
KEY = "channels.chat.promise"


def warnings(objective: float, limit: timedelta = TEN_MINUTES) -> list[str]:
    return list(tier_warnings(KEY, objective, limit))


@pytest.mark.parametrize("objective", [0.931, 0.95, 0.99, 0.999])
def test_a_high_objective_with_a_short_limit_is_watched_as_usual(objective: float) -> None:
    assert warnings(objective) == []


def test_ninety_percent_cannot_reach_the_usual_fast_factor() -> None:
    (warning,) = warnings(0.9)

    assert warning == (
        "channels.chat.promise.objective: at 0.9 a burn rate cannot exceed 10, so the usual 14.4 "
        "(fast) cannot be reached; instead fires ContactPromiseBurnFast when less than 11% are "
        "kept over 1h"
    )


def test_eighty_percent_can_reach_neither_the_fast_nor_the_slow_factor() -> None:
    (warning,) = warnings(0.8, timedelta(seconds=20))

    assert warning == (
        "channels.chat.promise.objective: at 0.8 a burn rate cannot exceed 5, so the usual 14.4 "
        "(fast) and 6 (slow) cannot be reached; instead fires ContactPromiseBurnFast when less "
        "than 10% are kept over 1h, ContactPromiseBurnSlow when less than 40% are kept over 6h"
    )


@pytest.mark.parametrize(("objective", "count"), [(0.83, 1), (0.84, 0)])
def test_a_factor_of_six_is_out_of_reach_below_five_sixths(objective: float, count: int) -> None:
    assert len(warnings(objective, timedelta(hours=1))) == count


@pytest.mark.parametrize(("limit", "count"), [(timedelta(hours=4), 0), (timedelta(hours=5), 1)])
def test_beyond_four_hours_no_burn_alert_can_fire_within_hours(
    limit: timedelta, count: int
) -> None:
    assert len(warnings(0.95, limit)) == count


def test_a_day_of_business_is_left_to_tickets_and_to_what_warns_before() -> None:
    (warning,) = warnings(0.85, timedelta(hours=8))

    assert warning == (
        "channels.chat.promise.band: misses of 8h are known only so long after their cause, so no "
        "burn alert fires within hours; ContactPromiseBurnTicket does over 1d, and "
        "ContactBreachImminent and ContactAtRiskBacklog warn before"
    )


def test_more_than_a_day_and_a_half_of_window_takes_three_days() -> None:
    (warning,) = warnings(0.85, timedelta(hours=24))

    assert "ContactPromiseBurnTicket does over 3d" in warning


def test_beyond_two_days_there_is_no_burn_alert_at_all() -> None:
    (warning,) = warnings(0.85, timedelta(hours=49))

    assert "no burn alert fires within hours or days;" in warning
    assert "Ticket" not in warning


@pytest.mark.parametrize("objective", [0.01, 0.5, 0.8, 0.85, 0.9, 0.95, 0.999])
def test_every_tier_can_be_reached_and_none_fires_while_the_objective_is_held(
    objective: float,
) -> None:
    for tier in TIERS:
        assert 1 - objective < tier.broken_limit(objective) < 1


def test_windows_are_longer_than_the_limits_they_watch() -> None:
    assert all(tier.window >= 1.5 * tier.longest_limit for tier in TIERS)
