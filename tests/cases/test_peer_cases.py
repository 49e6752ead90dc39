"""Business-time cases found in the test suites of other help desks agree with the calendar.

The cases are shared between teams and never copied into this repository. They are looked for in
``../shared/cases`` beside the repository, or in ``$FIRSTREPLY_SHARED/cases``; without that folder
these tests are skipped. A case marked ``portable: false`` is a habit of that system, not run here.
"""

import json
import os
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Final, TypedDict

import pytest

from firstreply.domain.calendar import Calendar
from firstreply.domain.errors import ConfigurationError


class CaseCalendar(TypedDict):
    timezone: str
    always_open: bool
    weekly: dict[str, list[tuple[str, str]]] | None
    holidays: list[str]
    annual_holidays: list[str]


class TimelineEntry(TypedDict):
    at: str
    type: str


class Expectation(TypedDict, total=False):
    deadline: str
    elapsed_seconds: float
    breach: bool
    error: str


class Case(TypedDict):
    id: str
    kind: str
    calendar: CaseCalendar
    policy: dict[str, str]
    timeline: list[TimelineEntry]
    target_seconds: float | None
    expect: Expectation
    portable: bool


REPOSITORY: Final = Path(__file__).resolve().parents[2]
SHARED: Final = Path(os.environ.get("FIRSTREPLY_SHARED", REPOSITORY.parent / "shared"))
FOLDER: Final = SHARED / "cases"

PORTABLE_CASES: Final = {
    "libredesk": {"deadline": 20, "error": 3},
    "znuny": {"deadline": 32, "elapsed": 28, "error": 1},
}
"""How many there are, by system and kind: none may be dropped in silence."""

needs_the_cases = pytest.mark.skipif(
    not FOLDER.is_dir(),
    reason="the shared cases are not beside the repository; set FIRSTREPLY_SHARED to their parent",
)


def cases() -> dict[str, list[Case]]:
    """Return the portable cases by system; none where the folder is absent."""
    return {
        path.stem: [case for case in json.loads(path.read_text())["cases"] if case["portable"]]
        for path in sorted(FOLDER.glob("*.json"))
    }


CASES: Final = cases()


def calendar(case: Case) -> Calendar:
    hours = case["calendar"]
    return Calendar.from_weekly(
        timezone=hours["timezone"],
        weekly=None if hours["always_open"] else hours["weekly"],
        holidays=[date.fromisoformat(day) for day in hours["holidays"]],
        annual_holidays=hours["annual_holidays"],
    )


def target(case: Case) -> float:
    assert case["target_seconds"] is not None
    return case["target_seconds"]


def span(case: Case) -> tuple[datetime, datetime]:
    """Return the first and the last instant of the timeline; equal where it has one entry."""
    instants = [datetime.fromisoformat(entry["at"]) for entry in case["timeline"]]
    return instants[0], instants[-1]


def check_deadline(case: Case) -> None:
    start, _ = span(case)

    deadline = calendar(case).deadline(start, target(case))

    assert deadline == datetime.fromisoformat(case["expect"]["deadline"])


def check_elapsed(case: Case) -> None:
    start, end = span(case)

    elapsed = calendar(case).elapsed(start, end)

    assert elapsed == case["expect"]["elapsed_seconds"]


def check_breach(case: Case) -> None:
    start, end = span(case)

    breach = end > calendar(case).deadline(start, target(case))

    assert breach == case["expect"]["breach"]


def check_error(case: Case) -> None:
    start, _ = span(case)

    match case["expect"]["error"]:
        case "invalid_target":
            hours = calendar(case)
            with pytest.raises(ValueError, match="a deadline needs a positive amount"):
                hours.deadline(start, target(case))
        case "no_open_time":
            with pytest.raises(ConfigurationError, match="no opening time at all"):
                calendar(case)
        case unknown:
            pytest.fail(f"{case['id']}: no check for the error {unknown}")


CHECKS: Final = {
    "deadline": check_deadline,
    "elapsed": check_elapsed,
    "breach": check_breach,
    "error": check_error,
}


@needs_the_cases
def test_the_portable_cases_are_all_there_and_each_kind_has_a_check() -> None:
    found = {
        system: dict(Counter(case["kind"] for case in of_system))
        for system, of_system in CASES.items()
    }

    assert found == PORTABLE_CASES
    assert {kind for kinds in found.values() for kind in kinds} <= set(CHECKS)


@needs_the_cases
@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["id"]) for of_system in CASES.values() for case in of_system],
)
def test_a_portable_case_of_a_peer_agrees(case: Case) -> None:
    assert case["policy"] == {"mode": "business_seconds"}

    CHECKS[case["kind"]](case)


@pytest.mark.parametrize(
    ("answered", "breach"),
    [("2026-01-05T18:00:00+00:00", False), ("2026-01-05T18:00:01+00:00", True)],
)
def test_a_breach_case_is_judged_by_its_deadline_inclusive(*, answered: str, breach: bool) -> None:
    # No peer case of this kind is there yet; its check must work when one comes.
    case: Case = {
        "id": "own-001",
        "kind": "breach",
        "calendar": {
            "timezone": "UTC",
            "always_open": False,
            "weekly": {"mon": [("09:00", "18:00")]},
            "holidays": [],
            "annual_holidays": [],
        },
        "policy": {"mode": "business_seconds"},
        "timeline": [
            {"at": "2026-01-05T17:00:00+00:00", "type": "opened"},
            {"at": answered, "type": "responded"},
        ],
        "target_seconds": 3600,
        "expect": {"breach": breach},
        "portable": True,
    }

    CHECKS[case["kind"]](case)
