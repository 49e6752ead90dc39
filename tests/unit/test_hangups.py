"""SIGHUP asks for a reload, also while the service starts, and never ends it."""

import asyncio
import signal

from firstreply.hangups import hangups, hangups_held


async def told(event: asyncio.Event) -> None:
    async with asyncio.timeout(30):
        await event.wait()


async def test_each_signal_sets_the_event() -> None:
    with hangups_held(), hangups() as asked:
        for _ in range(2):
            asked.clear()
            signal.raise_signal(signal.SIGHUP)
            await told(asked)


async def test_one_that_came_before_anybody_listened_is_told_then() -> None:
    with hangups_held():
        signal.raise_signal(signal.SIGHUP)  # would end this process

        with hangups() as asked:
            await told(asked)


async def test_afterwards_the_signal_means_what_it_meant_before() -> None:
    before = signal.getsignal(signal.SIGHUP)

    with hangups_held(), hangups():
        pass

    assert signal.getsignal(signal.SIGHUP) == before
    assert signal.SIGHUP not in signal.pthread_sigmask(signal.SIG_BLOCK, set())
