"""An explanation tells the story of the counters: laws over random streams of events."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firstreply.adapters.records import FileRecord
from firstreply.domain.bands import Policy
from firstreply.domain.contact import Phase
from firstreply.domain.deadlines import deadline_of_band
from firstreply.domain.events import ContactEvent
from firstreply.domain.gauges import BandState
from firstreply.domain.instants import SECOND, to_datetime, to_instant
from firstreply.explanation import Explanation, SeenEvent, explain, explain_kept, render
from firstreply.explanation.model import Hours
from firstreply.explanation_replay import explain_records
from firstreply.fold import BadRecords
from firstreply.ports import Record, TimestampType
from firstreply.replay import replay
from firstreply.words import Language
from tests.unit.domain.builders import GRACE, book
from tests.unit.domain.streams import POLICIES, Folded, Stream, fold, new_engine, streams

CONTACTS: Final = ("a", "b", "c")

short = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def explained(folded: Folded, at: int) -> Iterator[tuple[Explanation, Policy]]:
    """Explain every received contact; yield each with what it was judged by."""
    engine = folded.engine
    for contact in engine.contacts():
        story = explain(contact, policies=engine.policies, book=engine.book, at=at)
        if contact.received is None:
            assert story.start is None
            assert story.bands == ()
        else:
            yield story, engine.policies[contact.policy]


def micros(seconds: float) -> int:
    return round(seconds * SECOND)


def check_hours(hours: Hours, total: int) -> None:
    """The windows add up, in order, and each is as long as it says."""
    shown = sum(micros(window.seconds) for window in hours.windows)
    assert shown + micros(hours.left_out_seconds) == micros(hours.seconds) == total
    last = None
    for window in hours.windows:
        assert (window.closes_at - window.opens_at).total_seconds() == window.seconds > 0
        assert last is None or last < window.opens_at
        last = window.closes_at


@given(streams())
@short
def test_the_outcomes_explained_are_the_net_outcomes_counted(stream: Stream) -> None:
    folded = fold(stream)

    told = Counter(
        (policy.channel, band.band, band.outcome)
        for story, policy in explained(folded, stream.until)
        for band in story.bands
        if band.outcome != "undecided"
    )

    assert told == folded.net()


@given(streams())
@short
def test_outcome_queue_phase_and_start_are_those_the_engine_keeps(stream: Stream) -> None:
    folded = fold(stream)

    for story, policy in explained(folded, stream.until):
        contact = folded.engine.contact(story.contact_id)
        assert contact is not None
        assert contact.start is not None
        assert story.start is not None
        kept = {name: (n.outcome, n.queue) for name, n in (contact.outcomes or {}).items()}
        assert kept == {
            band.band: (band.counted.outcome, band.counted.queue)
            for band in story.bands
            if band.counted is not None
        }
        assert all(
            band.outcome == ("undecided" if band.counted is None else band.counted.outcome)
            for band in story.bands
        )
        assert story.phase is contact.phase
        assert story.start.at == to_datetime(contact.start)
        assert contact.received == (policy.channel, story.queue.received)
        assert (story.response is None) == (contact.latency is None) or story.exclusion is not None


@given(streams())
@short
def test_windows_add_up_to_the_limit_and_the_last_one_ends_at_the_deadline(stream: Stream) -> None:
    for story, policy in explained(fold(stream), stream.until):
        assert story.start is not None
        for band, told in zip(policy.bands, story.bands, strict=True):
            assert told.deadline_at is not None
            deadline = deadline_of_band(policy, band, to_instant(story.start.at))
            assert told.deadline_at == to_datetime(deadline)
            if told.hours is not None:
                check_hours(told.hours, band.limit)
                assert told.hours.windows[0].opens_at >= story.start.at
                assert told.hours.windows[-1].closes_at == told.deadline_at


@given(streams())
@short
def test_windows_add_up_to_the_latency_inside_opening_hours(stream: Stream) -> None:
    for story, policy in explained(fold(stream), stream.until):
        response = story.response
        if response is None or policy.calendar is None:
            continue
        assert story.start is not None
        assert response.hours is not None
        start = to_instant(story.start.at)
        felt = micros(response.latency_seconds)
        opening = policy.calendar.elapsed_us(start, start + felt)
        assert micros(response.opening_seconds or 0) == opening
        check_hours(response.hours, opening)


@given(streams())
@short
def test_how_near_a_contact_is_to_its_promise_is_what_the_waiting_figures_count(
    stream: Stream,
) -> None:
    engine = new_engine()
    for event, log_time in stream.arrivals:
        engine.receive(event, log_time)
    gauges = engine.gauges()

    stories = [explain_kept(engine, name) for name in CONTACTS]

    waiting = Counter(
        story.waiting.band_state for story in stories if story and story.waiting is not None
    )
    counted = Counter[BandState]()
    for queue in gauges.queues.values():
        counted.update(queue.waiting)
    assert waiting == +counted
    assert all(
        (story.waiting is None) == (story.phase is not Phase.WAITING or gauges.at is None)
        for story in stories
        if story
    )


@given(streams())
@short
def test_explaining_changes_nothing(stream: Stream) -> None:
    folded = fold(stream)
    before = msgspec.msgpack.encode(sorted(folded.facts().items()))

    for _ in explained(folded, stream.until):
        pass

    assert msgspec.msgpack.encode(sorted(folded.facts().items())) == before
    assert not folded.engine.take_increments()


@given(streams())
@short
def test_an_explanation_is_the_same_after_json(stream: Stream) -> None:
    for story, _ in explained(fold(stream), stream.until):
        encoded = msgspec.json.encode(story)
        assert msgspec.json.decode(encoded, type=Explanation) == story


@given(streams(), st.sampled_from(Language))
@short
def test_its_words_fit_80_columns(stream: Stream, language: Language) -> None:
    engine = fold(stream).engine
    for contact in engine.contacts():
        story = explain(contact, policies=engine.policies, book=engine.book, at=stream.until)

        text = render(story, language)

        assert text.endswith("\n")
        assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines())
        assert all(line.isprintable() for line in text.splitlines())


@given(streams())
@short
def test_records_and_facts_give_the_same_roles(stream: Stream) -> None:
    engine = fold(stream).engine
    for contact in engine.contacts():
        seen = [SeenEvent(event) for event in stream.of(contact.contact_id)]

        of_records, of_facts = (
            {
                (event.what, event.at, event.role)
                for event in explain(
                    contact, policies=engine.policies, book=engine.book, at=None, events=events
                ).events
                if event.role is not None
            }
            for events in (seen, None)
        )

        assert of_records == of_facts


class Listed:
    """Decodes a record to the event of the same number."""

    def __init__(self, events: list[ContactEvent]) -> None:
        self._events = events

    def decode(self, record: Record) -> ContactEvent:
        return self._events[record.offset]

    def take_fallbacks(self) -> int:
        return 0


def recorded(stream: Stream) -> tuple[list[FileRecord], Listed]:
    """Return the stream as records of files, with the log times they came with."""
    records = [
        FileRecord(
            number,
            b"",
            None if log_time is None else log_time // 1000,
            None if log_time is None else TimestampType.LOG_APPEND_TIME,
        )
        for number, (_, log_time) in enumerate(stream.arrivals)
    ]
    return records, Listed([event for event, _ in stream.arrivals])


@given(streams(), st.sampled_from([None, 60, 3600]), st.sampled_from(["end", "until"]))
@short
def test_a_contact_explained_alone_is_as_in_a_replay_of_everything(
    stream: Stream, settle_for: int | None, look_at: str
) -> None:
    until = None if look_at == "end" else stream.until
    settle = None if settle_for is None else settle_for * SECOND
    policies = [msgspec.structs.replace(one, settle_for=settle) for one in POLICIES]
    records, decoder = recorded(stream)
    whole = replay(
        records,
        decoder=decoder,
        bad_records=BadRecords(1, 1000),
        book=book(*policies),
        grace=GRACE * SECOND,
        until=until,
    )
    engine = whole.fold.engine
    for name in CONTACTS:
        alone = explain_records(
            records,
            name,
            decoder=decoder,
            bad_records=BadRecords(1, 1000),
            book=book(*policies),
            grace=GRACE * SECOND,
            until=until,
        ).explanation

        contact = engine.contact(name)
        if contact is None:
            assert alone is None or alone.forgotten_at is not None
            continue
        end = engine.log_time if until is None else until
        story = explain(contact, policies=engine.policies, book=engine.book, at=end, events=())
        assert alone is not None
        assert story == msgspec.structs.replace(alone, events=(), earlier=())
