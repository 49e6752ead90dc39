"""Who is urgent: the same as sorting every waiting contact by its deadline would say."""

import random

import pytest

from firstreply.domain.bands import Clock
from firstreply.domain.instant_index import InstantIndex
from firstreply.domain.instants import SECOND
from tests.unit.domain import oracle
from tests.unit.domain.builders import (
    DAY,
    HOUR,
    OFFICE,
    Desk,
    at,
    band,
    opened,
    policy,
    responded,
)

CHAT = policy("chat", (band("10m"), band("1h")), promise="10m")
EMAIL = policy(
    "email", (band("10m"), band("1h", clock=Clock.BUSINESS)), calendar=OFFICE, promise="1h"
)
UNPROMISED = policy("other", (band("10m"), band("1h")))


@pytest.mark.parametrize("now", [HOUR, 9 * HOUR, DAY + HOUR, 6 * DAY])
def test_late_and_coming_are_those_of_all_waiting_contacts_in_order(now: float) -> None:
    draw = random.Random(now)
    desk = Desk(CHAT, EMAIL, UNPROMISED)
    starts: dict[str, tuple[str, float]] = {}
    for number in range(400):
        name, channel = f"c{number}", draw.choice(["chat", "email", "other"])
        starts[name] = (channel, draw.uniform(max(0, now - 3 * DAY), now))
        desk.receive(opened(starts[name][1], name, channel=channel))
    for name in draw.sample(sorted(starts), 100):
        desk.receive(responded(now, name))
        del starts[name]
    desk.advance(now + 5)

    urgent = desk.engine.urgent(25)

    waiting = []
    for name, (channel, start) in starts.items():
        if channel != "other":
            judged = CHAT if channel == "chat" else EMAIL
            deadline = oracle.deadline(judged, judged.promise_band(), at(start))
            overdue = max(0, at(now) - deadline)
            if overdue and channel == "email":
                overdue = oracle.used(deadline, at(now))
            waiting.append((name, channel, at(start), deadline, overdue))
    late = sorted((one for one in waiting if one[3] <= at(now)), key=lambda one: -one[4])
    coming = sorted((one for one in waiting if one[3] > at(now)), key=lambda one: one[3])
    assert [one.overdue for one in urgent.late] == [one[4] for one in late[:25]]
    assert [one.deadline for one in urgent.coming] == [one[3] for one in coming[:25]]
    told = {
        (one.contact_id, one.seat[0][0], one.seat[2], one.deadline, one.overdue)
        for one in (*urgent.late, *urgent.coming)
    }
    assert told <= set(waiting)
    assert {one.band for one in (*urgent.late, *urgent.coming)} <= {"10m", "1h"}


def test_equally_urgent_contacts_of_several_queues_stand_in_the_order_of_their_ids() -> None:
    email = policy("email", (band("10m"), band("1h")), promise="10m")
    desk = Desk(CHAT, email)
    for name, channel in (("d", "email"), ("c", "chat"), ("a", "email"), ("b", "chat")):
        desk.receive(opened(0, name, channel=channel))

    desk.advance(5)
    coming = desk.engine.urgent(10).coming
    desk.advance(HOUR)
    late = desk.engine.urgent(10).late

    assert [one.contact_id for one in coming] == ["a", "b", "c", "d"]
    assert [one.contact_id for one in late] == ["a", "b", "c", "d"]


def test_at_its_deadline_a_contact_is_late_and_a_microsecond_before_it_is_to_come() -> None:
    desk = Desk(CHAT)
    desk.receive(opened(0, "c", channel="chat"))

    desk.advance(600 + 5 - 0.000001)
    before = desk.engine.urgent(10)
    desk.advance(600 + 5)
    at_it = desk.engine.urgent(10)

    assert ([], [600 * SECOND + at(0)]) == (before.late, [one.deadline for one in before.coming])
    assert [one.overdue for one in at_it.late] == [0]
    assert at_it.coming == []


def test_nobody_is_urgent_before_the_clock_is_known() -> None:
    desk = Desk(CHAT)
    desk.receive(opened(0, "c", channel="chat"))

    urgent = desk.engine.urgent(10)

    assert (urgent.late, urgent.coming) == ([], [])


def test_an_index_yields_from_an_instant_on_and_up_to_it() -> None:
    index = InstantIndex()
    draw = random.Random(7)
    entries = [(draw.randrange(5000), str(number)) for number in range(3000)]
    for entry in entries:
        index.add(*entry)
    instants = [instant for instant, _ in entries]

    for edge in (-1, 0, min(instants), 2500, max(instants) - 1, max(instants), 6000):
        assert list(index.until(edge)) == sorted(one for one in entries if one[0] <= edge)
        assert list(index.after(edge)) == sorted(one for one in entries if one[0] > edge)
