"""Every exported metric, declared once: name, kind, labels, who feeds it, unit, help.

The names and labels are public API: a change is BREAKING in the changelog. The publisher exports
what is declared here and refuses anything else; ``docs/reference/metrics.md`` is generated from
here (``adapters.metrics_reference``); a test compares the names the engine counts with these.

A label is either *closed* (``Metric.closed`` lists all it can be, and the publisher refuses any
other) or comes from the configuration (channel, queue, band). No label ever holds a contact id, a
customer, an agent or free text.
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from typing import Final

import msgspec

from firstreply.domain.bands import NONE, OTHER, Clock, Policy
from firstreply.domain.counting import EVICTED_SETTLED, EVICTED_WAITING
from firstreply.domain.events import EventType
from firstreply.domain.gauges import HORIZONS, BandState
from firstreply.domain.increments import Labels
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND
from firstreply.domain.ledger import KINDS
from firstreply.domain.policy_book import PolicyBook
from firstreply.domain.verdict import SHORT_ABANDON
from firstreply.rejection import Reason


class Kind(StrEnum):
    """The metric types of the exposition formats."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Source(StrEnum):
    """Which part of the program feeds a metric."""

    ENGINE = "engine"
    """The increments of a checkpoint, once it is durable."""
    PROCESSOR = "processor"
    """Likewise, counted while records are decoded and log time is proved."""
    GAUGES = "partition gauges"
    """What is so at the service clock, over the partitions this process owns."""
    CONFIG = "configuration"
    SERVICE = "service"
    """The running process."""
    STATE = "state log"


OUTCOMES: Final = ("met", "missed", "abandoned", "excluded")
_CLOSED: Final[dict[str, tuple[str, ...]]] = {
    "outcome": OUTCOMES,
    "from": (*OUTCOMES, NONE),
    "to": (*OUTCOMES, NONE),
    "direction": ("in", "out"),
    "band_state": tuple(BandState),
    "horizon": tuple(HORIZONS),
    "type": (*EventType, "unknown"),
    "kind": KINDS,
}
_AT_START: Final[dict[str, tuple[str, ...]]] = {"from": ("missed",), "to": ("met",)}
"""Corrections other than missed to met exist from their first use on."""

Samples = dict[Labels, float]
"""Label values to value."""


class Metric(msgspec.Struct, frozen=True):
    """One exported metric."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    source: Source
    unit: str
    """What one is: contacts, events, seconds (instants: Unix seconds), ratio, ..."""
    help: str
    reasons: tuple[str, ...] = ()
    """All that the label ``reason`` can be; empty: the policy's excluded reasons and others."""
    clock: Clock = Clock.ELAPSED
    """Which clock a histogram runs on."""
    bounds: tuple[float, ...] = ()
    """Upper bounds of a histogram (seconds, inclusive); empty: those of its clock."""

    @property
    def family(self) -> str:
        """The name in OpenMetrics metadata, where these suffixes belong to the samples."""
        match self.kind:
            case Kind.COUNTER:
                return self.name.removesuffix("_total")
            case Kind.INFO:
                return self.name.removesuffix("_info")
            case _:
                return self.name

    def closed(self, label: str) -> tuple[str, ...]:
        """Return all values the label can have; empty if the configuration decides."""
        return self.reasons if label == "reason" else _CLOSED.get(label, ())

    def header(self, *, openmetrics: bool) -> str:
        """Return the metadata lines; without OpenMetrics, those of the text format 0.0.4."""
        name = self.family if openmetrics else self.name
        kind = Kind.GAUGE if self.kind is Kind.INFO and not openmetrics else self.kind
        lines = [f"# HELP {name} {self.help}\n", f"# TYPE {name} {kind}\n"]
        if openmetrics and name.endswith(f"_{self.unit}"):
            lines.append(f"# UNIT {name} {self.unit}\n")
        return "".join(lines)

    def lines(self, values: Labels, limits: tuple[float, ...] = ()) -> list[str]:
        """Return the lines of one series without their values.

        A histogram has a line for each limit (seconds), for +Inf, the count and the sum.
        """
        if self.kind is not Kind.HISTOGRAM:
            return [_line(self.name, self.labels, values)]
        buckets = [(*values, le) for le in (*map(str, limits), "+Inf")]
        return [
            *(_line(f"{self.name}_bucket", (*self.labels, "le"), bucket) for bucket in buckets),
            _line(f"{self.name}_count", self.labels, values),
            _line(f"{self.name}_sum", self.labels, values),
        ]

    def check(self, values: Labels) -> None:
        """Check the label values of a new series.

        Raises:
            ValueError: they are not as many as declared, or not among the closed ones.
        """
        if len(values) != len(self.labels):
            msg = f"{self.name} has the labels {self.labels}, not {values}"
            raise ValueError(msg)
        for label, value in zip(self.labels, values, strict=True):
            closed = self.closed(label)
            if closed and value not in closed:
                msg = f"{self.name}: {label} is one of {closed}, not {value!r}"
                raise ValueError(msg)


