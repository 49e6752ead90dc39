"""The status of a process: its form on the wire, and its bounds."""

from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.instants import MINUTE
from firstreply.health import Trust
from firstreply.wall import status as module
from firstreply.wall.rolling import Rolling
from firstreply.wall.status import (
    MOST_QUEUES,
    ProcessStatus,
    Queues,
    channels_of,
    decode,
    encode,
    merged_gauges,
    shortened,
)
from tests.unit.domain.builders import T0, book, policy
from tests.unit.wall.statuses import channel, queue, status, urgent

FULL = status(
    trust=Trust.CATCHING_UP,
    reasons=["partition 3: catching up"],
    partitions={3: T0, 4: None},
    queues=[queue(waiting=(1, 2, 3, 4), next_deadline=T0 + 5, due=(6, 7, 8))],
    channels=[channel(received=1, kept=(-2, 3), bands={"10m": (4, 5)})],
    late=[urgent("né\u2028</script>")],
    coming=[urgent(None)],
)


def test_a_status_comes_out_of_the_wire_as_it_went_in() -> None:
    assert decode(encode(FULL)) == FULL


def test_a_status_with_more_at_its_end_is_read_and_one_of_another_version_is_not() -> None:
    fields = msgspec.msgpack.decode(encode(FULL))
    assert fields[0] == 1

    assert decode(msgspec.msgpack.encode([*fields, "later"])) == FULL
    assert decode(msgspec.msgpack.encode([2, *fields[1:]])) is None


@given(st.binary())
def test_what_is_no_status_is_none(raw: bytes) -> None:
    assert decode(raw) is None


@pytest.mark.parametrize(
    "raw", [b"", b"\x91" * 100_000, msgspec.msgpack.encode([1]), msgspec.json.encode(FULL)]
)
def test_what_only_looks_like_one_is_none_too(raw: bytes) -> None:
    assert decode(raw) is None


def test_a_status_of_more_partitions_than_a_topic_can_have_is_none() -> None:
    assert decode(encode(status(partitions_total=10**12))) is None
    assert decode(encode(status(partitions_total=-1))) is None


def gauges(waiting: int, *names: tuple[str, str]) -> PartitionGauges:
    return PartitionGauges(
        T0, {name: QueueGauges({BandState.WITHIN: waiting}, T0) for name in names}, 0, {}
    )


def test_partitions_are_merged_counts_summed_and_instants_the_earliest() -> None:
    one = QueueGauges(dict(zip(BandState, (1, 2, 3, 4), strict=True)), T0, T0 + 9, {"5m": 1})
    two = QueueGauges(
        dict(zip(BandState, (10, 20, 30, 40), strict=True)),
        T0 - 1,
        None,
        {"5m": 10, "15m": 20, "60m": 30},
    )
    queues: Queues = {}

    for _ in merged_gauges(
        queues,
        [PartitionGauges(T0, {("chat", "none"): it}, 0, {}) for it in (one, two)],
    ):
        pass

    assert [*queues.values()] == [
        queue(waiting=(11, 22, 33, 44), oldest=T0 - 1, next_deadline=T0 + 9, due=(11, 20, 30))
    ]


def test_queues_in_which_nobody_waits_for_a_first_answer_are_left_out() -> None:
    queues: Queues = {}

    list(merged_gauges(queues, [gauges(0, ("chat", "none"))]))

    assert queues == {}


def test_queues_beyond_the_bound_are_told_as_other_and_nobody_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_QUEUES", 3)
    queues: Queues = {}

    list(merged_gauges(queues, [gauges(1, *(("chat", f"q{n}") for n in range(10)))]))

    assert {name: one.waiting[0] for (_, name), one in queues.items()} == {
        "q0": 1,
        "q1": 1,
        "q2": 1,
        "other": 7,
    }


def test_a_status_of_the_largest_size_fits_a_record() -> None:
    largest = status(
        queues=[
            queue("c" * 64, f"{n:064}", (10**6,) * 4, T0, T0, (10**6,) * 3)
            for n in range(MOST_QUEUES)
        ],
        late=[urgent("i" * 256)] * 10,
        coming=[urgent("i" * 256)] * 10,
        reasons=shortened(["r" * 200] * 500),
        partitions=dict.fromkeys(range(1000), T0),
    )

    assert len(encode(largest)) < 500_000


def test_many_reasons_are_cut_and_say_so() -> None:
    assert shortened(["a"]) == ["a"]
    assert shortened([str(n) for n in range(25)])[-2:] == ["19", "and 5 more"]


@pytest.mark.parametrize(("counted", "decided"), [(True, 9), (False, 7)])
def test_abandoned_contacts_are_decided_if_the_policy_counts_them(
    *, counted: bool, decided: int
) -> None:
    rolling = Rolling()
    rolling.moved(0, T0)
    counts = {"met": 3, "missed": 4, "abandoned": 2, "excluded": 9}
    rolling.counted(0, Counter({("chat", "10m", what): n for what, n in counts.items()}))
    rolling.moved(0, T0)
    policies = book(policy("chat", promise="10m", abandoned_counts=counted))

    lately, later = (
        next(one for one in channels_of(rolling, policies, at) if one.channel == "chat")
        for at in (T0, T0 + 30 * MINUTE)
    )

    assert (lately.kept, later.kept) == ((3, decided), (0, 0))
    assert lately.bands == later.bands == {"10m": (3, decided), "1h": (0, 0)}


def test_the_form_on_the_wire_is_the_one_of_version_1() -> None:
    """Whoever changes this raises ``VERSION``, unless fields only join at the end."""
    names = [field.name for field in msgspec.structs.fields(ProcessStatus)]

    assert module.VERSION == 1
    assert names == [
        *("version", "group", "process", "number", "generation", "trust", "reasons"),
        *("partitions", "partitions_total", "since", "queues", "channels", "late", "coming"),
    ]
