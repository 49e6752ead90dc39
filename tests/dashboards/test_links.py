"""Links lead somewhere: boards that exist, runbooks that exist, variables that exist."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest

from firstreply.dashboards.links import RUNBOOKS
from firstreply.words import Language
from tests.alerts.rule_files import ROOT, Rule, rules
from tests.dashboards.panel_queries import documents, panels

ALERTS: Final = [rule for rule in rules() if rule.is_alert]
_GIVEN: Final = {"from", "to", "var-datasource"}


def variables(uid: str) -> set[str]:
    return {variable["name"] for variable in documents()[uid]["templating"]["list"]}


def urls(value: object) -> Iterator[str]:
    """Yield every address in a part of a board."""
    match value:
        case dict():
            for key, inner in value.items():
                if key == "url":
                    yield inner
                else:
                    yield from urls(inner)
        case list() | tuple():
            for inner in value:
                yield from urls(inner)


def every_url(language: Language) -> set[str]:
    return {url for board in documents(language).values() for url in urls(board)}


@pytest.mark.parametrize("language", Language)
def test_every_link_leads_to_a_board_or_to_a_runbook(language: Language) -> None:
    for url in every_url(language):
        if url.startswith("/d/"):
            assert_board_knows(url)
        else:
            assert_runbook_exists(url)


def assert_board_knows(url: str) -> None:
    path, _, query = url.partition("?")
    uid = path.removeprefix("/d/")
    assert uid in documents()
    for part in filter(None, query.split("&")):
        if part.startswith("var-"):
            assert part[4:].split("=")[0] in variables(uid), url
        else:
            assert part in {"${datasource:queryparam}", "${__url_time_range}"}, url


def assert_runbook_exists(url: str) -> None:
    assert url.startswith(f"{RUNBOOKS}/docs/runbooks/")
    page = url.removeprefix(f"{RUNBOOKS}/")
    names = [rule.name for rule in ALERTS] if "${" in page else ["-"]
    for name in names:
        path = ROOT / page.replace("${__data.fields.alertname}", name)
        assert path.is_file(), path


@pytest.mark.parametrize("uid", tuple(documents()))
def test_every_board_links_to_all_others_and_keeps_the_time(uid: str) -> None:
    links = documents()[uid]["links"]

    assert {link["url"] for link in links} == {
        f"/d/{other}" for other in documents() if other != uid
    }
    assert all(link["keepTime"] and link["includeVars"] for link in links)


def test_the_runbook_of_every_alert_for_people_is_linked_from_a_panel() -> None:
    linked = {link["title"] for _uid, panel in panels() for link in panel["links"]}

    assert linked == {rule.name for rule in ALERTS if rule.labels["severity"] != "none"}


def test_french_boards_link_to_french_runbooks_where_there_are_any() -> None:
    french = {url for url in every_url(Language.FR) if "/docs/runbooks/" in url and "${" not in url}

    for url in french:
        path = urlsplit(url).path.removeprefix("/docs/runbooks/")
        there = (ROOT / "docs" / "runbooks" / "fr" / path.removeprefix("fr/")).is_file()
        assert path.startswith("fr/") is there, url


@pytest.mark.parametrize("alert", ALERTS, ids=lambda rule: rule.name)
def test_the_dashboard_of_an_alert_is_a_board_and_knows_its_variables(alert: Rule) -> None:
    url = re.sub(r"\{\{[^}]*\}\}", "x", alert.annotations["dashboard_url"])

    parts = urlsplit(url)

    uid = parts.path.removeprefix("/d/")
    assert uid in documents()
    given = {name.removeprefix("var-") for name in parse_qs(parts.query)}
    assert given <= variables(uid)
