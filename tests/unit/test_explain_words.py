"""The words of an explanation: complete in each language, exact, and harmless on a terminal."""

import string
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.transitions import Input
from firstreply.explanation.layout import name, paragraph, plain, rows
from firstreply.explanation.messages import MESSAGES
from firstreply.explanation.moments import NBSP, Clockface
from firstreply.words import Language


def clockface(language: Language = Language.EN, zone: str = "UTC") -> Clockface:
    return Clockface(language, zone, datetime(2026, 3, 2, tzinfo=UTC))


def spoken(text: str) -> str:
    return text.replace(NBSP, " ")


def placeholders(message: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(message) if field}


def test_both_languages_have_the_same_messages_with_the_same_placeholders() -> None:
    english, french = MESSAGES[Language.EN], MESSAGES[Language.FR]

    assert set(MESSAGES) == set(Language)
    assert {key: placeholders(text) for key, text in english.items()} == {
        key: placeholders(text) for key, text in french.items()
    }
    assert list(english) == list(french)


def test_every_kind_of_event_has_words() -> None:
    for messages in MESSAGES.values():
        assert {f"what.{kind.name.lower()}" for kind in Input} <= set(messages)


@pytest.mark.parametrize(
    ("seconds", "in_days", "english", "french"),
    [
        (0, False, "0 s", "0 s"),
        (0.000001, False, "0.000001 s", "0,000001 s"),
        (59.5, False, "59.5 s", "59,5 s"),
        (59.999999, False, "59.999999 s", "59,999999 s"),
        (60, False, "1 min", "1 min"),
        (61.999999, False, "1 min 1 s", "1 min 1 s"),
        (4500, False, "1 h 15 min", "1 h 15 min"),
        (3600, False, "1 h", "1 h"),
        (3601, False, "1 h 1 s", "1 h 1 s"),
        (172_799, True, "47 h 59 min 59 s", "47 h 59 min 59 s"),
        (172_800, True, "2 d", "2 j"),
        (172_800, False, "48 h", "48 h"),
        (234_900, True, "2 d 17 h 15 min", "2 j 17 h 15 min"),
        (-90, True, "1 min 30 s", "1 min 30 s"),
        (1e9, True, "11574 d 1 h 46 min 40 s", "11574 j 1 h 46 min 40 s"),
    ],
)
def test_durations_have_parts_of_a_second_below_a_minute(
    seconds: float, english: str, french: str, *, in_days: bool
) -> None:
    told = [spoken(clockface(language).duration(seconds, in_days=in_days)) for language in Language]

    assert told == [english, french]


def test_a_duration_that_is_part_of_a_sum_is_exact() -> None:
    assert spoken(clockface().duration(3600.25, exact=True)) == "1 h 0.25 s"


@pytest.mark.parametrize(
    ("at", "english", "french"),
    [
        ("2026-03-02T09:05+00:00", "Mon 2 Mar 09:05", "le lun. 2 mars à 09:05"),
        ("2026-05-01T09:05:07+00:00", "Fri 1 May 09:05:07", "le ven. 1er mai à 09:05:07"),
        ("2027-01-03T00:00:00.25+00:00", "Sun 3 Jan 2027 00:00:00.25", None),
        ("2027-01-03T00:00:00.25+00:00", None, "le dim. 3 janv. 2027 à 00:00:00,25"),
    ],
)
def test_times_show_what_is_not_zero_and_the_year_where_it_is_another(
    at: str, english: str | None, french: str | None
) -> None:
    moment = datetime.fromisoformat(at)

    assert english in {None, spoken(clockface(Language.EN).said(moment))}
    assert french in {None, spoken(clockface(Language.FR).said(moment))}


def test_times_are_those_of_the_zone() -> None:
    clock = clockface(zone="Asia/Tokyo")

    assert spoken(clock.when(datetime(2026, 3, 2, 16, tzinfo=UTC))) == "Tue 3 Mar 01:00"


@pytest.mark.parametrize(
    ("zone", "start", "end", "change"),
    [
        ("Europe/Paris", (2026, 3, 28), (2026, 3, 30), ("Sun 29 Mar 02:00", "03:00")),
        ("Europe/Paris", (2026, 10, 24), (2026, 10, 26), ("Sun 25 Oct 03:00", "02:00")),
        ("Australia/Lord_Howe", (2026, 10, 3), (2026, 10, 5), ("Sun 4 Oct 02:00", "02:30")),
        ("Europe/Paris", (2026, 3, 2), (2026, 3, 28), None),
        ("Europe/Paris", (2026, 3, 2), (2026, 12, 1), None),
        ("Europe/Paris", (2026, 3, 2), (2026, 9, 1), None),
        ("UTC", (2026, 3, 28), (2026, 3, 30), None),
    ],
)
def test_a_change_of_the_clocks_is_told_for_spans_that_hold_but_one(
    zone: str, start: tuple[int, int, int], end: tuple[int, int, int], change: object
) -> None:
    told = clockface(zone=zone).clock_change(
        datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC)
    )

    assert (told and tuple(map(spoken, told))) == change


def test_the_first_of_a_month_is_1er_in_french() -> None:
    assert spoken(clockface(Language.FR).day(date(2026, 7, 1))) == "mer. 1er juil."


@given(st.text())
def test_a_name_is_printable_and_no_longer_than_a_line(text: str) -> None:
    assert plain(text).isprintable()
    assert name(text).isprintable()
    assert len(name(text)) <= 66


@pytest.mark.parametrize("text", ["", "plain", "évènement", "\N{SNOWMAN}"])
def test_a_harmless_name_stays_as_it_is(text: str) -> None:
    assert name(text) == text


def test_a_name_with_gaps_stands_in_quotes() -> None:
    assert name("back office") == '"back office"'


words = st.text(st.characters(), max_size=200)
ours = st.text("09: anju.", max_size=40)


@given(st.lists(st.tuples(ours, words), min_size=1))
def test_rows_and_paragraphs_never_leave_the_page(cells: list[tuple[str, str]]) -> None:
    shown = [(first, plain(last)) for first, last in cells]

    lines = rows(shown) + paragraph(" ".join(text for _, text in shown), first="12. ", indent=4)

    assert all(len(line) <= 80 for line in lines)


def test_a_row_without_last_cell_is_still_a_row() -> None:
    assert rows([("a", ""), ("bb", "c")]) == ["      a", "      bb  c"]


def test_a_french_sign_goes_with_the_word_before_it() -> None:
    text = f"{'x' * 72} un mot : y"

    assert paragraph(text) == [f"{'x' * 72} un", "mot : y"]
