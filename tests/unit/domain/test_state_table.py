"""Every cell of the state table: what an event does to a contact in each phase.

A contact is brought into a phase, gets one event, and is looked at again. Each cell of ``CELLS``
says by hand what must differ; everything else must be as it was. Below stand the cells that depend
on an event being earlier than what is known already.
"""

from itertools import product
from typing import Final

import msgspec
import pytest

from firstreply.domain.contact import Outcome, Phase, current_queue
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.instants import SECOND
from firstreply.domain.transitions import TABLE, Effect, Input, classify
from tests.unit.domain.builders import (
    T0,
    Desk,
    abandoned,
    closed,
    event,
    excluded,
    message,
    opened,
    policy,
    queued,
    reopened,
    responded,
    transferred,
)

POLICY = policy(give_up_after=1000)
"""Bands of 10 minutes and an hour."""

MET, MISSED, ABANDONED, EXCLUDED = Outcome


class Look(msgspec.Struct, frozen=True):
    """What can be seen of a contact; instants in seconds after ``T0``."""

    phase: Phase = Phase.UNSEEN
    start: float | None = None
    latency: float | None = None
    ten: Outcome | None = None
    """The 10m band."""
    hour: Outcome | None = None
    """The 1h band."""
    reply: float | None = None
    """Since when the customer waits for a further reply."""
    queue: str | None = None
    ignored: int = 0
    acknowledged: int = 0


def look(desk: Desk) -> Look:
    contact = desk.engine.contact("c")
    if contact is None:
        return Look()
    return Look(
        phase=contact.phase,
        start=desk.start(),
        latency=None if contact.latency is None else contact.latency / SECOND,
        ten=desk.judged().get("10m"),
        hour=desk.judged().get("1h"),
        reply=None if contact.reply_since is None else (contact.reply_since - T0) / SECOND,
        queue=current_queue(contact),
        ignored=desk.total("firstreply_events_ignored_total"),
        acknowledged=desk.total("contact_acknowledged_total"),
    )


def brought_into(phase: Phase) -> Desk:
    """Return a desk with a contact in that phase, reached by 100 s (given up: by 1000 s)."""
    desk = Desk(POLICY)
    if phase is not Phase.UNSEEN:
        desk.receive(opened(0))
    match phase:
        case Phase.ANSWERED:
            desk.receive(responded(100))
        case Phase.ABANDONED:
            desk.receive(abandoned(100))
        case Phase.CLOSED:
            desk.receive(closed(100))
        case Phase.GIVEN_UP:
            desk.finish(1000)
        case Phase.EXCLUDED:
            desk.receive(excluded(100))
        case Phase.UNSEEN | Phase.WAITING:
            pass
    return desk


BEFORE: Final = {
    Phase.UNSEEN: Look(),
    Phase.WAITING: Look(Phase.WAITING, 0),
    Phase.ANSWERED: Look(Phase.ANSWERED, 0, 100, MET, MET),
    Phase.ABANDONED: Look(Phase.ABANDONED, 0, None, ABANDONED, ABANDONED),
    Phase.CLOSED: Look(Phase.CLOSED, 0, None, MISSED, MISSED),
    Phase.GIVEN_UP: Look(Phase.GIVEN_UP, 0, None, MISSED, MISSED),
    Phase.EXCLUDED: Look(Phase.EXCLUDED, 0, None, EXCLUDED, EXCLUDED),
}


def events(seconds: float) -> dict[Input, ContactEvent]:
    """Return an event for each column of the table."""
    return {
        Input.OPENED: opened(seconds, queue="billing"),
        Input.OPENED_OUTBOUND: opened(seconds, queue="billing", direction=Direction.OUTBOUND),
        Input.MESSAGE: message(seconds),
        Input.REOPENED_BY_CUSTOMER: reopened(seconds),
        Input.REOPENED: reopened(seconds, actor=Actor.AGENT),
        Input.RESPONDED: responded(seconds),
        Input.RESPONDED_AUTOMATICALLY: responded(seconds, actor=Actor.BOT),
        Input.QUEUED: queued(seconds, queue="billing"),
        Input.TRANSFERRED: transferred(seconds, queue="billing"),
        Input.ABANDONED: abandoned(seconds),
        Input.CLOSED: closed(seconds),
        Input.EXCLUDED: excluded(seconds),
    }


EVENTS: Final = {phase: events(2000 if phase is Phase.GIVEN_UP else 200) for phase in Phase}
"""At 200 s, later than anything known; to a contact given up at 1000 s, at 2000 s."""

