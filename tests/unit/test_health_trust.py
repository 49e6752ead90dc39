"""In one word, whether the figures can be trusted: the worst of the reasons told."""

from collections.abc import Mapping

from firstreply.health import BEHIND_SECONDS, Health, Trust


def looked(
    health: Health,
    now: float,
    *,
    assigned: frozenset[int] = frozenset({0}),
    offsets: Mapping[int, int] | None = None,
    ends: Mapping[int, int] | None = None,
    settled: bool = True,
) -> Trust:
    health.looked(
        assigned=assigned,
        offsets={0: 5} if offsets is None else offsets,
        ends={0: 5} if ends is None else ends,
        settled=settled,
        now=now,
    )
    return health.trust


def test_before_the_group_has_assigned_anything_it_is_starting() -> None:
    assert Health(60, 0).trust is Trust.STARTING


def test_everything_read_is_ok() -> None:
    assert looked(Health(60, 0), 1) is Trust.OK


def test_a_partition_not_begun_or_of_unknown_end_and_a_rebalance_are_starting() -> None:
    assert looked(Health(60, 0), 1, assigned=frozenset({0, 1})) is Trust.STARTING
    assert looked(Health(60, 0), 1, ends={}) is Trust.STARTING
    health = Health(60, 0)
    looked(health, 1)
    assert looked(health, 2, settled=False) is Trust.STARTING


def test_unread_records_are_catching_up() -> None:
    assert looked(Health(60, 0), 1, ends={0: 6}) is Trust.CATCHING_UP


def test_brokers_that_do_not_answer_make_it_stale_which_is_worse_than_all_else() -> None:
    health = Health(60, 0)
    for second in (1, 2):
        looked(health, second, ends={0: 4 + second})

    assert looked(health, 3 + BEHIND_SECONDS, ends={0: 6}) is Trust.STALE
    assert [reason.partition(" for")[0] for reason in health.reasons] == [
        "partition 0: catching up, 1 records behind",
        "no broker told the end offsets",
        "no commit was accepted",
    ]


def test_the_words_go_from_the_best_to_the_worst() -> None:
    assert [*Trust] == ["ok", "partial", "catching_up", "starting", "stale"]
