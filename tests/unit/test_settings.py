import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.config.describe import describe, settings_hash
from firstreply.config.file import read_document
from firstreply.config.load import load_settings, settings_of
from firstreply.domain.errors import ConfigurationError
from firstreply.durations import parse_duration
from firstreply.policies import policy_book
from firstreply.settings import Settings

CONFIG = Path(__file__).parents[1] / "config"
EXPECT = "# expect: "
ANYTHING = "..."
"""Ends an expected line where what follows depends on the data of the holidays package."""


@pytest.fixture(autouse=True)
def _in_the_folder_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CONFIG)


def loaded(tmp_path: Path, text: str, env: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, env or {})


def mistakes(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        loaded(tmp_path, text)
    return str(refused.value).replace(f"{tmp_path}/", "").split("\n")


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIG.glob("invalid_*.yaml")))
def test_each_invalid_file_is_refused_with_exactly_the_message_beside_it(name: str) -> None:
    lines = Path(name).read_text(encoding="utf-8").split("\n")
    expected = [line.removeprefix(EXPECT) for line in lines if line.startswith(EXPECT)]

    with pytest.raises(ConfigurationError) as refused:
        load_settings(Path(name), {})

    found = str(refused.value).split("\n")
    for line, wanted in zip(found, expected, strict=True):
        if wanted.endswith(ANYTHING):
            assert line.startswith(wanted.removesuffix(ANYTHING))
        else:
            assert line == wanted


def test_each_message_shows_the_place_that_a_person_would_look_at() -> None:
    pattern = re.compile(r"invalid_\w+\.yaml:(\d+):(\d+): (?:([^ ]+): )?")
    for path in sorted(CONFIG.glob("invalid_*.yaml")):
        lines = path.read_text(encoding="utf-8").split("\n")
        for line in lines:
            match = pattern.match(line.removeprefix(EXPECT))
            if not line.startswith(EXPECT) or match is None:
                continue

            row, column = int(match[1]), int(match[2])

            assert not lines[row - 1].startswith("#"), f"{path.name} points at a comment"
            assert len(lines[row - 1]) + 1 >= column, f"{path.name} points beyond the line"


@pytest.mark.parametrize("name", sorted(path.name for path in CONFIG.glob("valid_*.yaml")))
def test_each_valid_file_is_accepted_without_a_warning_but_of_its_alerts(name: str) -> None:
    settings = load_settings(Path(name), {})

    assert [warning for warning in settings.warnings() if ".promise." not in warning] == []


def test_an_objective_that_a_burn_tier_cannot_reach_is_told_with_what_fires_instead() -> None:
    settings = load_settings(Path("valid_example.yaml"), {})

    warnings = "\n".join(settings.warnings())

    assert "channels.phone.promise.objective: at 0.8 a burn rate cannot exceed 5" in warnings
    assert "ContactPromiseBurnFast when less than 10% are kept over 1h" in warnings


def test_without_a_file_the_built_in_channels_and_the_four_bands_hold() -> None:
    settings = load_settings(None, {})

    assert list(settings.channels) == [
        *("phone", "email", "chat", "social", "messaging", "sms"),
        *("app", "web_form", "video", "post", "in_person", "other"),
    ]
    voices = [name for name, channel in settings.channels.items() if channel.voice]
    assert voices == ["phone", "video"]
    for name in settings.channels:
        bands = [(band.name, band.clock, band.weight) for band in settings.bands_of(name)]
        assert bands == [
            ("10m", "elapsed", 0.166),
            ("1h", "elapsed", 0.131),
            ("8h", "business", 0.292),
            ("24h", "elapsed", 0.411),
        ]


def test_a_missing_login_points_at_the_variable_that_makes_it_necessary() -> None:
    variable = "FIRSTREPLY_KAFKA__SECURITY_PROTOCOL"

    with pytest.raises(ConfigurationError) as refused:
        load_settings(None, {variable: "SASL_SSL"})

    first = str(refused.value).split("\n")[0]
    assert first.startswith(f"{variable}: kafka.sasl_mechanism: is needed with ")


