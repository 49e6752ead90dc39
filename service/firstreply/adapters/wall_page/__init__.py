"""The page ``/wall``: its sources in this folder, put together into one document.

In go a language and a theme; out comes HTML that asks for nothing but the event stream: style,
script and messages stand inside it. The Content-Security-Policy allows exactly these two blocks,
by their hash, and one connection, to the service itself; so whatever a contact id or a queue's name
holds, the browser runs none of it. The state words come from ``firstreply.words``, as everywhere.

The script is cut into readable files. They are joined in the order of ``SCRIPTS`` inside one
function, so they see each other and leave nothing in the page's global scope.

Nothing here reads a clock or a setting, and all pages together are six: they are made once.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from html import escape
from importlib.resources import files
from string import Template
from typing import Final, NamedTuple, assert_never

from firstreply.words import STANDING_WORDS, Language

SCRIPTS: Final = ("dom", "format", "clock", "feed", "cells", "channels", "urgent", "head", "page")
"""Each may use those before it."""

STYLES: Final = ("base", "screen", "cards")

_HERE: Final = files(__name__)


class Theme(StrEnum):
    """Which colours; ``auto`` follows the screen's own preference."""

    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class Page(NamedTuple):
    """What the server answers."""

    body: bytes
    headers: Mapping[str, str]
    version: str
    """Changes with the page's sources, in no language or theme apart."""


def choose(lang: str | None, theme: str | None, default: Language) -> tuple[Language, Theme]:
    """Read the query; what is absent or unknown is ``default`` and ``auto``, never an error."""
    chosen = Language(lang) if lang in set(Language) else default
    return chosen, Theme(theme) if theme in set(Theme) else Theme.AUTO


@cache
def render_page(language: Language, theme: Theme) -> Page:
    """Return the page in a language and a theme."""
    style, script = _style(theme), _script()
    messages = _messages(language)
    body = Template(_read("wall.html")).substitute(
        {f"text_{key}": escape(text) for key, text in messages.items() if isinstance(text, str)},
        language=language.value,
        version=PAGE_VERSION,
        languages=_choice("lang", Language, {"theme": theme.value}, language, messages),
        themes=_choice("theme", Theme, {"lang": language.value}, theme, messages),
        style=style,
        messages=_json_for_html(messages),
        script=script,
    )
    return Page(body.encode(), _headers(style, script), PAGE_VERSION)


def _read(name: str) -> str:
    return _HERE.joinpath(name).read_text(encoding="utf-8")


def _style(theme: Theme) -> str:
    """Return the rules with the theme's colours: dark, and light in its place or if preferred."""
    dark, light = _read("style/dark.css"), _read("style/light.css")
    match theme:
        case Theme.DARK:
            colours = dark
        case Theme.LIGHT:
            colours = dark + light
        case Theme.AUTO:
            colours = f"{dark}@media (prefers-color-scheme: light) {{\n{light}}}\n"
        case _:
            assert_never(theme)
    return "".join([colours, *(_read(f"style/{name}.css") for name in STYLES)])


@cache
def _script() -> str:
    parts = "\n".join(_read(f"script/{name}.js") for name in SCRIPTS)
    return f'(function () {{\n"use strict";\n{parts}}})();\n'


def _messages(language: Language) -> dict[str, object]:
    """Return the page's texts with the state words that all of the product shares."""
    own: dict[str, object] = json.loads(_read("messages.json"))[language.value]
    states = {standing.value: word for standing, word in STANDING_WORDS[language].items()}
    return {**own, "states": states}


def _json_for_html(value: object) -> str:
    """Encode for a script element, which only ``</script`` or ``<!--`` could end early."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _choice(
    key: str,
    options: type[Language] | type[Theme],
    others: Mapping[str, str],
    chosen: Language | Theme,
    messages: Mapping[str, object],
) -> str:
    """Return links to the same page with another value of ``key``."""
    rest = "".join(f"&amp;{name}={value}" for name, value in others.items())
    links = []
    for option in options:
        current = ' aria-current="true"' if option is chosen else ""
        text = escape(str(messages[f"{key}_{option.value}"]))
        lang = f' lang="{option.value}" hreflang="{option.value}"' if key == "lang" else ""
        links.append(f'<a href="?{key}={option.value}{rest}"{lang}{current}>{text}</a>')
    return "".join(links)


def _headers(style: str, script: str) -> Mapping[str, str]:
    policy = (
        "default-src 'none'",
        f"style-src '{_source_hash(style)}'",
        f"script-src '{_source_hash(script)}'",
        "connect-src 'self'",
        "img-src data:",  # the icon of the tab
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",  # the help desk learns nothing of the wall
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }


def _source_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _digest() -> str:
    sources = (_read("wall.html"), _read("messages.json"), _style(Theme.AUTO), _script())
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:12]


PAGE_VERSION: Final = _digest()
"""What the event stream tells: a screen that nobody touches loads the new page of an upgrade."""