HELD: Final[dict[str, object]] = {}
NOTHING: Final[dict[str, object]] = {}
QUEUE: Final[dict[str, object]] = {"queue": "billing"}
REPLY: Final[dict[str, object]] = {"reply": 200}
IGNORED: Final[dict[str, object]] = {"ignored": 1}
ALL_EXCLUDED: Final[dict[str, object]] = {
    "phase": Phase.EXCLUDED,
    "ten": EXCLUDED,
    "hour": EXCLUDED,
}
ANSWER: Final[dict[str, object]] = {"phase": Phase.ANSWERED, "latency": 200}

CELLS: Final[dict[tuple[Phase, Input], dict[str, object]]] = {
    (Phase.UNSEEN, Input.OPENED): {"phase": Phase.WAITING, "start": 200, **QUEUE},
    (Phase.UNSEEN, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.UNSEEN, Input.MESSAGE): {"phase": Phase.WAITING, "start": 200},
    (Phase.UNSEEN, Input.REOPENED_BY_CUSTOMER): REPLY,
    (Phase.UNSEEN, Input.REOPENED): NOTHING,
    (Phase.UNSEEN, Input.RESPONDED): HELD,
    (Phase.UNSEEN, Input.RESPONDED_AUTOMATICALLY): HELD,
    (Phase.UNSEEN, Input.QUEUED): QUEUE,
    (Phase.UNSEEN, Input.TRANSFERRED): QUEUE,
    (Phase.UNSEEN, Input.ABANDONED): HELD,
    (Phase.UNSEEN, Input.CLOSED): HELD,
    (Phase.UNSEEN, Input.EXCLUDED): HELD,
    (Phase.WAITING, Input.OPENED): QUEUE,
    (Phase.WAITING, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.WAITING, Input.MESSAGE): NOTHING,
    (Phase.WAITING, Input.REOPENED_BY_CUSTOMER): NOTHING,
    (Phase.WAITING, Input.REOPENED): NOTHING,
    (Phase.WAITING, Input.RESPONDED): {**ANSWER, "ten": MET, "hour": MET},
    (Phase.WAITING, Input.RESPONDED_AUTOMATICALLY): {"acknowledged": 1},
    (Phase.WAITING, Input.QUEUED): QUEUE,
    (Phase.WAITING, Input.TRANSFERRED): QUEUE,
    (Phase.WAITING, Input.ABANDONED): {
        "phase": Phase.ABANDONED,
        "ten": ABANDONED,
        "hour": ABANDONED,
    },
    (Phase.WAITING, Input.CLOSED): {"phase": Phase.CLOSED, "ten": MISSED, "hour": MISSED},
    (Phase.WAITING, Input.EXCLUDED): ALL_EXCLUDED,
    (Phase.ANSWERED, Input.OPENED): {**REPLY, **QUEUE},
    (Phase.ANSWERED, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.ANSWERED, Input.MESSAGE): REPLY,
    (Phase.ANSWERED, Input.REOPENED_BY_CUSTOMER): REPLY,
    (Phase.ANSWERED, Input.REOPENED): NOTHING,
    (Phase.ANSWERED, Input.RESPONDED): NOTHING,
    (Phase.ANSWERED, Input.RESPONDED_AUTOMATICALLY): NOTHING,
    (Phase.ANSWERED, Input.QUEUED): QUEUE,
    (Phase.ANSWERED, Input.TRANSFERRED): QUEUE,
    (Phase.ANSWERED, Input.ABANDONED): NOTHING,
    (Phase.ANSWERED, Input.CLOSED): NOTHING,
    (Phase.ANSWERED, Input.EXCLUDED): ALL_EXCLUDED,
    (Phase.ABANDONED, Input.OPENED): {**REPLY, **QUEUE},
    (Phase.ABANDONED, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.ABANDONED, Input.MESSAGE): REPLY,
    (Phase.ABANDONED, Input.REOPENED_BY_CUSTOMER): REPLY,
    (Phase.ABANDONED, Input.REOPENED): NOTHING,
    (Phase.ABANDONED, Input.RESPONDED): ANSWER,
    (Phase.ABANDONED, Input.RESPONDED_AUTOMATICALLY): {"acknowledged": 1},
    (Phase.ABANDONED, Input.QUEUED): QUEUE,
    (Phase.ABANDONED, Input.TRANSFERRED): QUEUE,
    (Phase.ABANDONED, Input.ABANDONED): NOTHING,
    (Phase.ABANDONED, Input.CLOSED): NOTHING,
    (Phase.ABANDONED, Input.EXCLUDED): ALL_EXCLUDED,
    (Phase.CLOSED, Input.OPENED): {**REPLY, **QUEUE},
    (Phase.CLOSED, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.CLOSED, Input.MESSAGE): REPLY,
    (Phase.CLOSED, Input.REOPENED_BY_CUSTOMER): REPLY,
    (Phase.CLOSED, Input.REOPENED): NOTHING,
    (Phase.CLOSED, Input.RESPONDED): ANSWER,
    (Phase.CLOSED, Input.RESPONDED_AUTOMATICALLY): {"acknowledged": 1},
    (Phase.CLOSED, Input.QUEUED): QUEUE,
    (Phase.CLOSED, Input.TRANSFERRED): QUEUE,
    (Phase.CLOSED, Input.ABANDONED): NOTHING,
    (Phase.CLOSED, Input.CLOSED): NOTHING,
    (Phase.CLOSED, Input.EXCLUDED): ALL_EXCLUDED,
    (Phase.GIVEN_UP, Input.OPENED): {"reply": 2000, **QUEUE},
    (Phase.GIVEN_UP, Input.OPENED_OUTBOUND): QUEUE,
    (Phase.GIVEN_UP, Input.MESSAGE): {"reply": 2000},
    (Phase.GIVEN_UP, Input.REOPENED_BY_CUSTOMER): {"reply": 2000},
    (Phase.GIVEN_UP, Input.REOPENED): NOTHING,
    (Phase.GIVEN_UP, Input.RESPONDED): {"phase": Phase.ANSWERED, "latency": 2000},
    (Phase.GIVEN_UP, Input.RESPONDED_AUTOMATICALLY): {"acknowledged": 1},
    (Phase.GIVEN_UP, Input.QUEUED): QUEUE,
    (Phase.GIVEN_UP, Input.TRANSFERRED): QUEUE,
    (Phase.GIVEN_UP, Input.ABANDONED): NOTHING,
    (Phase.GIVEN_UP, Input.CLOSED): NOTHING,
    (Phase.GIVEN_UP, Input.EXCLUDED): ALL_EXCLUDED,
    # The queue of an excluded contact is remembered: it may turn out not to be excluded.
    (Phase.EXCLUDED, Input.OPENED): {**IGNORED, **QUEUE},
    (Phase.EXCLUDED, Input.OPENED_OUTBOUND): {**IGNORED, **QUEUE},
    (Phase.EXCLUDED, Input.MESSAGE): IGNORED,
    (Phase.EXCLUDED, Input.REOPENED_BY_CUSTOMER): IGNORED,
    (Phase.EXCLUDED, Input.REOPENED): IGNORED,
    (Phase.EXCLUDED, Input.RESPONDED): IGNORED,
    (Phase.EXCLUDED, Input.RESPONDED_AUTOMATICALLY): IGNORED,
    (Phase.EXCLUDED, Input.QUEUED): {**IGNORED, **QUEUE},
    (Phase.EXCLUDED, Input.TRANSFERRED): {**IGNORED, **QUEUE},
    (Phase.EXCLUDED, Input.ABANDONED): IGNORED,
    (Phase.EXCLUDED, Input.CLOSED): IGNORED,
    (Phase.EXCLUDED, Input.EXCLUDED): IGNORED,
}


