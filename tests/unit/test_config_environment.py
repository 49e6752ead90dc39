from pathlib import Path

import pytest

from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError
from firstreply.durations import parse_duration


def mistakes(env: dict[str, str], path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(path, env)
    return str(refused.value).split("\n")


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("kafka: {topic: from-file, group: from-file}\n", encoding="utf-8")

    settings = load_settings(path, {"FIRSTREPLY_KAFKA__TOPIC": "from-env"})

    assert settings.kafka.topic == "from-env"
    assert settings.kafka.group == "from-file"
    assert settings.kafka.bootstrap_servers == "localhost:9092"


def test_a_scalar_is_taken_as_it_is_and_a_list_or_mapping_read_as_yaml() -> None:
    settings = load_settings(
        None,
        {
            "FIRSTREPLY_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "FIRSTREPLY_KAFKA__SASL_MECHANISM": "PLAIN",
            "FIRSTREPLY_KAFKA__SASL_USERNAME": "no",
            "FIRSTREPLY_KAFKA__SASL_PASSWORD": "[a: #b",
            "FIRSTREPLY_EXCLUDED_REASONS": "[spam, 'no']",
            "FIRSTREPLY_CHANNELS__CHAT": '{"promise": {"band": "10m", "objective": 0.9}}',
            "FIRSTREPLY_GIVE_UP_AFTER": "never",
        },
    )

    assert settings.kafka.password() == "[a: #b"
    assert settings.kafka.sasl_username == "no"
    assert settings.excluded_reasons == ("spam", "no")
    promise = settings.channels["chat"].promise
    assert promise is not None
    assert promise.objective == 0.9
    assert settings.give_up_after is None


def test_a_variable_changes_one_band_and_leaves_the_other_default_ones() -> None:
    settings = load_settings(None, {"FIRSTREPLY_BANDS__10M__WEIGHT": "0.5"})

    weights = {band.name: band.weight for band in settings.bands_of("email")}
    assert weights == {"10m": 0.5, "1h": 0.131, "8h": 0.292, "24h": 0.411}


def test_a_variable_finds_a_name_of_the_file_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("channels: {Hotline: {voice: true}}\n", encoding="utf-8")

    settings = load_settings(path, {"FIRSTREPLY_CHANNELS__HOTLINE__SHORT_ABANDON": "9s"})

    assert settings.short_abandon_of("Hotline") == parse_duration("9s")
    assert "hotline" not in settings.channels


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("FIRSTREPLY_HTTP__PORT", "x", 'http.port: "x" is not a whole number; write digits only'),
        ("FIRSTREPLY_LOG__LEVEL", "warn", 'log.level: "warn" is not known; did you mean "warning"'),
        ("FIRSTREPLY_KAFAK__TOPIC", "x", 'kafak.topic: no such setting: "KAFAK"; did you mean "KA'),
        ("FIRSTREPLY_KAFKA__TOPC", "x", 'kafka.topc: no such setting: "TOPC"; did you mean "TOP'),
        (
            "FIRSTREPLY_KAFKA__TOPIC__X",
            "x",
            'kafka.topic.x: no such setting: "X"; known here: none',
        ),
        ("FIRSTREPLY_GRCE", "5s", 'grce: no such setting: "GRCE"; did you mean "GRACE"?'),
        ("FIRSTREPLY_HTPP__PORT", "1", 'htpp.port: no such setting: "HTPP"; did you mean "HTTP"?'),
        ("FIRSTREPLY_EXCLUDED_REASONS", "spam", "excluded_reasons: needs a list, such as"),
        ("FIRSTREPLY_EXCLUDED_REASONS", "[spam", "excluded_reasons: not valid YAML: "),
        ("FIRSTREPLY_EXCLUDED_REASONS", "[no]", "excluded_reasons[0]: boolean-looking reason name"),
        ("FIRSTREPLY_CHANNELS", "{a: {}, a: {}}", "channels.a: is given twice"),
        ("FIRSTREPLY_CHANNELS", "{no: {}}", "channels.no: boolean-looking channel name no"),
        (
            "FIRSTREPLY_CHANNELS__CHAT__PROMISE__BAND",
            "10m",
            "channels.chat.promise.objective: is mis",
        ),
    ],
)
def test_a_wrong_variable_is_named_in_place_of_a_file_and_line(
    name: str, value: str, message: str
) -> None:
    (line,) = mistakes({name: value})

    assert line.startswith(f"{name}: {message}")


def test_mistakes_of_the_file_come_before_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("zoo.yaml").write_text("grace: 5\nlanguage: de\n", encoding="utf-8")

    lines = mistakes({"FIRSTREPLY_LOG__LEVEL": "x", "FIRSTREPLY_GRCE": "x"}, Path("zoo.yaml"))

    places = [line.split(": ")[0] for line in lines]
    assert places == ["zoo.yaml:1:8", "zoo.yaml:2:11", "FIRSTREPLY_GRCE", "FIRSTREPLY_LOG__LEVEL"]


def test_a_variable_in_place_of_a_wrong_value_of_the_file_puts_it_right(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("grace: 5\nchannels: {email: {aliases: [no]}}\n", encoding="utf-8")
    env = {"FIRSTREPLY_GRACE": "6s", "FIRSTREPLY_CHANNELS__EMAIL__ALIASES": "[mel]"}

    settings = load_settings(path, env)

    assert settings.grace == parse_duration("6s")
    assert settings.channels["email"].aliases[0] == "mel"


def test_a_mistake_inside_a_variable_is_not_placed_where_the_file_had_the_value(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("channels: {email: {queues: [one, two]}}\n", encoding="utf-8")

    (line,) = mistakes({"FIRSTREPLY_CHANNELS__EMAIL__QUEUES": "[one, one]"}, path)

    assert line.startswith("FIRSTREPLY_CHANNELS__EMAIL__QUEUES: channels.email.queues[1]: ")


def test_a_variable_below_a_wrong_value_of_the_file_does_not_hide_it(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("kafka: contact-events\n", encoding="utf-8")

    (line,) = mistakes({"FIRSTREPLY_KAFKA__TOPIC": "x"}, path)

    assert line.endswith("config.yaml:1:8: kafka: needs keys and values, such as {key: value}")


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "KAFKA__TOPIC",
        "FIRSTREPLY_CONFIG",
        "FIRSTREPLY_SERVICE_HOST",
        "FIRSTREPLY_SERVICE_PORT",
        "FIRSTREPLY_SERVICE_PORT_METRICS",
        "FIRSTREPLY_PORT",
        "FIRSTREPLY_PORT_9464_TCP_ADDR",
        "FIRSTREPLY_METRICS_PORT_9464_TCP",
    ],
)
def test_what_kubernetes_or_the_command_line_puts_there_is_no_setting(name: str) -> None:
    settings = load_settings(None, {name: "tcp://10.0.0.1:9464"})

    assert settings == load_settings(None, {})


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load_settings(None, {"FIRSTREPLY_GRACE": ""}) == load_settings(None, {})
