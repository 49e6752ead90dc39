"""What Prometheus sees: zero first, sums and minima over partitions, one instant per scrape."""

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from firstreply.adapters import prometheus
from firstreply.adapters.metrics import METRICS, STEP_BOUNDS
from firstreply.adapters.prometheus import Publisher
from firstreply.domain.bands import Band, Clock, Policy, Promise
from firstreply.domain.calendar import Calendar
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND
from firstreply.domain.policy_book import PolicyBook

if TYPE_CHECKING:
    from firstreply.ports import Publisher as PublisherPort

MONDAY_NOON = 1_767_610_800 * SECOND
"""2026-01-05 12:00 in Paris."""

OFFICE = Calendar.from_weekly(timezone="Europe/Paris", weekly={"mon": [("09:00", "17:00")]})
BOOK = PolicyBook(
    [
        Policy(
            "chat",
            (Band("20s", 20 * SECOND, weight=0.5), Band("10m", 10 * MINUTE, weight=0.25)),
            promise=Promise("10m", 0.9),
            abandoned_counts=False,
        ),
        Policy("email", (Band("8h", 8 * HOUR, Clock.BUSINESS),), calendar=OFFICE),
        Policy("other", (Band("24h", DAY),)),
    ],
    queues={"chat": ("sales", "help")},
)
OUTCOMES = "contact_expectation_outcomes_total"
CORRECTIONS = "contact_expectation_corrections_total"
FIRST_RESPONSE = "contact_first_response_seconds"

Samples = dict[tuple[str, ...], float]


def counted(metric: str, *labels: str, amount: int = 1) -> Increments:
    increments = Increments()
    increments.count(metric, *labels, amount=amount)
    return increments


def observed(metric: str, *labels: str, seconds: float) -> Increments:
    increments = Increments()
    increments.observe(metric, *labels, seconds=seconds)
    return increments


