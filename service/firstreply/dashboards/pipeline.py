"""The board of the pipeline: whether the figures can be trusted, and if not, why.

For those who run firstreply; alerts of the platform lead here. From the top: the verdict, then
reading from Kafka, what was odd about the events, the state in memory, the books, and the process
itself. Only the heartbeat is compared with the time of day: it is the one instant that is of the
wall clock.
"""

from collections.abc import Iterator
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
    now,
    rows,
)
from firstreply.dashboards.panels import series, table, timeline, words
from firstreply.dashboards.stats import Look, stat
from firstreply.dashboards.variables import Variable, datasource_variable

Sized = tuple[Panel | Heading, int, int]

_AT: Final = 'instance=~"$instance"'
_NAMED: Final = Look(name_size=18, filled=False)
_PROCESS: Final = "{{instance}}"
_PARTITION: Final = "{{topic}}/{{partition}}"
_LONG_STEP: Final = 0.02
"""Seconds; one of ``adapters.metrics.STEP_BOUNDS``."""
_HEARTBEAT: Final = "time() - firstreply_heartbeat_timestamp_seconds"

_ODD: Final = {
    "late": "firstreply_events_late_total",
    "duplicate": "firstreply_events_duplicate_total",
    "ignored": "firstreply_events_ignored_total",
    "unlisted": "firstreply_channel_unlisted_total",
    "unmatched": "firstreply_responses_unmatched_total",
    "negative": "firstreply_latency_negative_total",
    "fallback": "firstreply_start_fallback_total",
    "without_opening": "firstreply_without_opening_total",
    "revised": "firstreply_first_response_revised_total",
    "dated": "firstreply_event_time_fallback_total",
    "proof": "firstreply_idle_proof_broken_total",
}


def board(speech: Speech, runbooks: Runbooks) -> Board:
    """Return the board in one language."""
    known = "label_values(firstreply_build_info, instance)"
    process = Variable(name="instance", label=speech.text("process"), query=known, many=True)
    sized: list[Sized] = [
        *_verdict(speech, runbooks),
        *_reading(speech, runbooks),
        *_odd(speech, runbooks),
        *_state(speech, runbooks),
        *_books(speech, runbooks),
        *_process(speech, runbooks),
    ]
    return Board(
        uid=links.PIPELINE,
        title=speech.text("pipeline.title"),
        description=speech.text("pipeline.about"),
        variables=(
            datasource_variable(speech.text("datasource"), shown=True),
            process.as_json(),
        ),
        links=looks.top_links(speech, links.PIPELINE),
        placed=list(flow(sized)),
        since="now-3h",
        refresh="30s",
    )


