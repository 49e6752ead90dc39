"""From settings to the parts of the wall."""

from pathlib import Path

import pytest

from firstreply import wiring
from firstreply.adapters.kafka.status_topic import KafkaStatusTopic
from firstreply.config.load import load_settings
from firstreply.domain.errors import ConfigurationError
from firstreply.settings import Settings
from firstreply.wall.exchange import NoExchange


def loaded(text: str, folder: Path) -> Settings:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, {})


def test_ids_are_not_shown_and_link_nowhere_unless_told(tmp_path: Path) -> None:
    plain = wiring.identity(loaded("", tmp_path))
    shown = wiring.identity(
        loaded(
            'http: {contact_ids: true, contact_link: "https://crm.example/{contact_id}"}', tmp_path
        )
    )

    assert (plain.contact_ids, plain.contact_link) == (False, None)
    assert (shown.contact_ids, shown.contact_link) == (True, "https://crm.example/{contact_id}")


@pytest.mark.parametrize(
    "link",
    [
        "https://crm.example/{contact_id}",
        "http://crm.example:8080/tickets/{contact_id}/view?from=wall#top",
        "HTTPS://crm.example/?id={contact_id}",
        "https://crm.example#{contact_id}",
        "https://[2001:db8::1]/é/{contact_id}",
    ],
)
def test_a_link_into_a_help_desk_is_taken_as_it_is(link: str, tmp_path: Path) -> None:
    settings = loaded(f'http: {{contact_ids: true, contact_link: "{link}"}}', tmp_path)

    assert settings.http.contact_link == link


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert('{contact_id}')",
        "data:text/html,{contact_id}",
        "ftp://crm.example/{contact_id}",
        "//crm.example/{contact_id}",
        "crm.example/{contact_id}",
        "https:crm.example/{contact_id}",
        "https://{contact_id}.example/",
        "https://user@crm.example/{contact_id}",
        "https:///{contact_id}",
        "https://crm.example/{contact_id}{contact_id}",
        "https://crm.example/{contact_id}/{other}",
        "https://crm.example/{ contact_id }",
        "https://crm.example/contact_id",
        "https://crm.example/\u202e{contact_id}",
        " https://crm.example/{contact_id}",
        "",
    ],
)
def test_a_link_that_could_do_something_else_is_refused(link: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.yaml:1:\d+: http\.contact_link: "):
        loaded(f'http: {{contact_ids: true, contact_link: "{link}"}}', tmp_path)


def test_each_process_has_a_name_of_its_own_in_its_group(tmp_path: Path) -> None:
    settings = loaded("kafka: {group: g, topic: t}", tmp_path)

    one, two = wiring.identity(settings), wiring.identity(settings)

    assert one.group == two.group == "g/t"
    assert one.process != two.process


def test_the_wall_tells_the_time_of_the_first_calendar_else_utc(tmp_path: Path) -> None:
    calendars = (
        "calendars:\n  b: {timezone: America/Toronto, weekly: {mon: ['09:00-17:00']}}\n"
        "  a: {timezone: Europe/Paris, weekly: {mon: ['09:00-17:00']}}\n"
    )

    assert wiring.timezone(loaded(calendars, tmp_path)).key == "America/Toronto"
    assert wiring.timezone(loaded("", tmp_path)).key == "UTC"


@pytest.mark.parametrize(
    ("kafka", "topic"),
    [
        ("{}", "firstreply-status"),
        ("{group: front desk/é}", "front_desk__-status"),
        ("{group: g, status_topic: elsewhere}", "elsewhere"),
        ("{status_topic: null}", None),
    ],
)
def test_the_status_topic_is_named_after_the_group_and_can_be_turned_off(
    kafka: str, topic: str | None, tmp_path: Path
) -> None:
    settings = loaded(f"kafka: {kafka}", tmp_path)

    exchange = wiring.exchange(settings, wiring.identity(settings))

    assert settings.kafka.status_topic == topic
    assert isinstance(exchange, NoExchange if topic is None else KafkaStatusTopic)
    assert exchange.has_others is (topic is not None)
