"""What an explanation says of a contact, case by case."""

import msgspec
import pytest

from firstreply.domain.bands import ClockStart
from firstreply.domain.contact import Contact, Counted, Outcome
from firstreply.domain.events import Actor, ContactEvent
from firstreply.explanation import explain_kept, render
from firstreply.words import Language
from tests.unit.domain.builders import (
    GRACE,
    MICROSECOND,
    PHONE,
    Desk,
    abandoned,
    band,
    book,
    closed,
    excluded,
    message,
    opened,
    outbound,
    policy,
    queued,
    reopened,
    responded,
    transferred,
)
from tests.unit.told import PROMISED, bands, moment, story, text


def test_a_contact_that_is_not_kept_has_no_explanation() -> None:
    assert explain_kept(Desk().engine, "c") is None


# The start.


@pytest.mark.parametrize(
    ("first", "because"), [(opened(0), "opened"), (message(0, channel="chat"), "message")]
)
def test_the_start_is_the_first_opening_or_message(first: ContactEvent, because: str) -> None:
    desk = Desk(PROMISED)
    desk.receive(first, responded(60))

    told = story(desk)

    assert told.start is not None
    assert (told.start.because, told.start.at) == (because, moment(0))
    assert told.events[0].role == "start"


def test_a_queue_starts_the_clock_and_the_opening_is_only_the_opening() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), queued(30, queue="billing"))

    told = story(desk)

    assert told.start is not None
    assert (told.start.because, told.start.at) == ("queued", moment(30))
    assert [event.role for event in told.events] == ["opening", "start"]


def test_an_answer_before_any_queue_starts_the_clock_at_the_opening() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), responded(10))

    told = story(desk)

    assert told.start is not None
    assert (told.start.because, told.start.at) == ("queue_fallback", moment(0))
    assert "but a human answered before: it starts at the opening" in text(desk)


def test_without_a_queue_no_clock_runs_and_the_contact_is_not_received() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"))

    told = story(desk)

    assert (told.start, told.opened_at, told.bands) == (None, moment(0), ())
    assert "None has yet, so no clock runs." in text(desk)


def test_an_end_before_any_queue_is_self_service() -> None:
    desk = Desk(PHONE)
    desk.receive(opened(0, channel="phone"), abandoned(10))

    assert story(desk).self_served
    assert text(desk).startswith("Contact c: self-served, not received.")


def test_what_we_open_counts_once_the_customer_writes() -> None:
    desk = Desk(PROMISED)
    desk.receive(outbound(0), responded(10))
    before = story(desk)
    desk.receive(message(60))
    after = story(desk)

    assert before.start is None
    assert "by us, outbound. It counts as received once the customer writes" in " ".join(
        render(before, Language.EN).split()
    )
    assert after.start is not None
    assert after.start.at == moment(60)
    roles = [(event.what.value, event.role) for event in after.events]
    assert roles == [("opened outbound", None), ("responded", "too_early"), ("message", "start")]


def test_answers_without_any_opening_are_held_until_they_are_forgotten() -> None:
    desk = Desk(policy("chat", settle_for=600))
    desk.receive(responded(0))

    told = story(desk)

    assert (told.channel, told.kept_until) == (None, moment(600))
    assert "What else came is held for it until Mon 2 Mar 09:10." in text(desk)


@pytest.mark.parametrize(
    ("later", "because"), [(opened(60, channel="chat"), "another"), (responded(60), "nobody")]
)
def test_a_message_without_channel_takes_that_of_another_event(
    later: ContactEvent, because: str
) -> None:
    desk = Desk(PROMISED)
    desk.receive(message(0), later)

    channel = story(desk).channel

    assert channel is not None
    assert channel.because == because
    assert channel.channel == ("chat" if because == "another" else "other")


# What came of it.


def test_an_answer_at_the_very_deadline_is_in_time_and_one_microsecond_later_is_not() -> None:
    for seconds, because, margin in (
        (600, "answered", 0.0),
        (600 + MICROSECOND, "answered_late", -MICROSECOND),
    ):
        desk = Desk(PROMISED)
        desk.receive(opened(0), responded(seconds))

        told = bands(desk)["10m"]

        assert (told.because, told.margin_seconds) == (because, margin)
    assert "0.000001 s after the deadline" in text(desk)


def test_an_answer_within_the_clock_skew_before_the_start_is_at_once() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(-2))

    told = story(desk)

    assert told.response is not None
    assert (told.response.within_skew, told.response.latency_seconds) == (True, 0.0)
    assert told.response.at == moment(-2)
    assert "within the tolerance for clocks: answered at once" in text(desk)