def read(body: bytes, name: str) -> Samples:
    """Return the samples of a name by label values."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in parse_text(body.decode())
        for sample in family.samples
        if sample.name == name
    }


async def scraped(publisher: Publisher, name: str) -> Samples:
    """Scrape as Prometheus does, to the end."""
    scrape = await publisher.scrape()
    publisher.shown(scrape)
    return read(scrape.body, name)


def waiting(at: int | None = MONDAY_NOON, **kept: QueueGauges) -> PartitionGauges:
    """Return gauges of a partition; the keywords are queues of chat."""
    queues = {("chat", queue): gauges for queue, gauges in kept.items()}
    return PartitionGauges(at=at, queues=queues, tracked=len(kept), ledger={"received": 7})


def test_the_publisher_is_the_port_that_the_processor_depends_on() -> None:
    port: PublisherPort = Publisher(BOOK, "events")

    port.checkpointed(0, 1, Increments())


# -- from the start


def test_every_configured_outcome_exists_at_zero_from_the_start() -> None:
    body = Publisher(BOOK, "events").render()

    outcomes = read(body, OUTCOMES)
    assert set(outcomes.values()) == {0}
    assert len(outcomes) == (3 * 2 + 1 + 1) * 4
    assert outcomes["chat", "sales", "20s", "met"] == 0


def test_every_metric_is_there_from_the_start_but_for_what_is_not_known_yet() -> None:
    body = Publisher(BOOK, "events").render()

    absent = {
        metric.name
        for metric in METRICS
        if not read(body, metric.name) and not read(body, f"{metric.name}_count")
    }
    assert absent == {
        "contact_oldest_waiting_timestamp_seconds",
        "contact_next_deadline_timestamp_seconds",
        "contact_reply_oldest_waiting_timestamp_seconds",
        "firstreply_clock_timestamp_seconds",
        "firstreply_config_last_reload_success_timestamp_seconds",
        "firstreply_consumer_lag_messages",
        "firstreply_consumer_lag_seconds",
        "firstreply_heartbeat_timestamp_seconds",
        "firstreply_ledger_imbalance",
        "firstreply_ledger_total",
    }


def test_the_service_starts_not_ready_with_a_good_configuration_and_nothing_evicted() -> None:
    body = Publisher(BOOK, "events").render()

    assert read(body, "firstreply_ready") == {(): 0}
    assert read(body, "firstreply_config_last_reload_successful") == {(): 1}
    assert read(body, "firstreply_config_info") == {("unset",): 1}
    assert read(body, "firstreply_state_evicted_total") == {("waiting",): 0, ("settled",): 0}
    assert read(body, "firstreply_contacts_tracked") == {(): 0}


def test_the_configuration_is_exported_for_joins() -> None:
    body = Publisher(BOOK, "events").render()

    limits = read(body, "contact_expectation_threshold_seconds")
    assert limits["chat", "20s"] == 20
    assert limits["email", "8h"] == 28800
    assert read(body, "contact_expectation_objective_ratio") == {("chat", "10m"): 0.9}
    assert read(body, "contact_expectation_weight_ratio")["chat", "20s"] == 0.5
    assert read(body, "contact_abandoned_counts") == {("chat",): 0, ("email",): 1, ("other",): 1}


async def test_another_book_replaces_the_configuration_and_brings_its_series_at_zero() -> None:
    publisher = Publisher(BOOK, "events")
    sms = Policy("sms", (Band("1h", HOUR),))

    publisher.configure(PolicyBook([sms, Policy("other", (Band("24h", DAY),))]))

    body = (await publisher.scrape()).body
    assert set(read(body, "contact_abandoned_counts")) == {("sms",), ("other",)}
    assert read(body, OUTCOMES)["sms", "none", "1h", "met"] == 0
    assert read(body, OUTCOMES)["chat", "sales", "20s", "met"] == 0


def test_no_series_says_when_it_was_created() -> None:
    assert b"_created" not in Publisher(BOOK, "events").render(openmetrics=True)


# -- counters and histograms


async def test_what_a_checkpoint_counted_in_a_configured_series_shows_at_the_next_scrape() -> None:
    publisher = Publisher(BOOK, "events")

    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "sales", amount=2))
    publisher.checkpointed(3, 1, counted("contact_received_total", "chat", "sales"))

    assert (await scraped(publisher, "contact_received_total"))["chat", "sales"] == 3


async def test_a_family_is_rendered_again_after_each_change_of_it() -> None:
    publisher = Publisher(BOOK, "events")
    seen = []

    for _ in range(3):
        publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "sales"))
        seen.append((await scraped(publisher, "contact_received_total"))["chat", "sales"])

    assert seen == [1, 2, 3]


async def test_a_pair_seen_later_is_shown_at_zero_by_one_scrape_and_then_loses_nothing() -> None:
    publisher = Publisher(BOOK, "events")
    await scraped(publisher, "contact_received_total")

    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "other", amount=30))
    first = await scraped(publisher, "contact_received_total")
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "other", amount=4))
    second = await scraped(publisher, "contact_received_total")

    assert first["chat", "other"] == 0
    assert second["chat", "other"] == 34


async def test_a_scrape_that_was_not_delivered_has_shown_no_zero() -> None:
    publisher = Publisher(BOOK, "events")
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "other"))

    await publisher.scrape()

    assert (await scraped(publisher, "contact_received_total"))["chat", "other"] == 0


async def test_a_pair_that_appeared_while_a_scrape_was_under_way_still_shows_its_zero() -> None:
    publisher = Publisher(BOOK, "events")
    scrape = await publisher.scrape()

    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "other"))
    publisher.shown(scrape)

    assert (await scraped(publisher, "contact_received_total"))["chat", "other"] == 0
    assert (await scraped(publisher, "contact_received_total"))["chat", "other"] == 1


async def test_missed_to_met_shows_at_once_and_any_other_correction_shows_zero_first() -> None:
    publisher = Publisher(BOOK, "events")
    pair_and_band = ("chat", "sales", "10m")

    publisher.checkpointed(0, 1, counted(CORRECTIONS, *pair_and_band, "missed", "met"))
    publisher.checkpointed(0, 1, counted(CORRECTIONS, *pair_and_band, "met", "none"))
    first = await scraped(publisher, CORRECTIONS)
    second = await scraped(publisher, CORRECTIONS)

    assert first[(*pair_and_band, "missed", "met")] == 1
    assert first[(*pair_and_band, "met", "none")] == 0
    assert second[(*pair_and_band, "met", "none")] == 1


async def test_a_histogram_seen_later_is_all_zero_for_one_scrape() -> None:
    publisher = Publisher(BOOK, "events")

    publisher.checkpointed(0, 1, observed(FIRST_RESPONSE, "chat", "other", seconds=12.5))
    names = [f"{FIRST_RESPONSE}_count", f"{FIRST_RESPONSE}_sum"]
    scrapes = [await publisher.scrape()]
    publisher.shown(scrapes[0])
    scrapes.append(await publisher.scrape())

    values = [[read(scrape.body, name)["chat", "other"] for name in names] for scrape in scrapes]
    assert values == [[0, 0], [1, 12.5]]


async def test_every_series_can_be_made_to_show_its_zero_first_or_none() -> None:
    shown = {}
    for rule in ("all", "none"):
        publisher = Publisher(BOOK, "events", zero_first=rule)
        for queue in ("sales", "other"):
            publisher.checkpointed(0, 1, counted("contact_received_total", "chat", queue))

        first = await scraped(publisher, "contact_received_total")
        second = await scraped(publisher, "contact_received_total")
        shown[rule] = [
            (first["chat", queue], second["chat", queue]) for queue in ("sales", "other")
        ]

    assert shown == {"all": [(0, 1), (0, 1)], "none": [(1, 1), (1, 1)]}


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (0.0, "10.0"),
        (1.0, "10.0"),
        (10.0, "10.0"),
        (10.000001, "20.0"),
        (20.0, "20.0"),
        (20.000001, "30.0"),
        (172800.0, "172800.0"),
        (172800.000001, "+Inf"),
    ],
)
def test_a_latency_falls_in_the_first_bucket_whose_limit_it_does_not_exceed(
    seconds: float, bucket: str
) -> None:
    publisher = Publisher(BOOK, "events")

    publisher.checkpointed(0, 1, observed(FIRST_RESPONSE, "chat", "sales", seconds=seconds))

    body = publisher.render()
    buckets = [
        (labels[2], value)
        for labels, value in read(body, f"{FIRST_RESPONSE}_bucket").items()
        if labels[:2] == ("chat", "sales")
    ]
    counts = [value for _, value in buckets]
    assert next(le for le, value in buckets if value) == bucket
    assert counts == sorted(counts)
    assert counts[-1] == 1
    assert read(body, f"{FIRST_RESPONSE}_sum")["chat", "sales"] == seconds


def test_a_metric_that_is_not_declared_is_refused_by_name_and_nothing_is_added() -> None:
    publisher = Publisher(BOOK, "events")
    increments = counted("contact_received_total", "chat", "sales")
    increments.count("contact_recieved_total", "chat", "sales")

    with pytest.raises(KeyError, match="contact_recieved_total"):
        publisher.checkpointed(0, 1, increments)

    assert read(publisher.render(), "contact_received_total")["chat", "sales"] == 0


def test_labels_that_are_not_declared_are_refused() -> None:
    publisher = Publisher(BOOK, "events")

    with pytest.raises(ValueError, match="type is one of"):
        publisher.checkpointed(0, 1, counted("firstreply_events_total", "contact.oponed"))


def test_a_ledger_kept_by_another_version_does_not_keep_metrics_from_being_shown() -> None:
    publisher = Publisher(BOOK, "events")

    publisher.gauges(0, PartitionGauges(None, {}, 0, {"kind_of_another_version": 1}))

    samples = read(publisher.render(), "firstreply_ledger_total")
    assert samples == {("events", "0", "kind_of_another_version"): 1}


def test_a_counter_cannot_be_observed_nor_a_gauge_counted() -> None:
    publisher = Publisher(BOOK, "events")

    with pytest.raises(KeyError, match="contact_received_total"):
        publisher.checkpointed(0, 1, observed("contact_received_total", "chat", "none", seconds=1))
    with pytest.raises(KeyError, match="contact_waiting"):
        publisher.checkpointed(0, 1, counted("contact_waiting", "chat", "none", "within"))


def test_a_counter_never_goes_down() -> None:
    publisher = Publisher(BOOK, "events")

    with pytest.raises(ValueError, match=r"contact_received_total.*-1.*correction"):
        publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "none", amount=-1))


# -- gauges over the owned partitions


def test_waiting_is_summed_over_partitions_and_zero_for_everybody_else() -> None:
    publisher = Publisher(BOOK, "events")
    publisher.gauges(0, waiting(sales=QueueGauges({BandState.WITHIN: 2, BandState.OVERDUE: 1})))
    publisher.gauges(1, waiting(sales=QueueGauges({BandState.WITHIN: 5})))

    samples = read(publisher.render(), "contact_waiting")

    assert samples["chat", "sales", "within"] == 7
    assert samples["chat", "sales", "overdue"] == 1
    assert samples["chat", "sales", "far_overdue"] == 0
    assert len(samples) == (3 + 1 + 1) * 4
    assert sum(samples.values()) == 8


def test_instants_take_the_minimum_over_partitions() -> None:
    publisher = Publisher(BOOK, "events")
    early, late = MONDAY_NOON + SECOND // 2, MONDAY_NOON + SECOND
    publisher.gauges(0, waiting(sales=QueueGauges({}, oldest_waiting=late, next_deadline=early)))
    publisher.gauges(
        1,
        waiting(
            sales=QueueGauges(
                {}, oldest_waiting=early, next_deadline=late, reply_oldest_waiting=late
            )
        ),
    )

    body = publisher.render()

    oldest = read(body, "contact_oldest_waiting_timestamp_seconds")
    assert oldest == {("chat", "sales"): 1_767_610_800.5}
    deadlines = read(body, "contact_next_deadline_timestamp_seconds")
    assert deadlines == {("chat", "sales", "10m"): 1_767_610_800.5}
    replies = read(body, "contact_reply_oldest_waiting_timestamp_seconds")
    assert replies == {("chat", "sales"): 1_767_610_801}


def test_what_falls_due_is_summed_for_the_promise_band_of_channels_with_a_promise_only() -> None:
    publisher = Publisher(BOOK, "events")
    for partition in (0, 1):
        due = QueueGauges({}, due={"5m": 1, "15m": 2, "60m": 2}, reply_waiting=3)
        publisher.gauges(partition, waiting(sales=due))

    body = publisher.render()

    samples = read(body, "contact_due")
    assert {labels[0] for labels in samples} == {"chat"}
    assert {labels[2] for labels in samples} == {"10m"}
    assert [samples["chat", "sales", "10m", to] for to in ("5m", "15m", "60m")] == [2, 4, 4]
    assert samples["chat", "none", "10m", "60m"] == 0
    assert read(body, "contact_reply_waiting")["chat", "sales"] == 6


def test_when_nobody_waits_any_more_counts_are_zero_and_instants_absent() -> None:
    publisher = Publisher(BOOK, "events")
    publisher.gauges(
        0, waiting(other=QueueGauges({BandState.WITHIN: 1}, oldest_waiting=MONDAY_NOON))
    )
    assert read(publisher.render(), "contact_waiting")["chat", "other", "within"] == 1

    publisher.gauges(0, waiting())

    body = publisher.render()
    assert read(body, "contact_waiting")["chat", "other", "within"] == 0
    assert read(body, "contact_oldest_waiting_timestamp_seconds") == {}


async def test_a_lease_that_has_ended_is_noticed_by_the_scrape_itself() -> None:
    """Who stood still and is scraped first thing must not show what is another's by now."""
    now = [100.0]
    publisher = Publisher(BOOK, "events", seconds=lambda: now[0])
    publisher.gauges(0, waiting(sales=QueueGauges({BandState.WITHIN: 7})))
    publisher.lease(116.0)

    now[0] = 115.9
    before = await scraped(publisher, "firstreply_ledger_total")
    now[0] = 116.0
    after = await scraped(publisher, "firstreply_ledger_total")

    assert before == {("events", "0", "received"): 7}
    assert after == {}
    assert await scraped(publisher, "contact_waiting") == dict.fromkeys(
        await scraped(publisher, "contact_waiting"), 0
    )


