"""The declarations: names and labels are public API, so they stand here a second time."""

import re
from pathlib import Path

import pytest

from firstreply.adapters.metrics import METRICS, Kind, Metric, bounds, starting_series
from firstreply.adapters.metrics_reference import reference
from firstreply.domain.bands import Band, Clock, Policy
from firstreply.domain.calendar import Calendar
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.rejection import Reason

ROOT = Path(__file__).parents[3]
PUBLIC = {
    "contact_received_total": "channel,queue",
    "contact_received_corrections_total": "channel,queue,direction",
    "contact_expectation_outcomes_total": "channel,queue,band,outcome",
    "contact_expectation_corrections_total": "channel,queue,band,from,to",
    "contact_first_response_seconds": "channel,queue",
    "contact_first_response_business_seconds": "channel,queue",
    "contact_reply_seconds": "channel,queue",
    "contact_abandoned_wait_seconds": "channel,queue",
    "contact_acknowledged_total": "channel,queue",
    "contact_transferred_total": "channel,queue",
    "contact_reopened_total": "channel,queue",
    "contact_abandoned_total": "channel,queue",
    "contact_short_abandoned_total": "channel,queue",
    "contact_excluded_total": "channel,queue,reason",
    "contact_unanswered_total": "channel,queue,reason",
    "contact_self_served_total": "channel,queue",
    "contact_waiting": "channel,queue,band_state",
    "contact_oldest_waiting_timestamp_seconds": "channel,queue",
    "contact_next_deadline_timestamp_seconds": "channel,queue,band",
    "contact_due": "channel,queue,band,horizon",
    "contact_reply_waiting": "channel,queue",
    "contact_reply_oldest_waiting_timestamp_seconds": "channel,queue",
    "contact_channel_open": "channel",
    "contact_expectation_threshold_seconds": "channel,band",
    "contact_expectation_objective_ratio": "channel,band",
    "contact_expectation_weight_ratio": "channel,band",
    "contact_abandoned_counts": "channel",
    "firstreply_events_total": "type",
    "firstreply_events_rejected_total": "reason",
    "firstreply_events_late_total": "",
    "firstreply_events_duplicate_total": "",
    "firstreply_events_ignored_total": "",
    "firstreply_responses_unmatched_total": "",
    "firstreply_latency_negative_total": "",
    "firstreply_start_fallback_total": "",
    "firstreply_without_opening_total": "",
    "firstreply_first_response_revised_total": "",
    "firstreply_event_time_fallback_total": "",
    "firstreply_idle_proof_broken_total": "",
    "firstreply_channel_unlisted_total": "",
    "firstreply_clock_timestamp_seconds": "topic,partition",
    "firstreply_consumer_lag_messages": "topic,partition",
    "firstreply_consumer_lag_seconds": "",
    "firstreply_heartbeat_timestamp_seconds": "",
    "firstreply_contacts_tracked": "",
    "firstreply_clock_skew_seconds": "",
    "firstreply_event_loop_lag_seconds": "",
    "firstreply_event_loop_step_seconds": "",
    "firstreply_publication_delay_seconds": "",
    "firstreply_deadline_delay_seconds": "",
    "firstreply_ready": "",
    "firstreply_ledger_imbalance": "topic,partition",
    "firstreply_ledger_total": "topic,partition,kind",
    "firstreply_state_evicted_total": "reason",
    "firstreply_partitions_assigned": "",
    "firstreply_state_older": "",
    "firstreply_state_restoring": "",
    "firstreply_config_last_reload_successful": "",
    "firstreply_config_last_reload_success_timestamp_seconds": "",
    "firstreply_config_info": "hash",
    "firstreply_build_info": "version,python_version,compiled",
}
CALENDAR = Calendar.from_weekly(timezone="Europe/Paris", weekly={"mon": [("09:00", "17:00")]})
BY_NAME = {metric.name: metric for metric in METRICS}


def book(*policies: Policy, queues: dict[str, tuple[str, ...]] | None = None) -> PolicyBook:
    other = Policy("other", (Band("24h", DAY),))
    return PolicyBook([*policies, other], queues=queues)


def test_the_exported_names_and_labels_are_those_of_the_design_and_no_others() -> None:
    declared = {metric.name: ",".join(metric.labels) for metric in METRICS}

    assert declared == PUBLIC
    assert len(METRICS) == len(PUBLIC)


