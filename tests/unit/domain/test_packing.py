"""A contact that rests and is asked for again is the one it was, whatever it was."""

from dataclasses import asdict

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstreply.domain.contact import Contact, Counted, Once, Outcome, Phase
from firstreply.domain.instants import AFTER_ALL, BEFORE_ALL
from firstreply.domain.packing import pack, read, unpack
from firstreply.domain.snapshot import decode_rows, encode_rows

FULL = Contact(
    "a contact of which every field is set",
    inbound=(1, 0, "chat"),
    named=(1, 0, "chat"),
    queued=2,
    responses=(3, 4),
    automatic=(5,),
    abandonments=(6,),
    closes=(7,),
    excluding=((8, "spam"),),
    excluded=(9, "test"),
    queues=((10, 1, "billing"), (11, 2, "support")),
    last_response=12,
    last_end=13,
    phase=Phase.ANSWERED,
    start=14,
    policy="0123456789abcdef",
    known_at=15,
    lapsed=16,
    touched=17,
    recent_ids=("e1", "e2"),
    received=("chat", "billing"),
    outcomes={"10m": Counted(Outcome.MET, "billing"), "1h": Counted(Outcome.MISSED, "none")},
    latency=18,
    settled_as=Phase.ANSWERED,
    once=Once.COUNTED_RECEIVED | Once.WAS_REOPENED,
    reply_since=19,
    waits_in=(("chat", "billing"), "0123456789abcdef", 14),
    reply_waits_in=(("chat", "billing"), 19),
    timer=20,
)
UUIDS = ("0194fdc2-fa2f-4cc0-81d3-ff12045b73c8", "6e4ff95f-f662-45ee-a82a-bdf44a2d0b75")

INSTANTS = st.integers(-(2**58), 2**58)
"""Those of the years 1 to 9999 are within."""
SINCE = st.just(BEFORE_ALL) | INSTANTS
TEXTS = st.text(st.characters(categories=["Cs", "Lu", "Cc"]), max_size=5) | st.just("billing")
IDS = TEXTS | st.uuids().map(str) | st.uuids().map(str).map(str.upper)
CANDIDATES = st.none() | st.tuples(INSTANTS, st.integers(0, 1), TEXTS)
PAIRS = st.tuples(TEXTS, TEXTS)