def test_the_imbalance_of_the_books_is_shown_per_partition() -> None:
    publisher = Publisher(BOOK, "events")
    publisher.gauges(0, waiting(sales=QueueGauges({BandState.WITHIN: 5, BandState.OVERDUE: 2})))
    publisher.gauges(1, waiting(sales=QueueGauges({BandState.WITHIN: 5})))

    samples = read(publisher.render(), "firstreply_ledger_imbalance")

    assert samples == {("events", "0"): 0, ("events", "1"): 2}


def test_a_revoked_partition_takes_all_its_gauges_with_it_and_only_its_own() -> None:
    publisher = Publisher(BOOK, "events")
    for partition in (0, 1):
        publisher.gauges(partition, waiting(sales=QueueGauges({BandState.WITHIN: 1})))
        publisher.lag(partition, 10 + partition, 5.0 + partition)

    publisher.drop(1)
    publisher.drop(1)

    body = publisher.render()
    assert read(body, "contact_waiting")["chat", "sales", "within"] == 1
    assert read(body, "firstreply_contacts_tracked") == {(): 1}
    assert read(body, "firstreply_ledger_total") == {("events", "0", "received"): 7}
    assert set(read(body, "firstreply_clock_timestamp_seconds")) == {("events", "0")}
    assert read(body, "firstreply_consumer_lag_messages") == {("events", "0"): 10}
    assert read(body, "firstreply_consumer_lag_seconds") == {(): 5}


