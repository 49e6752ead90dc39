"""Every link within the repository leads to something, and every page can be found."""

from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest

from tests.docs.pages import DOCS, anchors, links, pages
from tests.shared import ROOT

MAP: Final = DOCS / "README.md"
ELSEWHERE: Final = ("https://", "http://", "mailto:")


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    return [
        link for link in links(page) if not link.startswith(ELSEWHERE) and not leads(page, link)
    ]


def leads(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = page if not path else (page.parent / path).resolve()
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target))


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    assert broken(page) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    page = DOCS / "quick-start.md"

    assert not leads(page, "nowhere.md")
    assert not leads(page, "concepts.md#nowhere")
    assert not leads(page, f"../{'../' * 20}etc/hostname")
    assert leads(page, "concepts.md#words")


def test_links_are_found_in_text_tables_and_images_but_not_in_code(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# A page\n[one](a.md), | [`two`](b.md#c) |\n![three](d.png) `[no](e.md)`\n"
        '<img src="f.svg">\n```\n[no](g.md)\n```\n'
    )

    assert links(page) == ["a.md", "b.md#c", "d.png", "f.svg"]


def test_anchors_are_those_of_github(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What's `new`, and why?\n## Two words\n## Two words\n```sh\n# no\n```\n")

    assert anchors(page) == {"whats-new-and-why", "two-words", "two-words-1"}


def test_the_map_names_every_page_of_the_documentation() -> None:
    named = {(DOCS / link.partition("#")[0]).resolve() for link in links(MAP)}
    grouped = {DOCS / "decisions", DOCS / "runbooks"}  # these have a map of their own, or numbers
    missing = [
        str(page.relative_to(DOCS))
        for page in DOCS.rglob("*.md")
        if page not in named and page != MAP and not grouped.intersection(page.parents)
    ]

    assert missing == []