def _line(name: str, labels: Labels, values: Labels) -> str:
    if not labels:
        return f"{name} "
    inside = ",".join(f'{key}="{_escape(text)}"' for key, text in zip(labels, values, strict=True))
    return f"{name}{{{inside}}} "


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


PAIR: Final = ("channel", "queue")
DELAY_BOUNDS: Final = (
    *(0.1, 0.25, 0.5, 0.75, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.75),
    *(2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 8.5, 10.0, 30.0, 60.0, 300.0, 3600.0),
)
"""Finest around what is aimed at with the default settings: 1.5 for records, 8.5 for deadlines."""
STEP_BOUNDS: Final = (
    *(0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04),
    *(0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0),
)
"""No step should take more than 0.02."""
_BAND: Final = ("channel", "band")
_PARTITION: Final = ("topic", "partition")

# A table, to be read downwards: two lines a metric.
# fmt: off
CONTACTS: Final = (
    Metric("contact_received_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts whose clock started."),
    Metric("contact_received_corrections_total", Kind.COUNTER, (*PAIR, "direction"),
           Source.ENGINE, "contacts",
           "Contacts moved by an earlier opening that came late; net: received + in - out."),
    Metric("contact_expectation_outcomes_total", Kind.COUNTER, (*PAIR, "band", "outcome"),
           Source.ENGINE, "contacts",
           "Outcomes by expectation band, as first counted; the corrections give the net."),
    Metric("contact_expectation_corrections_total", Kind.COUNTER, (*PAIR, "band", "from", "to"),
           Source.ENGINE, "contacts",
           "Outcomes changed by late input; net X: outcomes X + corrections to X - from X."),
    Metric("contact_first_response_seconds", Kind.HISTOGRAM, PAIR, Source.ENGINE, "seconds",
           "Time from the start to the first human response, as the customer feels it."),
    Metric("contact_first_response_business_seconds", Kind.HISTOGRAM, PAIR,
           Source.ENGINE, "seconds",
           "Time from the start to the first human response, inside opening hours.",
           clock=Clock.BUSINESS),
    Metric("contact_reply_seconds", Kind.HISTOGRAM, PAIR, Source.ENGINE, "seconds",
           "Time from the oldest unanswered later message of the customer to its human answer."),
    Metric("contact_abandoned_wait_seconds", Kind.HISTOGRAM, PAIR, Source.ENGINE, "seconds",
           "How long customers who gave up had waited until then."),
    Metric("contact_acknowledged_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts with a bot or automatic reply before any human response."),
    Metric("contact_transferred_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts transferred at least once."),
    Metric("contact_reopened_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts reopened at least once."),
    Metric("contact_abandoned_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts whose customer gave up before an answer."),
    Metric("contact_short_abandoned_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts abandoned too soon to count (short_abandon); they are excluded."),
    Metric("contact_excluded_total", Kind.COUNTER, (*PAIR, "reason"), Source.ENGINE, "contacts",
           "Contacts taken out of every band, by reason."),
    Metric("contact_unanswered_total", Kind.COUNTER, (*PAIR, "reason"), Source.ENGINE, "contacts",
           "Contacts that ended without a human response, by how they ended.",
           reasons=("closed", "given_up", "evicted")),
    Metric("contact_self_served_total", Kind.COUNTER, PAIR, Source.ENGINE, "contacts",
           "Contacts that ended before they were ever queued for a human."),
)
WAITING: Final = (
    Metric("contact_waiting", Kind.GAUGE, (*PAIR, "band_state"), Source.GAUGES, "contacts",
           "Contacts waiting for a first response, by how near they are to the promise."),
    Metric("contact_oldest_waiting_timestamp_seconds", Kind.GAUGE, PAIR, Source.GAUGES, "seconds",
           "Start of the contact that waits longest; absent when nobody waits."),
    Metric("contact_next_deadline_timestamp_seconds", Kind.GAUGE, (*PAIR, "band"),
           Source.GAUGES, "seconds",
           "When the next waiting contact breaks its promise; absent when none can."),
    Metric("contact_due", Kind.GAUGE, (*PAIR, "band", "horizon"), Source.GAUGES, "contacts",
           "Promise deadlines of waiting contacts that fall within the horizon."),
    Metric("contact_reply_waiting", Kind.GAUGE, PAIR, Source.GAUGES, "contacts",
           "Answered contacts whose later message waits for a reply."),
    Metric("contact_reply_oldest_waiting_timestamp_seconds", Kind.GAUGE, PAIR,
           Source.GAUGES, "seconds",
           "Since when the oldest of these messages waits; absent when none does."),
    Metric("contact_channel_open", Kind.GAUGE, ("channel",), Source.GAUGES, "boolean",
           "1 while the channel is open at the service clock, else 0; absent until that is known."),
)
CONFIGURED: Final = (
    Metric("contact_expectation_threshold_seconds", Kind.GAUGE, _BAND, Source.CONFIG, "seconds",
           "Limit of the expectation band."),
    Metric("contact_expectation_objective_ratio", Kind.GAUGE, _BAND, Source.CONFIG, "ratio",
           "Share of contacts promised within the band; only the band of the promise."),
    Metric("contact_expectation_weight_ratio", Kind.GAUGE, _BAND, Source.CONFIG, "ratio",
           "Weight of the band in the expectation index."),
    Metric("contact_abandoned_counts", Kind.GAUGE, ("channel",), Source.CONFIG, "boolean",
           "1 if abandoned contacts count against the promise, 0 if they are left out."),
)
EVENTS: Final = (
    Metric("firstreply_events_total", Kind.COUNTER, ("type",), Source.ENGINE, "events",
           "Events read, by type."),
    Metric("firstreply_events_rejected_total", Kind.COUNTER, ("reason",),
           Source.PROCESSOR, "records",
           "Bad records, which went to the dead letters.", reasons=tuple(Reason)),
    Metric("firstreply_events_late_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Events older than the service clock when they arrived."),
    Metric("firstreply_events_duplicate_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Events seen before; they changed nothing."),
    Metric("firstreply_events_ignored_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Events that could no longer change their contact."),
    Metric("firstreply_channel_unlisted_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Events whose channel is not configured; counted as other."),
    Metric("firstreply_responses_unmatched_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Responses to no known contact."),
    Metric("firstreply_latency_negative_total", Kind.COUNTER, (), Source.ENGINE, "events",
           "Responses too long before the start to count as one."),
    Metric("firstreply_start_fallback_total", Kind.COUNTER, (), Source.ENGINE, "contacts",
           "Contacts started at opened because no queued came before the answer."),
    Metric("firstreply_without_opening_total", Kind.COUNTER, (), Source.ENGINE, "contacts",
           "Contacts first known by a message instead of an opening."),
    Metric("firstreply_first_response_revised_total", Kind.COUNTER, (), Source.ENGINE, "contacts",
           "First responses changed by late input after they were observed."),
    Metric("firstreply_event_time_fallback_total", Kind.COUNTER, (), Source.PROCESSOR, "events",
           "Events without a time of their own, dated by their record (kafka.timestamp_fallback)."),
    Metric("firstreply_idle_proof_broken_total", Kind.COUNTER, (), Source.PROCESSOR, "records",
           "Records older than a proof of log time had allowed for."),
)
RUNNING: Final = (
    Metric("firstreply_clock_timestamp_seconds", Kind.GAUGE, _PARTITION, Source.GAUGES, "seconds",
           "The service clock, at which every gauge holds; ages count from it, not from time()."),
    Metric("firstreply_consumer_lag_messages", Kind.GAUGE, _PARTITION, Source.SERVICE, "messages",
           "Records not yet read."),
    Metric("firstreply_consumer_lag_seconds", Kind.GAUGE, (), Source.SERVICE, "seconds",
           "Age of the last record read while others wait, the worst of the owned partitions."),
    Metric("firstreply_heartbeat_timestamp_seconds", Kind.GAUGE, (), Source.SERVICE, "seconds",
           "When every owned partition was last caught up or advanced; absent until then."),
    Metric("firstreply_contacts_tracked", Kind.GAUGE, (), Source.GAUGES, "contacts",
           "Contacts kept in memory."),
    Metric("firstreply_clock_skew_seconds", Kind.GAUGE, (), Source.SERVICE, "seconds",
           "How far the clock of the broker was seen ahead of the clock of this machine."),
    Metric("firstreply_event_loop_lag_seconds", Kind.GAUGE, (), Source.SERVICE, "seconds",
           "How late the event loop wakes up."),
    Metric("firstreply_event_loop_step_seconds", Kind.HISTOGRAM, (), Source.SERVICE, "seconds",
           "CPU time of what the event loop ran between two polls; nothing else ran meanwhile.",
           bounds=STEP_BOUNDS),
    Metric("firstreply_publication_delay_seconds", Kind.HISTOGRAM, (), Source.SERVICE, "seconds",
           "From a record's append to its effect being shown; only of records with LogAppendTime.",
           bounds=DELAY_BOUNDS),
    Metric("firstreply_deadline_delay_seconds", Kind.HISTOGRAM, (), Source.SERVICE, "seconds",
           "By partition and checkpoint: from a silent contact's deadline to its miss, at most.",
           bounds=DELAY_BOUNDS),
    Metric("firstreply_ready", Kind.GAUGE, (), Source.SERVICE, "boolean",
           "1 while the figures can be trusted, else 0; /readyz says why."),
    Metric("firstreply_ledger_total", Kind.COUNTER, (*_PARTITION, "kind"),
           Source.GAUGES, "contacts",
           "Counts that survive a restart; read with max by (topic, partition, kind)."),
    Metric("firstreply_ledger_imbalance", Kind.GAUGE, _PARTITION, Source.GAUGES, "contacts",
           "Received less all settled or waiting, in one cut; not 0: a defect."),
    Metric("firstreply_state_evicted_total", Kind.COUNTER, ("reason",), Source.ENGINE, "contacts",
           "Contacts dropped before their time (limits.max_tracked), by what they were.",
           reasons=(EVICTED_WAITING, EVICTED_SETTLED)),
    Metric("firstreply_partitions_assigned", Kind.GAUGE, (), Source.SERVICE, "partitions",
           "Partitions of the topic that this process owns; 0: a spare member of the group."),
    Metric("firstreply_state_restoring", Kind.GAUGE, (), Source.STATE, "partitions",
           "Owned partitions whose state is being restored."),
    Metric("firstreply_state_older", Kind.GAUGE, (), Source.STATE, "partitions",
           "Owned partitions that went on from an older state, since the newest was damaged."),
    Metric("firstreply_config_last_reload_successful", Kind.GAUGE, (), Source.CONFIG, "boolean",
           "1 if the configuration was accepted when it was last read, else 0."),
    Metric("firstreply_config_last_reload_success_timestamp_seconds", Kind.GAUGE, (),
           Source.CONFIG, "seconds",
           "When a configuration was last accepted, by the clock of this machine."),
    Metric("firstreply_config_info", Kind.INFO, ("hash",), Source.CONFIG, "constant 1",
           "Hash of the configuration in force."),
    Metric("firstreply_build_info", Kind.INFO, ("version", "python_version", "compiled"),
           Source.SERVICE, "constant 1",
           "Version of firstreply and of Python; whether firstreply is compiled: true or false."),
)
# fmt: on
METRICS: Final = (*CONTACTS, *WAITING, *CONFIGURED, *EVENTS, *RUNNING)

