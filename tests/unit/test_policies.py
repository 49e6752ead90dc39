from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from firstreply.calendars import (
    HOLIDAY_YEARS,
    build_calendar,
    countries,
    country_holidays,
    subdivisions,
)
from firstreply.config.builtin import ALIASES
from firstreply.config.calendar_settings import HolidaySettings
from firstreply.config.load import load_settings
from firstreply.domain.bands import Band, Clock, ClockStart, Promise
from firstreply.domain.calendar import Calendar
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.policies import policy_book

CONFIG = Path(__file__).parents[1] / "config"

TEN_MINUTES = Band("10m", 10 * MINUTE, weight=0.166)
ONE_HOUR = Band("1h", HOUR, weight=0.131)
EIGHT_HOURS = Band("8h", 8 * HOUR, Clock.BUSINESS, 0.292)
ONE_DAY = Band("24h", DAY, weight=0.411)
FOUR = (TEN_MINUTES, ONE_HOUR, EIGHT_HOURS, ONE_DAY)


def book_of(tmp_path: Path, text: str) -> PolicyBook:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return policy_book(load_settings(path, {}))


@pytest.fixture(scope="module")
def example() -> PolicyBook:
    return policy_book(load_settings(CONFIG / "valid_example.yaml", {}))


def test_the_example_of_the_design_gives_email_its_default_bands_and_promise(
    example: PolicyBook,
) -> None:
    email = example.policies["email"]

    assert email.bands == FOUR
    assert email.promise == Promise("8h", 0.85)
    assert email.clock_start is ClockStart.OPENED
    assert email.short_abandon == 0
    assert email.abandoned_counts
    assert email.give_up_after == 30 * DAY
    assert email.settle_for == 72 * HOUR
    assert email.clock_skew == 2 * SECOND
    assert email.excluded_reasons == {
        *("spam", "duplicate", "merged", "test", "outbound", "self_service", "no_reply_needed"),
    }
    assert example.queues["email"] == ("billing", "support")


def test_the_example_of_the_design_gives_chat_its_own_clock_for_one_band(
    example: PolicyBook,
) -> None:
    chat = example.policies["chat"]

    own = Band("10m", 10 * MINUTE, Clock.BUSINESS, 0.166)
    assert chat.bands == (own, ONE_HOUR, EIGHT_HOURS, ONE_DAY)
    assert chat.promise == Promise("10m", 0.9)
    assert chat.calendar is example.policies["email"].calendar


def test_the_example_of_the_design_gives_phone_a_band_of_its_own_with_weight_0(
    example: PolicyBook,
) -> None:
    phone = example.policies["phone"]

    assert phone.bands == (Band("20s", 20 * SECOND), *FOUR)
    assert phone.promise == Promise("20s", 0.8)
    assert phone.calendar is None
    assert phone.clock_start is ClockStart.QUEUED
    assert phone.short_abandon == 5 * SECOND


def test_channels_the_example_does_not_name_are_the_built_in_ones(example: PolicyBook) -> None:
    assert set(example.policies) == set(ALIASES)
    for name in set(ALIASES) - {"email", "chat", "phone"}:
        assert example.policies[name].bands == FOUR
        assert example.policies[name].promise is None
        assert example.policies[name].calendar is None
        assert example.policies[name].short_abandon == (5 * SECOND if name == "video" else 0)


