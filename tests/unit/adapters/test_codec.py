"""The hot path: what each record becomes, at every edge of the contract."""

import json

import pytest

from firstreply.adapters.codec import LATEST, UNKNOWN, Decoder, Reason, Rejected, Unknown
from firstreply.adapters.records import FileRecord
from firstreply.domain.events import Actor, ContactEvent, Direction, EventType
from firstreply.domain.instants import DAY, SECOND, to_datetime

NINE_FIFTEEN = 1_772_442_900 * SECOND
"""2026-03-02T09:15:00Z."""

FLAT: dict[str, object] = {
    "id": "e-1",
    "type": "contact.opened",
    "time": "2026-03-02T09:15:00Z",
    "contact_id": "c-1",
    "channel": "email",
}


def flat(**members: object) -> bytes:
    """Write a good opening with some members changed; None leaves one out."""
    changed = {name: each for name, each in {**FLAT, **members}.items() if each is not None}
    return json.dumps(changed).encode()


def decode(
    value: bytes | None, *, timestamp: int | None = None, decoder: Decoder | None = None
) -> ContactEvent | Rejected | Unknown:
    return (decoder or Decoder()).decode(FileRecord(0, value, timestamp=timestamp))


def accepted(value: bytes, *, timestamp: int | None = None) -> ContactEvent:
    event = decode(value, timestamp=timestamp)
    assert isinstance(event, ContactEvent), event
    return event


def rejected(value: bytes | None, *, timestamp: int | None = None) -> Rejected:
    verdict = decode(value, timestamp=timestamp)
    assert isinstance(verdict, Rejected), verdict
    return verdict


def test_an_event_with_every_member_is_read_as_written() -> None:
    value = flat(queue="billing", actor="customer", direction="inbound", reason="question", x=[1])

    event = accepted(value)

    assert event == ContactEvent(
        contact_id="c-1",
        type=EventType.OPENED,
        time=NINE_FIFTEEN,
        id="e-1",
        channel="email",
        queue="billing",
        actor=Actor.CUSTOMER,
        direction=Direction.INBOUND,
        reason="question",
    )


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2026-03-02T09:15:00Z", NINE_FIFTEEN),
        ("2026-03-02t09:15:00z", NINE_FIFTEEN),
        ("2026-03-02 10:15:00+01:00", NINE_FIFTEEN),
        ("2026-03-02T10:15:00+0100", NINE_FIFTEEN),
        ("2026-03-02T09:15:00-00:00", NINE_FIFTEEN),
        ("2026-03-02T09:15:00.000001Z", NINE_FIFTEEN + 1),
        ("2026-03-02T09:15:00.0000014Z", NINE_FIFTEEN + 1),
        ("2026-03-02T09:15:00.0000015Z", NINE_FIFTEEN + 2),
        ("2026-03-02T09:14:59.9999995Z", NINE_FIFTEEN),
        ("1970-01-01T00:00:00Z", 0),
        (0, 0),
        (1_772_442_900, NINE_FIFTEEN),
        (1_772_442_900.000001, NINE_FIFTEEN + 1),
        (1_772_442_900_000, NINE_FIFTEEN),
        (1_772_442_900_000.5, NINE_FIFTEEN + 500),
        (100_000_000_000, 100_000_000 * SECOND),
    ],
)
def test_a_time_is_read_to_the_microsecond(written: object, instant: int) -> None:
    value = flat(time=written)

    event = accepted(value)

    assert event.time == instant


def test_a_number_just_below_1e11_is_seconds_and_1e11_is_milliseconds() -> None:
    decoder = Decoder(latest=10**18)

    below = decode(flat(time=99_999_999_999), decoder=decoder)
    at = decode(flat(time=10**11), decoder=decoder)

    assert isinstance(below, ContactEvent)
    assert isinstance(at, ContactEvent)
    assert below.time == 99_999_999_999 * SECOND
    assert at.time == 10**11 * 1000


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-02T09:15:00",
        "2026-03-02T09:15Z",
        "2026-03-02",
        "2026-02-30T09:15:00Z",
        "2026-03-02T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "20260302T091500Z",
        "1772442900",
        "",
        True,
        [],
        {},
        10**14,
        1e300,
        10**400,
    ],
)
def test_a_time_that_cannot_be_read_is_bad(written: object) -> None:
    value = flat(time=written)

    verdict = rejected(value)

    assert verdict.reason is Reason.BAD_TIME


