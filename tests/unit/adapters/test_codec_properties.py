"""Laws of the codec: two readers, one verdict; nothing raises; times are exact."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from firstreply.adapters.codec import Decoder, Limits, Reason, Rejected
from firstreply.adapters.contract import judge
from firstreply.adapters.records import FileRecord
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.instants import to_instant
from tests.fuzz.fuzz_codec import fuzz

NAMES = ("id", "type", "time", "contact_id", "channel", "queue", "actor", "direction", "reason")
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
LONG = st.sampled_from([511, 512, 513]).map("é".__mul__)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)

CLOCKS = st.tuples(
    st.integers(1, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
    st.integers(0, 25),
    st.integers(0, 60),
    st.integers(0, 61),
).map(lambda parts: "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*parts))
FRACTIONS = st.just("") | st.text("0123456789", max_size=9).map(".".__add__)
OFFSETS = st.sampled_from(["Z", "z", "", "+00:00", "-23:59", "+0530", "+24:00", "+01", " Z", "\0Z"])
ODD_TIMES = st.one_of(
    st.tuples(CLOCKS, FRACTIONS, OFFSETS).map("".join),
    st.sampled_from([1e11, 1e11 - 1, 1e14, 1e14 - 1, -0.0, 10**30, 4_102_444_800, 4_102_444_801]),
    st.floats(-1e15, 1e15),
    st.integers(-(10**15), 10**15),
)
GOOD_TIMES = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - the zone is given
    datetime(2099, 12, 31),  # noqa: DTZ001 - the zone is given
    timezones=st.just(UTC),
).map(datetime.isoformat)


@st.composite
def good(draw: st.DrawFn) -> dict[str, object]:
    """Draw a good flat event."""
    kind = draw(st.sampled_from(list(EventType)))
    event: dict[str, object] = {
        "type": kind,
        "time": draw(GOOD_TIMES),
        "contact_id": draw(TEXT.filter(str.strip)),
    }
    for name in ("id", "channel", "queue", "reason"):
        if draw(st.booleans()):
            event[name] = draw(TEXT)
    if kind is EventType.OPENED:
        event["channel"] = draw(TEXT.filter(str.strip))
    if kind is EventType.EXCLUDED:
        event["reason"] = draw(TEXT.filter(str.strip))
    if kind is EventType.RESPONDED:
        event["actor"] = draw(st.sampled_from(["agent", "bot", "system"]))
    elif kind is EventType.MESSAGE:
        event["actor"] = draw(st.sampled_from([None, "customer"]))
    else:
        event["actor"] = draw(st.sampled_from([None, *Actor]))
    event["direction"] = draw(st.sampled_from([None, *Direction]))
    return event


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, object]:
    """Draw an event with up to three members dropped, replaced or added."""
    event = draw(good())
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(NAMES) | TEXT)
        match draw(st.integers(0, 4)):
            case 0:
                event.pop(name, None)
            case 1:
                event[name] = draw(JSON)
            case 2:
                event[name] = draw(LONG)
            case 3:
                event[name] = draw(st.sampled_from([*Actor, *EventType, *Direction, "", " ", None]))
            case _:
                event["time"] = draw(ODD_TIMES)
    return event


TIMESTAMPS = st.sampled_from([None, -1, 0, 946_684_800_000, 4_102_444_800_000, 2**62])


def record_of(event: Mapping[str, object], timestamp: int | None = None) -> FileRecord:
    return FileRecord(0, json.dumps(event).encode(), timestamp=timestamp)


@given(good())
def test_a_good_event_is_accepted_by_both_readers(event: dict[str, object]) -> None:
    record = record_of(event)

    hot = Decoder().decode(record)

    assert isinstance(hot, ContactEvent)
    assert judge(record, Limits()) == hot


@settings(max_examples=500)
@given(event=mutated(), timestamp=TIMESTAMPS, fallback=st.booleans())
def test_both_readers_accept_and_reject_the_same_events(
    *, event: dict[str, object], timestamp: int | None, fallback: bool
) -> None:
    record = record_of(event, timestamp)
    decoder = Decoder(timestamp_fallback=fallback)

    hot = decoder.decode(record)
    published = judge(record, decoder.limits)

    if isinstance(hot, Rejected):
        assert isinstance(published, tuple)
        assert hot.reason in {fault.reason for fault in published}
    else:
        assert published == hot


@settings(max_examples=300)
@given(ODD_TIMES)
def test_both_readers_read_the_same_instant(time: object) -> None:
    event = {"type": "contact.queued", "contact_id": "c", "time": time}
    decoder = Decoder(latest=2**62)

    hot = decoder.decode(record_of(event))
    published = judge(record_of(event), decoder.limits)

    if isinstance(hot, ContactEvent):
        assert published == hot
    else:
        assert isinstance(published, tuple)


@given(
    GOOD_TIMES.map(lambda text: text[:19]),
    st.text("0123456789", min_size=1, max_size=30),
    st.integers(-1439, 1439),
)
def test_a_fraction_is_rounded_half_up_to_the_microsecond(
    seconds: str, digits: str, offset: int
) -> None:
    sign, size = "-" if offset < 0 else "+", abs(offset)
    time = f"{seconds}.{digits}{sign}{size // 60:02}:{size % 60:02}"
    event = {"type": "contact.queued", "contact_id": "c", "time": time}

    verdict = Decoder(latest=2**62).decode(record_of(event))

    whole = to_instant(datetime.fromisoformat(f"{seconds}Z") - timedelta(minutes=offset))
    exact = whole + Fraction(int(digits), 10 ** len(digits)) * 1_000_000
    rounded = (exact + Fraction(1, 2)).__floor__()
    if rounded < 0:
        assert isinstance(verdict, Rejected)
        assert verdict.reason is Reason.ABSURD_TIME
    else:
        assert isinstance(verdict, ContactEvent)
        assert verdict.time == rounded


@given(st.integers(0, 4_102_444_800_000_000))
def test_seconds_with_six_decimals_are_exact(instant: int) -> None:
    written = f"{instant // 1_000_000}.{instant % 1_000_000:06}"
    value = b'{"type":"contact.queued","contact_id":"c","time":%s}' % written.encode()

    verdict = Decoder().decode(FileRecord(0, value))

    assert isinstance(verdict, ContactEvent)
    assert verdict.time == instant


@given(
    st.binary() | st.text().map(str.encode) | JSON.map(lambda each: json.dumps(each).encode()),
    st.lists(
        st.tuples(
            st.sampled_from(["ce_specversion", "ce_type", "ce_time", "content-type"]) | TEXT,
            st.none() | st.binary(max_size=20) | st.just(b"application/cloudevents+json"),
        ),
        max_size=4,
    ),
)
def test_nothing_makes_a_reader_raise(
    value: bytes, headers: list[tuple[str, bytes | None]]
) -> None:
    record = FileRecord(0, value, headers=headers)

    hot = Decoder().decode(record)
    published = judge(record, Limits())

    assert isinstance(published, tuple) is isinstance(hot, Rejected)


@given(st.permutations(NAMES))
def test_the_order_of_members_does_not_matter(names: list[str]) -> None:
    members: dict[str, object] = dict.fromkeys(NAMES, 5)

    in_order = Decoder().decode(record_of(members))
    shuffled = Decoder().decode(record_of({name: members[name] for name in names}))

    assert isinstance(in_order, Rejected)
    assert shuffled == in_order


def test_4000_mutated_records_find_nothing() -> None:
    verdicts, findings = fuzz(seed=2, more=lambda executions: executions < 4_000)

    kinds = set(verdicts)

    assert findings == []
    assert kinds == {*Reason, "accepted", "ignored"}