_FIXED_BOUNDS: Final = (
    *(amount * SECOND for amount in (10, 20, 30)),
    *(amount * MINUTE for amount in (1, 2, 5, 10, 15, 20, 30, 45)),
    *(amount * HOUR for amount in (1, 1.5, 2, 3, 4, 6, 8, 12, 16)),
    *(amount * DAY for amount in (1, 1.5, 2)),
)


def bounds(clock: Clock, book: PolicyBook) -> tuple[float, ...]:
    """Return the upper bounds (seconds, inclusive) of the histograms that run on the clock.

    One list for all channels, so that buckets can be summed over them: 10 s to 2 d and the limit
    of every band that runs on the clock. A business band without a calendar runs on the elapsed
    one.
    """
    limits = {
        band.limit
        for policy in book.policies.values()
        for band in policy.bands
        if clock is (Clock.ELAPSED if policy.calendar is None else band.clock)
    }
    return tuple(limit / SECOND for limit in sorted(limits.union(_FIXED_BOUNDS)))


def pairs(book: PolicyBook) -> Iterator[tuple[Policy, str]]:
    """Yield the policy of each configured (channel, queue): every listed queue and ``none``."""
    for channel, policy in book.policies.items():
        for queue in dict.fromkeys((*book.queues[channel], NONE)):
            yield policy, queue


