"""Rule 13: whom nobody answered is given up; who is settled and silent is forgotten."""

import pytest

from firstreply.domain.contact import Contact, Phase
from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import SECOND
from tests.unit.domain.builders import (
    ABANDONED,
    GRACE,
    MET,
    MICROSECOND,
    MISSED,
    Desk,
    abandoned,
    at,
    band,
    book,
    closed,
    excluded,
    message,
    opened,
    outbound,
    policy,
    reopened,
    responded,
    transferred,
)

HOPE = policy("chat", (band("10m"), band("1h")), give_up_after=1000)
BRIEF = policy("chat", (band("10m"),), settle_for=100)


def test_rule_13_at_give_up_after_the_contact_is_given_up_and_undecided_bands_are_missed() -> None:
    desk = Desk(HOPE)
    desk.receive(opened(0))

    desk.finish(1000)

    assert desk.phase() is Phase.GIVEN_UP
    assert desk.judged() == {"10m": MISSED, "1h": MISSED}
    assert desk.labelled("contact_unanswered_total") == {("chat", "none", "given_up"): 1}


def test_rule_13_a_microsecond_earlier_it_still_waits() -> None:
    desk = Desk(HOPE)
    desk.receive(opened(0))

    desk.finish(1000 - MICROSECOND)

    assert desk.phase() is Phase.WAITING
    assert desk.judged() == {"10m": MISSED}


def test_rule_13_giving_up_fires_strictly_after_grace() -> None:
    desk = Desk(HOPE)
    desk.receive(opened(0), log=0)

    desk.advance(1000 + GRACE)
    before = desk.phase()
    desk.advance(1000 + GRACE + MICROSECOND)

    assert before is Phase.WAITING
    assert desk.phase() is Phase.GIVEN_UP


def test_rule_13_never_gives_nobody_up() -> None:
    desk = Desk(policy("chat", (band("10m"),)))
    desk.receive(opened(0), log=0)

    desk.advance(10**9)

    assert desk.phase() is Phase.WAITING


@pytest.mark.parametrize("seconds", [1000, 2000], ids=["at giving up", "later"])
def test_rule_13_an_answer_after_giving_up_is_an_answer_and_leaves_the_misses(
    seconds: float,
) -> None:
    desk = Desk(HOPE)

    desk.receive(opened(0), responded(seconds + MICROSECOND))

    assert desk.phase() is Phase.ANSWERED
    assert desk.judged() == {"10m": MISSED, "1h": MISSED}


def test_rule_13_an_answer_at_the_instant_of_giving_up_is_in_time() -> None:
    desk = Desk(HOPE)

    desk.receive(opened(0), responded(1000))

    assert desk.judged() == {"10m": MISSED, "1h": MET}


@pytest.mark.parametrize("end", [abandoned(1001), closed(1001)], ids=["abandoned", "closed"])
def test_rule_13_an_end_after_giving_up_does_not_undo_it(end: ContactEvent) -> None:
    desk = Desk(HOPE)

    desk.receive(opened(0), end)

    assert desk.phase() is Phase.GIVEN_UP
    assert desk.judged() == {"10m": MISSED, "1h": MISSED}
    assert desk.labelled("contact_unanswered_total") == {("chat", "none", "given_up"): 1}


@pytest.mark.parametrize(
    ("end", "phase"), [(abandoned(1000), Phase.ABANDONED), (closed(1000), Phase.CLOSED)]
)
def test_rule_13_an_end_at_the_instant_of_giving_up_is_an_end_but_every_band_is_missed(
    end: ContactEvent, phase: Phase
) -> None:
    desk = Desk(HOPE)

    desk.receive(opened(0), end)

    assert desk.phase() is phase
    assert desk.judged() == {"10m": MISSED, "1h": MISSED}


def test_rule_13_an_abandonment_before_giving_up_that_arrives_late_corrects_it() -> None:
    desk = Desk(HOPE)
    desk.receive(opened(0))
    desk.finish(1000)

    desk.receive(abandoned(999))

    assert desk.phase() is Phase.ABANDONED
    assert desk.judged() == {"10m": MISSED, "1h": ABANDONED}


def test_rule_13_a_giving_up_is_charged_to_the_queue_of_its_instant() -> None:
    desk = Desk(HOPE)

    desk.receive(opened(0, queue="billing"), transferred(1500, queue="support"), closed(2000))

    assert desk.labelled("contact_unanswered_total") == {("chat", "billing", "given_up"): 1}


SETTLED = [
    (responded(10), Phase.ANSWERED),
    (closed(10), Phase.CLOSED),
    (abandoned(10), Phase.ABANDONED),
    (excluded(10), Phase.EXCLUDED),
]


@pytest.mark.parametrize(("event", "phase"), SETTLED, ids=[phase for _, phase in SETTLED])
def test_rule_13_a_settled_contact_silent_for_settle_for_is_forgotten_whole(
    event: ContactEvent, phase: Phase
) -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), event, log=10)

    desk.advance(110)
    before = desk.phase()
    desk.advance(110 + MICROSECOND)

    assert before is phase
    assert desk.engine.contact("c") is None
    assert desk.gauges().tracked == 0
    assert desk.gauges().queues == {}


def test_rule_13_a_waiting_contact_is_not_forgotten() -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), log=0)

    desk.advance(10**6)

    assert desk.phase() is Phase.WAITING


