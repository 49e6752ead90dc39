"""The figures of a replay: identities, percentiles, the expectation index, the JSON."""

import json
from fractions import Fraction
from itertools import permutations

import pytest

from firstreply.domain.bands import Policy
from firstreply.domain.events import Actor
from firstreply.domain.instants import SECOND
from firstreply.report import EventCounts, Json, Report, percentile_seconds
from tests.unit.domain.builders import (
    PHONE,
    Desk,
    abandoned,
    band,
    closed,
    excluded,
    opened,
    outbound,
    policy,
    responded,
)

NO_LATENCY: dict[str, Json] = {"median": None, "p90": None, "max": None}


def report_of(desk: Desk, events: EventCounts | None = None) -> dict[str, Json]:
    report = Report()
    for contact in desk.engine.contacts():
        report.add(contact, desk.engine.policies)
    return report.as_json(events or EventCounts())


def figures_of(desk: Desk, channel: str | None = None) -> dict[str, Json]:
    """Return the figures of a channel, or of all."""
    report = report_of(desk)
    channels, everything = report["channels"], report["all"]
    assert isinstance(channels, dict)
    figures = everything if channel is None else channels[channel]
    assert isinstance(figures, dict)
    return figures


def test_every_figure_of_a_channel_is_counted_where_it_belongs() -> None:
    desk = Desk(policy("chat", (band("10m"), band("1h", weight=3)), give_up_after=5000))
    desk.receive(opened(0, "quick"), responded(60, "quick"))
    desk.receive(opened(0, "slow"), responded(1, "slow", actor=Actor.BOT), responded(700, "slow"))
    desk.receive(opened(0, "late"), abandoned(100, "late"), responded(200, "late"))
    desk.receive(opened(0, "left"), abandoned(100, "left"))
    desk.receive(opened(0, "dropped"), closed(100, "dropped"))
    desk.receive(opened(0, "spam"), excluded(1, "spam"))
    desk.receive(opened(0, "forlorn"), opened(4000, "waits"))

    desk.finish(5000)

    assert figures_of(desk, "chat") == {
        "received": 8,
        "contacts": 7,
        "excluded": 1,
        "answered": 3,
        "never_answered": 4,
        "waiting": 1,
        "abandoned": 1,
        "closed_unanswered": 1,
        "given_up": 1,
        "acknowledged": 1,
        "within": {"10m": 1, "1h": 2},
        "missed": {"10m": 4, "1h": 2},
        "abandoned_in": {"10m": 2, "1h": 2},
        "undecided": {"10m": 0, "1h": 1},
        "first_response_seconds": {"median": 200.0, "p90": 600.0, "max": 700.0},
        # 10m: 1 of 7; 1h: 2 of 6; (1 x 1/7 + 3 x 1/3) / 4 = 2/7
        "expectation_index": 0.285714,
    }


def test_all_sums_the_channels_each_band_over_the_channels_that_have_it() -> None:
    desk = Desk(policy("email", (band("1h"),)), policy("chat", (band("10m"), band("1h"))))
    desk.receive(opened(0, "a"), responded(10, "a"))
    desk.receive(opened(0, "b", channel="email"), responded(20, "b"))
    desk.receive(opened(0, "c", channel="email"))

    everything = figures_of(desk)

    assert everything["received"] == 3
    assert everything["within"] == {"10m": 1, "1h": 2}
    assert everything["undecided"] == {"10m": 0, "1h": 1}
    assert everything["first_response_seconds"] == {"median": 15.0, "p90": 19.0, "max": 20.0}


def test_channels_without_contacts_are_left_out_and_the_others_are_sorted() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, "b", channel="email"), opened(0, "a"), outbound(0, "c"))
    desk.receive(opened(0, "d", channel="phone"), closed(1, "d"))

    channels = report_of(desk)["channels"]
    assert isinstance(channels, dict)
    assert list(channels) == ["chat", "email"]


def test_an_empty_replay_has_figures_of_nothing() -> None:
    report = report_of(Desk())

    assert report["channels"] == {}
    assert report["all"] == {
        "received": 0,
        "contacts": 0,
        "excluded": 0,
        "answered": 0,
        "never_answered": 0,
        "waiting": 0,
        "abandoned": 0,
        "closed_unanswered": 0,
        "given_up": 0,
        "acknowledged": 0,
        "within": {},
        "missed": {},
        "abandoned_in": {},
        "undecided": {},
        "first_response_seconds": NO_LATENCY,
        "expectation_index": None,
    }
    assert report["events"] == {
        "read": 0,
        "rejected": {},
        "duplicate": 0,
        "late": 0,
        "unmatched": 0,
    }


def test_a_channel_whose_contacts_are_all_excluded_still_names_its_bands() -> None:
    desk = Desk()

    desk.receive(opened(0), excluded(1))

    figures = figures_of(desk, "chat")
    assert (figures["received"], figures["contacts"]) == (1, 0)
    assert figures["within"] == {"10m": 0, "1h": 0}
    assert figures["expectation_index"] is None