def named(cell: tuple[Phase, Input]) -> str:
    return f"{cell[0]}-{cell[1]}"


@pytest.mark.parametrize("cell", CELLS, ids=named)
def test_state_table_cell(cell: tuple[Phase, Input]) -> None:
    phase, column = cell
    desk = brought_into(phase)
    before = look(desk)

    desk.receive(EVENTS[phase][column])

    assert before == BEFORE[phase]
    assert classify(EVENTS[phase][column]) is column
    assert look(desk) == msgspec.structs.replace(before, **CELLS[cell])


def test_state_table_is_total() -> None:
    cells = set(product(Phase, Input))

    assert set(CELLS) == cells
    assert {(phase, column) for phase, row in TABLE.items() for column in row} == cells


def test_state_table_uses_every_effect() -> None:
    used = {effect for row in TABLE.values() for cell in row.values() for effect in cell}

    assert used == set(Effect)


def test_state_table_has_a_column_for_every_event_there_can_be() -> None:
    every = [
        event(kind, 0, actor=actor, direction=direction)
        for kind, actor, direction in product(EventType, (None, *Actor), (None, *Direction))
    ]

    assert {classify(one) for one in every} == set(Input)


# Events that are earlier than what is known already, and what a cell says about them.

EARLIER: Final[dict[str, tuple[Phase, ContactEvent, dict[str, object]]]] = {
    "unseen-exclusion wins when the opening comes": (
        Phase.UNSEEN,
        excluded(10),
        {"phase": Phase.EXCLUDED, "start": 60, "ten": EXCLUDED, "hour": EXCLUDED},
    ),
    "unseen-a held response answers when the opening comes": (
        Phase.UNSEEN,
        responded(70),
        {"phase": Phase.ANSWERED, "start": 60, "latency": 10, "ten": MET, "hour": MET},
    ),
    "unseen-a held abandonment holds when the opening comes": (
        Phase.UNSEEN,
        abandoned(70),
        {"phase": Phase.ABANDONED, "start": 60, "ten": ABANDONED, "hour": ABANDONED},
    ),
    "unseen-a held close holds when the opening comes": (
        Phase.UNSEEN,
        closed(70),
        {"phase": Phase.CLOSED, "start": 60, "ten": MISSED, "hour": MISSED},
    ),
    "waiting-an earlier opening is the start": (Phase.WAITING, opened(-30), {"start": -30}),
    "waiting-an earlier message is the start": (Phase.WAITING, message(-30), {"start": -30}),
    "waiting-an answer in time": (
        Phase.WAITING,
        responded(600),
        {"phase": Phase.ANSWERED, "latency": 600, "ten": MET, "hour": MET},
    ),
    "waiting-an answer between two deadlines": (
        Phase.WAITING,
        responded(700),
        {"phase": Phase.ANSWERED, "latency": 700, "ten": MISSED, "hour": MET},
    ),
    "waiting-an abandonment before giving up": (
        Phase.WAITING,
        abandoned(700),
        {"phase": Phase.ABANDONED, "ten": MISSED, "hour": ABANDONED},
    ),
    "waiting-an abandonment after giving up tells that it has passed": (
        Phase.WAITING,
        abandoned(1001),
        {"phase": Phase.GIVEN_UP, "ten": MISSED, "hour": MISSED},
    ),
    "waiting-a close before giving up": (
        Phase.WAITING,
        closed(500),
        {"phase": Phase.CLOSED, "ten": MISSED, "hour": MISSED},
    ),
    "answered-an earlier opening moves the start": (
        Phase.ANSWERED,
        opened(-600),
        {"start": -600, "latency": 700, "ten": MISSED},
    ),
    "answered-an earlier response is the one": (Phase.ANSWERED, responded(50), {"latency": 50}),
    "answered-an earlier abandonment decides": (
        Phase.ANSWERED,
        abandoned(50),
        {"ten": ABANDONED, "hour": ABANDONED},
    ),
    "answered-an earlier close decides": (
        Phase.ANSWERED,
        closed(50),
        {"ten": MISSED, "hour": MISSED},
    ),
    "abandoned-an earlier response decides": (
        Phase.ABANDONED,
        responded(100),
        {"phase": Phase.ANSWERED, "latency": 100, "ten": MET, "hour": MET},
    ),
    "abandoned-the earliest abandonment counts": (Phase.ABANDONED, abandoned(50), {}),
    "abandoned-an earlier close decides": (
        Phase.ABANDONED,
        closed(50),
        {"phase": Phase.CLOSED, "ten": MISSED, "hour": MISSED},
    ),
    "closed-an earlier response decides": (
        Phase.CLOSED,
        responded(100),
        {"phase": Phase.ANSWERED, "latency": 100, "ten": MET, "hour": MET},
    ),
    "closed-an earlier abandonment decides": (
        Phase.CLOSED,
        abandoned(100),
        {"phase": Phase.ABANDONED, "ten": ABANDONED, "hour": ABANDONED},
    ),
    "given up-a response in time that arrives late decides": (
        Phase.GIVEN_UP,
        responded(600),
        {"phase": Phase.ANSWERED, "latency": 600, "ten": MET, "hour": MET},
    ),
    "excluded-an earlier exclusion changes nothing": (Phase.EXCLUDED, excluded(5), {"ignored": 1}),
}


@pytest.mark.parametrize("cell", EARLIER, ids=EARLIER)
def test_state_table_cell_with_an_earlier_event(cell: str) -> None:
    phase, earlier, differences = EARLIER[cell]
    desk = brought_into(phase)
    before = look(desk)

    desk.receive(earlier)
    if phase is Phase.UNSEEN:
        desk.receive(opened(60))

    assert before == BEFORE[phase]
    assert look(desk) == msgspec.structs.replace(before, **differences)


@pytest.mark.parametrize("end", [responded(3000), closed(3000)], ids=["response", "close"])
@pytest.mark.parametrize(
    "phase", [Phase.UNSEEN, Phase.ANSWERED, Phase.ABANDONED, Phase.CLOSED, Phase.GIVEN_UP]
)
def test_state_table_a_response_and_a_close_end_a_reply_wait(
    phase: Phase, end: ContactEvent
) -> None:
    desk = brought_into(phase)
    desk.receive(reopened(2500))
    waited = look(desk).reply

    desk.receive(end)

    assert waited == 2500
    assert look(desk).reply is None
