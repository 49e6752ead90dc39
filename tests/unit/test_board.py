"""The figures of the terminal table: net, summed over partitions, handed on unchanged."""

from datetime import UTC, datetime

from firstreply.adapters.terminal import ChannelRow
from firstreply.board import Board
from firstreply.domain.calendar import Calendar
from firstreply.domain.gauges import BandState, PartitionGauges, QueueGauges
from firstreply.domain.increments import Increments
from firstreply.domain.instants import MINUTE, SECOND
from firstreply.domain.policy_book import PolicyBook
from tests.unit.domain.builders import T0, at, book, policy
from tests.unit.fakes import FakePublisher

OUTCOMES = "contact_expectation_outcomes_total"
CORRECTIONS = "contact_expectation_corrections_total"
CHAT = policy("chat", promise="10m")


def board_of(policies: PolicyBook) -> Board:
    return Board(policies, FakePublisher([]))


def row(board: Board, channel: str = "chat") -> ChannelRow:
    return next(row for row in board.rows() if row.channel == channel)


def counted(*counts: tuple[str, tuple[str, ...], int]) -> Increments:
    return Increments({(metric, labels): amount for metric, labels, amount in counts})


def gauges(at_: int | None, **queues: QueueGauges) -> PartitionGauges:
    return PartitionGauges(at_, {("chat", name): queue for name, queue in queues.items()}, 0, {})


def test_outcomes_are_summed_over_queues_partitions_and_checkpoints() -> None:
    board = board_of(book(CHAT))

    board.checkpointed(0, 1, counted((OUTCOMES, ("chat", "billing", "10m", "met"), 2)))
    board.checkpointed(0, 2, counted((OUTCOMES, ("chat", "none", "10m", "met"), 3)))
    board.checkpointed(1, 1, counted((OUTCOMES, ("chat", "none", "10m", "missed"), 4)))

    assert row(board).bands == {"10m": (5, 9), "1h": (0, 0)}


def test_a_correction_moves_a_contact_from_one_outcome_to_the_other() -> None:
    board = board_of(book(CHAT))

    board.checkpointed(0, 1, counted((OUTCOMES, ("chat", "none", "10m", "missed"), 5)))
    board.checkpointed(0, 1, counted((CORRECTIONS, ("chat", "none", "10m", "missed", "met"), 2)))

    assert row(board).bands["10m"] == (2, 5)


def test_a_correction_to_excluded_takes_a_contact_out_of_the_decided() -> None:
    board = board_of(book(CHAT))

    board.checkpointed(0, 1, counted((OUTCOMES, ("chat", "none", "10m", "met"), 5)))
    board.checkpointed(0, 1, counted((CORRECTIONS, ("chat", "none", "10m", "met", "excluded"), 1)))

    assert row(board).bands["10m"] == (4, 4)


def test_abandoned_contacts_are_decided_and_excluded_ones_are_not() -> None:
    board = board_of(book(CHAT))

    board.checkpointed(
        0,
        1,
        counted(
            (OUTCOMES, ("chat", "none", "10m", "met"), 3),
            (OUTCOMES, ("chat", "none", "10m", "abandoned"), 2),
            (OUTCOMES, ("chat", "none", "10m", "excluded"), 7),
        ),
    )

    assert row(board).bands["10m"] == (3, 5)
    promise = row(board).promise
    assert promise is not None
    assert (promise.band, promise.objective, promise.share) == ("10m", 0.9, 3 / 5)


def test_abandoned_contacts_that_the_channel_ignores_are_not_decided() -> None:
    board = board_of(book(policy("chat", promise="10m", abandoned_counts=False)))

    board.checkpointed(
        0,
        1,
        counted(
            (OUTCOMES, ("chat", "none", "10m", "met"), 3),
            (OUTCOMES, ("chat", "none", "10m", "abandoned"), 2),
        ),
    )

    assert row(board).bands["10m"] == (3, 3)


def test_a_promise_without_decisions_has_no_share() -> None:
    promise = row(board_of(book(CHAT))).promise

    assert promise is not None
    assert promise.share is None


def test_received_answered_and_abandoned_are_counted_per_channel() -> None:
    board = board_of(book(CHAT))
    increments = counted(
        ("contact_received_total", ("chat", "none"), 3),
        ("contact_received_total", ("chat", "billing"), 1),
        ("contact_abandoned_total", ("chat", "none"), 2),
        ("contact_received_total", ("email", "none"), 9),
    )
    increments.observe("contact_first_response_seconds", "chat", "none", seconds=30)
    increments.observe("contact_first_response_seconds", "chat", "none", seconds=31)
    increments.observe("contact_reply_seconds", "chat", "none", seconds=32)

    board.checkpointed(0, 1, increments)

    shown = row(board)
    assert (shown.received, shown.answered, shown.abandoned) == (4, 2, 2)
    assert row(board, "email").received == 9


