"""What an explanation is made of: plain records, ready for JSON.

Instants are aware datetimes in UTC, written as RFC 3339 with a Z; durations are seconds, exact to
the microsecond. What is not known, or does not apply, is null and never left out. A reader that
meets a field it does not know may ignore it; a closed set of words can grow.
"""

from datetime import date, datetime
from typing import Literal

import msgspec

from firstreply.domain.bands import Clock
from firstreply.domain.contact import Outcome, Phase
from firstreply.domain.events import Actor, ContactEvent
from firstreply.domain.gauges import BandState
from firstreply.domain.transitions import Input

StartedBy = Literal["opened", "message", "queued", "queue_fallback"]
"""Which event started the clock; ``queue_fallback``: answered before any queue, so the opening."""

ChannelFrom = Literal["start", "another", "nobody"]
"""Who names the channel: the event that began the contact, another one, or none at all."""

Because = Literal[
    "answered",
    "answered_late",
    "unanswered",
    "abandoned",
    "closed",
    "given_up",
    "excluded",
    "running",
    "counted_before",
]
"""Why a band has its outcome; ``counted_before``: nothing decides it now, the counted one stays."""

Role = Literal[
    "opening",
    "start",
    "first_response",
    "too_early",
    "acknowledgement",
    "end",
    "exclusion",
]
"""What an event is to the contact; ``too_early``: a response before the start is none."""


class Window(msgspec.Struct, frozen=True):
    """A stretch of opening time, clipped to what was used of it."""

    opens_at: datetime
    closes_at: datetime
    seconds: float


class SpecialDay(msgspec.Struct, frozen=True):
    """A local date whose windows are not those of its weekday."""

    day: date
    because: Literal["holiday", "exception"]
    windows: tuple[str, ...]
    """``HH:MM-HH:MM`` as configured; empty is closed."""


class Hours(msgspec.Struct, frozen=True):
    """The opening time between two instants."""

    seconds: float
    """The sum of all windows, also of those left out."""
    windows: tuple[Window, ...]
    """In order; of many only the first and the last."""
    left_out_after: int
    """How many of ``windows`` come before those left out."""
    left_out: int
    left_out_seconds: float
    special_days: tuple[SpecialDay, ...]
    special_days_left_out: int


class Counted(msgspec.Struct, frozen=True):
    """What the counters hold of a band, net of corrections."""

    outcome: Outcome
    queue: str
    """The queue label that is charged: who held the contact when the outcome fell (rule 10)."""


class BandStory(msgspec.Struct, frozen=True):
    """One band of the contact."""

    band: str
    limit_seconds: float
    clock: Clock
    weight: float
    objective: float | None
    """Between 0 and 1 where the band is the promise, else null."""
    deadline_at: datetime | None
    """Null if opening time ends before the limit is used up."""
    hours: Hours | None
    """The opening time from start to deadline; null on the elapsed clock, or without a calendar."""
    outcome: Literal["met", "missed", "abandoned", "excluded", "undecided"]
    decided_at: datetime | None
    because: Because
    margin_seconds: float | None
    """From the first response to the deadline; negative: answered too late."""
    counted: Counted | None
    """Null until something was counted."""


class ChannelStory(msgspec.Struct, frozen=True):
    """The channel the contact counts for (rule 10), and by which policy (rule 12)."""

    channel: str
    because: ChannelFrom
    policy: str
    """Digest of the policy that judges the contact."""
    policy_in_force: bool
    """False: the configuration has changed since the contact started."""
    abandoned_counts: bool
    """Whether an abandoned contact counts against the promise (rule 11)."""


class QueueChange(msgspec.Struct, frozen=True):
    """An event that put the contact into a queue."""

    at: datetime
    by: Literal["opened", "queued", "transferred"]
    queue: str
    """As the producer wrote it."""
    label: str
    """As it counts: ``other`` if the configuration does not list it."""


class QueueStory(msgspec.Struct, frozen=True):
    """The queues that held the contact."""

    received: str | None
    """The queue label under which it counts as received: at the start."""
    current: str
    """The queue label of the latest change."""
    changes: tuple[QueueChange, ...]
    """The latest 16."""


class StartStory(msgspec.Struct, frozen=True):
    """Where the clock starts (rules 1 and 2)."""

    at: datetime
    because: StartedBy
    queued_at: datetime | None
    """The earliest entry into a queue; one before the opening counts as at the opening."""


