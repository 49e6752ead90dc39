from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.durations import LONGEST, UNITS, canonical, duration_micros, parse_duration

milliseconds = st.integers(0, LONGEST // timedelta(milliseconds=1))


@given(milliseconds)
def test_the_canonical_text_of_a_duration_reads_back_as_that_duration(amount: int) -> None:
    duration = timedelta(milliseconds=amount)

    text = canonical(duration)

    assert parse_duration(text) == duration


@given(st.lists(st.integers(0, 9), min_size=len(UNITS), max_size=len(UNITS)))
def test_equal_durations_have_one_canonical_text_however_they_are_spelt(amounts: list[int]) -> None:
    spelt = "".join(f"{n}{unit}" for n, unit in zip(amounts, UNITS, strict=True))
    other = f"{sum(n * (u // UNITS['ms']) for n, u in zip(amounts, UNITS.values(), strict=True))}ms"

    duration = sum(
        (n * unit for n, unit in zip(amounts, UNITS.values(), strict=True)), timedelta(0)
    )

    assert parse_duration(spelt) == duration
    assert canonical(parse_duration(spelt)) == canonical(timedelta(milliseconds=int(other[:-2])))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", "0s"),
        ("0s", "0s"),
        ("60m", "1h"),
        ("1h", "1h"),
        ("60s", "1m"),
        ("90m", "1h30m"),
        ("24h", "24h"),
        ("1d", "24h"),
        ("72h", "72h"),
        ("1500ms", "1s500ms"),
        ("6d23h59m59s999ms", "167h59m59s999ms"),
        ("168h", "7d"),
        ("1w", "7d"),
        ("30d", "30d"),
        ("1y", "365d"),
    ],
)
def test_a_duration_has_one_canonical_text_with_days_from_a_week_on(
    text: str, expected: str
) -> None:
    assert canonical(parse_duration(text)) == expected


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "write whole numbers with units"),
        ("10", 'it has no unit: did you mean "10s" or "10m"?'),
        ("10 minutes", 'did you mean "10m"?'),
        ("1 hour and 30 min", 'did you mean "1h30m"?'),
        ("PT10M", 'did you mean "10m"?'),
        ("P1DT2H", 'did you mean "1d2h"?'),
        ("10M", 'did you mean "10m"?'),
        ("1.5h", "write whole numbers with units"),
        ("-5s", "write whole numbers with units"),
        ("30m1h", "write whole numbers with units"),
        ("5 apples", "write whole numbers with units"),
        ("10m\n", 'did you mean "10m"?'),
        ("\u0661\u0660m", "write whole numbers with units"),
        ("100y1ms", "the longest duration is 100y"),
        ("1234567890s", "write whole numbers with units"),
    ],
)
def test_what_is_not_a_duration_is_refused_with_the_text_and_a_remedy(text: str, hint: str) -> None:
    with pytest.raises(ValueError, match="duration") as refused:
        parse_duration(text)

    assert hint in str(refused.value)
    assert f'"{text}"' in str(refused.value)


@pytest.mark.parametrize("duration", [timedelta(milliseconds=-1), timedelta(microseconds=1)])
def test_a_duration_that_no_text_can_say_has_no_canonical_text(duration: timedelta) -> None:
    with pytest.raises(ValueError, match="not a whole, positive number of milliseconds"):
        canonical(duration)


def test_the_longest_duration_is_allowed() -> None:
    assert parse_duration("100y") == LONGEST


def test_the_domain_gets_exact_microseconds() -> None:
    assert duration_micros(parse_duration("1h30m250ms")) == 5_400_250_000
