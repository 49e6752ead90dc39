"""Where panels stand, what each has, and that the wall fits one screen."""

from collections import Counter
from itertools import combinations
from typing import Any, Final

import pytest

from firstreply.dashboards.layout import COLUMNS, Place, flow, height_in_pixels
from firstreply.words import Language
from tests.dashboards.panel_queries import data_panels, documents, panels

UIDS: Final = (
    "firstreply-wall",
    "firstreply-channel",
    "firstreply-promises",
    "firstreply-pipeline",
)
SCREEN: Final = 1080
PADDING: Final = 32
"""Above and below all panels."""
LINKS: Final = 48
"""A line of links, should the address of the kiosk not hide it."""


def everything() -> list[tuple[str, dict[str, Any]]]:
    return [(uid, panel) for uid, board in documents().items() for panel in board["panels"]]


def rectangle(panel: dict[str, Any]) -> Place:
    return Place(**panel["gridPos"])


def test_there_are_four_boards_and_alerts_know_their_uids() -> None:
    assert tuple(documents()) == UIDS


@pytest.mark.parametrize("uid", UIDS)
def test_panels_have_numbers_of_their_own(uid: str) -> None:
    numbers = Counter(panel["id"] for at, panel in everything() if at == uid)

    assert set(numbers.values()) == {1}


@pytest.mark.parametrize("uid", UIDS)
def test_panels_stand_inside_the_grid_and_beside_each_other(uid: str) -> None:
    places = [rectangle(panel) for at, panel in everything() if at == uid]

    for place in places:
        assert 0 <= place.x < place.x + place.w <= COLUMNS
    for one, other in combinations(places, 2):
        apart = (
            one.x + one.w <= other.x
            or other.x + other.w <= one.x
            or one.y + one.h <= other.y
            or other.y + other.h <= one.y
        )
        assert apart, (one, other)


@pytest.mark.parametrize("uid", UIDS)
def test_no_cell_of_the_grid_is_left_empty(uid: str) -> None:
    """Grafana would pull panels up into a hole."""
    places = [rectangle(panel) for at, panel in everything() if at == uid]

    assert sum(place.w * place.h for place in places) == COLUMNS * bottom(uid)


def bottom(uid: str) -> int:
    return max(
        place.y + place.h for place in (rectangle(panel) for at, panel in everything() if at == uid)
    )


def test_the_wall_fits_one_screen_even_with_a_line_of_links() -> None:
    assert height_in_pixels(bottom("firstreply-wall")) + PADDING + LINKS <= SCREEN


def test_nobody_touches_the_wall() -> None:
    wall = documents()["firstreply-wall"]

    (datasource,) = wall["templating"]["list"]
    assert (datasource["name"], datasource["hide"]) == ("datasource", 2)
    assert wall["timepicker"] == {"hidden": True}
    assert wall["refresh"] == "10s"
    assert {panel["type"] for panel in wall["panels"]} == {"stat", "text", "state-timeline"}


@pytest.mark.parametrize("language", Language)
def test_every_big_value_of_the_wall_has_its_size(language: Language) -> None:
    for uid, panel in data_panels(language):
        if uid == "firstreply-wall" and panel["type"] == "stat":
            sizes = panel["options"]["text"]
            assert sizes["valueSize"] >= 26
            assert ("titleSize" in sizes) is (panel["options"]["textMode"] == "value_and_name")
            assert sizes.get("titleSize", 20) >= 20


@pytest.mark.parametrize("language", Language)
def test_every_panel_that_shows_data_has_its_texts_and_its_unit(language: Language) -> None:
    for uid, panel in data_panels(language):
        at = f"{uid} {panel['id']}"
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], at
        assert len(panel["description"]) > 20, at
        assert defaults["noValue"], at
        assert defaults["unit"], at


@pytest.mark.parametrize("language", Language)
def test_text_panels_are_the_headings_of_the_wall(language: Language) -> None:
    texts = [(uid, panel) for uid, panel in panels(language) if panel["type"] == "text"]

    assert len(texts) == 8
    for uid, panel in texts:
        assert uid == "firstreply-wall"
        assert (panel["title"], panel["targets"]) == ("", [])


def test_no_panel_names_a_data_source() -> None:
    for _uid, panel in panels():
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    for board in documents().values():
        for variable in board["templating"]["list"]:
            source = variable.get("datasource", {"uid": "${datasource}"})
            assert source["uid"] == "${datasource}"


def test_no_panel_is_of_a_kind_that_only_lists_grafanas_own_alerts() -> None:
    kinds = {panel["type"] for _uid, panel in panels()}

    assert kinds == {"bargauge", "heatmap", "stat", "state-timeline", "table", "text", "timeseries"}


def test_no_board_is_of_a_newer_schema_than_grafana_10_knows() -> None:
    for board in documents().values():
        assert board["schemaVersion"] <= 38
        assert board["editable"] is False


def test_flow_puts_panels_side_by_side_and_then_below() -> None:
    placed = dict(flow([("a", 24, 1), ("b", 12, 8), ("c", 12, 8), ("d", 24, 4)]))

    assert placed == {
        "a": Place(0, 0, 24, 1),
        "b": Place(0, 1, 12, 8),
        "c": Place(12, 1, 12, 8),
        "d": Place(0, 9, 24, 4),
    }


@pytest.mark.parametrize(
    "sized",
    [[("a", 12, 8)], [("a", 12, 8), ("b", 13, 8)], [("a", 12, 8), ("b", 12, 9)]],
    ids=["not full", "too wide", "not equally high"],
)
def test_flow_refuses_a_line_with_a_hole(sized: list[tuple[str, int, int]]) -> None:
    with pytest.raises(ValueError, match=r"wide|high"):
        dict(flow(sized))
