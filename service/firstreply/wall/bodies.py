"""The documents of ``/api/v1``, as types: the one place that says what each field means.

The OpenAPI document is generated from them. Instants are RFC 3339 in UTC with milliseconds, shares
lie between 0 and 1, null is "nothing known". The field names are public: a change is breaking.
"""

from typing import Annotated

from msgspec import Meta, Struct

from firstreply.domain.bands import Clock
from firstreply.health import Trust
from firstreply.words import Standing

Instant = Annotated[
    str,
    Meta(
        description="RFC 3339, UTC, with milliseconds.",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        examples=["2026-11-22T10:00:00.000Z"],
    ),
]
Count = Annotated[int, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]


class ServiceClock(Struct, frozen=True):
    """The clock that the figures hold at; never the time of day."""

    at: Annotated[
        Instant | None,
        Meta(description="The instant at which all figures hold; null until it is known."),
    ]
    rate: Annotated[
        float, Meta(ge=0, description="How fast it runs: 1, or the speed of a simulation.")
    ]
    timezone: Annotated[
        str, Meta(description="For times of day: that of the first calendar, else UTC.")
    ]


class TrustLight(Struct, frozen=True):
    """Whether the figures are those of now, over all processes of the consumer group."""

    state: Annotated[
        Trust,
        Meta(description="`partial`: no fresh process tells the figures of some partitions."),
    ]
    reasons: Annotated[list[str], Meta(description="Why not, in plain English; empty when `ok`.")]
    processes: Annotated[Count, Meta(description="Those that told their status just now.")]
    partitions_covered: Count
    partitions_total: Count


class Waiting(Struct, frozen=True):
    """Contacts that wait for their first answer, by how near they are to the promise."""

    within: Annotated[Count, Meta(description="Less than 80 % of the limit is used up.")]
    at_risk: Annotated[Count, Meta(description="From 80 % up to the deadline.")]
    overdue: Annotated[Count, Meta(description="From the deadline up to twice the limit.")]
    far_overdue: Annotated[Count, Meta(description="Beyond twice the limit.")]
    total: Count


class Due(Struct, frozen=True, rename={"in_5m": "5m", "in_15m": "15m", "in_60m": "60m"}):
    """Deadlines of the promise that fall within so long; 0 without a promise."""

    in_5m: Count
    in_15m: Count
    in_60m: Count


class Promised(Struct, frozen=True):
    """What the channel promises its customers."""

    band: str
    limit_seconds: float
    clock: Clock
    objective: Annotated[Ratio, Meta(description="Share of contacts to answer within the band.")]


class Kept(Struct, frozen=True):
    """The promise's band over the last 30 minutes of the service clock, corrections applied."""

    met: Count
    decided: Count
    share: Ratio | None


class Today(Struct, frozen=True):
    """What was counted today, corrections applied; met and decided are of the promise's band."""

    since: Annotated[
        Instant | None,
        Meta(
            description="From when on it is complete: local midnight, or the latest start of a "
            "process, whichever is later."
        ),
    ]
    met: Count
    decided: Count
    share: Ratio | None
    expectation_index: Annotated[
        Ratio | None,
        Meta(description="Share of customers answered as fast as they expect, over all bands."),
    ]
    received: Count
    answered: Count
    abandoned: Count


class BandKept(Struct, frozen=True):
    """One expectation band, since the beginning of `today`."""

    band: str
    limit_seconds: float
    clock: Clock
    weight: Annotated[float, Meta(ge=0, description="In the expectation index.")]
    met: Count
    decided: Count
    share: Ratio | None


State = Annotated[
    Standing,
    Meta(
        description="The first that is true: `no_data` (trust is not ok), `closed`, `late` "
        "(somebody is overdue), `soon` (somebody is at risk), `ok`."
    ),
]
OldestWaiting = Annotated[
    Instant | None, Meta(description="Start of the contact that waits longest.")
]
NextDeadline = Annotated[
    Instant | None, Meta(description="Earliest deadline of the promise still to come.")
]


class QueueNow(Struct, frozen=True):
    """One queue of a channel."""

    queue: Annotated[str, Meta(description="`other`: one not configured; `none`: without queue.")]
    state: State
    waiting: Waiting
    oldest_waiting_at: OldestWaiting
    next_deadline_at: NextDeadline
    due: Due


class ChannelNow(Struct, frozen=True):
    """One channel."""

    channel: str
    state: State
    open: Annotated[bool, Meta(description="By its opening hours, at the service clock.")]
    waiting: Waiting
    oldest_waiting_at: OldestWaiting
    next_deadline_at: NextDeadline
    due: Due
    promise: Promised | None
    kept_30m: Kept
    today: Today
    bands: Annotated[list[BandKept], Meta(description="Shortest limit first.")]
    queues: Annotated[
        list[QueueNow],
        Meta(description="Configured ones and those that somebody waits in, by name."),
    ]


class Channels(Struct, frozen=True):
    """All channels with a promise or a figure, in the order of the configuration."""

    clock: ServiceClock
    trust: TrustLight
    channels: list[ChannelNow]


class UrgentContactNow(Struct, frozen=True):
    """One contact that waits for a promise."""

    contact_id: Annotated[
        str | None,
        Meta(description="null unless `http.contact_ids` is on, or until it is found."),
    ]
    channel: str
    queue: str
    band: Annotated[str, Meta(description="Of the promise.")]
    started_at: Instant
    deadline_at: Instant


class UrgentContacts(Struct, frozen=True):
    """At most ten of each; contacts on channels without a promise are never urgent."""

    ids_shown: Annotated[bool, Meta(description="The setting `http.contact_ids`.")]
    link: Annotated[
        str | None,
        Meta(
            description="The setting `http.contact_link`; put the URI-encoded id in place of "
            "{contact_id}.",
            examples=["https://crm.example/{contact_id}"],
        ),
    ]
    late: Annotated[
        list[UrgentContactNow],
        Meta(description="Longest overdue on the promise's clock first."),
    ]
    next: Annotated[
        list[UrgentContactNow], Meta(description="Earliest deadline of the promise first.")
    ]


class Refusal(Struct, frozen=True, omit_defaults=True):
    """Why there is no answer."""

    error: str
    see: Annotated[str | None, Meta(description="Where to look instead.")] = None
    allowed: Annotated[list[str] | None, Meta(description="Methods, with 405.")] = None
