"""The oracle counts what the rules say, for the order in which events came."""

import json
from collections import Counter

from firstreply.domain.bands import Band, Policy
from firstreply.domain.instants import SECOND
from tests.faults.truth import InputRecord, Place, Truth, truth_of
from tests.faults.workload import Mixture, Workload, instant, is_bad

BANDS = (Band(name="5s", limit=5 * SECOND),)
POLICIES = {
    channel: Policy(channel, BANDS, excluded_reasons=frozenset({"spam"}))
    for channel in ("chat", "email", "other")
}
START = 1_700_000_000


def says(kind: str, second: int, contact: str = "c", **more: str) -> bytes:
    time = f"2023-11-14T22:13:{20 + second:02}.000000+00:00"
    told = {"type": f"contact.{kind}", "contact_id": contact, "time": time}
    return json.dumps({"id": f"{kind}-{second}", **told, **more}).encode()


def opened(second: int, channel: str = "chat") -> bytes:
    return says("opened", second, channel=channel)


def truth(*values: bytes) -> Truth:
    records = [InputRecord(Place(0, offset), value) for offset, value in enumerate(values)]
    return truth_of(records, POLICIES, until=(START + 30) * SECOND)


def test_the_first_settlement_counts_and_a_later_change_is_resettled() -> None:
    found = truth(opened(0), says("abandoned", 4), says("responded", 2, actor="agent"))

    assert found.total() == Counter(received=1, abandoned=1, resettled=1)
    assert found.net == Counter({("chat", "5s", "met"): 1})
    assert (found.contacts, found.waiting) == (1, 0)


def test_an_earlier_opening_on_another_channel_moves_who_is_not_settled() -> None:
    found = truth(opened(1), opened(0, "email"))

    assert found.total() == Counter(received=2, moved=1)
    assert found.net == Counter({("email", "5s", "missed"): 1})
    assert (found.contacts, found.waiting) == (1, 1)


def test_a_duplicate_and_a_bad_record_change_nothing() -> None:
    answer = says("responded", 2, actor="agent")
    found = truth(opened(0), b"not json", answer, answer)

    assert found.total() == Counter(received=1, answered=1)
    assert found.bad == {Place(0, 1)}
    assert found.good == 3


def test_a_workload_is_the_same_again_and_ends_every_story() -> None:
    def sent() -> list[bytes]:
        workload = Workload("seed", rate=10, mixture=Mixture(bad=0.2, duplicates=0.2))
        begun = list(workload.until(START))
        return [one.value for one in (*begun, *workload.until(START + 20), *workload.rest())]

    values = sent()
    assert values == sent()
    good = [json.loads(value) for value in values if not is_bad(value)]
    assert len({told["contact_id"] for told in good}) == 201
    assert len(good) > len({(told["contact_id"], told["id"]) for told in good})
    assert any(is_bad(value) for value in values)


def test_times_are_read_to_the_microsecond() -> None:
    assert instant("2023-11-14T22:13:20.000001+00:00") == START * SECOND + 1