def test_an_earlier_answer_is_too_early_to_be_one() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(-3))

    assert story(desk).response is None
    assert [event.role for event in story(desk).events] == ["too_early", "start"]


def test_an_automatic_reply_before_the_human_one_acknowledges() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(5, actor=Actor.BOT), responded(60))

    assert story(desk).acknowledged_at == moment(5)
    assert "5 s after the start. That acknowledges the contact" in text(desk)


def test_an_automatic_reply_after_the_human_one_does_not() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(5), responded(60, actor=Actor.BOT))

    assert story(desk).acknowledged_at is None


def test_nobody_answered_by_the_deadline() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0))
    desk.advance(601 + GRACE)

    told = bands(desk)

    assert (told["10m"].outcome, told["10m"].because) == ("missed", "unanswered")
    assert told["10m"].decided_at == told["10m"].deadline_at == moment(600)
    assert (told["1h"].outcome, told["1h"].because) == ("undecided", "running")
    assert "; promise missed (10m)" in text(desk)


def test_a_deadline_that_has_come_is_due_until_its_grace_is_over() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0))
    desk.advance(600 + GRACE)

    told = story(desk)

    assert told.waiting is not None
    assert told.waiting.next_deadline is not None
    assert told.waiting.next_deadline.remaining_seconds == 0
    assert told.bands[0].outcome == "undecided"
    assert "has come; the miss counts once no answer can be on its way" in text(desk)


@pytest.mark.parametrize(
    ("abandoned_counts", "said"),
    [(True, "; promise not kept (10m)"), (False, "; left out of the promise (10m)")],
)
def test_a_customer_who_gave_up_counts_against_the_promise_unless_ignored(
    said: str, *, abandoned_counts: bool
) -> None:
    desk = Desk(policy("chat", promise="10m", abandoned_counts=abandoned_counts))
    desk.receive(opened(0), abandoned(90))

    assert bands(desk)["10m"].because == "abandoned"
    assert said in text(desk)
    assert "The customer gave up Mon 2 Mar 09:01:30, 1 min 30 s after the start" in text(desk)


def test_a_customer_who_gave_up_after_the_deadline_had_been_missed_before() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), abandoned(700))

    assert "The promise had been missed before, at its deadline." in text(desk)


def test_a_close_without_an_answer_is_a_miss_at_that_instant() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), closed(90))

    told = bands(desk)["10m"]

    assert (told.outcome, told.because, told.decided_at) == ("missed", "closed", moment(90))
    assert "missed, closed Mon 2 Mar 09:01:30 unanswered" in text(desk)


def test_an_answer_after_a_close_changes_no_outcome() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), closed(90), responded(100))

    assert bands(desk)["10m"].because == "closed"
    assert "answered by a human after 1 min 40 s, when it had been closed" in text(desk)
    assert "That changes no outcome any more." in text(desk)


def test_a_close_after_the_answer_ends_nothing() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(90), closed(100))

    assert [event.role for event in story(desk).events] == ["start", "first_response", None]


def test_giving_up_decides_the_bands_whose_deadline_is_later() -> None:
    desk = Desk(policy("chat", promise="1h", give_up_after=1200))
    desk.receive(opened(0))
    desk.advance(1201 + GRACE)

    told = bands(desk)

    assert (told["10m"].because, told["1h"].because) == ("unanswered", "given_up")
    assert told["1h"].decided_at == story(desk).gives_up_at == moment(1200)
    assert "missed, given up Mon 2 Mar 09:20" in text(desk)


@pytest.mark.parametrize(
    ("events", "because", "reason"),
    [
        ((opened(0), excluded(60, reason="test")), "event", "test"),
        ((opened(0), closed(60, reason="Spam")), "close", "spam"),
        ((opened(0), abandoned(4)), "short_abandon", "short_abandon"),
    ],
)
def test_an_exclusion_says_why_and_holds_in_every_band(
    events: tuple[ContactEvent, ...], because: str, reason: str
) -> None:
    desk = Desk(policy("chat", promise="10m", short_abandon=5))
    desk.receive(*events)

    told = story(desk)

    assert told.exclusion is not None
    assert (told.exclusion.because, told.exclusion.reason) == (because, reason)
    assert {one.outcome for one in told.bands} == {"excluded"}
    assert "it counts in no band" in text(desk)


