"""Which statuses of others are believed: fresh by the broker's clock and by ours."""

from typing import Any

from firstreply.wall.fresh import FRESH_SECONDS, MOST_PROCESSES, FreshStatuses
from firstreply.wall.status import encode
from tests.unit.wall.statuses import status

LIMIT = int(FRESH_SECONDS * 1000)


class Reader:
    """Takes statuses at a time of its own."""

    def __init__(self) -> None:
        self.now = 100.0
        self._fresh = FreshStatuses("g/t", "me", lambda: self.now)

    def take(self, process: str, at_broker: int | None, **fields: Any) -> None:  # noqa: ANN401
        self._fresh.take(encode(status(process, **fields)), at_broker)

    def take_raw(self, raw: bytes | None, at_broker: int | None) -> None:
        self._fresh.take(raw, at_broker)

    def others(self) -> list[str]:
        return [one.process for one in self._fresh.others()]

    def numbers(self) -> list[int]:
        return [one.number for one in self._fresh.others()]


def test_the_last_status_of_each_other_process_is_told() -> None:
    reader = Reader()

    reader.take("a", 0, number=1)
    reader.take("b", 1, number=7)
    reader.take("a", 2, number=2)
    reader.take("me", 3)

    assert sorted(reader.numbers()) == [2, 7]


def test_a_status_that_was_overtaken_is_not_told_again() -> None:
    reader = Reader()

    reader.take("a", 0, number=2)
    reader.take("a", 1, number=1)

    assert reader.numbers() == [2]


def test_a_status_is_fresh_until_the_broker_has_stamped_one_much_later() -> None:
    reader = Reader()
    reader.take("a", 0)

    reader.take("b", LIMIT)
    at_the_limit = reader.others()
    reader.take("me", LIMIT + 1)

    assert at_the_limit == ["a", "b"]
    assert reader.others() == ["b"]


def test_a_status_is_fresh_no_longer_than_that_by_our_clock_though_nothing_came() -> None:
    reader = Reader()
    reader.take("a", 0)

    reader.now += FRESH_SECONDS
    at_the_limit = reader.others()
    reader.now += 0.001

    assert at_the_limit == ["a"]
    assert reader.others() == []


def test_any_record_tells_the_brokers_time_even_one_that_is_no_status() -> None:
    reader = Reader()
    reader.take("a", 0)

    reader.take_raw(b"\xff no status", LIMIT + 1)
    reader.take_raw(None, 0)

    assert reader.others() == []


def test_statuses_of_another_group_or_of_nobody_are_passed_over() -> None:
    reader = Reader()

    reader.take("a", 0, group="another/t")
    reader.take_raw(None, 1)
    reader.take_raw(b"", 2)

    assert reader.others() == []


def test_where_the_broker_does_not_stamp_only_our_clock_counts() -> None:
    reader = Reader()

    reader.take("a", None)
    reader.take("b", 10**12)

    assert reader.others() == ["a", "b"]


def test_the_number_of_processes_is_bounded() -> None:
    reader = Reader()

    for number in range(MOST_PROCESSES + 5):
        reader.take(f"p{number}", 0)

    assert len(reader.others()) == MOST_PROCESSES
    assert reader.others()[0] == "p5"