def test_rule_13_settle_for_never_forgets_nobody() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(10), log=10)

    desk.advance(10**9)

    assert desk.phase() is Phase.ANSWERED


def test_rule_13_every_event_begins_the_silence_anew() -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), responded(10), log=10)

    desk.receive(transferred(20), log=90)
    desk.advance(190)

    assert desk.phase() is Phase.ANSWERED


def test_rule_13_a_duplicate_does_not_break_the_silence() -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), responded(10), log=10)

    desk.receive(responded(10), log=90)
    desk.advance(110 + MICROSECOND)

    assert desk.engine.contact("c") is None


def test_rule_13_a_backlog_with_create_time_is_not_forgotten_at_the_first_proof() -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), responded(10))

    desk.advance(105)

    assert desk.phase() is Phase.ANSWERED


def test_rule_13_a_reply_wait_goes_with_the_contact() -> None:
    desk = Desk(BRIEF)
    desk.receive(opened(0), responded(10), message(20), log=20)

    desk.advance(121)

    assert desk.engine.contact("c") is None
    assert desk.gauges().queues == {}


def test_rule_13_held_responses_whose_opening_never_came_are_unmatched() -> None:
    desk = Desk(BRIEF, policy("other", settle_for=100))
    desk.receive(responded(0), responded(1), log=1)

    desk.advance(101)
    before = desk.total("firstreply_responses_unmatched_total")
    desk.advance(101 + MICROSECOND)

    assert before == 0
    assert desk.total("firstreply_responses_unmatched_total") == 2
    assert desk.engine.contact("c") is None


@pytest.mark.parametrize(
    "held",
    [(closed(0),), (reopened(0), responded(1)), (outbound(0),)],
    ids=["a close", "a reply after a reopening", "an outbound contact"],
)
def test_rule_13_what_else_was_held_is_not_unmatched(held: tuple[ContactEvent, ...]) -> None:
    desk = Desk(BRIEF, policy("other", settle_for=100))
    desk.receive(*held, log=1)

    desk.advance(200)

    assert desk.engine.contact("c") is None
    assert desk.total("firstreply_responses_unmatched_total") == 0


def test_rule_13_the_listener_sees_each_forgotten_contact_once_and_complete() -> None:
    seen: list[Contact] = []
    engine = Engine(book(BRIEF), grace=GRACE * SECOND, forgotten=seen.append)
    desk = Desk(engine=engine)
    desk.receive(opened(0), responded(10), log=10)

    desk.advance(1000)
    desk.advance(2000)

    assert [contact.contact_id for contact in seen] == ["c"]
    assert seen[0].phase is Phase.ANSWERED
    assert seen[0].latency == 10 * SECOND


def test_rule_13_a_forgotten_contact_that_writes_again_starts_anew() -> None:
    desk = Desk(BRIEF, policy("other", settle_for=100))
    desk.receive(opened(0), responded(10), log=10)
    desk.advance(1000)

    desk.receive(message(1000))

    assert desk.start() == 1000
    assert desk.count("firstreply_without_opening_total") == 1


def test_rule_13_a_given_up_contact_is_counted_before_it_is_forgotten() -> None:
    seen: list[Contact] = []
    both = policy("chat", (band("10m"),), give_up_after=1000, settle_for=100)
    engine = Engine(book(both), grace=GRACE * SECOND, forgotten=seen.append)
    desk = Desk(engine=engine)
    desk.receive(opened(0), log=0)

    desk.advance(10_000)

    assert [contact.phase for contact in seen] == [Phase.GIVEN_UP]
    assert desk.total("contact_unanswered_total") == 1
    assert desk.gauges().queues == {}


def test_rule_13_a_given_up_contact_is_kept_for_settle_for_after_it_was_given_up() -> None:
    desk = Desk(policy(give_up_after=1000, settle_for=100))
    desk.receive(opened(0), log=0)

    desk.advance(1000 + 100)
    kept = desk.engine.contact("c") is not None
    desk.advance(1000 + 100 + MICROSECOND)

    assert kept
    assert desk.engine.contact("c") is None


def test_rule_13_forgetting_stops_where_the_caller_s_slice_ends_and_goes_on_there() -> None:
    desk = Desk(BRIEF)
    for name in ("a", "b", "c"):
        desk.receive(opened(0, name), responded(10, name), log=10)

    done = [desk.engine.advance(at(200), at_most=2), desk.engine.advance(at(200), at_most=2)]

    assert done == [False, True]
    assert desk.gauges().tracked == 0


def test_rule_13_a_held_answer_is_kept_as_long_as_the_channel_says_once_it_is_known() -> None:
    desk = Desk(policy("chat"), policy("other", settle_for=100))
    desk.receive(responded(10), log=10)

    desk.receive(opened(9), log=20)
    desk.advance(10**6)

    assert desk.phase() is Phase.ANSWERED
    assert desk.engine.next_deadline() is None


def test_rule_13_a_deadline_that_the_end_of_a_replay_decided_does_not_fire_again() -> None:
    desk = Desk(policy("chat", give_up_after=9000))
    desk.receive(opened(0), log=0)

    desk.finish(700)
    before = desk.engine.next_deadline()
    desk.advance(700 + GRACE)

    assert before == at(600 + GRACE)
    assert desk.engine.next_deadline() == at(3600 + GRACE)
    assert desk.judged() == {"10m": MISSED}