def test_a_time_without_offset_names_the_remedy() -> None:
    value = flat(time="2026-03-02T09:15:00")

    verdict = rejected(value)

    assert verdict.detail == "time has no offset from UTC; append Z or one such as +01:00"


@pytest.mark.parametrize(
    "written", [-1, -0.5, -1e300, "1969-12-31T23:59:59.999999Z", "1900-01-01T00:00:00Z"]
)
def test_a_time_before_1970_is_absurd(written: object) -> None:
    value = flat(time=written)

    verdict = rejected(value)

    assert verdict.reason is Reason.ABSURD_TIME


def test_a_record_without_timestamp_may_reach_2100_and_not_a_microsecond_more() -> None:
    last = "2100-01-01T00:00:00Z"
    beyond = "2100-01-01T00:00:00.000001Z"

    event = accepted(flat(time=last))
    verdict = rejected(flat(time=beyond))

    assert event.time == LATEST
    assert verdict.reason is Reason.ABSURD_TIME


def test_an_event_may_be_a_day_after_its_record_and_not_a_microsecond_more() -> None:
    timestamp = NINE_FIFTEEN // 1000
    last = to_datetime(NINE_FIFTEEN + DAY).isoformat()
    beyond = to_datetime(NINE_FIFTEEN + DAY + 1).isoformat()

    event = accepted(flat(time=last), timestamp=timestamp)
    verdict = rejected(flat(time=beyond), timestamp=timestamp)

    assert event.time == NINE_FIFTEEN + DAY
    assert verdict.reason is Reason.ABSURD_TIME


def test_a_records_timestamp_from_the_far_future_moves_no_limit() -> None:
    falling_back = Decoder(timestamp_fallback=True)
    timestamp = 2**62

    dated = rejected(flat(time="2100-01-01T00:00:00.000001Z"), timestamp=timestamp)
    undated = decode(flat(time=None), timestamp=timestamp, decoder=falling_back)

    assert dated.reason is Reason.ABSURD_TIME
    assert undated == dated


def test_an_event_may_be_long_before_its_record() -> None:
    timestamp = NINE_FIFTEEN // 1000

    event = accepted(flat(time=1), timestamp=timestamp)

    assert event.time == SECOND


def test_kafkas_minus_one_is_no_timestamp() -> None:
    value = flat()

    event = accepted(value, timestamp=-1)

    assert event.time == NINE_FIFTEEN


@pytest.mark.parametrize("absent", [{}, {"time": None}])
def test_an_absent_time_is_rejected_unless_the_fallback_is_on(absent: dict[str, None]) -> None:
    value = json.dumps({**{k: v for k, v in FLAT.items() if k != "time"}, **absent}).encode()
    falling_back = Decoder(timestamp_fallback=True)

    strict = decode(value, timestamp=1_772_442_900_000)
    event = decode(value, timestamp=1_772_442_900_000, decoder=falling_back)
    nothing_to_take = decode(value, timestamp=-1, decoder=falling_back)

    assert isinstance(strict, Rejected)
    assert strict.reason is Reason.NO_TIME
    assert isinstance(event, ContactEvent)
    assert event.time == NINE_FIFTEEN
    assert nothing_to_take == strict


def test_fallbacks_are_counted_once_per_accepted_event_and_taken() -> None:
    decoder = Decoder(timestamp_fallback=True)
    for value in (flat(time=None), flat(), flat(time=None, channel=None), flat(time="?")):
        decode(value, timestamp=1_772_442_900_000, decoder=decoder)

    taken = decoder.take_fallbacks()

    assert taken == 1
    assert decoder.take_fallbacks() == 0


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b" ",
        b"hello",
        b"{",
        b"[}",
        b'{"type":5',
        b'{"type":"contact.opened"}x',
        b'{"time":NaN}',
        b'{"x":Infinity}',
        b'{"x":-Infinity}',
        b'{"x":01}',
        b'{"x":"\xff"}',
        b'{"x":"\xed\xa0\x80"}',
        b'{"x":"\\ud800"}',
        b'{"contact_id":"\\udc00"}',
        b'{"x":"\n"}',
        b"\xef\xbb\xbf{}",
        b"\0\0\0\0\x01{}",
        "{}".encode("utf-16"),
        b"[" * 500_000,
        b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    ],
    ids=lambda value: repr(value[:16]),
)
def test_what_is_not_json_in_utf_8_is_not_json(value: bytes) -> None:
    verdict = rejected(value)

    assert verdict.reason is Reason.NOT_JSON


