"""Which keys a reload can change: each setting says so, and the difference of two files is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from firstreply.config.applies import Applies
from firstreply.config.changes import Change, applies_at, changes_between
from firstreply.config.load import load_settings
from firstreply.settings import ChannelSettings, Settings

RELOADED = {
    *("channels_only", "excluded_reasons", "give_up_after", "settle_for", "short_abandon"),
    *("clock_skew", "log.level", "calendars.a.timezone", "calendars.a.weekly.mon"),
    *("calendars.a.holidays.country", "calendars.a.holidays.subdivision"),
    *("calendars.a.holidays.dates", "calendars.a.holidays.annual"),
    *("calendars.a.exceptions.2026-12-24", "channels.a.aliases", "channels.a.voice"),
    *("channels.a.calendar", "channels.a.promise.band", "channels.a.promise.objective"),
    *("channels.a.queues", "channels.a.short_abandon", "channels.a.clock_start"),
    "channels.a.abandoned",
}
"""A key in here must be taken over by everything that goes by it: add it with a test of that."""

FREE = {
    "bands": "1h",
    "channels": "a",
    "calendars": "a",
    "weekly": "mon",
    "exceptions": "2026-12-24",
}


def keys(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every plain setting, with a name of some kind where names are free."""
    for name, field in model.model_fields.items():
        free = (FREE[name],) if name in FREE else ()
        below = [one for one in models_in(field.annotation) if issubclass(one, BaseModel)]
        if below:
            yield from keys(below[0], (*above, name, *free))
        else:
            yield (*above, name, *free)


def models_in(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "firstreply.yaml"
    path.write_text(text)
    return load_settings(path, {})


def told(folder: Path, before: str, after: str) -> list[str]:
    return [str(one) for one in changes_between(loaded(folder, before), loaded(folder, after))]


def test_every_key_says_whether_a_reload_changes_it_and_only_the_known_ones_do() -> None:
    every = {".".join(path): applies_at(path) for path in keys(Settings)}

    assert {key for key, applies in every.items() if applies is Applies.RELOAD} == RELOADED
    assert len(every) > len(RELOADED) + 40


@pytest.mark.parametrize("model", [Settings, ChannelSettings])
def test_each_group_of_these_says_it_itself(model: type[BaseModel]) -> None:
    silent = [
        name
        for name, field in model.model_fields.items()
        if not any(isinstance(one, Applies) for one in field.metadata)
    ]

    assert silent == []


@pytest.mark.parametrize(
    "key",
    [
        *("kafka.topic", "kafka.sasl_password", "kafka.state_topic", "bands.1h.weight"),
        *("channels.a.bands.1h.clock", "http.port", "http.reload", "grace", "limits.max_tracked"),
        *("checkpoint_interval", "log.format", "language"),
    ],
)
def test_what_the_state_the_histograms_and_the_sockets_are_made_of_needs_a_restart(
    key: str,
) -> None:
    assert applies_at(tuple(key.split("."))) is Applies.RESTART


def test_a_key_of_nobody_is_not_taken_for_one_that_can_be_reloaded() -> None:
    with pytest.raises(LookupError, match="Reloadable or RestartOnly"):
        applies_at(())


def test_equal_configurations_differ_in_nothing_however_they_are_spelt(tmp_path: Path) -> None:
    assert told(tmp_path, "grace: 60s", "grace: 1m\nlanguage: en") == []


def test_a_value_is_told_as_it_is_written_before_and_after(tmp_path: Path) -> None:
    before = "channels: {chat: {promise: {band: 10m, objective: 0.9}}}"
    after = "channels: {chat: {promise: {band: 1h, objective: 0.9}}}\ngrace: 90s"

    assert told(tmp_path, before, after) == [
        "channels.chat.promise.band: 10m -> 1h",
        "grace: 5s -> 1m30s",
    ]


def test_a_secret_that_changed_is_named_and_not_shown(tmp_path: Path) -> None:
    kafka = "{security_protocol: SASL_SSL, sasl_mechanism: PLAIN, sasl_username: u, sasl_password: "

    assert told(tmp_path, f"kafka: {kafka}one}}", f"kafka: {kafka}two}}") == [
        "kafka.sasl_password: ********** -> **********"
    ]


def test_a_channel_that_comes_is_one_change_and_its_bands_are_others(tmp_path: Path) -> None:
    channel = "channels: {fax: {voice: true, queues: [a], bands: {45s: {}}}}"

    changes = changes_between(Settings(), loaded(tmp_path, channel))

    assert changes == [
        Change("channels.fax", "not set", "given", Applies.RELOAD),
        Change("channels.fax.bands.45s", "not set", "given", Applies.RESTART),
    ]


def test_what_is_gone_is_told_too(tmp_path: Path) -> None:
    with_promise = "channels: {fax: {}, chat: {promise: {band: 10m, objective: 0.9}}}"

    assert told(tmp_path, with_promise, "") == [
        "channels.chat.promise.band: 10m -> not set",
        "channels.chat.promise.objective: 0.9 -> not set",
        "channels.fax: given -> not set",
    ]


def test_opening_hours_and_dates_are_told_by_day(tmp_path: Path) -> None:
    office = "calendars: {office: {timezone: Europe/Paris, weekly: {mon: ['09:00-17:00']}"
    before = office + ", exceptions: {2026-12-24: []}}}"
    after = office.replace("09:00", "08:30") + ", exceptions: {2026-12-31: []}}}"

    assert told(tmp_path, before, after) == [
        'calendars.office.weekly.mon: ["09:00-17:00"] -> ["08:30-17:00"]',
        "calendars.office.exceptions.2026-12-31: not set -> []",
        "calendars.office.exceptions.2026-12-24: [] -> not set",
    ]