def test_bands_are_ordered_by_their_limit_and_not_by_name() -> None:
    desk = Desk(policy("chat", (band("20s"), band("1h"), band("24h"))), PHONE)

    desk.receive(opened(0, "a"), opened(0, "b", channel="phone"), responded(1, "b"))

    within = figures_of(desk)["within"]
    assert isinstance(within, dict)
    assert list(within) == ["20s", "10m", "1h", "24h"]


def test_events_are_told_as_they_were_counted_with_reasons_in_order() -> None:
    events = EventCounts(
        read=9, rejected={"oversize": 1, "bad_time": 2}, duplicate=3, late=4, unmatched=5
    )

    told = report_of(Desk(), events)["events"]

    assert json.dumps(told) == (
        '{"read": 9, "rejected": {"bad_time": 2, "oversize": 1},'
        ' "duplicate": 3, "late": 4, "unmatched": 5}'
    )


def test_the_same_contacts_in_any_order_give_the_same_bytes() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, "a"), responded(0.0015, "a"), opened(0, "b"), responded(0.1, "b"))
    desk.receive(opened(0, "c", channel="phone"), responded(9, "c"))
    contacts = list(desk.engine.contacts())

    told = set()
    for order in permutations(contacts):
        report = Report()
        for contact in order:
            report.add(contact, desk.engine.policies)
        told.add(json.dumps(report.as_json(EventCounts())))

    assert len(told) == 1


# The expectation index.


def index_of(*policies: Policy) -> Json:
    """Return the index over all of a chat answered in 60 s and an e-mail answered in 700 s."""
    desk = Desk(*policies)
    desk.receive(opened(0, "chat"), responded(60, "chat"))
    desk.receive(opened(0, "email", channel="email"), responded(700, "email"))
    return figures_of(desk)["expectation_index"]


def test_the_index_weighs_the_share_met_of_each_band() -> None:
    bands = (band("10m", weight=0.166), band("1h", weight=0.131))

    # 10m: 1 of 2; 1h: 2 of 2; (0.166 / 2 + 0.131) / 0.297
    assert index_of(policy("chat", bands), policy("email", bands)) == 0.720539


def test_the_index_leaves_out_bands_without_weight_and_without_decisions() -> None:
    bands = (band("10m", weight=0), band("1h", weight=0.5))
    desk = Desk(policy("chat", (*bands, band("24h", weight=10))))
    desk.receive(opened(0), opened(0, "waits"), responded(60))
    desk.finish(3600)

    # 1h: 1 of 2. 24h: the one decided is met, which 10 / 10.5 of the weight says.
    assert index_of(policy("chat", bands), policy("email", bands)) == 1.0
    assert figures_of(desk)["expectation_index"] == round((0.25 + 10) / 10.5, 6)


def test_the_index_weighs_a_band_by_the_mean_weight_of_its_decisions() -> None:
    chat = policy("chat", (band("10m", weight=3),))
    email = policy("email", (band("10m", weight=1),))

    # One band: 3 of the weight 3 + 1 is met.
    assert index_of(chat, email) == 0.75


def test_the_index_is_unknown_while_nothing_is_decided() -> None:
    desk = Desk()

    desk.receive(opened(0))

    assert figures_of(desk)["expectation_index"] is None


def test_the_index_of_ignored_abandonments_alone_is_unknown() -> None:
    desk = Desk(policy("chat", (band("10m"),), abandoned_counts=False))

    desk.receive(opened(0), abandoned(1))

    figures = figures_of(desk)
    assert figures["abandoned_in"] == {"10m": 1}
    assert figures["expectation_index"] is None


# Percentiles.


def test_percentiles_interpolate_linearly() -> None:
    seconds = [1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]

    assert percentile_seconds(seconds, Fraction(1, 2)) == 3.0
    assert percentile_seconds(seconds, Fraction(9, 10)) == 6.8
    assert percentile_seconds(seconds, Fraction(1)) == 8.0


@pytest.mark.parametrize("quantile", [Fraction(0), Fraction(1, 2), Fraction(9, 10), Fraction(1)])
def test_every_percentile_of_one_is_that_one(quantile: Fraction) -> None:
    assert percentile_seconds([1_234_567], quantile) == 1.235


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile_seconds([], Fraction(1, 2)) is None


@pytest.mark.parametrize(
    ("microseconds", "seconds"),
    [(499, 0.0), (500, 0.0), (501, 0.001), (1500, 0.002), (2500, 0.002), (2501, 0.003)],
)
def test_seconds_are_rounded_to_three_decimals_half_to_even(
    microseconds: int, seconds: float
) -> None:
    assert percentile_seconds([microseconds], Fraction(1, 2)) == seconds


def test_a_median_between_two_microseconds_is_rounded_exactly() -> None:
    # 1,000.5 and 2,500.5 microseconds: a float of seconds could round either way.
    assert percentile_seconds([1000, 1001], Fraction(1, 2)) == 0.001
    assert percentile_seconds([2500, 2501], Fraction(1, 2)) == 0.003