def test_a_null_value_is_rejected_whatever_the_headers_say() -> None:
    record = FileRecord(0, None, headers=[("ce_specversion", b"1.0")])

    verdict = Decoder().decode(record)

    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.NOT_JSON


@pytest.mark.parametrize(("extra_levels", "is_read"), [(99, True), (100, False)])
def test_100_levels_are_read_and_101_are_not(*, extra_levels: int, is_read: bool) -> None:
    nested: object = 1
    for _ in range(extra_levels):
        nested = [nested]

    verdict = decode(flat(x=nested, beside=[[], {}]))

    assert isinstance(verdict, ContactEvent) is is_read


def test_many_objects_side_by_side_are_no_levels() -> None:
    value = flat(x=[{}, []] * 200)

    event = accepted(value)

    assert event.contact_id == "c-1"


def test_brackets_inside_a_text_are_no_levels() -> None:
    value = flat(x='[{"\\' * 200)

    event = accepted(value)

    assert event.contact_id == "c-1"


def test_the_size_limit_is_inclusive_and_comes_before_all_else() -> None:
    value = flat()

    at = decode(value, decoder=Decoder(max_event_bytes=len(value)))
    above = decode(value + b"x", decoder=Decoder(max_event_bytes=len(value)))

    assert isinstance(at, ContactEvent)
    assert isinstance(above, Rejected)
    assert above.reason is Reason.OVERSIZE


def test_ten_megabytes_are_oversize_by_default() -> None:
    value = flat(x="x" * 10_000_000)

    verdict = rejected(value)

    assert verdict.reason is Reason.OVERSIZE


@pytest.mark.parametrize("value", [b"[]", b"null", b"5", b'"x"', b"{}", b'{"type":null}'])
def test_what_is_no_object_with_a_type_is_of_the_wrong_schema(value: bytes) -> None:
    verdict = rejected(value)

    assert verdict.reason is Reason.WRONG_SCHEMA


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"order.shipped"}',
        b'{"type":"","time":[],"contact_id":5}',
        b'{"time":"never","type":"CONTACT.OPENED"}',
        flat(type="contact.opened.v1"),
    ],
)
def test_an_unknown_type_is_ignored_whatever_else_is_wrong(value: bytes) -> None:
    verdict = decode(value)

    assert verdict is UNKNOWN


@pytest.mark.parametrize("contact_id", [None, "", " ", "\t\u2003"])
def test_no_contact_id_or_a_blank_one_is_rejected(contact_id: str | None) -> None:
    value = flat(contact_id=contact_id)

    verdict = rejected(value)

    assert verdict.reason is Reason.NO_CONTACT_ID


