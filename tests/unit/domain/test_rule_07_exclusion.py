"""Rule 7: an exclusion holds in every band, whenever it comes."""

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import EventType
from tests.unit.domain.builders import (
    EXCLUDED,
    MET,
    MICROSECOND,
    MISSED,
    Desk,
    abandoned,
    closed,
    event,
    excluded,
    message,
    opened,
    policy,
    reopened,
    responded,
    transferred,
)


@pytest.mark.parametrize("seconds", [-100, 0, 30, 100_000])
def test_rule_07_contact_excluded_excludes_whenever_it_comes(seconds: float) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(60), excluded(seconds))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.judged() == {"10m": EXCLUDED, "1h": EXCLUDED}


def test_rule_07_bands_already_counted_are_corrected() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(700))

    desk.receive(excluded(800))

    assert desk.outcomes() == {
        ("chat", "none", "10m", "missed"): 1,
        ("chat", "none", "1h", "met"): 1,
    }
    assert desk.corrections() == {
        ("chat", "none", "10m", "missed", "excluded"): 1,
        ("chat", "none", "1h", "met", "excluded"): 1,
    }


def test_rule_07_an_exclusion_held_for_its_opening_wins_when_it_comes() -> None:
    desk = Desk()
    desk.receive(excluded(10))

    desk.receive(opened(0))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.count("contact_received_total", "chat", "none") == 1
    assert desk.count("contact_excluded_total", "chat", "none", "spam") == 1


def test_rule_07_a_close_with_an_excluded_reason_excludes() -> None:
    desk = Desk()

    desk.receive(opened(0), closed(100, reason="spam"))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.count("contact_excluded_total", "chat", "none", "spam") == 1
    assert desk.total("contact_unanswered_total") == 0


@pytest.mark.parametrize("reason", [None, "solved", "spam mail"])
def test_rule_07_a_close_with_another_reason_does_not(reason: str | None) -> None:
    desk = Desk()

    desk.receive(opened(0), closed(100, reason=reason))

    assert desk.judged() == {"10m": MISSED, "1h": MISSED}
    assert desk.count("contact_unanswered_total", "chat", "none", "closed") == 1


@pytest.mark.parametrize("reason", ["SPAM", "Spam"])
def test_rule_07_a_reason_means_the_same_in_any_case(reason: str) -> None:
    desk = Desk()

    desk.receive(opened(0), closed(100, reason=reason))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.count("contact_excluded_total", "chat", "none", "spam") == 1


@pytest.mark.parametrize("response", [99, 100], ids=["before the close", "at the close"])
def test_rule_07_a_close_reason_does_not_exclude_an_answered_contact(response: float) -> None:
    desk = Desk()

    desk.receive(opened(0), responded(response), closed(100, reason="spam"))

    assert desk.phase() is Phase.ANSWERED
    assert desk.judged() == {"10m": MET, "1h": MET}


def test_rule_07_a_response_after_an_excluding_close_is_ignored() -> None:
    desk = Desk()

    desk.receive(opened(0), closed(100, reason="spam"), responded(100 + MICROSECOND))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.count("firstreply_events_ignored_total") == 1


def test_rule_07_an_answer_that_arrives_after_an_excluding_close_undoes_it() -> None:
    desk = Desk()
    desk.receive(opened(0), closed(100, reason="spam"))

    desk.receive(responded(50))

    assert desk.judged() == {"10m": MET, "1h": MET}
    assert desk.corrections() == {
        ("chat", "none", "10m", "excluded", "met"): 1,
        ("chat", "none", "1h", "excluded", "met"): 1,
    }


def test_rule_07_an_excluding_close_exactly_at_the_start_excludes() -> None:
    desk = Desk()

    desk.receive(opened(10), closed(10, reason="spam"))

    assert desk.phase() is Phase.EXCLUDED


def test_rule_07_an_excluding_close_before_the_start_decides_nothing() -> None:
    desk = Desk()

    desk.receive(opened(10), closed(10 - MICROSECOND, reason="spam"))

    assert desk.phase() is Phase.WAITING


def test_rule_07_an_excluding_close_counts_after_a_plain_one_too() -> None:
    desk = Desk()

    desk.receive(opened(0), closed(50), closed(100, reason="spam"))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.corrections() == {
        ("chat", "none", "10m", "missed", "excluded"): 1,
        ("chat", "none", "1h", "missed", "excluded"): 1,
    }


def test_rule_07_an_excluding_close_after_many_plain_ones_excludes() -> None:
    desk = Desk()

    desk.receive(opened(0), *(closed(second) for second in range(10, 40)))
    desk.receive(closed(50, reason="spam"))

    assert desk.phase() is Phase.EXCLUDED


def test_rule_07_many_excluding_closes_before_the_start_do_not_hide_the_one_after_it() -> None:
    desk = Desk()

    desk.receive(opened(100), *(closed(second, reason="spam") for second in range(40)))
    before = desk.phase()
    desk.receive(closed(150, reason="spam"))

    assert before is Phase.WAITING
    assert desk.phase() is Phase.EXCLUDED


def test_rule_07_an_excluding_close_after_an_abandonment_excludes() -> None:
    desk = Desk()

    desk.receive(opened(0), abandoned(50), closed(100, reason="duplicate"))

    assert desk.phase() is Phase.EXCLUDED


def test_rule_07_a_reason_that_is_not_listed_is_labelled_other() -> None:
    desk = Desk()

    desk.receive(opened(0, "a"), excluded(1, "a", reason="Mr. Smith asked us to"))
    desk.receive(opened(0, "b"), event(EventType.EXCLUDED, 1, "b"))

    assert desk.labelled("contact_excluded_total") == {("chat", "none", "other"): 2}


@pytest.mark.parametrize("order", [1, -1], ids=["in order", "reversed"])
def test_rule_07_the_earliest_reason_is_the_one_in_any_order(order: int) -> None:
    desk = Desk()
    reasons = (excluded(10, reason="spam"), excluded(20, reason="duplicate"))

    desk.receive(*reasons[::order], opened(0), excluded(5, reason="duplicate"))

    assert desk.labelled("contact_excluded_total") == {("chat", "none", "spam"): 1}


def test_rule_07_an_excluded_contact_is_excluded_once_and_ignores_the_rest() -> None:
    desk = Desk()
    desk.receive(opened(0), excluded(1))

    desk.receive(
        message(2), responded(3), transferred(4), closed(5), abandoned(6), reopened(7), excluded(8)
    )

    assert desk.count("firstreply_events_ignored_total") == 7
    assert desk.total("contact_excluded_total") == 1
    assert desk.latencies() == []


def test_rule_07_an_excluded_contact_waits_for_nobody() -> None:
    desk = Desk(policy(promise="10m"))
    desk.receive(opened(0), log=0)

    desk.receive(excluded(1))
    desk.finish(100_000)

    assert desk.gauges().queues == {}
    assert desk.judged() == {"10m": EXCLUDED, "1h": EXCLUDED}


def test_rule_07_an_exclusion_ends_a_reply_wait() -> None:
    desk = Desk()
    desk.receive(opened(0), responded(10), message(20), log=20)

    desk.receive(excluded(30))

    assert desk.gauges().queues == {}


def test_rule_07_an_early_exclusion_outlives_many_later_ones() -> None:
    desk = Desk()
    desk.receive(opened(0), closed(10, reason="spam"), responded(20))

    desk.receive(*(closed(second, reason="spam") for second in range(30, 60)))

    assert desk.phase() is Phase.EXCLUDED