def test_the_calendar_of_the_example_is_the_one_written_by_hand(example: PolicyBook) -> None:
    days = ("mon", "tue", "wed", "thu")
    by_hand = Calendar.from_weekly(
        timezone="Europe/Paris",
        weekly={
            **{day: [("09:00", "12:30"), ("13:30", "18:00")] for day in days},
            "fri": [("09:00", "17:00")],
        },
        holidays=country_holidays("FR", "57").dates,
        exceptions={date(2026, 12, 24): [("09:00", "12:00")], date(2026, 12, 31): []},
    )

    calendar = example.policies["email"].calendar

    assert calendar is not None
    assert calendar.digest == by_hand.digest


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-04-02T07:00:00", True),  # Thursday, 09:00 in Paris
        ("2026-04-02T10:30:00", False),  # noon break
        ("2026-04-03T10:00:00", False),  # Good Friday: a holiday in Moselle, not in all of France
        ("2026-12-24T10:59:59", True),  # exception: until 12:00
        ("2026-12-24T11:00:00", False),
        ("2026-12-31T10:00:00", False),  # exception: closed
    ],
)
def test_the_calendar_of_the_example_opens_as_its_holidays_and_exceptions_say(
    example: PolicyBook, moment: str, *, is_open: bool
) -> None:
    calendar = example.policies["email"].calendar

    assert calendar is not None
    assert calendar.is_open(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is is_open


def test_names_of_channels_are_found_by_alias_in_any_case(example: PolicyBook) -> None:
    assert example.channel("courriel") == ("email", True)
    assert example.channel("Clavardage") == ("chat", True)
    assert example.channel("TÉLÉPHONE") == ("phone", True)
    assert example.channel("facebook") == ("social", True)
    assert example.channel("pigeon") == ("other", False)


def test_a_channel_written_with_capitals_is_found_in_any_case(tmp_path: Path) -> None:
    book = book_of(tmp_path, "channels: {Hotline: {aliases: [Infoline]}}")

    for raw in ("Hotline", "hotline", "HOTLINE", "Infoline", "infoline"):
        assert book.channel(raw) == ("Hotline", True)


def test_a_promise_in_another_spelling_gets_the_name_of_its_band(tmp_path: Path) -> None:
    book = book_of(tmp_path, "channels: {chat: {promise: {band: 60m, objective: 0.9}}}")

    chat = book.policies["chat"]
    assert chat.promise == Promise("1h", 0.9)
    assert chat.promise_band() == ONE_HOUR


def test_never_and_ignored_reach_the_policy(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        "{give_up_after: never, settle_for: never, clock_skew: 250ms, "
        "channels: {chat: {abandoned: ignored}}}",
    )

    chat = book.policies["chat"]
    assert chat.give_up_after is None
    assert chat.settle_for is None
    assert chat.clock_skew == 250_000
    assert not chat.abandoned_counts
    assert book.policies["email"].abandoned_counts


def test_equal_files_give_equal_digests_and_a_change_of_one_channel_changes_its_own_alone(
    tmp_path: Path,
) -> None:
    text = (CONFIG / "valid_example.yaml").read_text(encoding="utf-8")

    before, same = book_of(tmp_path, text).digests, book_of(tmp_path, f"{text}\n# more").digests
    after = book_of(tmp_path, text.replace("objective: 0.85", "objective: 0.86")).digests

    assert before == same
    assert {name for name in before if before[name] != after[name]} == {"email"}


def test_the_spelling_of_days_and_durations_does_not_change_a_calendar(tmp_path: Path) -> None:
    one = "{timezone: UTC, weekly: {mon-wed: ['09:00-17:00'], thu-fri: ['09:00-17:00'], sat: []}}"
    other = "{timezone: UTC, weekly: {'thu,fri,mon-wed': ['09:00-17:00']}}"

    digests = [
        book_of(tmp_path, f"calendars: {{a: {text}}}\nchannels: {{email: {{calendar: a}}}}").digests
        for text in (one, other)
    ]

    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("country", "part", "day", "is_holiday"),
    [
        ("FR", None, date(2026, 4, 3), False),
        ("FR", "57", date(2026, 4, 3), True),
        ("FR", "57", date(2026, 12, 26), True),
        ("US", None, date(2026, 7, 3), True),  # the 4th is a Saturday: observed on Friday
        ("FR", None, date(1970, 1, 1), True),
        ("FR", None, date(2100, 12, 25), True),
    ],
)
def test_public_holidays_are_those_of_the_country_and_its_part(
    country: str, part: str | None, day: date, *, is_holiday: bool
) -> None:
    assert (day in country_holidays(country, part).dates) is is_holiday


def test_holidays_span_the_years_an_event_may_have() -> None:
    dates = country_holidays("FR", None).dates

    assert (
        (min(dates).year, max(dates).year) == (HOLIDAY_YEARS[0], HOLIDAY_YEARS[-1]) == (1970, 2100)
    )


def test_every_known_country_and_part_can_be_resolved() -> None:
    for country in countries():
        assert all(subdivisions(country)), country

    assert {"57", "6AE"} <= set(subdivisions("FR"))
    assert len(countries()) > 200


def test_single_and_annual_holidays_join_those_of_the_country(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        "channels: {email: {calendar: a}}\n"
        "calendars:\n"
        "  a:\n"
        "    timezone: UTC\n"
        "    weekly: {daily: ['00:00-24:00']}\n"
        "    holidays: {country: FR, dates: [2026-05-15], annual: ['12-24']}\n",
    )

    calendar = book.policies["email"].calendar

    assert calendar is not None
    for day in (date(2026, 5, 14), date(2026, 5, 15), date(2026, 12, 24), date(2031, 12, 24)):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        assert not calendar.is_open(noon), day
    assert calendar.is_open(datetime(2026, 5, 16, 12, tzinfo=UTC))


def test_a_calendar_is_compiled_once_for_equal_settings() -> None:
    settings = load_settings(CONFIG / "valid_example.yaml", {})
    again = load_settings(CONFIG / "valid_example.yaml", {})

    assert build_calendar(settings.calendars["office"]) is build_calendar(again.calendars["office"])
    assert settings.calendars["office"].holidays == HolidaySettings(country="FR", subdivision="57")
    assert settings.grace == timedelta(seconds=5)
