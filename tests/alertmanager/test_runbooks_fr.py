"""Every alert of the floor has a page in French, where the French messages lead to it."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.alertmanager.messages import named, render
from tests.alertmanager.rules import alerts
from tests.shared import ROOT

FRENCH: Final = ROOT / "docs" / "runbooks" / "fr"
HEADINGS: Final = ["Signification", "Conséquences", "Diagnostic", "Que faire"]
SEVERITIES: Final = {
    "critical": "critique",
    "warning": "avertissement",
    "info": "information",
    "ticket": "à planifier",
}
FLOOR: Final = {alert.name: alert for alert in alerts() if alert.team == "floor"}
PAGES: Final = sorted(FRENCH.glob("*.md"))


def test_every_alert_of_the_floor_has_a_french_page_and_every_page_an_alert() -> None:
    assert {path.stem for path in PAGES} == set(FLOOR)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_page_names_its_alert_and_severity_and_has_its_headings_each_with_text(
    path: Path,
) -> None:
    opening, *parts = re.split(r"^## (.+)$", path.read_text(), flags=re.MULTILINE)

    severity = SEVERITIES[FLOOR[path.stem].severity]
    assert re.match(rf"# .+\n\nAlerte `{path.stem}`, {severity}\.\n", opening)
    assert parts[0::2] == HEADINGS
    assert all(len(text.split()) >= 10 for text in parts[1::2])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_link_of_the_page_leads_to_a_place_that_exists(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        file, _, anchor = link.partition("#")
        target = path.parent / file
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """Return where a link into a page may lead."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_french_message_leads_to_the_french_page_and_the_platform_to_its_only_one(
    amtool: Path,
) -> None:
    data = Path(__file__).parent / "data"

    floor = render(amtool, named("text", "fr"), data / "nobody_answers.json")
    platform = render(amtool, named("text", "fr"), data / "platform.json")

    (of_floor,) = re.findall(r"/docs/(runbooks/\S+\.md)", floor)
    (of_platform,) = re.findall(r"/docs/(runbooks/\S+\.md)", platform)
    assert of_floor == "runbooks/fr/ContactNobodyAnswering.md"
    assert of_platform == "runbooks/FirstreplyExporterDown.md"
    assert (ROOT / "docs" / of_floor).is_file()
    assert (ROOT / "docs" / of_platform).is_file()
