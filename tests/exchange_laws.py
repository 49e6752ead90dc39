"""What holds of every ``wall.exchange.Exchange``: one suite, for the one in memory and for Kafka's.

Subclass ``ExchangeLaws`` in a test module and give it a fixture ``bench``.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from firstreply.wall.exchange import Exchange
from firstreply.wall.fresh import FRESH_SECONDS
from firstreply.wall.status import ProcessStatus
from tests.unit.wall.statuses import status

GROUP = "g/t"


class Bench(Protocol):
    """A topic, and processes that use it."""

    async def member(self, process: str, group: str = GROUP) -> Exchange:
        """Start a process; the bench ends it."""

    async def write(self, raw: bytes) -> None:
        """Append any record."""

    def pass_time(self, seconds: float) -> None:
        """Let our own clocks go on."""


def told(process: str, number: int = 1, group: str = GROUP) -> ProcessStatus:
    return status(process, number=number, group=group)


async def until(is_so: Callable[[], bool], *, meanwhile: Callable[[], object] = bool) -> None:
    """Wait until something is so; the meanwhile, offer again as a process does each second."""
    async with asyncio.timeout(60):
        while not is_so():
            meanwhile()
            await asyncio.sleep(0.05)


def seen(exchange: Exchange) -> dict[str, int]:
    """Return the number of the last status of each process."""
    return {one.process: one.number for one in exchange.others()}


class ExchangeLaws:
    """The suite."""

    async def test_what_one_tells_the_other_reads(self, bench: Bench) -> None:
        one, two = await bench.member("one"), await bench.member("two")
        for exchange in (one, two):
            exchange.want()

        one.offer(told("one", 7))
        two.offer(told("two", 8))

        await until(lambda: seen(one) == {"two": 8} and seen(two) == {"one": 7})

    async def test_nobody_is_told_of_without_wanting_it(self, bench: Bench) -> None:
        one, two, idle = [await bench.member(name) for name in ("one", "two", "idle")]
        two.want()

        one.offer(told("one"))
        await until(lambda: seen(two) == {"one": 1})

        assert seen(idle) == {}
        assert idle.unread() is not None

    async def test_a_newer_status_takes_the_place_of_an_older_one(self, bench: Bench) -> None:
        one, two = await bench.member("one"), await bench.member("two")
        two.want()
        numbers: list[int] = []

        for number in range(1, 6):
            one.offer(told("one", number))
            await until(lambda number=number: seen(two) == {"one": number})  # type: ignore[misc]
            numbers.append(seen(two)["one"])

        assert numbers == [1, 2, 3, 4, 5]

    async def test_who_begins_to_read_gets_what_was_told_just_before(self, bench: Bench) -> None:
        one, early = await bench.member("one"), await bench.member("early")
        early.want()
        one.offer(told("one", 3))
        await until(lambda: seen(early) == {"one": 3})

        late = await bench.member("late")
        late.want()
        async with asyncio.timeout(30):
            await late.first_read()

        assert seen(late) == {"one": 3}
        assert late.unread() is None

    async def test_what_is_no_status_or_of_another_group_is_passed_over(self, bench: Bench) -> None:
        one, two = await bench.member("one"), await bench.member("two")
        stranger = await bench.member("stranger", "another/t")
        two.want()

        await bench.write(b"\xff\x00 no status")
        await bench.write(b"")
        stranger.offer(told("stranger", group="another/t"))
        one.offer(told("one"))
        await until(lambda: seen(two) == {"one": 1})

        assert seen(two) == {"one": 1}

    async def test_who_tells_nothing_any_more_is_forgotten(self, bench: Bench) -> None:
        one, two, three = [await bench.member(name) for name in ("one", "two", "three")]
        three.want()
        one.offer(told("one"))
        two.offer(told("two"))
        await until(lambda: len(seen(three)) == 2)

        bench.pass_time(FRESH_SECONDS + 0.1)
        two.offer(told("two", 2))
        await until(lambda: seen(three) == {"two": 2})

    async def test_a_process_does_not_hear_itself(self, bench: Bench) -> None:
        one, two = await bench.member("one"), await bench.member("two")
        for exchange in (one, two):
            exchange.want()

        one.offer(told("one"))
        await until(lambda: seen(two) == {"one": 1})
        two.offer(told("two"))
        await until(lambda: seen(one) == {"two": 1})

        assert seen(one) == {"two": 1}