def test_a_customer_who_writes_again_waits_for_a_reply() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(60), reopened(120))

    assert story(desk).reply_waiting_since == moment(120)
    assert "The customer wrote again Mon 2 Mar 09:02 and waits for a reply." in text(desk)


# Who counts it, and by what.


def test_each_outcome_is_charged_to_the_queue_that_held_the_contact_when_it_fell() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0, queue="billing"), transferred(700, queue="elsewhere"), responded(800))

    told = bands(desk)

    assert told["10m"].counted == msgspec.convert(
        {"outcome": "missed", "queue": "billing"}, type(told["10m"].counted)
    )
    assert told["1h"].counted is not None
    assert told["1h"].counted.queue == "other"
    assert "10m: queue billing; 1h: queue other." in text(desk)
    assert "transferred (queue elsewhere, not configured: counts as other)" in text(desk)


def test_a_contact_keeps_its_policy_and_says_when_the_configuration_has_changed() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0))
    desk.engine.book = book(policy("chat", promise="1h"))

    told = story(desk)

    assert told.channel is not None
    assert (told.channel.policy, told.channel.policy_in_force) == (PROMISED.digest(), False)
    assert [one.band for one in told.bands if one.objective is not None] == ["10m"]
    assert f"judged by the one of then ({PROMISED.digest()})" in text(desk)


def test_what_was_counted_is_told_where_the_verdict_is_another() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(60))
    contact = desk.contact()
    contact.outcomes = {"10m": Counted(Outcome.MISSED, "none")}

    told = bands(desk)["10m"]

    assert told.outcome == "met"
    assert told.counted is not None
    assert told.counted.outcome == "missed"
    assert "met, 9 min to spare; counted so far as missed" in text(desk)


def test_what_was_counted_stays_where_nothing_decides_it_any_more() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0))
    desk.contact().outcomes = {"10m": Counted(Outcome.MISSED, "none")}

    told = bands(desk)["10m"]

    assert (told.outcome, told.because, told.decided_at) == ("missed", "counted_before", None)
    assert "counted earlier as missed" in text(desk)


def test_a_queued_channel_without_a_start_candidate_yet_is_told_by_its_facts() -> None:
    video = policy("video", (band("10m"),), clock_start=ClockStart.QUEUED)
    desk = Desk(video)
    desk.receive(queued(0, queue="billing"), transferred(5, queue="support"))

    told = story(desk)

    assert [event.what.value for event in told.events] == ["queued", "transferred"]
    assert [event.queue for event in told.events] == ["billing", "support"]
    assert told.queue.received is None


def test_a_contact_before_the_first_log_time_is_told_without_a_clock() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0))

    told = story(desk)

    assert (told.at, told.waiting) == (None, None)
    assert text(desk).startswith(
        "Contact c: still waiting for an answer; promise still open (10m)."
    )


def test_facts_are_told_with_their_ids_at_the_end() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), message(10, id="m-1"))

    told = story(desk)

    assert told.events_from == "facts"
    assert told.event_ids[-1] == "m-1"
    assert isinstance(desk.contact(), Contact)
    assert "m-1." in text(desk)


def test_a_contact_of_which_no_instant_is_known_has_no_events_to_tell() -> None:
    desk = Desk(PROMISED)
    desk.receive(reopened(0, actor=Actor.AGENT))

    assert story(desk).events == ()
    assert "No opening and no message by the customer is known." in text(desk)


def test_an_answer_after_the_giving_up_is_told_with_its_margin_to_the_deadline() -> None:
    desk = Desk(policy("chat", promise="1h", give_up_after=1200))
    desk.receive(opened(0), responded(1300))

    told = bands(desk)["1h"]

    assert (told.outcome, told.because, told.margin_seconds) == ("missed", "given_up", 2300)
    assert "21 min 40 s after the start. That changes no outcome any more." in text(desk)


def test_an_answer_at_the_very_start_is_at_once_and_needs_no_tolerance() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), responded(0))

    told = story(desk).response

    assert told is not None
    assert (told.within_skew, told.latency_seconds) == (False, 0.0)
    assert "answered by a human at once" in text(desk)
    assert "Answered Mon 2 Mar 09:00 by a human, at once." in text(desk)


def test_an_end_at_the_instant_of_the_answer_does_not_come_before_it() -> None:
    desk = Desk(PROMISED)
    desk.receive(opened(0), abandoned(60), responded(60))

    told = story(desk)

    assert told.ended is not None
    assert not told.ended.before_response
    assert bands(desk)["10m"].outcome == "met"
