"""The keyed store knows how many it holds, whatever is put in, taken out and put in again."""

from firstreply.domain.contact import Contact
from firstreply.domain.store import SHARDS, ContactStore, shard_of


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
