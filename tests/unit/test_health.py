"""What /readyz, the heartbeat and the watchdog are told. Instants are seconds, passed in."""

from collections.abc import Mapping

import pytest

from firstreply.health import BEHIND_SECONDS, Health

STALL = 60.0


class Seen:
    """A health that is looked at with the commit and the proof of that instant, unless told."""

    def __init__(self) -> None:
        self.health = Health(STALL, 0)

    def look(
        self,
        now: float,
        offsets: Mapping[int, int],
        ends: Mapping[int, int] | None = None,
        *,
        assigned: frozenset[int] | None = None,
        committed: bool = True,
        proved: bool = True,
        settled: bool = True,
    ) -> Health:
        if committed:
            self.health.committed([0], now)
        if proved:
            self.health.proved(now)
        self.health.looked(
            assigned=frozenset(offsets) if assigned is None else assigned,
            offsets=offsets,
            ends={} if ends is None else ends,
            now=now,
            settled=settled,
        )
        return self.health


def test_a_service_that_was_never_looked_at_is_not_ready_and_says_why() -> None:
    health = Health(STALL, 0)

    assert not health.ready
    assert health.reasons == ["starting: the group has assigned nothing yet"]
    assert not health.moving


def test_a_service_that_waits_for_its_first_partition_is_not_ready() -> None:
    health = Seen().look(1, {}, settled=False)

    assert not health.ready
    assert health.reasons == ["starting: the group has assigned nothing yet"]


def test_a_member_that_is_given_nothing_any_more_is_ready_to_stand_by() -> None:
    seen = Seen()
    seen.look(1, {0: 5}, {0: 5})

    health = seen.look(2, {})

    assert health.ready
    assert health.stalled(2) is None


def test_every_partition_at_its_end_is_ready_and_moving() -> None:
    health = Seen().look(1, {0: 5, 1: 0}, {0: 5, 1: 0})

    assert health.ready
    assert health.moving
    assert health.reasons == []


def test_an_end_that_no_leader_told_is_a_reason() -> None:
    health = Seen().look(1, {0: 5})

    assert health.reasons == ["partition 0: its end is not known yet"]


def test_an_end_that_is_told_late_and_is_read_already_makes_ready() -> None:
    seen = Seen()
    seen.look(1, {0: 5})

    health = seen.look(2, {0: 5}, {0: 5})

    assert health.ready


def test_a_partition_that_was_not_begun_is_a_reason_and_no_movement() -> None:
    health = Seen().look(1, {1: 5}, {1: 5}, assigned=frozenset({0, 1}))

    assert health.reasons == ["partition 0: not begun yet"]
    assert not health.moving


def test_a_backlog_says_how_many_records_it_has_left() -> None:
    health = Seen().look(1, {0: 5, 3: 2}, {0: 5, 3: 9})

    assert health.reasons == ["partition 3: catching up, 7 records behind"]
    assert not health.ready


def test_a_partition_that_reads_what_one_look_before_was_the_end_has_caught_up() -> None:
    seen = Seen()
    seen.look(1, {0: 0}, {0: 100})

    health = seen.look(2, {0: 100}, {0: 150})

    assert health.ready


def test_a_partition_one_short_of_the_end_of_one_look_before_has_not_caught_up() -> None:
    seen = Seen()
    seen.look(1, {0: 0}, {0: 100})

    health = seen.look(2, {0: 99}, {0: 150})

    assert health.reasons == ["partition 0: catching up, 51 records behind"]


def test_being_behind_for_ten_seconds_is_ready_and_for_longer_is_not() -> None:
    seen = Seen()
    seen.look(99, {0: 5}, {0: 5})
    seen.look(100, {0: 5}, {0: 9})

    at_ten = seen.look(100 + BEHIND_SECONDS, {0: 6}, {0: 9}).ready
    after = seen.look(100 + BEHIND_SECONDS + 0.1, {0: 7}, {0: 9})

    assert BEHIND_SECONDS == 10
    assert at_ten
    assert after.reasons == ["partition 0: catching up, 2 records behind"]


def test_no_accepted_commit_for_ten_seconds_is_ready_and_for_longer_is_not() -> None:
    seen = Seen()
    seen.look(100, {0: 5}, {0: 5})

    at_ten = seen.look(110, {0: 5}, {0: 5}, committed=False).ready
    after = seen.look(112.4, {0: 5}, {0: 5}, committed=False)

    assert at_ten
    assert after.reasons == ["no commit was accepted for 12 s"]


def test_having_nothing_to_commit_is_no_refusal() -> None:
    seen = Seen()
    seen.look(0, {0: 5}, {0: 5})
    seen.look(100, {}, committed=False)

    health = seen.look(105, {0: 5}, {0: 5}, committed=False)

    assert health.ready
    assert health.stalled(105) is None


