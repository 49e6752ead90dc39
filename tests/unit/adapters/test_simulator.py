"""The simulated contact centre and its playback: the same every time, and a day worth watching."""

import hashlib
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import islice
from typing import Any

import msgspec
import pytest

from firstreply.adapters.codec import Decoder
from firstreply.adapters.records import FileRecord
from firstreply.adapters.simulator import SimulatedEvent, SimulatedSource, Simulator
from firstreply.domain.errors import ConfigurationError
from firstreply.domain.events import ContactEvent
from firstreply.domain.instants import DAY, HOUR, MINUTE, SECOND, to_instant
from firstreply.ports import RecordSource, TimestampType, WallClock

START = datetime(2026, 3, 2, tzinfo=UTC)
MIDNIGHT = to_instant(START)
Body = dict[str, Any]


@cache
def a_day(seed: int = 1, scale: float = 1.0) -> tuple[SimulatedEvent, ...]:
    return tuple(Simulator(seed, START, scale).events())


@cache
def contacts() -> dict[str, list[tuple[int, Body]]]:
    """The events of each contact of the day by the time they say, each event once."""
    found: dict[str, dict[str, tuple[int, Body]]] = defaultdict(dict)
    for event in a_day():
        if event.contact_id:
            body = msgspec.json.decode(event.value)
            happened = to_instant(datetime.fromisoformat(body["time"]))
            found[event.contact_id][body["id"]] = (happened, body)
    return {
        contact: sorted(events.values(), key=lambda event: event[0])
        for contact, events in found.items()
    }


def of_channel(channel: str) -> list[list[tuple[int, Body]]]:
    return [events for events in contacts().values() if events[0][1].get("channel") == channel]


def happened(channel: str, kind: str, actor: str | None = None) -> list[int]:
    return [
        time - MIDNIGHT
        for events in of_channel(channel)
        for time, body in events
        if body["type"] == f"contact.{kind}" and actor in (None, body.get("actor"))
    ]


def within(times: list[int], first: float, last: float) -> int:
    return sum(first * HOUR <= time < last * HOUR for time in times)


def digest(events: Iterator[SimulatedEvent]) -> str:
    lines = (f"{event.time} {event.contact_id} {event.value!r}" for event in events)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from tests.unit.adapters.test_simulator import *\n"
        "print(digest(Simulator(7, START, 0.1).events()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}

    other = subprocess.run(
        [sys.executable, "-c", program, *sys.path],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )

    assert other.stdout.strip() == digest(Simulator(7, START, 0.1).events())


def test_one_simulator_gives_its_events_from_the_first_one_anew() -> None:
    simulator = Simulator(7, START, 0.1)

    assert digest(simulator.events()) == digest(simulator.events())


def test_another_seed_gives_another_day() -> None:
    assert a_day(1, 0.1) != a_day(2, 0.1)


def test_a_day_has_between_6000_and_10000_contacts_and_a_tenth_at_scale_0_1() -> None:
    tenth = {event.contact_id for event in a_day(1, 0.1)}

    assert 6_000 <= len(contacts()) <= 10_000
    assert 600 <= len(tenth) <= 1_000


def test_events_come_in_order_of_time_from_the_start_up_to_not_including_the_end() -> None:
    times = [event.time for event in a_day()]

    assert times == sorted(times)
    assert times[0] >= MIDNIGHT
    assert MIDNIGHT + DAY - 10 * MINUTE < times[-1] < MIDNIGHT + DAY
    assert all(time % 1_000 == 0 for time in times)


def test_one_day_is_the_beginning_of_a_simulation_without_end() -> None:
    endless = Simulator(1, START, 0.1, days=None)

    begun = list(islice(endless.events(), 3 * len(a_day(1, 0.1))))

    assert tuple(begun[: len(a_day(1, 0.1))]) == a_day(1, 0.1)
    assert begun[-1].time > MIDNIGHT + 2 * DAY
    assert endless.end is None


def test_email_that_waits_for_30_hours_is_closed_so_that_an_endless_backlog_is_bounded() -> None:
    opened: dict[str, int] = {}
    expired: list[int] = []
    for event in Simulator(1, START, 0.2, days=5).events():
        if b'"contact.opened"' in event.value:
            opened.setdefault(event.contact_id, event.time)
        if event.contact_id.startswith("email") and b'"reason":"expired"' in event.value:
            expired.append(event.time - opened[event.contact_id])

    assert len(expired) > 50
    # The others were opened by an agent, or one of the two was held up or sent twice.
    assert min(expired) >= 30 * HOUR - 45 * SECOND
    assert expired.count(30 * HOUR) > 0.9 * len(expired)