def test_the_last_partition_to_go_leaves_no_lag_behind() -> None:
    publisher = Publisher(BOOK, "events")
    publisher.lag(0, 10, 5.0)

    publisher.drop(0)

    assert read(publisher.render(), "firstreply_consumer_lag_seconds") == {}


def test_lag_in_seconds_is_that_of_the_worst_partition() -> None:
    publisher = Publisher(BOOK, "events")

    publisher.lag(0, 1, 30.0)
    publisher.lag(1, 100, 2.0)

    assert read(publisher.render(), "firstreply_consumer_lag_seconds") == {(): 30}


def test_a_channel_is_open_by_its_calendar_at_the_earliest_service_clock() -> None:
    publisher = Publisher(BOOK, "events")
    opens = MONDAY_NOON - 3 * HOUR
    seen = []

    for at in (None, opens - 1, opens, opens + 8 * HOUR - 1, opens + 8 * HOUR):
        publisher.clock(0, at)
        seen.append(read(publisher.render(), "contact_channel_open").get(("email",)))
    publisher.clock(1, MONDAY_NOON)
    publisher.clock(0, opens - 1)
    seen.append(read(publisher.render(), "contact_channel_open")["email",])

    assert seen == [None, 0, 1, 1, 0, 0]


def test_a_channel_without_a_calendar_is_open_before_any_clock_is_known() -> None:
    assert read(Publisher(BOOK, "events").render(), "contact_channel_open") == {
        ("chat",): 1,
        ("other",): 1,
    }