def test_reading_on_through_a_backlog_is_movement() -> None:
    seen = Seen()
    seen.look(1, {0: 0}, {0: 100})

    health = seen.look(2, {0: 1}, {0: 100})

    assert health.moving


def test_a_backlog_in_which_nothing_is_read_is_no_movement() -> None:
    seen = Seen()
    seen.look(1, {0: 50, 1: 7}, {0: 100, 1: 7})

    health = seen.look(2, {0: 50, 1: 7}, {0: 100, 1: 7})

    assert not health.moving


def test_standing_at_an_end_that_does_not_move_is_movement() -> None:
    seen = Seen()
    seen.look(1, {0: 7}, {0: 7})

    health = seen.look(2, {0: 7}, {0: 7})

    assert health.moving


def test_a_partition_that_is_lost_is_forgotten() -> None:
    seen = Seen()
    seen.look(1, {0: 0, 1: 3}, {0: 100, 1: 3})

    health = seen.look(2, {1: 3}, {1: 3})

    assert health.ready
    assert health.partitions() == {1: {"offset": 3, "end": 3}}


def test_partitions_are_told_in_order_and_without_an_end_where_it_is_unknown() -> None:
    health = Seen().look(1, {2: 3, 0: 1}, {2: 9})

    assert list(health.partitions().items()) == [
        (0, {"offset": 1, "end": None}),
        (2, {"offset": 3, "end": 9}),
    ]


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("commit", "no commit was accepted for 60 s (limits.stall_timeout)"),
        ("proof", "no broker told the end offsets for 60 s (limits.stall_timeout)"),
        ("begin", "an assigned partition could not be begun for 60 s (limits.stall_timeout)"),
        ("record", "partition 4 has unread records but none came for 60 s"),
    ],
)
def test_what_stands_still_for_the_stall_timeout_is_borne_and_for_longer_is_named(
    what: str, message: str
) -> None:
    seen = Seen()
    offsets = {} if what == "begin" else {4: 5}
    ends = {4: 9} if what == "record" else {4: 5}

    def look(now: float) -> str | None:
        health = seen.look(
            now,
            offsets,
            ends,
            assigned=frozenset({4}),
            committed=what != "commit",
            proved=what != "proof",
        )
        return health.stalled(now)

    seen.health.committed([0], 1000)
    seen.health.proved(1000)
    at_first, at_limit, after = look(1000), look(1000 + STALL), look(1000.1 + STALL)

    assert at_first is None
    assert at_limit is None
    assert after is not None
    assert message in after


def test_a_partition_begun_just_in_time_begins_a_new_wait() -> None:
    seen = Seen()
    seen.look(0, {}, assigned=frozenset({0}))
    seen.look(59, {0: 5}, {0: 5})
    seen.look(60, {}, assigned=frozenset({0}))

    health = seen.look(119, {}, assigned=frozenset({0}))

    assert health.stalled(119) is None


def test_one_record_within_the_stall_timeout_keeps_a_partition_alive() -> None:
    seen = Seen()
    seen.look(0, {0: 1}, {0: 9})
    seen.look(59, {0: 2}, {0: 9})

    health = seen.look(118, {0: 2}, {0: 9})

    assert health.stalled(118) is None
    assert health.stalled(119.1) is not None


def test_a_partition_that_begins_anew_at_an_earlier_offset_counts_from_there() -> None:
    seen = Seen()
    seen.look(0, {0: 50}, {0: 90})
    seen.look(1, {0: 10}, {0: 90})

    health = seen.look(2, {0: 11}, {0: 90})

    assert health.moving
    assert health.partitions() == {0: {"offset": 11, "end": 90}}


@pytest.mark.parametrize(("silence", "ready"), [(10.0, True), (10.5, False)])
def test_ends_that_nobody_renewed_for_more_than_ten_seconds_are_not_trusted(
    silence: float, *, ready: bool
) -> None:
    health = Health(60, 0)
    health.proved(0)

    health.committed([0], silence)
    health.looked(assigned=frozenset({0}), offsets={0: 5}, ends={0: 5}, now=silence)

    assert health.ready is ready
    assert health.moving is ready
    assert health.reasons == ([] if ready else ["no broker told the end offsets for 10 s"])


def test_a_rebalance_that_does_not_end_is_neither_ready_nor_moving_and_stalls() -> None:
    health = Health(60, 0)
    health.looked(assigned=frozenset({0}), offsets={0: 5}, ends={0: 5}, now=1)

    for now in (2.0, 62.0):
        health.proved(now)
        health.looked(assigned=frozenset(), offsets={}, ends={}, now=now, settled=False)
    at_the_limit = health.stalled(62)

    assert at_the_limit is None
    assert not health.moving
    assert health.reasons == ["a rebalance is under way"]
    assert str(health.stalled(62.001)).startswith("a rebalance did not end for 60 s")


