"""The channel board: one channel, down to its queues. Alerts of the floor lead here.

First what is so now, then what flows through, then how long customers wait. Rates are contacts an
hour, whatever the zoom. What the recorded series know only for the whole channel says so in its
description; everything else follows the chosen queues.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from firstreply.dashboards import links, looks, palette, promql
from firstreply.dashboards.layout import flow
from firstreply.dashboards.links import Runbooks
from firstreply.dashboards.messages import Speech
from firstreply.dashboards.model import (
    Board,
    Field,
    Heading,
    Json,
    Panel,
    Query,
    Shape,
    now,
)
from firstreply.dashboards.panels import bars, colour, heatmap, named, series
from firstreply.dashboards.stats import Look, stat
from firstreply.dashboards.variables import Variable, datasource_variable

Sized = tuple[Panel | Heading, int, int]

_QUEUES: Final = 'label_values(contact_waiting{channel="$channel"}, queue)'
_STEP: Final = "5m"
"""The least step: shorter ones show single contacts as waves."""
_NAMED: Final = Look(name_size=18, filled=False)
_FIRST: Final = "contact_first_response_seconds"


def board(speech: Speech, runbooks: Runbooks) -> Board:
    """Return the board in one language."""
    queue = Variable(name="queue", label=speech.text("queue"), query=_QUEUES, many=True)
    sized: list[Sized] = [
        *_now(speech, runbooks),
        *_flows(speech, runbooks),
        *_sums(speech),
        *_latencies(speech),
    ]
    return Board(
        uid=links.CHANNEL,
        title=speech.text("channel.title"),
        description=speech.text("channel.about"),
        variables=(
            datasource_variable(speech.text("datasource"), shown=True),
            looks.channel_variable(speech),
            queue.as_json(),
        ),
        links=looks.top_links(speech, links.CHANNEL),
        placed=list(flow(sized)),
        since="now-8h",
        refresh="30s",
    )


def _now(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("channel.heading.now")), 24, 1
    for panel in (_state(speech), *_waits(speech, runbooks), *_promises(speech, runbooks)):
        yield panel, 4, 5
    waiting = f"contact_waiting{{{promql.QUEUE}}}"
    states = series(
        speech.panel("channel.waiting"),
        [
            Query(f'sum({waiting[:-1]}, band_state="{state}"}})', speech.text(state))
            for state in ("within", "at_risk", "overdue", "far_overdue")
        ],
        looks.lines(looks.CONTACTS),
        style=looks.state_colours(speech),
        stacked=True,
    )
    pages = runbooks.at_panel("ContactFarOverdue", "ContactNobodyAnswering")
    yield replace(states, links=pages), 12, 8
    alerts = speech.panel("channel.alerts")
    yield looks.alert_table(alerts, speech, runbooks, promql.CHANNEL), 12, 8


def _state(speech: Speech) -> Panel:
    configured = f"0 * max by (channel) (contact_expectation_weight_ratio{{{promql.CHANNEL}}})"
    field = Field(steps=((None, palette.UNKNOWN),), mappings=(looks.states(speech),))
    expr = promql.standing(configured, promql.QUEUE)
    return stat(speech.panel("channel.state"), [now(expr)], field)


def _waits(speech: Speech, runbooks: Runbooks) -> Iterator[Panel]:
    time = looks.plain(looks.DURATION)
    oldest = f"max({promql.OLDEST}{{{promql.QUEUE}}})"
    panel = stat(speech.panel("channel.oldest"), [now(oldest)], time)
    yield replace(panel, links=runbooks.at_panel("ContactOverdue"))
    deadline = promql.countdown(promql.QUEUE)
    panel = stat(speech.panel("channel.next"), [now(deadline)], time)
    yield replace(panel, links=runbooks.at_panel("ContactBreachImminent"))
    due = [
        now(f'sum(contact_due{{{promql.QUEUE}, horizon="{horizon}"}})', label)
        for horizon, label in (("5m", "5 min"), ("15m", "15 min"), ("60m", "60 min"))
    ]
    panel = stat(speech.panel("channel.due"), due, looks.plain(looks.CONTACTS), _NAMED)
    yield replace(panel, links=runbooks.at_panel("ContactAtRiskBacklog"))


def _promises(speech: Speech, runbooks: Runbooks) -> Iterator[Panel]:
    kept, promised = (
        f"max by (channel, band) ({series}{{{promql.CHANNEL}}})"
        for series in (promql.KEPT_30M, promql.OBJECTIVE)
    )
    pair = [
        now(kept, speech.text("kept_30m")),
        now(promised, f"{speech.text('promised')} ({{{{band}}}})"),
    ]
    panel = stat(speech.panel("channel.kept"), pair, looks.plain(looks.SHARE, 0), _NAMED)
    yield replace(panel, links=runbooks.at_panel("ContactPromiseBurnFast"))
    index = f"max by (channel) ({promql.INDEX_1D}{{{promql.CHANNEL}}})"
    yield stat(speech.panel("channel.index"), [now(index)], looks.plain(looks.SHARE, 0))


def _flows(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("channel.heading.flow")), 24, 1
    net_missed = promql.net("missed", promql.QUEUE, "$__rate_interval", "rate")
    answered = _an_hour(f"{_FIRST}_count")
    flow_of = {
        "received": promql.per_hour(promql.received(promql.QUEUE)),
        "answered": answered,
        "missed": promql.per_hour(f"sum({promql.of_promise(net_missed)})"),
    }
    late: Json = {"color": colour(palette.LINE_LATE)}
    yield _rates(speech, "channel.flow", flow_of, {speech.text("missed"): late}), 12, 8
    pages = runbooks.at_panel("ContactVolumeSpike", "ContactNoContactsWhenOpen")
    yield replace(_usual(speech), links=pages), 12, 8
    acknowledged = {"acknowledged": _an_hour("contact_acknowledged_total"), "answered": answered}
    yield _rates(speech, "channel.acknowledged", acknowledged), 8, 8
    moved = {
        "transferred": _an_hour("contact_transferred_total"),
        "reopened": _an_hour("contact_reopened_total"),
    }
    yield _rates(speech, "channel.moved", moved), 8, 8
    lost = {
        "gave_up": _an_hour("contact_abandoned_total"),
        "closed_unanswered": _an_hour("contact_unanswered_total", 'reason="closed"'),
        "given_up": _an_hour("contact_unanswered_total", 'reason=~"given_up|evicted"'),
    }
    yield _rates(speech, "channel.lost", lost), 8, 8


def _an_hour(counter: str, more: str = "") -> str:
    """Return how many an hour a counter without corrections counts in the chosen queues."""
    selector = f"{promql.QUEUE}, {more}" if more else promql.QUEUE
    return promql.per_hour(promql.counted(counter, selector))


def _rates(
    speech: Speech, key: str, exprs: Mapping[str, str], style: Mapping[str, Json] | None = None
) -> Panel:
    queries = [Query(expr, speech.text(name)) for name, expr in exprs.items()]
    field = looks.lines(looks.PER_HOUR, decimals=1)
    return series(speech.panel(key), queries, field, style=style, interval=_STEP)


def _usual(speech: Speech) -> Panel:
    received, usually = (
        Query(f"channel:{series_of}:increase1h{{{promql.CHANNEL}}}", speech.text(key))
        for series_of, key in (
            ("contact_received", "received"),
            ("contact_received_usual", "usually"),
        )
    )
    return series(
        speech.panel("channel.usual"),
        [received, usually],
        looks.lines(looks.CONTACTS, decimals=0),
        style={speech.text("usually"): looks.dashed(palette.LINE_OTHER)},
    )


def _sums(speech: Speech) -> Iterator[Sized]:
    """Yield single figures over the chosen time."""
    yield Heading(speech.text("channel.heading.sums")), 24, 1
    received = promql.received(promql.QUEUE, "$__range", "increase")
    count = looks.plain(looks.CONTACTS, 0)
    for key, expr, field in (
        ("received", f"clamp_min({received}, 0)", count),
        ("answered", _in_range(f"{_FIRST}_count"), count),
        ("gave_up", _in_range("contact_abandoned_total"), count),
        ("excluded", _in_range("contact_excluded_total"), count),
        (
            "transfers",
            f"100 * {_in_range('contact_transferred_total')} / ({received} > 0)",
            looks.plain(looks.CONTACTS, 1),
        ),
        ("median", _quantile_in_range(0.5), looks.plain("s")),
    ):
        yield stat(speech.panel(f"channel.{key}"), [now(expr)], field), 4, 4


def _in_range(counter: str) -> str:
    return f"sum(increase({counter}{{{promql.QUEUE}}}[$__range]))"


def _quantile_in_range(share: float) -> str:
    buckets = f"sum by (le) (increase({_FIRST}_bucket{{{promql.QUEUE}}}[$__range]))"
    return f"histogram_quantile({share}, {buckets})"


def _latencies(speech: Speech) -> Iterator[Sized]:
    yield Heading(speech.text("channel.heading.latency")), 24, 1
    buckets = f"sum by (le) (increase({_FIRST}_bucket{{{promql.QUEUE}}}[$__rate_interval]))"
    spread = Query(buckets, "{{le}}", shape=Shape.HEATMAP)
    yield heatmap(speech.panel("channel.latency"), spread, "s", "15m"), 12, 9
    limits = f"max by (band) (contact_expectation_threshold_seconds{{{promql.CHANNEL}}})"
    limit = speech.text("limit")
    panel = _within(speech, "percentiles", _FIRST, {"half": 0.5, "nine_in_ten": 0.9, "most": 0.95})
    yield (
        replace(
            panel,
            queries=(*panel.queries, Query(limits, f"{limit} {{{{band}}}}")),
            overrides=(named(f"/^{limit} /", looks.dashed(palette.LINE_OTHER)),),
        ),
        12,
        9,
    )
    share = Field(unit=looks.SHARE, decimals=0, low=0, high=1, steps=((None, palette.LINE_OK),))
    in_bands = now(promql.kept_within(promql.QUEUE, "$__range"), "{{band}}")
    yield bars(speech.panel("channel.bands"), in_bands, share), 8, 8
    business = "contact_first_response_business_seconds"
    yield _within(speech, "business", business, {"half": 0.5, "nine_in_ten": 0.9}), 8, 8
    patience = "contact_abandoned_wait_seconds"
    yield _within(speech, "patience", patience, {"half": 0.5, "nine_in_ten": 0.9}), 8, 8
    replies = "contact_reply_seconds"
    yield _within(speech, "replies", replies, {"half": 0.5, "nine_in_ten": 0.9}), 12, 8
    waiting = Query(f"sum(contact_reply_waiting{{{promql.QUEUE}}})", speech.text("waiting"))
    later = speech.panel("channel.replies_waiting")
    yield series(later, [waiting], looks.lines(looks.CONTACTS)), 12, 8


def _within(speech: Speech, key: str, histogram: str, shares: Mapping[str, float]) -> Panel:
    """Return the times within which shares of customers were answered, on a logarithmic scale."""
    queries = [
        Query(promql.quantile(share, histogram, promql.QUEUE), speech.text(name))
        for name, share in shares.items()
    ]
    scale: Json = {"scaleDistribution": {"type": "log", "log": 10}}
    field = Field(unit="s", colour={"mode": "palette-classic"}, custom=scale)
    return series(speech.panel(f"channel.{key}"), queries, field, interval="15m")
