"""Input for ``figures``: policies, events, rows and checkpoints at the edges of what can be."""

import random
from typing import Final

import msgspec

from firstreply.domain.engine import Engine
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.row import Row
from firstreply.domain.store import SHARDS
from firstreply.state.body import FrameKind, removed_frame, rows_frame
from firstreply.state.stored import Choice
from tests.unit.domain import streams
from tests.unit.domain.builders import GRACE, event

IDS: Final = (
    "a",
    "b",
    "\ud800",
    "\U0001f600",
    " e ",
    "f\0g",
    *(f"c{number}" for number in range(24)),
)
UUIDS: Final = ("12345678-1234-1234-1234-1234567890", "ABCDEF12-1234-1234-1234-1234567890")
QUEUES: Final = (None, "", "billing", "Billing", "\udfff")
EDGES: Final = (0, -1, 2**53 + 1, 2**60, 2**61 + 1, 2**62 - 1, 2**62, 2**63 - 1, -(2**62), -(2**63))
"""Where an integer of compiled code, of a float, or of 64 bits comes to its end."""
BEYOND: Final = (2**63, 2**64 - 1, 2**64, -(2**63) - 1, 2**80)
NUMBERS: Final = (
    *(*EDGES, *BEYOND, 10**400, -(10**400), 99_999_999_999_999, 72_057_594_037_927_937),
    *(True, -0.0, 5e-324, 1e308, float("inf"), float("nan"), 1_772_442_900.000_000_5),
)
MEMBERS: Final = (
    *(None, True, False, 1.5, "x", b"", b"x" * 16, b"y" * 33, [], [1], [1, 2], ["a", "b"], {}),
    *(
        [0, 0, "chat"],
        [2**63, 0, "chat"],
        [[1, 2, "q"]],
        [[1, "spam"]],
        [["chat", "q"], "p", 3],
    ),
    *({"10m": code} for code in (0, 3, 4, -1, 2**63)),
    *(6, 7, *EDGES, 2**63),
)
"""What a field of a row may be taken for."""
_INBOUND: Final = Row.__struct_fields__.index("inbound")
"""The field that most others are differences to."""


def a_book(chance: random.Random) -> PolicyBook:
    """Return policies of which some keep for ever, some forget at once, some give up."""
    policies = [
        msgspec.structs.replace(
            one,
            settle_for=chance.choice((None, 0, SECOND, 600 * SECOND)),
            give_up_after=chance.choice((one.give_up_after, SECOND, 3600 * SECOND)),
            clock_skew=chance.choice((0, one.clock_skew)),
            excluded_reasons=frozenset({"spam", "ss"}),
        )
        for one in streams.POLICIES
        if one.channel in {"other", "phone"} or chance.random() < 0.8
    ]
    listed: tuple[str, ...] = chance.choice(((), ("billing",)))
    return PolicyBook(policies, aliases={"fax": "phone"}, queues={"chat": listed})


def an_event(chance: random.Random) -> ContactEvent:
    """Return an event near the limits of the policies, or far from all."""
    kind = chance.choice(streams.KINDS)
    seconds = chance.choice(streams._STARTS) + chance.choice(streams._STEPS)
    if chance.random() < 0.1:
        seconds = chance.choice((-1_772_442_000, 0.000_001, 2_330_000_000.123_456))
    uuid = f"{chance.choice(UUIDS)}{chance.choice(('12', '1é', 'ff', 'fff'))}"
    return event(
        kind.type,
        seconds,
        chance.choice(IDS[: chance.choice((2, 8, len(IDS)))]),
        channel=chance.choice((*streams._CHANNELS, "PHONE ")) if kind.names_channel else None,
        queue=chance.choice((kind.queue, *QUEUES)),
        actor=kind.actor,
        direction=kind.direction,
        reason=chance.choice((kind.reason, "SPAM", "ß", "\ud800")),
        id=chance.choice((None, "again", uuid, f"{chance.getrandbits(64)}")),
    )


def damaged(chance: random.Random, row: bytes) -> bytes:
    """Return a row that is cut, changed in a byte, or holds what it must not."""
    if not row or chance.random() < 0.3:
        return row[: chance.randrange(len(row) + 1)] + chance.randbytes(chance.randrange(3))
    if chance.random() < 0.3:
        place = chance.randrange(len(row))
        return row[:place] + chance.randbytes(1) + row[place + 1 :]
    if row[0] == 0 or chance.random() < 0.1:
        return b"\0" + row
    fields = msgspec.msgpack.decode(row)
    fields += [None] * (29 - len(fields))
    if chance.random() < 0.5:
        fields[_INBOUND] = [chance.choice(EDGES), 1, "chat"]
    else:
        fields[chance.randrange(29)] = chance.choice(MEMBERS)
    return msgspec.msgpack.encode(fields)


def rows_of(engine: Engine) -> list[tuple[str, bytes]]:
    """Return all rows."""
    return [row for number in range(SHARDS) for row in engine.store.rows(number)]


def an_engine(chance: random.Random, book: PolicyBook, events: int) -> Engine:
    """Return one that has folded something."""
    engine = Engine(book, grace=GRACE * SECOND)
    for _ in range(events):
        engine.receive(an_event(chance))
    engine.offset = events
    return engine


def damage(chance: random.Random, choice: Choice, good: list[tuple[str, bytes]]) -> None:
    chunk = chance.choice(choice.chunks)
    part, body = chance.choice([*chunk.payloads.items()])
    some = chance.sample(good, 3)
    chunk.payloads[part] = memoryview(
        chance.choice(
            (
                bytes(body)[: chance.randrange(len(body))],
                bytes(body) + removed_frame([contact_id for contact_id, _ in some]),
                bytes(body) + rows_frame(FrameKind.CHANGED, some),
                bytes(body)
                + rows_frame(
                    FrameKind.BASE, [(contact_id, damaged(chance, row)) for contact_id, row in some]
                ),
            )
        )
    )
