"""The table of the faults: one row for each, and the sum of all."""

from pathlib import Path

from tests.faults.record import BEGIN, END, Entry, table, write_into


def entry(number: int, fault: str, **more: float | None) -> Entry:
    figures = {"injected": 2, "contacts": 100, "lost": 0, "twice": 0, "lacking": 1}
    seconds = {"recovery_seconds": 1.0, "gap_seconds": 2.0}
    return Entry(number=number, fault=fault, kafka="4.4.0", **{**figures, **seconds, **more})  # type: ignore[arg-type]


def test_rows_are_summed_and_seconds_are_the_worst() -> None:
    entries = [
        entry(9, "cut off"),
        entry(1, "killed", recovery_seconds=7.25, lost=3),
        entry(1, "killed", gap_seconds=9.0, recovery_seconds=None),
    ]
    head, _, *rows = table(entries).splitlines()
    assert head.startswith("| fault | what | runs |")
    assert rows == [
        "| 1 | killed | 2 | 4 | 200 | 3 | 0 | 2 | 7.2 s | 9.0 s |",
        "| 9 | cut off | 1 | 2 | 100 | 0 | 0 | 1 | 1.0 s | 2.0 s |",
        "|  | all | 3 | 6 | 300 | 3 | 0 | 3 | 7.2 s | 9.0 s |",
    ]


def test_a_page_keeps_what_stands_around_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, "new\n")
    assert page.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
