"""Rule 11: a promise is kept by met contacts only; abandoned ones may be left out of it."""

import pytest

from firstreply.domain.bands import Policy
from firstreply.report import EventCounts, Report
from tests.unit.domain.builders import (
    ABANDONED,
    Desk,
    abandoned,
    band,
    opened,
    policy,
    responded,
)

COUNTED = policy("chat", (band("10m"),))
IGNORED = policy("chat", (band("10m"),), abandoned_counts=False)


def expectation_index(judged_by: Policy) -> object:
    """Return the share kept by one met, one missed and two abandoned contacts."""
    desk = Desk(judged_by)
    desk.receive(opened(0, "met"), responded(10, "met"))
    desk.receive(opened(0, "missed"), responded(700, "missed"))
    desk.receive(opened(0, "one"), abandoned(10, "one"))
    desk.receive(opened(0, "two"), abandoned(20, "two"), responded(30, "two"))
    report = Report()
    for contact in desk.engine.contacts():
        report.add(contact, {contact.policy: judged_by})
    figures = report.as_json(EventCounts())["all"]
    assert isinstance(figures, dict)
    return figures["expectation_index"]


def test_rule_11_a_customer_who_gave_up_was_not_served() -> None:
    assert expectation_index(COUNTED) == 0.25


def test_rule_11_abandoned_ignored_leaves_them_out_of_the_share() -> None:
    assert expectation_index(IGNORED) == 0.5


@pytest.mark.parametrize("judged_by", [COUNTED, IGNORED], ids=["counted", "ignored"])
def test_rule_11_they_never_count_as_met(judged_by: Policy) -> None:
    desk = Desk(judged_by)

    desk.receive(opened(0), abandoned(10), responded(11))

    assert desk.judged() == {"10m": ABANDONED}
