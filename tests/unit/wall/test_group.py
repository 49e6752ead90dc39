"""Several processes as one: nothing counted twice, nothing trusted that is not told."""

import pytest

from firstreply.health import Trust
from firstreply.wall.group import Group, merge
from firstreply.wall.status import ProcessStatus
from tests.unit.domain.builders import T0
from tests.unit.wall.statuses import channel, queue, status, urgent


def merged(*statuses: ProcessStatus, unread: str | None = None) -> Group:
    *_, group = merge(statuses, unread)
    assert group is not None
    return group


def half(process: str, number: int, **given: object) -> ProcessStatus:
    """Build the status of a process that owns one of two partitions."""
    return status(process, partitions={number: T0 + number}, partitions_total=2, **given)


def test_two_processes_that_share_the_partitions_are_one_picture() -> None:
    group = merged(
        half("a", 0, queues=[queue(waiting=(1, 2, 3, 4))], since=T0),
        half("b", 1, queues=[queue(waiting=(5, 0, 0, 0)), queue("email")], since=T0 + 9),
    )

    assert (group.trust, group.reasons) == (Trust.OK, [])
    assert (group.processes, group.partitions_covered, group.partitions_total) == (2, 2, 2)
    assert group.queues["chat", "none"].waiting == (6, 2, 3, 4)
    assert group.queues["email", "none"].waiting == (1, 0, 0, 0)
    assert group.at == T0
    assert group.since == T0 + 9


def test_what_was_counted_is_summed_over_all_also_over_a_process_that_owns_nothing_now() -> None:
    counted = channel(
        received=10, answered=8, abandoned=1, kept=(3, 4), bands={"10m": (5, 6), "1h": (1, 1)}
    )
    spare = status("b", partitions={}, channels=[channel(received=1, bands={"10m": (1, 2)})])

    group = merged(status("a", channels=[counted]), spare)

    assert group.trust is Trust.OK
    assert group.channels["chat"] == channel(
        received=11, answered=8, abandoned=1, kept=(3, 4), bands={"10m": (6, 8), "1h": (1, 1)}
    )


def test_a_zombie_of_an_older_generation_is_not_counted_twice() -> None:
    zombie = status(
        "z", generation=7, queues=[queue(waiting=(9, 0, 0, 0))], late=[urgent("old", overdue=9)]
    )
    owner = status(
        "o", generation=8, queues=[queue(waiting=(1, 0, 0, 0))], late=[urgent("new", overdue=1)]
    )

    for order in ((zombie, owner), (owner, zombie)):
        group = merged(*order)

        assert group.queues["chat", "none"].waiting == (1, 0, 0, 0)
        assert [one.contact_id for one in group.late] == ["new"]
        assert group.trust is Trust.OK


def test_a_process_that_the_coordinator_has_refused_covers_nothing() -> None:
    group = merged(half("a", 0, generation=-1), half("b", 1, generation=3))

    assert group.trust is Trust.PARTIAL
    assert group.partitions_covered == 1


def test_a_partition_that_nobody_tells_makes_it_partial_and_names_it() -> None:
    group = merged(half("a", 0), unread="status topic s: failed 3 times: no broker")

    assert group.trust is Trust.PARTIAL
    assert group.reasons == [
        "no process tells the figures of partitions 1",
        "status topic s: failed 3 times: no broker",
    ]


def test_an_unread_status_topic_does_not_matter_to_who_owns_everything() -> None:
    group = merged(status("a"), unread="status topic s: failed 3 times: no broker")

    assert (group.trust, group.reasons) == (Trust.OK, [])


@pytest.mark.parametrize("trust", [Trust.CATCHING_UP, Trust.STARTING, Trust.STALE])
def test_the_worst_of_those_who_own_partitions_is_told_with_its_reasons(trust: Trust) -> None:
    group = merged(half("a", 0), half("b", 1, trust=trust, reasons=["because"]))

    assert (group.trust, group.reasons) == (trust, ["because"])


def test_a_spare_member_that_starts_does_not_spoil_the_picture() -> None:
    starting = status("b", partitions={}, trust=Trust.STARTING, reasons=["starting"])

    assert merged(status("a"), starting).trust is Trust.OK


def test_why_a_process_lost_its_partitions_is_told_when_they_are_missing() -> None:
    stale = status("b", partitions={}, trust=Trust.STALE, reasons=["no commit"])

    group = merged(half("a", 0), stale)

    assert group.trust is Trust.STALE
    assert group.reasons == ["no commit", "no process tells the figures of partitions 1"]


def test_alone_and_starting_it_is_starting() -> None:
    begin = status("a", partitions={}, partitions_total=0, trust=Trust.STARTING, reasons=["s"])

    group = merged(begin)

    assert (group.trust, group.at, group.reasons) == (Trust.STARTING, None, ["s"])
    assert merged().trust is Trust.STARTING


def test_many_missing_partitions_are_not_all_named() -> None:
    group = merged(status("a", partitions={0: T0}, partitions_total=64))

    assert group.reasons == [
        "no process tells the figures of partitions 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more"
    ]


def test_the_ten_most_urgent_of_all_are_told_in_order() -> None:
    group = merged(
        half(
            "a",
            0,
            late=[urgent(f"a{n}", overdue=n) for n in (20, 18, 16, 14, 12, 10, 8, 6, 4, 2)],
            coming=[urgent(f"a{n}", deadline=T0 + n) for n in (1, 3, 5, 7, 9, 11, 13)],
        ),
        half(
            "b",
            1,
            late=[urgent(f"b{n}", overdue=n) for n in (19, 17, 15, 13, 11, 9, 7, 5, 3, 1)],
            coming=[urgent(f"b{n}", deadline=T0 + n) for n in (2, 4, 6, 8, 10, 12, 14)],
        ),
    )

    assert [one.overdue for one in group.late] == list(range(20, 10, -1))
    assert [one.deadline_at - T0 for one in group.coming] == list(range(1, 11))
