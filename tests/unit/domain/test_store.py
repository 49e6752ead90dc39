"""The keyed store: it knows how many it holds, and gives back what it was given."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain import store as module
from firstreply.domain.contact import Contact, Counted, Once, Outcome, Phase
from firstreply.domain.packing import pack, unpack
from firstreply.domain.snapshot import encode_contacts
from firstreply.domain.store import SHARDS, ContactStore, shard_of

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


def stored(store: ContactStore, contact_id: str) -> object:
    """Return what the store really holds."""
    return store._shards[shard_of(contact_id)][contact_id]


def rests(store: ContactStore, contact_id: str) -> bool:
    return isinstance(stored(store, contact_id), bytes)


def test_the_store_knows_how_many_it_holds() -> None:
    store = ContactStore()
    for number in range(50):
        store.add(Contact(str(number)))

    store.add(Contact("7"))
    store.discard("8")
    store.discard("8")
    store.remove("9")
    before = len(store)
    in_shard = len(store.shard(shard_of("10")))
    store.clear(shard_of("10"))

    assert before == 48
    assert len(store) == 48 - in_shard
    assert len(store) == len(list(store)) == sum(store.size(number) for number in range(SHARDS))


def test_a_row_gives_back_every_field() -> None:
    fields = msgspec.structs.asdict(FULL)
    defaults = msgspec.structs.asdict(Contact(FULL.contact_id))
    assert [name for name, value in fields.items() if value == defaults[name]] == ["contact_id"]

    row = pack(FULL)

    assert row is not None
    assert unpack(FULL.contact_id, row) == FULL


def test_the_state_log_has_no_more_to_write_of_a_contact_that_has_rested() -> None:
    new = Contact("new")
    row = pack(new)
    assert row is not None

    assert encode_contacts([unpack("new", row)]) == encode_contacts([new])


@given(
    st.text(),
    st.lists(st.integers(-(2**62), 2**62), max_size=16),
    st.lists(st.text(), max_size=16),
    st.none() | st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 1), st.text()),
)
def test_a_row_gives_back_what_was_packed(
    contact_id: str,
    instants: list[int],
    texts: list[str],
    inbound: tuple[int, int, str] | None,
) -> None:
    contact = Contact(
        contact_id, inbound=inbound, responses=tuple(instants), recent_ids=tuple(texts)
    )

    row = pack(contact)

    assert row is not None
    assert unpack(contact_id, row) == contact


def test_who_was_asked_for_longest_ago_rests_and_is_the_same_when_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AWAKE", 2)
    store = ContactStore()
    for name in ("a", "b", "c"):
        store.add(Contact(name, responses=(ord(name),)))
    at_first = [rests(store, name) for name in ("a", "b", "c")]

    woken = store["a"]
    woken.responses = (1, 2)
    afterwards = [rests(store, name) for name in ("a", "b", "c")]
    store.get("b")
    store.get("c")

    assert at_first == [True, False, False]
    assert afterwards == [False, True, False]
    assert rests(store, "a")
    assert store["a"].responses == (1, 2)
    assert len(store) == 3


def test_looking_at_contacts_wakes_none() -> None:
    store = ContactStore()
    for name in ("a", "b", "c"):
        store.add(Contact(name))

    seen = store.peek("a"), [contact.contact_id for contact in store], store.peek("x")

    assert seen == (Contact("a"), [*sorted("abc", key=shard_of)], None)
    assert [rests(store, name) for name in ("a", "b", "c")] == [True, True, False]


def test_a_contact_at_rest_is_kept_under_its_own_text() -> None:
    """The indexes hold that very text: two equal ones would cost as much as a small contact."""
    store = ContactStore()
    store.add(Contact(str(12345)))
    store.add(Contact("other"))
    again = str(12345)
    woken = store[again]
    store.get("other")

    shard = store._shards[shard_of(again)]

    assert rests(store, again)
    assert next(one for one in shard if one == again) is woken.contact_id is again


def test_contacts_that_are_loaded_rest() -> None:
    store = ContactStore()
    store.add(Contact("awake"))
    for name in ("a", "b", "a", "awake"):
        store.load(Contact(name, responses=(1,)))

    assert [rests(store, name) for name in ("a", "b", "awake")] == [True, True, True]
    assert store["awake"].responses == (1,)
    assert len(store) == 3
    assert sorted(one for ids in store.ids() for one in ids) == ["a", "awake", "b"]
    assert store["b"] == Contact("b", responses=(1,))


def test_a_contact_that_went_and_came_back_is_awake() -> None:
    store = ContactStore()
    store.add(Contact("a"))
    store.remove("a")
    again = Contact("a")
    store.add(again)

    assert store["a"] is again
    store.remove("a")
    with pytest.raises(KeyError):
        store["a"]


def test_a_text_that_utf_8_cannot_express_keeps_its_contact_awake() -> None:
    store = ContactStore()
    hostile = Contact("a", recent_ids=("\ud800",))
    store.add(hostile)
    store.add(Contact("b"))

    assert stored(store, "a") is hostile
    assert store["a"] == hostile


def test_shards_hold_every_contact_once() -> None:
    store = ContactStore()
    for number in range(100):
        store.add(Contact(f"c{number}"))

    found = [contact.contact_id for shard in store.shards() for contact in shard]

    assert sorted(found) == sorted(f"c{number}" for number in range(100))