@pytest.mark.parametrize("name", ["contact_id", "id", "channel", "queue", "reason"])
def test_a_text_has_512_characters_at_most(name: str) -> None:
    at, above = "é" * 512, "é" * 513

    event = accepted(flat(**{name: at}))
    verdict = rejected(flat(**{name: above}))

    assert getattr(event, name) == at
    assert verdict.reason is Reason.WRONG_SCHEMA
    assert verdict.detail.startswith(f"{name} must be text of at most 512 characters")


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("type", 5),
        ("contact_id", 17),
        ("id", 17),
        ("channel", ["email"]),
        ("queue", {}),
        ("reason", True),
        ("actor", "Agent"),
        ("actor", 1),
        ("direction", "in"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(name: str, written: object) -> None:
    value = flat(**{name: written})

    verdict = rejected(value)

    assert verdict.reason is Reason.WRONG_SCHEMA
    assert verdict.detail.startswith(f"{name} must be ")


@pytest.mark.parametrize("channel", [None, "", "  "])
def test_an_opening_needs_a_channel(channel: str | None) -> None:
    value = flat(channel=channel)

    verdict = rejected(value)

    assert verdict == Rejected(
        Reason.WRONG_SCHEMA, "channel is missing or blank; contact.opened requires it"
    )


@pytest.mark.parametrize("kind", sorted(set(EventType) - {EventType.OPENED}))
def test_no_other_type_needs_a_channel(kind: str) -> None:
    actor = "agent" if kind == "contact.responded" else None

    event = accepted(flat(type=kind, channel=None, actor=actor, reason="spam"))

    assert event.channel is None
    assert event.type == kind


@pytest.mark.parametrize("actor", ["agent", "bot", "system"])
def test_an_agent_a_bot_or_a_system_responds(actor: str) -> None:
    value = flat(type="contact.responded", actor=actor)

    event = accepted(value)

    assert event.actor == actor


@pytest.mark.parametrize("actor", [None, "customer"])
def test_a_customer_or_nobody_does_not_respond(actor: str | None) -> None:
    value = flat(type="contact.responded", actor=actor)

    verdict = rejected(value)

    assert verdict.reason is Reason.WRONG_SCHEMA
    assert verdict.detail.startswith("actor must be agent, bot or system")


@pytest.mark.parametrize(
    ("actor", "is_read"),
    [(None, True), ("customer", True), ("agent", False), ("bot", False), ("system", False)],
)
def test_only_a_customer_sends_a_message(*, actor: str | None, is_read: bool) -> None:
    value = flat(type="contact.message", actor=actor)

    verdict = decode(value)

    assert isinstance(verdict, ContactEvent) is is_read


@pytest.mark.parametrize(
    ("kind", "reason", "is_read"),
    [
        ("contact.excluded", None, False),
        ("contact.excluded", " ", False),
        ("contact.excluded", "spam", True),
        ("contact.closed", None, True),
    ],
)
def test_an_exclusion_needs_a_reason_and_a_close_does_not(
    *, kind: str, reason: str | None, is_read: bool
) -> None:
    value = flat(type=kind, reason=reason)

    verdict = decode(value)

    assert isinstance(verdict, ContactEvent) is is_read


def test_names_are_stripped_and_ids_are_not() -> None:
    value = flat(contact_id=" c\0 ", id=" e ", channel=" Email\n", queue="\tbilling", reason=" ")

    event = accepted(value)

    assert (event.contact_id, event.id) == (" c\0 ", " e ")
    assert (event.channel, event.queue, event.reason) == ("Email", "billing", None)


@pytest.mark.parametrize("ident", [None, "", " "])
def test_without_id_the_identity_is_made_of_type_time_and_actor(ident: str | None) -> None:
    value = flat(id=ident, actor="customer")

    event = accepted(value)

    assert event.id == f"~contact.opened|{NINE_FIFTEEN}|customer"


def test_null_is_absent() -> None:
    value = json.dumps({**FLAT, "queue": None, "actor": None, "specversion": None}).encode()

    event = accepted(value)

    assert event == accepted(flat())


def test_of_a_member_given_twice_the_last_counts() -> None:
    value = b'{"time":true,"contact_id":[],' + flat()[1:]

    event = accepted(value)

    assert event == accepted(flat())


def test_the_first_fault_in_the_published_order_is_the_reason() -> None:
    faults: list[tuple[dict[str, object], Reason]] = [
        ({"channel": None}, Reason.WRONG_SCHEMA),
        ({"time": -1}, Reason.ABSURD_TIME),
        ({"time": None}, Reason.NO_TIME),
        ({"contact_id": None}, Reason.NO_CONTACT_ID),
        ({"actor": 5}, Reason.WRONG_SCHEMA),
    ]

    gathered: dict[str, object] = {}
    seen = []
    for members, _ in faults:
        gathered |= members
        seen.append(rejected(flat(**gathered)).reason)

    assert seen == [reason for _, reason in faults]


def test_a_rejection_never_quotes_the_record() -> None:
    content = "4929-1234"
    names = [*FLAT, "queue", "actor", "direction", "reason"]

    details = [
        verdict.detail
        for name in names
        for written in (content * 60, [content], {content: content})
        if isinstance(verdict := decode(flat(**{name: written})), Rejected)
    ]

    assert len(details) > len(names)
    assert not any(content in detail for detail in details)
