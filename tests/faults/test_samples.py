"""Samples are read and merged as Prometheus does."""

from tests.faults.samples import CLOCK, RECEIVED, Scrape, increase, increases, merged, parse

TEXT = """\
# TYPE contact_received_total counter
contact_received_total{channel="chat",queue="none"} 12
contact_first_response_seconds_bucket{le="5"} 3
firstreply_clock_timestamp_seconds{topic="t",partition="1"} 1.7e+09
firstreply_ready 1
"""
ONE = (RECEIVED, (("channel", "chat"), ("queue", "none")))


def test_the_kept_metrics_of_a_scrape_are_read() -> None:
    assert parse(TEXT) == {
        ONE: 12.0,
        (CLOCK, (("partition", "1"), ("topic", "t"))): 1.7e9,
        ("firstreply_ready", ()): 1.0,
    }


def test_a_drop_is_a_reset_and_the_first_value_is_where_it_began() -> None:
    assert increase([5, 7, 7, 3, 4]) == 2 + 3 + 1
    assert increase([5]) == 0


def test_an_instance_that_does_not_answer_shows_nothing() -> None:
    scrapes = [
        Scrape(1.0, "a", {ONE: 5.0}),
        Scrape(1.1, "b", {ONE: 3.0}),
        Scrape(2.0, "a", None),
        Scrape(2.1, "b", {}),
    ]
    shown = [highest.get(ONE) for _, highest in merged(scrapes, RECEIVED)]
    assert shown == [5.0, 5.0, 3.0, None]


def test_increases_are_those_of_each_instance() -> None:
    scrapes = [Scrape(float(n), "ab"[n % 2], {ONE: float(n)}) for n in range(6)]
    assert increases(scrapes, RECEIVED) == {("a", ONE): 4.0, ("b", ONE): 4.0}
