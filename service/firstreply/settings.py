"""The settings, as typed and immutable records (design: the configuration).

Text from the file and the environment goes in through ``config.load.load_settings``, which finds
the place of every mistake; a ``Settings`` comes out, complete with the built-in channels and bands.
``policies`` turns it into what the domain works with. The docstring under each field is its entry
in the configuration reference: meaning, unit, why this default; its annotation says whether a
reload changes it (``config.applies``).

Plain pydantic, not pydantic-settings. The file needs its own reader anyway, because that package's
YAML source accepts a missing file and duplicate keys; and its environment source reads
``os.environ``, lets misspelt variables pass and cannot say which variable was wrong. ``config.env``
does that in few lines, from an explicit mapping, and every start is a tenth of a second shorter.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from firstreply.config.applies import Reloadable, RestartOnly
from firstreply.config.builtin import BANDS, EXCLUDED_REASONS, with_builtin_channels
from firstreply.config.calendar_settings import CalendarSettings
from firstreply.config.field_types import (
    BandName,
    ContactLink,
    Duration,
    DurationOrNever,
    Name,
    OptionalMapping,
    PositiveDuration,
    none_is_empty,
)
from firstreply.config.kafka_settings import Group, Kafka
from firstreply.domain.bands import Band, Clock, ClockStart
from firstreply.durations import duration_micros, parse_duration

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]


class BandSettings(Group):
    """One expectation band; what is not given comes from the band of that limit in `bands`."""

    weight: Weight | None = None
    """Share of customers who expect an answer within this limit: the band's weight in the
    expectation index. 0 or more; default 0, or the weight of the same limit in `bands`."""

    clock: Clock | None = None
    """`elapsed` (what the customer feels, the default) or `business` (seconds inside the opening
    hours of the channel's calendar; without a calendar it is always open)."""


class PromiseSettings(Group):
    """What a channel promises its customers."""

    band: BandName
    """The limit: one of the channel's bands."""

    objective: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
    """Share of contacts to answer within it, between 0 and 1, both exclusive: 0.9 is 90 %."""


class ChannelSettings(Group):
    """One channel that customers use."""

    aliases: Reloadable[tuple[Name, ...]] = ()
    """Other names of it in events, any case. They join the built-in ones."""

    voice: Reloadable[bool] = False
    """Whether it is live: the first response is the moment an agent is connected, and
    `short_abandon` applies. Built-in: phone and video."""

    calendar: Reloadable[Name | None] = None
    """Its opening hours: a name from `calendars`. Default: always open."""

    bands: RestartOnly[Annotated[dict[BandName, BandSettings], OptionalMapping]] = Field(
        default_factory=dict
    )
    """Bands of this channel alone: each overrides the one of the same limit in `bands` or joins
    them, with weight 0 unless given."""

    promise: Reloadable[PromiseSettings | None] = None
    """Without one the channel is measured, and only alerts about volume can fire."""

    queues: Reloadable[tuple[Name, ...]] = ()
    """Teams or brands that answer it, as named in events; any other counts as `other`."""

    short_abandon: Reloadable[Duration | None] = None
    """An abandonment sooner than this after the start excludes the contact. Default: the top-level
    `short_abandon` on voice channels, else 0s."""

    clock_start: Reloadable[ClockStart] = ClockStart.OPENED
    """`opened`, or `queued` to leave a menu or a bot in front of the queue out of the latency."""

    abandoned: Reloadable[Literal["counted", "ignored"]] = "counted"
    """Whether a contact the customer gave up counts against the promise."""


class BadRecordSettings(Group):
    """When bad input stops the service."""

    share: Share = 0.5
    """More than this share of bad records among the last `among` stops the service; 1 never does.
    Half is far above a stray producer and far below a wrong topic."""

    among: Annotated[int, Field(ge=1)] = 1000
    """How many of the last records are looked at, in records; the limit acts once so many came."""


class LimitSettings(Group):
    """What is too much: when the service stops, and when it drops contacts."""

    bad_records: BadRecordSettings = BadRecordSettings()
    """How much bad input is too much."""

    stall_timeout: PositiveDuration = Field(default="60s", validate_default=True)
    """The watchdog exits when nothing has moved for so long, so that a supervisor can restart."""

    max_tracked: Annotated[int, Field(ge=1)] = 1_000_000
    """Contacts kept in memory for each partition. A further one evicts another: first whoever is
    settled and longest silent, then, counted as unanswered, whoever is overdue longest."""


class HttpSettings(Group):
    """Where `/metrics`, `/wall`, `/api/v1`, `/healthz` and `/readyz` are served."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Address to listen on. The default is this machine only; `0.0.0.0` is every interface."""

    port: Annotated[int, Field(ge=0, le=65535)] = 9464
    """TCP port; 0 takes any free one. The default is the customary port of metric exporters."""

    contact_ids: bool = False
    """Whether `/wall` and `/api/v1` show the ids of contacts. Off, because ids are personal and
    whoever reaches the port sees them. The processes of a group then tell each other ids too, on
    `kafka.status_topic`."""

    web_config_file: Path | None = None
    """A file as Prometheus' exporters take it with `--web.config.file`: TLS, client certificates,
    users with bcrypt passwords, headers. Read again when it or a file it names changes. Default:
    plain HTTP, and no password. See docs/security.md."""

    api: Literal["auto", "on", "off"] = "auto"
    """Whether `/wall` and `/api` are served. `auto`: on a loopback `host`, and elsewhere only if
    `web_config_file` asks for passwords or client certificates. The other paths always are."""

    reload: bool = False
    """Whether `POST /-/reload` has the configuration read again, as SIGHUP does in any case. Off,
    because whoever reaches the port could; where passwords are asked for, it needs one."""

    contact_link: ContactLink | None = None
    """Where a contact is opened in the help desk, with `{contact_id}` in place of its id:
    `https://crm.example/{contact_id}`. Needs `contact_ids`; without one the wall links nowhere."""


class LogSettings(Group):
    """What the service writes to standard error."""

    format: Literal["plain", "json"] = "plain"
    """`plain` for people, `json` for collectors."""

    level: Reloadable[Literal["debug", "info", "warning", "error"]] = "info"
    """The least severe that is written."""


class Settings(Group):
    """All settings. Built by ``config.load.load_settings``, which also checks what spans groups."""

    kafka: RestartOnly[Kafka] = Field(default_factory=Kafka)
    """The connection to Kafka."""

    bands: RestartOnly[dict[BandName, BandSettings]] = Field(
        default=BANDS,
        validate_default=True,
        min_length=1,
    )
    """The expectation bands of every channel, by limit as it is to appear in the `band` label. The
    default four and their weights are the shares of customers found by a survey of May 2012."""

    channels: Reloadable[dict[Name, ChannelSettings]] = Field(
        default_factory=dict, validate_default=True
    )
    """Channels by name. They join and override the built-in ones; what events name otherwise counts
    as `other`, which always exists."""

    channels_only: Reloadable[bool] = False
    """Whether to start from an empty list instead of the built-in channels."""

    calendars: Reloadable[Annotated[dict[Name, CalendarSettings], OptionalMapping]] = Field(
        default_factory=dict
    )
    """Opening hours by name, for the `calendar` of channels."""

    excluded_reasons: Reloadable[tuple[Name, ...]] = EXCLUDED_REASONS
    """Reasons of closing that exclude a contact in every band, unless a human answered it."""

    give_up_after: Reloadable[DurationOrNever] = Field(default="30d", validate_default=True)
    """An unanswered contact this old is given up and its undecided bands are missed; or `never`.
    30 days is longer than any band and bounds memory."""

    settle_for: Reloadable[DurationOrNever] = Field(default="72h", validate_default=True)
    """How long a settled, silent contact is kept, so that late events can correct it; or `never`.
    72 hours outlasts a weekend's outage."""

    short_abandon: Reloadable[Duration] = Field(default="5s", validate_default=True)
    """On voice channels, an abandonment sooner than this after the start excludes the contact: a
    misdial. 0s: every abandoned contact counts."""

    clock_skew: Reloadable[Duration] = Field(default="2s", validate_default=True)
    """A response at most this much before its contact's start counts as latency 0: two systems'
    clocks are seldom nearer."""

    grace: RestartOnly[Duration] = Field(default="5s", validate_default=True)
    """How long after a deadline a miss is counted, so that a response on its way counts as met."""

    checkpoint_interval: RestartOnly[PositiveDuration] = Field(default="1s", validate_default=True)
    """How often figures are made durable and published."""

    proof_interval: RestartOnly[PositiveDuration] = Field(default="1s", validate_default=True)
    """How often the service asks Kafka whether it has read everything, so that silence counts as
    time passing."""

    proof_skew: RestartOnly[Duration] = Field(default="1s", validate_default=True)
    """What such a proof takes off the clock: more than the brokers' clock skew plus replication
    delay."""

    limits: RestartOnly[LimitSettings] = LimitSettings()
    """What is too much."""

    http: RestartOnly[HttpSettings] = HttpSettings()
    """Where metrics are served."""

    log: RestartOnly[LogSettings] = LogSettings()
    """What is logged."""

    language: RestartOnly[Literal["en", "fr"]] = "en"
    """Of what people read: the terminal table, the wall, messages."""

    @model_validator(mode="before")
    @classmethod
    def _add_what_is_built_in(cls, value: object) -> object:
        value = none_is_empty(value)
        if not isinstance(value, dict):
            return value
        given = {key: one for key, one in value.items() if key != "bands" or one is not None}
        return {**given, "channels": with_builtin_channels(given)}

    def warnings(self) -> list[str]:
        """Return what is allowed but looks like a mistake, as sentences that begin with the key."""
        from firstreply.config.cautions import warnings_of  # noqa: PLC0415 - it imports this module

        return list(warnings_of(self))

    def short_abandon_of(self, channel: str) -> timedelta:
        """Return the effective ``short_abandon`` of a channel (rule 6)."""
        own = self.channels[channel]
        if own.short_abandon is not None:
            return own.short_abandon
        return self.short_abandon if own.voice else timedelta(0)

    def bands_of(self, channel: str) -> tuple[Band, ...]:
        """Return the effective bands of a channel, shortest limit first, spelt as first written."""
        merged: dict[timedelta, Band] = {}
        for name, own in (*self.bands.items(), *self.channels[channel].bands.items()):
            limit = parse_duration(name)
            base = merged.get(limit, Band(name=name, limit=duration_micros(limit)))
            merged[limit] = Band(
                name=base.name,
                limit=base.limit,
                clock=base.clock if own.clock is None else own.clock,
                weight=base.weight if own.weight is None else own.weight,
            )
        return tuple(merged[limit] for limit in sorted(merged))