@pytest.mark.parametrize(
    ("objective", "hint"),
    [
        ("1", ""),
        ("1.2", ""),
        ("2", "; write 0.02 for 2 %"),
        ("99.9", "; write 0.999 for 99.9 %"),
        ("100", ""),
    ],
)
def test_an_objective_that_looks_like_percent_is_shown_as_a_share(
    objective: str, hint: str, tmp_path: Path
) -> None:
    text = f"channels: {{chat: {{promise: {{band: 10m, objective: {objective}}}}}}}"

    (line,) = mistakes(tmp_path, text)

    assert line.endswith(f"it must be less than 1{hint}")


def test_a_file_with_nothing_in_it_is_the_same_as_no_file() -> None:
    assert load_settings(Path("valid_nothing.yaml"), {}) == load_settings(None, {}) == Settings()


def test_unquoted_values_mean_what_they_say() -> None:
    settings = load_settings(Path("valid_unquoted.yaml"), {})

    nights = settings.calendars["nights"]
    assert settings.kafka.topic == "2026"
    assert describe(settings)["kafka"]["start"] == "2026-11-01T00:00:00Z"  # type: ignore[index]
    assert settings.kafka.max_event_bytes == 512 * 1024
    assert nights.weekly["mon-wed,fri"][:2] == (("22:00", "06:00"), ("12:00", "13:00"))
    assert nights.holidays.country == "NO"
    assert nights.holidays.annual == ("12-24", "02-29")
    assert [day.isoformat() for day in nights.exceptions] == ["2026-12-24"]
    assert settings.channels["hotline"].voice
    assert settings.give_up_after is None
    assert settings.settle_for is None


def test_the_dead_letter_topic_follows_the_topic_unless_given(tmp_path: Path) -> None:
    assert load_settings(None, {}).kafka.dead_letter_topic == "contact-events.dead-letters"
    assert loaded(tmp_path, "kafka: {topic: a}").kafka.dead_letter_topic == "a.dead-letters"
    given = loaded(tmp_path, "kafka: {topic: a, dead_letter_topic: b}")
    assert given.kafka.dead_letter_topic == "b"


def test_a_missing_file_is_an_error_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match=r"^nowhere\.yaml: cannot read .*no such file"):
        load_settings(Path("nowhere.yaml"), {})


def test_a_folder_in_place_of_a_file_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="is a directory; name a readable YAML file"):
        load_settings(CONFIG, {})


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"channels:\n  t\xe9l\xe9phone: {}\n")

    with pytest.raises(ConfigurationError, match=r"is not UTF-8 text \(byte 13\)"):
        load_settings(path, {})


def test_a_control_character_is_an_error_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    assert loaded(tmp_path, "\ufeffgrace: 6s\n").grace == parse_duration("6s")
    (line,) = mistakes(tmp_path, "grace: \x07\n")
    assert line == "config.yaml:1:8: not valid YAML: the character U+0007; remove it"


def test_a_channel_of_the_file_joins_the_built_in_ones_and_overrides_key_by_key(
    tmp_path: Path,
) -> None:
    settings = loaded(tmp_path, "channels: {phone: {short_abandon: 7s}, hotline: {voice: true}}")

    assert settings.channels["phone"].voice
    assert settings.short_abandon_of("phone") == parse_duration("7s")
    assert settings.short_abandon_of("video") == parse_duration("5s")
    assert settings.short_abandon_of("hotline") == parse_duration("5s")
    assert settings.short_abandon_of("email") == parse_duration("0s")
    assert "in_person" in settings.channels


def test_aliases_of_the_file_come_before_the_built_in_ones(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "channels: {email: {aliases: [mel, courriel]}}")

    assert settings.channels["email"].aliases == ("mel", "courriel", "mail", "e-mail")


def test_a_name_given_in_the_file_is_taken_away_from_the_built_in_aliases(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "channels: {Twitter: {}, messaging: {aliases: [Facebook]}}")

    assert settings.channels["social"].aliases == ("social_media", "instagram", "réseaux_sociaux")
    assert settings.channels["messaging"].aliases[0] == "Facebook"


