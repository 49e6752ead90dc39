"""The keyed store: it knows how many it holds, and gives back what it was given."""

import pytest

from firstreply.domain import store as module
from firstreply.domain.contact import Contact
from firstreply.domain.packing import pack
from firstreply.domain.store import SHARDS, ContactStore, shard_of


def stored(store: ContactStore, contact_id: str) -> object:
    """Return what the store really holds."""
    return store._shards[shard_of(contact_id)][contact_id]


def rests(store: ContactStore, contact_id: str) -> bool:
    return isinstance(stored(store, contact_id), bytes)


def row(store: ContactStore, contact_id: str) -> bytes | None:
    return dict(store.rows_of([contact_id], outside=frozenset())).get(contact_id)


def test_rows_are_those_of_who_is_there_and_in_none_of_some_shards() -> None:
    store = ContactStore()
    for name in "abc":
        store.add(Contact(name))

    rows = store.rows_of(["c", "a", "nobody", "b"], outside=frozenset({shard_of("a")}))

    assert rows == [("c", pack(Contact("c"))), ("b", pack(Contact("b")))]


def test_the_store_knows_how_many_it_holds() -> None:
    store = ContactStore()
    for number in range(50):
        store.add(Contact(str(number)))

    store.add(Contact("7"))
    store.discard("8")
    store.discard("8")
    store.remove("9")
    before = len(store)
    in_shard = len(store.rows(shard_of("10")))
    store.clear(shard_of("10"))

    assert before == 48
    assert len(store) == 48 - in_shard
    assert len(store) == len(list(store)) == sum(store.size(number) for number in range(SHARDS))


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
        store.load(name, pack(Contact(name, responses=(1,))))

    assert [rests(store, name) for name in ("a", "b", "awake")] == [True, True, True]
    assert store["awake"].responses == (1,)
    assert len(store) == 3
    assert sorted(one.contact_id for one in store) == ["a", "awake", "b"]
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


def test_the_row_of_a_contact_is_the_same_asleep_and_awake() -> None:
    store = ContactStore()
    store.add(Contact("a", responses=(1,)))
    awake = row(store, "a")
    store.add(Contact("b"))

    assert rests(store, "a")
    assert row(store, "a") == awake == pack(Contact("a", responses=(1,)))
    assert row(store, "nobody") is None


def test_shards_hold_every_contact_once() -> None:
    store = ContactStore()
    for number in range(100):
        store.add(Contact(f"c{number}"))

    found = [row for number in range(SHARDS) for row in store.rows(number)]

    assert sorted(found) == sorted(
        (f"c{number}", pack(Contact(f"c{number}"))) for number in range(100)
    )


def test_a_row_is_of_the_contact_as_it_is() -> None:
    """Also where it was packed before, and has changed since."""
    store = ContactStore()
    store.add(Contact("a"))
    before = row(store, "a")
    store["a"].responses = (1,)
    changed = row(store, "a")
    store.load("a", pack(Contact("a", responses=(1, 2))))
    loaded = row(store, "a")
    store.remove("a")
    store.add(Contact("a", closes=(3,)))

    rows = [before, changed, loaded, row(store, "a")]

    assert rows == [
        pack(Contact("a")),
        pack(Contact("a", responses=(1,))),
        pack(Contact("a", responses=(1, 2))),
        pack(Contact("a", closes=(3,))),
    ]


def test_who_was_packed_for_a_checkpoint_and_changed_then_rests_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AWAKE", 1)
    store = ContactStore()
    store.add(Contact("a"))
    store.rows(shard_of("a"))
    store["a"].closes = (1,)
    store.add(Contact("b"))
    store.rows(shard_of("b"))
    store.add(Contact("c"))

    assert store.peek("a") == Contact("a", closes=(1,))
    assert store.peek("b") == Contact("b")
    assert not store._packed