def starting_series(metric: Metric, book: PolicyBook) -> Iterator[Labels]:
    """Yield the labels of every series of a counter or histogram that exists from the start."""
    if "channel" not in metric.labels:
        yield from product(*(metric.closed(label) for label in metric.labels))
        return
    business = metric.kind is Kind.HISTOGRAM and metric.clock is Clock.BUSINESS
    for policy, queue in pairs(book):
        if not (business and policy.calendar is None):
            axes = (_axis(metric, label, policy) for label in metric.labels[len(PAIR) :])
            yield from product((policy.channel,), (queue,), *axes)


def _axis(metric: Metric, label: str, policy: Policy) -> tuple[str, ...]:
    if label == "band":
        return tuple(band.name for band in policy.bands)
    if label == "reason" and not metric.reasons:
        return tuple(sorted({*policy.excluded_reasons, SHORT_ABANDON, OTHER}))
    return _AT_START.get(label) or metric.closed(label)


def configuration(book: PolicyBook) -> dict[str, Samples]:
    """Return the samples of the metrics that say what is configured."""
    limits, objectives, weights, abandoned = Samples(), Samples(), Samples(), Samples()
    for channel, policy in book.policies.items():
        abandoned[channel,] = int(policy.abandoned_counts)
        for band in policy.bands:
            limits[channel, band.name] = band.limit / SECOND
            weights[channel, band.name] = band.weight
        if policy.promise is not None:
            objectives[channel, policy.promise.band] = policy.promise.objective
    return {
        "contact_expectation_threshold_seconds": limits,
        "contact_expectation_objective_ratio": objectives,
        "contact_expectation_weight_ratio": weights,
        "contact_abandoned_counts": abandoned,
    }