def test_what_the_process_says_of_itself_shows() -> None:
    publisher = Publisher(BOOK, "events")

    publisher.ready(True)  # noqa: FBT003 - the value of a gauge
    publisher.config_accepted(MONDAY_NOON)
    publisher.config_refused()
    publisher.heartbeat(MONDAY_NOON + SECOND // 4)
    publisher.event_loop_lag(0.003)
    publisher.clock_skew(0.7)
    publisher.config_hash("ab12")

    body = publisher.render()
    assert read(body, "firstreply_ready") == {(): 1}
    assert read(body, "firstreply_config_last_reload_successful") == {(): 0}
    accepted = "firstreply_config_last_reload_success_timestamp_seconds"
    assert read(body, accepted) == {(): MONDAY_NOON / SECOND}
    assert read(body, "firstreply_heartbeat_timestamp_seconds") == {(): 1_767_610_800.25}
    assert read(body, "firstreply_event_loop_lag_seconds") == {(): 0.003}
    assert read(body, "firstreply_clock_skew_seconds") == {(): 0.7}
    assert read(body, "firstreply_config_info") == {("ab12",): 1}


def delays(publisher: Publisher) -> tuple[dict[str, float], float, float]:
    """Return the buckets of the publication delays, their count and their sum."""
    body, name = publisher.render(), "firstreply_publication_delay_seconds"
    buckets = {le: value for (le,), value in read(body, f"{name}_bucket").items()}
    return buckets, read(body, f"{name}_count")[()], read(body, f"{name}_sum")[()]


def test_a_delay_of_exactly_the_bound_is_within_it() -> None:
    publisher = Publisher(BOOK, "events", zero_first="none")
    now = MONDAY_NOON

    publisher.records_shown([now // 1000 - 1501, now // 1000 - 1500, now // 1000 - 100], now)
    publisher.records_shown([now // 1000 - 4_000_000], now)

    buckets, number, total = delays(publisher)
    assert (buckets["0.1"], buckets["1.4"], buckets["1.5"], buckets["1.75"]) == (1, 1, 2, 3)
    assert (buckets["3600.0"], buckets["+Inf"], number) == (3, 4, 4)
    assert total == pytest.approx(4003.101)


def test_the_delays_are_the_same_in_whatever_order_the_records_come() -> None:
    ordered, mixed = (Publisher(BOOK, "events", zero_first="none") for _ in range(2))
    now = MONDAY_NOON // 1000

    ordered.records_shown([now - 5000, now - 1000, now - 200, now + 300], MONDAY_NOON)
    mixed.records_shown([now + 300, now - 1000, now - 5000, now - 200], MONDAY_NOON)

    assert delays(ordered) == delays(mixed)


def test_a_record_from_a_clock_that_is_ahead_has_no_delay() -> None:
    publisher = Publisher(BOOK, "events", zero_first="none")

    publisher.records_shown([MONDAY_NOON // 1000 + 700], MONDAY_NOON)
    publisher.deadlines_shown(MONDAY_NOON + SECOND, MONDAY_NOON)

    buckets, number, total = delays(publisher)
    assert (buckets["0.1"], number, total) == (1, 1, 0)
    assert read(publisher.render(), "firstreply_deadline_delay_seconds_sum") == {(): 0}


def test_the_delay_of_a_deadline_and_the_steps_of_the_loop_show() -> None:
    publisher = Publisher(BOOK, "events", zero_first="none")
    cells = [0] * (len(STEP_BOUNDS) + 1)
    cells[STEP_BOUNDS.index(0.02)], cells[-1] = 7, 1

    publisher.deadlines_shown(MONDAY_NOON - 8 * SECOND, MONDAY_NOON)
    publisher.event_loop_steps(cells, 1.5)

    body = publisher.render()
    assert read(body, "firstreply_deadline_delay_seconds_bucket")["7.0",] == 0
    assert read(body, "firstreply_deadline_delay_seconds_bucket")["8.0",] == 1
    steps = read(body, "firstreply_event_loop_step_seconds_bucket")
    assert (steps["0.015",], steps["0.02",], steps["1.0",], steps["+Inf",]) == (0, 7, 7, 8)
    assert read(body, "firstreply_event_loop_step_seconds_sum") == {(): 1.5}


# -- the formats


def busy() -> Publisher:
    """Return a publisher with something in every family, and a name that needs escapes."""
    publisher = Publisher(BOOK, "events", zero_first="none")
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", 'a "b"\\c\nd'))
    publisher.checkpointed(0, 1, observed(FIRST_RESPONSE, "chat", "sales", seconds=12.25))
    gauges = QueueGauges({BandState.WITHIN: 1}, oldest_waiting=1, next_deadline=2)
    gauges.reply_oldest_waiting = 3
    publisher.gauges(0, waiting(sales=gauges))
    publisher.lag(0, 1, 0.5)
    publisher.heartbeat(MONDAY_NOON)
    return publisher


def test_both_formats_say_the_same_and_keep_names_that_need_escapes() -> None:
    publisher = busy()

    text = list(parse_text(publisher.render().decode()))
    openmetrics = list(parse_openmetrics(publisher.render(openmetrics=True).decode()))  # type: ignore[no-untyped-call] # it has no types

    samples = [
        sorted((s.name, sorted(s.labels.items()), s.value) for f in families for s in f.samples)
        for families in (text, openmetrics)
    ]
    assert samples[0] == samples[1]
    assert read(publisher.render(), "contact_received_total")["chat", 'a "b"\\c\nd'] == 1
    assert {family.name for family in openmetrics} == {metric.family for metric in METRICS}
    kinds = {family.name: family.type for family in openmetrics}
    assert kinds["contact_received"] == "counter"
    assert kinds["firstreply_build"] == "info"
    assert kinds[FIRST_RESPONSE] == "histogram"


def test_openmetrics_ends_with_eof_and_names_units_and_text_does_neither() -> None:
    publisher = busy()

    text, openmetrics = publisher.render(), publisher.render(openmetrics=True)

    assert openmetrics.endswith(b"\n# EOF\n")
    assert b"# UNIT contact_first_response_seconds seconds\n" in openmetrics
    assert b"# EOF" not in text
    assert b"# UNIT" not in text


def test_promtool_finds_nothing_to_object_to(promtool: Path) -> None:
    check = subprocess.run(
        [promtool, "check", "metrics"], input=busy().render(), capture_output=True, check=False
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")


# -- slices


async def test_a_scrape_is_of_one_instant_though_others_publish_between_its_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prometheus, "SLICE_SECONDS", 0.0)
    publisher = Publisher(BOOK, "events")
    rounds = 0

    async def publish() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            increments = counted("contact_received_total", "chat", "sales")
            increments.count("firstreply_events_duplicate_total")
            increments.observe(FIRST_RESPONSE, "chat", "sales", seconds=1.0)
            publisher.checkpointed(0, 1, increments)
            within = {BandState.WITHIN: rounds}
            publisher.gauges(0, waiting(sales=QueueGauges(within)))
            await asyncio.sleep(0)

    publishing = asyncio.create_task(publish())
    await asyncio.sleep(0)
    for _ in range(3):
        before = rounds
        first, second = await asyncio.gather(publisher.scrape(), publisher.scrape())
        assert rounds > before + 10

        for body in (first.body, second.body):
            seen = {
                read(body, "contact_received_total")["chat", "sales"],
                read(body, "firstreply_events_duplicate_total")[()],
                read(body, f"{FIRST_RESPONSE}_count")["chat", "sales"],
                read(body, "contact_waiting")["chat", "sales", "within"],
            }
            assert len(seen) == 1
            assert before <= seen.pop() <= before + 1
    publishing.cancel()


# -- the last scrape


async def scraped_regularly(publisher: Publisher) -> None:
    """Let Prometheus come as often as tells that it will come again."""
    for _ in range(prometheus.SCRAPED):
        publisher.shown(await publisher.scrape())


async def test_nobody_is_waited_for_who_looked_once() -> None:
    publisher = Publisher(BOOK, "topic", zero_first="none")
    publisher.shown(await publisher.scrape())
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "sales"))

    await asyncio.wait_for(publisher.all_delivered(), 1)


async def test_all_is_delivered_at_once_where_nobody_ever_scraped() -> None:
    publisher = Publisher(BOOK, "topic", zero_first="none")
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "sales"))

    await asyncio.wait_for(publisher.all_delivered(), 1)


async def test_all_is_delivered_when_a_scrape_after_the_last_checkpoint_was() -> None:
    publisher = Publisher(BOOK, "topic", zero_first="none")
    await scraped_regularly(publisher)
    early = await publisher.scrape()
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "sales"))
    waiting = asyncio.create_task(publisher.all_delivered())

    publisher.shown(early)
    await asyncio.sleep(0)
    before = waiting.done()
    publisher.shown(await publisher.scrape())
    await asyncio.wait_for(waiting, 1)

    assert not before


async def test_a_series_that_is_shown_at_zero_first_needs_one_scrape_more() -> None:
    publisher = Publisher(BOOK, "topic")
    await scraped_regularly(publisher)
    publisher.checkpointed(0, 1, counted("contact_received_total", "chat", "new"))
    waiting = asyncio.create_task(publisher.all_delivered())

    first = await publisher.scrape()
    assert b'queue="new"} 0' in first.body
    publisher.shown(first)
    await asyncio.sleep(0)
    assert not waiting.done()
    second = await publisher.scrape()
    assert b'queue="new"} 1' in second.body
    publisher.shown(second)

    await asyncio.wait_for(waiting, 1)