def test_no_label_could_hold_a_contact_a_customer_an_agent_or_free_text() -> None:
    configured = {"channel", "queue", "band", "topic", "partition"}
    of_the_process = {"hash", "version", "python_version", "compiled"}

    free = {
        (metric.name, label)
        for metric in METRICS
        for label in metric.labels
        if not metric.closed(label) and label not in configured | of_the_process
    }

    assert free == {("contact_excluded_total", "reason")}  # the policy's list and two more


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_says_its_kind_and_unit_and_the_help_needs_no_escape(metric: Metric) -> None:
    assert re.fullmatch(r"(contact|firstreply)_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.name.endswith("_info") == (metric.kind is Kind.INFO)
    assert metric.name.endswith("_seconds") == (metric.unit == "seconds")
    assert re.fullmatch(r'[^"\\\n]{10,}[.]', metric.help)


def test_every_metric_that_the_code_counts_is_declared() -> None:
    package = ROOT / "service/firstreply"
    sources = [path for path in package.rglob("*.py") if path.parent.name != "adapters"]

    counted = {
        name
        for path in sources
        for name in re.findall(
            r'"((?:contact|firstreply)_\w+_(?:total|seconds))"', path.read_text()
        )
    }

    assert "contact_received_total" in counted
    assert counted <= set(BY_NAME)


def test_the_reasons_of_rejected_records_are_those_of_the_codec() -> None:
    assert set(BY_NAME["firstreply_events_rejected_total"].closed("reason")) == set(Reason)


def test_bounds_hold_every_limit_of_the_clock_over_all_channels_once_and_in_order() -> None:
    office = Policy(
        "email",
        (Band("20s", 20 * SECOND), Band("7m", 7 * MINUTE), Band("5h", 5 * HOUR, Clock.BUSINESS)),
        calendar=CALENDAR,
    )
    phone = Policy("phone", (Band("45s", 45 * SECOND), Band("3d", 3 * DAY)))

    elapsed = bounds(Clock.ELAPSED, book(office, phone))
    business = bounds(Clock.BUSINESS, book(office, phone))

    assert {20.0, 420.0, 45.0, 259200.0} <= set(elapsed)
    assert 18000.0 in business
    assert 18000.0 not in elapsed
    assert 420.0 not in business
    for limits in (elapsed, business):
        assert limits[0] == 10.0
        assert list(limits) == sorted(set(limits))
        assert 172800.0 in limits


def test_a_business_band_of_a_channel_without_a_calendar_is_a_bound_of_the_elapsed_clock() -> None:
    always = Policy("chat", (Band("7m", 7 * MINUTE, Clock.BUSINESS),))

    limits = {clock: bounds(clock, book(always)) for clock in Clock}

    assert 420.0 in limits[Clock.ELAPSED]
    assert 420.0 not in limits[Clock.BUSINESS]


def test_outcomes_start_for_every_listed_queue_and_none_and_every_band_of_the_channel() -> None:
    chat = Policy("chat", (Band("10m", 10 * MINUTE), Band("1h", HOUR)))
    policies = book(chat, queues={"chat": ("sales",)})

    series = set(starting_series(BY_NAME["contact_expectation_outcomes_total"], policies))

    outcomes = ("met", "missed", "abandoned", "excluded")
    assert series == {
        (channel, queue, band, outcome)
        for channel, queue, band in (
            ("chat", "sales", "10m"),
            ("chat", "sales", "1h"),
            ("chat", "none", "10m"),
            ("chat", "none", "1h"),
            ("other", "none", "24h"),
        )
        for outcome in outcomes
    }


def test_of_the_corrections_only_missed_to_met_starts_at_zero() -> None:
    series = list(starting_series(BY_NAME["contact_expectation_corrections_total"], book()))

    assert series == [("other", "none", "24h", "missed", "met")]


def test_exclusions_start_with_the_reasons_of_the_policy_and_the_two_that_are_always_there() -> (
    None
):
    sms = Policy("sms", (Band("1h", HOUR),), excluded_reasons=frozenset({"spam", "test"}))

    series = list(starting_series(BY_NAME["contact_excluded_total"], book(sms)))

    assert [labels[2] for labels in series if labels[0] == "sms"] == [
        "other",
        "short_abandon",
        "spam",
        "test",
    ]


def test_the_business_histogram_starts_only_where_there_is_a_calendar() -> None:
    email = Policy("email", (Band("1h", HOUR),), calendar=CALENDAR)

    metric = BY_NAME["contact_first_response_business_seconds"]

    assert list(starting_series(metric, book(email))) == [("email", "none")]


def test_labels_that_are_not_as_declared_are_refused_with_the_name_of_the_metric() -> None:
    metric = BY_NAME["contact_expectation_outcomes_total"]

    with pytest.raises(ValueError, match=r"contact_expectation_outcomes_total.*not \('chat',\)"):
        metric.check(("chat",))
    with pytest.raises(ValueError, match=r"outcome is one of .* not 'late'"):
        metric.check(("chat", "none", "10m", "late"))


def test_the_reference_page_is_what_the_declarations_say(*, update_golden: bool) -> None:
    page = ROOT / "docs/reference/metrics.md"
    if update_golden:
        page.write_text(reference(), encoding="utf-8")

    assert page.read_text(encoding="utf-8") == reference()
    assert all(f"`{name}`" in reference() for name in PUBLIC)


def test_the_page_lists_what_can_be_the_reason_of_an_exclusion() -> None:
    (row,) = (line for line in reference().splitlines() if "`contact_excluded_total`" in line)

    assert "`reason` (each of `excluded_reasons` \\| `short_abandon` \\| `other`)" in row