def _verdict(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    ready = [
        now("sum(firstreply_ready)", speech.text("ready_of")),
        now("count(firstreply_ready)", speech.text("all_of")),
    ]
    config = looks.yes_no(
        (speech.text("accepted"), palette.OK), (speech.text("refused"), palette.LATE)
    )
    accepted = "min(firstreply_config_last_reload_successful)"
    for key, queries, field, look, alert in (
        ("figures", [now(promql.STEADY)], looks.fresh(speech), Look(), "FirstreplyMetricsAbsent"),
        ("ready", ready, looks.plain("none"), _NAMED, "FirstreplyExporterDown"),
        (
            "heartbeat",
            [now(f"max({_HEARTBEAT})")],
            _seconds(60, 120),
            Look(),
            "FirstreplyPipelineStale",
        ),
        (
            "lag",
            [now("max(firstreply_consumer_lag_seconds)")],
            _seconds(10, 60),
            Look(),
            "FirstreplyConsumerLag",
        ),
        (
            "restoring",
            [now("sum(firstreply_state_restoring)")],
            Field(steps=((None, palette.PLAIN), (1, palette.SOON))),
            Look(),
            "FirstreplyNotReady",
        ),
        ("config", [now(accepted)], config, Look(), "FirstreplyConfigReloadFailed"),
    ):
        panel = stat(speech.panel(f"pipeline.{key}"), queries, field, look)
        yield replace(panel, links=runbooks.at_panel(alert)), 4, 4
    platform = 'team="platform"'
    yield looks.alert_table(speech.panel("pipeline.alerts"), speech, runbooks, platform), 12, 8
    yield _processes(speech), 12, 8


def _seconds(soon: float, late: float) -> Field:
    steps = ((None, palette.PLAIN), (soon, palette.SOON), (late, palette.LATE))
    return Field(unit="s", decimals=0, steps=steps)


def _processes(speech: Speech) -> Panel:
    names = {
        "instance": speech.text("process"),
        "version": speech.text("version"),
        "python_version": "Python",
        "compiled": speech.text("compiled"),
        "hash": speech.text("hash"),
    }
    organize: Json = {
        "excludeByName": dict.fromkeys(("Time", "Value #A", "Value #B"), True),
        "indexByName": {name: number for number, name in enumerate(names)},
        "renameByName": names,
    }
    built = f"max by (instance, version, python_version, compiled) (firstreply_build_info{{{_AT}}})"
    configured = f"max by (instance, hash) (firstreply_config_info{{{_AT}}})"
    return table(
        speech.panel("pipeline.processes"),
        [rows(built), rows(configured)],
        looks.plain("none"),
        transformations=(
            {"id": "joinByField", "options": {"byField": "instance", "mode": "outer"}},
            {"id": "organize", "options": organize},
        ),
    )


def _lines(speech: Speech, key: str, queries: list[Query], unit: str) -> Panel:
    return series(speech.panel(f"pipeline.{key}"), queries, looks.lines(unit))


def _one(speech: Speech, key: str, expr: str, legend: str, unit: str) -> Panel:
    return _lines(speech, key, [Query(expr, legend)], unit)


def _reading(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("pipeline.heading.reading")), 24, 1
    behind = f"firstreply_consumer_lag_seconds{{{_AT}}}"
    lag = runbooks.at_panel("FirstreplyConsumerLag")
    yield replace(_one(speech, "lag_seconds", behind, _PROCESS, "s"), links=lag), 8, 8
    unread = f"max by (topic, partition) (firstreply_consumer_lag_messages{{{_AT}}})"
    yield replace(_one(speech, "lag_messages", unread, _PARTITION, "short"), links=lag), 8, 8
    beats = _one(speech, "heartbeats", f"{_HEARTBEAT}{{{_AT}}}", _PROCESS, "s")
    yield replace(beats, links=runbooks.at_panel("FirstreplyPipelineStale")), 8, 8
    read = f"sum by (type) (rate(firstreply_events_total{{{_AT}}}[$__rate_interval]))"
    yield _one(speech, "events", read, "{{type}}", "suffix:/s"), 12, 8
    advanced = f"firstreply_clock_timestamp_seconds{{{_AT}}}"
    speed = f"max by (topic, partition) (deriv({advanced}[5m]))"
    yield _one(speech, "speed", speed, _PARTITION, "none"), 12, 8


def _odd(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("pipeline.heading.odd")), 24, 1
    bad = f"sum by (reason) (rate(firstreply_events_rejected_total{{{_AT}}}[$__rate_interval]))"
    rejected = _one(speech, "rejected", f"3600 * {bad}", "{{reason}}", looks.PER_HOUR)
    yield replace(rejected, links=runbooks.at_panel("FirstreplyEventsRejected")), 12, 9
    oddities = [
        Query(f"3600 * {promql.counted(metric, _AT)}", speech.text(f"odd.{key}"))
        for key, metric in _ODD.items()
    ]
    panel = _lines(speech, "odd", oddities, looks.PER_HOUR)
    yield replace(panel, links=runbooks.at_panel("FirstreplyResponsesUnmatched")), 12, 9


def _state(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("pipeline.heading.state")), 24, 1
    kept = f"firstreply_contacts_tracked{{{_AT}}}"
    yield _one(speech, "tracked", kept, _PROCESS, "short"), 8, 8
    restored = [
        Query(f"firstreply_state_restoring{{{_AT}}}", _PROCESS),
        Query(f"firstreply_state_older{{{_AT}}}", f"{_PROCESS}, {speech.text('older_state')}"),
    ]
    restores = _lines(speech, "restores", restored, "none")
    yield replace(restores, links=runbooks.at_panel("FirstreplyStateOlder")), 8, 8
    dropped = f"sum by (reason) (rate(firstreply_state_evicted_total{{{_AT}}}[$__rate_interval]))"
    evicted = _one(speech, "evicted", f"3600 * {dropped}", "{{reason}}", looks.PER_HOUR)
    yield replace(evicted, links=runbooks.at_panel("FirstreplyStateEvicted")), 8, 8


def _ledger(matcher: str) -> str:
    """Return the sum over the ledger, whose entries every owner of a partition exports alike."""
    return f"sum(max by (topic, partition, kind) (firstreply_ledger_total{{{matcher}}}))"


def _books(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("pipeline.heading.books")), 24, 1
    received = _ledger('kind="received"')
    settled = _ledger('kind!~"received|resettled"')
    difference = f"abs({received} - {settled} - sum(contact_waiting))"
    books = _lines(
        speech,
        "books",
        [
            Query(difference, speech.text("difference")),
            Query(_ledger('kind="resettled"'), speech.text("resettled")),
        ],
        "none",
    )
    yield replace(books, links=runbooks.at_panel("FirstreplyAccountingMismatch")), 12, 8
    by_kind = "sum by (kind) (max by (topic, partition, kind) (firstreply_ledger_total))"
    organize: Json = {
        "excludeByName": {"Time": True},
        "indexByName": {"kind": 0, "Value": 1},
        "renameByName": {"kind": speech.text("kind"), "Value": speech.text("contacts")},
    }
    order: Json = {"fields": {}, "sort": [{"field": "Value", "desc": True}]}
    ledger = table(
        speech.panel("pipeline.ledger"),
        [rows(by_kind)],
        looks.plain("none"),
        transformations=(
            {"id": "sortBy", "options": order},
            {"id": "organize", "options": organize},
        ),
    )
    yield ledger, 12, 8


def _process(speech: Speech, runbooks: Runbooks) -> Iterator[Sized]:
    yield Heading(speech.text("pipeline.heading.process")), 24, 1
    late = f"firstreply_event_loop_lag_seconds{{{_AT}}}"
    yield _one(speech, "loop", late, _PROCESS, "s"), 8, 8
    ahead = f"firstreply_clock_skew_seconds{{{_AT}}}"
    skew = _one(speech, "skew", ahead, _PROCESS, "s")
    yield replace(skew, links=runbooks.at_panel("FirstreplyClockSkew")), 8, 8
    up = 'up{job=~".*firstreply.*", instance=~"$instance"}'
    states = {
        "0": (speech.text("down"), palette.LATE),
        "1": (speech.text("not_ready"), palette.SOON),
        "2": (speech.text("ready"), palette.OK),
    }
    field = Field(steps=((None, palette.UNKNOWN),), mappings=(words(states),))
    both = f"{up} + on (job, instance) firstreply_ready{{{_AT}}} or {up}"
    history = timeline(speech.panel("pipeline.up"), Query(both, _PROCESS), field, "1m")
    yield replace(history, links=runbooks.at_panel("FirstreplyExporterDown")), 8, 8
    yield _delays(speech), 12, 8
    steps = "sum by (instance) (rate(firstreply_event_loop_step_seconds_%s[$__rate_interval]))"
    within = steps % f'bucket{{{_AT}, le="{_LONG_STEP}"}}'
    above = f"{steps % f'count{{{_AT}}}'} - {within}"
    yield _one(speech, "steps", above, _PROCESS, "suffix:/s"), 12, 8


def _delays(speech: Speech) -> Panel:
    shown, missed = "firstreply_publication_delay_seconds", "firstreply_deadline_delay_seconds"
    queries = [
        Query(promql.quantile(0.5, shown, _AT), speech.text("delay.half")),
        Query(promql.quantile(0.99, shown, _AT), speech.text("delay.nearly_all")),
        Query(promql.quantile(0.99, missed, _AT), speech.text("delay.deadline")),
    ]
    return _lines(speech, "delays", queries, "s")
