"""What the wall's columns answer: the right word, and a row for the same channels in each."""

from pathlib import Path
from typing import Final

import pytest

from firstreply.words import Standing
from tests.dashboards.floor import CLOCK, NOW, OBJECTIVES, Floor, expect_columns

OK, SOON, LATE, CLOSED, NO_DATA = range(len(Standing))
NONE: Final = {"verdict": "none"}
PROMISED: Final = {
    "phone": (0.8, {"band": "20s"}),
    "chat": (0.9, {"band": "10m"}),
    "email": (0.85, {"band": "8h"}),
}
HEADINGS: Final = ("Waiting", "Late", "Oldest wait", "Next miss in", "Index")
BUSY: Final = Floor(
    closed=frozenset({"email"}),
    waiting={
        ("phone", "within"): 3,
        ("phone", "at_risk"): 1,
        ("phone", "overdue"): 2,
        ("chat", "within"): 0,
        ("chat", "at_risk"): 1,
        ("email", "far_overdue"): 4,
        ("other", "within"): 1,
        ("sms", "within"): 0,
    },
    figures={
        'channel_queue:contact_oldest_waiting:age_seconds{channel="phone",queue="none"}': 31,
        'contact_next_deadline_timestamp_seconds{channel="phone",queue="none",band="20s"}': CLOCK
        + 7,
        'channel_band:contact_promise_kept:ratio30m{channel="phone",band="20s"}': 0.79,
        'channel_band:contact_promise_kept:ratio30m{channel="chat",band="10m"}': 0.9,
        'channel:contact_expectation_index:ratio1d{channel="phone"}': 0.71,
    },
)
"""Phone is late, chat is soon, e-mail is closed; ``other`` promises nothing, but somebody waits."""


def everywhere(value: float, *more: str) -> dict[str, float]:
    return dict.fromkeys((*OBJECTIVES, *more), value)


def test_the_worst_that_is_true_is_what_a_channel_is_called(promtool: Path, tmp_path: Path) -> None:
    expect_columns(
        promtool,
        tmp_path,
        BUSY,
        {"Channel": {"phone": LATE, "chat": SOON, "email": CLOSED, "other": OK}},
    )


def test_every_column_has_the_same_channels(promtool: Path, tmp_path: Path) -> None:
    expect_columns(
        promtool,
        tmp_path,
        BUSY,
        {
            "Waiting": {"phone": 6, "chat": 1, "email": 4, "other": 1},
            "Late": {"phone": 2, "chat": 0, "email": 4, "other": 0},
            "Oldest wait": {**everywhere(-1, "other"), "phone": 31},
            "Next miss in": {**everywhere(-1, "other"), "phone": 7},
            "Kept": {
                "phone": (0.79, {"verdict": "below"}),
                "chat": (0.9, {"verdict": "kept"}),
                "email": (-1, NONE),
                "other": (-1, NONE),
            },
            "Promised": {**PROMISED, "other": (-1, {"band": "none"})},
            "Index": {**everywhere(-1, "other"), "phone": 0.71},
        },
    )


def test_figures_that_are_not_of_now_are_dashes_and_every_channel_says_no_data(
    promtool: Path, tmp_path: Path
) -> None:
    unsteady = Floor(steady=0, closed=BUSY.closed, waiting=BUSY.waiting, figures=BUSY.figures)

    expect_columns(
        promtool,
        tmp_path,
        unsteady,
        {
            "Channel": everywhere(NO_DATA, "other"),
            **{heading: everywhere(-1, "other") for heading in HEADINGS},
            "Promised": {**PROMISED, "other": (-1, {"band": "none"})},
        },
    )


def test_channels_with_a_promise_say_no_data_for_an_hour_after_the_last_scrape(
    promtool: Path, tmp_path: Path
) -> None:
    gone = Floor(steady=0, heard=NOW - 59, waiting=BUSY.waiting, figures=BUSY.figures)

    expect_columns(
        promtool,
        tmp_path,
        gone,
        {
            "Channel": everywhere(NO_DATA),
            **{heading: everywhere(-1) for heading in HEADINGS},
            "Promised": PROMISED,
        },
    )


def test_after_that_the_wall_is_empty_and_says_so_in_its_own_words(
    promtool: Path, tmp_path: Path
) -> None:
    long_gone = Floor(steady=0, heard=NOW - 61, waiting=BUSY.waiting)

    expect_columns(promtool, tmp_path, long_gone, {"Channel": {}, "Waiting": {}, "Kept": {}})


def test_a_channel_without_a_promise_stays_for_a_day_after_its_last_customer(
    promtool: Path, tmp_path: Path
) -> None:
    seen = Floor(figures={'channel:contact_received:increase1h{channel="sms"}': 1})

    expect_columns(
        promtool,
        tmp_path,
        seen,
        {"Channel": everywhere(OK, "sms"), "Waiting": everywhere(-1, "sms")},
    )


def test_a_deadline_that_has_passed_counts_down_to_nothing(promtool: Path, tmp_path: Path) -> None:
    name = 'contact_next_deadline_timestamp_seconds{channel="phone",queue="none",band="20s"}'

    expect_columns(
        promtool,
        tmp_path,
        Floor(figures={name: CLOCK - 3}),
        {"Next miss in": {**everywhere(-1), "phone": 0}},
    )


@pytest.mark.parametrize("state", ["overdue", "far_overdue"])
def test_late_is_late_however_much(promtool: Path, tmp_path: Path, state: str) -> None:
    expect_columns(
        promtool,
        tmp_path,
        Floor(waiting={("chat", state): 1, ("chat", "at_risk"): 1}),
        {"Channel": {**everywhere(OK), "chat": LATE}},
    )
