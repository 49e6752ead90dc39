"""The tables for the terminal, against golden files that show them as a person sees them.

``UPDATE_GOLDEN=1 pytest tests/unit/adapters/test_terminal.py`` rewrites the files; read the
difference before it is committed.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from firstreply.adapters.terminal import (
    ChannelRow,
    Language,
    PromiseKept,
    State,
    render_live,
    render_report,
    render_to_text,
)

GOLDEN = Path(__file__).parents[2] / "golden"
LANGUAGES: tuple[Language, ...] = ("en", "fr")
URL = "http://127.0.0.1:9108/metrics"
CLOCK = datetime(2026, 3, 2, 12, 15, 7, tzinfo=UTC)

ROWS = [
    ChannelRow(
        "phone",
        waiting=12,
        oldest_wait_seconds=185.9,
        at_risk=3,
        overdue=9,
        next_deadline_seconds=11.0,
        bands={"20s": (2195, 2431), "10m": (2299, 2431), "1h": (2303, 2431), "8h": (2303, 2431)},
        promise=PromiseKept("20s", 0.8, 2195 / 2431),
        received=2566,
        answered=2303,
        abandoned=128,
    ),
    ChannelRow(
        "chat",
        waiting=5,
        oldest_wait_seconds=515,
        at_risk=1,
        next_deadline_seconds=85,
        bands={"10m": (1018, 1133), "1h": (1031, 1133), "8h": (3, 1000), "24h": (1132, 1133)},
        promise=PromiseKept("10m", 0.9, 0.8985),
        received=1602,
        answered=1032,
        abandoned=100,
    ),
    ChannelRow(
        "email",
        waiting=423,
        oldest_wait_seconds=32_700,
        next_deadline_seconds=1_234,
        bands={"10m": (0, 1300), "1h": (1, 1300), "8h": (956, 1100), "24h": (0, 0)},
        promise=PromiseKept("8h", 0.85, 0.85),
        received=1379,
        answered=956,
    ),
    ChannelRow("in_person", received=5, answered=5, bands={"10m": (5, 5), "24h": (5, 5)}),
    ChannelRow("social", received=468, answered=246, bands={"10m": (1, 300)}, is_open=False),
    ChannelRow("web_form", promise=PromiseKept("24h", 0.999, None)),
]

Figures = dict[str, Any]


def figures(contacts: int, answered: int, within: Mapping[str, int], **more: object) -> Figures:
    return {
        "received": contacts + 4,
        "contacts": contacts,
        "excluded": 4,
        "answered": answered,
        "never_answered": contacts - answered,
        "waiting": (contacts - answered) // 2,
        "abandoned": (contacts - answered) // 4,
        "closed_unanswered": (contacts - answered) // 8,
        "given_up": (contacts - answered) // 16,
        "within": within,
        "missed": {band: contacts - met for band, met in within.items()},
        "abandoned_in": dict.fromkeys(within, 0),
        "undecided": dict.fromkeys(within, 0),
        "first_response_seconds": {"median": 247.0, "p90": 33_300.5, "max": 86_400.0},
        "expectation_index": 0.5049,
        **more,
    }


UNANSWERED = {"median": None, "p90": None, "max": None}
REPORT = {
    "channels": {
        "email": figures(1000, 750, {"10m": 4, "1h": 996, "8h": 500, "24h": 1000}),
        "in_person": figures(
            3, 0, {"10m": 0, "1h": 0, "8h": 0, "24h": 0}, first_response_seconds=UNANSWERED
        ),
        "phone": figures(
            123_000, 99_000, {"10m": 61_500, "1h": 98_000, "8h": 99_000, "24h": 99_000, "20s": 50}
        ),
    },
    "all": figures(
        124_003,
        99_750,
        {"10m": 61_504, "1h": 98_996, "8h": 99_500, "24h": 100_000, "20s": 50},
        missed={"10m": 62_499, "1h": 25_007, "8h": 24_503, "24h": 24_003, "20s": 50},
        expectation_index=None,
    ),
    "events": {
        "read": 300_000,
        "rejected": {"not_json": 12, "no_contact_id": 3, "oversize": 0},
        "duplicate": 5,
        "late": 0,
        "unmatched": 1,
    },
}


def assert_golden(name: str, text: str) -> None:
    path = GOLDEN / f"terminal_{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path} is missing; write it with UPDATE_GOLDEN=1"
    assert text == path.read_text(encoding="utf-8"), (
        f"{path} differs; if it should, write it anew with UPDATE_GOLDEN=1"
    )


def live(*rows: ChannelRow, language: Language = "en", clock: datetime | None = CLOCK) -> str:
    return render_to_text(
        render_live(rows, clock=clock, metrics_url=URL, language=language), width=80
    )


def report(changed: Mapping[str, object], language: Language = "en") -> str:
    return render_to_text(render_report({**REPORT, **changed}, language=language))


def row_of(text: str, first: str) -> list[str]:
    (line,) = (line for line in text.splitlines() if line.startswith(f"{first} "))
    return line.split()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_live_view_looks_as_in_its_golden_file(language: Language) -> None:
    assert_golden(f"live_{language}", live(*ROWS, language=language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_looks_as_in_its_golden_file(language: Language) -> None:
    assert_golden(f"report_{language}", report({}, language))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_widest_figures_fit_80_columns_uncut(language: Language) -> None:
    bands = dict.fromkeys(("10m", "1h", "8h", "24h"), (7, 7))
    promise = PromiseKept("10m", 0.999, 1.0)
    widest = ChannelRow("messaging", 9_999_999, 86_400.0 * 99, 1, 0, 86_399.0, bands, promise)
    within = dict.fromkeys(("20s", "60s", "10m", "1h", "8h", "24h"), 9_999_999)
    total = figures(9_999_999, 9_999_999, within, expectation_index=1.0)

    texts = (
        live(widest, language=language),
        report({"channels": {"messaging": total}, "all": total}, language),
    )

    for text in texts:
        assert max(len(line) for line in text.splitlines()) <= 80
        assert "…" not in text
        assert "9999999" in text


def test_a_long_channel_name_goes_on_below_and_cuts_no_figure() -> None:
    name = "a_channel_with_a_name_far_longer_than_the_others_are"

    text = live(ChannelRow(name, 5, 60.0, 1, 0, 60.0, {}, PromiseKept("10m", 0.9, 0.5)))

    parts = [line.split()[0] for line in text.splitlines()[4:7]]
    assert name.startswith("".join(parts[:2]))
    assert "10m 50/90%" in text
    assert "SOON" in text


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (ChannelRow("x"), "no_data"),
        (ChannelRow("x", received=1), "ok"),
        (ChannelRow("x", waiting=1), "ok"),
        (ChannelRow("x", waiting=1, at_risk=1), "soon"),
        (ChannelRow("x", waiting=2, at_risk=1, overdue=1), "late"),
        (ChannelRow("x", received=1, is_open=False), "closed"),
        (ChannelRow("x", is_open=False), "closed"),
        (ChannelRow("x", waiting=1, at_risk=1, is_open=False), "soon"),
        (ChannelRow("x", waiting=1, overdue=1, is_open=False), "late"),
    ],
)
def test_the_state_is_the_worst_thing_that_is_true(row: ChannelRow, state: State) -> None:
    assert row.state == state


def test_the_state_is_a_word_in_every_language_and_colour_only_repeats_it() -> None:
    rows = [
        ChannelRow("a", received=1),
        ChannelRow("b", waiting=1, at_risk=1),
        ChannelRow("c", waiting=1, overdue=1),
        ChannelRow("d", is_open=False),
        ChannelRow("e"),
    ]
    console = Console(force_terminal=True, color_system="standard", width=80)

    english, french = live(*rows), live(*rows, language="fr")
    with console.capture() as captured:
        console.print(render_live(rows, clock=CLOCK, metrics_url=URL))

    assert [row_of(english, name)[-1] for name in "abcde"] == [
        "OK",
        "SOON",
        "LATE",
        "CLOSED",
        "DATA",
    ]
    assert [row_of(french, name)[-1] for name in "abcde"] == [
        "OK",
        "BIENTÔT",
        "RETARD",
        "FERMÉ",
        "VIDE",
    ]
    assert "\x1b[1;31mLATE" in captured.get()
    assert "\x1b" not in english


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3.0, "0s"),
        (0.0, "0s"),
        (59.99, "59s"),
        (60.0, "1m00s"),
        (599.0, "9m59s"),
        (600.0, "10m"),
        (3_599.0, "59m"),
        (3_600.0, "1h00m"),
        (86_399.0, "23h59m"),
        (86_400.0, "1d00h"),
        (86_400.0 * 100 - 1, "99d23h"),
        (86_400.0 * 100, "100d"),
    ],
)
def test_a_duration_is_rounded_down_to_what_fits_six_characters(
    seconds: float | None, text: str
) -> None:
    assert row_of(live(ChannelRow("x", oldest_wait_seconds=seconds)), "x")[2] == text


@pytest.mark.parametrize(
    ("met", "decided", "text"),
    [
        (0, 0, "-"),
        (0, 1000, "0%"),
        (1, 1000, "1%"),
        (999, 1000, "99%"),
        (1000, 1000, "100%"),
        (674, 1000, "67%"),
        (676, 1000, "68%"),
    ],
)
def test_0_and_100_percent_stand_only_for_nothing_and_everything(
    met: int, decided: int, text: str
) -> None:
    assert row_of(live(ChannelRow("x", bands={"10m": (met, decided)})), "x")[4] == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.8999, "89/90%"), (0.9, "90/90%"), (0.29, "29/90%"), (1.0, "100/90%"), (None, "-/90%")],
)
def test_a_promise_that_is_just_broken_does_not_look_kept(share: float | None, text: str) -> None:
    row = ChannelRow("x", promise=PromiseKept("10m", 0.9, share))

    assert f"10m {text}" in live(row)


def test_before_the_first_event_the_clock_is_a_dash() -> None:
    assert live(clock=None).startswith(f"firstreply  simulated -  {URL}\n")


def test_the_totals_are_sums_over_the_channels() -> None:
    text = live(
        ChannelRow("a", waiting=1, at_risk=2, overdue=3, received=4, answered=5, abandoned=6),
        ChannelRow("b", waiting=10, at_risk=20, overdue=30, received=40, answered=50, abandoned=60),
    )

    assert "Received 44, answered 55, gave up 66, waiting 11: at risk 22, overdue" in text


def test_in_the_sum_over_all_a_band_counts_only_the_channels_that_have_it() -> None:
    cells = row_of(report({}), "all")

    assert cells[5:7] == ["50", "50"]


def test_a_band_is_the_share_of_all_its_contacts_the_undecided_included() -> None:
    others = {"missed": {"10m": 1}, "abandoned_in": {"10m": 2}, "undecided": {"10m": 1}}
    total = figures(5, 5, {"10m": 1}, **others)

    text = report({"channels": {"chat": total}, "all": total})

    assert row_of(text, "chat")[5] == "20"


def test_who_waits_still_and_who_is_lost_stand_apart() -> None:
    unanswered = {"waiting": 3, "abandoned": 20, "closed_unanswered": 400, "given_up": 5000}
    total = figures(6000, 577, {"10m": 577}, **unanswered)

    text = report({"channels": {"chat": total}, "all": total})

    assert row_of(text, "Channel")[3:5] == ["Waiting", "Lost"]
    assert row_of(text, "chat")[3:5] == ["3", "5420"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_four_bands_fit_with_millions_of_contacts_and_a_channel_of_any_name(
    language: Language,
) -> None:
    within = dict.fromkeys(("10m", "1h", "8h", "24h"), 1_234_567)
    total = figures(1_234_567, 1_234_567, within, waiting=1_234_567, abandoned=1_234_567)

    text = report({"channels": {"a_channel_of_a_long_name": total}, "all": total}, language)

    assert text.splitlines()[0].split() == ["10m", "1h", "8h", "24h"]
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


def test_of_more_bands_than_fit_the_shortest_are_left_out_and_it_says_so() -> None:
    bands = ("1h30m", "10s", "20s", "60s", "10m", "1h", "8h", "1d")
    total = figures(2, 1, dict.fromkeys(bands, 1))

    text = report({"channels": {"chat": total}, "all": total})

    assert text.splitlines()[0].split() == ["60s", "10m", "1h", "1h30m", "8h", "1d"]
    assert "Shorter bands left out: see --format json." in text


def test_rejected_records_are_named_with_their_reasons_and_otherwise_not_mentioned() -> None:
    clean = {"events": {"read": 5, "rejected": {"not_json": 0}}}

    assert "15 of 300000 records rejected: not_json 12, no_contact_id 3\n" in report({})
    assert "rejected" not in report(clean)


def test_text_is_without_trailing_spaces_and_ends_with_one_newline() -> None:
    text = live(*ROWS)

    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.endswith(".\n")
