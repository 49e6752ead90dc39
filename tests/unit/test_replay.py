"""Replays: the same records give the same figures, however the time they were written runs."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstreply.adapters.codec import Decoder
from firstreply.adapters.records import FileRecord
from firstreply.domain.errors import FatalError
from firstreply.domain.increments import Increments
from firstreply.domain.instants import DAY, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords
from firstreply.replay import Replay, count_events, replay
from tests.unit.domain.builders import GRACE, at, book, policy
from tests.unit.fakes import NO_JSON, OF_ANOTHER, event, opened, record, responded


def replayed(
    records: Sequence[FileRecord],
    *,
    until: float | None = None,
    policies: PolicyBook | None = None,
    bad_records: BadRecords | None = None,
    grace: int = GRACE * SECOND,
    seen: list[int] | None = None,
) -> Replay:
    return replay(
        records,
        decoder=Decoder(),
        bad_records=bad_records or BadRecords(1, 1000),
        book=policies or book(),
        grace=grace,
        until=None if until is None else at(until),
        progressed=(lambda _: None) if seen is None else seen.append,
    )


def lines(*values: bytes, appended: float | None = None) -> list[FileRecord]:
    return [record(offset, value, appended=appended) for offset, value in enumerate(values)]


def chat(done: Replay) -> Any:  # noqa: ANN401 - JSON
    channels: Any = done.report["channels"]
    return channels["chat"]


def events(done: Replay) -> Any:  # noqa: ANN401 - JSON
    return done.report["events"]


def test_the_end_is_the_latest_time_and_decides_deadlines_without_grace() -> None:
    values = opened(0), opened(1, "d"), responded(600, "e")

    done = replayed(lines(*values))

    assert chat(done)["missed"] == {"10m": 1, "1h": 0}
    assert chat(done)["undecided"] == {"10m": 1, "1h": 2}


def test_until_decides_the_deadline_at_that_instant_and_none_after_it() -> None:
    values = opened(0), opened(0.000001, "d")

    done = replayed(lines(*values), until=600)

    assert chat(done)["missed"]["10m"] == 1
    assert chat(done)["undecided"]["10m"] == 1


def test_until_leaves_out_later_events_even_where_they_stand_first() -> None:
    values = responded(601), opened(0), opened(602, "d")

    done = replayed(lines(*values), until=600)

    assert chat(done)["received"] == 1
    assert chat(done)["missed"]["10m"] == 1
    assert events(done)["read"] == 1


def test_until_long_after_the_last_event_decides_everything() -> None:
    done = replayed(lines(opened(0)), until=4000)

    assert chat(done)["missed"] == {"10m": 1, "1h": 1}


def test_until_holds_for_deadlines_where_records_were_written_later() -> None:
    """The response is late in the file, not in the world; what falls due after until is open."""
    records = [
        record(0, opened(0), appended=0),
        record(1, opened(300, "d"), appended=300),
        record(2, responded(500), appended=90_000),
    ]

    done = replayed(records, until=600)

    assert chat(done)["within"]["10m"] == 1
    assert chat(done)["missed"]["10m"] == 0
    assert chat(done)["undecided"]["10m"] == 1


def test_until_holds_for_deadlines_where_a_broken_record_was_written_later() -> None:
    records = [record(0, opened(300), appended=300), record(1, NO_JSON, appended=90_000)]

    done = replayed(records, until=600)

    assert chat(done)["undecided"]["10m"] == 1


def test_nothing_at_all_gives_an_empty_report() -> None:
    done = replayed([])

    assert done.report["channels"] == {}
    assert events(done) == {
        "read": 0,
        "rejected": {},
        "duplicate": 0,
        "late": 0,
        "unmatched": 0,
    }


def test_events_are_counted_by_what_became_of_them() -> None:
    twice = event("opened", 100, "d", channel="chat", id="x")
    values = (
        opened(0),
        twice,
        twice,
        opened(50, "e"),
        responded(90, "f"),
        NO_JSON,
        b"[]",
        OF_ANOTHER,
    )

    done = replayed(lines(*values))

    assert events(done) == {
        "read": 8,
        "rejected": {"not_json": 1, "wrong_schema": 1},
        "duplicate": 1,
        "late": 2,
        "unmatched": 1,
    }


def test_a_response_that_was_forgotten_before_the_end_is_unmatched_as_one_held_at_the_end() -> None:
    settled = book(policy("chat", settle_for=60))
    values = responded(0, "a"), responded(1, "a"), opened(200, "b"), responded(300, "c")

    done = replayed(lines(*values), policies=settled)

    assert events(done)["unmatched"] == 3


def test_a_contact_that_was_forgotten_on_the_way_is_in_the_report() -> None:
    settled = book(policy("chat", settle_for=60))
    values = opened(0, "a"), responded(30, "a"), opened(200, "b")

    done = replayed(lines(*values), policies=settled)

    assert done.fold.engine.contact("a") is None
    assert chat(done)["received"] == 2
    assert chat(done)["first_response_seconds"]["max"] == 30


def test_a_response_without_an_opening_that_was_reopened_is_not_unmatched() -> None:
    values = event("reopened", 0, "a", actor="customer"), responded(30, "a")

    done = replayed(lines(*values))

    assert events(done)["unmatched"] == 0


def test_counting_sums_up_over_labels_and_ignores_other_metrics() -> None:
    increments = Increments()
    increments.count("firstreply_events_total", "contact.opened", amount=2)
    increments.count("firstreply_events_total", "contact.closed", amount=3)
    increments.count("firstreply_events_rejected_total", "no_time", amount=4)
    increments.count("firstreply_responses_unmatched_total", amount=5)
    increments.count("contact_received_total", "chat", "none", amount=99)

    counted = count_events(increments, ())

    assert (counted.read, counted.rejected, counted.unmatched) == (9, {"no_time": 4}, 5)


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    seen: list[int] = []

    replayed([record(n, NO_JSON) for n in range(4001)], seen=seen)

    assert seen == [2000, 4000, 4001]


def test_too_many_bad_records_stop_a_replay() -> None:
    with pytest.raises(FatalError, match="4 of the last 4 records are bad"):
        replayed(lines(*[NO_JSON] * 4), bad_records=BadRecords(0.9, 4))


SECONDS = st.integers(0, 5000)
HAPPENING = st.one_of(
    st.tuples(st.just("opened"), SECONDS),
    st.tuples(st.just("responded"), SECONDS),
    st.tuples(st.just("abandoned"), SECONDS),
    st.tuples(st.just("closed"), SECONDS),
)
STORY = st.lists(st.tuples(st.sampled_from("abc"), HAPPENING), max_size=12)


def written(story: list[tuple[str, tuple[str, int]]]) -> list[bytes]:
    values = []
    for contact, (kind, seconds) in story:
        if kind == "opened":
            values.append(opened(seconds, contact))
        elif kind == "responded":
            values.append(responded(seconds, contact))
        else:
            values.append(event(kind, seconds, contact))
    return values


@settings(max_examples=60, deadline=None)
@given(story=STORY, grace=st.sampled_from([0, GRACE, 3600]), until=st.none() | SECONDS)
def test_grace_never_changes_a_final_figure(
    story: list[tuple[str, tuple[str, int]]], grace: int, until: int | None
) -> None:
    records = lines(*written(story))

    usual = replayed(records, until=until).report
    other = replayed(records, until=until, grace=grace * SECOND).report

    assert other["channels"] == usual["channels"]
    assert other["all"] == usual["all"]


@settings(max_examples=60, deadline=None)
@given(story=STORY, until=SECONDS, written_late=st.integers(0, DAY // SECOND))
def test_when_records_were_written_never_changes_a_figure_until_an_instant(
    story: list[tuple[str, tuple[str, int]]], until: int, written_late: int
) -> None:
    values = written(story)
    in_order = [record(n, value) for n, value in enumerate(values)]
    late = [record(n, value, appended=written_late + n) for n, value in enumerate(values)]

    assert (
        replayed(late, until=until).report["all"] == replayed(in_order, until=until).report["all"]
    )


def test_what_is_observed_is_handed_on_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstreply.replay._CHUNK", 2)
    published: list[Increments] = []

    done = replay(
        lines(opened(0), responded(30), opened(100, "d"), responded(140, "d")),
        decoder=Decoder(),
        bad_records=BadRecords(1, 1000),
        book=book(),
        grace=GRACE * SECOND,
        publish=published.append,
    )

    seconds = [[at for name, _, at in one.observations if "response" in name] for one in published]
    assert seconds == [[30.0], [40.0], []]  # the last one comes with the end's deadlines
    assert done.increments.observations == []
    assert done.fold.engine.unchanged
