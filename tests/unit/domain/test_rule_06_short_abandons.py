"""Rule 6: who hangs up at once was not waiting for an answer."""

import pytest

from firstreply.domain.contact import Phase
from firstreply.domain.events import ContactEvent
from tests.unit.domain.builders import (
    ABANDONED,
    EXCLUDED,
    MET,
    MICROSECOND,
    MISSED,
    PHONE,
    Desk,
    abandoned,
    band,
    closed,
    opened,
    policy,
    queued,
    responded,
)

SHORT = policy("chat", (band("10m"),), short_abandon=5)


@pytest.mark.parametrize(
    "end", [abandoned(5 - MICROSECOND), closed(5 - MICROSECOND)], ids=["abandoned", "closed"]
)
def test_rule_06_an_end_a_microsecond_sooner_than_short_abandon_excludes(
    end: ContactEvent,
) -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), end)

    assert desk.phase() is Phase.EXCLUDED
    assert desk.judged() == {"10m": EXCLUDED}
    assert desk.count("contact_short_abandoned_total", "chat", "none") == 1
    assert desk.count("contact_excluded_total", "chat", "none", "short_abandon") == 1


def test_rule_06_an_abandonment_exactly_at_short_abandon_counts() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), abandoned(5))

    assert desk.judged() == {"10m": ABANDONED}
    assert desk.total("contact_short_abandoned_total") == 0


def test_rule_06_a_close_exactly_at_short_abandon_counts() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), closed(5))

    assert desk.judged() == {"10m": MISSED}


def test_rule_06_an_abandonment_at_the_start_is_short() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), abandoned(0))

    assert desk.phase() is Phase.EXCLUDED


def test_rule_06_with_short_abandon_zero_every_abandonment_counts() -> None:
    desk = Desk(policy("chat", (band("10m"),), short_abandon=0))

    desk.receive(opened(0), abandoned(0))

    assert desk.judged() == {"10m": ABANDONED}


@pytest.mark.parametrize("response", [1, 2], ids=["before the close", "at the close"])
def test_rule_06_an_answered_close_is_not_short(response: float) -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), responded(response), closed(2))

    assert desk.judged() == {"10m": MET}


def test_rule_06_a_response_after_a_short_abandon_leaves_it_excluded() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), abandoned(2), responded(2 + MICROSECOND))

    assert desk.phase() is Phase.EXCLUDED
    assert desk.judged() == {"10m": EXCLUDED}
    assert desk.latencies() == []


def test_rule_06_a_response_that_arrives_late_but_came_first_undoes_the_exclusion() -> None:
    desk = Desk(SHORT)
    desk.receive(opened(0), abandoned(3))

    desk.receive(responded(2))

    assert desk.judged() == {"10m": MET}
    assert desk.corrections() == {("chat", "none", "10m", "excluded", "met"): 1}


def test_rule_06_an_earlier_opening_that_arrives_late_makes_it_an_ordinary_abandonment() -> None:
    desk = Desk(SHORT)
    desk.receive(opened(10), abandoned(12))

    desk.receive(opened(0))

    assert desk.judged() == {"10m": ABANDONED}


def test_rule_06_runs_from_the_queue_where_the_clock_does() -> None:
    desk = Desk(PHONE)

    desk.receive(opened(0, "short", channel="phone"), queued(60, "short"), abandoned(64, "short"))
    desk.receive(opened(0, "long", channel="phone"), queued(60, "long"), abandoned(65, "long"))

    assert desk.phase("short") is Phase.EXCLUDED
    assert desk.phase("long") is Phase.ABANDONED


def test_rule_06_a_second_end_does_not_make_the_first_one_longer() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), abandoned(20), closed(3))

    assert desk.phase() is Phase.EXCLUDED


def test_rule_06_is_counted_once_per_contact() -> None:
    desk = Desk(SHORT)

    desk.receive(opened(0), abandoned(3), closed(3), abandoned(4))

    assert desk.total("contact_short_abandoned_total") == 1
    assert desk.total("contact_excluded_total") == 1