def test_a_spare_member_is_ready_with_nothing_to_do() -> None:
    health = Health(60, 0)

    health.proved(2)
    health.looked(assigned=frozenset(), offsets={}, ends={}, now=2)

    assert health.ready
    assert health.moving
    assert health.spare


def test_a_spare_member_never_stalls() -> None:
    health = Health(60, 0)

    for now in range(0, 600, 30):
        health.proved(now)  # there is nothing to ask the leaders for
        health.looked(assigned=frozenset(), offsets={}, ends={}, now=now)

        assert health.stalled(now) is None
        assert health.ready


def test_nobody_is_a_spare_member_while_the_group_shares_out() -> None:
    health = Health(60, 0)
    before = health.spare

    health.looked(assigned=frozenset(), offsets={}, ends={}, now=1)
    given_none = health.spare
    health.looked(assigned=frozenset(), offsets={}, ends={}, now=2, settled=False)
    sharing_out = health.spare
    health.looked(assigned=frozenset({0}), offsets={}, ends={}, now=3)

    assert (before, given_none, sharing_out, health.spare) == (False, True, False, False)


def test_a_failed_checkpoint_is_named_when_nothing_becomes_durable() -> None:
    health = Health(60, 0)
    health.failed(0, "the dead letter topic does not answer")

    health.proved(61)
    stalled_then = health.stalled(61)
    health.committed([0], 61)

    assert stalled_then == (
        "partition 0: nothing was made durable for 60 s (limits.stall_timeout): "
        "the dead letter topic does not answer"
    )
    assert health.stalled(61) is None


def test_a_partition_that_is_not_made_durable_is_named_though_others_are() -> None:
    health = Health(60, 0)
    for now in range(0, 63, 3):
        health.proved(now)
        health.failed(1, "its state log has no leader")
        health.committed([0], now)
        health.looked(assigned=frozenset({0, 1}), offsets={0: 5, 1: 5}, ends={0: 5, 1: 5}, now=now)

    assert health.reasons == [
        "partition 1: nothing was made durable for 60 s: its state log has no leader"
    ]
    assert health.stalled(60) is None
    assert health.stalled(61) == (
        "partition 1: nothing was made durable for 60 s (limits.stall_timeout): "
        "its state log has no leader"
    )
    health.looked(assigned=frozenset({0}), offsets={0: 5}, ends={0: 5}, now=61)
    assert health.stalled(61) is None, "it is another's now"


def test_an_older_state_is_told_although_the_figures_of_now_are_right() -> None:
    health = Health(60, 0)
    health.proved(1)
    health.committed([0], 1)

    health.went_back({0: "offset 7 is damaged"})
    health.looked(assigned=frozenset({0}), offsets={0: 5}, ends={0: 5}, now=1)

    assert health.ready
    (warning,) = health.warnings
    assert warning.startswith("partition 0: offset 7 is damaged; it went on from an older state")


def test_a_restore_that_begins_again_and_again_does_not_get_further() -> None:
    health = Health(60, 0)
    for now in range(62):
        health.proved(now)
        share = {0: 0.1 * (now % 5)} if now % 7 else {}
        health.looked(assigned=frozenset({0}), offsets={}, ends={}, restoring=share, now=now)
    before = health.stalled(61)
    health.looked(assigned=frozenset({0}), offsets={}, ends={}, restoring={0: 0.5}, now=62)

    assert before is None, "it got to 40 % after a few seconds"
    for now in range(63, 130):
        health.proved(now)
        health.looked(assigned=frozenset({0}), offsets={}, ends={}, restoring={0: 0.4}, now=now)
    stalled = health.stalled(129)
    assert stalled is not None
    assert "could not be begun" in stalled


# -- restoring


def look(health: Health, now: float, restoring: Mapping[int, float]) -> None:
    health.committed([0], now)
    health.proved(now)
    health.looked(
        assigned=frozenset({0}), offsets={}, ends={}, now=now, settled=True, restoring=restoring
    )


def test_a_partition_that_is_being_restored_says_how_far_it_is() -> None:
    health = Health(STALL, 0)

    look(health, 1, {0: 0.4})

    assert health.reasons == ["partition 0: restoring its state, 40%"]
    assert not health.ready


def test_a_restore_that_gets_further_is_no_standstill_however_long() -> None:
    health = Health(STALL, 0)

    for step in range(10):
        look(health, step * STALL, {0: step / 10})

    assert health.stalled(9 * STALL + STALL) is None


def test_a_restore_that_stands_still_is_one() -> None:
    health = Health(STALL, 0)
    look(health, 1, {0: 0.4})
    look(health, 2, {0: 0.4})

    look(health, 2 + STALL, {0: 0.4})

    assert "could not be begun" in str(health.stalled(2 + STALL))
