"""What ``/metrics`` would have shown at each step: nothing early, nothing late, nothing lost."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import takewhile

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from firstreply.adapters.codec import Decoder
from firstreply.adapters.openmetrics import OpenMetricsHistory
from firstreply.adapters.prometheus import Publisher
from firstreply.adapters.records import FileRecord
from firstreply.adapters.simulator import Simulator
from firstreply.demo import START
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.increments import Increments
from firstreply.domain.instants import BEFORE_ALL, HOUR, SECOND
from firstreply.domain.policy_book import PolicyBook
from firstreply.fold import BadRecords
from firstreply.history import Span, write_history
from firstreply.replay import replay
from firstreply.replay_command import metrics, new_publisher
from tests.history_text import HistoryText, Key, check_instant
from tests.unit.domain.builders import GRACE, T0, at, book, policy
from tests.unit.fakes import NO_JSON, event, opened, record, responded

Samples = dict[float, float]
OUTCOMES = "contact_expectation_outcomes_total"
CORRECTIONS = "contact_expectation_corrections_total"
SERVICE_FED = {
    "firstreply_ready",
    "firstreply_heartbeat_timestamp_seconds",
    "firstreply_consumer_lag_messages",
    "firstreply_consumer_lag_seconds",
}
"""Shown by a service, and by its history; a replay has no service."""

WAITING = {"contact_waiting", "contact_reply_waiting"}
MISSED_10M = {"channel": "chat", "queue": "none", "band": "10m", "outcome": "missed"}
SIMULATED = Simulator(3, START, 0.2)
CHAT = {"channel": "chat", "queue": "none"}


@dataclass(frozen=True)
class Shown:
    """A history that was written and read again."""

    text: str
    samples: int
    counted: Increments
    read: HistoryText

    def of(self, name: str, **labels: str) -> Samples:
        """Return a series, by seconds after ``T0``."""
        return {
            round(instant - T0 / SECOND, 3): value
            for instant, value in self.read.of(name, **labels).items()
        }


def shown(
    records: Iterable[FileRecord],
    *,
    every: float = 60,
    since: float | None = None,
    until: float | None = None,
    policies: PolicyBook | None = None,
    most_samples: int | None = None,
) -> Shown:
    """Write a history; all in seconds after ``T0``."""
    with BytesIO() as spool:
        history = OpenMetricsHistory(spool, {})
        counted = write_history(
            records,
            history,
            publisher=Publisher(policies or book(), "replay", zero_first="none"),
            decoder=Decoder(),
            bad_records=BadRecords(1, 1000),
            book=policies or book(),
            grace=GRACE * SECOND,
            span=Span(
                every=round(every * SECOND),
                since=BEFORE_ALL if since is None else at(since),
                until=None if until is None else at(until),
                most_samples=most_samples,
            ),
        )
        text = "".join(history.text())
        return Shown(text, history.samples, counted, HistoryText(text))


def lines(*values: bytes) -> list[FileRecord]:
    return [record(offset, value) for offset, value in enumerate(values)]


@pytest.mark.parametrize(("every", "before", "first"), [(60, 600, 660), (5, 605, 610)])
def test_a_miss_is_shown_at_the_first_step_after_its_deadline_and_the_grace_though_no_event_came(
    every: float, before: float, first: float
) -> None:
    told = shown(lines(opened(0), opened(960, "d")), every=every)

    missed = told.of(OUTCOMES, **MISSED_10M)

    assert missed[before] == 0
    assert missed[first] == 1
    assert missed[960] == 1


def test_a_step_shows_the_event_at_its_instant_and_not_the_one_a_microsecond_later() -> None:
    told = shown(lines(opened(60), opened(120.000001, "d"), opened(200, "e")))

    received = told.of("contact_received_total", **CHAT)

    assert received == {0: 0, 60: 1, 120: 1, 180: 2, 200: 3}


def test_the_last_event_has_a_step_of_its_own_though_less_than_a_millisecond_after_another() -> (
    None
):
    told = shown(lines(opened(30), opened(60.000001, "d")))

    assert told.of("contact_received_total", **CHAT) == {0: 0, 60: 1, 60.001: 2}


def test_the_last_step_decides_deadlines_without_the_grace() -> None:
    told = shown(lines(opened(0), opened(600.5, "d")), every=1)

    missed = told.of(OUTCOMES, **MISSED_10M)

    assert (missed[600], missed[600.5]) == (0, 1)


def test_a_step_between_two_events_of_one_second_is_none_of_its_own() -> None:
    told = shown(lines(opened(10.2), opened(10.7, "d")), every=1)

    assert told.of("contact_received_total", **CHAT) == {10: 0, 10.7: 2}


def test_the_first_step_lies_before_the_first_event_and_all_that_exists_then_is_0() -> None:
    told = shown(lines(opened(0), opened(61, "d")))

    first = [(key, samples) for key, samples in told.read.cumulative() if len(samples) == 4]
    begin = T0 / SECOND - 60

    assert {samples[begin] for _, samples in first} == {0}
    assert len(first) > 100
    assert told.of(CORRECTIONS, **{**CHAT, "band": "10m", "from": "missed", "to": "met"})[-60] == 0


def test_a_kind_of_correction_that_was_never_seen_is_at_0_in_the_step_before() -> None:
    spam = event("excluded", 700, reason="spam")
    told = shown(lines(opened(0), opened(660, "d"), spam, opened(800, "e")))

    corrected = told.of(CORRECTIONS, **{"band": "10m", "from": "missed", "to": "excluded"})

    assert corrected == {660: 0, 720: 1, 780: 1, 800: 1}


def test_a_queue_of_first_use_is_at_0_in_the_step_before_in_every_bucket_too() -> None:
    """It is not configured: it is counted as "other", which exists from then on."""
    opening = event("opened", 0, "d", channel="chat", queue="unheard of")
    told = shown(lines(opened(-130), opening, responded(70, "d"), opened(200)))
    other = {"channel": "chat", "queue": "other"}

    received = told.of("contact_received_total", **other)
    within = {
        le: told.of("contact_first_response_seconds_bucket", le=le, **other)
        for le in ("60.0", "120.0", "+Inf")
    }

    assert received == {-60: 0, 0: 1, 60: 1, 120: 1, 180: 1, 200: 1}
    assert within["60.0"] == {60: 0, 120: 0, 180: 0, 200: 0}
    assert within["120.0"] == within["+Inf"] == {60: 0, 120: 1, 180: 1, 200: 1}
    assert told.of("contact_first_response_seconds_sum", **other)[60] == 0


def test_who_waits_longest_is_told_while_somebody_waits() -> None:
    told = shown(lines(opened(30), responded(100), opened(250, "d"), opened(310, "e")))

    oldest = told.of("contact_oldest_waiting_timestamp_seconds", **CHAT)

    assert {step: value - T0 / SECOND for step, value in oldest.items()} == {
        60: 30,
        300: 250,
        310: 250,
    }


def test_gauges_hold_at_the_clock_that_is_the_grace_behind_the_step() -> None:
    told = shown(lines(opened(0), opened(2000, "d")), policies=book(policy("chat", promise="10m")))

    clock = told.of("firstreply_clock_timestamp_seconds")
    waiting = told.of("contact_waiting", band_state="within", **CHAT)
    due = told.of("contact_due", horizon="5m", **CHAT)

    assert {round(step - (value - T0 / SECOND)) for step, value in clock.items()} == {GRACE}
    assert (waiting[480], waiting[540]) == (1, 0)  # 80 % of 10 min
    assert (due[300], due[360], due[600], due[660]) == (0, 1, 1, 0)


def test_the_service_is_ready_without_lag_and_its_heart_beats_at_every_step() -> None:
    told = shown(lines(opened(0), opened(300, "d")))

    beats = told.of("firstreply_heartbeat_timestamp_seconds")

    assert {step: value - T0 / SECOND for step, value in beats.items()} == {
        step: step for step in range(-60, 301, 60)
    }
    assert set(told.of("firstreply_ready").values()) == {1}
    assert set(told.of("firstreply_consumer_lag_messages").values()) == {0}
    assert set(told.of("firstreply_consumer_lag_seconds").values()) == {0}


def test_the_last_step_shows_the_metrics_of_a_replay() -> None:
    records = simulated(hours=3)
    publisher = new_publisher(book())
    done = replay(
        records,
        decoder=Decoder(),
        bad_records=BadRecords(1, 1000),
        book=book(),
        grace=GRACE * SECOND,
        publish=partial(publisher.checkpointed, 0, 0),
    )

    told = shown(records)

    last = told.read.at(told.read.instants[-1])
    expected = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(metrics(done, publisher).decode())
        for sample in family.samples
    }
    assert comparable(last) == comparable(expected)
    assert len(comparable(expected)) > 300
    assert told.counted.counts == done.increments.counts


def test_every_step_is_what_a_scrape_would_have_been() -> None:
    told = shown(simulated(hours=1)[:100])

    counts = [check_instant(told.text, stamp) for stamp in told.read.stamps.values()]

    assert min(counts) > 300
    assert sum(counts) == told.samples


def test_counters_never_go_down() -> None:
    told = shown(simulated(hours=2))

    grown = 0
    for key, samples in told.read.cumulative():
        values = list(samples.values())
        assert values == sorted(values), key
        grown += values[0] < values[-1]
    assert grown > 100


def test_a_history_taken_in_parts_is_the_whole_history() -> None:
    records = simulated(hours=2)
    begin = (SIMULATED.start - T0) / SECOND
    cut, end = begin + 1800, begin + 3600

    whole = samples_of(shown(records, until=end))
    first, second = (
        samples_of(shown(records, until=cut)),
        samples_of(shown(records, since=cut, until=end)),
    )

    assert first | second == whole
    assert {instant for _, instant in first.keys() & second.keys()} == {cut + T0 / SECOND}
    assert len(whole) > 30_000


def test_until_lets_time_pass_after_the_last_event_and_decides_with_the_grace() -> None:
    told = shown(lines(opened(0)), until=720)

    missed = told.of(OUTCOMES, **MISSED_10M)

    assert list(missed)[-1] == 720
    assert (missed[600], missed[660], missed[720]) == (0, 1, 1)


def test_what_comes_after_until_is_neither_shown_nor_counted_nor_read() -> None:
    values = opened(0), opened(90, "d"), opened(122, "e"), opened(130, "f"), opened(131, "g")
    records = iter(lines(*values))

    told = shown(records, until=125)

    assert told.of("contact_received_total", **CHAT) == {-60: 0, 0: 1, 60: 1, 120: 2}
    assert told.counted.counts["contact_received_total", ("chat", "none")] == 3
    assert [one.offset for one in records] == [4]


def test_since_leaves_out_the_steps_before_and_counts_their_events() -> None:
    told = shown(lines(opened(0), opened(90, "d"), opened(250, "e")), since=61)

    assert told.of("contact_received_total", **CHAT) == {120: 2, 180: 2, 240: 2, 250: 3}


@pytest.mark.parametrize(("since", "until"), [(301, None), (400, 500), (None, -100)])
def test_without_a_step_there_is_metadata_alone(since: float | None, until: float | None) -> None:
    told = shown(lines(opened(0), opened(300, "d")), since=since, until=until)

    expected = 0 if until is None or until < 0 else 1
    assert len(set(told.of("firstreply_ready"))) == expected * 2
    assert told.text.endswith("# EOF\n")


def test_nothing_at_all_is_metadata_alone() -> None:
    told = shown([])

    assert (told.samples, told.counted.counts) == (0, {})
    assert told.text.endswith("# EOF\n")
    assert len(told.read.kinds) > 50


def test_rejected_records_alone_are_counted_though_no_time_is_known() -> None:
    told = shown(lines(NO_JSON, NO_JSON))

    assert told.samples == 0
    assert told.counted.counts == {("firstreply_events_rejected_total", ("not_json",)): 2}


def test_records_that_know_when_they_were_appended_are_shown_from_then_on() -> None:
    records = [
        record(0, opened(0), appended=0),
        record(1, opened(10, "d"), appended=130),
        record(2, NO_JSON, appended=190),
        record(3, responded(100), appended=250),
    ]
    told = shown(records)

    received = told.of("contact_received_total", **CHAT)
    rejected = told.of("firstreply_events_rejected_total", reason="not_json")

    assert (received[120], received[180]) == (1, 2)
    assert (rejected[180], rejected[240]) == (0, 1)
    assert max(received) == 250


def test_an_event_out_of_order_is_shown_when_it_came() -> None:
    told = shown(lines(opened(0), opened(300, "d"), opened(100, "e"), opened(400, "f")))

    received = told.of("contact_received_total", **CHAT)

    assert (received[240], received[300]) == (1, 3)


def test_more_samples_than_allowed_are_refused_with_the_remedy() -> None:
    with pytest.raises(ConfigurationError, match=r"more than 9,000 samples.*--since and --until"):
        shown(lines(opened(0), opened(80_000, "d")), most_samples=9_000)


def simulated(hours: int) -> list[FileRecord]:
    """Return the first hours of a simulated day; it begins on a full minute."""
    end = SIMULATED.start + hours * HOUR
    return lines(*(one.value for one in takewhile(lambda one: one.time < end, SIMULATED.events())))


def samples_of(told: Shown) -> dict[tuple[Key, float], float]:
    """Return all that is comparable, by series and instant."""
    return {
        (key, instant): value
        for instant in told.read.instants
        for key, value in comparable(told.read.at(instant)).items()
    }


def comparable(samples: dict[Key, float]) -> dict[Key, float]:
    """Leave out what only a service says, and that nobody waits in a queue.

    A queue that is not configured is shown at 0 from the first step on at which somebody waited in
    it; who does not look then does not know it.
    """
    return {
        key: value
        for key, value in samples.items()
        if key[0] not in SERVICE_FED and (value or key[0] not in WAITING)
    }