def test_a_contact_that_turns_out_to_be_of_another_channel_is_received_there_alone() -> None:
    board = board_of(book(CHAT))

    board.checkpointed(0, 1, counted(("contact_received_total", ("email", "none"), 3)))
    board.checkpointed(
        0,
        1,
        counted(
            ("contact_received_corrections_total", ("email", "none", "out"), 1),
            ("contact_received_corrections_total", ("chat", "none", "in"), 1),
        ),
    )

    assert row(board, "email").received == 2
    assert row(board, "chat").received == 1


def test_channels_without_a_promise_are_shown_from_their_first_contact_on() -> None:
    board = board_of(book(CHAT))
    before = [row.channel for row in board.rows()]

    board.checkpointed(0, 1, counted(("contact_received_total", ("email", "none"), 1)))

    assert before == ["chat"]
    assert [row.channel for row in board.rows()] == ["chat", "email"]


def test_who_waits_is_summed_over_partitions_and_the_oldest_is_the_oldest_of_all() -> None:
    board = board_of(book(CHAT))

    board.gauges(
        0,
        gauges(
            at(1000),
            none=QueueGauges({BandState.WITHIN: 1, BandState.AT_RISK: 2}, at(400), at(1100)),
            billing=QueueGauges({BandState.OVERDUE: 3, BandState.FAR_OVERDUE: 4}, at(500), None),
        ),
    )
    board.gauges(1, gauges(at(1200), none=QueueGauges({BandState.WITHIN: 5}, at(700), at(1250))))

    shown = row(board)
    assert (shown.waiting, shown.at_risk, shown.overdue) == (15, 2, 7)
    assert shown.oldest_wait_seconds == 600
    assert shown.next_deadline_seconds == 50


def test_a_channel_in_which_nobody_waits_has_no_oldest_and_no_deadline() -> None:
    board = board_of(book(CHAT))

    board.gauges(0, gauges(at(1000)))

    shown = row(board)
    assert (shown.waiting, shown.oldest_wait_seconds, shown.next_deadline_seconds) == (
        0,
        None,
        None,
    )


def test_a_partition_that_is_dropped_waits_no_longer_and_keeps_what_was_counted() -> None:
    board = board_of(book(CHAT))
    board.checkpointed(0, 1, counted((OUTCOMES, ("chat", "none", "10m", "met"), 1)))
    board.gauges(0, gauges(at(1000), none=QueueGauges({BandState.WITHIN: 1}, at(400))))

    board.drop(0)
    board.drop(0)

    assert row(board).waiting == 0
    assert row(board).bands["10m"] == (1, 1)
    assert board.service_clock() is None


def test_the_service_clock_is_the_earliest_of_the_partitions_that_have_one() -> None:
    board = board_of(book(CHAT))

    board.gauges(0, gauges(None))
    before = board.service_clock()
    board.gauges(1, gauges(at(60)))
    board.gauges(2, gauges(at(59.5)))

    assert before is None
    assert board.service_clock() == datetime(2026, 3, 2, 9, 0, 59, 500_000, tzinfo=UTC)


def test_a_channel_is_open_by_its_calendar_at_the_service_clock() -> None:
    office = Calendar.from_weekly(timezone="UTC", weekly={"mon": [("09:00", "10:00")]})
    board = board_of(book(policy("chat", promise="10m", calendar=office)))

    states = [row(board).is_open]
    for moment in (T0, T0 + 60 * MINUTE - 1, T0 + 60 * MINUTE):
        board.gauges(0, gauges(moment))
        states.append(row(board).is_open)

    assert states == [True, True, True, False]


def test_everything_is_handed_on() -> None:
    behind = FakePublisher([])
    board = Board(book(CHAT), behind)
    increments = counted((OUTCOMES, ("chat", "none", "10m", "met"), 1))
    now, ready = gauges(at(1)), True

    board.checkpointed(3, 7, increments)
    board.gauges(3, now)
    board.clock(3, at(1))
    board.lag(3, 4, 5.5)
    board.heartbeat(6)
    board.clock_skew(0.5)
    board.ready(ready)
    shown = dict(behind.shown), dict(behind.lags)
    board.drop(3)

    assert behind.counted == {(3, OUTCOMES, ("chat", "none", "10m", "met")): 1}
    assert shown == ({3: now}, {3: (4, 5.5)})
    assert (behind.heartbeats, behind.skews, behind.said_ready) == ([6], [0.5], [True])
    assert (behind.shown, behind.lags) == ({}, {})
    assert SECOND == 1_000_000
