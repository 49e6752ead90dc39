"""``firstreply init``: the file it writes is usable, as it is and with any line put in force."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstreply.config.describe import describe
from firstreply.config.file import read_document
from firstreply.config.load import load_settings, settings_of
from firstreply.config.reference import schema_text
from firstreply.config.schema import json_schema, mapping
from firstreply.config.template import template_text, zones_of
from firstreply.settings import Settings
from tests.shared import ROOT
from tests.unit.commands import invoke

CHANNELS = ["email", "phone", "no", "café"]
OFF = re.compile(r"( *)#(\S.*)")


def loaded(text: str) -> Settings:
    return settings_of(read_document(text, "firstreply.yaml"))


def depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def in_force_with(lines: list[str], wanted: int) -> Iterator[str]:
    """Yield the lines with one put in force, and those that it belongs to."""
    with_it = {wanted}
    limit = depth(lines[wanted])
    for number in range(wanted, -1, -1):
        if OFF.fullmatch(lines[number]) and depth(lines[number]) < limit:
            with_it.add(number)
            limit = depth(lines[number])
    for number, line in enumerate(lines):
        yield OFF.sub(r"\1\2", line) if number in with_it else line


def test_the_file_is_valid_and_says_so_of_every_channel() -> None:
    settings = loaded(template_text(CHANNELS, "fr"))

    assert settings.warnings() == []
    assert [settings.channels[name].calendar for name in CHANNELS] == ["office"] * len(CHANNELS)
    assert settings.calendars["office"].timezone == "Europe/Paris"
    assert settings.calendars["office"].holidays.country == "FR"


def test_without_channels_and_country_it_is_the_built_in_configuration() -> None:
    assert describe(loaded(template_text([], None))) == describe(Settings())


def test_only_what_is_usual_to_change_is_in_force() -> None:
    alone = read_document(template_text(["email"], None), "x").tree
    with_hours = read_document(template_text(["email"], "fr"), "x").tree

    assert list(alone) == ["kafka", "bands", "channels"]
    assert alone["kafka"] == {
        "bootstrap_servers": "localhost:9092",
        "topic": "contact-events",
        "group": "firstreply",
    }
    assert alone["channels"] == {"email": None}
    assert with_hours["channels"] == {"email": {"calendar": "office"}}
    assert with_hours["calendars"] == {
        "office": {
            "timezone": "Europe/Paris",
            "weekly": {"mon-fri": ["09:00-18:00"]},
            "holidays": {"country": "FR"},
        }
    }


def test_each_line_put_in_force_alone_changes_nothing() -> None:
    text = template_text(CHANNELS[:2], "fr")
    before, lines = loaded(text), text.splitlines()
    off = [number for number, line in enumerate(lines) if OFF.fullmatch(line)]

    for number in off:
        changed = loaded("\n".join(in_force_with(lines, number)))
        assert describe(changed) == describe(before), lines[number]

    assert len(off) > 50


@pytest.mark.parametrize("country", [None, "FR"])
def test_all_lines_put_in_force_are_valid_and_change_nothing_but_show_a_calendar(
    country: str | None,
) -> None:
    text = template_text(CHANNELS, country)

    everything = loaded("\n".join(OFF.sub(r"\1\2", line) for line in text.splitlines()))

    shown, before = describe(everything), describe(loaded(text))
    if country is None:
        assert "office" in everything.calendars
        del shown["calendars"], before["calendars"]
    assert shown == before


def test_every_key_of_every_group_stands_in_it_with_its_text() -> None:
    text = template_text(["email"], None)
    schema = json_schema()
    prose = " ".join(re.sub(r"^ *# ?", "", line) for line in text.splitlines())

    of_promises = {"band", "objective"}  # shown as an example of one line
    groups = (schema, *map(mapping, mapping(schema["$defs"]).values()))
    for group in groups:
        for key, entry in mapping(group.get("properties")).items():
            if key not in of_promises:
                assert re.search(rf"^ *#?{key}:", text, re.MULTILINE), key
                assert str(mapping(entry)["description"]) in prose, key
    assert "promise" in schema_text()


def test_no_line_is_wider_than_an_editor_shows_beside_its_line_numbers() -> None:
    lines = template_text(CHANNELS, None).splitlines()

    assert max(map(len, lines)) <= 92
    assert not any(line != line.rstrip() for line in lines)


def test_the_command_writes_a_valid_file_and_says_what_comes_next(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"

    result = invoke("init", str(path), "--channels", "email, chat,email", "--country", "fr")

    assert result.exit_code == 0
    for command in ("check-config", "doctor", "run --config"):
        assert f"  firstreply {command} {path}\n" in result.stdout
    settings = load_settings(path, {})
    assert settings.channels["chat"].calendar == "office"
    assert invoke("check-config", str(path)).exit_code == 0


def test_a_file_that_is_there_stays_unless_it_is_forced(tmp_path: Path) -> None:
    (path := tmp_path / "own.yaml").write_text("kafka: {topic: mine}\n")

    refused = invoke("init", str(path))
    kept = path.read_text()
    forced = invoke("init", str(path), "--force")

    assert (refused.exit_code, kept) == (2, "kafka: {topic: mine}\n")
    assert "own.yaml is there already, and stays" in refused.stderr
    assert (forced.exit_code, load_settings(path, {}).kafka.topic) == (0, "contact-events")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--country", "france"],
            '--country france: no public holidays are known; did you mean "FR"?',
        ),
        (["--country", "zz"], "give an ISO 3166 code"),
        (["--channels", "email,Email"], "--channels email,Email: "),
        (["--channels", "x" * 65], "cannot be a name"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_no_file_is_left(
    tmp_path: Path, options: list[str], told: str
) -> None:
    path = tmp_path / "own.yaml"

    result = invoke("init", str(path), *options)

    assert (result.exit_code, path.exists()) == (2, False)
    assert told in result.stderr


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = invoke("init", str(tmp_path / "none" / "own.yaml"))

    assert result.exit_code == 2
    assert "cannot be written: no such file or directory" in result.stderr


def test_of_several_time_zones_the_person_is_told(tmp_path: Path) -> None:
    result = invoke("init", str(tmp_path / "own.yaml"), "--country", "us")

    assert f"one of {len(zones_of('US'))} time zones there" in result.stdout
    assert len(zones_of("US")) > 10


def test_the_how_to_shows_what_the_command_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "how-to" / "connect-to-your-kafka.md").read_text()
    command = "init --channels email,chat,phone --country fr firstreply.yaml"

    result = invoke(*command.split())

    assert f"```sh\nfirstreply {command}\n```" in page
    assert f"```\n{result.stdout}```" in page