def many(items: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(items, max_size=3).map(tuple)


@st.composite
def contacts(draw: st.DrawFn) -> Contact:
    """Draw a contact; what rows say shortly where it is as usual is often as usual."""
    inbound, received = draw(CANDIDATES), draw(st.none() | PAIRS)
    start = draw(st.none() | INSTANTS)
    policy = draw(TEXTS)
    usual_seat = ((received[0], draw(TEXTS)), policy, start) if received and start else None
    queues = TEXTS if received is None else TEXTS | st.just(received[1])
    counted = st.builds(Counted, st.sampled_from(Outcome), queues)
    return draw(
        st.builds(
            Contact,
            contact_id=TEXTS,
            inbound=st.just(inbound),
            named=st.just(inbound) | CANDIDATES,
            queued=st.none() | INSTANTS,
            responses=many(INSTANTS),
            automatic=many(INSTANTS),
            abandonments=many(INSTANTS),
            closes=many(INSTANTS),
            excluding=many(st.tuples(INSTANTS, TEXTS)),
            excluded=st.none() | st.tuples(INSTANTS, TEXTS),
            queues=many(st.tuples(INSTANTS, st.integers(0, 2), TEXTS)),
            last_response=SINCE,
            last_end=SINCE,
            phase=st.sampled_from(Phase),
            start=st.just(start),
            policy=st.just(policy),
            known_at=SINCE,
            lapsed=SINCE | st.just(AFTER_ALL),
            touched=SINCE,
            recent_ids=st.lists(IDS, max_size=16).map(tuple),
            received=st.just(received),
            outcomes=st.none() | st.dictionaries(TEXTS, counted, max_size=4),
            latency=st.none() | st.integers(0, 2**58),
            settled_as=st.none() | st.sampled_from(Phase),
            once=st.integers(0, 2**14 - 1),
            reply_since=st.none() | INSTANTS,
            waits_in=st.just(usual_seat) | st.none() | st.tuples(PAIRS, TEXTS, INSTANTS),
            reply_waits_in=st.none() | st.tuples(PAIRS, INSTANTS),
            timer=st.none() | INSTANTS | INSTANTS.map(lambda touched: touched + AFTER_ALL),
        )
    )


@given(contacts())
@settings(deadline=None)
def test_a_row_gives_back_any_contact(contact: Contact) -> None:
    ((contact_id, row),) = decode_rows(encode_rows([(contact.contact_id, pack(contact))]))

    assert unpack(contact_id, row) == contact


def test_a_row_gives_back_every_field() -> None:
    fields = asdict(FULL)
    defaults = asdict(Contact(FULL.contact_id))
    assert [name for name, value in fields.items() if value == defaults[name]] == ["contact_id"]

    assert unpack(FULL.contact_id, pack(FULL)) == FULL


def test_every_phase_and_every_outcome_has_a_code() -> None:
    """Those of a later version too: a row that lost one would be another contact's."""
    for phase in Phase:
        assert unpack("a", pack(Contact("a", phase=phase, settled_as=phase))).phase is phase
    outcomes = {outcome.value: Counted(outcome, "none") for outcome in Outcome}
    assert unpack("a", pack(Contact("a", outcomes=outcomes))).outcomes == outcomes


def test_the_codes_of_a_row_never_change() -> None:
    """The state log is full of them."""
    phases = [read(pack(Contact("a", phase=phase))).phase for phase in Phase]
    outcomes = {outcome.value: Counted(outcome, "") for outcome in Outcome}

    assert phases == [0, 1, 2, 3, 4, 5, 6]
    assert read(pack(Contact("a", outcomes=outcomes))).outcomes == {
        "met": 0,
        "missed": 1,
        "abandoned": 2,
        "excluded": 3,
    }


@pytest.mark.parametrize(
    ("ids", "short"),
    [
        ((), True),
        (UUIDS, True),
        ((UUIDS[0].upper(),), False),
        ((UUIDS[0], "e1"), False),
        ((UUIDS[0].replace("-", ""), "-" * 4), False),
        ((UUIDS[0][1:] + UUIDS[0][0],), False),
        ((UUIDS[0][:20], UUIDS[0][20:] + UUIDS[1]), False),
        ((UUIDS[0][:20] + "-" + UUIDS[0][21:], UUIDS[1]), False),
        ((UUIDS[0][:9] + "-" + UUIDS[0][10:],), False),
        ((UUIDS[0].replace("-", "0"),), False),
        ((UUIDS[0][:-1] + " ",), False),
        ((UUIDS[0][:-2] + "  ",), False),
        ((UUIDS[0][:-2] + "\u0661\u0662",), False),
        (("\ud800" * 36,), False),
    ],
)
def test_only_ids_that_come_back_the_same_are_cut_short(
    ids: tuple[str, ...], *, short: bool
) -> None:
    row = pack(Contact("a", recent_ids=ids))

    assert unpack("a", row).recent_ids == ids
    if "\ud800" not in "".join(ids):
        assert isinstance(read(row).recent_ids, bytes) is short


@pytest.mark.parametrize(
    "row",
    [
        b"",
        b"\x00",
        b"no row at all",
        pack(FULL)[:-3],
        pack(Contact("a", policy="\ud800"))[:-3],
        b"\x00\x91\xc4\x01\xff",
        b"\x00\x81\x91\x01\x01",
        b"\x00" + b"\x91" * 3000 + b"\x01",
        msgspec.msgpack.encode([7]),
        msgspec.msgpack.encode([0, (2**62, 0, "chat")]),
        pack(FULL).replace(b"chat", b"ch\xfft", 1),
    ],
)
def test_what_is_no_row_is_refused(row: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeError)):
        read(row)


def test_a_row_of_a_later_version_is_read_without_what_it_has_more() -> None:
    says = msgspec.msgpack.decode(pack(FULL))

    assert read(msgspec.msgpack.encode([*says, "news"])) == read(pack(FULL))