@pytest.mark.parametrize("yes", ["true", "yes", "1", "on"])
def test_channels_only_starts_from_an_empty_list_but_other_always_exists(
    tmp_path: Path, yes: str
) -> None:
    settings = loaded(tmp_path, f"channels_only: {yes}\nchannels: {{web: {{}}}}")

    assert list(settings.channels) == ["web", "other"]
    assert settings.channels["other"].aliases == ()


def test_a_band_of_the_file_replaces_the_default_ones_and_a_band_of_a_channel_joins(
    tmp_path: Path,
) -> None:
    settings = loaded(
        tmp_path,
        "bands: {60m: {weight: 1}, 10m: {}}\n"
        "channels: {chat: {bands: {1h: {clock: business}, 20s: {}}}}",
    )

    chat = [(band.name, str(band.clock), band.weight) for band in settings.bands_of("chat")]
    assert chat == [("20s", "elapsed", 0), ("10m", "elapsed", 0), ("60m", "business", 1)]
    email = [(band.name, str(band.clock), band.weight) for band in settings.bands_of("email")]
    assert email == [("10m", "elapsed", 0), ("60m", "elapsed", 1)]


def test_one_mistake_does_not_hide_another_nor_make_one_up(tmp_path: Path) -> None:
    lines = mistakes(
        tmp_path,
        "channels:\n"
        "  email: {calendar: office, promise: {band: 2h, objective: 0.9}}\n"
        "  chat: {calendar: ofice}\n"
        "bands:\n"
        "  2 h: {}\n"
        "calendars:\n"
        "  office: {timezone: Nowhere, weekly: {mon: []}}\n"
        "kafka: {request_timeout: soon, rebalance_timeout: 40s, topc: x}\n",
    )

    # Not reported, because the first ones may be why: the promise's band, the calendar that never
    # opens, the rebalance timeout.
    assert [line.split(": ")[:2] for line in lines] == [
        ["config.yaml:3:20", "channels.chat.calendar"],
        ["config.yaml:5:3", "bands.2 h"],
        ["config.yaml:7:22", "calendars.office.timezone"],
        ["config.yaml:8:26", "kafka.request_timeout"],
        ["config.yaml:8:56", "kafka.topc"],
    ]


@given(st.data())
def test_whatever_a_file_holds_the_only_outcome_is_settings_or_a_configuration_error(
    data: st.DataObject,
) -> None:
    lines = (CONFIG / "valid_example.yaml").read_text(encoding="utf-8").split("\n")
    words = ["", "no", "{}", "[]", "- x", "10m", "x: 1", "~", "&a", "*a", "<<", "'", "|", "!!int 1"]
    for _ in range(data.draw(st.integers(1, 4))):
        row = data.draw(st.integers(0, len(lines) - 1))
        start = data.draw(st.integers(0, len(lines[row])))
        end = data.draw(st.integers(start, len(lines[row])))
        word = data.draw(st.sampled_from(words) | st.text(max_size=5))
        lines[row] = lines[row][:start] + word + lines[row][end:]
    document = read_document("\n".join(lines), "config.yaml")

    settings, lines = None, []
    try:
        settings = settings_of(document)
    except ConfigurationError as refused:
        lines = str(refused).split("\n")

    assert all(line.startswith("config.yaml") for line in lines)
    assert lines or (settings is not None and policy_book(settings).digests)


def test_a_secret_is_shown_neither_in_the_description_nor_in_an_error(tmp_path: Path) -> None:
    kafka = (
        "kafka: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: me, "
        "sasl_password: hunter2%s}"
    )

    settings = loaded(tmp_path, kafka % "")
    lines = mistakes(tmp_path, kafka % ", sasl_password_file: valid_password.txt, x: 1")

    assert settings.kafka.password() == "hunter2"
    assert "hunter2" not in json.dumps(describe(settings)) + repr(settings) + "".join(lines)


