"""What a row says: the contact that rests in it, as msgpack has it (``domain.packing``).

Stands apart, and is not compiled: msgspec reads the types of the fields when it makes its decoder,
and of a compiled class it would not see them all.
"""

from typing import Annotated, Final

import msgspec

from firstreply.domain.contact import Outcome, Phase

PHASES: Final[tuple[Phase, ...]] = (
    Phase.UNSEEN,
    Phase.WAITING,
    Phase.ANSWERED,
    Phase.ABANDONED,
    Phase.CLOSED,
    Phase.GIVEN_UP,
    Phase.EXCLUDED,
)
"""By their code in a row; only ever appended to, as are the outcomes."""
OUTCOMES: Final[tuple[Outcome, ...]] = (
    Outcome.MET,
    Outcome.MISSED,
    Outcome.ABANDONED,
    Outcome.EXCLUDED,
)

# Bounds that no real instant comes near, so that no sum of them leaves 64 bits: a row may come from
# a damaged log.
_Instant = Annotated[int, msgspec.Meta(ge=-(2**60), le=2**60)]
"""Microseconds since the epoch."""
_Since = Annotated[int, msgspec.Meta(ge=-(2**61), le=2**61)]
"""Microseconds since ``inbound``; since the epoch in a contact without one."""
_Timer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Phase = Annotated[int, msgspec.Meta(ge=0, lt=len(PHASES))]
_Outcome = Annotated[int, msgspec.Meta(ge=0, lt=len(OUTCOMES))]


class Row(msgspec.Struct, array_like=True, gc=False):
    """What a row says: the fields of ``Contact``, unless a text here says otherwise.

    The fields that most contacts do not have stand last.
    """

    phase: _Phase
    inbound: tuple[_Instant, int, str] | None
    named: tuple[_Instant, int, str] | bool | None
    """True: that of ``inbound``."""
    start: _Since | None
    policy: str
    received: tuple[str, str] | None
    queues: tuple[tuple[_Instant, int, str], ...] | None
    recent_ids: bytes | tuple[str, ...]
    """16 bytes for each where all are uuids in their usual form."""
    once: int
    known_at: _Since | None = None
    touched: _Since | None = None
    timer: _Timer | None = None
    waits_in: str | bool | tuple[tuple[str, str], str, _Instant] | None = None
    """Only the queue, where channel, policy and start are those of the contact; True where that is
    the last one of ``queues``."""
    queued: _Since | None = None
    outcomes: dict[str, _Outcome] | None = None
    """By band."""
    charged: dict[str, str] | None = None
    """Band to the queue that was charged with it, where that is not the last one of ``queues``."""
    lapsed: int | None = None
    """Microseconds since the epoch."""
    responses: tuple[_Instant, ...] | None = None
    last_response: _Since | None = None
    latency: int | None = None
    settled_as: _Phase | None = None
    closes: tuple[_Instant, ...] | None = None
    last_end: _Since | None = None
    reply_since: _Since | None = None
    reply_waits_in: tuple[tuple[str, str], _Instant] | None = None
    automatic: tuple[_Instant, ...] | None = None
    abandonments: tuple[_Instant, ...] | None = None
    excluding: tuple[tuple[_Instant, str], ...] | None = None
    excluded: tuple[_Instant, str] | None = None
