"""Texts: none missing, none unused, none left in the other language; states always in words."""

import json
import re
from typing import Any, Final

import pytest

from firstreply.dashboards.messages import ALERTS, PANELS, SILENT, TEXTS, Speech, Text
from firstreply.words import STANDING_WORDS, Language, Standing
from tests.alerts.rule_files import rules
from tests.dashboards.panel_queries import data_panels, documents
from tests.shared import ROOT

SOURCE: Final = ROOT / "service" / "firstreply" / "dashboards"
SAME: Final = {"—", "Configuration", "version", "alert", "Canal"}
"""What is the same word in both languages."""


def every_text() -> dict[str, Text]:
    texts = dict(TEXTS)
    for key, panel in PANELS.items():
        texts |= {f"{key} title": panel.title, f"{key} text": panel.description}
        texts[f"{key} empty"] = panel.empty
    return texts | {name: text for name, (_severity, text) in ALERTS.items()}


def test_every_text_is_there_in_both_languages_and_differs() -> None:
    for key, text in every_text().items():
        for language in Language:
            spoken = text.spoken(language)
            assert spoken == spoken.strip() != "", key
            assert "  " not in spoken, key
        assert text.en != text.fr or text.en in SAME, key


def test_french_puts_a_space_before_its_double_signs() -> None:
    for key, text in every_text().items():
        prose = re.sub(r"\?\S+|\S+:\S+", "", text.fr)
        assert not re.search(r"\S[:;!?]( |$)", prose), key


@pytest.mark.parametrize("language", Language)
def test_no_board_shows_a_text_of_another_language(language: Language) -> None:
    other = {text for text in every_text().values() if text.en != text.fr}
    foreign = {text.fr if language is Language.EN else text.en for text in other}
    own = {text.spoken(language) for text in every_text().values()}

    shown = set(
        re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(documents(language), ensure_ascii=False))
    )

    # Single words can be names of labels, too.
    assert {text for text in shown & foreign - own if " " in text} == set()


def test_every_text_of_the_table_is_used() -> None:
    code = "".join(path.read_text() for path in SOURCE.glob("*.py"))
    shown = "".join(json.dumps(documents(language), ensure_ascii=False) for language in Language)

    unused = [
        key
        for key, text in every_text().items()
        if json.dumps(text.en, ensure_ascii=False)[1:-1] not in shown and f'"{key}"' not in code
    ]
    assert unused == []


def test_every_alert_has_words_with_its_severity() -> None:
    shipped = {
        rule.name: rule.labels["severity"]
        for rule in rules()
        if rule.is_alert and rule.labels["severity"] != "none"  # for machines
    }

    assert {
        name: severity for name, (severity, _text) in ALERTS.items() if name != SILENT
    } == shipped


@pytest.mark.parametrize("language", Language)
def test_an_alert_says_how_urgent_it_is_without_its_colour(language: Language) -> None:
    speech = Speech(language)

    for name, (severity, _text) in ALERTS.items():
        mark = speech.alert(name).split(" ")[0]
        assert mark == {"critical": "‼", "warning": "!", "ticket": "·", "info": "·"}[severity]


def coloured_mappings(panel: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of mappings that colour a value."""
    mappings = [*panel["fieldConfig"]["defaults"]["mappings"]]
    for override in panel["fieldConfig"]["overrides"]:
        for changed in override["properties"]:
            if changed["id"] == "mappings":
                mappings += changed["value"]
    return [
        result
        for mapping in mappings
        for result in (
            mapping["options"].values()
            if mapping["type"] == "value"
            else [mapping["options"]["result"]]
        )
    ]


@pytest.mark.parametrize("language", Language)
def test_colours_come_with_words(language: Language) -> None:
    for uid, panel in data_panels(language):
        for result in coloured_mappings(panel):
            assert result["text"].strip(), f"{uid} {panel['id']}"


@pytest.mark.parametrize("language", Language)
def test_states_are_in_the_words_that_the_wall_page_has_too(language: Language) -> None:
    states = {
        (str(number), STANDING_WORDS[language][standing])
        for number, standing in enumerate(Standing)
    }

    shown = [
        {(value, result["text"]) for value, result in mapping["options"].items()}
        for uid, panel in data_panels(language)
        for mapping in panel["fieldConfig"]["defaults"]["mappings"]
        if mapping["type"] == "value" and len(mapping["options"]) == len(Standing)
    ]

    assert len(shown) == 3  # the wall's column and timeline, the channel's state
    assert all(mapping == states for mapping in shown)


def test_no_line_of_the_table_is_where_translators_do_not_find_it() -> None:
    """Shown text stands in ``messages``: boards hold keys, names and PromQL."""
    prose = re.compile(r'"[A-Z][a-z]+ [a-z]+ [a-z]+[^"]*"')

    for path in (*SOURCE.glob("*.py"),):
        if path.name not in {"reference.py", "export.py"}:
            code = re.sub(r'"""[\s\S]*?"""', "", path.read_text())
            assert prose.findall(code) == [], path.name
