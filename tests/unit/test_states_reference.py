from pathlib import Path

from firstreply.states_reference import page

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "states.md"


def test_the_page_of_states_is_what_the_table_says(*, update_golden: bool) -> None:
    if update_golden:
        PAGE.write_text(page())

    assert PAGE.read_text() == page()