class ResponseStory(msgspec.Struct, frozen=True):
    """The first response (rule 3)."""

    at: datetime
    """As written by the producer."""
    latency_seconds: float
    """What the customer felt."""
    opening_seconds: float | None
    """Of these, inside opening hours; null without a calendar."""
    hours: Hours | None
    within_skew: bool
    """Written before the start, within the tolerance for clocks: latency 0."""


class EndStory(msgspec.Struct, frozen=True):
    """The earliest abandonment or close at or after the start."""

    at: datetime
    what: Literal["abandoned", "closed"]
    before_response: bool
    """Whether nobody had answered by then."""
    waited_seconds: float


class ExclusionStory(msgspec.Struct, frozen=True):
    """Why the contact counts in no band (rules 6 and 7)."""

    at: datetime
    because: Literal["event", "close", "short_abandon"]
    reason: str
    short_abandon_seconds: float
    """What is sooner than this after the start is a short abandon."""


class NextDeadline(msgspec.Struct, frozen=True):
    """The earliest deadline still undecided."""

    band: str
    at: datetime
    remaining_seconds: float
    """On the elapsed clock; not above 0: due, and counted once nothing earlier can still come."""


class WaitStory(msgspec.Struct, frozen=True):
    """How things stand with a contact that waits for its first response."""

    waited_seconds: float
    opening_seconds: float | None
    hours: Hours | None
    band_state: BandState
    """On the clock of the promise, or of the longest band (design, section 8)."""
    open: bool
    """Whether the channel is inside its opening hours."""
    opens_at: datetime | None
    """Null when it is open, or never opens again."""
    next_deadline: NextDeadline | None
    """Null when every band is decided."""


class Correction(msgspec.Struct, frozen=True):
    """A counted outcome that an event changed (rule 8)."""

    band: str
    before: str
    after: str


class Place(msgspec.Struct, frozen=True):
    """Where a record was read."""

    file: str
    line: int
    """From 1."""
    offset: int
    """Running number of the record over all files, from 0."""


class SeenEvent(msgspec.Struct, frozen=True):
    """An event of the contact as it was folded: input of ``explain``, not part of its result."""

    event: ContactEvent
    place: Place | None = None
    duplicate: bool = False
    late: bool = False
    """Its time lay before the service clock when it arrived."""
    corrections: tuple[Correction, ...] = ()


class Happening(msgspec.Struct, frozen=True):
    """One event known of the contact."""

    at: datetime
    what: Input
    role: Role | None
    channel: str | None = None
    queue: str | None = None
    actor: Actor | None = None
    reason: str | None = None
    id: str | None = None
    """Of the event; null where only its instant is kept."""
    duplicate: bool = False
    late: bool = False
    corrections: tuple[Correction, ...] = ()
    place: Place | None = None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The whole story of one contact."""

    contact_id: str
    at: datetime | None
    """The instant at which all of this holds; null before the first event."""
    timezone: str
    """Of the channel's calendar, for clock times; else that of any channel, else UTC."""
    phase: Phase
    channel: ChannelStory | None
    """Null while no start candidate is known."""
    queue: QueueStory
    opened_at: datetime | None
    """The earliest inbound opening or customer message, also where that starts no clock."""
    opened_by: Literal["opened", "message"] | None
    start: StartStory | None = None
    """Null while unseen."""
    acknowledged_at: datetime | None = None
    """The first automatic reply, if it came before the first response."""
    response: ResponseStory | None = None
    ended: EndStory | None = None
    exclusion: ExclusionStory | None = None
    self_served: bool
    """Ended before any queue on a channel whose clock starts in the queue."""
    gives_up_at: datetime | None = None
    """When it is given up unless somebody answers, or was; null for never, and once settled."""
    waiting: WaitStory | None = None
    reply_waiting_since: datetime | None
    """The oldest customer message not answered since the first response (rule 9)."""
    bands: tuple[BandStory, ...] = ()
    """Shortest limit first; empty while unseen."""
    events_from: Literal["records", "facts"]
    """``records``: as they came. ``facts``: what is kept of them, by time."""
    events: tuple[Happening, ...] = ()
    events_left_out: int = 0
    event_ids: tuple[str, ...]
    """The last 16, in the order they came."""
    kept_until: datetime | None = None
    """When it is forgotten if nothing more comes (rule 13); null while it waits, and for never."""
    forgotten_at: datetime | None = None
    """Set where the contact was forgotten: this is its last state."""
    earlier: tuple["Explanation", ...] = ()
    """Contacts of the same id that were forgotten before, oldest first."""
    earlier_left_out: int = 0