def test_every_event_is_accepted_by_the_decoder_but_those_broken_on_purpose() -> None:
    decoder = Decoder()
    verdicts = [
        (event.contact_id, decoder.decode(FileRecord(0, event.value, event.time // 1000)))
        for event in a_day()
    ]

    refused = [verdict for contact, verdict in verdicts if not contact]

    assert all(isinstance(verdict, ContactEvent) for contact, verdict in verdicts if contact)
    assert not any(isinstance(verdict, ContactEvent) for verdict in refused)
    assert 5 <= len(refused) <= 40
    assert len({str(verdict) for verdict in refused}) >= 5


def test_every_contact_begins_with_its_opening_and_no_event_says_it_came_later_than_it_did() -> (
    None
):
    for event in a_day():
        if event.contact_id:
            body = msgspec.json.decode(event.value)
            assert to_instant(datetime.fromisoformat(body["time"])) <= event.time
    for events in contacts().values():
        numbers = [int(body["id"].rpartition("#")[2]) for _, body in events]
        assert events[0][1]["type"] == "contact.opened" or numbers[0] > 1


def test_customers_come_in_a_morning_peak() -> None:
    phone = happened("phone", "opened")

    assert within(phone, 9, 11) > 1.3 * within(phone, 12, 14)
    assert within(phone, 9, 11) > 2 * within(phone, 16, 18)
    assert within(phone, 0, 6) == 0


def test_on_chat_a_bot_answers_first_and_serves_some_alone() -> None:
    first = Counter(
        next((body["actor"] for _, body in events if body["type"] == "contact.responded"), "none")
        for events in of_channel("chat")
    )
    served = happened("chat", "closed", "system")

    assert first["bot"] > 0.95 * first.total()
    assert 0.2 < len(served) / first.total() < 0.4


def test_nobody_answers_the_phone_for_40_minutes_around_midday_and_customers_give_up() -> None:
    answers = happened("phone", "responded", "agent")
    gave_up = happened("phone", "abandoned")
    outage, hour = (11 + 5 / 6, 12.5), (10 + 1 / 6, 10 + 5 / 6)

    # Whoever was connected in the last second before it still is.
    assert within(answers, outage[0] + 1 / 1800, outage[1]) == 0
    assert within(answers, *hour) > 100
    assert within(answers, outage[1], outage[1] + 1 / 30) > 10
    assert within(gave_up, *outage) > 3 * within(gave_up, *hour)


def test_the_email_queue_grows_in_the_afternoon_and_is_late_by_hours() -> None:
    waits = [
        answered - events[0][0]
        for events in of_channel("email")
        for answered, body in events
        if body.get("actor") == "agent" and body["type"] == "contact.responded"
    ]
    waiting = {
        hour: sum(
            events[0][0] < MIDNIGHT + hour * HOUR
            and not any(
                time < MIDNIGHT + hour * HOUR
                and (body["type"], body.get("actor"))
                in {("contact.responded", "agent"), ("contact.closed", "agent")}
                for time, body in events
            )
            for events in of_channel("email")
        )
        for hour in (8, 12, 17)
    }

    assert waiting[17] > waiting[12] > 50
    assert waiting[17] > waiting[8]
    assert sum(wait > HOUR for wait in waits) > len(waits) / 2


def test_the_day_holds_every_kind_of_event_reason_and_actor() -> None:
    bodies = [body for events in contacts().values() for _, body in events]
    kinds = {body["type"].removeprefix("contact.") for body in bodies}
    openings = Counter(body["direction"] for body in bodies if "direction" in body)

    assert kinds == {
        "opened",
        "queued",
        "message",
        "responded",
        "transferred",
        "abandoned",
        "closed",
        "reopened",
    }
    assert {body["reason"] for body in bodies if "reason" in body} >= {
        "resolved",
        "spam",
        "duplicate",
        "self_service",
    }
    assert {body.get("actor") for body in bodies} == {"customer", "agent", "bot", "system", None}
    assert {body["queue"] for body in bodies if "queue" in body} == {"billing", "support", "sales"}
    assert 10 < openings["outbound"] < openings["inbound"] / 20


def test_some_contacts_are_never_answered_on_every_channel() -> None:
    for channel in ("phone", "chat", "email", "messaging", "social", "web_form"):
        answered = [
            any(
                body["type"] == "contact.responded" and body["actor"] == "agent"
                for _, body in events
            )
            for events in of_channel(channel)
        ]

        assert 0.03 < answered.count(False) / len(answered) < 0.6, channel


def test_a_few_events_come_twice_and_a_few_come_late() -> None:
    deliveries: dict[bytes, list[int]] = defaultdict(list)
    for event in a_day():
        if event.contact_id:
            own = to_instant(datetime.fromisoformat(msgspec.json.decode(event.value)["time"]))
            deliveries[event.value].append(event.time - own)

    twice = [delays for delays in deliveries.values() if len(delays) > 1]
    late = [delays for delays in deliveries.values() if delays[0] > 0]

    assert 50 < len(twice) < len(deliveries) / 50
    assert 50 < len(late) < len(deliveries) / 50
    assert all(len(delays) == 2 and delays[0] == 0 < delays[1] for delays in twice)
    assert all(SECOND <= delays[0] <= 45 * SECOND and len(delays) == 1 for delays in late)


def test_hours_are_local_to_the_offset_of_the_start() -> None:
    tokyo = timezone(timedelta(hours=9))
    start = datetime(2026, 3, 2, tzinfo=tokyo)

    there = list(Simulator(1, start, 0.1).events())
    contacts_there = {event.contact_id for event in there if event.contact_id}

    assert [event.time + 9 * HOUR for event in there] == [event.time for event in a_day(1, 0.1)]
    assert contacts_there == {event.contact_id for event in a_day(1, 0.1) if event.contact_id}


def test_a_start_at_noon_begins_with_nobody_waiting_in_the_middle_of_the_outage() -> None:
    events = list(Simulator(1, START + timedelta(hours=12)).events())

    answers = [
        event.time - MIDNIGHT
        for event in events
        if event.contact_id.startswith("phone") and b'"agent"' in event.value
    ]

    assert min(answers) >= 12.5 * HOUR
    assert events[-1].time < MIDNIGHT + 36 * HOUR


@pytest.mark.parametrize(
    ("start", "scale", "days", "message"),
    [
        (datetime(2026, 3, 2), 1.0, 1, "has no time zone"),  # noqa: DTZ001  # the error meant
        (START, 0.0, 1, "scale"),
        (START, float("inf"), 1, "scale"),
        (START, 1.0, 0, "days"),
    ],
)
def test_what_cannot_be_simulated_is_a_configuration_error(
    start: datetime, scale: float, days: int, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Simulator(1, start, scale, days=days)


class Time:
    """A monotonic clock that only moves when told to, or when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1_000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def a_source(time: Time, *, speed: float = 600.0, days: int | None = 1) -> SimulatedSource:
    simulator = Simulator(1, START + timedelta(hours=9), 0.1, days=days)
    return SimulatedSource(simulator, speed=speed, monotonic=time.monotonic, sleep=time.sleep)


async def started(time: Time, *, speed: float = 600.0) -> SimulatedSource:
    source = a_source(time, speed=speed)
    await source.start()
    await source.begin(0)
    return source


def test_the_source_is_a_record_source_and_a_wall_clock() -> None:
    source: RecordSource = a_source(Time())
    clock: WallClock = a_source(Time())

    assert source.topic == "simulated"
    assert clock.now() == MIDNIGHT + 9 * HOUR


async def test_a_second_is_600_simulated_seconds_at_speed_600() -> None:
    time = Time()
    source = await started(time)

    time.seconds += 1.5

    assert source.now() == MIDNIGHT + 9 * HOUR + 900 * SECOND


async def test_time_stands_still_until_the_start() -> None:
    time = Time()
    source = a_source(time)
    time.seconds += 50

    before = source.now()
    await source.start()

    assert before == source.now() == MIDNIGHT + 9 * HOUR


async def test_a_fetch_returns_exactly_the_events_that_are_due() -> None:
    time = Time()
    source = await started(time)
    time.seconds += 1
    until = MIDNIGHT + 9 * HOUR + 600 * SECOND

    records = (await source.fetch())[0]

    simulator = Simulator(1, START + timedelta(hours=9), 0.1)
    due = [event for event in islice(simulator.events(), 1_000) if event.time <= until]
    assert len(due) > 20
    assert list(records) == [
        FileRecord(
            offset=offset,
            value=event.value,
            timestamp=event.time // 1000,
            timestamp_type=TimestampType.LOG_APPEND_TIME,
            key=event.contact_id.encode(),
        )
        for offset, event in enumerate(due)
    ]


async def test_a_fetch_with_nothing_due_is_empty_after_50_ms_and_time_has_moved() -> None:
    time = Time()
    source = await started(time, speed=0.001)
    before = source.now()

    records = await source.fetch()

    assert records == {}
    assert time.slept == [0.05]
    assert source.now() == before + 50


async def test_a_fetch_sleeps_no_longer_than_until_the_next_event() -> None:
    time = Time()
    source = await started(time)

    records = await source.fetch()

    first = next(Simulator(1, START + timedelta(hours=9), 0.1).events())
    wait = (first.time - MIDNIGHT - 9 * HOUR) / SECOND / 600
    assert 0.001 < wait < 0.05
    assert time.slept == [pytest.approx(wait), 0]
    assert [record.value for record in records[0]] == [first.value]


async def test_end_offsets_count_what_is_due_before_it_is_fetched() -> None:
    time = Time()
    source = await started(time)
    time.seconds += 1

    end = (await source.end_offsets(frozenset({0})))[0]
    fetched = (await source.fetch())[0]

    assert end == len(fetched) > 0


async def test_no_record_below_the_time_of_a_proof_comes_from_its_end_offset_on() -> None:
    time = Time()
    source = await started(time, speed=20_000)
    proofs: list[tuple[int, int]] = []
    records: list[FileRecord] = []

    while not source.finished:
        clock = source.now()
        end = (await source.end_offsets(frozenset({0})))[0]
        proofs.append((clock, end))
        records.extend((await source.fetch()).get(0, ()))
        time.seconds += 0.02

    assert len(proofs) > 50
    for clock, end in proofs:
        assert all((record.timestamp or 0) * 1000 > clock for record in records[end:])


async def test_a_reader_that_falls_thousands_behind_holds_simulated_time_back() -> None:
    time = Time()
    source = SimulatedSource(
        Simulator(1, START), speed=1e6, monotonic=time.monotonic, sleep=time.sleep
    )
    await source.start()
    await source.begin(0)
    time.seconds += 1e4

    held = source.now()
    records: list[FileRecord] = []
    while not source.finished:
        records.extend((await source.fetch()).get(0, ()))

    assert MIDNIGHT < held < MIDNIGHT + DAY
    assert [record.value for record in records] == [event.value for event in a_day()]
    assert [record.offset for record in records] == list(range(len(records)))
    assert source.now() == MIDNIGHT + DAY


async def test_it_is_finished_when_the_day_is_over_and_the_last_record_is_fetched() -> None:
    time = Time()
    source = await started(time)

    time.seconds += 24 * 3600 / 600 - 0.001
    before_the_end = source.finished
    time.seconds += 100
    unread = source.finished
    while (await source.fetch()).get(0):
        pass

    assert (before_the_end, unread, source.finished) == (False, False, True)
    assert source.now() == MIDNIGHT + 33 * HOUR
    assert await source.fetch() == {}


async def test_it_is_not_finished_just_before_the_end_with_everything_fetched() -> None:
    time = Time()
    source = await started(time)
    time.seconds += 24 * 3600 / 600 - 1e-5
    while (await source.fetch()).get(0):
        time.seconds -= time.slept[-1]

    time.seconds = 1_000 + 24 * 3600 / 600 - 1e-5
    nearly = source.finished
    time.seconds += 1e-5

    assert (nearly, source.finished) == (False, True)


async def test_a_simulation_without_end_is_never_finished() -> None:
    time = Time()
    source = a_source(time, days=None)
    await source.start()
    await source.begin(0)
    time.seconds += 2 * 24 * 3600 / 600

    while (await source.fetch()).get(0):
        pass

    assert not source.finished
    assert source.now() >= MIDNIGHT + 9 * HOUR + 2 * DAY


async def test_nothing_is_owned_before_the_start_and_nothing_flows_before_begin_or_after_stop() -> (
    None
):
    time = Time()
    source = a_source(time)
    unowned = source.assignment()
    await source.start()
    time.seconds += 1

    paused = await source.fetch()
    offset = await source.begin(0)
    flowing = await source.fetch()
    resumed_at = await source.begin(0)
    await source.stop()
    time.seconds += 1
    stopped = await source.fetch()

    assert unowned.partitions == frozenset()
    assert source.assignment().partitions == frozenset({0})
    assert source.assignment().epoch != unowned.epoch
    assert (paused, offset, stopped) == ({}, 0, {})
    assert resumed_at == len(flowing[0])


async def test_a_commit_is_always_accepted() -> None:
    source = await started(Time())

    assert await source.commit({0: 5}, epoch=1)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_is_not_above_0_is_a_configuration_error(speed: float) -> None:
    with pytest.raises(ConfigurationError, match="speed"):
        a_source(Time(), speed=speed)
