"""Explaining one contact of a log: its events and corrections, and what becomes of its id."""

from collections.abc import Sequence

import pytest

from firstreply import explanation_replay
from firstreply.adapters.codec import Decoder
from firstreply.adapters.records import FileRecord
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.explanation import Explanation, Place, render
from firstreply.explanation.events import MOST_EVENTS
from firstreply.explanation.model import Correction
from firstreply.explanation_replay import Explained, explain_records
from firstreply.fold import BadRecords
from firstreply.words import Language
from tests.shared import LOGS, log_lines, log_path, needs_shared, records_of
from tests.unit.domain.builders import GRACE, at, book, policy
from tests.unit.fakes import NO_JSON, event, opened, record, responded

PROMISED = policy("chat", promise="10m")


def explained(
    lines: Sequence[bytes | FileRecord],
    contact_id: str = "c",
    *,
    policies: PolicyBook | None = None,
    until: float | None = None,
) -> Explained:
    records = [
        line if isinstance(line, FileRecord) else FileRecord(number, line)
        for number, line in enumerate(lines)
    ]
    return explain_records(
        records,
        contact_id,
        decoder=Decoder(),
        bad_records=BadRecords(1, 1000),
        book=policies or book(PROMISED),
        grace=GRACE * SECOND,
        until=None if until is None else at(until),
    )


def story(lines: Sequence[bytes | FileRecord], **arguments: PolicyBook | float) -> Explanation:
    told = explained(lines, **arguments).explanation  # type: ignore[arg-type]
    assert told is not None
    return told


def test_a_late_answer_corrects_what_was_counted_and_says_so() -> None:
    told = story([opened(0), opened(606, "d"), responded(599)])

    corrections = [event.corrections for event in told.events]
    assert corrections == [(), (Correction("10m", "missed", "met"),)]
    assert [event.late for event in told.events] == [False, True]


def test_an_answer_within_the_grace_corrects_nothing() -> None:
    told = story([opened(0), opened(605, "d"), responded(599)])

    assert [event.corrections for event in told.events] == [(), ()]


def test_corrections_of_another_contact_are_not_told() -> None:
    told = story([opened(0, "d"), opened(0), opened(606, "e"), responded(599, "d"), responded(610)])

    assert [event.corrections for event in told.events] == [(), ()]


def test_a_duplicate_is_told_as_one() -> None:
    told = story([opened(0), responded(60), responded(60)])

    assert [event.duplicate for event in told.events] == [False, False, True]
    assert [event.role for event in told.events] == ["start", "first_response", None]


def test_the_time_records_reached_the_log_moves_the_clock() -> None:
    told = story([record(0, opened(0), appended=1), record(1, opened(0, "d"), appended=700)])

    assert told.bands[0].because == "unanswered"
    assert told.at is not None
    assert told.at.timestamp() * SECOND == at(700)


def test_an_id_that_comes_back_after_it_was_forgotten_is_another_contact() -> None:
    short = book(policy("chat", settle_for=600))
    told = story(
        [opened(0), responded(60), opened(700, "d"), opened(800), opened(900, "d")], policies=short
    )

    assert [one.phase for one in (*told.earlier, told)] == ["answered", "waiting"]
    assert [len(one.events) for one in (*told.earlier, told)] == [2, 1]
    assert [one.forgotten_at is None for one in (*told.earlier, told)] == [False, True]
    text = render(told, Language.EN)
    assert text.startswith("1 of 2 contacts with this id:\nContact c: answered")
    assert "\n\n2 of 2 contacts with this id:\nContact c: still waiting" in text


def test_a_contact_that_was_forgotten_for_good_is_told_as_it_was() -> None:
    told = story(
        [opened(0), responded(60), opened(700, "d")],
        policies=book(policy("chat", settle_for=600)),
    )

    assert told.forgotten_at is not None
    assert (told.phase, told.earlier, told.earlier_left_out) == ("answered", (), 0)


def test_of_an_id_that_comes_back_very_often_the_latest_are_told() -> None:
    short = book(policy("chat", settle_for=1))
    lines = [line for n in range(15) for line in (opened(10 * n), responded(10 * n + 1))]

    told = story(lines, policies=short)

    assert (len(told.earlier), told.earlier_left_out) == (10, 4)
    assert render(told, Language.EN).startswith("5 of 15 contacts with this id:\n")


def test_of_very_many_events_the_first_the_last_and_those_that_matter_are_told() -> None:
    bot = [event("responded", n, actor="bot") for n in range(1, 301)]
    told = story([opened(0), *bot[:150], responded(150), *bot[150:]])

    assert len(told.events) == MOST_EVENTS + 1
    assert told.events_left_out == 302 - len(told.events)
    roles = [one.role for one in told.events if one.role is not None]
    assert roles == ["start", "acknowledgement", "first_response"]
    text = render(told, Language.EN)
    assert f"...                 {302 - 21} more events\n" in text


def test_memory_is_bounded_however_many_events_a_contact_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(explanation_replay, "MOST_EVENTS", 10)
    told = story([opened(0), *(responded(n) for n in range(1, 31))])

    assert [one.role for one in told.events[:2]] == ["start", "first_response"]
    assert (len(told.events), told.events_left_out) == (10, 21)


def test_many_other_contacts_are_counted_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation_replay, "MOST_CONTACTS", 3)

    reading = explained([opened(n, f"d{n}") for n in range(9)]).reading

    assert (reading.events, len(reading.contacts)) == (9, 4)


def test_rejected_records_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanation_replay, "_EVERY", 10)
    progressed: list[int] = []

    explain_records(
        [FileRecord(number, NO_JSON) for number in range(25)],
        "c",
        decoder=Decoder(),
        bad_records=BadRecords(1, 1000),
        book=book(),
        grace=0,
        progressed=progressed.append,
    )

    assert progressed == [10, 20]


def test_each_event_has_the_place_it_was_read_from() -> None:
    records = [FileRecord(0, opened(0, "d")), FileRecord(1, opened(0))]
    places = iter([("b.jsonl", 7)])

    told = explain_records(
        records,
        "c",
        decoder=Decoder(),
        bad_records=BadRecords(1, 1000),
        book=book(),
        grace=0,
        place=lambda: next(places),
    ).explanation

    assert told is not None
    assert told.events[0].place == Place("b.jsonl", 7, 1)


def test_an_empty_log_explains_nothing() -> None:
    assert explained([]).explanation is None


@needs_shared
@pytest.mark.parametrize("name", LOGS)
def test_real_contacts_are_told_in_80_columns(name: str) -> None:
    lines = log_lines(log_path(name))[:4000]
    ids = sorted({line.split(b'"contact_id":"')[1].split(b'"')[0].decode() for line in lines})

    for contact_id in ids[:: len(ids) // 3]:
        told = explained(records_of(lines), contact_id).explanation
        assert told is not None
        for language in Language:
            assert all(len(line) <= 80 for line in render(told, language).splitlines())