def test_a_password_file_is_read_at_each_question_without_its_line_ends(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("one\n", encoding="utf-8")
    settings = loaded(
        tmp_path,
        "kafka: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: me, "
        f"sasl_password_file: {secret}, ssl_password_file: {secret}}}",
    )

    secret.write_text("two\n", encoding="utf-8")

    assert settings.kafka.password() == settings.kafka.key_password() == "two"
    secret.write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"kafka\.ssl_password_file: .* is empty"):
        settings.kafka.key_password()
    assert load_settings(None, {}).kafka.password() is None
    assert load_settings(None, {}).kafka.key_password() is None


def test_a_password_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff")

    (line,) = mistakes(
        tmp_path,
        "kafka: {security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: me, "
        f"sasl_password_file: {tmp_path}/password}}",
    )

    assert line.endswith("it is not UTF-8 text; name a file that this user can read")


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "give_up_after: 23h",
            "give_up_after: 23h is shorter than the longest band of phone (24h)",
        ),
        ("bands: {1h: {}}", "channels.phone: no band has a weight"),
        (
            "kafka: {state_retention: 95h}",
            "kafka.state_retention: 95h lets the service be down for 71h15m",
        ),
        (
            "calendars: {spare: {timezone: UTC, weekly: {mon: ['09:00-17:00']}}}",
            "calendars.spare: no channel uses it",
        ),
        (
            (
                "bands: {1h: {weight: 1}}\nchannels: {email: {calendar: office}}\n"
                "calendars: {office: {timezone: UTC, weekly: {mon: ['09:00-17:00']}}}"
            ),
            "channels.email.calendar: no band runs on it",
        ),
        (
            (
                "channels: {email: {calendar: office}}\n"
                "calendars: {office: {timezone: Asia/Kolkata, "
                "weekly: {mon: ['09:00-17:00']}, holidays: {country: IN}}}"
            ),
            "calendars.office.holidays.country: Requested Holidays are available only",
        ),
        (
            "short_abandon: 10m",
            "channels.phone.short_abandon: 10m is not shorter than the band 10m",
        ),
        ("kafka: {heartbeat_interval: 7s}", "kafka.heartbeat_interval: 7s is more than a third"),
        (
            (
                "kafka: {security_protocol: SASL_PLAINTEXT, sasl_mechanism: PLAIN, "
                "sasl_username: me, sasl_password: x}"
            ),
            "kafka.security_protocol: SASL_PLAINTEXT encrypts nothing",
        ),
    ],
)
def test_what_is_allowed_but_looks_like_a_mistake_is_a_warning(
    tmp_path: Path, text: str, warning: str
) -> None:
    warnings = loaded(tmp_path, text).warnings()

    assert any(line.startswith(warning) for line in warnings), warnings


@pytest.mark.parametrize("text", ["give_up_after: 24h", "short_abandon: 9m59s999ms"])
def test_what_just_fits_is_no_warning(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).warnings() == []


def test_the_description_shows_the_bands_and_the_short_abandon_each_channel_has() -> None:
    shown = describe(load_settings(Path("valid_example.yaml"), {}))

    channels = shown["channels"]
    assert isinstance(channels, dict)
    assert channels["phone"]["short_abandon"] == "5s"
    assert channels["email"]["short_abandon"] == "0s"
    assert list(channels["phone"]["bands"]) == ["20s", "10m", "1h", "8h", "24h"]
    assert channels["chat"]["bands"]["10m"] == {"clock": "business", "weight": 0.166}
    assert json.loads(json.dumps(shown)) == shown


def test_the_hash_is_that_of_what_is_in_force(tmp_path: Path) -> None:
    defaults = settings_hash(load_settings(None, {}))

    assert re.fullmatch("[0-9a-f]{16}", defaults)
    assert settings_hash(loaded(tmp_path, "grace: 5000ms\nbands:\n")) == defaults
    assert settings_hash(loaded(tmp_path, "grace: 6s")) != defaults
