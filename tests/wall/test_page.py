"""The document itself, without a browser: its texts, its policy, its version."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import product

import pytest

from firstreply.adapters import wall_page
from firstreply.adapters.wall_page import PAGE_VERSION, SCRIPTS, Theme, choose, render_page
from firstreply.words import STANDING_WORDS, Language

PAGES = list(product(Language, Theme))


class Blocks(HTMLParser):
    """Collects what stands inside style and script elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._inside: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"style", "script"}:
            self._inside = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in {"style", "script"}:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None:
            self.found[self._inside] = self.found.get(self._inside, "") + data


def blocks(language: Language, theme: Theme) -> dict[str, str]:
    return Blocks(render_page(language, theme).body.decode()).found


@pytest.mark.parametrize(("language", "theme"), PAGES)
def test_the_policy_allows_exactly_the_style_and_the_script_of_the_page(
    language: Language, theme: Theme
) -> None:
    found = blocks(language, theme)

    policy = render_page(language, theme).headers["Content-Security-Policy"]
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(found[name].encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(("language", "theme"), PAGES)
def test_the_page_names_no_address(language: Language, theme: Theme) -> None:
    text = render_page(language, theme).body.decode()

    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s'\"]*", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name space, not an address
    assert not re.search(r"\bsrc=|@import|url\(", text)


@pytest.mark.parametrize("language", Language)
def test_the_state_words_are_those_of_the_whole_product(language: Language) -> None:
    messages = json.loads(blocks(language, Theme.AUTO)["messages"])

    assert messages["states"] == STANDING_WORDS[language]


def test_both_languages_have_the_same_texts_with_the_same_places() -> None:
    english, french = (
        json.loads(blocks(language, Theme.AUTO)["messages"]) for language in Language
    )

    assert places(english) == places(french)


def places(messages: dict[str, object], prefix: str = "") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, text in messages.items():
        if isinstance(text, dict):
            found |= places(text, f"{key}.")
        else:
            found[prefix + key] = sorted(re.findall(r"\{\w+\}", str(text)))
    return found


def test_every_text_that_the_scripts_ask_for_exists_and_every_one_that_exists_is_used() -> None:
    sources = "".join(wall_page._read(f"script/{name}.js") for name in SCRIPTS)
    html = wall_page._read("wall.html")
    messages = json.loads(wall_page._read("messages.json"))["en"]

    asked = set(re.findall(r'(?:TEXT\.|say\(\s*")(\w+)', sources)) - {"states"}
    asked |= set(re.findall(r"\$text_(\w+)", html))
    by_rule = {key for key in messages if re.match(r"trust_|alarm_|lang_|theme_", key)}
    assert asked - set(messages) == set()
    assert set(messages) - asked - by_rule == set()


def test_an_unknown_language_or_theme_is_the_default() -> None:
    assert choose("fr", "dark", Language.EN) == (Language.FR, Theme.DARK)
    assert choose(None, None, Language.FR) == (Language.FR, Theme.AUTO)
    assert choose("xx", "<b>", Language.EN) == (Language.EN, Theme.AUTO)
    assert choose("", "", Language.EN) == (Language.EN, Theme.AUTO)


def test_the_version_stands_in_the_page() -> None:
    for page in (render_page(*combination) for combination in PAGES):
        assert page.version == PAGE_VERSION
        assert f'data-version="{PAGE_VERSION}"' in page.body.decode()
